//! The Bellman Distill objective: inverse soft Q-learning on candidate sets.

use crate::{NumberSystem, OperatorError};

/// The concave function φ of the implied reward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Phi {
    /// φ(x) = x: behaviour cloning of the projected policy.
    Identity,
    /// φ(x) = x − x²/(4α): the χ² regulariser.
    Chi2 {
        /// α > 0; published value 0.1.
        alpha: f64,
    },
}

impl Phi {
    /// χ² with α.
    ///
    /// # Errors
    /// [`OperatorError::Alpha`] unless α is positive and finite.
    pub fn chi2(alpha: f64) -> Result<Self, OperatorError> {
        if alpha > 0.0 && (4.0 * alpha).is_finite() {
            Ok(Self::Chi2 { alpha })
        } else {
            Err(OperatorError::Alpha { value: alpha })
        }
    }
}

/// φ(x), elementwise. Proved: `chi2_le_identity`, `chi2_tangent`.
///
/// # Errors
/// Only those of the number system.
pub fn phi<N: NumberSystem>(n: &N, phi: Phi, x: &N::Array) -> Result<N::Array, N::Error> {
    match phi {
        Phi::Identity => Ok(x.clone()),
        // 4α is exact: a multiplication by a power of two.
        Phi::Chi2 { alpha } => n.sub(x, &n.divide(&n.mul(x, x)?, 4.0 * alpha)?),
    }
}

/// The objective J over transitions.
///
/// ```text
/// J = Σ_t w_t [ φ(δ_t) − (V_t − γ V_{t+1}) ]
/// ```
///
/// Shapes: everything \[transitions\]; `discounted_next` is γ V_{t+1} (γ E V(s') on tables, 0 after
/// the end), `reward` the implied reward δ_t, `weights` the share of each transition (1/T on
/// text, the occupancy of (s, a) on tables).
/// Law: with φ = identity and every action inside its set, J is the mean of log proj_p π_Q(a|s).
/// Proved: `cloning`, `outside_unbounded`, `cloning_maximiser`, `chi2_maximiser_not_teacher`.
/// Source: arXiv 2505.20335, final objective (to be maximised; the loss is −J).
///
/// # Errors
/// Only those of the number system.
pub fn objective<N: NumberSystem>(
    n: &N,
    regulariser: Phi,
    reward: &N::Array,
    value: &N::Array,
    discounted_next: &N::Array,
    weights: &N::Array,
) -> Result<N::Scalar, N::Error> {
    let difference = n.sub(value, discounted_next)?;
    n.dot(weights, &n.sub(&phi(n, regulariser, reward)?, &difference)?)
}
