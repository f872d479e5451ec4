//! [`Compute`]: the type in which linear maps are multiplied.

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};
use std::cell::Cell;

/// The type in which linear maps and heads of f32 models are multiplied.
///
/// Weights, sums, norms, attention, losses and the optimiser are f32 either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compute {
    /// In f32.
    #[default]
    F32,
    /// Operands are rounded to bf16, whose products are exact in f32 and added up there. In main
    /// memory a step takes 0.6 to 0.7 of the time on processors with AVX512-BF16; others give the
    /// same numbers in more time. GPUs round the sums to bf16 as well.
    Bf16,
}

thread_local! {
    static CURRENT: Cell<Compute> = const { Cell::new(Compute::F32) };
}

/// Puts the type back that was there before, whatever happens.
struct Before(Compute);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl Compute {
    /// What `f` computes, with linear maps in this type. It is the type of this thread; gradients
    /// are computed in the type that their map was computed in.
    pub fn run<R>(self, f: impl FnOnce() -> R) -> R {
        let _before = Before(CURRENT.replace(self));
        f()
    }

    /// x W for what has no short way, in the type of this thread where both are f32 on a GPU.
    /// Shapes: [M, in], [in, out] → [M, out].
    pub(crate) fn times(x: &Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
        let narrow = CURRENT.get() == Self::Bf16 && !x.device().is_cpu();
        if narrow && x.dtype() == DType::F32 { in_bf16(x, weight) } else { x.matmul(weight) }
    }

    /// The type whose products have this precision.
    pub(crate) fn of(precision: kernels::Precision) -> Self {
        match precision {
            kernels::Precision::F32 => Self::F32,
            kernels::Precision::Bf16 => Self::Bf16,
        }
    }

    /// The precision of maps that are computed now.
    pub(crate) fn precision() -> kernels::Precision {
        match CURRENT.get() {
            Self::F32 => kernels::Precision::F32,
            Self::Bf16 => kernels::Precision::Bf16,
        }
    }
}

/// x W of operands that are rounded to bf16, and so are the sums: the weights themselves and their
/// gradients stay what they are.
fn in_bf16(x: &Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
    let (short_x, short_weight) = (x.to_dtype(DType::BF16)?, weight.to_dtype(DType::BF16)?);
    short_x.matmul(&short_weight)?.to_dtype(x.dtype())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use kernels::Precision;

    #[test]
    fn the_type_ends_with_what_it_was_given_for() {
        let inside =
            Compute::Bf16.run(|| (Compute::precision(), Compute::F32.run(Compute::precision)));
        assert_eq!(inside, (Precision::Bf16, Precision::F32));
        assert_eq!(Compute::precision(), Precision::F32);
        let panicked = std::panic::catch_unwind(|| Compute::Bf16.run(|| panic!("on purpose")));
        assert!(panicked.is_err() && Compute::precision() == Precision::F32);
    }

    #[test]
    fn in_bf16_values_and_gradients_are_off_by_a_rounding_of_operands_and_sum() {
        let random = |shape| Tensor::randn(0f64, 1.0, shape, &Device::Cpu).unwrap();
        let (x, w, direction) = (random((19, 50)), random((50, 23)), random((19, 23)));
        let run = |dtype, map: &dyn Fn(&Tensor, &Tensor) -> candle_core::Result<Tensor>| {
            let [x, w] = [&x, &w].map(|x| Var::from_tensor(&x.to_dtype(dtype).unwrap()).unwrap());
            let y = map(&x, &w).unwrap();
            let sum = y.mul(&direction.to_dtype(dtype).unwrap()).unwrap().sum_all().unwrap();
            let store = sum.backward().unwrap();
            let of = |v: &Var| store.get(v).expect("a gradient").clone();
            [y.detach(), of(&x), of(&w)]
        };
        let exact = run(DType::F64, &|x, w| x.matmul(w));
        let found = run(DType::F32, &in_bf16);
        let size = |x: &Tensor| x.abs().unwrap();
        let (x, w, d) = (size(&x), size(&w), size(&direction));
        let sizes = [
            x.matmul(&w).unwrap(),
            d.matmul(&w.t().unwrap()).unwrap(),
            x.t().unwrap().matmul(&d).unwrap(),
        ];
        let list = |x: &Tensor| -> Vec<f64> {
            let wide = x.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
            wide.to_vec1().unwrap()
        };
        let mut rounded = false;
        for ((found, exact), size) in found.iter().zip(&exact).zip(&sizes) {
            assert_eq!(found.dtype(), DType::F32, "master weights get their gradients in f32");
            for ((f, e), s) in list(found).into_iter().zip(list(exact)).zip(list(size)) {
                // Two operands and a sum are off by 2⁻⁹ each; the slack is for products of these.
                assert!((f - e).abs() <= 3.02 * 2f64.powi(-9) * s, "{f} is not {e}");
                rounded |= (f - e).abs() > 1e-4 * s;
            }
        }
        assert!(rounded, "nothing was rounded to bf16");
    }
}
