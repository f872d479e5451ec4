//! [`ServerProblem`] and [`AnswerProblem`]: what can be wrong with a server and with its answers.

/// Why a server cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerProblem {
    /// No answer.
    #[error("the server cannot be reached ({0})")]
    Unreachable(String),
    /// The server refuses.
    #[error("the server answers with status {status}: {said}")]
    Status {
        /// The status.
        status: u16,
        /// The beginning of what it says.
        said: String,
    },
    /// A reply without end.
    #[error("the reply has more than {limit} bytes")]
    TooLarge {
        /// How many bytes there may be.
        limit: u64,
    },
    /// A reply that is not of the form that is documented.
    #[error("the reply cannot be understood: {0}")]
    Reply(String),
    /// No model.
    #[error("the server says that it serves no model")]
    NoModel,
    /// Another model than was asked for, or several where none was named.
    #[error("the server serves {}; name one of them", served.join(", "))]
    Models {
        /// The names of the first models.
        served: Vec<String>,
    },
}

/// Why an answer cannot become teacher data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerProblem {
    /// Not one choice.
    #[error("the reply holds {0} choices where one was asked for")]
    Choices(usize),
    /// No log-probabilities, or not for every token.
    #[error("the reply has no log-probabilities {0}")]
    NoLogProbabilities(String),
    /// Lists that belong together and have different lengths.
    #[error("the reply has {tokens} tokens, {chosen} log-probabilities of them and {top} lists")]
    Lengths {
        /// How many tokens.
        tokens: usize,
        /// How many log-probabilities of tokens.
        chosen: usize,
        /// How many lists of the most likely tokens.
        top: usize,
    },
    /// More tokens than were asked for.
    #[error("the response has {found} tokens where at most {most} were asked for")]
    TooLong {
        /// How many tokens there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A number that is no log-probability.
    #[error("position {position}: {value} is no log-probability")]
    Number {
        /// The position.
        position: usize,
        /// The number.
        value: f64,
    },
    /// A prompt that the server cuts into other tokens.
    #[error(
        "the server counts {served} tokens in the prompt and the tokenizer {own}: either it is not the \
         tokenizer of the served model, or the server puts a token in front"
    )]
    PromptTokens {
        /// How many tokens the server counts.
        served: u64,
        /// How many the tokenizer.
        own: usize,
    },
    /// A token that the tokenizer does not have.
    #[error(
        "position {position}: the tokenizer has no token {token}; is it that of the served model?"
    )]
    UnknownToken {
        /// The position.
        position: usize,
        /// The token, as the server names it.
        token: String,
    },
    /// A token whose text belongs to several.
    #[error(
        "position {position}: the server writes the token {token:?}, and {tokens} tokens may read so \
         (parts of characters, as a rule); a server that gives numbers of tokens is needed here"
    )]
    Ambiguous {
        /// The position.
        position: usize,
        /// The text.
        token: String,
        /// How many tokens it may be.
        tokens: u32,
    },
    /// A token whose number and text do not belong together.
    #[error(
        "position {position}: the token {token:?} has number {served} on the server and {own} in the \
         tokenizer, which is not that of the served model"
    )]
    OtherNumber {
        /// The position.
        position: usize,
        /// The text.
        token: String,
        /// Its number on the server.
        served: u32,
        /// Its number in the tokenizer.
        own: u32,
    },
    /// A token that stands twice among the most likely.
    #[error("position {position}: token {token} stands twice among the most likely")]
    Twice {
        /// The position.
        position: usize,
        /// The token.
        token: u32,
    },
    /// Too few log-probabilities.
    #[error(
        "position {position}: the {found} most likely tokens that the server gave carry {mass:.4} of \
         the mass, less than p = {p}"
    )]
    ShortSet {
        /// The position.
        position: usize,
        /// How many tokens the server gave.
        found: usize,
        /// The mass that they carry.
        mass: f64,
        /// The mass of candidate sets.
        p: f64,
    },
}
