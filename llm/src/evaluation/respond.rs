//! [`respond`]: the texts of a model's responses to a set of prompts.

use crate::generation::{Job, Sampling, Stream, generate};
use crate::teacher::Prompt;
use crate::text::Tokenizer;
use crate::{LlmError, Model};
use ranks::{Ranks, RanksError};
use std::ops::ControlFlow;

/// How responses are made.
#[derive(Debug, Clone, Copy)]
pub struct Respond<'a> {
    /// Who responds.
    pub model: &'a Model,
    /// The tokenizer of its texts.
    pub tokenizer: &'a Tokenizer,
    /// The tokens that end a response.
    pub ends: &'a [u32],
    /// How tokens are drawn.
    pub sampling: &'a Sampling,
    /// Responses computed at once, on which roundings depend; at least 1.
    pub batch: usize,
}

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
    Respond { model, tokenizer, ends, sampling, batch }.over(&Ranks::alone(), prompts, watch)
}

impl Respond<'_> {
    /// The same, by several ranks: batches are those of one rank, and so are the texts. Where any
    /// rank is asked to stop, all do. Collective.
    ///
    /// # Errors
    /// Those of [`respond`]; [`LlmError::Ranks`].
    pub fn over(
        &self,
        ranks: &Ranks,
        prompts: &[Prompt],
        watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Vec<String>, LlmError> {
        let mut order: Vec<usize> = (0..prompts.len()).collect();
        order.sort_by_key(|&i| prompts[i].tokens.len());
        let batches: Vec<&[usize]> = order.chunks(self.batch.max(1)).collect();
        let mut mine = Vec::new();
        let mut work = || {
            for i in ranks.share(batches.len()) {
                let there = i * self.batch.max(1);
                mine.extend(self.texts(prompts, batches[i], &mut || watch(there))?);
            }
            Ok(())
        };
        let mine = match work() {
            Err(LlmError::Stopped) => None,
            worked => worked.map(|()| Some(mine))?,
        };
        let mut texts = vec![String::new(); prompts.len()];
        for (rank, part) in ranks.gather(&mine)?.into_iter().enumerate() {
            for (place, text) in part.ok_or(LlmError::Stopped)? {
                *texts.get_mut(place).ok_or(RanksError::Unlike { rank })? = text;
            }
        }
        Ok(texts)
    }

    /// The texts of one batch, with their places.
    fn texts(
        &self,
        prompts: &[Prompt],
        places: &[usize],
        watch: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Vec<(usize, String)>, LlmError> {
        let Self { model, tokenizer, ends, sampling, .. } = *self;
        let job = |&place: &usize| Job {
            prompt: &prompts[place].tokens,
            stream: Stream { prompt: prompts[place].number.into(), response: 0 },
        };
        let jobs: Vec<Job> = places.iter().map(job).collect();
        let responses = generate(model, &jobs, ends, sampling, &mut |_| watch())?;
        let texts = responses.iter().map(|response| tokenizer.decode(&response.tokens));
        places.iter().zip(texts).map(|(&place, text)| Ok((place, text?))).collect()
    }
}
