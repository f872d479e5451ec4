//! From logits to Q-values: the shift, the floor and the top-p mask.

use crate::{Cells, NumberSystem, Rows, soft_value};

/// The constant that is taken from a row of logits to make them Q-values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// The largest logit of the row (over every action, not only the candidates).
    VocabMax,
    /// log Σ exp of the row: Q becomes the log-policy.
    LogSoftmax,
    /// None.
    Zero,
}

/// Q(s,a) = z(s,a) − c(s), gradients flowing through c.
///
/// Shapes: z [rows, K] → [rows, K]; `full` names every action of the row.
/// Source: arXiv 2505.20335, "logits are Q-values up to a constant shift".
///
/// # Errors
/// Only those of the number system.
pub fn shift<N: NumberSystem>(
    n: &N,
    z: &Cells<N>,
    by: Shift,
    full: &N::Mask,
) -> Result<Cells<N>, N::Error> {
    let constant = match by {
        Shift::VocabMax => n.row_max(&z.0, full)?,
        Shift::LogSoftmax => soft_value(n, z, full)?.0,
        Shift::Zero => return Ok(z.clone()),
    };
    Ok(Cells(n.sub(&z.0, &n.spread(&constant)?)?))
}

/// max(Q, Q_min); no gradient where the floor is active. Published value: Q_min = −10.
///
/// # Errors
/// Only those of the number system.
pub fn floor<N: NumberSystem>(n: &N, q: &Cells<N>, q_min: f64) -> Result<Cells<N>, N::Error> {
    Ok(Cells(n.floor(&q.0, q_min)?))
}

/// The top-p mask F: Q of the chosen action where it lies in its set, Q_min elsewhere.
///
/// ```text
/// (F Q)_t = Q_t(y_t) if y_t ∈ A_t, else Q_min
/// ```
///
/// Shapes: chosen \[rows\], inside \[rows\] → \[rows\]. Source: arXiv 2505.20335, Q-function masking.
///
/// # Errors
/// Only those of the number system.
pub fn top_p_mask<N: NumberSystem>(
    n: &N,
    chosen: &Rows<N>,
    inside: &N::Mask,
    q_min: f64,
) -> Result<Rows<N>, N::Error> {
    Ok(Rows(n.keep(&chosen.0, inside, q_min)?))
}
