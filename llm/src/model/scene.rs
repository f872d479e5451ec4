//! What every block needs to know of a call: which positions see which.

use super::rotary::Rotary;
use super::tokens::Tokens;
use crate::LlmError;
use crate::config::{ModelConfig, Positions};
use candle_core::{DType, Device, Tensor};

/// Positions, and who sees whom.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) batch: usize,
    pub(super) time: usize,
    /// The place of each token among the tokens of its sequence, [B, T]; 0 on padding before it.
    pub(super) positions: Vec<u32>,
    /// 0 where a position sees another, far below every score where it does not; the same for all
    /// sequences, [1, 1, T, S], where none has padding.
    pub(super) bias_b1ts: Tensor,
    pub(super) rotary: Option<Rotary>,
}

impl Scene {
    /// The scene of new `tokens` after those of a cache, whose flags `past` says what is padding.
    pub(super) fn new(
        config: &ModelConfig,
        tokens: &Tokens,
        past: &[Vec<bool>],
        dtype: DType,
        device: &Device,
    ) -> Result<Self, LlmError> {
        let theta = match config.positions {
            Positions::Learned { .. } => None,
            Positions::Rotary { theta } => Some(theta),
        };
        Self::of(theta, config.head_width, tokens, past, dtype, device)
    }

    /// The same by the angle of rotary positions, if there are such, and the width of a head.
    pub(super) fn of(
        theta: Option<f64>,
        head_width: usize,
        tokens: &Tokens,
        past: &[Vec<bool>],
        dtype: DType,
        device: &Device,
    ) -> Result<Self, LlmError> {
        let (batch, time) = (tokens.batch(), tokens.time());
        let seen = past.first().map_or(0, Vec::len);
        let hidden = match dtype {
            // The lowest f16 would overflow with a score added.
            DType::F16 => -6e4f32,
            _ => -1e30,
        };
        let all_real = tokens.real().iter().chain(past.iter().flatten()).all(|real| *real);
        // Without padding all sequences see alike.
        let distinct = if all_real { 1 } else { batch };
        let mut bias = Vec::with_capacity(distinct * time * (seen + time));
        let mut positions = Vec::with_capacity(batch * time);
        for (b, new) in tokens.real().chunks(time).enumerate() {
            let old = past.get(b).map_or(&[][..], Vec::as_slice);
            let mut count = old.iter().filter(|real| **real).count() as u32;
            for (t, &real) in new.iter().enumerate() {
                positions.push(count.saturating_sub(u32::from(!real)));
                count += u32::from(real);
                if b >= distinct {
                    continue;
                }
                let sees = old.iter().chain(&new[..t]).copied();
                // A position sees itself, so that padding has something to see.
                bias.extend(sees.chain([true]).map(|sees| if sees { 0.0 } else { hidden }));
                bias.extend(std::iter::repeat_n(hidden, time - t - 1));
            }
        }
        let shape = (distinct, 1, time, seen + time);
        let bias_b1ts = Tensor::from_vec(bias, shape, device)?.to_dtype(dtype)?;
        let rotary = theta.map(|theta| {
            Rotary::new(&positions, (batch, time), (theta, head_width), dtype, device)
        });
        let rotary = rotary.transpose()?;
        Ok(Self { batch, time, positions, bias_b1ts, rotary })
    }
}
