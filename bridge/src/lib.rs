//! A language model laid out as an MDP, where the theory of tables can be checked on it.
//!
//! The one crate that knows both `llm` and `tabular`. States are prefixes of responses, actions are
//! tokens, and rewards are those under which the model is the soft-optimal policy.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Carving`], [`read`] | which part of a model is laid out, and what the model says there |
//! | [`Reading`], [`Row`] | prefixes with the Q-values of their next tokens |
//! | [`carve()`], [`Carved`] | the MDP of a reading, with its candidate sets |
//! | [`StudentRow`], [`read_student`] | what a student says where its teacher was read |
//! | [`fn@posterior`] | how far a Q-table is from a fixed point, from its Bellman residual |
//! | [`fn@compounding`] | how far the states of a student drift from those of its teacher |
//! | [`audit_table`] | a student on its teacher's MDP: theorems |
//! | [`audit_rollouts`] | a student along rollouts of its teacher: estimates, [`Share`] with an interval |
#![forbid(unsafe_code)]

mod audit;
mod carve;
mod compounding;
mod error;
mod posterior;
mod read;
mod rollouts;
mod row;
mod share;
mod student;

pub use audit::{Proven, Spread, StateAudit, TableAudit, audit_table};
pub use carve::{Carved, carve};
pub use compounding::{Compounding, compounding};
pub use error::BridgeError;
pub use posterior::{Posterior, Target, posterior};
pub use read::{Carving, Reading, read};
pub use rollouts::{Along, Rollout, RolloutAudit, audit_rollouts, read_along};
pub use row::{Cell, Row};
pub use share::Share;
pub use student::{StudentQ, StudentRow, read_student};
