//! The twelve reference models, whose values were computed independently and are given to 30
//! digits: floats and the command meet them, enclosures contain them.

use assert_cmd::Command;
use bellman_distill::certificate::{Decision, Verdict, check};
use bellman_distill::operators::{Cells, Dense, NumberSystem, Rows, Selection};
use bellman_distill::operators::{projection, supported_norm};
use bellman_distill::rounding::Enclosure;
use bellman_distill::tabular::Instance;
use bellman_distill::tabular::formats::{ReadOptions, read};
use bellman_distill::verify::{Case, Number, Theory, certify, view};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, Zero};
use serde_json::Value;
use std::path::PathBuf;

/// Every quantity of the reference files; `top_p`, which lists actions, apart.
const QUANTITIES: [&str; 14] = [
    "q_star",
    "v_star",
    "pi_star",
    "top_p_mass",
    "q_bar_projected_policy",
    "v_bar_projected_policy",
    "q_bar_optimal",
    "v_bar_optimal",
    "leak",
    "gap",
    "kappa",
    "kappa_from_smallest_mass",
    "sup_gap_projected_policy",
    "sup_gap_optimal",
];

struct Reference {
    path: PathBuf,
    instance: Instance,
    expected: Value,
}

fn references() -> Vec<Reference> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tabular");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 12);
    paths.into_iter().map(reference).collect()
}

fn reference(path: PathBuf) -> Reference {
    let model = read(&path, &ReadOptions::default()).unwrap();
    assert!(model.adjustments.is_none(), "{}: the model is the file", path.display());
    let (gamma, p) = (model.gamma.unwrap(), model.p.unwrap());
    let instance = Instance::new(model.name, model.mdp, gamma, p);
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let expected = file["expected"].clone();
    let mut names: Vec<&str> = expected.as_object().unwrap().keys().map(String::as_str).collect();
    names.retain(|n| !["top_p", "smallest_distance_of_a_cumulative_mass_to_p"].contains(n));
    let mut known = QUANTITIES.to_vec();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known, "{}: a quantity that no test looks at", path.display());
    Reference { path, instance, expected }
}

impl Reference {
    fn selection(&self) -> Selection {
        Selection::TopP(self.instance.p)
    }

    fn decimals(&self, name: &str) -> Vec<Decimal> {
        strings(&self.expected[name]).iter().map(|text| Decimal::new(text)).collect()
    }
}

/// The decimal strings of a member, in order, whether it is one, a list or a list of lists.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::String(text) => vec![text.clone()],
        other => panic!("{other} is not a decimal string"),
    }
}

/// A decimal as the number it denotes, and half a unit of its last digit: how far it can be from
/// the number that was rounded to it.
struct Decimal {
    value: BigRational,
    half: BigRational,
}

impl Decimal {
    fn new(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: BigInt = format!("{whole}{fraction}").parse().unwrap();
        let exponent = exponent.parse::<i32>().unwrap() - fraction.len() as i32;
        let unit = BigRational::from(BigInt::from(10)).pow(exponent);
        let half = &unit / BigRational::from(BigInt::from(2));
        // Trailing zeros are dropped in print: all numbers carry 30 digits.
        let printed = digits.magnitude().to_string().len() as i32;
        let half = half * BigRational::from(BigInt::from(10)).pow(-(30 - printed).max(0));
        Self { value: BigRational::from(digits) * unit, half }
    }

    fn within(&self, enclosure: Enclosure) -> bool {
        exact(enclosure.lo()) <= &self.value + &self.half
            && &self.value - &self.half <= exact(enclosure.hi())
    }
}

fn exact(x: f64) -> BigRational {
    BigRational::from_float(x).expect("a finite double")
}

/// 10⁻⁹, not the double near it.
fn nano() -> BigRational {
    BigRational::new(BigInt::one(), BigInt::from(10).pow(9u32))
}

