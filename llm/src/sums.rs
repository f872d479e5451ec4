//! Gradients of weights, added up in place while a loss is propagated back.
//!
//! candle adds every gradient into fresh zeros, which for a head that is also the embedding makes
//! three tensors of its size. While sums are open on this thread, an operation that has the gradient
//! of a weight adds it to the sum of that weight and tells candle of none.

use crate::flat::{self, lend};
use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Result, Tensor, TensorId};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// The sum of each variable, where there is something yet.
pub(crate) type Sums = HashMap<TensorId, Option<Tensor>>;

/// What is left for the end of a propagation.
type Later = Box<dyn FnOnce() -> Result<()>>;

thread_local! {
    static OPEN: RefCell<Option<Sums>> = const { RefCell::new(None) };
    static LATER: RefCell<Vec<Later>> = const { RefCell::new(Vec::new()) };
}

/// Closes the sums, whatever happens.
struct Closes;

impl Drop for Closes {
    fn drop(&mut self) {
        OPEN.take();
        LATER.take();
    }
}

/// What `f` gives, and the sums after it: gradients of their variables were added to them, as far
/// as operations know of sums.
pub(crate) fn with<R>(sums: Sums, f: impl FnOnce() -> Result<R>) -> Result<(R, Sums)> {
    OPEN.set(Some(sums));
    let _closes = Closes;
    let result = f()?;
    for work in LATER.take() {
        work()?;
    }
    Ok((result, OPEN.take().unwrap_or_default()))
}

/// Leaves a gradient of `weight` for the end, when what the graph kept is gone: `work` is to add it.
/// Whether that will happen: only where the weight has a sum.
pub(crate) fn later(weight: &Tensor, work: impl FnOnce() -> Result<()> + 'static) -> bool {
    let open = sum_of(weight).is_some();
    if open {
        LATER.with_borrow_mut(|later| later.push(Box::new(work)));
    }
    open
}

/// Whether sums are open on this thread.
pub(crate) fn are_open() -> bool {
    OPEN.with_borrow(Option::is_some)
}

/// The gradient of a weight: `first` computes it, `more` adds it to what it is given.
///
/// It is added to the sum of the weight where there is one, and returned where there is none.
pub(crate) fn add(
    weight: &Tensor,
    first: impl FnOnce() -> Result<Vec<f32>>,
    more: impl FnOnce(&mut [f32]) -> Result<()>,
) -> Result<Option<Tensor>> {
    let tensor = |values| Tensor::from_vec(values, weight.shape(), &Device::Cpu);
    match sum_of(weight) {
        None => Ok(Some(tensor(first()?)?)),
        Some(None) => Ok(begin(weight, tensor(first()?)?)),
        Some(Some(sum)) => {
            sum.inplace_op1(&Change(Cell::new(Some(more))))?;
            Ok(None)
        }
    }
}

/// The same for a gradient that is there already, and may become the sum.
pub(crate) fn give(weight: &Tensor, gradient: Tensor) -> Result<Option<Tensor>> {
    match sum_of(weight) {
        None => Ok(Some(gradient)),
        Some(None) => Ok(begin(weight, gradient)),
        Some(Some(sum)) => {
            let gradient = lend(&gradient);
            let gradient = gradient.values()?;
            let more = |sum: &mut [f32]| {
                flat::add(sum, gradient);
                Ok(())
            };
            sum.inplace_op1(&Change(Cell::new(Some(more))))?;
            Ok(None)
        }
    }
}

/// The sum of a weight: nothing where there is none, or nothing yet.
fn sum_of(weight: &Tensor) -> Option<Option<Tensor>> {
    OPEN.with_borrow(|open| open.as_ref()?.get(&weight.id()).cloned())
}

/// Begins the sum of a weight.
fn begin(weight: &Tensor, sum: Tensor) -> Option<Tensor> {
    OPEN.with_borrow_mut(|open| {
        if let Some(open) = open {
            open.insert(weight.id(), Some(sum));
        }
    });
    None
}

/// The result of an operation that was propagated through, while sums are open: whoever used it
/// came before, and its memory is free for what comes.
///
/// Not of views, whose memory belongs to another tensor.
pub(crate) fn let_go(result: &Tensor) -> Result<()> {
    if are_open() && !result.is_variable() { result.inplace_op1(&Empty) } else { Ok(()) }
}

/// A function of the numbers of a tensor.
struct Change<F>(Cell<Option<F>>);

impl<F: FnOnce(&mut [f32]) -> Result<()>> InplaceOp1 for Change<F> {
    fn name(&self) -> &'static str {
        "add a gradient"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        match self.0.take() {
            Some(change) => change(flat::values_mut(storage, layout)?),
            None => Ok(()),
        }
    }
}

/// Takes the numbers of a tensor away.
struct Empty;

impl InplaceOp1 for Empty {
    fn name(&self) -> &'static str {
        "let go"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> Result<()> {
        *storage = CpuStorage::F32(Vec::new());
        Ok(())
    }
}
