//! What can be wrong with a batch in a file.

/// What is wrong with a batch or with a configuration of the loss.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchProblem {
    /// No JSON, or JSON without the members that are needed.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A file too large to be a batch.
    #[error("larger than {limit} bytes")]
    Large {
        /// The most bytes that are read.
        limit: u64,
    },
    /// A list of another length than its neighbours have.
    #[error("{found} entries where {expected} are needed")]
    Length {
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// A list that must not be empty.
    #[error("an empty list")]
    Empty,
    /// A token outside the vocabulary.
    #[error("token {found} is not one of the {vocabulary} that have logits")]
    Token {
        /// The token.
        found: i64,
        /// The size of the vocabulary.
        vocabulary: usize,
    },
    /// The length of a response that does not fit into the batch.
    #[error("a response of {found} tokens; the batch has room for 1 to {time}")]
    Response {
        /// Its length.
        found: usize,
        /// The positions of the batch.
        time: usize,
    },
    /// A batch without a transition whose next value is known.
    #[error("no transition counts: every response is one token long and cut off")]
    NothingCounts,
    /// A number that no operator can work with.
    #[error(transparent)]
    Operator(#[from] operators::OperatorError),
    /// A floor that is no number.
    #[error("a floor of {0}; give a number such as -10")]
    Floor(f64),
    /// A loss or a gradient beyond the largest double.
    #[error("the loss or its gradient is not finite; the logits are too large")]
    NotFinite,
}
