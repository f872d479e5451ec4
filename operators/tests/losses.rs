//! The Bellman Distill objective and the baselines on a small batch of text, against values and
//! gradients that PyTorch computed in float64.
//!
//! Rows are the real positions of all responses. Doubles give the loss, dual numbers its gradient.

#[path = "common/batch.rs"]
mod batch;

use batch::*;
use nalgebra::DVector;
use operators::*;
use serde_json::Value;

fn parts<T: Scalar>(n: &Dense<T>, batch: &Batch, sets: &CandidateSets) -> Parts<Dense<T>> {
    Parts {
        full: n.mask(&CandidateSets::full(n.layout())),
        slots: batch.action.clone(),
        responses: Responses {
            set: n.mask(sets),
            inside: batch.inside(sets),
            next: batch.next(),
            weights: n.rows(&batch.weights()).expect("weights"),
        },
        teacher: n.cells(&batch.teacher).expect("teacher"),
        even: n.rows(&batch.even()).expect("weights"),
    }
}

/// The soft values V_t and the loss −J of a batch whose student logits are `logits`.
fn loss<T: Scalar>(batch: &Batch, config: &Config, logits: Vec<T>) -> (Rows<Dense<T>>, T) {
    let n = Dense::<T>::new(&batch.layout());
    let parts = parts(&n, batch, &batch.sets(config.p));
    let z = Cells(DVector::from_vec(logits));
    let (value, j) = distill(&n, &z, &parts, &config.settings).expect("objective");
    (value, T::from_f64(0.0) - j)
}

fn baseline_loss<T: Scalar>(batch: &Batch, name: &str, logits: Vec<T>) -> T {
    let n = Dense::<T>::new(&batch.layout());
    let parts = parts(&n, batch, &CandidateSets::full(n.layout()));
    baseline(&n, &Cells(DVector::from_vec(logits)), &parts, name).expect("loss")
}

/// Agreement to 1e-9 of the size of the number, and at least of 1.
fn assert_near(found: f64, expected: f64, what: impl Fn() -> String) {
    let slack = 1e-9 * expected.abs().max(1.0);
    assert!((found - expected).abs() <= slack, "{}: {found} is not {expected}", what());
}

#[test]
fn the_batch_has_a_cut_off_response_and_actions_outside_their_sets() {
    let batch = Batch::read(&file());
    assert_eq!(batch.counted.iter().filter(|c| !**c).count(), 1);
    let layout = batch.layout();
    let sets = batch.sets(TopP::new(0.8).expect("p"));
    let outside = |t: usize| !sets.kept()[layout.row(t).start + batch.action[t]];
    assert!((0..batch.rows()).any(outside) && !(0..batch.rows()).all(outside));
}

#[test]
fn candidate_sets_of_the_teacher_agree_with_the_reference() {
    let file = file();
    let batch = Batch::read(&file);
    let layout = batch.layout();
    let sets = batch.sets(TopP::new(0.8).expect("p"));
    for (row, &(b, t)) in batch.origin.iter().enumerate() {
        let expected: Vec<bool> = file["top_p_mask_at_0_8"][b][t]
            .as_array()
            .expect("mask")
            .iter()
            .map(|x| x.as_u64() == Some(1))
            .collect();
        assert_eq!(&sets.kept()[layout.row(row)], expected, "response {b}, position {t}");
    }
}

#[test]
fn losses_and_soft_values_agree_with_the_reference() {
    for_each_config(|batch, config, expected, name| {
        let (value, loss) = loss(batch, config, batch.student.clone());
        assert_near(loss, expected["loss"].as_f64().expect("loss"), || name.into());
        for (row, &(b, t)) in batch.origin.iter().enumerate() {
            let v = expected["soft_value"][b][t].as_f64().expect("soft value");
            assert_near(value.0[row], v, || format!("{name}, V of response {b}, position {t}"));
        }
    });
}

/// As many directions as the vocabulary: gradients are taken one row at a time.
const DIRECTIONS: usize = 17;

/// The gradient of `loss` with respect to the student's logits, against `expected` [B, T, V].
fn assert_gradient(
    batch: &Batch,
    name: &str,
    expected: &Value,
    loss: impl Fn(Vec<Dual<DIRECTIONS>>) -> Dual<DIRECTIONS>,
) {
    assert_eq!(batch.vocabulary, DIRECTIONS);
    for (row, &(b, t)) in batch.origin.iter().enumerate() {
        let from = row * DIRECTIONS;
        let logit = |(i, &z): (usize, &f64)| match i.checked_sub(from) {
            Some(direction) => Dual::<DIRECTIONS>::variable(z, direction),
            None => Dual::from_f64(z),
        };
        let loss = loss(batch.student.iter().enumerate().map(logit).collect());
        for (token, (found, expected)) in
            loss.derivative.iter().zip(floats(&expected[b][t])).enumerate()
        {
            let place = || format!("{name}, response {b}, position {t}, token {token}");
            assert_near(*found, expected, place);
        }
    }
}

