//! [`CliError`]: what, where, and what to do.

use certificate::CertificateError;
use miette::Diagnostic;
use std::fmt::Display;
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
    #[diagnostic(transparent)]
    Certificate(#[from] CertificateProblem),
    /// A certificate as a Coq file.
    #[error(transparent)]
    #[diagnostic(help(
        "`--out CERT` writes a certificate for any model; a Coq file is for small ones with γ < 1, \
         named like `lake.v`"
    ))]
    Coq(#[from] bellman_distill::coq::CoqError),
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
    #[diagnostic(help("{}", language_model_help(.0)))]
    LanguageModel(#[from] llm::LlmError),
    /// The other processes of this command.
    #[error(transparent)]
    #[diagnostic(help("{}", ranks_help(.0)))]
    Ranks(#[from] ranks::RanksError),
    /// γ or p.
    #[error(transparent)]
    Operator(#[from] operators::OperatorError),
    /// Standard output that takes no more.
    #[error("cannot write to standard output")]
    #[diagnostic(help("its reader has closed it, or the disk behind it is full"))]
    Output {
        /// Why.
        source: std::io::Error,
    },
}

/// What to do about processes that cannot go on together.
fn ranks_help(error: &ranks::RanksError) -> &'static str {
    use ranks::RanksError as E;
    match error {
        E::Elsewhere { .. } => "all processes end when one of them cannot go on",
        E::Unlike { .. } => "all processes need to see the same files, on every machine",
        E::TooLong { .. } => "use more processes, or less at once",
        _ => "start them with `mpirun -n N bellman …`, all with the same build",
    }
}

/// What to do about an error of a language model or of the files beside it.
#[cfg(feature = "llm")]
fn language_model_help(error: &llm::LlmError) -> &'static str {
    use llm::LlmError as E;
    match error {
        E::Line { .. } | E::NoLines { .. } => {
            "texts are JSON Lines: `{\"text\": …}` for predictions, `{\"output\": …}` for references"
        }
        E::Batch { .. } => {
            "a batch has `student_logits` and `teacher_logits` [B, T, V], `actions` [B, T], `lengths` \
             and `ends_with_eos` [B]"
        }
        E::CacheMismatch { setting: "template", .. } => {
            "prompts are to be made as they were for the cache: `--prompt chat` or `--prompt alpaca`, and \
             a student with the teacher's chat template"
        }
        E::CacheMismatch { setting: "weights", .. } => "give the teacher that made it",
        E::CacheMismatch { .. } => "give the settings that it was made with, or another folder",
        E::Busy { .. } => "wait until it has ended, or give another folder",
        E::Vocabulary { .. } => "a student needs the teacher's tokens, under the same numbers",
        E::TestAsDev { .. } => "choose by a file of its own, which is not reported on",
        E::DevAsTest { .. } => "report on a file of its own; `--dev` scores on this one",
        E::Write { .. } => "check that the folder can be written and that its disk has room",
        E::Diverged { .. } => {
            "the same settings lead here again: start anew with a lower `--learning-rate`, perhaps from \
             the best student of the run"
        }
        E::NothingToTrain { .. } => "data come from `--train`, `--cache` and `--text`",
        E::Setting { .. } | E::Operator(operators::OperatorError::TopP { .. }) => {
            "`--help` shows the defaults"
        }
        E::TooLong { .. } => "lower `--max-tokens` and `--max-prompt-tokens`",
        E::File { .. } => "check the path, and that the file may be read",
        E::LargerMass { .. } => {
            "lower `--p`, or make the cache again by `bellman generate` at a larger one"
        }
        E::Cache { .. } => "make the file again by `bellman generate`",
        E::TooManyCells => "lower `--micro-batch`",
        E::ShortOfBudget { .. } => {
            "make the cache at a larger `--p`, up to 1, or give a larger `--budget`"
        }
        E::Temperature { .. } | E::Bootstrap { .. } => "`--help` shows the defaults",
        E::Lines { .. } => "give a prediction for every reference, in the same order",
        E::Record { .. } => {
            "a data set is JSON Lines: `{\"instruction\": …, \"input\": …, \"output\": …}`, other names by \
             `--instruction-field` and so on, or `{\"messages\": […]}`; plain text is `{\"text\": …}`, another \
             name by `--text-field`"
        }
        E::MissingFile { file: "tokenizer.json", .. } => {
            "`tokenizer.json` lies beside `config.json` on the Hugging Face hub; `--ids` needs none"
        }
        E::Server { problem, .. } => server_help(problem),
        E::Answer { problem: llm::teacher::server::AnswerProblem::ShortSet { .. }, .. } => {
            "ask for more with `--top-logprobs N`, as far as the server allows (vLLM: `--max-logprobs`), \
             lower `--p`, or take short sets with `--allow-short-sets`; what is finished is kept"
        }
        E::Answer { .. } => {
            "the page on the teacher cache says which replies are understood; what is finished is kept"
        }
        E::Gap(llm::gap::GapProblem::ShortSet { .. }) => {
            "sets that a server has cut short may leak more than −log p: make the cache without \
             `--allow-short-sets`"
        }
        E::Gap(_) => "give a cache that `bellman generate` has finished",
        E::Ranks(problem) => ranks_help(problem),
        E::NotEmpty { .. } => "name a folder that is not there yet",
        E::NoLayer { .. } | E::Layers(_) => "layers are counted from 0: `--keep 0-9,20-29`",
        E::NoResponses => "a data set to measure by has an output in each record",
        E::Conversation { .. } => "`--prompt chat` takes conversations",
        _ => {
            "a model is a folder with config.json and model.safetensors, a .gguf file, or a name on \
         the Hugging Face hub"
        }
    }
}

/// What to do about a server.
#[cfg(feature = "llm")]
fn server_help(problem: &llm::teacher::server::ServerProblem) -> &'static str {
    use llm::teacher::server::ServerProblem as P;
    match problem {
        P::Unreachable(_) => {
            "check the address and that the server runs: `--server http://host:8000`"
        }
        P::Status { status: 401 | 403, .. } => "the key of the server is read from BELLMAN_API_KEY",
        P::Status { status: 429 | 503, .. } => {
            "the server is busy: lower `--batch`, or try again later"
        }
        P::Status { .. } => {
            "what the server says names the limit, as a rule: of log-probabilities (`--top-logprobs`) or \
             of tokens (`--max-new-tokens`)"
        }
        P::Models { .. } | P::NoModel => "`--server-model NAME` chooses a model of the server",
        _ => "a server has `/v1/models` and `/v1/completions` as OpenAI describes them",
    }
}

