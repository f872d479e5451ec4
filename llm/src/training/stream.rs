//! Logits over the whole vocabulary and gradients through them, a few rows at a time and in the
//! precision of the linear maps: no tensor of all rows and the whole vocabulary ever exists.

use crate::Compute;
use crate::flat::{add_product, is_flat, lend, product};
use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp3, DType, Device, Layout, MetalStorage, Result, Shape,
    Storage, Tensor,
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
            let logits_cv = logits_cv.to_dtype(wide(&logits_cv))?;
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

/// An operation on hidden states, head and one number a row whose values are known already, on any
/// device; its gradient is still to come.
pub(super) struct Streamed<B> {
    /// The values, of [`known`] or in its type: \[R\].
    pub(super) value: Tensor,
    /// What the gradient is.
    pub(super) backward: B,
}

/// The gradient of a [`Streamed`] operation.
pub(super) trait Backward {
    /// The name of the operation.
    const NAME: &'static str;

    /// The gradients to hidden states, head and the numbers of the rows, none of them tracked.
    fn gradients(
        &self,
        given: [&Tensor; 3],
        value_r: &Tensor,
        slope_r: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)>;
}

impl<B: Backward + Send + Sync + 'static> Streamed<B> {
    /// Its values, with gradients. Shapes: hidden [R, E], head [V, E], by \[R\] → \[R\].
    pub(super) fn of(self, hidden_re: &Tensor, head_ve: &Tensor, by_r: &Tensor) -> Result<Tensor> {
        // A copy is one piece, whatever it was a part of.
        let value = self.value.detach().copy()?;
        hidden_re.apply_op3(head_ve, by_r, Self { value, ..self })
    }
}

/// The type of values that belong to hidden states: f32, of f64 f64.
pub(super) fn wide(hidden: &Tensor) -> DType {
    if hidden.dtype() == DType::F64 { DType::F64 } else { DType::F32 }
}

/// These values in that type, where the hidden states are.
pub(super) fn known(values: &[f64], hidden: &Tensor) -> Result<Tensor> {
    let values = Tensor::from_slice(values, values.len(), &Device::Cpu)?;
    values.to_dtype(wide(hidden))?.to_device(hidden.device())
}

/// `forward!(name, storage, device)`: the values as the outcome of the operation on that device.
macro_rules! forward {
    ($name:ident, $storage:ident, $device:ident) => {
        fn $name(
            &self,
            _: &$storage,
            _: &Layout,
            _: &$storage,
            _: &Layout,
            _: &$storage,
            _: &Layout,
        ) -> Result<($storage, Shape)> {
            let (storage, layout) = self.value.storage_and_layout();
            let Storage::$device(values) = &*storage else {
                candle_core::bail!("known values lie on another device than their hidden states")
            };
            Ok((values.try_clone(layout)?, layout.shape().clone()))
        }
    };
}

impl<B: Backward + Send + Sync> CustomOp3 for Streamed<B> {
    fn name(&self) -> &'static str {
        B::NAME
    }

    forward!(cpu_fwd, CpuStorage, Cpu);
    forward!(cuda_fwd, CudaStorage, Cuda);
    forward!(metal_fwd, MetalStorage, Metal);

    fn bwd(
        &self,
        hidden: &Tensor,
        head: &Tensor,
        by: &Tensor,
        value: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        // Detached, or what follows would be tracked in turn.
        let [hidden, head, by] = [hidden, head, by].map(Tensor::detach);
        self.backward.gradients([&hidden, &head, &by], &value.detach(), &slope.detach())
    }
}
