//! proj_p π: a policy restricted to its candidate set and renormalised, and what that loses.

use crate::{Cells, NumberSystem, Rows, log_policy};

/// A policy on its candidate sets: probabilities that sum to one in every row, zero outside, and
/// their logarithms (meaningless outside).
pub struct Projection<N: NumberSystem> {
    /// π(a|s).
    pub probability: Cells<N>,
    /// log π(a|s), accurate even where the probability underflows.
    pub log_probability: Cells<N>,
}

impl<N: NumberSystem> Clone for Projection<N> {
    fn clone(&self) -> Self {
        Self {
            probability: self.probability.clone(),
            log_probability: self.log_probability.clone(),
        }
    }
}

/// exp(Q − anchor) on the set, 0 elsewhere.
fn weights<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    anchor: &N::Array,
    set: &N::Mask,
) -> Result<N::Array, N::Error> {
    let gap = n.keep(&n.sub(&q.0, &n.spread(anchor)?)?, set, 0.0)?;
    n.keep(&n.exp(&gap)?, set, 0.0)
}

/// The projection of the Boltzmann policy of Q onto candidate sets.
///
/// ```text
/// (proj_p π)(a|s) = π(a|s) / Σ_{b ∈ A(s)} π(b|s)   on A(s), 0 elsewhere
/// ```
///
/// Shapes: q [rows, K] → [rows, K]. With the full set this is the Boltzmann policy itself.
/// Proved: `projection_policy`, `projection_boltzmann`.
/// Source: arXiv 2505.20335, policy projection.
///
/// # Errors
/// Only those of the number system.
///
/// # Example
/// ```
/// use operators::{CandidateSets, Dense, RowLayout, projection};
/// let layout = RowLayout::uniform(1, 3)?;
/// let n = Dense::<f64>::new(&layout);
/// let set = n.mask(&CandidateSets::from_kept(&layout, vec![true, false, true])?);
/// let q = n.cells(&[0.5f64.ln(), 0.25f64.ln(), 0.25f64.ln()])?;
/// let pi = projection(&n, &q, &set)?.probability;
/// assert!((pi.0[0] - 2.0 / 3.0).abs() < 1e-15 && pi.0[1] == 0.0);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn projection<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    set: &N::Mask,
) -> Result<Projection<N>, N::Error> {
    let anchor = n.row_anchor(&q.0, set)?;
    Ok(Projection {
        probability: Cells(n.row_share(&weights(n, q, &anchor, set)?)?),
        log_probability: log_policy(n, q, set)?,
    })
}

/// The leak of a state: minus the logarithm of the mass that its candidate set captures.
///
/// ```text
/// ℓ(s) = −log m(s),   m(s) = Σ_{a ∈ A(s)} π_Q(a|s)
/// ```
///
/// Computed as log(1 + odds), odds = mass outside / mass inside: exactly 0 for a full set,
/// never negative. Absolute accuracy is that of 1 + odds (2^-53); a set whose mass underflows
/// (leak above 745) has leak ∞ in `f64` and an unbounded one in enclosures, no nucleus does.
/// Shapes: q [rows, K] → \[rows\]. Units: nats. Proved: `leak_ge0`, `leak_le`, `leak_boltzmann`.
///
/// # Errors
/// Only those of the number system.
pub fn leak<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    set: &N::Mask,
    full: &N::Mask,
) -> Result<Rows<N>, N::Error> {
    let anchor = n.row_anchor(&q.0, full)?;
    let all = weights(n, q, &anchor, full)?;
    let inside = n.row_sum(&n.keep(&all, set, 0.0)?)?;
    let outside = n.row_sum(&n.drop(&all, set, 0.0)?)?;
    let odds = n.div(&outside, &inside)?;
    Ok(Rows(n.ln(&n.add(&n.constant(&odds, 1.0)?, &odds)?)?))
}
