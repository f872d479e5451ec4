//! Fixed points of T, T_p and B_p^π: value iteration, policy iteration, modified policy iteration.
//!
//! | file | what it holds |
//! |---|---|
//! | `iterate` | the loop that all methods share |
//! | `sweep` | TV and the policy that attains it, fused |
//! | `dense` | Newton steps for small models: LU of I − γ P_π |
//! | `newton`, `krylov`, `policy_matrix` | Newton steps for large ones: BiCGSTAB on sparse rows |
//! | `sparse` | Newton steps where BiCGSTAB stalls: states are eliminated one by one |
//! | `ending` | models that certainly end: backward induction |
//! | `parallel` | chunks of states, the same for any number of threads |
//! | `rounding` | how far a sweep in `f64` can be off |

mod dense;
mod ending;
mod iterate;
mod krylov;
mod newton;
mod parallel;
mod policy_matrix;
mod resolvent;
mod rounding;
mod sparse;
mod sweep;

use crate::Mdp;
use iterate::Run;
use operators::{CandidateSets, Discount};
use parallel::Chunks;
use sweep::Kernel;

pub use resolvent::{resolvent, resolvent_transposed};
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
    /// Newton: each step evaluates the present policy by a linear solve; quadratic.
    ///
    /// Up to [`LARGEST_DENSE`] states the solve is an LU decomposition. Larger models that
    /// certainly end are solved by backward induction, others as by [`Method::NewtonKrylov`].
    #[default]
    PolicyIteration,
    /// V ← TV, then this many evaluation sweeps of the policy found.
    ModifiedPolicyIteration {
        /// Evaluation sweeps between improvements.
        sweeps: usize,
    },
    /// Newton with steps that are only as exact as they need to be, by a Krylov method: a few
    /// dozen sweeps in a few vectors of memory, whatever the number of states. Where the Krylov
    /// method stalls, which it does on models that mix very slowly, states are eliminated one by
    /// one, unless that fills up.
    NewtonKrylov,
}

/// The largest number of states for which [`Method::PolicyIteration`] uses dense matrices.
pub const LARGEST_DENSE: usize = 128;

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
    /// How far a sweep over V can be off ([`SweepRounding::bound`]).
    pub rounding: f64,
    /// Sweeps over the model that were spent (a dense linear solve counts as one).
    pub sweeps: usize,
}

impl Solution {
    /// max |TV − V|, as computed.
    pub fn residual(&self) -> f64 {
        self.residual_hi.abs().max(self.residual_lo.abs())
    }

    /// V is within this of the fixed point: an error of one sweep, times the [`amplification`]
    /// that the model makes of it. Infinite when the values overflowed.
    pub fn error(&self, amplification: f64) -> f64 {
        (self.residual() + self.rounding) * amplification
    }
}

/// The fixed point of `operator`, started from `start` or from zero.
///
/// Every method adds Σ_{k=0}^{m} (γ P_π)^k (TV − V) to V, with π the policy that attains TV:
/// m = 0 is value iteration, m = ∞ policy iteration (Newton's method), in between lies modified
/// policy iteration. Large models use all threads of the rayon pool that this is called in; the
/// result does not depend on how many there are.
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
    assert!(start.is_none_or(|v| v.len() == mdp.states()), "a start value for each state");
    let run = Run {
        mdp,
        gamma,
        kernel: Kernel::new(mdp, gamma, operator),
        fixed_policy: matches!(operator, Operator::Projected(_)),
        chunks: Chunks::new(mdp),
        settings,
    };
    if run.chunks.is_single() {
        run.solve(method, start)
    } else {
        // Inside the pool from here on: entering it once costs less than at every step.
        rayon::scope(|_| run.solve(method, start))
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
