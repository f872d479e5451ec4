//! [`Parameters`]: tensors taken from files by name and shape, as variables where they are trained.

use super::random::Draw;
use crate::LlmError;
use crate::weights::Weights;
use candle_core::{DType, Device, Tensor, Var};
use std::collections::BTreeMap;

/// Whether a model's tensors receive gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every tensor is a variable.
    Trainable,
    /// No gradient is tracked.
    Frozen,
}

/// Where tensors come from.
pub(super) enum Source<'a> {
    /// Files, which may hold anything.
    Files(&'a dyn Weights),
    /// Nowhere: they are drawn.
    Drawn(Draw),
}

impl Source<'_> {
    /// Whether there is a tensor of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        match self {
            Self::Files(weights) => weights.contains(name),
            Self::Drawn(_) => true,
        }
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, LlmError> {
        let weights = match self {
            Self::Drawn(draw) => return draw.tensor(name, shape),
            Self::Files(weights) => weights,
        };
        let found = weights.shape(name)?;
        if found != shape {
            let expected = shape.into();
            return Err(LlmError::TensorShape { tensor: name.into(), found, expected });
        }
        weights.load(name)
    }
}

/// The tensors of a model while it is put together.
pub(super) struct Parameters<'a> {
    pub(super) source: Source<'a>,
    /// What the names in the files start with.
    pub(super) prefix: &'static str,
    pub(super) dtype: DType,
    pub(super) device: &'a Device,
    pub(super) mode: Mode,
    pub(super) taken: BTreeMap<String, Tensor>,
}

impl Parameters<'_> {
    /// The tensor `name` after the prefix, which must have this shape.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, LlmError> {
        let prefix = self.prefix;
        self.take_exactly(&format!("{prefix}{name}"), shape)
    }

    /// The tensor with exactly this name and shape.
    pub(super) fn take_exactly(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, LlmError> {
        let tensor = self.source.tensor(name, shape)?;
        let tensor = tensor.to_dtype(self.dtype)?.to_device(self.device)?;
        let tensor = match self.mode {
            Mode::Trainable => Var::from_tensor(&tensor)?.into_inner(),
            Mode::Frozen => tensor,
        };
        self.taken.insert(name.into(), tensor.clone());
        Ok(tensor)
    }
}
