//! [`Choice`]: the rule that takes one token from the logits of a position.

use super::{Sampling, Stream};
use crate::LlmError;
use crate::nucleus::nucleus;
use operators::{OperatorError, TopP};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How one token is chosen, checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice {
    /// The most likely token, the lower id among equals.
    Greedy,
    /// A draw from the nucleus.
    Draw {
        /// What logits are divided by, positive and finite.
        temperature: f64,
        /// The mass of the nucleus.
        top_p: TopP,
    },
}

impl Choice {
    /// The rule that `sampling` asks for.
    ///
    /// # Errors
    /// [`LlmError::Temperature`] unless the temperature is positive and finite;
    /// [`OperatorError::TopP`] unless 0 < p ≤ 1. A greedy choice needs neither.
    pub fn new(sampling: &Sampling) -> Result<Self, LlmError> {
        let (value, top_p) = (sampling.temperature, sampling.top_p);
        if sampling.greedy {
            return Ok(Self::Greedy);
        }
        if !(value > 0.0 && value.is_finite()) {
            return Err(LlmError::Temperature { value });
        }
        Ok(Self::Draw { temperature: value, top_p: TopP::new(top_p)? })
    }

    /// The token for logits z [V], with `uniform` ∈ [0, 1): the first, by id, whose share of the
    /// nucleus with those before it exceeds `uniform`.
    ///
    /// All in f64 and in the order of the ids, so that the same logits give the same token.
    ///
    /// # Errors
    /// [`OperatorError::NotFinite`] when a logit is no finite number.
    pub fn take(&self, z: &[f64], uniform: f64) -> Result<u32, LlmError> {
        if let Some(slot) = z.iter().position(|x| !x.is_finite()) {
            return Err(OperatorError::NotFinite { row: 0, slot, value: z[slot] }.into());
        }
        let best = (0..z.len()).reduce(|best, i| if z[i] > z[best] { i } else { best });
        let best = best.ok_or(OperatorError::EmptyRow { row: 0 })?;
        let Self::Draw { temperature, top_p } = *self else { return Ok(best as u32) };
        // Finite however small the temperature: what lies so far below has no weight.
        let q: Vec<f64> = z.iter().map(|x| ((x - z[best]) / temperature).max(f64::MIN)).collect();
        let weights: Vec<f64> = q.iter().map(|x| x.exp()).collect();
        let drawn = if top_p.get() == 1.0 {
            draw(0..z.len(), &weights, uniform)
        } else {
            let mut kept = nucleus(&q, top_p)?.actions;
            kept.sort_unstable();
            draw(kept.into_iter(), &weights, uniform)
        };
        // The best weighs 1: there is always a token with weight.
        Ok(drawn.unwrap_or(best) as u32)
    }
}

/// The first of `slots` at which the running sum of weights exceeds `uniform` of their sum.
fn draw(
    slots: impl Iterator<Item = usize> + Clone,
    weights: &[f64],
    uniform: f64,
) -> Option<usize> {
    let total: f64 = slots.clone().map(|i| weights[i]).sum();
    let (target, mut sum, mut last) = (uniform * total, 0.0, None);
    // The same sum in the same order ends at the total; a product that rounds up to it ends at
    // the last token with weight.
    for slot in slots.filter(|&i| weights[i] > 0.0) {
        sum += weights[slot];
        last = Some(slot);
        if sum > target {
            break;
        }
    }
    last
}

/// A source of randomness that seed and stream name.
#[derive(Debug, Clone)]
pub(super) struct Source(ChaCha20Rng);

impl Source {
    /// Sources of different seeds or streams have different keys.
    pub(super) fn new(seed: u64, stream: Stream) -> Self {
        let mut key = [0; 32];
        let parts = [seed, stream.prompt, stream.response];
        for (bytes, part) in key.chunks_exact_mut(8).zip(parts) {
            bytes.copy_from_slice(&part.to_le_bytes());
        }
        Self(ChaCha20Rng::from_seed(key))
    }

    /// A multiple of 2⁻⁵³ in [0, 1).
    pub(super) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}
