//! [`Checked`]: a statement about a batch with both of its sides.

use serde::{Deserialize, Serialize};

/// A statement about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// The loss is that of the definition.
    Objective,
    /// Its derivative along a direction in hidden states and head, which raises the logits of the
    /// tokens taken, is that of the definition.
    Gradient,
    /// With φ = identity, no floor and every token inside its set, J is the mean of log proj_p π_Q.
    BehaviourCloning,
    /// The teacher's candidate sets carry mass ≥ p, and the mass that is stored with them.
    CapturedMass,
    /// V over the candidates does not exceed V over the whole vocabulary.
    SoftValue,
}

impl Statement {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Objective => "the loss is that of its definition in f64",
            Self::Gradient => "the derivative of the loss is that of its definition in f64",
            Self::BehaviourCloning => "with φ = id, J is the mean of log proj_p π_Q",
            Self::CapturedMass => "candidate sets carry mass ≥ p",
            Self::SoftValue => "V over the candidates is at most V over the vocabulary",
        }
    }
}

/// A statement with both of its sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// The statement.
    pub statement: Statement,
    /// Where: which examples, responses of the student or pieces of text, and which position where one
    /// can be told.
    pub place: String,
    /// What training computes, or what the data say.
    pub found: f64,
    /// The other side.
    pub expected: f64,
    /// By how much the statement is missed: a distance for equalities, 0 or less where an
    /// inequality holds.
    pub missed: f64,
    /// How much of that rounding explains.
    pub bound: f64,
}

impl Checked {
    /// Whether it fails by more than rounding explains.
    pub fn fails(&self) -> bool {
        // Written so that NaN fails.
        !(self.missed <= self.bound)
    }

    /// How much of the bound is used up.
    pub(super) fn share(&self) -> f64 {
        if self.missed <= 0.0 {
            0.0
        } else if self.missed.is_finite() {
            self.missed / self.bound
        } else {
            f64::INFINITY
        }
    }

    pub(super) fn equal(statement: Statement, found: f64, expected: f64, bound: f64) -> Self {
        let missed = (found - expected).abs();
        Self { statement, place: String::new(), found, expected, missed, bound }
    }

    pub(super) fn at(self, place: String) -> Self {
        Self { place, ..self }
    }
}

/// Of each statement the instance that uses up most of its bound, the first of equal ones.
pub(super) fn worst(all: Vec<Checked>) -> Vec<Checked> {
    let mut worst: Vec<Checked> = Vec::new();
    for checked in all {
        match worst.iter_mut().find(|w| w.statement == checked.statement) {
            None => worst.push(checked),
            Some(known) => {
                let worse = checked.fails() && !known.fails();
                if worse || (checked.fails() == known.fails() && checked.share() > known.share()) {
                    *known = checked;
                }
            }
        }
    }
    worst
}
