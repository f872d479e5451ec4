//! [`respond`]: the texts of a model's responses to a set of prompts.

use crate::generation::{Job, Sampling, Stream, generate};
use crate::teacher::Prompt;
use crate::text::Tokenizer;
use crate::{LlmError, Model};
use std::ops::ControlFlow;

/// One response to each prompt, in their order, computed `batch` at a time.
///
/// Prompts of similar length share a batch; each response has a source of randomness of its own.
/// `watch` hears how many are there, and may ask to stop.
///
/// # Errors
/// Those of [`generate`] and of [`Tokenizer::decode`].
pub fn respond(
    model: &Model,
    tokenizer: &Tokenizer,
    prompts: &[Prompt],
    ends: &[u32],
    sampling: &Sampling,
    batch: usize,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Vec<String>, LlmError> {
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&i| prompts[i].tokens.len());
    let mut texts = vec![String::new(); prompts.len()];
    let mut there = 0;
    for places in order.chunks(batch.max(1)) {
        let job = |&place: &usize| Job {
            prompt: &prompts[place].tokens,
            stream: Stream { prompt: prompts[place].number.into(), response: 0 },
        };
        let jobs: Vec<Job> = places.iter().map(job).collect();
        let responses = generate(model, &jobs, ends, sampling, &mut |_| watch(there))?;
        there += places.len();
        for (&place, response) in places.iter().zip(responses) {
            texts[place] = tokenizer.decode(&response.tokens)?;
        }
    }
    Ok(texts)
}
