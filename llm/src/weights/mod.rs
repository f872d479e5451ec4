//! [`Weights`]: named tensors in files, which may be anything and are believed in nothing.

mod folder;
mod gguf;
mod header;
mod problem;
mod safetensors;

pub use folder::Folder;
pub(crate) use folder::read_index;
pub use gguf::{Gguf, GgufMetadata};
pub use problem::TensorProblem;
pub use safetensors::Safetensors;

use crate::LlmError;
use candle_core::Tensor;

/// Named tensors in files.
pub trait Weights {
    /// Whether there is a tensor of this name, as Hugging Face names it.
    fn contains(&self, name: &str) -> bool;

    /// The shape of a tensor, known before any of it is read.
    ///
    /// # Errors
    /// [`LlmError::MissingTensor`].
    fn shape(&self, name: &str) -> Result<Vec<usize>, LlmError>;

    /// A tensor in the type of the file (F32 where the file is quantised), in main memory.
    ///
    /// # Errors
    /// [`LlmError::MissingTensor`], [`LlmError::File`], [`LlmError::Tensor`].
    fn load(&self, name: &str) -> Result<Tensor, LlmError>;
}
