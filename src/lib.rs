//! Top-p soft Bellman operators: computed exactly, checked, and certified.
//!
//! A facade over the crates of the workspace:
//!
//! | re-export | what it is |
//! |---|---|
//! | [`operators`] | every operator, once, over a number system |
//! | [`tabular`] | finite MDPs, formats, random families, solvers |
//! | [`rounding`] | directed arithmetic and enclosures |
//! | [`certificate`] | the trusted base: certificates and their checker |
//! | `bridge` | a language model laid out as an MDP (feature `llm`) |
//! | `llm` | language models on candle, the same operators with gradients (feature `llm`, on by default) |
//! | [`verify`] | propositions, campaigns, shrinking, strategies for property tests |
//!
//! and [`coq`], which writes certificates as files for Coq's kernel to check.
#![forbid(unsafe_code)]

pub mod coq;

#[cfg(feature = "llm")]
pub use bridge;
pub use certificate;
#[cfg(feature = "llm")]
pub use llm;
pub use operators;
pub use rounding;
pub use tabular;
pub use verify;
