//! [`Nccl`]: sums of tensors that stay on their GPUs.

use crate::LlmError;
use candle_core::cuda_backend::CudaStorageSlice as Slice;
use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::cuda_backend::cudarc::nccl::result::NcclError;
use candle_core::cuda_backend::cudarc::nccl::safe::{Comm, Id, NcclType, ReduceOp};
use candle_core::{CpuStorage, CudaStorage, Device, Error, InplaceOp1, Layout, Tensor};
use ranks::{Ranks, RanksError};
use std::fmt;
use std::ops::Range;

/// NCCL's connection of the ranks' GPUs. It adds in an order of its own, which is the same on all
/// ranks.
pub(super) struct Nccl(Comm);

impl Nccl {
    /// The connection of these ranks, each with a device of its own; `None` where this is one rank,
    /// or none of CUDA. Collective.
    ///
    /// # Errors
    /// [`LlmError::Ranks`]; [`LlmError::Tensor`] when NCCL does not start.
    pub fn start(ranks: &Ranks, device: &Device) -> Result<Option<Self>, LlmError> {
        let Device::Cuda(device) = device else { return Ok(None) };
        if ranks.size() == 1 {
            return Ok(None);
        }
        let mut id = Vec::new();
        if ranks.is_first() {
            id = Id::new().map_err(failed)?.internal().iter().map(|&byte| byte as u8).collect();
        }
        let first = ranks.gather(&id)?.swap_remove(0);
        let mut internal = [0; 128];
        if first.len() != internal.len() {
            return Err(RanksError::Unlike { rank: 0 }.into());
        }
        internal.iter_mut().zip(first).for_each(|(to, byte)| *to = byte as _);
        let id = Id::uninit(internal);
        let comm = Comm::from_rank(device.cuda_stream(), ranks.rank(), ranks.size(), id);
        Ok(Some(Self(comm.map_err(failed)?)))
    }

    /// The sum over all ranks, in the place of a contiguous tensor. Collective.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn sum(&self, x: Tensor) -> Result<Tensor, LlmError> {
        x.inplace_op1(self)?;
        Ok(x)
    }

    fn reduce<T: NcclType>(
        &self,
        slice: &mut CudaSlice<T>,
        part: Range<usize>,
    ) -> candle_core::Result<()> {
        let part = &mut slice.slice_mut(part);
        self.0.all_reduce_in_place(part, &ReduceOp::Sum).map(|_| ()).map_err(failed)
    }
}

impl InplaceOp1 for Nccl {
    fn name(&self) -> &'static str {
        "sum over ranks"
    }

    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        Err(Error::Msg("NCCL sums tensors of GPUs only".into()))
    }

    fn cuda_fwd(&self, x: &mut CudaStorage, layout: &Layout) -> candle_core::Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(Error::RequiresContiguous { op: "sum over ranks" });
        };
        match &mut x.slice {
            Slice::F32(slice) => self.reduce(slice, start..end),
            Slice::F64(slice) => self.reduce(slice, start..end),
            Slice::BF16(slice) => self.reduce(slice, start..end),
            Slice::F16(slice) => self.reduce(slice, start..end),
            _ => Err(Error::Msg("gradients are floating-point numbers".into())),
        }
    }
}

impl fmt::Debug for Nccl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {} by NCCL", self.0.rank(), self.0.world_size())
    }
}

fn failed(error: NcclError) -> Error {
    Error::Msg(format!("NCCL: {error:?}"))
}
