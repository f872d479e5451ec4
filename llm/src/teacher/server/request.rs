//! [`Request`]: what a server is asked.

use super::{Asked, Question, Wanted};
use crate::text::Message;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The body of `POST /v1/completions` or `/v1/chat/completions`. What a server does not know it passes
/// over.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'a [Message]>,
    n: u32,
    max_tokens: usize,
    temperature: f64,
    /// With messages a 1 is left out, which is what then counts: text-generation-inference refuses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    seed: u32,
    logprobs: Logprobs,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    /// vLLM: tokens are named by their numbers.
    return_tokens_as_token_ids: bool,
    /// vLLM: no token is put in front of the prompt, which holds what its template wants.
    add_special_tokens: bool,
    /// Servers have rules of their own beside top-p; these switch them off.
    top_k: u32,
    min_p: f64,
    repeat_penalty: f64,
    repetition_penalty: f64,
}

/// How many log-probabilities there are to be, or only that there are to be some.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Logprobs {
    Count(u32),
    Wanted(bool),
}

/// How many bytes one entry of a list of tokens takes at most, and everything around the lists.
const ENTRY: u64 = 512;
const AROUND: u64 = 1 << 20;

/// How many bytes a reply may have at all.
const LARGEST: u64 = 1 << 28;

impl<'a> Request<'a> {
    pub fn new(model: &'a str, question: &Question<'a>, wanted: &Wanted) -> Self {
        let sampling = wanted.sampling;
        let (prompt, messages, logprobs, top_logprobs) = match question.asked {
            Asked::Text(text) => (Some(text), None, Logprobs::Count(wanted.top), None),
            Asked::Messages(all) => (None, Some(all), Logprobs::Wanted(true), Some(wanted.top)),
        };
        Self {
            model,
            prompt,
            messages,
            n: 1,
            max_tokens: sampling.max_new_tokens,
            temperature: if sampling.greedy { 0.0 } else { sampling.temperature },
            top_p: Some(sampling.top_p).filter(|&p| messages.is_none() || p != 1.0),
            seed: seed(sampling.seed, question),
            logprobs,
            top_logprobs,
            return_tokens_as_token_ids: true,
            add_special_tokens: false,
            top_k: 0,
            min_p: 0.0,
            repeat_penalty: 1.0,
            repetition_penalty: 1.0,
        }
    }

    /// Where it is sent.
    pub fn path(&self) -> &'static str {
        if self.messages.is_some() { "/v1/chat/completions" } else { "/v1/completions" }
    }

    /// How many bytes the reply may have.
    pub fn largest_reply(&self) -> u64 {
        let positions = u64::try_from(self.max_tokens).unwrap_or(u64::MAX);
        let top = match self.logprobs {
            Logprobs::Count(top) => top,
            Logprobs::Wanted(_) => self.top_logprobs.unwrap_or(0),
        };
        let entries = positions.saturating_mul(u64::from(top) + 2);
        entries.saturating_mul(ENTRY).saturating_add(AROUND).min(LARGEST)
    }
}

/// A seed of its own for each response: below 2³¹, as some servers take no larger one and mean a
/// random one by 2³² − 1.
fn seed(seed: u64, question: &Question) -> u32 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(question.prompt.number.to_le_bytes());
    hash.update(question.response.to_le_bytes());
    let first = hash.finalize().iter().take(4).fold(0, |seed, &byte| seed << 8 | u32::from(byte));
    first >> 1
}
