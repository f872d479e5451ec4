//! Whole checks of small certificates for the proofs to replay
//! (`proofs/theories/checker/vectors.v`).
//!
//! With `UPDATE_EXPECTED=1` in the environment the file is written instead of compared.

mod common;

use certificate::bound::action_values;
use certificate::{Certificate, Checked, Decision, Model, Sets, ValueBounds};
use common::{Arrays, accepted, backup, nucleus, optimal, restricted};
use rounding::Enclosure;
use std::collections::BTreeMap;
use std::path::Path;

fn bits(x: f64) -> String {
    format!("0x{:x}", x.to_bits())
}

fn list<T>(things: impl IntoIterator<Item = T>, text: impl Fn(T) -> String) -> String {
    format!("[{}]", things.into_iter().map(text).collect::<Vec<_>>().join("; "))
}

fn numbers(x: &[f64]) -> String {
    list(x, |&x| bits(x))
}

fn ends(e: Enclosure) -> String {
    format!("({}, {})", bits(e.lo()), bits(e.hi()))
}

fn enclosures(es: &[Enclosure]) -> String {
    list(es, |&e| ends(e))
}

fn indices<T: Copy + Into<u64>>(x: &[T]) -> String {
    list(x, |&i| format!("{}%nat", i.into()))
}

/// Where a check needs exp and ln, and their values there. The proofs take them as a table.
#[derive(Default)]
struct Tables {
    exp: BTreeMap<u64, f64>,
    ln: BTreeMap<u64, f64>,
}

impl Tables {
    fn exp(&mut self, e: Enclosure) {
        for x in [e.lo(), e.hi()] {
            self.exp.insert(x.to_bits(), core_math::exp(x));
        }
    }

    fn ln(&mut self, e: Enclosure) {
        for x in [e.lo(), e.hi()] {
            self.ln.insert(x.to_bits(), core_math::log(x));
        }
    }

    /// The sum of weights relative to an anchor.
    fn sum(&mut self, q: &[Enclosure], anchor: Enclosure) -> Enclosure {
        q.iter().fold(Enclosure::ZERO, |sum, &x| {
            self.exp(x - anchor);
            sum + (x - anchor).exp()
        })
    }

    fn log_sum_exp(&mut self, q: &[Enclosure]) {
        let sum = self.sum(q, anchor(q));
        self.ln(sum);
    }

    fn projected_value(&mut self, q_star: &[Enclosure]) {
        let point: Vec<_> = q_star.iter().map(|q| Enclosure::exact(q.midpoint())).collect();
        self.log_sum_exp(&point);
    }

    fn set_facts(&mut self, kept: &[Enclosure], dropped: &[Enclosure]) {
        let all: Vec<_> = kept.iter().chain(dropped).copied().collect();
        let (inside, outside) = (self.sum(kept, anchor(&all)), self.sum(dropped, anchor(&all)));
        self.ln(Enclosure::ONE + (outside / inside).max(Enclosure::ZERO));
    }

    fn text(&self) -> String {
        let table = |t: &BTreeMap<u64, f64>| list(t, |(x, y)| format!("(0x{x:x}, {})", bits(*y)));
        format!("{}\n  {}", table(&self.exp), table(&self.ln))
    }
}

fn anchor(q: &[Enclosure]) -> Enclosure {
    Enclosure::exact(q.iter().fold(f64::NEG_INFINITY, |best, x| best.max(x.hi())))
}

fn tables(m: &Model, certificate: &Certificate, facts: &Checked, sets: &Sets) -> Tables {
    let mut tables = Tables::default();
    let over = certificate.restricted.as_ref().expect("sets");
    let points = |b: &ValueBounds| -> Vec<Enclosure> {
        let exact: Vec<_> = b.v.iter().map(|&v| Enclosure::exact(v)).collect();
        action_values(m, certificate.gamma, &exact)
    };
    let (optimal, top_p) = (points(&certificate.optimal), points(&over.top_p));
    for state in 0..m.states() {
        let of = |q: &[Enclosure], keep: bool| -> Vec<Enclosure> {
            m.pairs_of(state).filter(|&i| sets.keeps(i) == keep).map(|i| q[i]).collect()
        };
        tables.log_sum_exp(&optimal[m.pairs_of(state)]);
        tables.log_sum_exp(&of(&top_p, true));
        tables.projected_value(&of(&facts.q_star, true));
        tables.set_facts(&of(&facts.q_star, true), &of(&facts.q_star, false));
    }
    tables.ln(Enclosure::exact(certificate.p));
    tables
}

fn bounds(b: &ValueBounds) -> String {
    format!("(ValueBoundsZ {} {} {})", numbers(&b.v), bits(b.c_lo), bits(b.c_hi))
}