/// What a case says under each name of the reference.
fn quantities<T: Number>(case: &Case<'_, T>) -> Vec<(&'static str, Vec<T>)> {
    let n = &case.n;
    let list = |v: &nalgebra::DVector<T>| v.as_slice().to_vec();
    let all_states = vec![true; case.mdp().states()];
    let worst = n.largest(&case.leak.0, &all_states).unwrap();
    let worst = Rows::<Dense<T>>(nalgebra::DVector::from_element(1, worst));
    let gap = case.gap().unwrap();
    let top_gap = Cells::<Dense<T>>(n.sub(&case.q_star.0, &case.q_top_p.0).unwrap());
    let value = case.theory.policy_value(n, &case.q_projected, &case.teacher, &case.set).unwrap();
    let top_value = case.theory.top_p_value(n, &case.q_top_p, &case.set).unwrap();
    let mass = n.exp(&n.scale(&case.leak.0, -1.0).unwrap()).unwrap();
    let found = vec![
        ("q_star", list(&case.q_star.0)),
        ("v_star", list(&case.v_star.0)),
        ("pi_star", list(&projection(n, &case.q_star, &case.full).unwrap().probability.0)),
        ("top_p_mass", list(&mass)),
        ("q_bar_projected_policy", list(&case.q_projected.0)),
        ("v_bar_projected_policy", list(&value.0)),
        ("q_bar_optimal", list(&case.q_top_p.0)),
        ("v_bar_optimal", list(&top_value.0)),
        ("leak", list(&case.leak.0)),
        ("gap", list(&gap.0)),
        ("kappa", vec![case.kappa().unwrap()]),
        ("kappa_from_smallest_mass", list(&case.theory.kappa(n, case.gamma(), &worst).unwrap().0)),
        ("sup_gap_projected_policy", vec![supported_norm(n, &gap, &case.set).unwrap()]),
        ("sup_gap_optimal", vec![supported_norm(n, &top_gap, &case.set).unwrap()]),
    ];
    assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), QUANTITIES);
    found
}

/// The action numbers that a case keeps in each state.
fn kept<T: Number>(case: &Case<'_, T>) -> Value {
    let mdp = case.mdp();
    let state = |s| mdp.pairs_of(s).filter(|&i| case.set[i]).map(|i| mdp.actions()[i]).collect();
    (0..mdp.states()).map(state).collect::<Vec<Vec<u32>>>().into()
}

/// The candidate sets of the reference with rising action numbers.
fn expected_sets(reference: &Reference) -> Value {
    let mut sets: Vec<Vec<u32>> =
        serde_json::from_value(reference.expected["top_p"].clone()).unwrap();
    sets.iter_mut().for_each(|set| set.sort_unstable());
    sets.into()
}

fn assert_meets(what: &str, found: &[f64], expected: &[Decimal]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (&x, decimal)) in found.iter().zip(expected).enumerate() {
        let apart = (exact(x) - &decimal.value).abs();
        assert!(apart <= nano(), "{what}[{i}]: {x} against {}", decimal.value);
    }
}

#[test]
fn floats_meet_every_reference_value_to_1e_9() {
    for reference in references() {
        let name = &reference.instance.name;
        let case =
            Case::<f64>::solve(&reference.instance, reference.selection(), Theory::default())
                .unwrap();
        for (quantity, found) in quantities(&case) {
            assert_meets(&format!("{name}: {quantity}"), &found, &reference.decimals(quantity));
        }
        assert_eq!(kept(&case), expected_sets(&reference), "{name}");
    }
}

/// The numbers of a JSON value, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or_else(|| panic!("{other} is not a number"))],
    }
}

