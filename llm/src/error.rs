//! What can go wrong with language models.

/// A model, a file or an array that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// candle refused an operation.
    #[error("a tensor operation failed: {0}")]
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
}
