//! [`read`]: what a language model says after every prefix that a few likely tokens lead to.

use crate::{BridgeError, Row};
use llm::predict::next_logits;
use llm::{Cache, LlmError, Model, Padding, Tokens};
use operators::{Discount, Shift, TopP};
use rayon::prelude::*;
use std::ops::ControlFlow;

/// Which part of a language model is laid out, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carving {
    /// D: how many tokens after the prompt the model is followed. At least 1.
    pub depth: usize,
    /// K: how many tokens of each state are followed, the most likely ones. At least 1.
    pub top: usize,
    /// The mass of the candidate sets.
    pub p: TopP,
    /// γ.
    pub gamma: Discount,
    /// What is taken from logits to make them Q-values. It shapes rewards and changes no policy, no
    /// candidate set and no gap.
    pub shift: Shift,
    /// How many prefixes go through the model at once. At least 1.
    pub batch: usize,
}

/// The most prefixes of one reading.
const MOST_PREFIXES: usize = 1_000_000;

impl Carving {
    /// How many prefixes there are at most: 1 + K + … + K^{D−1}.
    ///
    /// # Errors
    /// [`BridgeError::Nothing`], [`BridgeError::TooManyPrefixes`].
    pub fn prefixes(&self) -> Result<usize, BridgeError> {
        let Self { depth, top, batch, .. } = *self;
        for (what, size) in [("depth", depth), ("number of tokens a state", top), ("batch", batch)]
        {
            if size == 0 {
                return Err(BridgeError::Nothing { what });
            }
        }
        let mut prefixes = 0_u128;
        let mut level = 1_u128;
        for _ in 0..depth {
            prefixes = prefixes.saturating_add(level);
            level = level.saturating_mul(top as u128);
        }
        usize::try_from(prefixes)
            .ok()
            .filter(|&all| all <= MOST_PREFIXES)
            .ok_or(BridgeError::TooManyPrefixes { depth, top, prefixes, most: MOST_PREFIXES })
    }
}

/// What a model says after a prompt and after the prefixes that follow it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The tokens of each prefix, without the prompt: the empty one first, then by length and by
    /// the numbers of their tokens.
    pub prefixes: Vec<Vec<u32>>,
    /// What the model says after each.
    pub rows: Vec<Row>,
    /// The tokens that end a response.
    pub ends: Vec<u32>,
    /// The size of the vocabulary.
    pub vocabulary: usize,
}

/// Reads the model after `prompt` and after all prefixes of fewer than D tokens that lead on
/// through the K most likely ones; a token of `ends` leads nowhere.
///
/// `watch` is told how many prefixes were read each time, and may ask for an end.
///
/// # Errors
/// [`LlmError::Stopped`] when `watch` breaks; those of [`Carving::prefixes`], of
/// [`next_logits`] and of [`Row::new`].
pub fn read(
    model: &Model,
    prompt: &[u32],
    ends: &[u32],
    carving: &Carving,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Reading, BridgeError> {
    carving.prefixes()?;
    let look = |prefix: &[u32], logits: &[f64]| {
        let row = Row::new(logits, carving)?;
        let goes_on = prefix.len() + 1 < carving.depth;
        let ahead = row.followed().filter(|token| goes_on && !ends.contains(token)).collect();
        Ok((row, ahead))
    };
    let found = follow(model, prompt, carving.batch, &look, watch)?;
    let (prefixes, rows) = found.into_iter().unzip();
    let vocabulary = model.choices();
    Ok(Reading { prefixes, rows, ends: ends.to_vec(), vocabulary })
}

/// What is kept of the logits after a prefix, and the tokens with which the prefix goes on.
type Look<'a, R> = dyn Fn(&[u32], &[f64]) -> Result<(R, Vec<u32>), BridgeError> + Sync + 'a;

/// Looks at the logits after `prompt` and after every prefix that `look` leads to, and returns what
/// it keeps, by length and then by the numbers of the tokens.
///
/// Each prefix costs one token: what the model remembers of a prefix serves all that continue it.
pub(crate) fn follow<R: Send>(
    model: &Model,
    prompt: &[u32],
    batch: usize,
    look: &Look<'_, R>,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Vec<(Vec<u32>, R)>, BridgeError> {
    let mut cache = Cache::new();
    let tokens = Tokens::padded(&[prompt], Padding::Right)?;
    let logits = next_logits(model, &tokens, Some(&mut cache))?;
    let mut reader = Reader { model, batch, look, watch, found: Vec::new() };
    reader.settle(vec![Vec::new()], &logits, &cache)?;
    let mut found = reader.found;
    found.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    Ok(found)
}

struct Reader<'a, R> {
    model: &'a Model,
    batch: usize,
    look: &'a Look<'a, R>,
    watch: &'a mut dyn FnMut(usize) -> ControlFlow<()>,
    found: Vec<(Vec<u32>, R)>,
}

impl<R: Send> Reader<'_, R> {
    /// Keeps what the model says after `prefixes`, which `cache` remembers, and reads what follows.
    fn settle(
        &mut self,
        prefixes: Vec<Vec<u32>>,
        logits: &[Vec<f64>],
        cache: &Cache,
    ) -> Result<(), BridgeError> {
        let both = prefixes.par_iter().zip(logits);
        let seen: Vec<(R, Vec<u32>)> =
            both.map(|(prefix, logits)| (self.look)(prefix, logits)).collect::<Result<_, _>>()?;
        if (self.watch)(seen.len()).is_break() {
            return Err(LlmError::Stopped.into());
        }
        let mut ahead = Vec::new();
        for (parent, (prefix, (kept, tokens))) in prefixes.into_iter().zip(seen).enumerate() {
            ahead.extend(tokens.iter().map(|&token| (parent, [&prefix[..], &[token]].concat())));
            self.found.push((prefix, kept));
        }
        ahead.chunks(self.batch).try_for_each(|part| self.go_on(part, cache))
    }

    /// Reads prefixes of one length, each a token longer than the one of its number in `cache`.
    fn go_on(&mut self, part: &[(usize, Vec<u32>)], cache: &Cache) -> Result<(), BridgeError> {
        let (parents, prefixes): (Vec<usize>, Vec<Vec<u32>>) = part.iter().cloned().unzip();
        let mut cache = cache.clone();
        cache.select(&parents)?;
        let last: Vec<&[u32]> = prefixes.iter().map(|prefix| &prefix[prefix.len() - 1..]).collect();
        let tokens = Tokens::padded(&last, Padding::Right)?;
        let logits = next_logits(self.model, &tokens, Some(&mut cache))?;
        self.settle(prefixes, &logits, &cache)
    }
}
