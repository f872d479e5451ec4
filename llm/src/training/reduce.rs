//! [`Reduction`]: tensors summed over ranks.

#[cfg(feature = "nccl")]
use super::nccl::Nccl;
use crate::LlmError;
use candle_core::{DType, Device, Tensor};
use ranks::Ranks;

/// How tensors are summed over ranks: through main memory, or from GPU to GPU by NCCL.
#[derive(Debug)]
pub(super) struct Reduction {
    ranks: Ranks,
    #[cfg(feature = "nccl")]
    nccl: Option<Nccl>,
}

impl Reduction {
    /// One rank: every sum is there already.
    pub fn alone() -> Self {
        Self {
            ranks: Ranks::alone(),
            #[cfg(feature = "nccl")]
            nccl: None,
        }
    }

    /// Over these ranks, of tensors on this device. Collective.
    ///
    /// # Errors
    /// [`LlmError::Ranks`]; [`LlmError::Tensor`] when NCCL does not start.
    #[cfg_attr(not(feature = "nccl"), expect(unused_variables))]
    pub fn over(ranks: &Ranks, device: &Device) -> Result<Self, LlmError> {
        Ok(Self {
            ranks: ranks.clone(),
            #[cfg(feature = "nccl")]
            nccl: Nccl::start(ranks, device)?,
        })
    }

    /// The ranks.
    pub fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    /// The sum over all ranks of a tensor of one dimension, of the same type on the same device.
    /// Collective.
    ///
    /// # Errors
    /// [`LlmError::Ranks`], [`LlmError::Tensor`].
    pub fn sum(&self, x: Tensor) -> Result<Tensor, LlmError> {
        #[cfg(feature = "nccl")]
        if let Some(nccl) = &self.nccl {
            return nccl.sum(x);
        }
        let length = x.elem_count();
        let sum = if x.dtype() == DType::F64 {
            let mut numbers = x.to_vec1::<f64>()?;
            self.ranks.sum(&mut numbers)?;
            Tensor::from_vec(numbers, length, &Device::Cpu)?
        } else {
            let mut numbers = x.to_dtype(DType::F32)?.to_vec1::<f32>()?;
            self.ranks.sum(&mut numbers)?;
            Tensor::from_vec(numbers, length, &Device::Cpu)?
        };
        Ok(sum.to_device(x.device())?.to_dtype(x.dtype())?)
    }
}
