//! What can be wrong with the arguments of an operator.

/// An argument that no operator can work with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// p outside (0, 1].
    #[error(
        "p = {value} is not in (0, 1]; give a probability such as 0.8, or 1 to keep every action"
    )]
    TopP {
        /// The value given.
        value: f64,
    },
    /// γ outside [0, 1].
    #[error(
        "γ = {value} is not in [0, 1]; give a discount such as 0.99, or 1 for a model that certainly ends"
    )]
    Discount {
        /// The value given.
        value: f64,
    },
    /// α not positive and finite.
    #[error(
        "α = {value} is not a positive number; the χ² regulariser divides by 4α (published value: 0.1)"
    )]
    Alpha {
        /// The value given.
        value: f64,
    },
    /// ε not positive and finite.
    #[error("ε = {value} is not a positive number; the released objective takes its logarithm")]
    Epsilon {
        /// The value given.
        value: f64,
    },
    /// The teacher's share in a mixture outside [0, 1).
    #[error(
        "a teacher's share of {value} in what is sampled from is not in [0, 1); with 1 the student \
         would have no part in it (published value: 0.2)"
    )]
    TeacherMix {
        /// The value given.
        value: f64,
    },
    /// A clipping ratio that is not positive.
    #[error(
        "a clipping ratio of {value} is not a positive number; give one such as 0.2, or inf for none"
    )]
    ClipRatio {
        /// The value given.
        value: f64,
    },
    /// k = 0.
    #[error("top-k with k = 0 would keep no action; give k ≥ 1")]
    TopK,
    /// A row without any cell, or without a kept one.
    #[error("row {row} has no candidate; every state must offer and keep at least one action")]
    EmptyRow {
        /// The row (state).
        row: usize,
    },
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
    /// A number that is NaN or infinite where candidates are chosen.
    #[error("entry {slot} of row {row} is {value}; candidate sets need finite numbers")]
    NotFinite {
        /// The row (state).
        row: usize,
        /// The entry within the row.
        slot: usize,
        /// The value found.
        value: f64,
    },
}
