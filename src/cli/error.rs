//! [`CliError`]: what, where, and what to do.

use miette::Diagnostic;
use thiserror::Error;

/// Anything that makes a command unable to start or go on: exit code 2.
#[derive(Debug, Error, Diagnostic)]
pub enum CliError {
    /// An argument that no command can work with.
    #[error("{what}")]
    Argument {
        /// What is wrong.
        what: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// A model file; its message says what to do.
    #[error(transparent)]
    Format(#[from] tabular::formats::FormatError),
    /// A model whose values cannot be computed.
    #[error(transparent)]
    #[diagnostic(help("values must stay finite: check rewards and discount"))]
    Case(#[from] verify::CaseError),
    /// A certificate.
    #[error(transparent)]
    #[diagnostic(help(
        "certificates are written by `bellman certify`; check that the path is right and its folder \
         can be written"
    ))]
    Certificate(#[from] certificate::CertificateError),
    /// The page of a campaign.
    #[error(transparent)]
    #[diagnostic(help("check that the folder can be written"))]
    Report(#[from] verify::report::ReportError),
    /// A model made from arguments.
    #[error(transparent)]
    Model(#[from] tabular::ModelError),
    /// A language model.
    #[cfg(feature = "llm")]
    #[error(transparent)]
    #[diagnostic(help(
        "a model is a folder with config.json and model.safetensors, as on the Hugging Face hub"
    ))]
    LanguageModel(#[from] llm::LlmError),
    /// γ or p.
    #[error(transparent)]
    Operator(#[from] operators::OperatorError),
    /// A file that cannot be written.
    #[error("cannot write {path}")]
    #[diagnostic(help("check that the folder exists and can be written"))]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl CliError {
    /// An argument error.
    pub fn argument(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Argument { what: what.into(), help: help.into() }
    }
}
