//! What can go wrong between a language model and a table.

/// A language model that cannot be laid out as an MDP.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// A tree that no memory holds.
    #[error(
        "depth {depth} with {top} tokens a state is up to {prefixes} prefixes, more than {most}; choose \
         a smaller depth or fewer tokens"
    )]
    TooManyPrefixes {
        /// The depth asked for.
        depth: usize,
        /// Tokens a state.
        top: usize,
        /// How many prefixes that can be.
        prefixes: u128,
        /// How many there may be.
        most: usize,
    },
    /// Nothing to lay out.
    #[error("the {what} is 0; it is at least 1")]
    Nothing {
        /// Depth, number of tokens or batch.
        what: &'static str,
    },
    /// A token of the teacher's that the student lacks.
    #[error(
        "the teacher lists token {token}, and the student has {size} tokens; they need one vocabulary"
    )]
    Vocabulary {
        /// The token.
        token: u32,
        /// How many the student has.
        size: usize,
    },
    /// No position to average over.
    #[error("there is no rollout with a token")]
    NoRollouts,
    /// A confidence that no interval has.
    #[error("confidence = {value} is not between 0 and 1; give one such as 0.99")]
    Confidence {
        /// The value.
        value: f64,
    },
    /// The language model.
    #[error(transparent)]
    LanguageModel(#[from] llm::LlmError),
    /// The MDP.
    #[error(transparent)]
    Model(#[from] tabular::ModelError),
    /// An operator.
    #[error(transparent)]
    Operator(#[from] operators::OperatorError),
    /// The states that a policy visits.
    #[error(transparent)]
    Occupancy(#[from] tabular::occupancy::OccupancyError),
    /// The solution of the MDP.
    #[error(transparent)]
    Case(#[from] verify::CaseError),
}
