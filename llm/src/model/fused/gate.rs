//! silu(x) · y, and the map that follows it.

use super::linear;
use crate::compute::Compute;
use crate::flat::{lend, product, values, values_mut};
use crate::simd::{exp, wide};
use crate::sums;
use candle_core::{CpuStorage, CustomOp3, Device, InplaceOp2, Layout, Result, Shape, Tensor};
use kernels::Precision;
use rayon::prelude::*;

/// How many numbers a thread takes at a time.
const CHUNK: usize = 1 << 13;

/// silu(x) · y in place of x.
struct Gate;

/// x / (1 + exp(−x)) · y in place of x, which has the shape of y.
pub(in crate::model) fn gate(x: &Tensor, y: &Tensor) -> Result<()> {
    x.inplace_op2(y, &Gate)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

fn gate_in_place(x: &mut [f32], y: &[f32]) {
    let chunk = |(x, y): (&mut [f32], &[f32])| {
        wide(|| x.iter_mut().zip(y).for_each(|(x, y)| *x = *x * sigmoid(*x) * y));
    };
    x.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).for_each(chunk);
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
        gate_in_place(values_mut(x, shape)?, values(y, y_shape)?);
        Ok(())
    }
}

/// (silu(x) · y) Wᵀ, of which the product in parentheses is not kept.
struct GatedDown {
    precision: Precision,
}

/// (silu(x) · y) Wᵀ. Shapes: [M, F], [M, F], [H, F] → [M, H].
pub(in crate::model) fn gated_down(x: &Tensor, y: &Tensor, weight: &Tensor) -> Result<Tensor> {
    x.apply_op3(y, weight, GatedDown { precision: Compute::precision() })
}

impl CustomOp3 for GatedDown {
    fn name(&self) -> &'static str {
        "gated down"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_shape: &Layout,
        y: &CpuStorage,
        y_shape: &Layout,
        weight: &CpuStorage,
        weight_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let mut active = values(x, x_shape)?.to_vec();
        gate_in_place(&mut active, values(y, y_shape)?);
        let shape = Layout::contiguous(x_shape.shape().clone());
        let active = CpuStorage::F32(active);
        let (down, shape) =
            linear::mapped((&active, &shape), (weight, weight_shape), self.precision)?;
        Ok((CpuStorage::F32(down), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        y: &Tensor,
        weight: &Tensor,
        down: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        sums::let_go(down)?;
        let active_slope = product(lend(slope).whole()?, lend(weight).whole()?, self.precision)?;
        let parts = Slopes::new(lend(x).values()?, lend(y).values()?, active_slope);
        let tensor = |values| Tensor::from_vec(values, x.shape(), &Device::Cpu);
        let active = tensor(parts.active)?;
        let weight = linear::weight_gradient(&active, weight, slope, self.precision)?;
        Ok((Some(tensor(parts.x)?), Some(tensor(parts.y)?), weight))
    }
}

/// What the gate was, and the gradients behind it.
struct Slopes {
    active: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Slopes {
    /// With σ = 1/(1 + e^−x) and g the gradient of silu(x) · y:
    /// ∂x = g y σ (1 + x (1 − σ)) and ∂y = g x σ.
    fn new(x: &[f32], y: &[f32], slope: Vec<f32>) -> Self {
        let mut slopes = Self { active: y.to_vec(), x: x.to_vec(), y: slope };
        let active = slopes.active.par_chunks_mut(CHUNK);
        let both = slopes.x.par_chunks_mut(CHUNK).zip(slopes.y.par_chunks_mut(CHUNK));
        active.zip(both).for_each(|(active, (x, y))| {
            wide(|| {
                for ((active, x), y) in active.iter_mut().zip(x).zip(y) {
                    let (of, by, slope) = (*x, *active, *y);
                    let share = sigmoid(of);
                    *active = of * share * by;
                    *x = slope * by * share * (1.0 + of * (1.0 - share));
                    *y = slope * of * share;
                }
            });
        });
        slopes
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_same, random, roundings};
    use super::*;

    #[test]
    fn the_short_gate_is_the_gate() {
        let (x, y) = (random((5, 7)), random((5, 7)));
        let expected = x.silu().unwrap().mul(&y).unwrap();
        gate(&x, &y).unwrap();
        // Numbers up to about 16, six operations.
        assert!(roundings(&x, &expected, 16.0) <= 6.0);
    }

    #[test]
    fn the_short_gate_with_its_map_is_the_gate_with_its_map() {
        let x = [random((17, 29)), random((17, 29)), random((11, 29))];
        let definition = |x: &[Tensor]| x[0].silu()?.mul(&x[1])?.matmul(&x[2].t()?);
        // Sums of up to 29 products, a dozen operations.
        assert_same(&x, 41.0, |x| gated_down(&x[0], &x[1], &x[2]), definition);
    }
}
