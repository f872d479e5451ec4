//! x W + b.

use super::Parameters;
use crate::LlmError;
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

    /// Shapes: [M, in] → [M, out].
    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y =
            if self.input_first { x.matmul(&self.weight)? } else { x.matmul(&self.weight.t()?)? };
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}
