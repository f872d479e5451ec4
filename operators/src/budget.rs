//! [`Budget`]: the mass p_t of each candidate set from a budget on the leak of a whole trajectory.

use crate::{Discount, GapBound, TopP};

/// What the sets that are still to come may leak, in units of now.
///
/// A fixed p treats every state as if it leaked −log p; most leak less. The adaptive rule spends a
/// budget ε instead, of which what is not spent is left for later:
///
/// ```text
/// b_0 = ε,   ℓ(s_t) ≤ b_t / w_t,   b_{t+1} = (b_t − ℓ(s_t)) / γ
/// w_t = Σ_{k=0}^{H−t−1} γ^k = 1 / (1 − γ) without an end
/// ```
///
/// The set of s_t is the smallest that carries p_t = exp(−b_t / w_t). Spent evenly, every set to come
/// could leak b_t / w_t. This share never falls, as no set leaks more than it: no p_t is above p_0,
/// which is the fixed p that guarantees the same.
///
/// Guarantee: Σ_{t≥0} γ^t ℓ(s_t) ≤ ε along every trajectory, so V*(s_0) − V̄(s_0) ≤ ε and
/// D(s_0, a) ≤ ε at every action that the first set keeps; at a later state the gap is at most its
/// b_t. The sets depend on the trajectory: the state of the theory is the whole history, as it is for
/// text. Up to rounding of `f64`: a few ε_f64 · ε.
/// Proved: `budget_spent`, `budget_gap`, `budget_mass`. Source: the leak identity.
///
/// # Example
/// ```
/// use operators::{Budget, Discount};
/// let mut budget = Budget::new(1.0, Discount::new(0.5)?);
/// // Half of it now, and half of the rest, worth twice as much, in the next state.
/// assert_eq!(budget.allowance(), 0.5);
/// budget.spend(0.5);
/// assert_eq!(budget.allowance(), 0.5);
/// // Whoever spends nothing has more for later.
/// budget.spend(0.0);
/// assert_eq!(budget.allowance(), 1.0);
/// # Ok::<(), operators::OperatorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    rest: f64,
    gamma: Discount,
    /// How many states are still to come, where the end is certain.
    states: Option<usize>,
}

impl Budget {
    /// A budget of `epsilon` nats for a trajectory that need not end.
    ///
    /// # Panics
    /// When `epsilon` is negative or no number.
    pub fn new(epsilon: f64, gamma: Discount) -> Self {
        assert!(epsilon >= 0.0, "a budget is no negative number");
        Self { rest: epsilon, gamma, states: None }
    }

    /// The same for a trajectory that ends after at most `horizon` transitions.
    #[must_use]
    pub fn within(self, horizon: usize) -> Self {
        Self { states: Some(horizon), ..self }
    }

    /// b_t: what the sets from here on may leak together, in units of now.
    pub fn rest(&self) -> f64 {
        self.rest
    }

    /// b_t / w_t: what the next set may leak.
    pub fn allowance(&self) -> f64 {
        let later = match self.states {
            None => GapBound::endless(self.gamma),
            Some(states) => GapBound::within(self.gamma, states),
        };
        self.rest / (1.0 + later.of_leak(1.0))
    }

    /// p_t: the mass that the next set has to carry.
    pub fn mass(&self) -> TopP {
        TopP::of_leak(self.allowance())
    }

    /// Goes on to the next state after a set that has leaked so much. Spending more than
    /// [`Budget::rest`] leaves nothing, so that all later sets are full.
    pub fn spend(&mut self, leak: f64) {
        let left = (self.rest - leak).max(0.0);
        // At γ = 0 nothing that comes later counts.
        self.rest = if left == 0.0 { 0.0 } else { left / self.gamma.get() };
        self.states = self.states.map(|states| states.saturating_sub(1));
    }
}
