//! What a model expects next: the most likely tokens with their log-probabilities.

use crate::{Cache, LlmError, Model, Tensors, Tokens};
use candle_core::{DType, Device, Tensor};
use operators::{RowLayout, log_policy};
use std::cmp::Ordering;

/// A token with its log-probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likely {
    /// The token.
    pub id: u32,
    /// The logarithm of its probability.
    pub log_probability: f64,
}

/// How many positions have their logits in memory at once.
const CHUNK: usize = 64;

/// The `top` most likely tokens after each position of one sequence from `from` on, the most
/// likely first, ties by the lower id.
///
/// # Errors
/// [`LlmError::Length`] when `tokens` is more than one sequence; those of [`Model::hidden`].
pub fn most_likely(
    model: &Model,
    tokens: &Tokens,
    from: usize,
    top: usize,
) -> Result<Vec<Vec<Likely>>, LlmError> {
    if tokens.batch() != 1 {
        let found = tokens.batch();
        return Err(LlmError::Length { what: "the batch", found, expected: 1 });
    }
    let hidden_te = model.hidden(tokens, None)?.squeeze(0)?;
    let mut positions = Vec::new();
    for start in (from..tokens.time()).step_by(CHUNK) {
        let rows = CHUNK.min(tokens.time() - start);
        let logits_tv = model.logits(&hidden_te.narrow(0, start, rows)?.contiguous()?)?;
        positions.extend(ranked(&logits_tv, top)?);
    }
    Ok(positions)
}

/// The logits of the token after each sequence, over the whole vocabulary, as doubles; with a cache,
/// after what it holds and the new tokens, which it then holds too.
///
/// The last column counts: sequences are of one length, or padded on the left.
///
/// # Errors
/// Those of [`Model::hidden`].
pub fn next_logits(
    model: &Model,
    tokens: &Tokens,
    cache: Option<&mut Cache>,
) -> Result<Vec<Vec<f64>>, LlmError> {
    let last_be = model.hidden(tokens, cache)?.narrow(1, tokens.time() - 1, 1)?.squeeze(1)?;
    // Not every device has doubles.
    let logits_bv = model.logits(&last_be.contiguous()?)?.to_device(&Device::Cpu)?;
    Ok(logits_bv.to_dtype(DType::F64)?.to_vec2()?)
}

/// The most likely tokens of each row of logits [rows, V].
fn ranked(logits_tv: &Tensor, top: usize) -> Result<Vec<Vec<Likely>>, LlmError> {
    let (rows, vocabulary) = logits_tv.dims2()?;
    let layout = RowLayout::uniform(rows, vocabulary)?;
    // Types below f32 are ranked in f32.
    let dtype = if logits_tv.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let n = Tensors::new(&layout, dtype, logits_tv.device())?;
    let log = log_policy(&n, &n.cells_of(logits_tv)?, &n.full())?;
    let values = n.read_cells(&log.0)?;
    let of_row = |row: &[f64]| {
        let ids = row.iter().zip(0..);
        let mut all: Vec<Likely> =
            ids.map(|(&log_probability, id)| Likely { id, log_probability }).collect();
        let falling = |a: &Likely, b: &Likely| {
            let by_size = b.log_probability.partial_cmp(&a.log_probability);
            by_size.unwrap_or(Ordering::Equal).then(a.id.cmp(&b.id))
        };
        if top < all.len() {
            all.select_nth_unstable_by(top, falling);
            all.truncate(top);
        }
        all.sort_by(falling);
        all
    };
    Ok(values.chunks(vocabulary).map(of_row).collect())
}
