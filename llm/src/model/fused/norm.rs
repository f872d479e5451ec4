//! Root-mean-square norm and layer norm of rows.
//!
//! ```text
//! x̂ = (x − μ) / √(mean (x − μ)² + ε)        y = w · x̂ + b
//! ```
//!
//! with μ the mean of the row for the layer norm, μ = 0 and b = 0 for the root-mean-square norm.
//! With h = w · ∂y the gradients are
//!
//! ```text
//! ∂x = (h − mean h − x̂ mean(h x̂)) / √(…)   ∂w = Σ_rows ∂y x̂   ∂b = Σ_rows ∂y
//! ```
//!
//! without mean h where μ is 0.

use crate::flat::{lend, values};
use crate::simd::{sum, sum2, wide};
use crate::sums;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// A norm of rows.
#[derive(Debug, Clone, Copy)]
struct Norm {
    centred: bool,
    epsilon: f32,
}

/// The root-mean-square norm of rows [M, H].
pub(in crate::model) fn root_mean_square(
    x_mh: &Tensor,
    weight: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    x_mh.apply_op2(weight, Norm { centred: false, epsilon: epsilon as f32 })
}

/// The layer norm of rows [M, H].
pub(in crate::model) fn layer_norm(
    x_mh: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    x_mh.apply_op3(weight, bias, Norm { centred: true, epsilon: epsilon as f32 })
}

/// How many rows a thread takes at a time.
const ROWS: usize = 64;

impl Norm {
    /// μ and 1 / √(…).
    #[inline(always)]
    fn moments(self, x: &[f32]) -> (f32, f32) {
        let width = x.len() as f64;
        let mean = if self.centred { (sum(x, |x| x) / width) as f32 } else { 0.0 };
        let variance = sum(x, |x| (x - mean) * (x - mean)) / width;
        (mean, (1.0 / (variance + f64::from(self.epsilon)).sqrt()) as f32)
    }

    fn forward(self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        let width = weight.len();
        let mut y = vec![0.0; x.len()];
        let rows = |(y, x): (&mut [f32], &[f32])| {
            wide(|| {
                for (y, x) in y.chunks_mut(width).zip(x.chunks(width)) {
                    let (mean, share) = self.moments(x);
                    let cells = y.iter_mut().zip(x).zip(weight);
                    cells.for_each(|((y, x), w)| *y = (x - mean) * share * w);
                    if let Some(bias) = bias {
                        y.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
                    }
                }
            });
        };
        y.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width)).for_each(rows);
        y
    }

    /// ∂x, ∂w and ∂b.
    fn backward(self, x: &[f32], weight: &[f32], slope: &[f32]) -> [Vec<f32>; 3] {
        let width = weight.len();
        let mut x_slope = vec![0.0; x.len()];
        let rows = |((dx, x), slope): ((&mut [f32], &[f32]), &[f32])| {
            let (mut dw, mut db) = (vec![0.0; width], vec![0.0; width]);
            wide(|| {
                let rows = dx.chunks_mut(width).zip(x.chunks(width)).zip(slope.chunks(width));
                for ((dx, x), slope) in rows {
                    self.backward_row(dx, (x, weight, slope), (&mut dw, &mut db));
                }
            });
            (dw, db)
        };
        let chunks = x_slope.par_chunks_mut(ROWS * width).zip(x.par_chunks(ROWS * width));
        let parts: Vec<(Vec<f32>, Vec<f32>)> =
            chunks.zip(slope.par_chunks(ROWS * width)).map(rows).collect();
        // Added in the order of the rows, whichever thread had them.
        let (mut dw, mut db) = (vec![0.0; width], vec![0.0; width]);
        for (w, b) in parts {
            dw.iter_mut().zip(w).for_each(|(sum, w)| *sum += w);
            db.iter_mut().zip(b).for_each(|(sum, b)| *sum += b);
        }
        [x_slope, dw, db]
    }

    #[inline(always)]
    fn backward_row(
        self,
        dx: &mut [f32],
        (x, weight, slope): (&[f32], &[f32], &[f32]),
        (dw, db): (&mut [f32], &mut [f32]),
    ) {
        let width = x.len() as f64;
        let (mean, share) = self.moments(x);
        dx.iter_mut().zip(slope).zip(weight).for_each(|((h, g), w)| *h = g * w);
        let mean_h = if self.centred { (sum(dx, |h| h) / width) as f32 } else { 0.0 };
        let along = (sum2(dx, x, |h, x| h * (x - mean) * share) / width) as f32;
        for (((dx, &x), &g), (dw, db)) in
            dx.iter_mut().zip(x).zip(slope).zip(dw.iter_mut().zip(db.iter_mut()))
        {
            let unit = (x - mean) * share;
            *dx = (*dx - mean_h - unit * along) * share;
            *dw += g * unit;
            *db += g;
        }
    }

    /// The gradients as tensors.
    fn gradients(self, x: &Tensor, weight: &Tensor, slope: &Tensor) -> Result<[Tensor; 3]> {
        let slope = slope.contiguous()?;
        let [dx, dw, db] =
            self.backward(lend(x).values()?, lend(weight).values()?, lend(&slope).values()?);
        let of = |values, shape: &Shape| Tensor::from_vec(values, shape, &Device::Cpu);
        Ok([of(dx, x.shape())?, of(dw, weight.shape())?, of(db, weight.shape())?])
    }
}

impl CustomOp2 for Norm {
    fn name(&self) -> &'static str {
        "root-mean-square norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        shape: &Layout,
        weight: &CpuStorage,
        weight_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.forward(values(x, shape)?, values(weight, weight_shape)?, None);
        Ok((CpuStorage::F32(y), shape.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        y: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        sums::let_go(y)?;
        let [x, weight, _] = self.gradients(x, weight, slope)?;
        Ok((Some(x), Some(weight)))
    }
}

impl CustomOp3 for Norm {
    fn name(&self) -> &'static str {
        "layer norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        shape: &Layout,
        weight: &CpuStorage,
        weight_shape: &Layout,
        bias: &CpuStorage,
        bias_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (weight, bias) = (values(weight, weight_shape)?, values(bias, bias_shape)?);
        let y = self.forward(values(x, shape)?, weight, Some(bias));
        Ok((CpuStorage::F32(y), shape.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        y: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        sums::let_go(y)?;
        let [x, weight, bias] = self.gradients(x, weight, slope)?;
        Ok((Some(x), Some(weight), Some(bias)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::norm;
    use super::super::tests::{assert_same, random};
    use super::*;

    #[test]
    fn the_short_norms_are_the_norms() {
        let (rows, width) = (150, 37);
        let x = [random((rows, width)), random(width), random(width)];
        // Sums of 37 numbers, then of 150 rows, in any order: a few roundings of their size each;
        // a dozen operations besides.
        let operations = 64.0;
        assert_same(
            &x[..2],
            operations,
            |x| root_mean_square(&x[0], &x[1], 1e-5),
            |x| norm::Norm::of(x[1].clone(), None, 1e-5).definition(&x[0]),
        );
        assert_same(
            &x,
            operations,
            |x| layer_norm(&x[0], &x[1], &x[2], 1e-5),
            |x| norm::Norm::of(x[1].clone(), Some(x[2].clone()), 1e-5).definition(&x[0]),
        );
    }
}
