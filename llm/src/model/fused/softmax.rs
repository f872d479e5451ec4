//! The softmax of scores with a bias.

use crate::flat::{values, values_mut};
use crate::simd::{exp, map_sum, wide};
use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor};
use rayon::prelude::*;

/// The softmax over the last dimension of scores with a bias, in place of the scores.
struct Softmax;

/// Scores [B, N, T, S] become weights; the bias is [B or 1, 1, T, S].
pub(in crate::model) fn softmax(scores_bnts: &Tensor, bias_b1ts: &Tensor) -> Result<()> {
    scores_bnts.inplace_op2(bias_b1ts, &Softmax)
}

impl InplaceOp2 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(
        &self,
        scores: &mut CpuStorage,
        shape: &Layout,
        bias: &CpuStorage,
        bias_shape: &Layout,
    ) -> Result<()> {
        let (_, heads, time, seen) = shape.shape().dims4()?;
        let own = bias_shape.shape().dims4()?.0 > 1;
        let bias = values(bias, bias_shape)?;
        let row = |(i, x): (usize, &mut [f32])| {
            let sequence = if own { i / (heads * time) } else { 0 };
            let start = (sequence * time + i % time) * seen;
            wide(|| softmax_row(x, &bias[start..start + seen]));
        };
        let rows = values_mut(scores, shape)?.par_chunks_mut(seen);
        rows.with_min_len(64).enumerate().for_each(row);
        Ok(())
    }
}

/// One row of scores becomes weights.
#[inline(always)]
pub(super) fn softmax_row(x: &mut [f32], bias: &[f32]) {
    // What comes after the last position seen has weight 0, and most rows see half.
    let end = bias.iter().rposition(|&b| b == 0.0).map_or(x.len(), |last| last + 1);
    let (visible, hidden) = x.split_at_mut(end);
    hidden.fill(0.0);
    visible.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
    let largest = crate::simd::largest(visible);
    let total = map_sum(visible, |x| exp(x - largest));
    let share = (1.0 / total) as f32;
    visible.iter_mut().for_each(|x| *x *= share);
}

#[cfg(test)]
mod tests {
    use super::super::super::attention;
    use super::super::tests::{CPU, random, roundings};
    use super::*;

    #[test]
    fn the_short_softmax_is_the_softmax_of_scores_with_their_bias() {
        for sequences in [1, 2] {
            let scores = random((2, 3, 4, 6)).affine(3.0, 0.0).unwrap();
            let hidden = |i: usize| if i % 5 > (i / 6) % 4 + 1 || i == 40 { -1e30f32 } else { 0.0 };
            let bias: Vec<f32> = (0..sequences * 24).map(hidden).collect();
            let bias = Tensor::from_vec(bias, (sequences, 1, 4, 6), &CPU).unwrap();
            let expected = attention::softmax(&scores.broadcast_add(&bias).unwrap()).unwrap();
            softmax(&scores, &bias).unwrap();
            // Six summands, two exponentials, two divisions.
            assert!(roundings(&scores, &expected, 1.0) <= 10.0);
        }
    }
}
