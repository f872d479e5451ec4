//! How likely a teacher finds responses: one forward pass.

use crate::flat::lend;
use crate::nucleus::nucleus_of_f32;
use crate::{LlmError, Model, Padding, Tokens};
use candle_core::{DType, Device, Tensor};
use operators::TopP;
use rayon::prelude::*;

/// A prompt with a response, as tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked; at least one token.
    pub prompt: Vec<u32>,
    /// What was answered, the end-of-sequence token included where there is one.
    pub response: Vec<u32>,
}

/// What a teacher thinks of each position of a response.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// log π of the token that stands there, over the whole vocabulary.
    pub chosen: Vec<f32>,
    /// The mass that the candidate set carries: at least p, up to rounding.
    pub mass: Vec<f32>,
    /// The size of the candidate set.
    pub sizes: Vec<u32>,
    /// The tokens of the sets, one set after the other, each with the most likely first, ties by
    /// the lower id.
    pub candidates: Vec<u32>,
    /// log π of each of them, over the whole vocabulary.
    pub log_probabilities: Vec<f32>,
}

impl Scores {
    /// The number of positions.
    pub fn positions(&self) -> usize {
        self.sizes.len()
    }

    /// The cells of each position in `candidates` and `log_probabilities`.
    pub fn sets(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.sizes.iter().scan(0, |end, &size| {
            let start = *end;
            *end += size as usize;
            Some(start..*end)
        })
    }
}

/// How many positions have their logits in memory at once.
const CHUNK: usize = 512;

/// The candidate sets at `p` of every position of every response, with log-probabilities: one
/// forward pass over all exchanges.
///
/// Sets are those of [`operators::CandidateSets::select`] on the logits, which are those of the
/// model's [`Model::choices`]: rows of a padded embedding are no candidates, and carry no mass.
///
/// # Errors
/// [`LlmError::NoTokens`] without exchanges or with an empty prompt; those of [`Model::hidden`];
/// [`LlmError::UnknownToken`]; [`operators::OperatorError::NotFinite`] when the model computes no
/// numbers, with the position among those of all responses as the row.
pub fn score(model: &Model, exchanges: &[Exchange], p: TopP) -> Result<Vec<Scores>, LlmError> {
    if exchanges.iter().any(|exchange| exchange.prompt.is_empty()) {
        return Err(LlmError::NoTokens);
    }
    let vocabulary = model.choices();
    let unknown = |token: &&u32| **token as usize >= vocabulary;
    if let Some(&token) = exchanges.iter().flat_map(|e| &e.response).find(unknown) {
        return Err(LlmError::UnknownToken { token, vocabulary });
    }
    let whole = |e: &Exchange| [&e.prompt[..], &e.response[..]].concat();
    let sequences: Vec<Vec<u32>> = exchanges.iter().map(whole).collect();
    let tokens = Tokens::padded(&sequences, Padding::Right)?;
    // The token at position t is foretold at t − 1.
    let foretold = |(i, e): (usize, &Exchange)| {
        let before = i * tokens.time() + e.prompt.len() - 1;
        (before..before + e.response.len()).map(|place| place as u32)
    };
    let places: Vec<u32> = exchanges.iter().enumerate().flat_map(foretold).collect();
    let next: Vec<u32> = exchanges.iter().flat_map(|e| e.response.iter().copied()).collect();
    let mut positions = Vec::with_capacity(places.len());
    if !places.is_empty() {
        let hidden_te = model.hidden(&tokens, None)?.flatten_to(1)?;
        let index = Tensor::from_slice(&places, places.len(), hidden_te.device())?;
        let hidden_re = hidden_te.index_select(&index, 0)?;
        for start in (0..places.len()).step_by(CHUNK) {
            let rows = CHUNK.min(places.len() - start);
            let logits_rv = model.logits(&hidden_re.narrow(0, start, rows)?)?;
            positions.extend(chunk(&logits_rv, &next[start..start + rows], p, start)?);
        }
    }
    let mut positions = positions.into_iter();
    let gather = |e: &Exchange| positions.by_ref().take(e.response.len()).collect();
    Ok(exchanges.iter().map(gather).collect())
}

/// One position of a response.
struct Position {
    chosen: f32,
    mass: f32,
    set: Vec<(u32, f32)>,
}

/// The positions whose logits [rows, V] are given.
fn chunk(
    logits_rv: &Tensor,
    next: &[u32],
    p: TopP,
    start: usize,
) -> Result<Vec<Position>, LlmError> {
    let vocabulary = logits_rv.dim(1)?;
    let logits = logits_rv.to_dtype(DType::F32)?.to_device(&Device::Cpu)?.contiguous()?;
    let logits = lend(&logits);
    let position = |(i, (row, &token)): (usize, (&[f32], &u32))| {
        let found = nucleus_of_f32(row, p).map_err(|e| in_row(e, start + i))?;
        let log = |action: usize| (f64::from(row[action]) - found.soft_value) as f32;
        let set = found.actions.iter().map(|&a| (a as u32, log(a))).collect();
        Ok(Position { chosen: log(token as usize), mass: found.mass as f32, set })
    };
    logits.values()?.par_chunks(vocabulary).zip(next).enumerate().map(position).collect()
}

/// The same error, of the row where it happened.
fn in_row(error: LlmError, row: usize) -> LlmError {
    use operators::OperatorError::NotFinite;
    match error {
        LlmError::Operator(NotFinite { slot, value, .. }) => NotFinite { row, slot, value }.into(),
        error => error,
    }
}

impl FromIterator<Position> for Scores {
    fn from_iter<I: IntoIterator<Item = Position>>(positions: I) -> Self {
        let mut scores = Self::default();
        for position in positions {
            scores.chosen.push(position.chosen);
            scores.mass.push(position.mass);
            scores.sizes.push(position.set.len() as u32);
            for (token, log) in position.set {
                scores.candidates.push(token);
                scores.log_probabilities.push(log);
            }
        }
        scores
    }
}
