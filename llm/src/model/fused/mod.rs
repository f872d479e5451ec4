//! Second implementations of what a model computes most often, for f32 on the processor, each in
//! one pass over memory and with a backward pass of its own: it keeps what it was given and
//! nothing else, and computes the rest again. The definitions are beside their uses; tests compare
//! values and gradients.
//!
//! | file | what |
//! |---|---|
//! | `linear` | x Wᵀ, to which something may be added |
//! | `look_up` | rows of a table |
//! | `norm` | root-mean-square norm and layer norm |
//! | `turn` | rotary positions |
//! | `gate` | the maps of a gate, silu(x) · y, and the map that follows it |
//! | `softmax` | of scores with a bias |
//! | `attend`, `heads` | rotary positions, scores, softmax and mixture, one head at a time |
//!
//! What works in place has no backward pass and is for what is not trained ([`frozen`]).

mod attend;
mod gate;
mod heads;
mod linear;
mod look_up;
mod norm;
mod softmax;
mod turn;

pub(super) use attend::Attend;
pub(super) use gate::{gate_and_up, gated_down};
pub(super) use linear::{linear, linear_added};
pub(super) use look_up::look_up;
pub(super) use norm::{layer_norm, root_mean_square};
pub(super) use softmax::softmax;
pub(super) use turn::turn;

use crate::flat::is_flat;
use candle_core::Tensor;

/// Whether tensors may take the short way.
pub(super) fn applies(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|x| is_flat(x))
}

/// Whether they may take the short way in place: nothing is trained.
pub(super) fn frozen(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|x| is_flat(x) && !x.track_op())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flat::is_flat;
    use candle_core::{DType, Device, Result, Shape, Tensor, Var};

    pub(super) const CPU: Device = Device::Cpu;

    pub(super) fn random(shape: impl Into<Shape>) -> Tensor {
        Tensor::randn(0f32, 1.0, shape, &CPU).unwrap()
    }

    /// The largest distance of two tensors in roundings of f32, beside numbers of size `scale`.
    pub(super) fn roundings(a: &Tensor, b: &Tensor, scale: f32) -> f32 {
        assert_eq!(a.dims(), b.dims());
        let distance = a.sub(b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        distance.to_scalar::<f32>().unwrap() / (f32::EPSILON * scale)
    }

    /// The value of `f` and its gradients along a random direction of the result, at `x`.
    fn with_gradients(
        x: &[Tensor],
        direction: &Tensor,
        f: &dyn Fn(&[Tensor]) -> Result<Tensor>,
    ) -> Vec<Tensor> {
        let variables: Vec<Var> = x.iter().map(|x| Var::from_tensor(x).unwrap()).collect();
        // Not the variables themselves: what comes from elsewhere in a graph has an operation.
        let given: Vec<Tensor> = variables.iter().map(|v| v.affine(1.0, 0.0).unwrap()).collect();
        let y = f(&given).unwrap();
        let direction = direction.to_dtype(y.dtype()).unwrap();
        let store = y.mul(&direction).unwrap().sum_all().unwrap().backward().unwrap();
        let gradient = |v: &Var| store.get(v).expect("a gradient").clone();
        std::iter::once(y.detach()).chain(variables.iter().map(gradient)).collect()
    }

    /// Compares value and gradients of a short way in f32 with those of the definition in f64. The
    /// distance may be `operations` roundings of the size of the largest number of each tensor.
    pub(super) fn assert_same(
        x: &[Tensor],
        operations: f32,
        short: impl Fn(&[Tensor]) -> Result<Tensor>,
        definition: impl Fn(&[Tensor]) -> Result<Tensor>,
    ) {
        let direction = random(short(x).unwrap().shape());
        let wide: Vec<Tensor> = x.iter().map(|x| x.to_dtype(DType::F64).unwrap()).collect();
        let found = with_gradients(x, &direction, &short);
        let expected = with_gradients(&wide, &direction, &definition);
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!(is_flat(found), "part {i}");
            let expected = expected.to_dtype(DType::F32).unwrap();
            let largest = expected.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            let scale = largest.to_scalar::<f32>().unwrap();
            let distance = roundings(found, &expected, scale);
            assert!(distance <= operations, "part {i}: {distance} roundings");
        }
    }

    #[test]
    fn what_is_trained_is_not_changed_in_place() {
        let x = random((2, 3));
        let variable = Var::from_tensor(&x).unwrap();
        assert!(frozen(&[&x]) && applies(&[&x]));
        assert!(!frozen(&[&x, variable.as_tensor()]) && applies(&[&x, variable.as_tensor()]));
        assert!(!frozen(&[&variable.exp().unwrap()]));
        assert!(!applies(&[&x.to_dtype(DType::F64).unwrap()]));
        assert!(!applies(&[&x.t().unwrap()]));
    }
}
