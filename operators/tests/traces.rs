//! The formulas that the operators compute, written out for Coq and for the book.
//!
//! `proofs/theories/traced_*.v` prove each equal to the definition that the propositions are
//! about. When an operator changes, run this test with UPDATE_EXPECTED=1, and mend the proofs.

use operators::*;
use std::fmt::Write as _;
use std::path::Path;

/// The doubles that stand for variables.
const GAMMA: f64 = 0.8125;
const ALPHA: f64 = 0.15625;
const Q_MIN: f64 = -10.375;
const NAMES: [(f64, &str); 3] = [(GAMMA, "gamma"), (4.0 * ALPHA, "four_alpha"), (Q_MIN, "q_min")];

type Terms = Result<Vec<Term>, OperatorError>;

/// The results of one operator on one shape.
struct Trace {
    operator: &'static str,
    shape: &'static str,
    terms: Vec<Term>,
}

/// Rows of cells with a candidate set each, `"101|11"`: the first row keeps the first and the third
/// of three cells.
struct Shape {
    n: Symbolic,
    layout: RowLayout,
    set: Vec<bool>,
    full: Vec<bool>,
}

impl Shape {
    fn new(text: &str) -> Self {
        let mut offsets = vec![0];
        let mut set = Vec::new();
        for row in text.split('|') {
            set.extend(row.chars().map(|c| c == '1'));
            offsets.push(set.len());
        }
        let layout = RowLayout::new(offsets).unwrap();
        let full = vec![true; set.len()];
        Self { n: Symbolic::new(&layout).naming(&NAMES), layout, set, full }
    }

    fn kept(&self, cells: Cells<Symbolic>) -> Vec<Term> {
        cells.0.into_iter().zip(&self.set).filter_map(|(x, k)| k.then_some(x)).collect()
    }
}

/// E v(s') over every row, with the probabilities `P row slot next`.
struct Kernel(RowLayout);

impl Successor<Symbolic> for Kernel {
    fn expected(&self, n: &Symbolic, v: &Rows<Symbolic>) -> Result<Cells<Symbolic>, OperatorError> {
        let mean = |row: usize, slot: usize| {
            let p = |next| Term::variable(format!("P {row} {slot} {next}"));
            n.dot(&(0..v.0.len()).map(p).collect(), &v.0)
        };
        let pairs = self.0.iter().enumerate();
        let pairs = pairs.flat_map(|(row, cells)| (0..cells.len()).map(move |slot| (row, slot)));
        Ok(Cells(pairs.map(|(row, slot)| mean(row, slot)).collect::<Result<_, _>>()?))
    }
}

fn gamma() -> Discount {
    Discount::new(GAMMA).unwrap()
}

/// Every operator, on the shapes that it is traced on.
fn traces() -> Vec<Trace> {
    let mut traces = Vec::new();
    let mut trace = |operator, shapes: &[&'static str], f: &dyn Fn(&Shape) -> Terms| {
        for &shape in shapes {
            let terms = f(&Shape::new(shape)).unwrap();
            traces.push(Trace { operator, shape, terms });
        }
    };
    let rows: &[&str] = &["1", "11", "101", "011|10"];

    trace("soft_value", rows, &|s| Ok(soft_value(&s.n, &s.n.cells("q"), &s.set)?.0));
    trace("log_policy", rows, &|s| Ok(s.kept(log_policy(&s.n, &s.n.cells("q"), &s.set)?)));
    trace("projection", rows, &|s| Ok(projection(&s.n, &s.n.cells("q"), &s.set)?.probability.0));
    trace("log_projection", rows, &|s| {
        Ok(s.kept(projection(&s.n, &s.n.cells("q"), &s.set)?.log_probability))
    });
    trace("leak", rows, &|s| Ok(leak(&s.n, &s.n.cells("q"), &s.set, &s.full)?.0));
    trace("policy_value", rows, &|s| {
        let policy = projection(&s.n, &s.n.cells("u"), &s.set)?;
        Ok(policy_value(&s.n, &s.n.cells("q"), &policy, &s.set)?.0)
    });

    let models: &[&str] = &["1", "10|1"];
    let step = |s: &Shape, v: &Rows<Symbolic>| -> Terms {
        let kernel = Kernel(s.layout.clone());
        Ok(backup(&s.n, &s.n.cells("r"), gamma(), &kernel, v)?.0)
    };
    trace("backup", models, &|s| step(s, &s.n.rows("v")));
    trace("implied_reward", models, &|s| {
        let kernel = Kernel(s.layout.clone());
        Ok(implied_reward(&s.n, &s.n.cells("q"), gamma(), &kernel, &s.n.rows("v"))?.0)
    });
    trace("T", models, &|s| step(s, &soft_value(&s.n, &s.n.cells("q"), &s.full)?));
    trace("T_p", models, &|s| step(s, &soft_value(&s.n, &s.n.cells("q"), &s.set)?));
    trace("B_p", models, &|s| {
        let policy = projection(&s.n, &s.n.cells("u"), &s.set)?;
        step(s, &policy_value(&s.n, &s.n.cells("q"), &policy, &s.set)?)
    });
    trace("supported_norm", models, &|s| Ok(vec![supported_norm(&s.n, &s.n.cells("q"), &s.set)?]));
    trace("kappa", &["1"], &|s| Ok(kappa(&s.n, gamma(), &s.n.rows("leak"))?.0));
    for (operator, horizon) in
        [("horizon_bound_1", 1), ("horizon_bound_2", 2), ("horizon_bound_4", 4)]
    {
        trace(operator, &["1"], &|s| {
            Ok(horizon_bound(&s.n, gamma(), &s.n.rows("leak"), horizon)?.0)
        });
    }

    for (operator, by) in [
        ("shift_by_max", Shift::VocabMax),
        ("shift_by_soft_value", Shift::LogSoftmax),
        ("no_shift", Shift::Zero),
    ] {
        trace(operator, &["11"], &|s| Ok(shift(&s.n, &s.n.cells("z"), by, &s.full)?.0));
    }
    trace("student_q", &["11"], &|s| {
        Ok(student_q(&s.n, &s.n.cells("z"), &s.full, &settings(Phi::Identity))?.0)
    });
    for (operator, phi, text) in [
        ("J_identity", Phi::Identity, ENDED),
        ("J_chi2", Phi::Chi2 { alpha: ALPHA }, ENDED),
        ("J_outside", Phi::Chi2 { alpha: ALPHA }, Text { slots: [1, 1], ..ENDED }),
        ("J_cut_off", Phi::Chi2 { alpha: ALPHA }, Text { ended: false, ..ENDED }),
    ] {
        trace(operator, &["11|10"], &|s| text.objective(s, &s.n.cells("q"), phi));
    }
    trace("J_of_logits", &["11|10"], &|s| {
        let phi = Phi::Chi2 { alpha: ALPHA };
        let q = student_q(&s.n, &s.n.cells("z"), &s.full, &settings(phi))?;
        ENDED.objective(s, &q, phi)
    });
    traces
}

