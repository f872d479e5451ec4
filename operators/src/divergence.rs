//! The losses of the baselines: cross entropy and the Kullback-Leibler divergence.

use crate::{Cells, NumberSystem, Projection, Rows, log_policy};

/// The cross entropy of a policy to one action per row, averaged with weights.
///
/// ```text
/// −Σ_i w_i log π_Q(y_i|s_i)
/// ```
///
/// Shapes: q [rows, K], slots and weights \[rows\] → one number. Units: nats. This is the loss of
/// supervised fine-tuning; on a teacher's responses it is that of sequence-level distillation.
///
/// # Errors
/// Only those of the number system.
///
/// # Example
/// ```
/// use operators::{CandidateSets, Dense, RowLayout, cross_entropy};
/// let layout = RowLayout::uniform(1, 2)?;
/// let n = Dense::<f64>::new(&layout);
/// let full = n.mask(&CandidateSets::full(&layout));
/// let loss = cross_entropy(&n, &n.cells(&[3.0, 3.0])?, &full, &vec![0], &n.rows(&[1.0])?)?;
/// assert!((loss - 2f64.ln()).abs() < 1e-15);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn cross_entropy<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    set: &N::Mask,
    slots: &N::Slots,
    weights: &Rows<N>,
) -> Result<N::Scalar, N::Error> {
    let taken = n.pick(&log_policy(n, q, set)?.0, slots)?;
    n.dot(&weights.0, &n.scale(&taken, -1.0)?)
}

/// The Kullback-Leibler divergence of one policy from another, row by row.
///
/// ```text
/// KL(π‖ρ)(s) = Σ_{a ∈ A(s)} π(a|s) (log π(a|s) − log ρ(a|s))
/// ```
///
/// With π the teacher and ρ the student this is the loss of knowledge distillation (forward KL),
/// the other way round reverse KL.
/// Shapes: both [rows, K] → \[rows\]. Units: nats. Law: never negative, 0 only for π = ρ.
///
/// # Errors
/// Only those of the number system.
///
/// # Example
/// ```
/// use operators::{CandidateSets, Dense, RowLayout, kl_divergence, projection};
/// let layout = RowLayout::uniform(1, 2)?;
/// let n = Dense::<f64>::new(&layout);
/// let full = n.mask(&CandidateSets::full(&layout));
/// let even = projection(&n, &n.cells(&[0.0, 0.0])?, &full)?;
/// let odd = projection(&n, &n.cells(&[0.75f64.ln(), 0.25f64.ln()])?, &full)?;
/// let kl = kl_divergence(&n, &odd, &even, &full)?.0[0];
/// assert!((kl - (0.75 * 1.5f64.ln() + 0.25 * 0.5f64.ln())).abs() < 1e-15);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn kl_divergence<N: NumberSystem>(
    n: &N,
    from: &Projection<N>,
    to: &Projection<N>,
    set: &N::Mask,
) -> Result<Rows<N>, N::Error> {
    let surplus = n.sub(&from.log_probability.0, &to.log_probability.0)?;
    let surplus = n.keep(&surplus, set, 0.0)?;
    Ok(Rows(n.row_sum(&n.mul(&from.probability.0, &surplus)?)?))
}
