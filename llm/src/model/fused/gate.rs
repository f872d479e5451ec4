//! The maps of a gate, silu(x) · y, and the map that follows it.

use super::linear;
use crate::compute::Compute;
use crate::flat::{add, add_product, append_product, lend, product, values};
use crate::simd::{exp, wide};
use crate::sums;
use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor};
use kernels::Precision;
use rayon::prelude::*;

/// How many numbers a thread takes at a time.
const CHUNK: usize = 1 << 13;

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// x / (1 + exp(−x)) · y in place of x.
fn gate_in_place(x: &mut [f32], y: &[f32]) {
    let chunk = |(x, y): (&mut [f32], &[f32])| {
        wide(|| x.iter_mut().zip(y).for_each(|(x, y)| *x = *x * sigmoid(*x) * y));
    };
    x.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).for_each(chunk);
}

/// The two maps of a gate side by side: x Wᵀ and, behind all of it, x Vᵀ.
struct GateAndUp {
    precision: Precision,
}

/// x Wᵀ and x Vᵀ. Shapes: [M, H], [F, H], [F, H] → [2, M, F].
pub(in crate::model) fn gate_and_up(x: &Tensor, gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    x.apply_op3(gate, up, GateAndUp { precision: Compute::precision() })
}

impl CustomOp3 for GateAndUp {
    fn name(&self) -> &'static str {
        "gate and up"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_shape: &Layout,
        gate: &CpuStorage,
        gate_shape: &Layout,
        up: &CpuStorage,
        up_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = (x_shape.shape().dims2()?.0, gate_shape.shape().dims2()?.0);
        let mut both = Vec::with_capacity(2 * rows * width);
        for (weight, shape) in [(gate, gate_shape), (up, up_shape)] {
            let turned = shape.transpose(0, 1)?;
            append_product(&mut both, (x, x_shape), (weight, &turned), self.precision)?;
        }
        Ok((CpuStorage::F32(both), (2, rows, width).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        gate: &Tensor,
        up: &Tensor,
        both: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        sums::let_go(both)?;
        let slope = slope.contiguous()?;
        let (of_gate, of_up) = (slope.get(0)?, slope.get(1)?);
        let gate_gradient = linear::weight_gradient(x, gate, &of_gate, self.precision)?;
        let up_gradient = linear::weight_gradient(x, up, &of_up, self.precision)?;
        if !x.track_op() {
            return Ok((None, gate_gradient, up_gradient));
        }
        let (of_gate, of_up) = (lend(&of_gate), lend(&of_up));
        let mut sum = product(of_gate.whole()?, lend(gate).whole()?, self.precision)?;
        add_product(&mut sum, of_up.whole()?, lend(up).whole()?, self.precision)?;
        let of_x = Tensor::from_vec(sum, x.shape(), &Device::Cpu)?;
        Ok((Some(of_x), gate_gradient, up_gradient))
    }
}

/// (silu(x) · y) Wᵀ + r, of which the product in parentheses is not kept.
struct GatedDown {
    precision: Precision,
}

/// (silu(x) · y) Wᵀ + r. Shapes: x and y as [2, M, F], [H, F], [M, H] → [M, H].
pub(in crate::model) fn gated_down(both: &Tensor, weight: &Tensor, r: &Tensor) -> Result<Tensor> {
    both.apply_op3(weight, r, GatedDown { precision: Compute::precision() })
}

impl CustomOp3 for GatedDown {
    fn name(&self) -> &'static str {
        "gated down"
    }

    fn cpu_fwd(
        &self,
        both: &CpuStorage,
        shape: &Layout,
        weight: &CpuStorage,
        weight_shape: &Layout,
        r: &CpuStorage,
        r_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (_, rows, width) = shape.shape().dims3()?;
        let (x, y) = values(both, shape)?.split_at(rows * width);
        let mut active = x.to_vec();
        gate_in_place(&mut active, y);
        let (active, shape) = (CpuStorage::F32(active), Layout::contiguous((rows, width)));
        let (mut down, shape) =
            linear::mapped((&active, &shape), (weight, weight_shape), self.precision)?;
        add(&mut down, values(r, r_shape)?);
        Ok((CpuStorage::F32(down), shape))
    }

    fn bwd(
        &self,
        both: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        down: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        sums::let_go(down)?;
        let (_, rows, width) = both.dims3()?;
        let active_slope = product(lend(slope).whole()?, lend(weight).whole()?, self.precision)?;
        let (active, both_slope) = slopes(lend(both).values()?, &active_slope);
        let active = Tensor::from_vec(active, (rows, width), &Device::Cpu)?;
        let weight = linear::weight_gradient(&active, weight, slope, self.precision)?;
        let both = Tensor::from_vec(both_slope, both.shape(), &Device::Cpu)?;
        Ok((Some(both), weight, Some(slope.clone())))
    }
}

/// What the gate of x and y, one after the other, was, and the gradients behind it.
///
/// With σ = 1/(1 + e^−x) and g the gradient of silu(x) · y:
/// ∂x = g y σ (1 + x (1 − σ)) and ∂y = g x σ.
fn slopes(both: &[f32], slope: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut active, mut slopes) = (slope.to_vec(), both.to_vec());
    let (x, y) = slopes.split_at_mut(slope.len());
    let both = x.par_chunks_mut(CHUNK).zip(y.par_chunks_mut(CHUNK));
    active.par_chunks_mut(CHUNK).zip(both).for_each(|(active, (x, y))| {
        wide(|| {
            for ((active, x), y) in active.iter_mut().zip(x).zip(y) {
                let (of, by, slope) = (*x, *y, *active);
                let share = sigmoid(of);
                *active = of * share * by;
                *x = slope * by * share * (1.0 + of * (1.0 - share));
                *y = slope * of * share;
            }
        });
    });
    (active, slopes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_same, random};
    use super::*;

    #[test]
    fn the_short_maps_of_a_gate_are_its_maps() {
        let x = [random((17, 23)), random((31, 23)), random((31, 23))];
        let definition =
            |x: &[Tensor]| Tensor::stack(&[x[0].matmul(&x[1].t()?)?, x[0].matmul(&x[2].t()?)?], 0);
        // Sums of up to 62 products.
        assert_same(&x, 62.0, |x| gate_and_up(&x[0], &x[1], &x[2]), definition);
    }

    #[test]
    fn the_short_gate_with_its_map_is_the_gate_with_its_map() {
        let x = [random((2, 17, 29)), random((11, 29)), random((17, 11))];
        let definition =
            |x: &[Tensor]| x[0].get(0)?.silu()?.mul(&x[0].get(1)?)?.matmul(&x[1].t()?)?.add(&x[2]);
        // Sums of up to 29 products, a dozen operations.
        assert_same(&x, 42.0, |x| gated_down(&x[0], &x[1], &x[2]), definition);
    }
}
