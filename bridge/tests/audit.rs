//! A student against its teacher: residuals, the bounds they prove, and what they miss when the reward
//! or the shift is another.

mod common;

use bridge::*;
use common::{ENDS, PROMPT, carving, model};
use operators::{Selection, Shift, TopP};
use std::ops::ControlFlow;
use verify::{Case, Theory};

const RAW: StudentQ = StudentQ { shift: Shift::Zero, floor: None };

fn go_on(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The tiny model after its prompt, and itself as its own student.
fn own_student(carving: &Carving, by: StudentQ) -> (Carved, Vec<StudentRow>) {
    let model = model();
    let reading = read(&model, PROMPT, ENDS, carving, &mut go_on).unwrap();
    let student = read_student(&model, PROMPT, &reading, by, carving.batch, &mut go_on).unwrap();
    (carve(&reading, carving, "tiny").unwrap(), student)
}

/// Rounding of a few numbers of this size, in the units of `carve.rs`.
fn rounding(carved: &Carved) -> f64 {
    let largest = carved.q.iter().fold(1.0, |m: f64, q| m.max(q.abs()));
    128.0 * 8.0 * f64::EPSILON * largest
}

#[test]
fn a_teacher_that_keeps_every_token_is_its_own_fixed_point() {
    let carving = Carving { p: TopP::new(1.0).unwrap(), ..carving(2, 3) };
    let (mut carved, student) = own_student(&carving, RAW);
    let audit = audit_table(&carved, &student).unwrap();
    for proven in [audit.top_p, audit.projected] {
        assert!(proven.distance <= rounding(&carved), "{proven:?}");
        assert!(proven.at_most <= 4.0 * rounding(&carved), "{proven:?}");
    }
    assert_eq!((audit.each.agreement, audit.each.outside.largest), (1.0, 0.0));
    // Another reward of one action, and the residual is what it is off by.
    let mut rewards = carved.instance.mdp.rewards().to_vec();
    rewards[5] += 0.25;
    carved.instance.mdp = carved.instance.mdp.with_rewards(&rewards).unwrap();
    let wrong = audit_table(&carved, &student).unwrap();
    assert!((wrong.top_p.residual - 0.25).abs() <= rounding(&carved), "{wrong:?}");
}

#[test]
fn the_residual_of_the_teacher_itself_is_its_discounted_leak() {
    let carving = carving(3, 4);
    let (carved, student) = own_student(&carving, RAW);
    let audit = audit_table(&carved, &student).unwrap();
    let rule = Selection::TopP(carving.p);
    let case = Case::<f64>::solve(&carved.instance, rule, Theory::default()).unwrap();
    let ahead = |pair: usize| case.mdp().row(pair).successors[0] as usize;
    let leaks = case.support().map(|(_, pair, _)| case.leak.0[ahead(pair)]);
    let expected = carving.gamma.get() * leaks.fold(0.0, f64::max);
    assert!(expected > 0.01);
    for proven in [audit.top_p, audit.projected] {
        assert!((proven.residual - expected).abs() <= rounding(&carved), "{proven:?} {expected}");
        assert!(proven.at_least <= proven.distance && proven.distance <= proven.at_most);
    }
    // T_p Q − Q = −γ ℓ too where π_Q is the teacher: nothing differs on the sets.
    assert!(audit.each.divergence.largest <= rounding(&carved));
    assert_eq!(audit.each.agreement, 1.0);
    for (state, row) in student.iter().enumerate() {
        assert!((row.leak - case.leak.0[state]).abs() <= rounding(&carved));
    }
}

#[test]
fn another_shift_is_another_reward_and_shows_as_a_residual() {
    let carving = carving(3, 4);
    let (carved, right) = own_student(&carving, RAW);
    let by = StudentQ { shift: Shift::VocabMax, floor: None };
    let (_, wrong) = own_student(&carving, by);
    let right = audit_table(&carved, &right).unwrap().top_p;
    let wrong = audit_table(&carved, &wrong).unwrap().top_p;
    // What is proved of the wrong one does not include the distance of the right one.
    assert!(wrong.at_least > right.distance, "{wrong:?} {right:?}");
    // With the same shift on both sides nothing changes but rounding.
    let (carved, both) = own_student(&Carving { shift: Shift::VocabMax, ..carving }, by);
    let both = audit_table(&carved, &both).unwrap().top_p;
    assert!((both.residual - right.residual).abs() <= rounding(&carved), "{both:?} {right:?}");
}

#[test]
fn a_floor_counts_the_candidates_that_it_lifts() {
    let by = StudentQ { shift: Shift::VocabMax, floor: Some(-1e-3) };
    let carving = Carving { shift: Shift::VocabMax, ..carving(2, 3) };
    let (carved, student) = own_student(&carving, by);
    let audit = audit_table(&carved, &student).unwrap();
    // All candidates but the most likely one.
    let sets = carved.instance.sets.as_ref().unwrap();
    let sizes: Vec<usize> = (0..student.len()).map(|state| sets.size(state)).collect();
    let floored: usize = sizes.iter().map(|size| size - 1).sum();
    let all: usize = sizes.iter().sum();
    assert_eq!(audit.each.floored, floored as f64 / all as f64);
}

#[test]
fn rollouts_through_the_whole_tree_see_the_residual_of_the_table() {
    let carving = carving(3, 2);
    let model = model();
    let reading = read(&model, PROMPT, ENDS, &carving, &mut go_on).unwrap();
    let carved = carve(&reading, &carving, "tiny").unwrap();
    // One rollout along every candidate of every state, cut off behind it: all known transitions.
    let mut rollouts = Vec::new();
    for (prefix, row) in reading.prefixes.iter().zip(&reading.rows) {
        for cell in row.cells.iter().filter(|cell| cell.candidate) {
            let tokens = [&prefix[..], &[cell.token, 0]].concat();
            rollouts.push(Rollout { tokens, ended: false });
        }
    }
    let teacher = read_along(&model, PROMPT, &rollouts, &carving, &mut go_on).unwrap();
    let student = read_student(&model, PROMPT, &teacher, RAW, 16, &mut go_on).unwrap();
    let along = Along { rollouts: &rollouts, teacher: &teacher, student: &student };
    let audit = audit_rollouts(&[along], &carving, 0.99).unwrap();
    // The teacher's own residual is γ ℓ of what comes next, here one level further than the table's.
    let mut largest = 0.0_f64;
    for rollout in &rollouts {
        for t in 1..rollout.tokens.len() {
            let state = teacher.prefixes.iter().position(|p| p[..] == rollout.tokens[..t]).unwrap();
            largest = largest.max(carving.gamma.get() * student[state].leak);
        }
    }
    assert!((audit.top_p.largest - largest).abs() <= rounding(&carved), "{audit:?} {largest}");
    assert_eq!(audit.rollouts, rollouts.len());
    assert_eq!(audit.each.agreement, 1.0);
}

#[test]
fn the_last_token_of_a_response_counts_if_the_response_ended() {
    let carving = carving(1, 1);
    let model = model();
    let reading = read(&model, PROMPT, ENDS, &carving, &mut go_on).unwrap();
    let token = reading.rows[0].cells.iter().find(|cell| cell.candidate).unwrap().token;
    let audit = |ended| {
        let rollouts = [Rollout { tokens: vec![token], ended }];
        let teacher = read_along(&model, PROMPT, &rollouts, &carving, &mut go_on).unwrap();
        let student = read_student(&model, PROMPT, &teacher, RAW, 16, &mut go_on).unwrap();
        let along = Along { rollouts: &rollouts, teacher: &teacher, student: &student };
        audit_rollouts(&[along], &carving, 0.99).unwrap()
    };
    assert_eq!((audit(true).transitions, audit(false).transitions), (1, 0));
    // The same model's Q-value of a last token is its reward: nothing is left over.
    assert!(audit(true).top_p.largest == 0.0);
    assert!(matches!(audit_rollouts(&[], &carving, 0.99), Err(BridgeError::NoRollouts)));
}
