//! Rotary positions: queries and keys turned by angles that grow with the position.

use super::fused;
use crate::LlmError;
use candle_core::{D, DType, Device, Tensor};

/// Cosines and sines for the positions of a batch.
#[derive(Debug, Clone)]
pub(super) struct Rotary {
    cos_b1td: Tensor,
    sin_b1td: Tensor,
}

impl Rotary {
    /// The angles position · theta^(−2i/width), i < width/2, for positions [B, T].
    pub(super) fn new(
        positions: &[u32],
        (batch, time): (usize, usize),
        (theta, width): (f64, usize),
        dtype: DType,
        device: &Device,
    ) -> Result<Self, LlmError> {
        let half = width / 2;
        // A position is computed once, and only those that occur.
        let mut distinct = positions.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let turns: Vec<f64> =
            (0..half).map(|i| theta.powf(-2.0 * i as f64 / width as f64)).collect();
        let of = |&position: &u32| turns.iter().map(move |turn| f64::from(position) * turn);
        let angles: Vec<f64> = distinct.iter().flat_map(of).collect();
        let count = distinct.len();
        let rows = positions.iter().map(|p| distinct.partition_point(|d| d < p) as u32);
        let positions = Tensor::from_vec(rows.collect(), positions.len(), device)?;
        let table = |f: fn(f64) -> f64| -> candle_core::Result<Tensor> {
            // From f32 on, so that devices without f64 can hold the table.
            let values = Tensor::from_vec(
                angles.iter().map(|&a| f(a)).collect::<Vec<f64>>(),
                (count, half),
                &Device::Cpu,
            )?;
            let values = if dtype == DType::F64 { values } else { values.to_dtype(DType::F32)? };
            let of_batch = values.to_device(device)?.index_select(&positions, 0)?;
            of_batch.reshape((batch, 1, time, half))?.to_dtype(dtype)
        };
        Ok(Self { cos_b1td: table(f64::cos)?, sin_b1td: table(f64::sin)? })
    }

    /// Cosines and sines, [B, 1, T, D/2] each.
    pub(super) fn angles(&self) -> (Tensor, Tensor) {
        (self.cos_b1td.clone(), self.sin_b1td.clone())
    }

    /// Turns the pairs (x_i, x_{i + D/2}). Shapes: [B, heads, T, D] → the same.
    ///
    /// What is given is used up.
    pub(super) fn apply(&self, x: Tensor) -> candle_core::Result<Tensor> {
        if fused::frozen(&[&x, &self.cos_b1td, &self.sin_b1td]) {
            fused::turn(&x, &self.cos_b1td, &self.sin_b1td)?;
            return Ok(x);
        }
        self.definition(&x)
    }

    pub(super) fn definition(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let half = x.dim(D::Minus1)? / 2;
        let (first, second) = (x.narrow(D::Minus1, 0, half)?, x.narrow(D::Minus1, half, half)?);
        let turn = |a: &Tensor, b: &Tensor| -> candle_core::Result<(Tensor, Tensor)> {
            Ok((a.broadcast_mul(&self.cos_b1td)?, b.broadcast_mul(&self.sin_b1td)?))
        };
        let (a, b) = turn(&first, &second)?;
        let (c, d) = turn(&second, &first)?;
        Tensor::cat(&[a.sub(&b)?, c.add(&d)?], D::Minus1)
    }
}
