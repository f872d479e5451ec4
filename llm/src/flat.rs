//! The numbers of a tensor that lies in main memory in one piece, for code that goes over them
//! itself.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, DType, Error, Layout, Result, Storage, StorageRef, Tensor};
use kernels::{Effect, Machine, Matrix, Precision};
use rayon::prelude::*;

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

    /// All that is stored, of which the tensor is a part, and where it lies in there.
    pub(crate) fn whole(&self) -> Result<(&CpuStorage, &Layout)> {
        Ok((self.storage()?, self.layout))
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
    a: (&CpuStorage, &Layout),
    b: (&CpuStorage, &Layout),
    precision: Precision,
) -> Result<Vec<f32>> {
    let (left, right) = (matrix(a)?, matrix(b)?);
    let ((m, k), (rows, n)) = (left.shape(), right.shape());
    if rows != k {
        return Err(unfit(a.1, b.1));
    }
    if by_kernels(precision) {
        return Ok(kernels::product(left, right, precision));
    }
    match a.0.matmul(b.0, (1, m, n, k), a.1, b.1)? {
        CpuStorage::F32(product) => Ok(product),
        other => Err(Error::UnsupportedDTypeForOp(other.dtype(), "matmul")),
    }
}

/// Puts that product behind what is there.
pub(crate) fn append_product(
    to: &mut Vec<f32>,
    a: (&CpuStorage, &Layout),
    b: (&CpuStorage, &Layout),
    precision: Precision,
) -> Result<()> {
    let (left, right) = (matrix(a)?, matrix(b)?);
    if left.shape().1 == right.shape().0 && by_kernels(precision) {
        kernels::append(to, left, right, precision);
    } else {
        to.extend(product(a, b, precision)?);
    }
    Ok(())
}

/// Whether products are computed by kernels of our own.
fn by_kernels(precision: Precision) -> bool {
    precision == Precision::Bf16 || Machine::at_hand(precision).is_fast()
}

/// Adds that product to `sum`.
pub(crate) fn add_product(
    sum: &mut [f32],
    a: (&CpuStorage, &Layout),
    b: (&CpuStorage, &Layout),
    precision: Precision,
) -> Result<()> {
    let (left, right) = (matrix(a)?, matrix(b)?);
    if left.shape().1 != right.shape().0 || left.shape().0 * right.shape().1 != sum.len() {
        return Err(unfit(a.1, b.1));
    }
    if by_kernels(precision) {
        kernels::multiply(left, right, sum, Effect::Add, precision);
    } else {
        add(sum, &product(a, b, precision)?);
    }
    Ok(())
}

/// Adds numbers to as many others.
pub(crate) fn add(sum: &mut [f32], x: &[f32]) {
    const CHUNK: usize = 1 << 14;
    let add = |(sum, x): (&mut [f32], &[f32])| sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
    sum.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(add);
}

/// The matrix that lies in storage as its layout says.
fn matrix<'a>((storage, layout): (&'a CpuStorage, &Layout)) -> Result<Matrix<'a>> {
    let (shape, steps) = (layout.shape().dims2()?, layout.stride());
    let values = storage.as_slice::<f32>()?.get(layout.start_offset()..);
    let matrix = values.and_then(|values| Matrix::new(values, shape, (steps[0], steps[1])));
    matrix.ok_or_else(|| unfit(layout, layout))
}

fn unfit(a: &Layout, b: &Layout) -> Error {
    let (lhs, rhs) = (a.shape().clone(), b.shape().clone());
    Error::ShapeMismatchBinaryOp { lhs, rhs, op: "matmul" }
}
