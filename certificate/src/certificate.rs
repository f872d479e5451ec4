//! [`Certificate`]: values of an MDP and bounds on their residuals, for others to check.

use crate::bound::{Operator, action_values, bound};
use crate::check::Frame;
use crate::{CertificateError, Model, ModelHash, Sets};

/// A claim about the fixed points of a model, which [`crate::check()`] proves or refuses.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// Which model it is about.
    pub model_hash: ModelHash,
    /// The discount, exactly this double.
    pub gamma: f64,
    /// The mass the candidate sets are meant to have, exactly this double.
    pub p: f64,
    /// What was done to the input to make it a model: a record for whoever reads the input, not
    /// part of the claim.
    pub adjustments: Option<Record>,
    /// V with bounds on T V − V.
    pub optimal: ValueBounds,
    /// Candidate sets and the fixed points over them.
    pub restricted: Option<Restricted>,
}

/// A JSON object that the checker keeps and does not interpret.
pub type Record = serde_json::Map<String, serde_json::Value>;

/// State values V with the claim c_lo ≤ (operator V)(s) − V(s) ≤ c_hi for every state s.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueBounds {
    /// V(s), near the fixed point.
    pub v: Vec<f64>,
    /// The lower bound.
    pub c_lo: f64,
    /// The upper bound.
    pub c_hi: f64,
}

/// Candidate sets, and values of the two operators over them.
#[derive(Debug, Clone, PartialEq)]
pub struct Restricted {
    /// For each state the slots kept, rising: positions among the state's pairs.
    pub kept: Vec<Vec<u32>>,
    /// Values of the projected teacher, for B_p^{π*}.
    pub projected: ValueBounds,
    /// Top-p optimal values, for T_p.
    pub top_p: ValueBounds,
}

/// What a solver found over candidate sets, to be turned into a [`Restricted`].
#[derive(Debug, Clone, PartialEq)]
pub struct RestrictedValues {
    /// For each state the slots kept, rising: positions among the state's pairs.
    pub kept: Vec<Vec<u32>>,
    /// Values near the fixed point of B_p^{π*}.
    pub projected: Vec<f64>,
    /// Values near the fixed point of T_p.
    pub top_p: Vec<f64>,
}

impl Certificate {
    /// The strongest certificate that these values support: its bounds are those of one sweep.
    ///
    /// The values may come from anywhere; poor ones make a wide certificate, never a wrong one.
    ///
    /// # Errors
    /// γ or p out of range, γ = 1 on a model that may never end, arrays that do not fit the model,
    /// values that are not finite or whose residual is not.
    pub fn for_values(
        model: &Model<'_>,
        gamma: f64,
        p: f64,
        v: Vec<f64>,
        restricted: Option<RestrictedValues>,
    ) -> Result<Self, CertificateError> {
        let frame = Frame::new(model, gamma, p)?;
        let optimal = claim(&frame, v, &Operator::Optimal)?;
        let restricted = match restricted {
            None => None,
            Some(RestrictedValues { kept, projected, top_p }) => {
                let sets = Sets::new(model, &kept)?;
                let v_star = frame.enclose(&optimal, &Operator::Optimal)?;
                let q_star = action_values(model, gamma, &v_star);
                let teacher = Operator::Projected { sets: &sets, q_star: &q_star };
                let projected = claim(&frame, projected, &teacher)?;
                let top_p = claim(&frame, top_p, &Operator::TopP(&sets))?;
                Some(Restricted { kept, projected, top_p })
            }
        };
        Ok(Self { model_hash: model.hash(), gamma, p, adjustments: None, optimal, restricted })
    }

    /// The same certificate with a record of what was done to the input.
    pub fn with_adjustments(self, adjustments: Record) -> Self {
        Self { adjustments: Some(adjustments), ..self }
    }
}

fn claim(
    frame: &Frame<'_>,
    v: Vec<f64>,
    operator: &Operator<'_>,
) -> Result<ValueBounds, CertificateError> {
    frame.admit(&v, operator.name())?;
    let residual = bound(frame.model, frame.gamma, &v, operator).bounded(operator.name())?;
    Ok(ValueBounds { v, c_lo: residual.lo, c_hi: residual.hi })
}
