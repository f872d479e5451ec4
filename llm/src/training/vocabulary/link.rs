//! A loss whose gradients are known already, as part of a graph.

use crate::sums;
use candle_core::{CpuStorage, CustomOp2, DType, Device, Layout, Result, Shape, Tensor};

/// The gradients of a loss, where something is trained behind them.
#[derive(Debug, Default)]
pub(super) struct Gradients {
    pub(super) hidden: Option<Tensor>,
    pub(super) head: Option<Tensor>,
}

/// A number with its gradients to the two tensors that it was computed from.
struct Known {
    loss: f64,
    dtype: DType,
    gradients: Gradients,
}

/// The loss as a tensor through which its gradients flow.
pub(super) fn join(
    hidden: &Tensor,
    head: &Tensor,
    loss: f64,
    gradients: Gradients,
) -> Result<Tensor> {
    if hidden.device().is_cpu() {
        return hidden.apply_op2(head, Known { loss, dtype: hidden.dtype(), gradients });
    }
    // Elsewhere a linear function with these gradients and this value.
    let mut sum = Tensor::zeros((), hidden.dtype(), hidden.device())?;
    for (x, gradient) in [(hidden, gradients.hidden), (head, gradients.head)] {
        if let Some(gradient) = gradient {
            sum = (sum + x.mul(&gradient)?.sum_all()?)?;
        }
    }
    let value = Tensor::new(loss as f32, hidden.device())?.to_dtype(hidden.dtype())?;
    &sum - (sum.detach() - value)?
}

impl CustomOp2 for Known {
    fn name(&self) -> &'static str {
        "known gradients"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let loss = match self.dtype {
            DType::F64 => CpuStorage::F64(vec![self.loss]),
            _ => CpuStorage::F32(vec![self.loss as f32]),
        };
        Ok((loss, ().into()))
    }

    fn bwd(
        &self,
        _: &Tensor,
        head: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // Not every device has doubles.
        let slope = slope.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let times = |gradient: &Tensor| {
            // The common case, without a pass over the gradient of the head.
            if slope == 1.0 { Ok(gradient.clone()) } else { gradient.affine(slope, 0.0) }
        };
        let hidden = self.gradients.hidden.as_ref().map(times).transpose()?;
        let of_head = self.gradients.head.as_ref().map(times).transpose()?;
        let rest = of_head.map(|of_head| sums::give(head, of_head)).transpose()?;
        Ok((hidden, rest.flatten()))
    }
}
