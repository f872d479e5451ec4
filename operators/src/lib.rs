//! The operators of top-p soft Bellman theory, each formula once.
//!
//! Selection is data, arithmetic is algebra: [`candidates`] decides which actions take part by
//! comparing doubles, once; everything after that is arithmetic on rows over a
//! [`NumberSystem`], so that the same function runs on `f64` tables, on rigorous enclosures,
//! on dual numbers and on tensors.
//!
//! | file | formula |
//! |---|---|
//! | [`mod@candidates`] | A_p(s): top-p, top-k and min-p candidate sets |
//! | [`mod@soft_value`] | V(s) = log Σ_a exp Q(s,a) |
//! | [`mod@projection`] | proj_p π, captured mass m(s), leak ℓ(s) = −log m(s) |
//! | [`mod@policy_value`] | V^π(s) = Σ_a π(a\|s) (Q(s,a) − log π(a\|s)) |
//! | [`mod@backup`] | r + γ E V(s'), and its inverse, the implied reward Q − γ E V(s') |
//! | [`mod@norm`] | ‖f‖ over the supported pairs |
//! | [`mod@kappa`] | κ(p) = −γ log p / (1 − γ), and its finite-horizon form |
//! | [`mod@bounded_mean`] | Hoeffding's and the empirical Bernstein inequality, for gaps that are sampled |
//! | [`mod@budget`] | p_t by state: what Σ γ^t ℓ(s_t) ≤ ε leaves to the next set |
//! | [`mod@shift`] | logits to Q-values: shift, floor, top-p mask |
//! | [`mod@objective`] | φ and the Bellman Distill objective J |
//! | [`mod@response`] | text as rows: the next position |
//! | [`mod@distill`] | logits of a student to J: shift, floor, mask, soft value, objective |
//! | [`mod@released`] | the objective of the authors' released code, to compare with |
//! | [`mod@divergence`] | cross entropy and KL(π‖ρ), the losses of the baselines |
//! | [`mod@on_policy`] | reverse KL of whole responses by policy gradient, as in MiniLLM |
#![forbid(unsafe_code)]

pub mod backup;
pub mod bounded_mean;
pub mod budget;
pub mod candidates;
pub mod dense;
pub mod distill;
pub mod divergence;
pub mod dual;
mod error;
pub mod kappa;
pub mod norm;
pub mod number_system;
pub mod objective;
pub mod on_policy;
pub mod parameters;
pub mod policy_value;
pub mod projection;
pub mod released;
pub mod response;
pub mod scalar;
pub mod shift;
pub mod soft_value;
pub mod symbolic;
pub mod term;

pub use backup::{Successor, backup, implied_reward};
pub use bounded_mean::BoundedMean;
pub use budget::Budget;
pub use candidates::{CandidateSets, RowLayout, Selection};
pub use dense::Dense;
pub use distill::{BellmanDistill, Evaluation, bellman_distill, over_transitions, student_q};
pub use divergence::{cross_entropy, kl_divergence};
pub use dual::Dual;
pub use error::OperatorError;
pub use kappa::{GapBound, horizon_bound, kappa};
pub use norm::supported_norm;
pub use number_system::{Cells, NumberSystem, Rows};
pub use objective::{Phi, objective, phi};
pub use on_policy::{Factors, OnPolicy, on_policy_loss, returns_to_go};
pub use parameters::{Discount, TopP};
pub use policy_value::policy_value;
pub use projection::{Projection, leak, projection};
pub use released::{Released, bellman_distill_released, released_over_rows, released_value};
pub use response::{NextPosition, Responses};
pub use scalar::Scalar;
pub use shift::{Shift, floor, shift, top_p_mask};
pub use soft_value::{log_policy, soft_value};
pub use symbolic::Symbolic;
pub use term::Term;
