//! What can be wrong with a model, with the numbers a certificate is made from, or with a file.

/// Input that no certificate can be made from, or read from.
///
/// A certificate that is well formed but does not hold is no error: see
/// [`Refusal`](crate::Refusal).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The offsets of states or rows are not a partition.
    #[error("{what}: {reason}")]
    Layout {
        /// Which offsets.
        what: &'static str,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// An array is not as long as the model or its offsets say.
    #[error("{what}: {found} entries where {expected} are needed")]
    Length {
        /// Which array.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// More states than a 32-bit index reaches.
    #[error("{states} states are more than a 32-bit index can number")]
    TooManyStates {
        /// How many.
        states: usize,
    },
    /// A reward that is NaN or infinite.
    #[error("pair {pair}: the reward is {value}; it must be finite")]
    Reward {
        /// The pair.
        pair: usize,
        /// The reward.
        value: f64,
    },
    /// A weight that is not a positive finite number.
    #[error("transition {transition}: the weight is {value}; it must be positive and finite")]
    Weight {
        /// The position of the transition.
        transition: usize,
        /// The weight.
        value: f64,
    },
    /// The weights of a row add up to more than a double can hold.
    #[error("pair {pair}: the total of the weights overflows; scale the row down")]
    Total {
        /// The pair.
        pair: usize,
    },
    /// Successors that do not rise strictly, or do not exist.
    #[error(
        "pair {pair}: successor {successor} is out of order or does not exist; successors rise \
         strictly within a row and are states of the model"
    )]
    Successor {
        /// The pair.
        pair: usize,
        /// The first one that is wrong.
        successor: u32,
    },
    /// A candidate set that is empty, unordered or not a part of what the state offers.
    #[error(
        "state {state}: the candidate set must name one or more slots of the state, rising strictly"
    )]
    Kept {
        /// The state.
        state: usize,
    },
    /// γ is no discount for this model.
    #[error("γ = {value}: a discount lies in [0, 1], and γ = 1 needs a model that certainly ends")]
    Gamma {
        /// The value given.
        value: f64,
    },
    /// p is not in (0, 1].
    #[error("p = {value} is not in (0, 1]")]
    P {
        /// The value given.
        value: f64,
    },
    /// A value that is NaN or infinite.
    #[error("{what}: the value of state {state} is {value}; it must be finite")]
    Value {
        /// Which values.
        what: &'static str,
        /// The state.
        state: usize,
        /// The value.
        value: f64,
    },
    /// With γ = 1 a terminal state must have the value 0: nothing else fixes it.
    #[error("{what}: terminal state {state} has the value {value}; with γ = 1 it must be 0")]
    Terminal {
        /// Which values.
        what: &'static str,
        /// The state.
        state: usize,
        /// The value.
        value: f64,
    },
    /// The residual is too large for a double.
    #[error("{what}: the residual at state {state} is not bounded by doubles")]
    Unbounded {
        /// Which values.
        what: &'static str,
        /// The state.
        state: usize,
    },
    /// A certificate file larger than any this crate reads.
    #[error("{path} has more than {limit} bytes")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A text that is no certificate, or a certificate that no text can hold.
    #[error("not a certificate")]
    Format(#[from] serde_json::Error),
    /// A file that is no certificate.
    #[error("{path} is not a certificate")]
    NotACertificate {
        /// The file.
        path: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The operating system did not hand out the file.
    #[error("{path}: cannot read the file")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The operating system did not take the file; what was there before is untouched.
    #[error("{path}: cannot write the file; nothing was overwritten")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}
