//! [`Cache`]: keys and values of positions that were seen, so that they need not be computed again.

use crate::LlmError;
use candle_core::Tensor;

/// Keys and values of one layer.
#[derive(Debug, Default)]
pub(super) struct Layer(Option<Kept>);

/// Keys and values [B, G, S + spare, D], of which the first S positions are filled.
#[derive(Debug)]
struct Kept {
    keys: Tensor,
    values: Tensor,
    time: usize,
    /// The positions after the first S that nobody else reads or writes.
    spare: usize,
}

impl Clone for Layer {
    /// What is filled is shared; what is spare stays with the original, so that neither of two
    /// continuations writes into the other.
    fn clone(&self) -> Self {
        let shared = |kept: &Kept| Kept {
            keys: kept.keys.clone(),
            values: kept.values.clone(),
            time: kept.time,
            spare: 0,
        };
        Self(self.0.as_ref().map(shared))
    }
}

impl Kept {
    /// What is filled, [B, G, S, D].
    fn filled(&self) -> candle_core::Result<(Tensor, Tensor)> {
        Ok((self.keys.narrow(2, 0, self.time)?, self.values.narrow(2, 0, self.time)?))
    }

    /// The same with room for at least as many positions again, and for `more`.
    fn grown(&self, more: usize) -> candle_core::Result<Self> {
        let spare = self.time.max(more);
        let (keys, values) = self.filled()?;
        let roomy = |filled: &Tensor| {
            let (b, g, time, d) = filled.dims4()?;
            let all = Tensor::zeros((b, g, time + spare, d), filled.dtype(), filled.device())?;
            all.slice_set(&filled.contiguous()?, 2, 0)?;
            candle_core::Result::Ok(all)
        };
        Ok(Self { keys: roomy(&keys)?, values: roomy(&values)?, time: self.time, spare })
    }

    /// Writes T ≤ spare positions.
    fn write(&mut self, key: &Tensor, value: &Tensor) -> candle_core::Result<()> {
        let new = key.dim(2)?;
        self.keys.slice_set(&key.contiguous()?, 2, self.time)?;
        self.values.slice_set(&value.contiguous()?, 2, self.time)?;
        self.time += new;
        self.spare -= new;
        Ok(())
    }
}

impl Layer {
    /// Adds T positions [B, G, T, D] and returns all S. What is kept carries no gradient.
    ///
    /// Without gradients they are written in place, where room is doubled when it runs out.
    pub(super) fn append(
        &mut self,
        key: Tensor,
        value: Tensor,
    ) -> candle_core::Result<(Tensor, Tensor)> {
        let new = key.dim(2)?;
        let (key, value) = match self.0.take() {
            None => (key, value),
            Some(kept) if key.track_op() || value.track_op() => {
                let (keys, values) = kept.filled()?;
                (Tensor::cat(&[&keys, &key], 2)?, Tensor::cat(&[&values, &value], 2)?)
            }
            Some(kept) => {
                let mut kept = if kept.spare < new { kept.grown(new)? } else { kept };
                kept.write(&key, &value)?;
                let all = kept.filled();
                self.0 = Some(kept);
                return all;
            }
        };
        let (keys, values, time) = (key.detach(), value.detach(), key.dim(2)?);
        self.0 = Some(Kept { keys, values, time, spare: 0 });
        Ok((key, value))
    }

    /// Keeps these sequences, in this order.
    fn select(&mut self, sequences: &Tensor) -> candle_core::Result<()> {
        if let Some(kept) = &mut self.0 {
            kept.keys = kept.keys.index_select(sequences, 0)?;
            kept.values = kept.values.index_select(sequences, 0)?;
        }
        Ok(())
    }
}

/// What a model remembers of a batch of sequences.
///
/// Made empty; each call of [`super::Model::hidden`] with it adds the positions of that call. It
/// belongs to one model and to as many sequences as the first call had.
#[derive(Debug, Clone, Default)]
pub struct Cache {
    pub(super) layers: Vec<Layer>,
    /// Whether each cached position is a token, per sequence.
    pub(super) real: Vec<Vec<bool>>,
}

impl Cache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of positions seen, padding included.
    pub fn time(&self) -> usize {
        self.real.first().map_or(0, Vec::len)
    }

    /// Keeps only `sequences` of the batch, in this order: those that go on.
    ///
    /// # Errors
    /// [`LlmError::NoTokens`] when none is left, [`LlmError::Length`] when one is not in the
    /// batch, [`LlmError::Tensor`].
    pub fn select(&mut self, sequences: &[usize]) -> Result<(), LlmError> {
        let batch = self.real.len();
        if let Some(&beyond) = sequences.iter().find(|&&i| i >= batch) {
            let found = batch;
            return Err(LlmError::Length { what: "the cached batch", found, expected: beyond + 1 });
        }
        if sequences.is_empty() {
            return Err(LlmError::NoTokens);
        }
        self.real = sequences.iter().map(|&i| self.real[i].clone()).collect();
        let ids: Vec<u32> = sequences.iter().map(|&i| i as u32).collect();
        for layer in &mut self.layers {
            let Some(kept) = &layer.0 else { continue };
            layer.select(&Tensor::from_slice(&ids, ids.len(), kept.keys.device())?)?;
        }
        Ok(())
    }
}
