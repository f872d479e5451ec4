//! Layer norm and root-mean-square norm, from operations that have a gradient.

use super::Parameters;
use super::fused;
use crate::LlmError;
use crate::config::{ModelConfig, NormKind};
use candle_core::{D, DType, Tensor};

/// A norm over the last dimension.
#[derive(Debug, Clone)]
pub(super) struct Norm {
    kind: NormKind,
    weight: Tensor,
    bias: Option<Tensor>,
    epsilon: f64,
}

impl Norm {
    pub(super) fn load(
        parameters: &mut Parameters,
        name: &str,
        config: &ModelConfig,
    ) -> Result<Self, LlmError> {
        let width = [config.hidden_width];
        let weight = parameters.take(&format!("{name}.weight"), &width)?;
        let bias = match config.norm {
            NormKind::Layer => Some(parameters.take(&format!("{name}.bias"), &width)?),
            NormKind::RootMeanSquare => None,
        };
        Ok(Self { kind: config.norm, weight, bias, epsilon: config.norm_epsilon })
    }

    /// Shapes: [M, H] → [M, H].
    pub(super) fn forward(&self, x_mh: &Tensor) -> candle_core::Result<Tensor> {
        match &self.bias {
            None if fused::applies(&[x_mh, &self.weight]) => {
                fused::root_mean_square(x_mh, &self.weight, self.epsilon)
            }
            Some(bias) if fused::applies(&[x_mh, &self.weight, bias]) => {
                fused::layer_norm(x_mh, &self.weight, bias, self.epsilon)
            }
            _ => self.definition(x_mh),
        }
    }

    /// A norm without a file: of layers where it has a bias.
    #[cfg(test)]
    pub(super) fn of(weight: Tensor, bias: Option<Tensor>, epsilon: f64) -> Self {
        let kind = if bias.is_some() { NormKind::Layer } else { NormKind::RootMeanSquare };
        Self { kind, weight, bias, epsilon }
    }

    /// Squares are summed in f32 where the type is narrower.
    pub(super) fn definition(&self, x_mh: &Tensor) -> candle_core::Result<Tensor> {
        let dtype = x_mh.dtype();
        let wide = match dtype {
            DType::F16 | DType::BF16 => x_mh.to_dtype(DType::F32)?,
            _ => x_mh.clone(),
        };
        let centred = match self.kind {
            NormKind::Layer => wide.broadcast_sub(&wide.mean_keepdim(D::Minus1)?)?,
            NormKind::RootMeanSquare => wide,
        };
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let unit = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?.to_dtype(dtype)?;
        let scaled = unit.broadcast_mul(&self.weight)?;
        match &self.bias {
            Some(bias) => scaled.broadcast_add(bias),
            None => Ok(scaled),
        }
    }
}
