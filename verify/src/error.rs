//! What keeps an instance from being examined.

/// An instance of which no [`crate::Case`] can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// An operator refused its arguments: a value overflowed, or γ = 1 on a model that may never
    /// end.
    #[error("the values of the model are not finite: {0}")]
    Operator(#[from] operators::OperatorError),
    /// A value is beyond the largest double.
    #[error(
        "the values of the model are infinite: rewards are too large or, at γ = 1, a path never ends"
    )]
    Infinite,
    /// No certificate can be made of the values found.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] certificate::CertificateError),
    /// The checker refused a certificate that was just made: a defect in this program.
    #[error("the checker refuses a certificate of our own making: {0}")]
    Refused(#[from] certificate::Refusal),
}