#[cfg(feature = "llm")]
impl From<bridge::BridgeError> for CliError {
    fn from(error: bridge::BridgeError) -> Self {
        use bridge::BridgeError as E;
        match error {
            E::LanguageModel(error) => error.into(),
            E::Model(error) => error.into(),
            E::Operator(error) => error.into(),
            E::Case(error) => error.into(),
            tree @ (E::TooManyPrefixes { .. } | E::Nothing { .. }) => {
                Self::argument(tree.to_string(), "for example `--depth 4 --top 8`")
            }
            other => Self::argument(other.to_string(), "`--help` says what is compared"),
        }
    }
}

impl From<CertificateError> for CliError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error.into())
    }
}

impl CliError {
    /// An argument error.
    pub fn argument(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Argument { what: what.into(), help: help.into() }
    }
}

/// A [`CertificateError`] with what to do about it.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct CertificateProblem(#[from] CertificateError);

impl Diagnostic for CertificateProblem {
    fn help(&self) -> Option<Box<dyn Display + '_>> {
        use CertificateError as E;
        let help = match &self.0 {
            E::Read { .. } => "give a certificate that `bellman certify` wrote",
            E::Write { .. } => "check that the folder exists and can be written",
            E::TooLarge { .. } | E::NotACertificate { .. } => {
                "`bellman certify` writes certificates; the order is `bellman check CERT FILE`"
            }
            E::Value { .. } | E::Unbounded { .. } | E::Format(_) => {
                "the values are too large for bounds: scale rewards down, or lower the discount"
            }
            _ => return None,
        };
        Some(Box::new(help))
    }
}
