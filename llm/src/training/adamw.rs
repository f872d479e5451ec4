//! [`AdamW`]: Adam with decoupled weight decay.

use super::Gradients;
use crate::LlmError;
use crate::flat::{is_flat, values, values_mut};
use crate::weights::Weights;
use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Shape, Tensor, Var};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The numbers of AdamW that stay the same from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWSettings {
    /// How much of the first moment stays at each step, in [0, 1).
    pub beta1: f64,
    /// How much of the second moment stays at each step, in [0, 1).
    pub beta2: f64,
    /// What keeps the quotient finite; positive.
    pub epsilon: f64,
    /// How fast matrices decay, in units of the learning rate; not negative.
    pub weight_decay: f64,
}

impl Default for AdamWSettings {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 1e-6 }
    }
}

impl AdamWSettings {
    pub(super) fn check(&self) -> Result<(), LlmError> {
        let unit = |x: f64| (0.0..1.0).contains(&x);
        let checks = [
            ("beta1", self.beta1, unit(self.beta1), "at least 0 and less than 1"),
            ("beta2", self.beta2, unit(self.beta2), "at least 0 and less than 1"),
            ("epsilon", self.epsilon, self.epsilon > 0.0 && self.epsilon < 1.0, "between 0 and 1"),
            (
                "weight_decay",
                self.weight_decay,
                self.weight_decay >= 0.0 && self.weight_decay.is_finite(),
                "a number of at least 0",
            ),
        ];
        match checks.into_iter().find(|&(_, _, good, _)| !good) {
            Some((setting, value, _, range)) => Err(LlmError::Setting { setting, value, range }),
            None => Ok(()),
        }
    }
}

/// AdamW over the variables of a model, with their moments.
///
/// ```text
/// m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²
/// w ← (1 − η λ) w − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
///
/// with learning rate η, weight decay λ and t the number of the step, from 1. Weights decay only
/// where they are matrices: norms and biases, of one dimension, keep their size. A variable without
/// a gradient has gradient zero: its moments fade and it still moves by them.
///
/// Moments are f32, f64 for variables in f64. Where a variable is f32 in main memory, a step is one
/// pass over weights, gradient and moments that allocates nothing. The same steps give the same
/// bits, on any number of threads.
///
/// Source: Loshchilov and Hutter, arXiv 1711.05101, in the form of PyTorch's `AdamW`.
#[derive(Debug)]
pub struct AdamW {
    variables: BTreeMap<String, (Var, Moments)>,
    settings: AdamWSettings,
    steps: u64,
}

/// The means of the gradient and of its square that fade over the steps.
#[derive(Debug)]
enum Moments {
    /// For f32 in main memory.
    Flat {
        first: Vec<f32>,
        second: Vec<f32>,
    },
    Tensors {
        first: Tensor,
        second: Tensor,
    },
}

/// What a moment is called after the name of its variable.
const FIRST: &str = "first_moment";
const SECOND: &str = "second_moment";

/// How many numbers a thread takes at a time.
const CHUNK: usize = 1 << 14;

impl AdamW {
    /// No steps yet: all moments are zero.
    ///
    /// # Errors
    /// [`LlmError::Setting`] for settings out of range, [`LlmError::Tensor`].
    pub fn new(
        variables: &BTreeMap<String, Var>,
        settings: AdamWSettings,
    ) -> Result<Self, LlmError> {
        settings.check()?;
        let with_moments = |(name, variable): (&String, &Var)| {
            Ok((name.clone(), (variable.clone(), Moments::zero(variable)?)))
        };
        let variables = variables.iter().map(with_moments).collect::<Result<_, LlmError>>()?;
        Ok(Self { variables, settings, steps: 0 })
    }

    /// Moves all variables by one step.
    ///
    /// # Errors
    /// [`LlmError::Setting`] for a learning rate that is negative or not finite,
    /// [`LlmError::TensorShape`] when a gradient has another shape than its variable,
    /// [`LlmError::Tensor`].
    pub fn step(&mut self, gradients: &Gradients, learning_rate: f64) -> Result<(), LlmError> {
        if !(learning_rate.is_finite() && learning_rate >= 0.0) {
            let (setting, range) = ("learning rate", "a number of at least 0");
            return Err(LlmError::Setting { setting, value: learning_rate, range });
        }
        for (name, (variable, _)) in &self.variables {
            if let Some(gradient) = gradients.get(name) {
                expect_shape(name, gradient.dims(), variable)?;
            }
        }
        self.steps += 1;
        for (name, (variable, moments)) in &mut self.variables {
            let update = Update::new(&self.settings, self.steps, learning_rate, variable.rank());
            match gradients.get(name) {
                Some(gradient) => moments.step(variable, gradient, &update)?,
                None => moments.step(variable, &variable.zeros_like()?, &update)?,
            }
        }
        Ok(())
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// A copy of both moments of every variable: `NAME.first_moment`, `NAME.second_moment`.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>, LlmError> {
        let mut state = BTreeMap::new();
        for (name, (variable, moments)) in &self.variables {
            let (first, second) = moments.tensors(variable.shape())?;
            state.insert(format!("{name}.{FIRST}"), first);
            state.insert(format!("{name}.{SECOND}"), second);
        }
        Ok(state)
    }

