//! [`FormatError`]: what can be wrong with a model file, and where.

use crate::ModelError;
use std::fmt;
use std::path::PathBuf;

/// A file that could not be read as a model, or not written.
///
/// The message starts with `FILE:LINE:` (or `FILE:` where the defect has no line), says what is
/// wrong and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The operating system did not hand out the file.
    #[error("{}: cannot read the file", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The operating system did not take the file; what was there before is untouched.
    #[error("{}: cannot write the file; nothing was overwritten", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The contents are no model.
    #[error("{}{}: {problem}", path.display(), Line(*line))]
    Malformed {
        /// The file; the one of several (`.tra`, `.trew`, …) that is wrong.
        path: PathBuf,
        /// The line, counted from 1, where there is one to point at.
        line: Option<usize>,
        /// What is wrong.
        problem: Problem,
    },
}

/// What is wrong with the contents of a file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Bytes that are not text.
    #[error("this line is not UTF-8 text; convert the file to UTF-8")]
    NotUtf8,
    /// No reader recognises the file.
    #[error(
        "neither the extension nor the contents tell the format; readable are JSON and Gymnasium \
         tables (.json), Storm (.drn), PRISM explicit (.tra) and Cassandra (.mdp)"
    )]
    UnknownFormat,
    /// One of the files beside a `.tra` file was given instead of it.
    #[error("a .{extension} file only accompanies a transition file; give the .tra file beside it")]
    SideFile {
        /// What was given.
        extension: String,
    },
    /// JSON that does not parse, or does not have the expected members.
    #[error("{message} (column {column}); correct the JSON")]
    Json {
        /// The parser's account.
        message: String,
        /// Where in the line, counted from 1.
        column: usize,
    },
    /// A token that is not the number that belongs there.
    #[error("`{found}` is not {expected}")]
    Number {
        /// The token, shortened.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A token other than the one that belongs there.
    #[error("found `{found}` where {expected} should be")]
    Unexpected {
        /// The token, shortened.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A line or file that stops too early.
    #[error("nothing follows where {expected} should be")]
    Ended {
        /// What is missing.
        expected: &'static str,
    },
    /// A header that never came.
    #[error("the file has no `{what}`; add it")]
    Missing {
        /// The header.
        what: &'static str,
    },
    /// The same thing twice.
    #[error("{what} `{name}` is given twice; remove one")]
    Twice {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A name that was not declared.
    #[error("there is no {what} `{name}`; {known}")]
    UnknownName {
        /// What kind of thing.
        what: &'static str,
        /// The name, shortened.
        name: String,
        /// What there is.
        known: String,
    },
    /// A declared count that is not the number of things given.
    #[error("{declared} {what} are declared but {found} are given; correct the one or the other")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The count declared.
        declared: u64,
        /// The count found.
        found: usize,
    },
    /// Two lists of a JSON model that belong together differ in length.
    #[error("{list} has {found} entries where {expected} are needed, one for each {of}")]
    Length {
        /// Which list, with its state and action.
        list: String,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
        /// What its entries belong to.
        of: &'static str,
    },
    /// Wildcards or keywords that stand for more transitions than can be stored.
    #[error(
        "this stands for {count} entries and all such lines together may stand for {limit}; list \
         the transitions that are not zero one by one"
    )]
    TooLarge {
        /// How many entries.
        count: u128,
        /// How many would do.
        limit: usize,
    },
    /// Something the format has and this reader has not.
    #[error("{what} cannot be read: {instead}")]
    Unsupported {
        /// What.
        what: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// Several reward models and no choice, or a choice that does not exist.
    #[error("{found}; choose one with `--rewards NAME`: {}", names.join(", "))]
    RewardModel {
        /// What was chosen.
        found: String,
        /// What there is.
        names: Vec<String>,
    },
    /// A reward model was chosen where there is nothing to choose from.
    #[error("the file names no reward models, so there is no `{name}`; leave `--rewards` out")]
    NoRewardModels {
        /// What was chosen.
        name: String,
    },
    /// A transition reward of a transition that does not exist.
    #[error(
        "state {state}, choice {choice} has a reward on the way to state {successor} but no such \
         transition; remove the line"
    )]
    NoSuchTransition {
        /// The state.
        state: usize,
        /// The choice.
        choice: usize,
        /// The next state.
        successor: usize,
    },
    /// An expected reward beyond the doubles.
    #[error("state {state}, action {action}: the reward is too large for a double; rescale it")]
    RewardOverflow {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
    },
    /// A candidate set without an action.
    #[error("the candidate set of state {state} is empty; keep at least one action")]
    NoCandidate {
        /// The state.
        state: usize,
    },
    /// A candidate that its state does not offer.
    #[error("the candidate set of state {state} has action {action}, which is not available there")]
    UnknownCandidate {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
    },
    /// A candidate named twice.
    #[error("the candidate set of state {state} has action {action} twice; remove one")]
    DuplicateCandidate {
        /// The state.
        state: usize,
        /// The action.
        action: u32,
    },
    /// A top-level member that the JSON reader would refuse.
    #[error("the member `{name}` cannot be written; extra members are: {}", super::json::IGNORED.join(", "))]
    ExtraMember {
        /// Its name.
        name: String,
    },
    /// The numbers are not an MDP.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// A problem and its line, before the file is known.
#[derive(Debug)]
pub(super) struct Defect {
    pub line: Option<usize>,
    pub problem: Problem,
}

impl Defect {
    /// The error, now that the file is known.
    pub fn in_file(self, path: impl Into<PathBuf>) -> FormatError {
        FormatError::Malformed { path: path.into(), line: self.line, problem: self.problem }
    }
}

impl Problem {
    /// The defect of this problem at a line.
    pub(super) fn at(self, line: usize) -> Defect {
        Defect { line: Some(line), problem: self }
    }
}

impl<P: Into<Problem>> From<P> for Defect {
    fn from(problem: P) -> Self {
        Self { line: None, problem: problem.into() }
    }
}

/// `:LINE`, or nothing.
struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// A token as messages show it: short, and without control characters.
pub(super) fn shown(token: &str) -> String {
    let mut short: String = token.chars().take(40).flat_map(char::escape_debug).collect();
    if token.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}
