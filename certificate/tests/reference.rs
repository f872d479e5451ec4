//! Enclosures against values computed elsewhere to 30 digits.

mod common;

use certificate::Decision;
use common::*;
use num_rational::BigRational;
use rounding::Enclosure;
use serde_json::Value;
use std::path::PathBuf;

fn reference() -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/tabular");
    let files = std::fs::read_dir(&folder).expect("the reference folder");
    let mut paths: Vec<_> = files.map(|f| f.expect("a file").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "json"));
    paths.sort();
    let read = |p: &PathBuf| {
        serde_json::from_str(&std::fs::read_to_string(p).expect("a file")).expect("JSON")
    };
    paths.iter().map(read).collect()
}

fn number(x: &Value) -> f64 {
    x.as_f64().expect("a number")
}

fn arrays(file: &Value) -> Arrays {
    let list = |x: &Value| x.as_array().expect("a list").clone();
    let states: Vec<Vec<Pair>> = list(&file["reward"])
        .iter()
        .zip(list(&file["transition"]))
        .map(|(rewards, rows)| {
            let pair = |(reward, row): (&Value, &Value)| {
                let mut row: Vec<(u32, f64)> =
                    list(row).iter().map(|t| (number(&t[0]) as u32, number(&t[1]))).collect();
                row.sort_by_key(|t| t.0);
                (number(reward), row)
            };
            list(rewards).iter().zip(&list(&rows)).map(pair).collect()
        })
        .collect();
    Arrays::new(&states)
}

/// Every number of a nested list, in order.
fn flat(x: &Value) -> Vec<BigRational> {
    match x {
        Value::String(text) => vec![decimal(text)],
        Value::Array(list) => list.iter().flat_map(flat).collect(),
        other => panic!("{other} is neither a number nor a list"),
    }
}

/// Whether all are inside, given that the expected ones are rounded to 30 digits.
fn assert_inside(what: &str, found: &[Enclosure], expected: &[BigRational]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (e, x)) in found.iter().zip(expected).enumerate() {
        assert!(holds(*e, x, &decimal("1e-26")), "{what}[{i}]: {x} is not in {e:?}");
    }
}

/// How wide an enclosure of values near `v` may be: some roundings, times 1/(1−γ).
fn allowed(v: &[f64], gamma: f64) -> f64 {
    let largest = v.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    30.0 * f64::EPSILON * largest / (1.0 - gamma)
}

#[test]
fn enclosures_hold_the_reference_values_and_are_narrow() {
    let files = reference();
    assert_eq!(files.len(), 12);
    for file in files {
        let (gamma, p, expected) = (number(&file["gamma"]), number(&file["p"]), &file["expected"]);
        let name = file["name"].as_str().expect("a name");
        let arrays = arrays(&file);
        let model = arrays.model();
        let certificate = certify(&model, gamma, p);
        let facts = accepted(&certificate, &model);
        assert_inside(name, &facts.v_star, &flat(&expected["v_star"]));
        assert_inside(name, &facts.q_star, &flat(&expected["q_star"]));
        let allowed = allowed(&certificate.optimal.v, gamma);
        assert!(facts.width <= allowed, "{name}: {} > {allowed}", facts.width);
        let sets = facts.restricted.expect("sets");
        assert_inside(name, &sets.v_projected, &flat(&expected["v_bar_projected_policy"]));
        assert_inside(name, &sets.v_top_p, &flat(&expected["v_bar_optimal"]));
        let masses: Vec<_> = sets.states.iter().map(|s| s.mass).collect();
        assert_inside(name, &masses, &flat(&expected["top_p_mass"]));
        let leaks: Vec<_> = sets.states.iter().map(|s| s.leak).collect();
        assert_inside(name, &leaks, &flat(&expected["leak"]));
        let one = |key: &str| flat(&expected[key]);
        assert_inside(name, &[sets.gap_projected], &one("sup_gap_projected_policy"));
        assert_inside(name, &[sets.gap_top_p], &one("sup_gap_optimal"));
        assert_inside(name, &[sets.kappa.expect("γ < 1")], &one("kappa"));
        let from_mass = sets.kappa_from_mass.expect("γ < 1");
        assert_inside(name, &[from_mass], &one("kappa_from_smallest_mass"));
        println!(
            "{name:24} V* {:8.1e} allowed {allowed:8.1e} V̄ {:8.1e} gap {:8.1e}",
            facts.width,
            sets.width,
            sets.gap_projected.width(),
        );
        for (state, set) in sets.states.iter().enumerate() {
            println!("  {state} {:?} {:?}", set.mass_at_least_p, set.nucleus);
            if name != "self-loop-equal-actions" && name != "ties" {
                assert_eq!(set.mass_at_least_p, Decision::Proved, "{name}, state {state}");
                assert_eq!(set.nucleus, Decision::Proved, "{name}, state {state}");
            }
        }
    }
}
