//! [`CoqError`]: why a certificate is not written as a Coq file.

use certificate::CertificateError;

/// Why a certificate is not written as a Coq file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoqError {
    /// More than the kernel is asked to check.
    #[error("the model has {found} {what}; a Coq file is written for at most {limit}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much of it.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
    /// The theorems need a contraction.
    #[error("γ = {gamma}: the theorems behind a Coq file need γ < 1")]
    Discount {
        /// The discount.
        gamma: f64,
    },
    /// There are no candidate sets to speak of.
    #[error("the certificate says nothing of candidate sets")]
    NoSets,
    /// An enclosure that says nothing.
    #[error("{what}: the enclosure is too wide to be stated")]
    Wide {
        /// Of what.
        what: &'static str,
    },
    /// A name that Coq cannot use.
    #[error(
        "{path}: Coq takes a file's name for the name of a module: a letter, then letters, digits \
         and underscores, then `.v`"
    )]
    FileName {
        /// The path given.
        path: String,
    },
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate does not fit the model.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}
