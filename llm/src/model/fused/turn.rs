//! Rotary positions.

use crate::flat::{values, values_mut};
use candle_core::{CpuStorage, InplaceOp3, Layout, Result, Tensor};
use rayon::prelude::*;

/// Pairs turned by their angles, in place.
struct Turn;

/// Turns x [B, heads, T, D] in place; cosines and sines are [B, 1, T, D/2].
pub(in crate::model) fn turn(x: &Tensor, cos_b1td: &Tensor, sin_b1td: &Tensor) -> Result<()> {
    x.inplace_op3(cos_b1td, sin_b1td, &Turn)
}

impl InplaceOp3 for Turn {
    fn name(&self) -> &'static str {
        "turn"
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        shape: &Layout,
        cos: &CpuStorage,
        cos_shape: &Layout,
        sin: &CpuStorage,
        sin_shape: &Layout,
    ) -> Result<()> {
        let (_, heads, time, width) = shape.shape().dims4()?;
        let (cos, sin) = (values(cos, cos_shape)?, values(sin, sin_shape)?);
        let half = width / 2;
        let row = |(i, x): (usize, &mut [f32])| {
            let start = (i / (heads * time) * time + i % time) * half;
            turn_row(x, &cos[start..start + half], &sin[start..start + half]);
        };
        let rows = values_mut(x, shape)?.par_chunks_mut(width);
        rows.with_min_len(256).enumerate().for_each(row);
        Ok(())
    }
}

/// Turns the pairs (xᵢ, x_{i + D/2}) of one row.
#[inline(always)]
pub(super) fn turn_row(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (first, second) = x.split_at_mut(cos.len());
    for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(cos.iter().zip(sin)) {
        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
    }
}

/// Turns them back.
#[inline(always)]
pub(super) fn turn_back_row(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (first, second) = x.split_at_mut(cos.len());
    for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(cos.iter().zip(sin)) {
        (*a, *b) = (*a * cos + *b * sin, *b * cos - *a * sin);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::rotary::Rotary;
    use super::super::tests::{CPU, random, roundings};
    use candle_core::DType;

    #[test]
    fn the_short_turn_turns() {
        let positions = [0, 1, 2, 0, 0, 1];
        let rotary = Rotary::new(&positions, (2, 3), (1e4, 8), DType::F32, &CPU).unwrap();
        let x = random((2, 4, 3, 8));
        let expected = rotary.definition(&x).unwrap();
        let short = rotary.apply(x).unwrap();
        // Numbers up to about 8, two products and a sum.
        assert!(roundings(&short, &expected, 8.0) <= 3.0);
    }
}
