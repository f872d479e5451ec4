//! The twelve reference models, whose values were computed independently at 50 digits.

use bellman_distill::operators::Selection;
use bellman_distill::rounding::Enclosure;
use bellman_distill::tabular::Instance;
use bellman_distill::tabular::formats::{ReadOptions, read};
use bellman_distill::verify::{Case, Number, Theory};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use serde_json::Value;
use std::path::PathBuf;

fn models() -> Vec<(Instance, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tabular");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 12);
    paths
        .iter()
        .map(|path| {
            let model = read(path, &ReadOptions::default()).unwrap();
            let (gamma, p) = (model.gamma.unwrap(), model.p.unwrap());
            let instance = Instance { name: model.name, mdp: model.mdp, gamma, p };
            let text = std::fs::read_to_string(path).unwrap();
            let file: Value = serde_json::from_str(&text).unwrap();
            (instance, file["expected"].clone())
        })
        .collect()
}

/// The decimal strings of a member, in order, whether it is a list or a list of lists.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::String(text) => vec![text.clone()],
        other => panic!("{other} is not a decimal string"),
    }
}

/// What the case says under each name of the reference.
fn members<T: Number>(case: &Case<'_, T>) -> Vec<(&'static str, Vec<T>)> {
    let list = |v: &nalgebra::DVector<T>| v.as_slice().to_vec();
    let n_gap = case.gap().unwrap();
    let projected = case.theory.policy_value(&case.n, &case.q_projected, &case.teacher, &case.set);
    let top_p = case.theory.top_p_value(&case.n, &case.q_top_p, &case.set);
    vec![
        ("q_star", list(&case.q_star.0)),
        ("v_star", list(&case.v_star.0)),
        ("leak", list(&case.leak.0)),
        ("q_bar_projected_policy", list(&case.q_projected.0)),
        ("v_bar_projected_policy", list(&projected.unwrap().0)),
        ("q_bar_optimal", list(&case.q_top_p.0)),
        ("v_bar_optimal", list(&top_p.unwrap().0)),
        ("gap", list(&n_gap.0)),
        ("kappa", vec![case.kappa().unwrap()]),
    ]
}

#[test]
fn floats_meet_every_reference_value_to_1e_9() {
    for (instance, expected) in models() {
        let selection = Selection::TopP(instance.p);
        let case = Case::<f64>::solve(&instance, selection, Theory::default()).unwrap();
        for (name, values) in members(&case) {
            let reference = strings(&expected[name]);
            assert_eq!(values.len(), reference.len(), "{}: {name}", instance.name);
            for (value, text) in values.iter().zip(&reference) {
                let apart = (value - text.parse::<f64>().unwrap()).abs();
                assert!(apart <= 1e-9, "{}: {name}: {value} against {text}", instance.name);
            }
        }
        for state in 0..instance.mdp.states() {
            let actions = instance.mdp.pairs_of(state).filter(|&pair| case.set[pair]);
            let kept: Vec<u64> =
                actions.map(|pair| u64::from(instance.mdp.actions()[pair])).collect();
            let mut top_p: Vec<u64> = expected["top_p"][state]
                .as_array()
                .unwrap()
                .iter()
                .map(|a| a.as_u64().unwrap())
                .collect();
            top_p.sort_unstable();
            assert_eq!(kept, top_p, "{}: state {state}", instance.name);
        }
    }
}

/// The decimal as a fraction, and half a unit of its last digit: how far the printed value can
/// be from the one that was computed.
fn decimal(text: &str) -> (BigRational, BigRational) {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap();
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa: BigInt = format!("{whole}{fraction}").parse().unwrap();
    let ten = BigRational::from_integer(BigInt::from(10));
    let unit = num_traits::Pow::pow(&ten, exponent - fraction.len() as i32);
    let value = BigRational::from_integer(mantissa) * &unit;
    let half = unit / BigRational::from_integer(BigInt::from(2));
    (if negative { -value } else { value }, half)
}

#[test]
fn decimals_are_read_exactly() {
    let (value, half) = decimal("-1.25e-1");
    let eighth = BigRational::new(BigInt::one(), BigInt::from(8));
    assert_eq!(value, -eighth);
    assert_eq!(half, BigRational::new(BigInt::one(), BigInt::from(2000)));
    assert!(decimal("0.0").0.is_zero() && decimal("3").0.is_positive());
}

#[test]
fn enclosures_contain_every_reference_value_and_are_narrow() {
    for (instance, expected) in models() {
        let selection = Selection::TopP(instance.p);
        let case = Case::<Enclosure>::enclose(&instance, selection, Theory::default()).unwrap();
        for (name, values) in members(&case) {
            for (value, text) in values.iter().zip(strings(&expected[name])) {
                let (exact, half) = decimal(&text);
                let lo = BigRational::from_float(value.lo()).unwrap();
                let hi = BigRational::from_float(value.hi()).unwrap();
                let inside = lo - &half <= exact && exact <= hi + half;
                assert!(inside, "{}: {name}: {text} outside {value}", instance.name);
            }
        }
        // A sweep rounds about twenty times in half an ulp of the value; 1/(1 − γ) adds it up.
        let factor = 1.0 / (1.0 - instance.gamma.get());
        for q in &case.q_star.0 {
            let floor = 20.0 * f64::EPSILON * (1.0 + q.midpoint().abs()) * factor;
            assert!(q.width() <= floor, "{}: {q} is wider than {floor:e}", instance.name);
        }
    }
}
