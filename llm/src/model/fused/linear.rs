//! Linear maps.

use crate::compute::Compute;
use crate::flat::{add, add_product, lend, product, values};
use crate::sums;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Device, Layout, Result, Shape, Tensor};
use kernels::Precision;

/// y = x Wᵀ, or x Wᵀ + r.
///
/// candle's own product of x with a transposed matrix has the gradient of that transpose, which it
/// then turns round, number by number.
struct Linear {
    precision: Precision,
}

/// x Wᵀ. Shapes: [M, in], [out, in] → [M, out].
pub(in crate::model) fn linear(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    x.apply_op2(weight, Linear { precision: Compute::precision() })
}

/// x Wᵀ + r. Shapes: [M, in], [out, in], [M, out] → [M, out].
pub(in crate::model) fn linear_added(x: &Tensor, weight: &Tensor, r: &Tensor) -> Result<Tensor> {
    x.apply_op3(weight, r, Linear { precision: Compute::precision() })
}

/// x Wᵀ with its shape.
pub(super) fn mapped(
    x: (&CpuStorage, &Layout),
    (weight, weight_shape): (&CpuStorage, &Layout),
    precision: Precision,
) -> Result<(Vec<f32>, Shape)> {
    let shape = (x.1.shape().dims2()?.0, weight_shape.shape().dims2()?.0);
    let y = product(x, (weight, &weight_shape.transpose(0, 1)?), precision)?;
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
        let (y, shape) = mapped((x, x_shape), (weight, weight_shape), self.precision)?;
        Ok((CpuStorage::F32(y), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        y: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        sums::let_go(y)?;
        gradients(x, weight, slope, self.precision)
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
        let (mut y, shape) = mapped((x, x_shape), (weight, weight_shape), self.precision)?;
        add(&mut y, values(r, r_shape)?);
        Ok((CpuStorage::F32(y), shape))
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
        let (x, weight) = gradients(x, weight, slope, self.precision)?;
        Ok((x, weight, Some(slope.clone())))
    }
}

/// ∂x = ∂y W and ∂W = ∂yᵀ x, each where something is trained behind it.
pub(super) fn gradients(
    x: &Tensor,
    weight: &Tensor,
    slope: &Tensor,
    precision: Precision,
) -> Result<(Option<Tensor>, Option<Tensor>)> {
    let of_x = || {
        let product = product(lend(slope).whole()?, lend(weight).whole()?, precision)?;
        Tensor::from_vec(product, x.shape(), &Device::Cpu)
    };
    let x_slope = if x.track_op() { Some(of_x()?) } else { None };
    Ok((x_slope, weight_gradient(x, weight, slope, precision)?))
}

/// ∂W = ∂yᵀ x, where the weight is trained and nobody has added it yet.
pub(super) fn weight_gradient(
    x: &Tensor,
    weight: &Tensor,
    slope: &Tensor,
    precision: Precision,
) -> Result<Option<Tensor>> {
    if !weight.track_op() {
        return Ok(None);
    }
    let (x, slope) = (lend(x), lend(slope));
    let turned = slope.layout().transpose(0, 1)?;
    let (slope, x) = ((slope.storage()?, &turned), x.whole()?);
    let first = || product(slope, x, precision);
    sums::add(weight, first, |sum| add_product(sum, slope, x, precision))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_same, random};
    use super::*;
    use candle_core::{DType, Var};

    #[test]
    fn the_short_map_is_the_map() {
        let x = [random((17, 23)), random((31, 23)), random((17, 31))];
        // Sums of up to 31 products.
        let operations = 32.0;
        let map = |x: &[Tensor]| x[0].matmul(&x[1].t()?);
        assert_same(&x[..2], operations, |x| linear(&x[0], &x[1]), map);
        assert_same(&x, operations, |x| linear_added(&x[0], &x[1], &x[2]), |x| map(x)? + &x[2]);
    }

    #[test]
    fn in_bf16_the_map_is_off_by_a_rounding_of_each_operand() {
        let (rows, input, output) = (37, 90, 41);
        let given = [random((rows, input)), random((output, input))];
        let direction = random((rows, output));
        let run = |compute: Compute, dtype| {
            let [x, w] = given.each_ref().map(|x| Var::from_tensor(&x.to_dtype(dtype)?));
            let (x, w): (Var, Var) = (x?, w?);
            let y = match dtype {
                DType::F64 => x.matmul(&w.t()?)?,
                _ => compute.run(|| linear(&x, &w))?,
            };
            let store = y.mul(&direction.to_dtype(dtype)?)?.sum_all()?.backward()?;
            let of = |v: &Var| store.get(v).expect("a gradient").to_dtype(DType::F64);
            Result::Ok([y.detach().to_dtype(DType::F64)?, of(&x)?, of(&w)?])
        };
        let exact = run(Compute::F32, DType::F64).unwrap();
        let found = run(Compute::Bf16, DType::F32).unwrap();
        // Σ |a| |b| of each product, in f64.
        let sizes = {
            let of = |x: &Tensor| x.to_dtype(DType::F64).unwrap().abs().unwrap();
            let (x, w, d) = (of(&given[0]), of(&given[1]), of(&direction));
            [
                x.matmul(&w.t().unwrap()).unwrap(),
                d.matmul(&w).unwrap(),
                d.t().unwrap().matmul(&x).unwrap(),
            ]
        };
        // Two operands are off by 2⁻⁹ each, and sums of at most 90 products by a rounding each.
        let slack = 2f64.powi(-8) + 2f64.powi(-18) + 93.0 * f64::from(f32::EPSILON);
        let mut rounded = false;
        for ((found, exact), size) in found.iter().zip(&exact).zip(&sizes) {
            let list = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            for ((f, e), s) in list(found).into_iter().zip(list(exact)).zip(list(size)) {
                assert!((f - e).abs() <= slack * s, "{f} is not {e}");
                rounded |= (f - e).abs() > 1e-4 * s;
            }
        }
        assert!(rounded, "nothing was rounded to bf16");
    }
}
