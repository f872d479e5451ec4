//! The arguments of a teacher behind a server.

use super::CliError;
use clap::{Args, ValueEnum};
use llm::generation::Sampling;
use llm::teacher::server::{Server, Wanted};
use llm::text::Tokenizer;
use operators::TopP;

/// The variable that holds the key of a server that asks for one.
const KEY: &str = "BELLMAN_API_KEY";

/// A server in place of a teacher on disk.
#[derive(Debug, Default, Args)]
pub struct ServerArguments {
    /// An OpenAI-compatible server to ask in place of a teacher; its key is read from
    /// BELLMAN_API_KEY
    #[arg(long, value_name = "URL", requires = "tokenizer")]
    server: Option<String>,
    /// A model with the tokenizer and the chat template of the served model
    #[arg(long, value_name = "MODEL", requires = "server")]
    tokenizer: Option<String>,
    /// Which model of the server [default: the only one]
    #[arg(long, value_name = "NAME", requires = "server")]
    server_model: Option<String>,
    /// What the server is sent: prompts, or the messages that it makes prompts of
    #[arg(long, value_name = "API", default_value = "completions", requires = "server")]
    server_api: Api,
    /// How many log-probabilities the server is asked for at each position
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    top_logprobs: u32,
    /// Take candidate sets that do not reach p because the server gives too few log-probabilities
    #[arg(long, requires = "server")]
    allow_short_sets: bool,
}

/// A part of an OpenAI-compatible server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Api {
    /// /v1/completions.
    #[default]
    Completions,
    /// /v1/chat/completions, for text-generation-inference; needs --prompt chat.
    Chat,
}

impl ServerArguments {
    /// The model that the tokenizer comes from, where there is a server.
    pub fn tokenizer(&self) -> Option<&str> {
        self.tokenizer.as_deref()
    }

    /// Whether the server is sent messages.
    pub fn sends_messages(&self) -> bool {
        self.server_api == Api::Chat
    }

    /// Whether candidate sets may be short.
    pub fn short_sets(&self) -> bool {
        self.allow_short_sets
    }

    /// The server, if one was named; it has said which model it serves.
    pub fn connect(
        &self,
        tokenizer: &Tokenizer,
        ends: &[u32],
        p: TopP,
        sampling: Sampling,
    ) -> Result<Option<Server>, CliError> {
        let Some(url) = &self.server else { return Ok(None) };
        check(&sampling)?;
        self.check_raw(&sampling)?;
        let wanted =
            Wanted { sampling, p, top: self.top_logprobs, short_sets: self.allow_short_sets };
        let key = std::env::var(KEY).ok().filter(|key| !key.is_empty());
        let model = self.server_model.as_deref();
        Ok(Some(Server::connect(url, key, model, tokenizer, ends.to_vec(), wanted)?))
    }

    /// Whether the log-probabilities that come back are the teacher's own: text-generation-inference
    /// computes them after temperature and top-p.
    fn check_raw(&self, sampling: &Sampling) -> Result<(), CliError> {
        if self.server_api == Api::Chat && (sampling.temperature != 1.0 || sampling.top_p != 1.0) {
            let what = "`--server-api chat` is for servers whose log-probabilities come after temperature \
                        and top-p";
            return Err(CliError::argument(what, "sample with `--temperature 1 --top-p 1`"));
        }
        Ok(())
    }
}

/// Whether a server can be asked to sample so.
fn check(sampling: &Sampling) -> Result<(), CliError> {
    TopP::new(sampling.top_p)?;
    let value = sampling.temperature;
    if !(value >= 0.0 && value.is_finite()) {
        return Err(llm::LlmError::Temperature { value }.into());
    }
    Ok(())
}
