//! The numbers of a tensor that lies in main memory in one piece, for code that goes over them
//! itself.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, DType, Error, Layout, Result, Storage, StorageRef, Tensor};

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

/// A flat tensor that is being read.
pub(crate) struct Lent<'a> {
    storage: StorageRef<'a>,
    layout: &'a Layout,
}

/// Lends the numbers of a flat tensor.
pub(crate) fn lend(x: &Tensor) -> Lent<'_> {
    let (storage, layout) = x.storage_and_layout();
    Lent { storage, layout }
}

impl Lent<'_> {
    /// The numbers; an error when the tensor is not flat.
    pub(crate) fn values(&self) -> Result<&[f32]> {
        values(self.storage()?, self.layout)
    }

    /// All that is stored, of which the tensor is a part.
    pub(crate) fn storage(&self) -> Result<&CpuStorage> {
        match &*self.storage {
            Storage::Cpu(storage) => Ok(storage),
            _ => Err(Error::RequiresContiguous { op: "fused" }),
        }
    }

    /// Where in the storage the tensor lies.
    pub(crate) fn layout(&self) -> &Layout {
        self.layout
    }
}

/// The product of two matrices that lie in storage as their layouts say.
///
/// Layouts may name any part of the storage, row by row or column by column.
pub(crate) fn product(
    a: &CpuStorage,
    a_shape: &Layout,
    b: &CpuStorage,
    b_shape: &Layout,
) -> Result<Vec<f32>> {
    let ((m, k), (rows, n)) = (a_shape.shape().dims2()?, b_shape.shape().dims2()?);
    // What is called here believes the layouts.
    let inside = |storage: &CpuStorage, layout: &Layout| -> Result<bool> {
        let steps = layout.dims().iter().zip(layout.stride());
        let last = steps.map(|(n, step)| n.saturating_sub(1) * step).sum::<usize>();
        Ok(layout.start_offset() + last < storage.as_slice::<f32>()?.len())
    };
    if rows != k || !inside(a, a_shape)? || !inside(b, b_shape)? {
        let (lhs, rhs) = (a_shape.shape().clone(), b_shape.shape().clone());
        return Err(Error::ShapeMismatchBinaryOp { lhs, rhs, op: "matmul" });
    }
    match a.matmul(b, (1, m, n, k), a_shape, b_shape)? {
        CpuStorage::F32(product) => Ok(product),
        other => Err(Error::UnsupportedDTypeForOp(other.dtype(), "matmul")),
    }
}