    /// Goes on from a state after `steps` steps, bit by bit as if it had never stopped.
    ///
    /// # Errors
    /// [`LlmError::MissingTensor`], [`LlmError::TensorShape`] and those of the weights; then
    /// nothing has changed.
    pub fn restore(&mut self, steps: u64, state: &dyn Weights) -> Result<(), LlmError> {
        let mut moments = Vec::with_capacity(self.variables.len());
        for (name, (variable, _)) in &self.variables {
            let load = |moment: &str| {
                let name = format!("{name}.{moment}");
                expect_shape(&name, &state.shape(&name)?, variable)?;
                state.load(&name)
            };
            moments.push(Moments::new(variable, &load(FIRST)?, &load(SECOND)?)?);
        }
        for ((_, place), moments) in self.variables.values_mut().zip(moments) {
            *place = moments;
        }
        self.steps = steps;
        Ok(())
    }
}

fn expect_shape(name: &str, found: &[usize], variable: &Var) -> Result<(), LlmError> {
    if found == variable.dims() {
        return Ok(());
    }
    let (found, expected) = (found.to_vec(), variable.dims().to_vec());
    Err(LlmError::TensorShape { tensor: name.into(), found, expected })
}

impl Moments {
    fn zero(variable: &Var) -> candle_core::Result<Self> {
        if is_flat(variable) {
            let zeros = || vec![0.0; variable.elem_count()];
            return Ok(Self::Flat { first: zeros(), second: zeros() });
        }
        let zeros = || Tensor::zeros(variable.shape(), wide(variable.dtype()), variable.device());
        Ok(Self::Tensors { first: zeros()?, second: zeros()? })
    }

    /// Moments from tensors of the shape of the variable.
    fn new(variable: &Var, first: &Tensor, second: &Tensor) -> candle_core::Result<Self> {
        if is_flat(variable) {
            let flat = |x: &Tensor| x.flatten_all()?.to_dtype(DType::F32)?.to_vec1();
            return Ok(Self::Flat { first: flat(first)?, second: flat(second)? });
        }
        let of = |x: &Tensor| x.to_dtype(wide(variable.dtype()))?.to_device(variable.device());
        Ok(Self::Tensors { first: of(first)?, second: of(second)? })
    }

    fn tensors(&self, shape: &Shape) -> candle_core::Result<(Tensor, Tensor)> {
        match self {
            Self::Flat { first, second } => {
                let tensor = |x: &[f32]| Tensor::from_slice(x, shape, &Device::Cpu);
                Ok((tensor(first)?, tensor(second)?))
            }
            Self::Tensors { first, second } => Ok((first.clone(), second.clone())),
        }
    }

    fn step(
        &mut self,
        variable: &Var,
        gradient: &Tensor,
        update: &Update,
    ) -> candle_core::Result<()> {
        match self {
            Self::Flat { first, second } => {
                let gradient = gradient.to_dtype(DType::F32)?.contiguous()?;
                let moments = RefCell::new((first.as_mut_slice(), second.as_mut_slice()));
                variable.inplace_op2(&gradient, &OnePass { moments, update })
            }
            Self::Tensors { first, second } => {
                let w = variable.as_detached_tensor().to_dtype(wide(variable.dtype()))?;
                let g = gradient.to_dtype(wide(variable.dtype()))?;
                let w = update.definition(&w, &g, (first, second))?;
                variable.set(&w.to_dtype(variable.dtype())?)
            }
        }
    }
}

/// The type in which a step is computed.
fn wide(dtype: DType) -> DType {
    if dtype == DType::F64 { DType::F64 } else { DType::F32 }
}

/// The numbers of one step for one variable.
struct Update {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    /// η λ, or 0 where weights do not decay.
    decay: f64,
    /// η / (1 − β₁ᵗ).
    rate: f64,
    /// 1 / √(1 − β₂ᵗ).
    spread: f64,
}