#[test]
fn the_command_meets_every_reference_value_to_1e_9_and_prints_the_very_doubles() {
    for reference in references() {
        let output = Command::cargo_bin("bellman")
            .unwrap()
            .arg("solve")
            .arg(&reference.path)
            .arg("--json")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        let solved: Value = serde_json::from_slice(&output.stdout).unwrap();
        let name = &reference.instance.name;
        let case =
            Case::<f64>::solve(&reference.instance, reference.selection(), Theory::default())
                .unwrap();
        for (quantity, computed) in quantities(&case) {
            let printed = numbers(&solved[quantity]);
            let what = format!("{name}: {quantity}");
            assert_meets(&what, &printed, &reference.decimals(quantity));
            let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&printed), bits(&computed), "{what}");
        }
        assert_eq!(solved["top_p"], expected_sets(&reference), "{name}");
    }
}

/// The widths that enclosures may have: what directed rounding costs, carried through.
///
/// A sweep takes for each state at most n products, n sums, k exponentials and ten more
/// operations (n successors, k actions), each moving an end by at most an ulp of numbers no larger
/// than |r| + |V| + ln k + 1. Call that `sweep`. Values found by a solver at its floor have a residual of
/// that size, and its enclosure adds as much at each end: 4 sweeps, which a contraction blows up
/// by 1/(1 − γ).
struct Floor {
    sweep: f64,
    growth: f64,
    /// How far apart D can be within a candidate set: an uncertain teacher costs that much.
    spread: f64,
    kappa: f64,
}

impl Floor {
    fn new(case: &Case<'_, Enclosure>) -> Self {
        let mdp = case.mdp();
        let largest = |values: &[f64]| values.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let successors = mdp.row_offsets().windows(2).map(|w| w[1] - w[0]).max().unwrap();
        let actions = mdp.layout().iter().map(|row| row.len()).max().unwrap();
        let magnitude =
            largest(mdp.rewards()) + largest(&case.v_optimal) + (actions as f64).ln() + 1.0;
        let gap = case.gap().unwrap();
        let hi = |pairs: std::ops::Range<usize>| {
            let kept = pairs.filter(|&i| case.set[i]);
            let (lo, hi) = kept.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), i| {
                (lo.min(gap.0[i].lo()), hi.max(gap.0[i].hi()))
            });
            hi - lo
        };
        Self {
            sweep: (successors + actions + 10) as f64 * f64::EPSILON * magnitude,
            growth: 1.0 / (1.0 - case.gamma().get()),
            spread: mdp.layout().iter().map(hi).fold(0.0, f64::max),
            kappa: case.kappa().unwrap().hi(),
        }
    }

    fn width(&self, quantity: &str) -> f64 {
        let value = 4.0 * self.sweep * self.growth;
        // One more sweep on top; γ ≤ 1.
        let pair = value + 2.0 * self.sweep;
        // Each sweep of B_p^{π*} is widened by ½ ρ (max D − min D) at both ends, ρ ≤ pair.
        let projected = value + pair * self.spread * self.growth;
        let projected_pair = projected + 2.0 * self.sweep;
        // ln(1 + odds) moves by at most as much as the exponents, two of them, at either end.
        let leak = 2.0 * pair + self.sweep;
        match quantity {
            "v_star" | "v_bar_optimal" => pair + 2.0 * self.sweep,
            "q_star" | "q_bar_optimal" => pair,
            // A share moves by at most a quarter of what the exponents do.
            "pi_star" => pair + self.sweep,
            "leak" | "top_p_mass" => leak,
            "q_bar_projected_policy" => projected_pair,
            // Σ π (Q − log π − c): every Q and log π counts with its share; the shares
            // themselves, together known to within 2 pair, count against the spread.
            "v_bar_projected_policy" => {
                projected_pair + 2.0 * pair * (1.0 + self.spread) + 2.0 * self.sweep
            }
            "gap" | "sup_gap_projected_policy" => pair + projected_pair + self.sweep,
            "sup_gap_optimal" => 2.0 * pair + self.sweep,
            // ln, two products and a quotient, of which 1 − γ is exact or off by an ulp of it.
            "kappa" => 8.0 * f64::EPSILON * self.kappa,
            "kappa_from_smallest_mass" => (leak + 8.0 * f64::EPSILON) * self.growth,
            other => panic!("{other} has no floor"),
        }
    }
}

