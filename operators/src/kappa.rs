//! κ(p) = −γ log p / (1 − γ): what the restriction can cost.

use crate::{Dense, Discount, NumberSystem, OperatorError, RowLayout, Rows, TopP};

/// The bound for a leak ℓ per step, forever: κ = γ ℓ / (1 − γ); κ(p) for ℓ = −log p.
///
/// Elementwise over any array of leaks. Infinite at γ = 1, and undefined there (NaN, or everything)
/// for ℓ = 0: ask [`Discount::is_contracting`] first, or use [`horizon_bound`]. At γ = 0 it is 0,
/// also where a mass was too small for a float and its leak is infinite.
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
    if gamma.get() == 0.0 {
        return Ok(Rows(n.constant(&leak.0, 0.0)?));
    }
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

/// What a leak per step can cost in all: [`kappa`], or [`horizon_bound`] where the end is certain.
///
/// Both are proportional to the leak, so that either can be asked for the leak that costs ε.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GapBound {
    gamma: Discount,
    horizon: Option<usize>,
}

impl GapBound {
    /// Without a certain end.
    pub fn endless(gamma: Discount) -> Self {
        Self { gamma, horizon: None }
    }

    /// For what certainly ends after at most `horizon` transitions.
    pub fn within(gamma: Discount, horizon: usize) -> Self {
        Self { gamma, horizon: Some(horizon) }
    }

    /// The discount.
    pub fn gamma(&self) -> Discount {
        self.gamma
    }

    /// After how many transitions the end is certain.
    pub fn horizon(&self) -> Option<usize> {
        self.horizon
    }

    /// The bound for a leak of at most `leak` in every state; 0 where nothing leaks, infinite for
    /// γ = 1 without an end.
    ///
    /// # Panics
    /// When `leak` is negative or no number.
    ///
    /// # Example
    /// ```
    /// use operators::{Discount, GapBound, TopP};
    /// let (gamma, leak) = (Discount::new(0.99)?, TopP::new(0.8)?.leak());
    /// assert!((GapBound::endless(gamma).of_leak(leak) - 22.0912).abs() < 1e-4);
    /// assert!((GapBound::within(gamma, 3).of_leak(leak) - leak * (0.99 + 0.99 * 0.99)).abs() < 1e-15);
    /// # Ok::<(), operators::OperatorError>(())
    /// ```
    pub fn of_leak(&self, leak: f64) -> f64 {
        assert!(leak >= 0.0, "a leak is no negative number");
        if leak == 0.0 {
            return 0.0;
        }
        let bound = || -> Result<f64, OperatorError> {
            let n = Dense::<f64>::new(&RowLayout::uniform(1, 1)?);
            let leak = n.rows(&[leak])?;
            let bound = match self.horizon {
                None => kappa(&n, self.gamma, &leak)?,
                Some(horizon) => horizon_bound(&n, self.gamma, &leak, horizon)?,
            };
            Ok(bound.0[0])
        };
        // Layouts of one row and one cell agree with each other.
        bound().expect("one number has the shape of one number")
    }

    /// The smallest mass that candidate sets need to carry for a bound of `epsilon`; the smallest
    /// there is where nothing that comes later counts (γ = 0, or an end after one transition).
    ///
    /// ```text
    /// p = exp(−ε (1 − γ) / γ)   or   exp(−ε / Σ_{t=1}^{H−1} γ^t)
    /// ```
    ///
    /// # Panics
    /// When `epsilon` is no number.
    ///
    /// # Example
    /// ```
    /// use operators::{Discount, GapBound};
    /// let bound = GapBound::endless(Discount::new(0.5)?);
    /// // κ is the leak itself.
    /// assert!((bound.mass_for(2f64.ln()).get() - 0.5).abs() < 1e-15);
    /// # Ok::<(), operators::OperatorError>(())
    /// ```
    pub fn mass_for(&self, epsilon: f64) -> TopP {
        let of_one = self.of_leak(1.0);
        TopP::of_leak(if of_one == 0.0 { f64::INFINITY } else { epsilon / of_one })
    }
}
