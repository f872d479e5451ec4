//! [`Rollout`]: the leak along one response.

use operators::{Discount, GapBound};

/// One response of the projected teacher: states s_0, the prompt, to s_{n−1}, each with its leak,
/// and a token taken in each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rollout {
    /// Σ_{t=1}^{n−1} γ^t ℓ(s_t): the prompt itself is not in it. Units: nats.
    pub leaked: f64,
    /// n, the tokens of the response.
    pub tokens: usize,
    /// Whether the text ends after them, so that nothing else leaks.
    pub ended: bool,
}

impl Rollout {
    /// The rollout along which states have these leaks, the prompt's first.
    ///
    /// # Example
    /// ```
    /// use llm::gap::Rollout;
    /// let gamma = operators::Discount::new(0.5)?;
    /// assert_eq!(Rollout::new(gamma, &[9.0, 0.2, 0.4], true).leaked, 0.5 * 0.2 + 0.25 * 0.4);
    /// # Ok::<(), operators::OperatorError>(())
    /// ```
    pub fn new(gamma: Discount, leaks: &[f64], ended: bool) -> Self {
        let later = leaks.get(1..).unwrap_or_default();
        // Horner's rule, from the last state back: D ← γ (ℓ + D).
        let leaked = later.iter().rev().fold(0.0, |later, leak| gamma.get() * (leak + later));
        Self { leaked, tokens: leaks.len(), ended }
    }

    /// What states that were not seen may add to `leaked` at most, where none leaks more than
    /// `leak`: nothing if the text has ended, otherwise
    ///
    /// ```text
    /// ℓ Σ_{t≥n} γ^t = γ^{n−1} κ
    /// ```
    ///
    /// or the part of it before the end that `bound` knows of. Not γ^n κ: after n tokens the state
    /// s_n has been reached, but its leak has not been seen.
    pub fn unseen(&self, bound: GapBound, leak: f64) -> f64 {
        if self.ended || leak == 0.0 {
            return 0.0;
        }
        let seen = GapBound::within(bound.gamma(), self.tokens).of_leak(leak);
        (bound.of_leak(leak) - seen).max(0.0)
    }
}
