//! Language models on candle: the operators of [`operators`] with gradients.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@tensors`] | candle tensors as a number system: every operator runs on them, with gradients |
//! | [`mod@config`] | what a `config.json` says, the same fields for every architecture |
//! | [`mod@model`] | GPT-2, OPT, Qwen2 and Llama, trainable: tokens to hidden states to logits |
//! | [`mod@generation`] | responses sampled token by token, many at a time |
//! | [`mod@predict`] | the most likely next tokens |
//! | [`Checkpoint`] | a model as it lies on disk |
//! | [`mod@weights`] | named tensors in files, checked before they are read |
//!
//! No formula is written here a second time: a loss is a function of `operators` called with
//! [`Tensors`].
#![forbid(unsafe_code)]

mod checkpoint;
pub mod config;
mod error;
pub mod generation;
pub mod model;
pub mod predict;
pub mod tensors;
pub mod weights;

pub use candle_core::{DType, Device};
pub use checkpoint::Checkpoint;
pub use config::ModelConfig;
pub use error::LlmError;
pub use model::{Cache, Mode, Model, Padding, Tokens};
pub use tensors::Tensors;
