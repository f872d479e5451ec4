//! One block: attention and feed-forward, each added to what came in.

use super::Parameters;
use super::attention::Attention;
use super::cache::Layer;
use super::feed_forward::FeedForward;
use super::norm::Norm;
use super::scene::Scene;
use crate::LlmError;
use crate::config::{Architecture, ModelConfig};
use candle_core::Tensor;

/// A block of the decoder.
#[derive(Debug, Clone)]
pub(super) struct Block {
    attention_norm: Norm,
    attention: Attention,
    feed_forward_norm: Norm,
    feed_forward: FeedForward,
    norm_first: bool,
}

impl Block {
    pub(super) fn load(
        parameters: &mut Parameters,
        block: &str,
        config: &ModelConfig,
    ) -> Result<Self, LlmError> {
        let (first, second) = match config.architecture {
            Architecture::Gpt2 => ("ln_1", "ln_2"),
            Architecture::Opt => ("self_attn_layer_norm", "final_layer_norm"),
            Architecture::Qwen2 | Architecture::Llama => {
                ("input_layernorm", "post_attention_layernorm")
            }
        };
        Ok(Self {
            attention_norm: Norm::load(parameters, &format!("{block}.{first}"), config)?,
            attention: Attention::load(parameters, block, config)?,
            feed_forward_norm: Norm::load(parameters, &format!("{block}.{second}"), config)?,
            feed_forward: FeedForward::load(parameters, block, config)?,
            norm_first: config.norm_first,
        })
    }

    /// Shapes: [M, H] → [M, H].
    pub(super) fn forward(
        &self,
        x_mh: &Tensor,
        scene: &Scene,
        cache: Option<&mut Layer>,
    ) -> candle_core::Result<Tensor> {
        if self.norm_first {
            let normed_mh = self.attention_norm.forward(x_mh)?;
            let x_mh = self.attention.forward(&normed_mh, x_mh, scene, cache)?;
            let normed_mh = self.feed_forward_norm.forward(&x_mh)?;
            self.feed_forward.forward_added(&normed_mh, &x_mh)
        } else {
            let x_mh = self.attention.forward(x_mh, x_mh, scene, cache)?;
            let x_mh = self.attention_norm.forward(&x_mh)?;
            self.feed_forward_norm.forward(&self.feed_forward.forward_added(&x_mh, &x_mh)?)
        }
    }
}
