//! What can go wrong between ranks.

/// Why ranks cannot go on together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RanksError {
    /// Another rank has failed; all end.
    #[error("rank {rank}: {problem}")]
    Elsewhere {
        /// Which.
        rank: usize,
        /// Its message.
        problem: String,
    },
    /// Another rank is gone without a word.
    #[error("rank {rank} is gone")]
    Lost {
        /// Which.
        rank: usize,
    },
    /// Something is asked of the others after a rank has left.
    #[error("the ranks have parted")]
    Parted,
    /// Another rank has sent something of another shape.
    #[error(
        "rank {rank} is about something else; all ranks need the same build, arguments and files"
    )]
    Unlike {
        /// Which.
        rank: usize,
    },
    /// A message that is longer than one can be.
    #[error("a message of {bytes} bytes is too long to be sent")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// There is no connection to the others.
    #[error("the ranks cannot be connected: {problem}")]
    Start {
        /// Why.
        problem: String,
    },
}
