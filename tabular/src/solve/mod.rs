//! Fixed points of T, T_p and B_p^π: value iteration, policy iteration, modified policy iteration.

mod dense;
mod rounding;
mod sweep;

use crate::Mdp;
use operators::{CandidateSets, Discount};

pub use dense::{resolvent, resolvent_transposed};
pub use rounding::{SweepRounding, amplification};
pub use sweep::{action_values, discounted_step, sweep};

/// Which Bellman operator, in the form that acts on state values V.
#[derive(Debug, Clone, Copy)]
pub enum Operator<'a> {
    /// T: (TV)(s) = log Σ_a exp (r + γ E V).
    Optimal,
    /// T_p: the sum over the candidate set only.
    TopP(&'a CandidateSets),
    /// B_p^π: Σ_{a ∈ A(s)} π(a|s) (r + γ E V − log π(a|s)).
    Projected(&'a TablePolicy),
}

/// A policy on candidate sets as plain numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct TablePolicy {
    /// π(a|s) for every pair, 0 outside the candidate sets; rows sum to one.
    pub probability: Vec<f64>,
    /// log π(a|s); anything outside the candidate sets.
    pub log_probability: Vec<f64>,
}

/// How to find the fixed point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// V ← TV: converges at rate γ, one sweep a step.
    ValueIteration,
    /// Newton: each step evaluates the present policy exactly by a linear solve; quadratic.
    #[default]
    PolicyIteration,
    /// V ← TV, then this many evaluation sweeps of the policy found.
    ModifiedPolicyIteration {
        /// Evaluation sweeps between improvements.
        sweeps: usize,
    },
}

impl Method {
    fn is_newton(self) -> bool {
        self == Self::PolicyIteration
    }
}

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The wanted bound on |V − V*|, before rounding; 0 asks for the rounding floor.
    pub tolerance: f64,
    /// The most sweeps over the model.
    pub max_sweeps: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tolerance: 0.0, max_sweeps: 100_000 }
    }
}

/// State values and how far they can be from the fixed point.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// V(s).
    pub v: Vec<f64>,
    /// The smallest (TV − V)(s), as computed.
    pub residual_lo: f64,
    /// The largest (TV − V)(s), as computed.
    pub residual_hi: f64,
    /// Sweeps over the model that were spent (a linear solve counts as one).
    pub sweeps: usize,
}

impl Solution {
    fn unknown() -> Self {
        let residual = f64::INFINITY;
        Self { v: Vec::new(), residual_lo: -residual, residual_hi: residual, sweeps: 0 }
    }

    fn new(v: &[f64], residual: &[f64], sweeps: usize) -> Self {
        let ends = residual.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), &r| {
            // NaN must not vanish in min and max: it makes both ends NaN.
            if r.is_nan() { (r, r) } else { (lo.min(r), hi.max(r)) }
        });
        Self { v: v.to_vec(), residual_lo: ends.0, residual_hi: ends.1, sweeps }
    }

    /// max |TV − V|, as computed.
    pub fn residual(&self) -> f64 {
        self.residual_hi.abs().max(self.residual_lo.abs())
    }
}

/// The fixed point of `operator`, started from `start` or from zero.
///
/// Every method adds Σ_{k=0}^{m} (γ P_π)^k (TV − V) to V, with π the policy that attains TV:
/// m = 0 is value iteration, m = ∞ policy iteration (Newton's method), in between lies modified
/// policy iteration.
///
/// At γ = 1 the model must certainly end ([`Mdp::horizon`]); terminal states keep value 0.
/// Source: Puterman, Markov Decision Processes, §6.5, with the soft maximum.
///
/// # Panics
/// When `start` or the operator's tables do not fit the model.
pub fn solve(
    mdp: &Mdp,
    gamma: Discount,
    operator: Operator<'_>,
    method: Method,
    settings: Settings,
    start: Option<&[f64]>,
) -> Solution {
    let rounding = SweepRounding::new(mdp);
    let mut v = start.map_or_else(|| vec![0.0; mdp.states()], <[f64]>::to_vec);
    let mut residual = vec![0.0; mdp.states()];
    let mut policy = vec![0.0; mdp.pairs()];
    let mut best = Solution::unknown();
    let mut sweeps = 0;
    loop {
        sweep(mdp, gamma, operator, &v, &mut residual, &mut policy);
        sweeps += 1;
        for (image, v) in residual.iter_mut().zip(&v) {
            *image -= v;
        }
        let present = Solution::new(&v, &residual, sweeps);
        let floor = rounding.bound(&v);
        let improved = present.residual() < best.residual();
        let reached = present.residual() <= settings.tolerance * (1.0 - gamma.get());
        // At the floor a Newton step may still gain digits; it ends when one gains nothing.
        let at_floor = best.residual() <= floor && !(improved && method.is_newton());
        if improved {
            best = present;
        }
        if reached || at_floor || sweeps >= settings.max_sweeps || !best.residual().is_finite() {
            best.sweeps = sweeps;
            return best;
        }
        sweeps += advance(mdp, gamma, method, &policy, &mut residual, &mut v);
    }
}

/// One step of `method`: adds its part of the Neumann series of `residual` to `v`; the sweeps
/// that it cost.
fn advance(
    mdp: &Mdp,
    gamma: Discount,
    method: Method,
    policy: &[f64],
    residual: &mut [f64],
    v: &mut [f64],
) -> usize {
    let extra = match method {
        Method::ValueIteration => 0,
        Method::ModifiedPolicyIteration { sweeps } => sweeps,
        Method::PolicyIteration => {
            dense::resolvent(mdp, gamma, policy, residual);
            add(v, residual);
            return 1;
        }
    };
    add(v, residual);
    let mut next = vec![0.0; v.len()];
    for _ in 0..extra {
        discounted_step(mdp, gamma, policy, residual, &mut next);
        residual.copy_from_slice(&next);
        add(v, residual);
    }
    extra
}

fn add(v: &mut [f64], step: &[f64]) {
    for (v, d) in v.iter_mut().zip(step) {
        *v += d;
    }
}

/// V^π of a fixed policy by one linear solve: the fixed point of B_p^π for
/// [`Operator::Projected`].
///
/// # Panics
/// When the policy's tables do not fit the model.
pub fn evaluate(mdp: &Mdp, gamma: Discount, policy: &TablePolicy) -> Solution {
    let operator = Operator::Projected(policy);
    solve(mdp, gamma, operator, Method::PolicyIteration, Settings::default(), None)
}
