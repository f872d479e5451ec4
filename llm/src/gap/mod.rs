//! The gap of the projected teacher at real scale, by the leak identity.
//!
//! A language model is the soft-optimal policy π* of the MDP whose states are texts and whose
//! rewards its logits imply. Restricting it to its candidate sets costs, from prompt x and first
//! token a on,
//!
//! ```text
//! D(x, a) = Q*(x, a) − Q̄(x, a) = E[ Σ_{t≥1} γ^t ℓ(s_t) ],   ℓ(s) = −log m(s)
//! ```
//!
//! along responses of the projected teacher proj_p π*: responses sampled at top-p with the same p.
//! Their mean is an unbiased estimate, with an interval for any number of them. What is estimated is
//! the mean over the given prompts x of E D(x, a), a ~ proj_p π*(· | x), and no maximum over texts.
//!
//! | item | what it is |
//! |---|---|
//! | [`Rollout`] | the leak along one response |
//! | [`Sample`] | responses, and how large their candidate sets are |
//! | [`Estimate`] | the mean gap with an interval |
//! | [`GapProblem`] | why responses do not tell the gap |

mod estimate;
mod problem;
mod rollout;
mod sample;

pub use estimate::{Estimate, Interval};
pub use problem::GapProblem;
pub use rollout::Rollout;
pub use sample::{Position, Sample};
