//! V(s) = log Σ_a exp Q(s,a).

use crate::{Cells, NumberSystem, Rows};

/// The soft value of Q over a candidate set.
///
/// ```text
/// V(s) = log Σ_{a ∈ A(s)} exp Q(s,a)
/// ```
///
/// Shapes: q [rows, K] → \[rows\]. Units: nats.
/// Laws: monotone in q; a shift of a row of q by c moves V by c; growing the set raises V.
/// Proved: `soft_value_le`, `soft_value_shift`, `soft_value_subset`.
/// Source: arXiv 2505.20335, the soft Bellman optimality operator.
///
/// # Errors
/// Only those of the number system (shapes, devices).
///
/// # Example
/// ```
/// use operators::{CandidateSets, Dense, RowLayout, soft_value};
/// let layout = RowLayout::uniform(1, 2)?;
/// let n = Dense::<f64>::new(&layout);
/// let full = n.mask(&CandidateSets::full(&layout));
/// let v = soft_value(&n, &n.cells(&[3.0, 3.0])?, &full)?;
/// assert!((v.0[0] - (3.0 + 2f64.ln())).abs() < 1e-15);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn soft_value<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    set: &N::Mask,
) -> Result<Rows<N>, N::Error> {
    let anchor = n.row_anchor(&q.0, set)?;
    let gap = n.sub(&q.0, &n.spread(&anchor)?)?;
    // The first `keep` stops a dropped cell above the anchor from overflowing in `exp`.
    let weight = n.keep(&n.exp(&n.keep(&gap, set, 0.0)?)?, set, 0.0)?;
    Ok(Rows(n.add(&n.ln(&n.row_sum(&weight)?)?, &anchor)?))
}

/// The logarithm of the Boltzmann policy of Q over a candidate set, on its cells.
///
/// ```text
/// log π(a|s) = Q(s,a) − log Σ_{b ∈ A(s)} exp Q(s,b)
/// ```
///
/// Shapes: q [rows, K] → [rows, K]; cells outside the set mean nothing. Proved: `ln_boltzmann`.
///
/// # Errors
/// Only those of the number system.
pub fn log_policy<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    set: &N::Mask,
) -> Result<Cells<N>, N::Error> {
    Ok(Cells(n.row_log_share(&q.0, set)?))
}
