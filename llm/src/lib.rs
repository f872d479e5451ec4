//! Language models on candle: the operators of [`operators`] with gradients.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@tensors`] | candle tensors as a number system: every operator runs on them, with gradients |
//!
//! No formula is written here a second time: a loss is a function of `operators` called with
//! [`Tensors`].
#![forbid(unsafe_code)]

mod error;
pub mod tensors;

pub use candle_core::{DType, Device};
pub use error::LlmError;
pub use tensors::Tensors;
