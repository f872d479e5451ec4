//! V^π(s) = Σ_a π(a|s) (Q(s,a) − log π(a|s)).

use crate::{Cells, NumberSystem, Projection, Rows};

/// The soft value of Q under a policy that lives on candidate sets.
///
/// ```text
/// V^π(s) = Σ_{a ∈ A(s)} π(a|s) (Q(s,a) − log π(a|s))      (0 log 0 = 0)
/// ```
///
/// A constant c(s) near the result is taken out first: as Σ_a π(a|s) = 1, the result is
/// c + Σ π (Q − log π − c), and an uncertain π then multiplies small numbers only. The largest
/// Q − log π would not do: it may belong to an action that is hardly ever taken, and c would
/// swamp the result.
/// Shapes: q [rows, K] → \[rows\]. Units: nats.
/// Laws: monotone in q; a shift of a row of q by c moves V^π by c; V^π ≤ V, with equality at the
/// Boltzmann policy of q.
/// Proved: `policy_value_le`, `policy_value_shift`, `policy_value_le_soft_value`, `policy_value_boltzmann`.
/// Source: arXiv 2505.20335, soft value of a policy.
///
/// # Errors
/// Only those of the number system.
///
/// # Example
/// ```
/// use operators::{CandidateSets, Dense, RowLayout, policy_value, projection};
/// let layout = RowLayout::uniform(1, 2)?;
/// let n = Dense::<f64>::new(&layout);
/// let set = n.mask(&CandidateSets::full(&layout));
/// let uniform = projection(&n, &n.cells(&[0.0, 0.0])?, &set)?;
/// let v = policy_value(&n, &n.cells(&[1.0, 3.0])?, &uniform, &set)?;
/// assert!((v.0[0] - (2.0 + 2f64.ln())).abs() < 1e-15);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn policy_value<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    policy: &Projection<N>,
    set: &N::Mask,
) -> Result<Rows<N>, N::Error> {
    let mean = |x: &N::Array| n.row_sum(&n.mul(&policy.probability.0, x)?);
    let surplus = n.keep(&n.sub(&q.0, &policy.log_probability.0)?, set, 0.0)?;
    let anchor = n.row_anchor(&n.spread(&mean(&surplus)?)?, set)?;
    let gap = n.keep(&n.sub(&surplus, &n.spread(&anchor)?)?, set, 0.0)?;
    Ok(Rows(n.add(&mean(&gap)?, &anchor)?))
}
