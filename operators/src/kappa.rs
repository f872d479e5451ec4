//! κ(p) = −γ log p / (1 − γ): what the restriction can cost.

use crate::{Discount, NumberSystem, Rows};

/// The bound for a leak ℓ per step, forever: κ = γ ℓ / (1 − γ); κ(p) for ℓ = −log p.
///
/// Elementwise over any array of leaks. Infinite at γ = 1, and undefined there (NaN, or everything)
/// for ℓ = 0: ask [`Discount::is_contracting`] first, or use [`horizon_bound`].
/// Proved: `kappa_step`, `paper_proposition_2`.
/// Source: arXiv 2505.20335, Proposition 2.
///
/// # Errors
/// Only those of the number system.
///
/// # Example
/// ```
/// use operators::{Dense, Discount, RowLayout, kappa};
/// let n = Dense::<f64>::new(&RowLayout::uniform(1, 1)?);
/// let leak = n.rows(&[-(0.8f64.ln())])?;
/// let bound = kappa(&n, Discount::new(0.99)?, &leak)?;
/// assert!((bound.0[0] - 22.0912).abs() < 1e-4);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn kappa<N: NumberSystem>(n: &N, gamma: Discount, leak: &Rows<N>) -> Result<Rows<N>, N::Error> {
    let one = n.constant(&leak.0, 1.0)?;
    let rest = n.sub(&one, &n.constant(&leak.0, gamma.get())?)?;
    Ok(Rows(n.div(&n.scale(&leak.0, gamma.get())?, &rest)?))
}

/// The bound for a leak ℓ per step when the end is certain after at most `horizon` transitions:
/// ℓ Σ_{t=1}^{H−1} γ^t. Holds at γ = 1 too.
///
/// Elementwise over any array of leaks. Proved: `absorbed_bound`.
/// Source: the leak identity, consequence (ii).
///
/// # Errors
/// Only those of the number system.
pub fn horizon_bound<N: NumberSystem>(
    n: &N,
    gamma: Discount,
    leak: &Rows<N>,
    horizon: usize,
) -> Result<Rows<N>, N::Error> {
    let mut bound = n.constant(&leak.0, 0.0)?;
    // Horner's rule: b ← γ (ℓ + b), H − 1 times; κ is the fixed point of this map.
    for _ in 1..horizon {
        bound = n.scale(&n.add(&leak.0, &bound)?, gamma.get())?;
    }
    Ok(Rows(bound))
}
