//! [`Weights`]: named tensors in files, which may be anything and are believed in nothing.

mod folder;
mod header;
mod safetensors;

pub use folder::Folder;
pub(crate) use folder::read_index;
pub use header::TensorProblem;
pub use safetensors::Safetensors;

use crate::LlmError;
use candle_core::Tensor;

/// Named tensors in files.
pub trait Weights {
    /// Whether there is a tensor of this name.
    fn contains(&self, name: &str) -> bool;

    /// The shape of a tensor, known before any of it is read.
    ///
    /// # Errors
    /// [`LlmError::MissingTensor`].
    fn shape(&self, name: &str) -> Result<Vec<usize>, LlmError>;

    /// A tensor in the type of the file, in main memory.
    ///
    /// # Errors
    /// [`LlmError::MissingTensor`], [`LlmError::File`], [`LlmError::Tensor`].
    fn load(&self, name: &str) -> Result<Tensor, LlmError>;
}
