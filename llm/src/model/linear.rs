//! x W + b.

use super::Parameters;
use super::fused;
use crate::{Compute, LlmError};
use candle_core::Tensor;

/// A linear map with the weight as its file has it.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
    /// Whether the weight is [in, out], as GPT-2 has it, and not [out, in].
    input_first: bool,
}

impl Linear {
    /// The map `name`.weight [out, in], with `name`.bias [out] where it has one.
    pub(super) fn load(
        parameters: &mut Parameters,
        name: &str,
        (input, output): (usize, usize),
        bias: bool,
    ) -> Result<Self, LlmError> {
        let weight = parameters.take(&format!("{name}.weight"), &[output, input])?;
        let bias =
            if bias { Some(parameters.take(&format!("{name}.bias"), &[output])?) } else { None };
        Ok(Self { weight, bias, input_first: false })
    }

    /// The map of GPT-2: `name`.weight [in, out] and `name`.bias [out].
    pub(super) fn load_input_first(
        parameters: &mut Parameters,
        name: &str,
        (input, output): (usize, usize),
    ) -> Result<Self, LlmError> {
        let weight = parameters.take(&format!("{name}.weight"), &[input, output])?;
        let bias = Some(parameters.take(&format!("{name}.bias"), &[output])?);
        Ok(Self { weight, bias, input_first: true })
    }

    /// A map without a file or a bias.
    #[cfg(test)]
    pub(super) fn of(weight: Tensor) -> Self {
        Self { weight, bias: None, input_first: false }
    }

    /// Shapes: [M, in] → [M, out].
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = if self.short(&[x]) {
            fused::linear(x, &self.weight)?
        } else if self.input_first {
            Compute::times(x, &self.weight)?
        } else {
            Compute::times(x, &self.weight.t()?)?
        };
        self.with_bias(y)
    }

    /// The same with something added. Shapes: [M, in], [M, out] → [M, out].
    pub(super) fn forward_added(&self, x: &Tensor, added: &Tensor) -> candle_core::Result<Tensor> {
        if self.short(&[x, added]) {
            return self.with_bias(fused::linear_added(x, &self.weight, added)?);
        }
        added.add(&self.forward(x)?)
    }

    /// The weight [out, in], where the map is this and nothing else.
    pub(super) fn plain(&self) -> Option<&Tensor> {
        (!self.input_first && self.bias.is_none()).then_some(&self.weight)
    }

    fn short(&self, x: &[&Tensor]) -> bool {
        !self.input_first && fused::applies(&[&self.weight]) && fused::applies(x)
    }

    fn with_bias(&self, y: Tensor) -> candle_core::Result<Tensor> {
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}