#[test]
fn gradients_agree_with_the_reference() {
    for_each_config(|batch, config, expected, name| {
        assert_gradient(batch, name, &expected["grad_student_logits"], |logits| {
            loss(batch, config, logits).1
        });
    });
}

fn released_loss<T: Scalar>(
    batch: &Batch,
    p: TopP,
    released: &Released,
    logits: Vec<T>,
) -> (Rows<Dense<T>>, T) {
    let n = Dense::<T>::new(&batch.layout());
    let parts = parts(&n, batch, &batch.sets(p));
    let z = Cells(DVector::from_vec(logits));
    let (value, j) = distill_released(&n, &z, &parts, released).expect("objective");
    (value, T::from_f64(0.0) - j)
}

#[test]
fn the_released_objective_and_its_gradient_agree_with_the_reference() {
    for_each_released(|batch, p, released, expected, name| {
        let (value, loss) = released_loss(batch, p, released, batch.student.clone());
        assert_near(loss, expected["loss"].as_f64().expect("loss"), || name.into());
        for (row, &(b, t)) in batch.origin.iter().enumerate() {
            let v = expected["soft_value"][b][t].as_f64().expect("soft value");
            assert_near(value.0[row], v, || format!("{name}, V of response {b}, position {t}"));
        }
        assert_gradient(batch, name, &expected["grad_student_logits"], |logits| {
            released_loss(batch, p, released, logits).1
        });
    });
}

#[test]
fn without_the_square_the_released_objective_knows_no_next_value() {
    // −J = mean_t [ V_t − mean_a 1[a ∈ A_t] Q_t(a) ], whatever follows and whichever token was taken.
    for_each_released(|batch, p, released, _, name| {
        let phi = Phi::Identity;
        let settings = BellmanDistill { phi, ..released.settings };
        let mut linear = *released;
        linear.settings = settings;
        let n = Dense::<f64>::new(&batch.layout());
        let sets = batch.sets(p);
        let (value, loss) = released_loss(batch, p, &linear, batch.student.clone());
        let z = n.cells(&batch.student).expect("logits");
        let full = n.mask(&CandidateSets::full(n.layout()));
        let q = student_q(&n, &z, &full, &settings).expect("Q").0;
        let mut expected = 0.0;
        for (row, weight) in batch.weights().into_iter().enumerate() {
            let kept = batch.layout().row(row).filter(|&cell| sets.kept()[cell]);
            let inside: f64 = kept.map(|cell| q[cell]).sum();
            expected += weight * (value.0[row] - inside / batch.vocabulary as f64);
        }
        assert_near(loss, expected, || name.into());
    });
}

#[test]
fn the_released_objective_is_not_that_of_the_paper() {
    for_each_released(|batch, p, released, expected, name| {
        let config = Config { p, settings: released.settings };
        let paper = loss(batch, &config, batch.student.clone()).1;
        assert!((paper - expected["loss"].as_f64().expect("loss")).abs() > 1e-6, "{name}");
    });
}

#[test]
fn epsilon_must_be_positive_and_finite() {
    for_each_released(|_, p, released, _, _| {
        for epsilon in [0.0, -1e-8, f64::NAN, f64::INFINITY] {
            let refused = Released::new(released.settings, p, epsilon);
            assert!(matches!(refused, Err(OperatorError::Epsilon { .. })), "{epsilon}");
        }
    });
}

#[test]
fn baselines_agree_with_the_reference() {
    let file = file();
    let batch = Batch::read(&file);
    for name in BASELINES {
        let expected = &file["baselines"][name];
        let loss = baseline_loss(&batch, name, batch.student.clone());
        assert_near(loss, expected["loss"].as_f64().expect("loss"), || name.into());
        assert_gradient(&batch, name, &expected["grad_student_logits"], |logits| {
            baseline_loss(&batch, name, logits)
        });
    }
}

#[test]
fn padding_and_uncounted_positions_have_no_gradient_in_the_reference_either() {
    let file = file();
    let batch = Batch::read(&file);
    for e in file["bellman_distill"].as_array().expect("configurations") {
        for (b, positions) in e["grad_student_logits"].as_array().expect("batch").iter().enumerate()
        {
            for (t, gradient) in positions.as_array().expect("positions").iter().enumerate() {
                if !batch.origin.contains(&(b, t)) {
                    assert!(floats(gradient).all(|g| g == 0.0));
                }
            }
        }
    }
}
