//! What can go wrong with language models.

use crate::weights::TensorProblem;
use std::path::PathBuf;

/// A model, a file or an array that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// candle refused an operation.
    #[error("a tensor operation failed")]
    Tensor(#[from] candle_core::Error),
    /// An argument that no operator can work with.
    #[error(transparent)]
    Operator(#[from] operators::OperatorError),
    /// Two arrays that belong together have different lengths.
    #[error("{what} has {found} entries where {expected} are needed")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// More cells than 32-bit indices can name.
    #[error("a batch of 2³² cells or more; use smaller batches or smaller candidate sets")]
    TooManyCells,
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A `config.json` that describes no model that can be loaded.
    #[error("{}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of weights, or its index, cannot be understood as a whole.
    #[error("{}: {problem}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file describes a tensor that it cannot hold.
    #[error("{}: tensor {tensor:?}: {problem}", path.display())]
    BadTensor {
        /// The file.
        path: PathBuf,
        /// The name of the tensor.
        tensor: String,
        /// What is wrong with it.
        problem: TensorProblem,
    },
    /// A tensor that the model needs is not there.
    #[error("{}: there is no tensor {tensor:?}", path.display())]
    MissingTensor {
        /// The file or folder.
        path: PathBuf,
        /// The name of the tensor.
        tensor: String,
    },
    /// A tensor has another shape than `config.json` asks for.
    #[error("tensor {tensor:?} has shape {found:?}; config.json asks for {expected:?}")]
    TensorShape {
        /// The name of the tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        expected: Vec<usize>,
    },
    /// A token beyond the embedding.
    #[error("token {token} is not one of the {vocabulary} that the model knows")]
    UnknownToken {
        /// The token.
        token: u32,
        /// The rows of the embedding.
        vocabulary: usize,
    },
    /// A sequence longer than the learned positions.
    #[error("a sequence of {needed} tokens; the model has {positions} positions")]
    TooLong {
        /// How many positions the sequence needs.
        needed: usize,
        /// How many there are.
        positions: usize,
    },
    /// A batch without sequences, or with an empty one.
    #[error("a batch needs at least one sequence, and each at least one token")]
    NoTokens,
    /// A temperature that no distribution has.
    #[error(
        "temperature = {value} is not a positive number; give one such as 1, or sample greedily"
    )]
    Temperature {
        /// The value.
        value: f64,
    },
    /// Whoever watched asked to stop.
    #[error("stopped")]
    Stopped,
}
