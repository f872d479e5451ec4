//! Finite MDPs: models, formats, random families, solvers, occupancy and leak.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Mdp`], [`MdpBuilder`] | the model, exactly stochastic, and the one checked way to make it |
//! | [`Instance`] | a model with its γ and p |
//! | [`aside`] | files that are never half written |
//! | [`families`] | random MDPs, seeded, the same on every platform |
//! | [`solve`] | value, policy and modified policy iteration for T, T_p and B_p^π |
//! | [`occupancy`] | how often a policy visits states and takes actions |
//! | [`gap`] | D = Q* − Q̄ of the projected teacher from its leak: exact, bounded, sampled |
//! | [`objective`] | the Bellman Distill objective on a table, and its maximiser |
#![forbid(unsafe_code)]

mod adjustments;
pub mod aside;
mod builder;
mod error;
pub mod families;
pub mod formats;
pub mod gap;
mod instance;
mod matrices;
mod mdp;
pub mod objective;
pub mod occupancy;
mod pending;
mod policy;
pub mod random;
pub mod solve;
mod temperature;

pub use adjustments::Adjustments;
pub use builder::{LARGEST_ROUNDING_DEFECT, MOST_STATES, MdpBuilder, RowPolicy};
pub use error::ModelError;
pub use families::{Family, Size};
pub use instance::Instance;
pub use mdp::{Mdp, Row};