/// A check, as a term of `vectors.v`; of these candidate sets, or of the nucleus.
fn vector(name: &str, arrays: &Arrays, gamma: f64, p: f64, kept: Option<Vec<Vec<u32>>>) -> String {
    let m = arrays.model();
    // Few digits: the solver's last ones depend on the platform.
    let short =
        |v: Vec<f64>| -> Vec<f64> { v.into_iter().map(|x| (x * 1e6).round() / 1e6).collect() };
    let v = short(optimal(&m, gamma));
    let kept = kept.unwrap_or_else(|| nucleus(&m, &backup(&m, gamma, &v), p));
    let mut over_sets = restricted(&m, gamma, &v, kept);
    over_sets.projected = short(over_sets.projected);
    over_sets.top_p = short(over_sets.top_p);
    let certificate = Certificate::for_values(&m, gamma, p, v, Some(over_sets)).expect("valid");
    let facts = accepted(&certificate, &m);
    let over = certificate.restricted.as_ref().expect("sets");
    let shown = facts.restricted.as_ref().expect("sets");
    let sets = Sets::new(&m, &over.kept).expect("sets");
    let offsets = |x: &[usize]| list(x, |i| format!("{i}%nat"));
    let decision = |d: Decision| format!("{d:?}");
    let option = |e: Option<Enclosure>| match e {
        Some(e) => format!("(Some {})", ends(e)),
        None => "None".to_owned(),
    };
    let states = list(&shown.states, |s| {
        let (enough, smallest) = (decision(s.mass_at_least_p), decision(s.nucleus));
        format!("({}, {}, {enough}, {smallest})", ends(s.mass), ends(s.leak))
    });
    format!(
        "Definition {name} : check_vector := CheckVector\n  {}\n  {}\n  {}\n  {}\n  {}\n  {} {}\n  \
         {}\n  {}\n  {}\n  {}\n  {}\n  {}\n  {}\n  {}\n  {}\n  {}\n  {} {} {} {} {}.\n",
        offsets(&arrays.state_offsets),
        numbers(&arrays.rewards),
        offsets(&arrays.row_offsets),
        indices(&arrays.successors),
        numbers(&arrays.weights),
        bits(gamma),
        bits(p),
        bounds(&certificate.optimal),
        list(&over.kept, |slots| indices(slots)),
        bounds(&over.projected),
        bounds(&over.top_p),
        tables(&m, &certificate, &facts, &sets).text(),
        enclosures(&facts.v_star),
        enclosures(&facts.q_star),
        enclosures(&shown.v_projected),
        enclosures(&shown.v_top_p),
        states,
        ends(shown.gap_projected),
        ends(shown.gap_top_p),
        option(shown.kappa),
        option(shown.kappa_from_mass),
        option(shown.horizon_bound),
    )
}

fn text() -> String {
    let stays = |s: u32| vec![(0.0, vec![(s, 1.0)])];
    let loops = Arrays::new(&[
        vec![
            (0.5, vec![(0, 0.1), (1, 0.2), (2, 0.7)]),
            (-1.25, vec![(1, 1.0)]),
            (0.1, vec![(2, 3.0)]),
        ],
        vec![(1.0, vec![(0, 0.3), (1, 0.6)]), (0.2, vec![(2, 1.0)])],
        vec![(-0.3, vec![(0, 1.0)]), (2.0, vec![(1, 0.25), (2, 0.75)])],
    ]);
    let ends = Arrays::new(&[
        vec![(0.5, vec![(1, 0.5), (2, 0.5)]), (0.25, vec![(2, 1.0)]), (-3.0, vec![(1, 1.0)])],
        vec![(-0.75, vec![(2, 1.0)]), (0.1, vec![(2, 0.2), (3, 0.9)])],
        stays(2),
        vec![(1.0, vec![(2, 1.0)])],
    ]);
    let mut text = String::from(
        "(* Written by certificate/tests/coq_vectors.rs: certificates and what their check gives. *)\n\n\
         From Coq Require Import ZArith List.\nImport ListNotations.\n\
         From Bellman Require Import checker.check_vector.\nOpen Scope Z_scope.\n",
    );
    // Two equal actions that end: the first is the nucleus, the second is not.
    let tie = Arrays::new(&[vec![(0.0, vec![(1, 1.0)]), (0.0, vec![(1, 1.0)])], stays(1)]);
    for (name, arrays, gamma, p, kept) in [
        ("looping", &loops, 0.9, 0.8, None),
        ("ending", &ends, 0.5, 0.75, None),
        ("ending_undiscounted", &ends, 1.0, 0.9, None),
        ("tie_downwards", &tie, 0.9, 0.5, Some(vec![vec![0], vec![0]])),
        ("tie_upwards", &tie, 0.9, 0.5, Some(vec![vec![1], vec![0]])),
    ] {
        text += &format!("\n{}", vector(name, arrays, gamma, p, kept));
    }
    text
}

#[test]
fn the_checks_that_the_proofs_replay_are_those_of_this_crate() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../proofs/theories/checker/check_vectors.v");
    let found = text();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, &found).expect("written");
    }
    let expected = std::fs::read_to_string(&file).expect("the vectors");
    assert!(found == expected, "{} is out of date: UPDATE_EXPECTED=1 writes it", file.display());
}
