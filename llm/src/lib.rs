//! Language models on candle: the operators of [`operators`] with gradients.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@tensors`] | candle tensors as a number system: every operator runs on them, with gradients |
//! | [`mod@config`] | what a `config.json` says, the same fields for every architecture |
//! | [`mod@model`] | GPT-2, OPT, Qwen2 and Llama, trainable: tokens to hidden states to logits |
//! | [`mod@evaluation`] | responses to data sets, Rouge-L, exact match, records, intervals |
//! | [`mod@exercises`] | instructions with answers that can be checked, and a tokenizer for them |
//! | [`mod@loss`] | the loss of a batch in a file, its gradient and soft values |
//! | [`mod@generation`] | responses sampled token by token, many at a time |
//! | [`mod@gap`] | the gap of the projected teacher, estimated from its responses |
//! | [`mod@prune`] | a student made of some of a teacher's layers, and which ones |
//! | [`mod@predict`] | the most likely next tokens |
//! | [`mod@nucleus`] | candidate sets of rows over the whole vocabulary, without sorting them |
//! | [`mod@teacher`] | what a teacher answers and how likely it found that, kept in a Parquet file |
//! | [`Checkpoint`] | a model as it lies on disk |
//! | [`Compute`] | the type in which linear maps are multiplied |
//! | [`mod@training`] | losses, gradients, optimiser, runs with states on disk, checks |
//! | [`NewFolder`] | a folder that is there as a whole or not at all |
//! | [`write_text`] | a file that is there as a whole or not at all |
//! | [`mod@text`] | text to tokens and back, chat templates, prompts, data sets |
//! | [`mod@hub`] | models by their name on the Hugging Face hub |
//! | [`mod@weights`] | named tensors in files, checked before they are read |
//!
//! No formula is written here a second time: a loss is a function of `operators` called with
//! [`Tensors`].
#![forbid(unsafe_code)]

mod aside;
mod checkpoint;
mod compute;
pub mod config;
mod error;
pub mod evaluation;
pub mod exercises;
mod flat;
pub mod gap;
pub mod generation;
pub mod hub;
pub mod loss;
pub mod model;
mod new_folder;
pub mod nucleus;
pub mod predict;
pub mod prune;
mod simd;
mod sums;
pub mod teacher;
pub mod tensors;
pub mod text;
pub mod training;
pub mod weights;

pub use aside::write_text;
pub use candle_core::{DType, Device};
pub use checkpoint::Checkpoint;
pub use compute::Compute;
pub use config::ModelConfig;
pub use error::LlmError;
pub use model::{Cache, Mode, Model, Padding, Tokens};
pub use new_folder::NewFolder;
pub use tensors::Tensors;
