//! The Bellman Distill objective of a small batch of text, put together from the operators, against
//! values and gradients that PyTorch computed in float64.
//!
//! Rows are the real positions of all responses. Everything is written over any number system of
//! dense tables: doubles give the loss, dual numbers its gradient.

use nalgebra::DVector;
use operators::*;
use serde_json::Value;

/// A batch of responses, laid out as rows: one per real position.
struct Batch {
    /// [rows × vocabulary].
    student: Vec<f64>,
    /// [rows × vocabulary].
    teacher: Vec<f64>,
    vocabulary: usize,
    /// The token taken in each row.
    action: Vec<usize>,
    /// The row of the next position; `None` after the last one.
    next: Vec<Option<usize>>,
    /// Whether the transition counts: the last one of a cut-off response does not.
    counted: Vec<bool>,
    /// Where each row comes from: response and position.
    origin: Vec<(usize, usize)>,
}

fn floats(v: &Value) -> impl Iterator<Item = f64> + '_ {
    v.as_array().expect("list").iter().map(|x| x.as_f64().expect("number"))
}

impl Batch {
    fn read(file: &Value) -> Self {
        let number = |v: &Value| v.as_u64().expect("number") as usize;
        let mut batch = Self {
            student: Vec::new(),
            teacher: Vec::new(),
            vocabulary: file["student_logits"][0][0].as_array().expect("logits").len(),
            action: Vec::new(),
            next: Vec::new(),
            counted: Vec::new(),
            origin: Vec::new(),
        };
        for (b, length) in file["lengths"].as_array().expect("lengths").iter().enumerate() {
            let ends = file["ends_with_eos"][b].as_bool().expect("flag");
            for t in 0..number(length) {
                let row = batch.action.len();
                let last = t + 1 == number(length);
                batch.student.extend(floats(&file["student_logits"][b][t]));
                batch.teacher.extend(floats(&file["teacher_logits"][b][t]));
                batch.action.push(number(&file["actions"][b][t]));
                batch.next.push((!last).then_some(row + 1));
                batch.counted.push(!last || ends);
                batch.origin.push((b, t));
            }
        }
        batch
    }

    fn rows(&self) -> usize {
        self.action.len()
    }
}

/// Text: a transition leads to the next position with certainty, and to value 0 after the last.
struct NextPosition<'a>(&'a [Option<usize>]);

impl<T: Scalar> Successor<Dense<T>> for NextPosition<'_> {
    fn expected(&self, _: &Dense<T>, v: &Rows<Dense<T>>) -> Result<Cells<Dense<T>>, OperatorError> {
        let value = |next: &Option<usize>| next.map_or(T::from_f64(0.0), |row| v.0[row]);
        Ok(Cells(DVector::from_iterator(self.0.len(), self.0.iter().map(value))))
    }
}

/// One configuration of the objective.
struct Config {
    p: TopP,
    gamma: Discount,
    phi: Phi,
    shift: Shift,
    q_min: f64,
}

impl Config {
    fn read(v: &Value) -> Self {
        let number = |key: &str| v[key].as_f64().expect("number");
        let text = |key: &str| v[key].as_str().expect("text");
        Self {
            p: TopP::new(number("p")).expect("p"),
            gamma: Discount::new(number("gamma")).expect("γ"),
            phi: match text("phi") {
                "chi2" => Phi::chi2(number("alpha")).expect("α"),
                "identity" => Phi::Identity,
                other => panic!("φ = {other}"),
            },
            shift: match text("shift") {
                "vocab_max" => Shift::VocabMax,
                "log_softmax" => Shift::LogSoftmax,
                "none" => Shift::Zero,
                other => panic!("shift {other}"),
            },
            q_min: number("q_min"),
        }
    }
}

