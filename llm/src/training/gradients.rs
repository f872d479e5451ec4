//! [`Gradients`]: of a loss with respect to each variable, summed over the parts of a batch.

use super::reduce::Reduction;
use crate::LlmError;
use crate::flat::{is_flat, lend, values, values_mut};
use crate::sums;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, InplaceOp1, InplaceOp2, Layout, Tensor, Var};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Gradients by the name of their variable.
///
/// The parts of a batch are added one by one, in place where they are f32 in main memory. Sums run
/// in an order of their own, never in that in which threads finish: the same parts give the same
/// bits.
#[derive(Debug, Default)]
pub struct Gradients(BTreeMap<String, Tensor>);

/// How many numbers are summed over ranks together, unless one gradient has more.
const BUCKET: usize = 1 << 20;

/// How many numbers a thread takes at a time.
const CHUNK: usize = 1 << 14;

impl Gradients {
    /// No gradients yet: all are zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what backpropagation found for `variables`; one that it did not reach has gradient
    /// zero.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn add(
        &mut self,
        variables: &BTreeMap<String, Var>,
        mut store: GradStore,
    ) -> Result<(), LlmError> {
        for (name, variable) in variables {
            let Some(gradient) = store.remove(variable) else { continue };
            let gradient = gradient.detach().contiguous()?;
            match self.0.entry(name.clone()) {
                Entry::Vacant(place) => {
                    place.insert(gradient);
                }
                Entry::Occupied(mut sum) => {
                    if is_flat(sum.get()) && is_flat(&gradient) {
                        sum.get().inplace_op2(&gradient, &Add)?;
                    } else {
                        let total = sum.get().add(&gradient)?;
                        sum.insert(total);
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts the sum over all ranks in the place of each gradient. Collective.
    ///
    /// Small gradients travel together, in the order of their names.
    ///
    /// # Errors
    /// [`LlmError::Ranks`], [`LlmError::Tensor`].
    pub(super) fn sum(
        &mut self,
        variables: &BTreeMap<String, Var>,
        reduction: &Reduction,
    ) -> Result<(), LlmError> {
        if reduction.ranks().size() == 1 {
            return Ok(());
        }
        // NCCL knows of nobody who has failed: here they are told.
        reduction.ranks().meet()?;
        let (mut bucket, mut numbers) = (Vec::new(), 0);
        for (name, variable) in variables {
            // Another rank may have one where this one has none.
            let gradient = match self.0.remove(name) {
                Some(gradient) => gradient,
                None => variable.as_tensor().zeros_like()?,
            };
            numbers += gradient.elem_count();
            bucket.push((name, gradient));
            if numbers >= BUCKET {
                self.sum_bucket(std::mem::take(&mut bucket), reduction)?;
                numbers = 0;
            }
        }
        self.sum_bucket(bucket, reduction)
    }

    fn sum_bucket(
        &mut self,
        bucket: Vec<(&String, Tensor)>,
        reduction: &Reduction,
    ) -> Result<(), LlmError> {
        let flat = |(_, gradient): &(&String, Tensor)| gradient.flatten_all();
        let flat = bucket.iter().map(flat).collect::<candle_core::Result<Vec<Tensor>>>()?;
        let sums = match &flat[..] {
            [] => return Ok(()),
            [one] => reduction.sum(one.clone())?,
            several => reduction.sum(Tensor::cat(several, 0)?)?,
        };
        let mut start = 0;
        for (name, gradient) in bucket {
            let count = gradient.elem_count();
            let sum = sums.narrow(0, start, count)?.reshape(gradient.shape())?;
            self.0.insert(name.clone(), sum);
            start += count;
        }
        Ok(())
    }

    /// Adds the gradient of `loss` with respect to `variables`.
    ///
    /// What [`Self::add`] does after backpropagation, with less memory: gradients of weights go
    /// straight into the sums here, and what an operation of the model returned is gone when it has
    /// been propagated through. No tensor of the model's graph may be read afterwards.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn add_of(
        &mut self,
        variables: &BTreeMap<String, Var>,
        loss: &Tensor,
    ) -> Result<(), LlmError> {
        let flat = variables.iter().filter(|(_, variable)| is_flat(variable));
        let sum = |(name, variable): (&String, &Var)| (variable.id(), self.0.get(name).cloned());
        let (store, mut sums) = sums::with(flat.map(sum).collect(), || loss.backward())?;
        for (name, variable) in variables {
            if let Some(sum) = sums.remove(&variable.id()).flatten() {
                self.0.insert(name.clone(), sum);
            }
        }
        self.add(variables, store)
    }

    /// The gradient of a variable; `None` is zero.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// ‖g‖ = √(Σ gᵢ²) over all entries of all gradients; NaN or infinite when an entry is.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn norm(&self) -> Result<f64, LlmError> {
        let squares = self.0.values().map(squares).collect::<candle_core::Result<Vec<f64>>>()?;
        Ok(squares.iter().sum::<f64>().sqrt())
    }

    /// Multiplies all gradients by a number.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn scale(&mut self, factor: f64) -> Result<(), LlmError> {
        for gradient in self.0.values_mut() {
            if is_flat(gradient) {
                gradient.inplace_op1(&Scale(factor as f32))?;
            } else {
                *gradient = gradient.affine(factor, 0.0)?;
            }
        }
        Ok(())
    }

    /// Shortens the gradient to the norm `largest` where it is longer; returns the norm before.
    ///
    /// A norm that is not finite changes nothing: no factor would help.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn clip(&mut self, largest: f64) -> Result<f64, LlmError> {
        let norm = self.norm()?;
        if norm.is_finite() && norm > largest {
            self.scale(largest / norm)?;
        }
        Ok(norm)
    }
}

