//! The small batch of text in `tests/reference/losses`, and its losses over any number system.
//!
//! The tests of every number system share this file, so that they compute the same thing.
#![allow(dead_code)] // each test binary uses a part

use operators::*;
use serde_json::Value;

/// A batch of responses, laid out as rows: one per real position.
pub struct Batch {
    /// [rows × vocabulary].
    pub student: Vec<f64>,
    /// [rows × vocabulary].
    pub teacher: Vec<f64>,
    pub vocabulary: usize,
    /// The token taken in each row.
    pub action: Vec<usize>,
    /// The row of the next position; `None` after the last one.
    pub next: Vec<Option<usize>>,
    /// Whether the transition counts: the last one of a cut-off response does not.
    pub counted: Vec<bool>,
    /// Where each row comes from: response and position.
    pub origin: Vec<(usize, usize)>,
}

pub fn floats(v: &Value) -> impl Iterator<Item = f64> + '_ {
    v.as_array().expect("list").iter().map(|x| x.as_f64().expect("number"))
}

impl Batch {
    pub fn read(file: &Value) -> Self {
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

    pub fn rows(&self) -> usize {
        self.action.len()
    }

    pub fn layout(&self) -> RowLayout {
        RowLayout::uniform(self.rows(), self.vocabulary).expect("a vocabulary")
    }

    /// The teacher's candidate sets.
    pub fn sets(&self, p: TopP) -> CandidateSets {
        let selection = Selection::TopP(p);
        CandidateSets::select(&self.layout(), &self.teacher, selection).expect("sets")
    }

    /// Whether the token of each row lies in its set.
    pub fn inside(&self, sets: &CandidateSets) -> Vec<bool> {
        let cells = self.layout();
        let rows = cells.iter().zip(&self.action);
        rows.map(|(row, slot)| sets.kept()[row.start + slot]).collect()
    }

    /// The positions that follow.
    pub fn next(&self) -> NextPosition {
        NextPosition::new(self.next.clone()).expect("rows that exist")
    }

    /// The same share for every real position.
    pub fn even(&self) -> Vec<f64> {
        vec![1.0 / self.rows() as f64; self.rows()]
    }

    /// The share of each transition in the mean over those that count.
    pub fn weights(&self) -> Vec<f64> {
        let counted = self.counted.iter().filter(|c| **c).count() as f64;
        self.counted.iter().map(|&c| if c { 1.0 / counted } else { 0.0 }).collect()
    }
}

/// One configuration of the objective.
pub struct Config {
    pub p: TopP,
    pub settings: BellmanDistill,
}

impl Config {
    pub fn read(v: &Value) -> Self {
        let number = |key: &str| v[key].as_f64().expect("number");
        let text = |key: &str| v[key].as_str().expect("text");
        let settings = BellmanDistill {
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
        };
        Self { p: TopP::new(number("p")).expect("p"), settings }
    }
}

/// A batch in a number system.
pub struct Parts<N: NumberSystem> {
    pub full: N::Mask,
    pub slots: N::Slots,
    pub responses: Responses<N>,
    pub teacher: Cells<N>,
    /// The same share for every real position, also those without a next one.
    pub even: Rows<N>,
}

/// The soft values V_t and the objective J of a batch whose student logits are `z`.
pub fn distill<N: NumberSystem>(
    n: &N,
    z: &Cells<N>,
    parts: &Parts<N>,
    settings: &BellmanDistill,
) -> Result<(Rows<N>, N::Scalar), N::Error>
where
    NextPosition: Successor<N>,
{
    let q = student_q(n, z, &parts.full, settings)?;
    let chosen = Rows(n.pick(&q.0, &parts.slots)?);
    let e = bellman_distill(n, &q, &chosen, &parts.responses, settings)?;
    Ok((e.value, e.objective))
}

/// The soft values and J of the objective of the released code.
pub fn distill_released<N: NumberSystem>(
    n: &N,
    z: &Cells<N>,
    parts: &Parts<N>,
    released: &Released,
) -> Result<(Rows<N>, N::Scalar), N::Error>
where
    NextPosition: Successor<N>,
{
    let q = student_q(n, z, &parts.full, &released.settings)?;
    let e = bellman_distill_released(n, &q, &parts.full, &parts.responses, released)?;
    Ok((e.value, e.objective))
}

/// Calls `check` with each configuration of the released objective, as [`for_each_config`].
pub fn for_each_released(check: impl Fn(&Batch, TopP, &Released, &Value, &str)) {
    let batch = Batch::read(&file());
    let text = include_str!("../../../tests/reference/losses/bd_released.json");
    let file: Value = serde_json::from_str(text).expect("JSON");
    let expected = file["bd_released"].as_array().expect("configurations");
    assert_eq!(expected.len(), 6);
    for e in expected {
        let Config { p, settings } = Config::read(e);
        let epsilon = e["epsilon"].as_f64().expect("ε");
        let released = Released::new(settings, p, epsilon).expect("ε");
        check(&batch, p, &released, e, &format!("released, p {} ε {epsilon}", e["p"]));
    }
}

/// The names of the baselines.
pub const BASELINES: [&str; 3] = ["sft_nll", "forward_kl", "reverse_kl"];

/// The loss of a baseline.
pub fn baseline<N: NumberSystem>(
    n: &N,
    z: &Cells<N>,
    parts: &Parts<N>,
    name: &str,
) -> Result<N::Scalar, N::Error> {
    let full = &parts.full;
    let teacher = projection(n, &parts.teacher, full)?;
    let divergence = match name {
        "sft_nll" => return cross_entropy(n, z, full, &parts.slots, &parts.even),
        "forward_kl" => kl_divergence(n, &teacher, &projection(n, z, full)?, full)?,
        "reverse_kl" => kl_divergence(n, &projection(n, z, full)?, &teacher, full)?,
        other => panic!("baseline {other}"),
    };
    n.dot(&parts.even.0, &divergence.0)
}

/// The file.
pub fn file() -> Value {
    let text = include_str!("../../../tests/reference/losses/losses.json");
    serde_json::from_str(text).expect("JSON")
}

/// Calls `check` with each of the 18 configurations, what the file expects, and a name.
pub fn for_each_config(check: impl Fn(&Batch, &Config, &Value, &str)) {
    let file = file();
    let batch = Batch::read(&file);
    let expected = file["bellman_distill"].as_array().expect("configurations");
    assert_eq!(expected.len(), 18);
    for e in expected {
        let name = format!("p {} φ {} shift {}", e["p"], e["phi"], e["shift"]);
        check(&batch, &Config::read(e), e, &name);
    }
}
