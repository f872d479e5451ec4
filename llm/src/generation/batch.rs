//! [`generate`]: a batch of responses, one token each at a time.

use super::choice::Source;
use super::policy::{Alone, Policy};
use super::{Choice, Job, Response, Sampled, Sampling};
use crate::{LlmError, Model, Padding, Tokens};
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::ControlFlow;

/// A response that is not finished.
struct Open {
    job: usize,
    source: Source,
    /// How many tokens it may still get.
    room: usize,
    token: u32,
}

/// The responses to all of `jobs`, computed as one batch; a response that is finished leaves it.
/// Each prompt is read once, however many responses it gets.
///
/// A response ends with one of the tokens `ends`, or when it has `max_new_tokens` or the model has
/// no position left. Each token is told to `watch` as it comes; it may ask to stop.
///
/// # Errors
/// Those of [`Choice::new`]; [`LlmError::NoTokens`] when there is no job or an empty prompt;
/// [`LlmError::TooLong`] when a prompt leaves no position for a response;
/// [`LlmError::Stopped`] when `watch` breaks; those of [`Model::hidden`] and [`Choice::take`].
pub fn generate(
    model: &Model,
    jobs: &[Job],
    ends: &[u32],
    sampling: &Sampling,
    watch: &mut dyn FnMut(Sampled) -> ControlFlow<()>,
) -> Result<Vec<Response>, LlmError> {
    draw(&mut Alone::new(model), jobs, ends, sampling, watch)
}

/// [`generate`] from any policy.
pub(super) fn draw(
    policy: &mut dyn Policy,
    jobs: &[Job],
    ends: &[u32],
    sampling: &Sampling,
    watch: &mut dyn FnMut(Sampled) -> ControlFlow<()>,
) -> Result<Vec<Response>, LlmError> {
    let choice = Choice::new(sampling)?;
    let (prompts, of_job) = distinct(jobs);
    let mut tokens = Tokens::padded(&prompts, Padding::Left)?;
    let positions = policy.positions();
    if tokens.time() >= positions {
        return Err(LlmError::TooLong { needed: tokens.time() + 1, positions });
    }
    let open = |(job, Job { prompt, stream }): (usize, &Job)| Open {
        job,
        source: Source::new(sampling.seed, *stream),
        room: sampling.max_new_tokens.min(positions - prompt.len()),
        token: 0,
    };
    let mut open: Vec<Open> = jobs.iter().enumerate().map(open).collect();
    let mut responses = vec![Response { tokens: Vec::new(), ended: false }; jobs.len()];
    if sampling.max_new_tokens == 0 {
        return Ok(responses);
    }
    let mut rows = Some(of_job);
    loop {
        let logits = policy.logits(&tokens, rows.take().as_deref())?;
        open.par_iter_mut().zip(logits).try_for_each(|(row, logits)| {
            row.token = choice.take(&logits, row.source.uniform())?;
            Ok::<(), LlmError>(())
        })?;
        let mut going = Vec::with_capacity(open.len());
        for (row, Open { job, room, token, .. }) in open.iter_mut().enumerate() {
            let response = &mut responses[*job];
            response.tokens.push(*token);
            response.ended = ends.contains(token);
            *room -= 1;
            let last = response.ended || *room == 0;
            if !last {
                going.push(row);
            }
            if watch(Sampled { job: *job, token: *token, last }).is_break() {
                return Err(LlmError::Stopped);
            }
        }
        if going.is_empty() {
            return Ok(responses);
        }
        if going.len() < open.len() {
            policy.select(&going)?;
            let kept = open.into_iter().enumerate().filter(|(row, _)| going.contains(row));
            open = kept.map(|(_, row)| row).collect();
        }
        let last: Vec<[u32; 1]> = open.iter().map(|row| [row.token]).collect();
        tokens = Tokens::padded(&last, Padding::Left)?;
    }
}

/// The prompts, each once, and which of them each job has: what the model makes of a prompt is the
/// same for all responses to it.
fn distinct<'a>(jobs: &[Job<'a>]) -> (Vec<&'a [u32]>, Vec<usize>) {
    let mut prompts: Vec<&[u32]> = Vec::new();
    let mut places = HashMap::new();
    let place = |job: &Job<'a>| {
        *places.entry(job.prompt).or_insert_with(|| {
            prompts.push(job.prompt);
            prompts.len() - 1
        })
    };
    let of_job = jobs.iter().map(place).collect();
    (prompts, of_job)
}
