//! Propositions about top-p soft Bellman operators, as values that can be checked.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Proposition`], [`propositions`] | a claim with its check, and those that ship |
//! | [`Verdict`], [`Finding`], [`Judge`] | what a check says, and how it comes to say it |
//! | [`Case`] | an instance with its teacher, sets and fixed points, in floats or enclosures |
//! | [`Theory`], [`Mutation`] | the operators, and mistakes that the checks must notice |
//! | [`Plan`], [`campaign`] | random instances, in parallel, reproducible |
//! | [`mod@shrink`], [`Counterexample`] | the smallest instance that still fails, as a file |
//! | [`statistics`] | how gaps spread, with confidence intervals |
//! | `report` | the page that a campaign leaves behind (feature `report`) |
//! | `strategies`, `generators` | for `proptest` and `quickcheck` (feature `strategies`) |
#![forbid(unsafe_code)]

pub mod campaign;
mod case;
mod counterexample;
mod error;
mod float;
#[cfg(feature = "strategies")]
pub mod generators;
mod judge;
mod model;
mod mutation;
mod number;
mod plan;
mod proposition;
pub mod propositions;
#[cfg(feature = "report")]
pub mod report;
mod rigorous;
mod sample;
mod sets;
pub mod shrink;
pub mod statistics;
#[cfg(feature = "strategies")]
pub mod strategies;
mod theory;
mod verdict;

pub use campaign::{Failure, Outcome, Tally, Watch};
pub use case::{Case, Coincidence};
pub use counterexample::{Counterexample, FoundBy, Replay};
pub use error::CaseError;
pub use judge::{Judge, Place};
pub use model::{certify, view};
pub use mutation::Mutation;
pub use number::Number;
pub use plan::{MOST_SUCCESSORS, Plan, probes};
pub use proposition::{Check, Proposition};
pub use rounding::Enclosure;
pub use sample::Sample;
pub use sets::Sets;
pub use theory::Theory;
pub use verdict::{Finding, Verdict, Witness};