/// Σ xᵢ² in f64; on devices and in types without a short way, in what they have.
fn squares(x: &Tensor) -> candle_core::Result<f64> {
    if is_flat(x) {
        // Chunks are summed wherever, their sums in order.
        let parts: Vec<f64> = lend(x).values()?.par_chunks(CHUNK).map(chunk_squares).collect();
        return Ok(parts.iter().sum());
    }
    let wide = match x.dtype() {
        DType::F16 | DType::BF16 => x.to_dtype(DType::F32)?,
        _ => x.clone(),
    };
    wide.sqr()?.sum_all()?.to_device(&candle_core::Device::Cpu)?.to_dtype(DType::F64)?.to_scalar()
}

/// Eight sums side by side, which the processor adds at once.
fn chunk_squares(x: &[f32]) -> f64 {
    let (eights, rest) = x.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for eight in eights {
        for (sum, &x) in sums.iter_mut().zip(eight) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    let rest: f64 = rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    sums.iter().sum::<f64>() + rest
}

/// x + y in place of x.
struct Add;

impl InplaceOp2 for Add {
    fn name(&self) -> &'static str {
        "add in place"
    }

    fn cpu_fwd(
        &self,
        x: &mut CpuStorage,
        x_shape: &Layout,
        y: &CpuStorage,
        y_shape: &Layout,
    ) -> candle_core::Result<()> {
        let (x, y) = (values_mut(x, x_shape)?, values(y, y_shape)?);
        let add = |(x, y): (&mut [f32], &[f32])| x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        x.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).for_each(add);
        Ok(())
    }
}

/// c x in place of x.
struct Scale(f32);

impl InplaceOp1 for Scale {
    fn name(&self) -> &'static str {
        "scale in place"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, shape: &Layout) -> candle_core::Result<()> {
        let scale = |x: &mut [f32]| x.iter_mut().for_each(|x| *x *= self.0);
        values_mut(x, shape)?.par_chunks_mut(CHUNK).for_each(scale);
        Ok(())
    }
}