impl Update {
    fn new(settings: &AdamWSettings, step: u64, learning_rate: f64, rank: usize) -> Self {
        let AdamWSettings { beta1, beta2, epsilon, weight_decay } = *settings;
        let decay = if rank > 1 { weight_decay } else { 0.0 };
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        Self {
            beta1,
            beta2,
            epsilon,
            decay: learning_rate * decay,
            rate: learning_rate / correction(beta1),
            spread: correction(beta2).sqrt().recip(),
        }
    }

    /// The step in tensor operations: new weights, the moments in place of the old ones.
    fn definition(
        &self,
        w: &Tensor,
        g: &Tensor,
        (first, second): (&mut Tensor, &mut Tensor),
    ) -> candle_core::Result<Tensor> {
        *first = (first.affine(self.beta1, 0.0)? + g.affine(1.0 - self.beta1, 0.0)?)?;
        *second = (second.affine(self.beta2, 0.0)? + g.sqr()?.affine(1.0 - self.beta2, 0.0)?)?;
        let root = second.sqrt()?.affine(self.spread, self.epsilon)?;
        // Not (1 − η λ) w, which is w again where η λ is less than a rounding.
        w - (first.div(&root)?.affine(self.rate, 0.0)? + w.affine(self.decay, 0.0)?)?
    }
}

/// The step in one pass over weights, gradient and moments.
struct OnePass<'a> {
    moments: RefCell<(&'a mut [f32], &'a mut [f32])>,
    update: &'a Update,
}

impl InplaceOp2 for OnePass<'_> {
    fn name(&self) -> &'static str {
        "AdamW"
    }

    fn cpu_fwd(
        &self,
        w: &mut CpuStorage,
        w_shape: &Layout,
        g: &CpuStorage,
        g_shape: &Layout,
    ) -> candle_core::Result<()> {
        let (w, g) = (values_mut(w, w_shape)?, values(g, g_shape)?);
        let (first, second) = &mut *self.moments.borrow_mut();
        let u = self.update;
        let (beta1, beta2) = (u.beta1 as f32, u.beta2 as f32);
        let (rest1, rest2) = ((1.0 - u.beta1) as f32, (1.0 - u.beta2) as f32);
        let (epsilon, spread) = (u.epsilon as f32, u.spread as f32);
        let (decay, rate) = (u.decay as f32, u.rate as f32);
        let chunks = w.par_chunks_mut(CHUNK).zip(g.par_chunks(CHUNK));
        let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
        chunks.zip(moments).for_each(|((w, g), (first, second))| {
            for (((w, &g), m), v) in w.iter_mut().zip(g).zip(first).zip(second) {
                *m = beta1 * *m + rest1 * g;
                *v = beta2 * *v + rest2 * (g * g);
                *w -= rate * (*m / (v.sqrt() * spread + epsilon)) + decay * *w;
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Result;

    #[test]
    fn the_one_pass_is_the_definition() -> Result<()> {
        let random = |scale| Tensor::randn(0f32, scale, (123, 321), &Device::Cpu);
        let start = random(1.0)?;
        let (short, long) = (Var::from_tensor(&start)?, Var::from_tensor(&start)?);
        let mut flat = Moments::zero(&short)?;
        let zeros = start.zeros_like()?;
        let mut tensors = Moments::Tensors { first: zeros.clone(), second: zeros };
        assert!(matches!(flat, Moments::Flat { .. }));
        let settings = AdamWSettings { weight_decay: 0.5, ..Default::default() };
        let largest = |a: &Tensor, b: &Tensor| -> Result<f32> {
            a.sub(b)?.abs()?.flatten_all()?.max(0)?.to_scalar()
        };
        for step in 1..=5 {
            let (gradient, update) = (random(3.0)?, Update::new(&settings, step, 0.1, 2));
            flat.step(&short, &gradient, &update)?;
            tensors.step(&long, &gradient, &update)?;
            let roundings = step as f32 * f32::EPSILON;
            // Numbers up to 16 by at most eight operations a step.
            assert!(largest(&short, &long)? <= 16.0 * 8.0 * roundings);
            let (flat, tensors) = (flat.tensors(start.shape())?, tensors.tensors(start.shape())?);
            // Gradients up to 16, their squares up to 256, by three operations.
            assert!(largest(&flat.0, &tensors.0)? <= 16.0 * 3.0 * roundings);
            assert!(largest(&flat.1, &tensors.1)? <= 256.0 * 3.0 * roundings);
        }
        Ok(())
    }
}
