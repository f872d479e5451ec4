//! Linear maps.

use crate::flat::{product, values};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// y = x Wᵀ, or x Wᵀ + r.
///
/// candle's own product of x with a transposed matrix has the gradient of that transpose, which it
/// then turns round, number by number.
struct Linear;

/// x Wᵀ. Shapes: [M, in], [out, in] → [M, out].
pub(in crate::model) fn linear(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    x.apply_op2(weight, Linear)
}

/// x Wᵀ + r. Shapes: [M, in], [out, in], [M, out] → [M, out].
pub(in crate::model) fn linear_added(x: &Tensor, weight: &Tensor, r: &Tensor) -> Result<Tensor> {
    x.apply_op3(weight, r, Linear)
}

/// x Wᵀ with its shape.
pub(super) fn mapped(
    x: &CpuStorage,
    x_shape: &Layout,
    weight: &CpuStorage,
    weight_shape: &Layout,
) -> Result<(Vec<f32>, Shape)> {
    let shape = (x_shape.shape().dims2()?.0, weight_shape.shape().dims2()?.0);
    let y = product(x, x_shape, weight, &weight_shape.transpose(0, 1)?)?;
    Ok((y, shape.into()))
}

impl CustomOp2 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_shape: &Layout,
        weight: &CpuStorage,
        weight_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (y, shape) = mapped(x, x_shape, weight, weight_shape)?;
        Ok((CpuStorage::F32(y), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        gradients(x, weight, slope)
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear, added"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_shape: &Layout,
        weight: &CpuStorage,
        weight_shape: &Layout,
        r: &CpuStorage,
        r_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (mut y, shape) = mapped(x, x_shape, weight, weight_shape)?;
        add(&mut y, values(r, r_shape)?);
        Ok((CpuStorage::F32(y), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (x, weight) = gradients(x, weight, slope)?;
        Ok((x, weight, Some(slope.clone())))
    }
}

fn add(y: &mut [f32], r: &[f32]) {
    const CHUNK: usize = 1 << 14;
    let add = |(y, r): (&mut [f32], &[f32])| y.iter_mut().zip(r).for_each(|(y, r)| *y += r);
    y.par_chunks_mut(CHUNK).zip(r.par_chunks(CHUNK)).for_each(add);
}

/// ∂x = ∂y W and ∂W = ∂yᵀ x, each where something is trained behind it.
pub(super) fn gradients(
    x: &Tensor,
    weight: &Tensor,
    slope: &Tensor,
) -> Result<(Option<Tensor>, Option<Tensor>)> {
    // Detached, or the products would be tracked in turn.
    let of_x = || slope.matmul(&weight.detach());
    let of_weight = || slope.t()?.matmul(&x.detach());
    let x_slope = if x.track_op() { Some(of_x()?) } else { None };
    Ok((x_slope, if weight.track_op() { Some(of_weight()?) } else { None }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_same, random};
    use super::*;

    #[test]
    fn the_short_map_is_the_map() {
        let x = [random((17, 23)), random((31, 23)), random((17, 31))];
        // Sums of up to 31 products.
        let operations = 32.0;
        let map = |x: &[Tensor]| x[0].matmul(&x[1].t()?);
        assert_same(&x[..2], operations, |x| linear(&x[0], &x[1]), map);
        assert_same(&x, operations, |x| linear_added(&x[0], &x[1], &x[2]), |x| map(x)? + &x[2]);
    }
}
