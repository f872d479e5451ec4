//! Logits over the whole vocabulary and gradients through them, a few rows at a time and in the
//! precision of the linear maps: no tensor of all rows and the whole vocabulary ever exists.

use crate::Compute;
use crate::flat::{add_product, is_flat, lend, product};
use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, DType, Device, MetalStorage, Result, Shape, Storage, Tensor,
};
use kernels::Precision;
use std::ops::Range;

/// Parts of so many rows.
pub(super) fn parts(rows: usize, chunk: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(chunk).map(move |start| start..rows.min(start + chunk))
}

/// Some of the rows.
pub(super) fn part(x: &Tensor, rows: &Range<usize>) -> Result<Tensor> {
    x.narrow(0, rows.start, rows.len())
}

/// The logits of some rows, without gradients; elsewhere than in main memory in the type of this
/// thread. Shapes: hidden [C, E], head [V, E] → [C, V].
pub(super) fn logits(hidden_ce: &Tensor, head_ve: &Tensor, precision: Precision) -> Result<Tensor> {
    let (hidden_ce, head_ev) = (hidden_ce.detach(), head_ve.detach().t()?);
    if !(is_flat(&hidden_ce) && is_flat(head_ve)) {
        return Compute::times(&hidden_ce, &head_ev);
    }
    let logits = product(lend(&hidden_ce).whole()?, lend(&head_ev).whole()?, precision)?;
    Tensor::from_vec(logits, (hidden_ce.dim(0)?, head_ev.dim(1)?), &Device::Cpu)
}

/// The gradients of hidden states and head, where `slopes` gives those of the logits of some rows,
/// [C, V] → [C, V], in f32 or f64. Shapes: hidden [R, E], head [V, E] → the same.
pub(super) fn gradients(
    hidden_re: &Tensor,
    head_ve: &Tensor,
    precision: Precision,
    chunk: usize,
    mut slopes: impl FnMut(&Tensor, &Range<usize>) -> Result<Tensor>,
) -> Result<(Tensor, Tensor)> {
    let (hidden_re, head_ve) = (hidden_re.detach(), head_ve.detach());
    let mut of_hidden = vec![hidden_re.narrow(0, 0, 0)?];
    let mut of_head = Sum::new(&hidden_re, &head_ve, precision)?;
    // Whoever asks for the gradient, it is that of the value.
    Compute::of(precision).run(|| {
        for rows in parts(hidden_re.dim(0)?, chunk) {
            let hidden_ce = part(&hidden_re, &rows)?;
            let logits_cv = logits(&hidden_ce, &head_ve, precision)?;
            let logits_cv = logits_cv.to_dtype(Known::dtype(&logits_cv))?;
            let slopes_cv = slopes(&logits_cv, &rows)?.contiguous()?;
            of_hidden.push(of_head.through(&slopes_cv, &head_ve)?);
            of_head.add(&slopes_cv, &hidden_ce)?;
        }
        Ok((Tensor::cat(&of_hidden, 0)?, of_head.done(&head_ve)?))
    })
}

/// The gradient of the head so far.
enum Sum {
    /// By the kernels, in f32.
    Flat(Vec<f32>, Precision),
    /// As candle multiplies.
    Plain(Tensor),
}

impl Sum {
    fn new(hidden_re: &Tensor, head_ve: &Tensor, precision: Precision) -> Result<Self> {
        if is_flat(hidden_re) && is_flat(head_ve) {
            return Ok(Self::Flat(vec![0.0; head_ve.elem_count()], precision));
        }
        Ok(Self::Plain(head_ve.zeros_like()?))
    }

    /// slopes · head, [C, E].
    fn through(&self, slopes_cv: &Tensor, head_ve: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain(_) => Compute::times(&slopes_cv.to_dtype(head_ve.dtype())?, head_ve),
            Self::Flat(_, precision) => {
                let of_hidden =
                    product(lend(slopes_cv).whole()?, lend(head_ve).whole()?, *precision)?;
                Tensor::from_vec(of_hidden, (slopes_cv.dim(0)?, head_ve.dim(1)?), &Device::Cpu)
            }
        }
    }

    /// Adds slopesᵀ · hidden.
    fn add(&mut self, slopes_cv: &Tensor, hidden_ce: &Tensor) -> Result<()> {
        match self {
            Self::Plain(sum) => {
                let slopes_vc = slopes_cv.to_dtype(hidden_ce.dtype())?.t()?;
                *sum = (&*sum + Compute::times(&slopes_vc, hidden_ce)?)?;
            }
            Self::Flat(sum, precision) => {
                let turned = slopes_cv.t()?;
                add_product(sum, lend(&turned).whole()?, lend(hidden_ce).whole()?, *precision)?;
            }
        }
        Ok(())
    }

    fn done(self, head_ve: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain(sum) => Ok(sum),
            Self::Flat(sum, _) => Tensor::from_vec(sum, head_ve.shape(), &Device::Cpu),
        }
    }
}

/// What an operation gives whose values are known already, \[R\], on any device.
#[derive(Debug)]
pub(super) struct Known(Tensor);

impl Known {
    /// These values, beside hidden states of the same device: in f32, of f64 in f64.
    pub(super) fn new(values: &[f64], beside: &Tensor) -> Result<Self> {
        let values = Tensor::from_slice(values, values.len(), &Device::Cpu)?;
        Self::of(&values.to_dtype(Self::dtype(beside))?.to_device(beside.device())?)
    }

    /// What this tensor holds.
    pub(super) fn of(values: &Tensor) -> Result<Self> {
        // A copy is one piece, whatever it was a part of.
        Ok(Self(values.detach().copy()?))
    }

    /// The type of values that belong to hidden states.
    pub(super) fn dtype(beside: &Tensor) -> DType {
        if beside.dtype() == DType::F64 { DType::F64 } else { DType::F32 }
    }

    /// Them as the outcome of an operation in main memory.
    pub(super) fn cpu(&self) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = self.0.storage_and_layout();
        let Storage::Cpu(values) = &*storage else { return Err(elsewhere()) };
        Ok((values.try_clone(layout)?, layout.shape().clone()))
    }

    /// The same on a GPU of NVIDIA.
    pub(super) fn cuda(&self) -> Result<(CudaStorage, Shape)> {
        let (storage, layout) = self.0.storage_and_layout();
        let Storage::Cuda(values) = &*storage else { return Err(elsewhere()) };
        Ok((values.try_clone(layout)?, layout.shape().clone()))
    }

    /// The same on a GPU of Apple.
    pub(super) fn metal(&self) -> Result<(MetalStorage, Shape)> {
        let (storage, layout) = self.0.storage_and_layout();
        let Storage::Metal(values) = &*storage else { return Err(elsewhere()) };
        Ok((values.try_clone(layout)?, layout.shape().clone()))
    }
}

fn elsewhere() -> candle_core::Error {
    candle_core::Error::Msg("known values lie on another device than their hidden states".into())
}
