//! [`GapProblem`]: why responses do not tell the gap.

/// What is wrong with responses that a gap is to be estimated from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GapProblem {
    /// There is none.
    #[error("there is no response")]
    NoResponses,
    /// A candidate set that carries less than p, so that it may leak more than −log p.
    #[error(
        "response {response} to prompt {prompt}: the candidate set of position {position} carries {mass}, \
         less than p = {p}"
    )]
    ShortSet {
        /// The number of the prompt.
        prompt: u32,
        /// Which response to it.
        response: u32,
        /// The position within the response.
        position: usize,
        /// The mass that the set carries.
        mass: f64,
        /// The mass that it should carry.
        p: f64,
    },
    /// A response longer than responses were to be, on which the range of the sums depends.
    #[error(
        "response {response} to prompt {prompt} has {tokens} tokens, more than the {most} allowed"
    )]
    TooLong {
        /// The number of the prompt.
        prompt: u32,
        /// Which response to it.
        response: u32,
        /// Its tokens.
        tokens: usize,
        /// The most that one may have.
        most: usize,
    },
    /// Prompts that do not count the same.
    #[error("prompt {prompt} has {found} responses where the first has {expected}")]
    Unequal {
        /// The number of the prompt.
        prompt: u32,
        /// How many responses it has.
        found: usize,
        /// How many the first prompt has.
        expected: usize,
    },
    /// A confidence that no interval has.
    #[error("confidence = {value} is not between 0 and 1")]
    Confidence {
        /// The value.
        value: f64,
    },
}