fn settings(phi: Phi) -> BellmanDistill {
    BellmanDistill { gamma: gamma(), phi, shift: Shift::VocabMax, q_min: Q_MIN }
}

/// A text of two tokens.
struct Text {
    /// The tokens taken, as slots of their rows.
    slots: [usize; 2],
    /// Whether the text ended, or was cut off: then its last transition has no weight.
    ended: bool,
}

const ENDED: Text = Text { slots: [1, 0], ended: true };

impl Text {
    fn objective(&self, s: &Shape, q: &Cells<Symbolic>, phi: Phi) -> Terms {
        let slots = self.slots.to_vec();
        let inside = s.layout.iter().zip(&slots).map(|(row, slot)| s.set[row.start + slot]);
        let mut weights = s.n.rows("w");
        if !self.ended {
            weights.0[1] = Term::Number(0.0);
        }
        let chosen = Rows(s.n.pick(&q.0, &slots)?);
        let next = NextPosition::of_lengths(&[2]);
        let (set, inside) = (s.set.clone(), inside.collect());
        let responses = Responses { set, inside, next, weights };
        Ok(vec![bellman_distill(&s.n, q, &chosen, &responses, &settings(phi))?.objective])
    }
}

const COQ_HEAD: &str = "\
(** * What the operators compute

    Written by the test `traces` of `operators/`, which fails when this file differs from what the
    Rust functions compute. Do not edit. A name ends in the shape: a digit for each action of a row,
    1 where it is in the candidate set. *)

From Coq Require Import Reals.
From mathcomp Require Import ssreflect seq.

Open Scope R_scope.

Section Traces.

Variables (q u r z : nat -> nat -> R) (v w leak anchor : nat -> R) (P : nat -> nat -> nat -> R).
Variables (gamma four_alpha q_min : R).

";

fn coq(traces: &[Trace]) -> String {
    let mut text = String::from(COQ_HEAD);
    for Trace { operator, shape, terms } in traces {
        let (shape, terms) = (shape.replace('|', "_"), terms.iter().map(Term::coq));
        let terms = terms.collect::<Vec<_>>().join(";\n      ");
        writeln!(text, "Definition {operator}_{shape} : seq R :=\n  [:: {terms}].\n").unwrap();
    }
    text + "End Traces.\n"
}

const BOOK_HEAD: &str = "\
# What the operators compute

<!-- Written by the test `traces` of `operators/`. Do not edit. -->

Every operator is one Rust function over any number system. One number system is symbolic
(`operators::Symbolic`): a function that runs on it writes down what it computes. Below is what each of them writes for
one small shape; `proofs/traces/computed.v` has all shapes, and `proofs/theories/traced_*.v` proves each equal to the
definition that the propositions are about. So whoever edits a formula in Rust breaks a proof.

A shape has a digit for each action of a state, 1 where it is in the candidate set. q₀₂ is Q of state 0 and action 2;
c₀, c₁, … are anchors, numbers taken out of exponentials and added back, and the proofs hold for any of them; a 0 that
is added is an action that the mask left out.
";

/// Of each operator one shape: the first that drops an action, or else the first.
fn book(traces: &[Trace]) -> String {
    let mut text = String::from(BOOK_HEAD);
    for of_operator in traces.chunk_by(|a, b| a.operator == b.operator) {
        let telling = |t: &&Trace| t.shape.contains('0');
        let Trace { operator, shape, terms } =
            of_operator.iter().find(telling).unwrap_or(&of_operator[0]);
        write!(text, "\n## {operator}, shape {shape}\n\n```text\n").unwrap();
        for term in terms {
            writeln!(text, "{term}").unwrap();
        }
        text += "```\n";
    }
    text
}

/// Compares a file of the repository with what it should be, or writes it.
fn compare(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} is out of date: see the head of this test", path.display());
}

#[test]
fn the_formulas_in_the_proofs_are_those_that_the_operators_compute() {
    compare("proofs/traces/computed.v", &coq(&traces()));
}

#[test]
fn the_formulas_in_the_book_are_those_that_the_operators_compute() {
    compare("docs/src/reference/formulas.md", &book(&traces()));
}
