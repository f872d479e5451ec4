//! The numbers of a tensor that lies in main memory in one piece, for code that goes over them
//! itself.

use candle_core::{CpuStorage, DType, Error, Layout, Result, Storage, Tensor};

/// Whether a tensor is one piece of f32 in main memory.
pub(crate) fn is_flat(x: &Tensor) -> bool {
    x.dtype() == DType::F32 && x.device().is_cpu() && x.is_contiguous()
}

/// What lies in a contiguous tensor.
pub(crate) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        return Err(Error::RequiresContiguous { op: "fused" });
    };
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// The same, to be changed.
pub(crate) fn values_mut<'a>(
    storage: &'a mut CpuStorage,
    layout: &Layout,
) -> Result<&'a mut [f32]> {
    let offsets = layout.contiguous_offsets();
    match (storage, offsets) {
        (CpuStorage::F32(all), Some((start, end))) => Ok(&mut all[start..end]),
        _ => Err(Error::RequiresContiguous { op: "fused" }),
    }
}

/// What `f` makes of the numbers of a flat tensor.
pub(crate) fn read<T>(x: &Tensor, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(f(values(storage, layout)?)),
        _ => Err(Error::RequiresContiguous { op: "read" }),
    }
}
