//! A batch of texts laid out as a table: the exact objective against the language-model loss
//! and gradient that PyTorch computed.

use operators::{CandidateSets, Discount, Phi, Selection, Shift, TopP};
use serde_json::Value;
use tabular::MdpBuilder;
use tabular::objective::{Outside, TableObjective, Variant};
use tabular::occupancy::Occupancy;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn variant(case: &Value) -> Variant {
    let phi = match case["phi"].as_str().unwrap() {
        "chi2" => Phi::chi2(number(&case["alpha"])).unwrap(),
        _ => Phi::Identity,
    };
    let shift = match case["shift"].as_str().unwrap() {
        "vocab_max" => Shift::VocabMax,
        "log_softmax" => Shift::LogSoftmax,
        "none" => Shift::Zero,
        other => panic!("unknown shift {other}"),
    };
    let q_min = number(&case["q_min"]);
    Variant { phi, shift, floor: Some(q_min), outside: Outside::Floor(q_min) }
}

#[test]
fn texts_as_a_table_have_the_loss_and_gradient_of_the_reference() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/reference/losses/losses.json");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let lengths: Vec<usize> = numbers(&json["lengths"]).iter().map(|&x| x as usize).collect();
    // A state for every position, and the end behind them all.
    let positions: Vec<(usize, usize)> =
        lengths.iter().enumerate().flat_map(|(b, &len)| (0..len).map(move |t| (b, t))).collect();
    let end = positions.len();
    let mut builder = MdpBuilder::new(end + 1);
    let (mut student, mut teacher, mut taken) = (vec![], vec![], vec![]);
    for (state, &(b, t)) in positions.iter().enumerate() {
        let last = t + 1 == lengths[b];
        let logits = numbers(&json["student_logits"][b][t]);
        for action in 0..logits.len() {
            let next = if last { end } else { state + 1 };
            builder.action(state, action as u32, 0.0, &[(next, 1.0)]).unwrap();
        }
        // The last transition of a text that was cut off does not count.
        if !last || json["ends_with_eos"][b].as_bool().unwrap() {
            taken.push(student.len() + number(&json["actions"][b][t]) as usize);
        }
        student.extend(logits);
        teacher.extend(numbers(&json["teacher_logits"][b][t]));
    }
    builder.terminal(end).unwrap();
    let mdp = builder.build().unwrap().0;
    student.push(0.0);
    teacher.push(0.0);
    let mut pair = vec![0.0; mdp.pairs()];
    taken.iter().for_each(|&slot| pair[slot] = 1.0 / taken.len() as f64);
    let data = Occupancy { state: vec![], pair, visits: taken.len() as f64 };

    let cases = json["bellman_distill"].as_array().unwrap();
    assert_eq!(cases.len(), 18);
    for case in cases {
        let p = TopP::new(number(&case["p"])).unwrap();
        let sets = CandidateSets::select(mdp.layout(), &teacher, Selection::TopP(p)).unwrap();
        let gamma = Discount::new(number(&case["gamma"])).unwrap();
        let variant = variant(case);
        let objective = TableObjective::new(&mdp, gamma, &sets, &data, variant).unwrap();
        let (value, gradient) = objective.gradient(&student).unwrap();
        let loss = number(&case["loss"]);
        assert!((value + loss).abs() < 1e-10 * loss.abs().max(1.0), "{variant:?}: {value} {loss}");
        for (state, &(b, t)) in positions.iter().enumerate() {
            let expected = numbers(&case["grad_student_logits"][b][t]);
            for (pair, expected) in mdp.pairs_of(state).zip(expected) {
                let error = (gradient[pair] + expected).abs();
                assert!(error < 1e-10 * expected.abs().max(1.0), "{variant:?} {b} {t}: {error:e}");
            }
        }
    }
}
