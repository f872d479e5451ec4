//! [`Answers`]: a model on this machine that answers prompts, as rows of a cache.

use super::{Exchange, Prompt, Row, score};
use crate::generation::{Job, Response, Sampling, Stream, generate};
use crate::{LlmError, Model};
use operators::TopP;
use std::ops::ControlFlow;

/// How a model answers prompts.
#[derive(Debug, Clone, Copy)]
pub struct Answers<'a> {
    /// The model.
    pub model: &'a Model,
    /// The tokens that end a response.
    pub ends: &'a [u32],
    /// The mass of the candidate sets.
    pub p: TopP,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Responses to each prompt.
    pub responses: u32,
    /// Responses computed at once, on which roundings depend; at least 1.
    pub batch: usize,
}

impl Answers<'_> {
    /// All responses to the prompts of one part, with their scores, in order; batches do not reach
    /// over its end. `stop` is asked after each token.
    ///
    /// # Errors
    /// [`LlmError::Stopped`] when `stop` says so; those of [`generate`] and [`score`].
    pub fn rows(&self, part: &[Prompt], stop: &dyn Fn() -> bool) -> Result<Vec<Row>, LlmError> {
        let numbered = |prompt| (0..self.responses).map(move |response| (prompt, response));
        let wanted: Vec<(&Prompt, u32)> = part.iter().flat_map(numbered).collect();
        let mut rows = Vec::with_capacity(wanted.len());
        for batch in wanted.chunks(self.batch.max(1)) {
            rows.extend(self.batch(batch, stop)?);
        }
        Ok(rows)
    }

    /// Responses that are computed at once.
    fn batch(
        &self,
        batch: &[(&Prompt, u32)],
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Row>, LlmError> {
        let stream = |prompt: &Prompt, response: u32| Stream {
            prompt: prompt.number.into(),
            response: response.into(),
        };
        let jobs: Vec<Job> = batch
            .iter()
            .map(|(prompt, i)| Job { prompt: &prompt.tokens, stream: stream(prompt, *i) })
            .collect();
        let responses = generate(self.model, &jobs, self.ends, &self.sampling, &mut |_| {
            if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let exchange = |(job, response): (&Job, &Response)| Exchange {
            prompt: job.prompt.to_vec(),
            response: response.tokens.clone(),
        };
        let exchanges: Vec<Exchange> = jobs.iter().zip(&responses).map(exchange).collect();
        let scores = score(self.model, &exchanges, self.p)?;
        let row = |((&(prompt, response), answer), scores): ((&(&Prompt, u32), Response), _)| Row {
            prompt: prompt.number,
            response,
            prompt_tokens: prompt.tokens.clone(),
            response_tokens: answer.tokens,
            ended: answer.ended,
            scores,
        };
        Ok(batch.iter().zip(responses).zip(scores).map(row).collect())
    }
}
