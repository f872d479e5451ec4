//! [`Request`]: what a server is asked.

use super::{Question, Wanted};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The body of `POST /v1/completions`. What a server does not know it passes over.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    prompt: &'a str,
    n: u32,
    max_tokens: usize,
    temperature: f64,
    top_p: f64,
    seed: u32,
    logprobs: u32,
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

/// How many bytes one entry of a list of tokens takes at most, and everything around the lists.
const ENTRY: u64 = 512;
const AROUND: u64 = 1 << 20;

/// How many bytes a reply may have at all.
const LARGEST: u64 = 1 << 28;

impl<'a> Request<'a> {
    pub fn new(model: &'a str, question: &Question<'a>, wanted: &Wanted) -> Self {
        let sampling = wanted.sampling;
        Self {
            model,
            prompt: question.text,
            n: 1,
            max_tokens: sampling.max_new_tokens,
            temperature: if sampling.greedy { 0.0 } else { sampling.temperature },
            top_p: sampling.top_p,
            seed: seed(sampling.seed, question),
            logprobs: wanted.top,
            return_tokens_as_token_ids: true,
            add_special_tokens: false,
            top_k: 0,
            min_p: 0.0,
            repeat_penalty: 1.0,
            repetition_penalty: 1.0,
        }
    }

    /// How many bytes the reply may have.
    pub fn largest_reply(&self) -> u64 {
        let positions = u64::try_from(self.max_tokens).unwrap_or(u64::MAX);
        let entries = positions.saturating_mul(u64::from(self.logprobs) + 2);
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
