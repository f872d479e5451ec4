//! The feed-forward part of a block.

use super::Parameters;
use super::fused;
use super::linear::Linear;
use crate::LlmError;
use crate::config::{Activation, Architecture, ModelConfig};
use candle_core::Tensor;

/// Up to the inner width, through a nonlinearity, and down again.
#[derive(Debug, Clone)]
pub(super) struct FeedForward {
    /// The projection that passes the nonlinearity.
    inner: Linear,
    /// What it gates, where it gates something.
    gated: Option<Linear>,
    down: Linear,
    activation: Activation,
}

impl FeedForward {
    pub(super) fn load(
        parameters: &mut Parameters,
        block: &str,
        config: &ModelConfig,
    ) -> Result<Self, LlmError> {
        let (hidden, inner) = (config.hidden_width, config.inner_width);
        let (up, down, bias) = ((hidden, inner), (inner, hidden), config.biases.feed_forward);
        let name = |part: &str| format!("{block}.{part}");
        let activation = config.activation;
        Ok(match config.architecture {
            Architecture::Gpt2 => Self {
                inner: Linear::load_input_first(parameters, &name("mlp.c_fc"), up)?,
                gated: None,
                down: Linear::load_input_first(parameters, &name("mlp.c_proj"), down)?,
                activation,
            },
            Architecture::Opt => Self {
                inner: Linear::load(parameters, &name("fc1"), up, bias)?,
                gated: None,
                down: Linear::load(parameters, &name("fc2"), down, bias)?,
                activation,
            },
            Architecture::Qwen2 | Architecture::Llama => Self {
                inner: Linear::load(parameters, &name("mlp.gate_proj"), up, bias)?,
                gated: Some(Linear::load(parameters, &name("mlp.up_proj"), up, bias)?),
                down: Linear::load(parameters, &name("mlp.down_proj"), down, bias)?,
                activation,
            },
        })
    }

    /// The result for `x`, added to `added`. Shapes: [M, H], [M, H] → [M, H].
    pub(super) fn forward_added(&self, x: &Tensor, added: &Tensor) -> candle_core::Result<Tensor> {
        if let Some(gated) = &self.gated {
            let plain = [self.inner.plain(), gated.plain(), self.down.plain()];
            if let [Some(inner), Some(gated), Some(down)] = plain
                && fused::applies(&[x, inner, gated, down, added])
            {
                let both_2mf = fused::gate_and_up(x, inner, gated)?;
                return fused::gated_down(&both_2mf, down, added);
            }
        }
        added.add(&self.definition(x)?)
    }

    /// Shapes: [M, H] → [M, H].
    fn definition(&self, x_mh: &Tensor) -> candle_core::Result<Tensor> {
        let inner_mf = self.inner.forward(x_mh)?;
        if let Some(gated) = &self.gated {
            let gated_mf = gated.forward(x_mh)?;
            return self.down.forward(&inner_mf.silu()?.mul(&gated_mf)?);
        }
        let active_mf = match self.activation {
            Activation::GeluTanh => inner_mf.gelu()?,
            Activation::GeluErf => inner_mf.gelu_erf()?,
            Activation::Relu => inner_mf.relu()?,
            // Where nothing is gated, the nonlinearity alone.
            Activation::GatedSilu => inner_mf.silu()?,
        };
        self.down.forward(&active_mf)
    }
}