#[test]
fn enclosures_contain_every_reference_value_and_are_as_narrow_as_rounding_allows() {
    for reference in references() {
        let name = &reference.instance.name;
        let case = Case::<Enclosure>::enclose(
            &reference.instance,
            reference.selection(),
            Theory::default(),
        )
        .unwrap();
        let floor = Floor::new(&case);
        for (quantity, found) in quantities(&case) {
            let expected = reference.decimals(quantity);
            assert_eq!(found.len(), expected.len(), "{name}: {quantity}");
            for (i, (enclosure, decimal)) in found.iter().zip(&expected).enumerate() {
                let what = format!("{name}: {quantity}[{i}]: {enclosure}");
                assert!(decimal.within(*enclosure), "{what} misses {}", decimal.value);
                let (width, allowed) = (enclosure.width(), floor.width(quantity));
                assert!(width <= allowed, "{what} is {width:e} wide, not {allowed:e}");
            }
            let widest = found.iter().map(|e| e.width()).fold(0.0, f64::max);
            println!("{name:24} {quantity:26} {widest:8.1e} of {:8.1e}", floor.width(quantity));
        }
        assert_eq!(kept(&case), expected_sets(&reference), "{name}");
    }
}

#[test]
fn values_of_about_a_hundred_are_enclosed_to_within_1e_10() {
    for reference in references() {
        let case = Case::<Enclosure>::enclose(
            &reference.instance,
            reference.selection(),
            Theory::default(),
        )
        .unwrap();
        let magnitude = case.v_optimal.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        if magnitude <= 100.0 {
            for (quantity, found) in quantities(&case) {
                let widest = found.iter().map(|e| e.width()).fold(0.0, f64::max);
                assert!(widest <= 1e-10, "{}: {quantity}: {widest:e}", reference.instance.name);
            }
        }
    }
}

#[test]
fn the_nucleus_is_proved_but_for_exact_ties() {
    for reference in references() {
        let name = reference.instance.name.as_str();
        let case =
            Case::<f64>::solve(&reference.instance, reference.selection(), Theory::default())
                .unwrap();
        let certificate = certify(&case).unwrap();
        let Verdict::Accepted(facts) = check(&certificate, &view(case.mdp()).unwrap()) else {
            panic!("{name}: refused");
        };
        let states = facts.restricted.unwrap().states;
        // Two equal actions on either side of the border; mass that is p exactly.
        let (mass, nucleus) = match name {
            "ties" => (Decision::Proved, Decision::Undecided),
            "self-loop-equal-actions" => (Decision::Undecided, Decision::Undecided),
            _ => (Decision::Proved, Decision::Proved),
        };
        for (state, facts) in states.iter().enumerate() {
            assert_eq!(facts.mass_at_least_p, mass, "{name}: state {state}");
            assert_eq!(facts.nucleus, nucleus, "{name}: state {state}");
        }
    }
}

#[test]
fn decimals_are_read_exactly() {
    let ratio = |a: i64, b: i64| BigRational::new(BigInt::from(a), BigInt::from(b));
    assert_eq!(Decimal::new("-1.25e-1").value, ratio(-1, 8));
    assert_eq!(Decimal::new("-0.5").value, ratio(-1, 2));
    assert!(Decimal::new("0.0").value.is_zero() && Decimal::new("3").value.is_positive());
    // 30 digits after the point of a number below one: half a unit of the 30th.
    let digits = "0.123456789012345678901234567891";
    let unit = BigRational::new(BigInt::one(), BigInt::from(10).pow(30u32));
    assert_eq!(Decimal::new(digits).half, unit / BigRational::from(BigInt::from(2)));
}
