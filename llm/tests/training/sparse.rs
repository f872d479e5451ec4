//! Losses on candidate tokens against the operators on the whole vocabulary.

use super::*;

#[test]
fn bellman_distill_on_candidates_is_bellman_distill_on_the_whole_vocabulary() {
    let shifts = [
        (SparseShift::VocabMax, Shift::VocabMax),
        (SparseShift::LogSoftmax, Shift::LogSoftmax),
        (SparseShift::Zero, Shift::Zero),
    ];
    let chi2 = Phi::chi2(0.1).unwrap();
    for p in [0.05, 0.5, 1.0] {
        let examples = examples(p);
        let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
        let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
        for (sparse_shift, shift) in shifts {
            for phi in [chi2, Phi::Identity] {
                for outside in [Outside::Floor, Outside::Drop] {
                    for mass_weight in [0.0, 0.7] {
                        let loss = bellman(sparse_shift, phi, outside);
                        let loss = BellmanLoss { mass_weight, ..loss };
                        let what = format!("p {p}, {loss:?}");
                        if loss.transitions(&batch, &scores) == 0 {
                            continue;
                        }
                        let expected = defined(&loss, shift, &batch, &scores);
                        assert_same(&sparse(&loss, &batch, &scores).0, &expected, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn without_sets_bellman_distill_is_that_of_sets_that_hold_every_token() {
    let shifts = [
        (SparseShift::VocabMax, Shift::VocabMax),
        (SparseShift::CandidateMax, Shift::VocabMax),
        (SparseShift::LogSoftmax, Shift::LogSoftmax),
        (SparseShift::Zero, Shift::Zero),
    ];
    let examples = examples(1.0);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    for (sparse_shift, shift) in shifts {
        for phi in [Phi::chi2(0.1).unwrap(), Phi::Identity] {
            let loss = bellman(sparse_shift, phi, Outside::Floor);
            let total = loss.transitions(&batch, &scores);
            let expected = defined(&loss, shift, &batch, &scores);
            let (hidden, head) = state(&batch);
            let whole = WholeLoss { settings: loss.settings, shift: sparse_shift };
            let state = (hidden.as_tensor(), head.as_tensor());
            let value = whole.loss(&batch, state, total, &mut Tally::default()).expect("a loss");
            assert_same(&outcome(&hidden, &head, value), &expected, &format!("{loss:?}"));
        }
    }
}

#[test]
fn cloning_that_holds_the_mass_in_the_sets_is_cross_entropy() {
    let examples = examples(0.5);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    let mut loss = bellman(SparseShift::VocabMax, Phi::Identity, Outside::Drop);
    (loss.settings.q_min, loss.mass_weight) = (-1e3, 1.0);
    let (found, _) = sparse(&loss, &batch, &scores);

    let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
    let inside = sets.zip(batch.chosen()).map(|(set, token)| set.contains(token));
    let counted: Vec<bool> = batch.counts().zip(inside).map(|(c, inside)| c && inside).collect();
    // With φ = identity γ V_{t+1} cancels within each transition, whichever others are left out.
    let share = 1.0 / counted.iter().filter(|counted| **counted).count() as f64;
    let weights: Vec<f64> = counted.iter().map(|&c| if c { share } else { 0.0 }).collect();
    let (hidden, head) = state(&batch);
    let target = Target::Tokens(batch.chosen());
    let entropy = vocabulary_loss(&hidden, &head, &target, &weights).unwrap();
    assert!(counted.iter().any(|counted| *counted) && counted.iter().any(|counted| !*counted));
    assert_same(&found, &outcome(&hidden, &head, entropy), "cross entropy");
}

#[test]
fn the_largest_candidate_is_the_largest_logit_where_nothing_is_outside() {
    let examples = examples(1.0);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    let of = |shift| sparse(&bellman(shift, Phi::Identity, Outside::Floor), &batch, &scores);
    let ((exact, tally), (quick, _)) = (of(SparseShift::VocabMax), of(SparseShift::CandidateMax));
    assert_same(&quick, &exact, "the whole vocabulary");
    let shares = tally.shares();
    assert_eq!((shares.outside, shares.best_outside), (Some(0.0), Some(0.0)));
    // Every token is a candidate: all mass is inside, of teacher and student.
    assert!((shares.student_mass.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn what_is_counted_is_what_is_there() {
    let examples = examples(0.5);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    let loss = bellman(SparseShift::VocabMax, Phi::Identity, Outside::Floor);
    let (_, tally) = sparse(&loss, &batch, &scores);
    let (hidden, head) = state(&batch);
    let logits = hidden.matmul(&head.t().unwrap()).unwrap().to_vec2::<f64>().unwrap();
    let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
    let (mut outside, mut best_outside, mut floored, mut mass) = (0.0, 0.0, 0.0, 0.0);
    for ((z, set), token) in logits.iter().zip(sets).zip(batch.chosen()) {
        let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let best = z.iter().position(|&x| x == largest).unwrap() as u32;
        outside += f64::from(u8::from(!set.contains(token)));
        best_outside += f64::from(u8::from(!set.contains(&best)));
        let exp = |&token: &u32| (z[token as usize] - largest).exp();
        floored += set.iter().filter(|&&a| z[a as usize] - largest <= -1.5).count() as f64;
        let total: f64 = z.iter().map(|x| (x - largest).exp()).sum();
        mass += set.iter().map(exp).sum::<f64>() / total;
    }
    assert!(outside > 0.0 && best_outside > 0.0 && floored > 0.0);
    assert_eq!((tally.rows, tally.outside), (batch.rows() as f64, outside));
    assert_eq!((tally.best_outside, tally.floored), (best_outside, floored));
    assert!((tally.student_mass - mass).abs() < 1e-9);
    let soft = bellman(SparseShift::LogSoftmax, Phi::Identity, Outside::Floor);
    let plain = bellman(SparseShift::CandidateMax, Phi::Identity, Outside::Floor);
    for loss in [soft, BellmanLoss { mass_weight: 1.0, ..plain }] {
        let (_, tally) = sparse(&loss, &batch, &scores);
        assert_eq!((tally.surveyed, tally.weighed), (0.0, tally.rows));
        assert!((tally.student_mass - mass).abs() < 1e-9, "what needs the sum gives the mass");
    }
    assert_eq!(sparse(&plain, &batch, &scores).1.shares().student_mass, None);
    // A student that is the teacher has its rewards.
    assert!(tally.residual > 0.0);
}

#[test]
fn the_residual_of_the_teacher_itself_is_zero() {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    let examples = examples(0.5);
    let batch = Batch::new(&examples.iter().collect::<Vec<_>>()).unwrap();
    let scores: Vec<&Scores> = examples.iter().filter_map(|e| e.scores.as_ref()).collect();
    for shift in [SparseShift::VocabMax, SparseShift::LogSoftmax] {
        let loss = bellman(shift, Phi::Identity, Outside::Floor);
        let (hidden, mut tally) = (batch.hidden(&teacher).unwrap(), Tally::default());
        loss.loss(&batch, &scores, (&hidden, teacher.head()), 1, &mut tally).unwrap();
        // Log-probabilities are stored in f32: 2⁻²⁴ of numbers below 16, for two of them.
        assert!(tally.shares().residual.unwrap() < 4e-6, "{shift:?}: {tally:?}");
    }
}

#[test]
fn candidate_kl_is_forward_kl_where_every_token_is_a_candidate_and_below_it_elsewhere() {
    let teacher = model("qwen2", DType::F64, Mode::Frozen);
    for p in [0.3, 0.8, 1.0] {
        let examples = examples(p);
        let examples: Vec<&Example> = examples.iter().collect();
        let batch = Batch::new(&examples).unwrap();
        let student = model("llama", DType::F64, Mode::Frozen);
        let of = |objective: Objective| {
            let mut tally = Tally::default();
            let loss = objective.loss(&student, &batch, &examples, batch.rows(), &mut tally);
            loss.unwrap().to_scalar::<f64>().unwrap()
        };
        let (some, all) = (of(Objective::CandidateKl), of(Objective::ForwardKl(&teacher)));
        if p == 1.0 {
            // What is stored is rounded to f32, and the bucket of nothing holds one rounding of 1.
            assert!((some - all).abs() < 1e-5, "{some} is not {all}");
        } else {
            assert!(some > 0.0 && some < all, "p {p}: {some} is not below {all}");
        }
    }
}
