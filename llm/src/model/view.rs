//! The same weights without gradients.

use super::{Mode, Model};
use crate::LlmError;
use crate::weights::Weights;
use candle_core::Tensor;
use std::collections::BTreeMap;
use std::path::PathBuf;

impl Model {
    /// The model with the same weights, which are not copied: what training changes in this one
    /// changes in that one. No gradient is tracked, so that it can run for as long as one likes.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn frozen(&self) -> Result<Self, LlmError> {
        let weights = Detached(&self.tensors);
        let all = Self::new(self.config.clone(), &weights, self.dtype, &self.device, Mode::Frozen)?;
        all.within(self.choices())
    }

    /// Puts other numbers into the variables.
    ///
    /// # Errors
    /// [`LlmError::MissingTensor`], [`LlmError::TensorShape`]; those of the weights.
    pub fn set(&self, weights: &dyn Weights) -> Result<(), LlmError> {
        for (name, variable) in self.variables()? {
            let found = weights.shape(&name)?;
            if found != variable.dims() {
                let expected = variable.dims().to_vec();
                return Err(LlmError::TensorShape { tensor: name, found, expected });
            }
            let tensor = weights.load(&name)?.to_dtype(self.dtype)?.to_device(&self.device)?;
            variable.set(&tensor)?;
        }
        Ok(())
    }
}

/// The tensors of a model, as if they came from a file.
struct Detached<'a>(&'a BTreeMap<String, Tensor>);

impl Detached<'_> {
    fn tensor(&self, name: &str) -> Result<&Tensor, LlmError> {
        let missing =
            || LlmError::MissingTensor { path: PathBuf::from("the model"), tensor: name.into() };
        self.0.get(name).ok_or_else(missing)
    }
}

impl Weights for Detached<'_> {
    fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, LlmError> {
        Ok(self.tensor(name)?.dims().to_vec())
    }

    fn load(&self, name: &str) -> Result<Tensor, LlmError> {
        Ok(self.tensor(name)?.detach())
    }
}