/// The soft values V_t and the loss −J of a batch whose student logits are `logits`.
fn bellman_distill<T: Scalar>(
    batch: &Batch,
    config: &Config,
    logits: Vec<T>,
) -> Result<(Rows<Dense<T>>, T), OperatorError> {
    let layout = RowLayout::uniform(batch.rows(), batch.vocabulary)?;
    let sets = CandidateSets::select(&layout, &batch.teacher, Selection::TopP(config.p))?;
    let n = Dense::<T>::new(&layout);
    let (set, full) = (n.mask(&sets), n.mask(&CandidateSets::full(&layout)));

    let z = Cells(DVector::from_vec(logits));
    let q = floor(&n, &shift(&n, &z, config.shift, &full)?, config.q_min)?;
    let value = soft_value(&n, &q, &set)?;
    let chosen = n.pick(&q.0, &batch.action)?;

    // From here on a transition is a row with one cell, the action that was taken.
    let n = Dense::<T>::new(&RowLayout::uniform(batch.rows(), 1)?);
    let inside = (0..batch.rows()).map(|t| set[layout.row(t).start + batch.action[t]]).collect();
    let taken = Cells(top_p_mask(&n, &Rows(chosen), &inside, config.q_min)?.0);
    let next = NextPosition(&batch.next);
    let delta = implied_reward(&n, &taken, config.gamma, &next, &Rows(value.0.clone()))?;
    let after = next.expected(&n, &Rows(value.0.clone()))?;
    let discounted = n.scale(&after.0, config.gamma.get())?;
    let counted = batch.counted.iter().filter(|c| **c).count() as f64;
    let share = |&c: &bool| if c { 1.0 / counted } else { 0.0 };
    let weights = n.rows(&batch.counted.iter().map(share).collect::<Vec<_>>())?.0;
    let j = objective(&n, config.phi, &delta.0, &value.0, &discounted, &weights)?;
    Ok((value, T::from_f64(0.0) - j))
}

/// Agreement to 1e-9 of the size of the number, and at least of 1.
fn assert_near(found: f64, expected: f64, what: impl Fn() -> String) {
    let slack = 1e-9 * expected.abs().max(1.0);
    assert!((found - expected).abs() <= slack, "{}: {found} is not {expected}", what());
}

fn file() -> Value {
    serde_json::from_str(include_str!("../../tests/reference/losses/losses.json")).expect("JSON")
}

fn for_each_config(check: impl Fn(&Batch, &Config, &Value, &str)) {
    let file = file();
    let batch = Batch::read(&file);
    let expected = file["bellman_distill"].as_array().expect("configurations");
    assert_eq!(expected.len(), 18);
    for e in expected {
        let name = format!("p {} φ {} shift {}", e["p"], e["phi"], e["shift"]);
        check(&batch, &Config::read(e), e, &name);
    }
}

#[test]
fn the_batch_has_a_cut_off_response_and_actions_outside_their_sets() {
    let batch = Batch::read(&file());
    assert_eq!(batch.counted.iter().filter(|c| !**c).count(), 1);
    let layout = RowLayout::uniform(batch.rows(), batch.vocabulary).expect("layout");
    let p = Selection::TopP(TopP::new(0.8).expect("p"));
    let sets = CandidateSets::select(&layout, &batch.teacher, p).expect("sets");
    let outside = |t: usize| !sets.kept()[layout.row(t).start + batch.action[t]];
    assert!((0..batch.rows()).any(outside) && !(0..batch.rows()).all(outside));
}

#[test]
fn candidate_sets_of_the_teacher_agree_with_the_reference() {
    let file = file();
    let batch = Batch::read(&file);
    let layout = RowLayout::uniform(batch.rows(), batch.vocabulary).expect("layout");
    let p = Selection::TopP(TopP::new(0.8).expect("p"));
    let sets = CandidateSets::select(&layout, &batch.teacher, p).expect("sets");
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
        let (value, loss) =
            bellman_distill(batch, config, batch.student.clone()).expect("objective");
        assert_near(loss, expected["loss"].as_f64().expect("loss"), || name.into());
        for (row, &(b, t)) in batch.origin.iter().enumerate() {
            let v = expected["soft_value"][b][t].as_f64().expect("soft value");
            assert_near(value.0[row], v, || format!("{name}, V of response {b}, position {t}"));
        }
    });
}

#[test]
fn gradients_agree_with_the_reference() {
    // As many directions as the vocabulary: one row at a time.
    const DIRECTIONS: usize = 17;
    for_each_config(|batch, config, expected, name| {
        assert_eq!(batch.vocabulary, DIRECTIONS);
        for (row, &(b, t)) in batch.origin.iter().enumerate() {
            let from = row * DIRECTIONS;
            let logit = |(i, &z): (usize, &f64)| match i.checked_sub(from) {
                Some(direction) => Dual::<DIRECTIONS>::variable(z, direction),
                None => Dual::from_f64(z),
            };
            let logits = batch.student.iter().enumerate().map(logit).collect();
            let (_, loss) = bellman_distill(batch, config, logits).expect("objective");
            let gradient = floats(&expected["grad_student_logits"][b][t]);
            for (token, (found, expected)) in loss.derivative.iter().zip(gradient).enumerate() {
                let place = || format!("{name}, response {b}, position {t}, token {token}");
                assert_near(*found, expected, place);
            }
        }
    });
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
