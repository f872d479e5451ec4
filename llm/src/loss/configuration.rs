//! Which loss: p, γ, φ, the shift and the floor, as files and flags name them.

use super::BatchProblem;
use operators::{BellmanDistill, Discount, Phi, Shift, TopP};
use serde::{Deserialize, Serialize};

/// A configuration of the objective as it is written down; what is not given is as published.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// The mass of the candidate sets.
    pub p: f64,
    /// The discount.
    pub gamma: f64,
    /// The concave function of the implied reward.
    pub phi: PhiName,
    /// α of χ²; does not matter otherwise.
    pub alpha: f64,
    /// What makes logits Q-values.
    pub shift: ShiftName,
    /// The floor under the Q-values.
    pub q_min: f64,
}

impl Default for Configuration {
    fn default() -> Self {
        let (phi, shift) = (PhiName::Chi2, ShiftName::VocabMax);
        Self { p: 0.8, gamma: 0.99, phi, alpha: 0.1, shift, q_min: -10.0 }
    }
}

/// φ by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhiName {
    /// φ(x) = x − x²/(4α).
    Chi2,
    /// φ(x) = x.
    Identity,
}

/// A shift by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShiftName {
    /// The largest logit.
    VocabMax,
    /// log Σ exp of the logits.
    LogSoftmax,
    /// Nothing.
    None,
}

impl From<ShiftName> for Shift {
    fn from(name: ShiftName) -> Self {
        match name {
            ShiftName::VocabMax => Self::VocabMax,
            ShiftName::LogSoftmax => Self::LogSoftmax,
            ShiftName::None => Self::Zero,
        }
    }
}

impl Configuration {
    /// What the operators need of it.
    ///
    /// # Errors
    /// [`BatchProblem::Operator`] for p, γ or α out of range; [`BatchProblem::Floor`].
    pub fn checked(&self) -> Result<(TopP, BellmanDistill), BatchProblem> {
        if !self.q_min.is_finite() {
            return Err(BatchProblem::Floor(self.q_min));
        }
        let chi2 = Phi::chi2(self.alpha)?;
        let settings = BellmanDistill {
            gamma: Discount::new(self.gamma)?,
            phi: if self.phi == PhiName::Chi2 { chi2 } else { Phi::Identity },
            shift: self.shift.into(),
            q_min: self.q_min,
        };
        Ok((TopP::new(self.p)?, settings))
    }
}
