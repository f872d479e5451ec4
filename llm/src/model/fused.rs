//! Second implementations of what a model computes most often, each in one pass over memory: for
//! f32 on the processor where nothing is trained, as none has a backward pass. The definitions are
//! beside their uses; tests compare the two.

use crate::flat::{is_flat, values, values_mut};
use candle_core::{CpuStorage, CustomOp2, InplaceOp2, InplaceOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Whether tensors may take the short way.
pub(super) fn applies(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|x| is_flat(x) && !x.track_op())
}

/// The softmax over the last dimension of scores with a bias, in place of the scores.
struct Softmax;

/// Scores [B, N, T, S] become weights; the bias is [B or 1, 1, T, S].
pub(super) fn softmax(scores_bnts: &Tensor, bias_b1ts: &Tensor) -> Result<()> {
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
            softmax_row(x, &bias[start..start + seen]);
        };
        let rows = values_mut(scores, shape)?.par_chunks_mut(seen);
        rows.with_min_len(64).enumerate().for_each(row);
        Ok(())
    }
}

fn softmax_row(x: &mut [f32], bias: &[f32]) {
    // What comes after the last position seen has weight 0, and most rows see half.
    let end = bias.iter().rposition(|&b| b == 0.0).map_or(x.len(), |last| last + 1);
    let (visible, hidden) = x.split_at_mut(end);
    hidden.fill(0.0);
    let mut largest = f32::NEG_INFINITY;
    for (x, b) in visible.iter_mut().zip(bias) {
        *x += b;
        largest = largest.max(*x);
    }
    let mut total = 0.0;
    for x in visible.iter_mut() {
        *x = (*x - largest).exp();
        total += *x;
    }
    let share = 1.0 / total;
    visible.iter_mut().for_each(|x| *x *= share);
}

/// x · weight / √(mean x² + ε).
struct RootMeanSquare(f32);

/// The root-mean-square norm of rows.
pub(super) fn root_mean_square(x_mh: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    x_mh.apply_op2_no_bwd(weight, &RootMeanSquare(epsilon as f32))
}

impl CustomOp2 for RootMeanSquare {
    fn name(&self) -> &'static str {
        "root-mean-square"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        shape: &Layout,
        weight: &CpuStorage,
        weight_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight) = (values(x, shape)?, values(weight, weight_shape)?);
        let width = weight.len();
        let mut y = vec![0.0; x.len()];
        let row = |(y, x): (&mut [f32], &[f32])| {
            let squares = x.iter().map(|x| x * x).sum::<f32>();
            let root = (squares / width as f32 + self.0).sqrt();
            y.iter_mut().zip(x).zip(weight).for_each(|((y, x), w)| *y = x / root * w);
        };
        y.par_chunks_mut(width).with_min_len(64).zip(x.par_chunks(width)).for_each(row);
        Ok((CpuStorage::F32(y), shape.shape().clone()))
    }
}

/// Pairs turned by their angles, in place.
struct Turn;

/// Turns x [B, heads, T, D] in place; cosines and sines are [B, 1, T, D/2].
pub(super) fn turn(x: &Tensor, cos_b1td: &Tensor, sin_b1td: &Tensor) -> Result<()> {
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
            let angles = cos[start..start + half].iter().zip(&sin[start..start + half]);
            let (first, second) = x.split_at_mut(half);
            for ((a, b), (cos, sin)) in first.iter_mut().zip(second).zip(angles) {
                (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
            }
        };
        let rows = values_mut(x, shape)?.par_chunks_mut(width);
        rows.with_min_len(256).enumerate().for_each(row);
        Ok(())
    }
}

/// silu(x) · y in place of x.
struct Gate;

/// x / (1 + exp(−x)) · y in place of x, which has the shape of y.
pub(super) fn gate(x: &Tensor, y: &Tensor) -> Result<()> {
    x.inplace_op2(y, &Gate)
}

impl InplaceOp2 for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        shape: &Layout,
        y: &CpuStorage,
        y_shape: &Layout,
    ) -> Result<()> {
        let y = values(y, y_shape)?;
        let cells = values_mut(x, shape)?.par_iter_mut().with_min_len(8192);
        cells.zip(y).for_each(|(x, y)| *x = *x / (1.0 + (-*x).exp()) * y);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::attention;
    use super::super::norm::Norm;
    use super::super::rotary::Rotary;
    use super::*;
    use candle_core::{DType, Device};

    const CPU: Device = Device::Cpu;

    fn random(shape: impl Into<Shape>) -> Tensor {
        Tensor::randn(0f32, 3.0, shape, &CPU).unwrap()
    }

    /// The largest distance of two tensors of numbers up to about 1, in roundings of f32.
    fn roundings(a: &Tensor, b: &Tensor) -> f32 {
        let distance = a.sub(b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        distance.to_scalar::<f32>().unwrap() / f32::EPSILON
    }

    #[test]
    fn the_short_softmax_is_the_softmax_of_scores_with_their_bias() {
        for sequences in [1, 2] {
            let scores = random((2, 3, 4, 6));
            let hidden = |i: usize| if i % 5 > (i / 6) % 4 + 1 || i == 40 { -1e30f32 } else { 0.0 };
            let bias: Vec<f32> = (0..sequences * 24).map(hidden).collect();
            let bias = Tensor::from_vec(bias, (sequences, 1, 4, 6), &CPU).unwrap();
            let expected = attention::softmax(&scores.broadcast_add(&bias).unwrap()).unwrap();
            softmax(&scores, &bias).unwrap();
            // Six summands, two divisions.
            assert!(roundings(&scores, &expected) <= 8.0);
        }
    }

    #[test]
    fn the_short_norm_is_the_norm() {
        let (x, weight) = (random((5, 7)), random(7));
        let norm = Norm::of_root_mean_square(weight.clone(), 1e-5);
        let short = root_mean_square(&x, &weight, 1e-5).unwrap();
        // Numbers up to about 30, seven summands and four operations.
        assert!(roundings(&short, &norm.definition(&x).unwrap()) <= 30.0 * 11.0);
    }

    #[test]
    fn the_short_turn_turns() {
        let positions = [0, 1, 2, 0, 0, 1];
        let rotary = Rotary::new(&positions, (2, 3), (1e4, 8), DType::F32, &CPU).unwrap();
        let x = random((2, 4, 3, 8));
        let expected = rotary.definition(&x).unwrap();
        let short = rotary.apply(x).unwrap();
        // Numbers up to about 20, two products and a sum.
        assert!(roundings(&short, &expected) <= 20.0 * 3.0);
    }

    #[test]
    fn the_short_gate_is_the_gate() {
        let (x, y) = (random((5, 7)), random((5, 7)));
        let expected = x.silu().unwrap().mul(&y).unwrap();
        gate(&x, &y).unwrap();
        // Numbers up to about 100, five operations.
        assert!(roundings(&x, &expected) <= 100.0 * 5.0);
    }

    #[test]
    fn what_is_trained_takes_the_long_way() {
        let x = random((2, 3));
        let variable = candle_core::Var::from_tensor(&x).unwrap();
        assert!(applies(&[&x]));
        assert!(!applies(&[&x, variable.as_tensor()]));
        assert!(!applies(&[&variable.exp().unwrap()]));
        assert!(!applies(&[&x.to_dtype(DType::F64).unwrap()]));
        assert!(!applies(&[&x.t().unwrap()]));
    }
}
