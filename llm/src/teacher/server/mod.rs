//! A teacher behind an OpenAI-compatible server, asked for its log-probabilities.
//!
//! | item | what it is |
//! |---|---|
//! | [`Server`] | a served model, with the tokenizer that turns its tokens into numbers |
//! | [`Wanted`] | how it is to answer |
//! | [`Question`], [`Asked`] | a prompt that it is to answer, as text or as messages |
//! | [`ServerProblem`], [`AnswerProblem`] | what can be wrong with a server, and with an answer |
//!
//! The reply may come from anywhere: its size is limited, its shape and its numbers are checked, and
//! the worst is an error that names the server and, where it has got so far, the response.

mod many;
mod names;
mod problem;
mod remote;
mod reply;
mod request;
mod rows;

pub use many::answer_all;
pub use problem::{AnswerProblem, ServerProblem};

use super::{Prompt, Row, hash_text};
use crate::LlmError;
use crate::generation::Sampling;
use crate::text::{Message, Tokenizer};
use names::Names;
use operators::TopP;
use remote::Remote;
use reply::{Models, Reply};
use request::Request;
use rows::Reading;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a server is to answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// How tokens are chosen, and how many.
    pub sampling: Sampling,
    /// The mass of the candidate sets.
    pub p: TopP,
    /// How many log-probabilities the server is asked for at each position.
    pub top: u32,
    /// Whether sets that do not reach p for want of log-probabilities are taken.
    pub short_sets: bool,
}

/// The form in which a server is sent a prompt.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// As text, at `/v1/completions`.
    Text(&'a str),
    /// As messages, at `/v1/chat/completions`: the server makes the prompt of them, by its own template.
    Messages(&'a [Message]),
}

/// A prompt with the number of the response to it.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The prompt in tokens, which the server is to count too.
    pub prompt: &'a Prompt,
    /// What the server is sent.
    pub asked: Asked<'a>,
    /// Which response to this prompt, from 0.
    pub response: u32,
}

/// A served model.
#[derive(Debug)]
pub struct Server {
    remote: Remote,
    model: String,
    names: Names,
    ends: Vec<u32>,
    wanted: Wanted,
    withheld: AtomicU64,
}

impl Server {
    /// Asks the server at `url` which model it serves. Of several `model` names one.
    ///
    /// `tokenizer` is that of the served model, and `ends` are the tokens that end its responses.
    /// `key` is sent as a bearer token.
    ///
    /// # Errors
    /// [`LlmError::Server`] when it cannot be reached, answers with something else than a list of
    /// models, or serves another model or several.
    pub fn connect(
        url: &str,
        key: Option<String>,
        model: Option<&str>,
        tokenizer: &Tokenizer,
        ends: Vec<u32>,
        wanted: Wanted,
    ) -> Result<Self, LlmError> {
        let remote = Remote::new(url, key);
        let failed = |problem| LlmError::Server { url: remote.url().into(), problem };
        let models: Models = remote.get("/v1/models").map_err(failed)?;
        let model = models.choose(model).map_err(failed)?;
        let names = Names::new(tokenizer);
        Ok(Self { remote, model, names, ends, wanted, withheld: AtomicU64::new(0) })
    }

    /// The name of the model, as the server reports it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// SHA-256 of the server's address and of the name of the model, in hexadecimal.
    ///
    /// It stands in a cache where the hash of the weights stands otherwise: a server does not show
    /// them, so another model under the same name and address is not noticed.
    pub fn hash(&self) -> String {
        hash_text(&format!("{}\n{}", self.remote.url(), self.model))
    }

    /// How many responses have ended without the token that ended them in the reply. They count as
    /// cut off, as nothing says how likely that token was.
    pub fn withheld(&self) -> u64 {
        self.withheld.load(Ordering::Relaxed)
    }

    /// One response with its candidate sets.
    ///
    /// # Errors
    /// [`LlmError::Server`] when the server fails, [`LlmError::Answer`] when its reply cannot be
    /// used.
    pub fn answer(&self, question: &Question) -> Result<Row, LlmError> {
        let request = Request::new(&self.model, question, &self.wanted);
        let failed = |problem| LlmError::Server { url: self.remote.url().into(), problem };
        let limit = request.largest_reply();
        let reply: Reply = self.remote.post(request.path(), &request, limit).map_err(failed)?;
        let reading = Reading { names: &self.names, ends: &self.ends, wanted: &self.wanted };
        let answer = reading.row(reply, question).map_err(|problem| LlmError::Answer {
            prompt: question.prompt.number,
            response: question.response,
            problem,
        })?;
        self.withheld.fetch_add(answer.withheld.into(), Ordering::Relaxed);
        Ok(answer.row)
    }
}
