//! Causal attention, with fewer key-value heads than query heads where the model has them.

use super::Parameters;
use super::cache::Layer;
use super::fused;
use super::linear::Linear;
use super::scene::Scene;
use crate::LlmError;
use crate::config::{Architecture, ModelConfig};
use candle_core::{D, DType, Tensor};

/// The three projections of the input.
#[derive(Debug, Clone)]
enum Projections {
    Separate {
        query: Linear,
        key: Linear,
        value: Linear,
    },
    /// One map to all three, one after the other.
    Fused(Linear),
}

/// One attention layer.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    projections: Projections,
    output: Linear,
    heads: usize,
    key_value_heads: usize,
    head_width: usize,
}

impl Attention {
    pub(super) fn load(
        parameters: &mut Parameters,
        block: &str,
        config: &ModelConfig,
    ) -> Result<Self, LlmError> {
        let (heads, key_value_heads) = (config.heads, config.key_value_heads);
        let (hidden, head_width) = (config.hidden_width, config.head_width);
        let (query_width, key_width) = (heads * head_width, key_value_heads * head_width);
        let (projections, output) = if config.architecture == Architecture::Gpt2 {
            let fused = (hidden, query_width + 2 * key_width);
            let fused =
                Linear::load_input_first(parameters, &format!("{block}.attn.c_attn"), fused)?;
            let shape = (query_width, hidden);
            let output =
                Linear::load_input_first(parameters, &format!("{block}.attn.c_proj"), shape)?;
            (Projections::Fused(fused), output)
        } else {
            let biases = config.biases;
            let last = if config.architecture == Architecture::Opt { "out_proj" } else { "o_proj" };
            let mut load = |part: &str, shape, bias| {
                Linear::load(parameters, &format!("{block}.self_attn.{part}"), shape, bias)
            };
            let separate = Projections::Separate {
                query: load("q_proj", (hidden, query_width), biases.query_key_value)?,
                key: load("k_proj", (hidden, key_width), biases.query_key_value)?,
                value: load("v_proj", (hidden, key_width), biases.query_key_value)?,
            };
            (separate, load(last, (query_width, hidden), biases.attention_output)?)
        };
        Ok(Self { projections, output, heads, key_value_heads, head_width })
    }

    /// Shapes: [M, H] → [M, H]; the layer of the cache, if any, grows by T positions.
    pub(super) fn forward(
        &self,
        x_mh: &Tensor,
        scene: &Scene,
        cache: Option<&mut Layer>,
    ) -> candle_core::Result<Tensor> {
        let (b, t) = (scene.batch, scene.time);
        let (n, g, d) = (self.heads, self.key_value_heads, self.head_width);
        let (query, key, value) = self.project(x_mh)?;
        let split = |x: Tensor, heads| x.reshape((b, t, heads, d))?.transpose(1, 2)?.contiguous();
        let (mut q_bntd, mut k_bgsd) = (split(query, n)?, split(key, g)?);
        let mut v_bgsd = split(value, g)?;
        if let Some(rotary) = &scene.rotary {
            (q_bntd, k_bgsd) = (rotary.apply(q_bntd)?, rotary.apply(k_bgsd)?);
        }
        if let Some(cache) = cache {
            (k_bgsd, v_bgsd) = cache.append(k_bgsd, v_bgsd)?;
        }
        let s = k_bgsd.dim(2)?;
        // Query heads that share a key head lie next to each other: they are more rows of it.
        let q_bgrd = (q_bntd * (d as f64).powf(-0.5))?.reshape((b, g, n / g * t, d))?;
        let scores_bgrs = q_bgrd.matmul(&k_bgsd.transpose(2, 3)?)?;
        let weights_bnts = weights(scores_bgrs.reshape((b, n, t, s))?, &scene.bias_b1ts)?;
        let weights_bgrs = weights_bnts.reshape((b, g, n / g * t, s))?;
        let mixed_bntd = weights_bgrs.matmul(&v_bgsd)?.reshape((b, n, t, d))?;
        self.output.forward(&mixed_bntd.transpose(1, 2)?.contiguous()?.reshape((b * t, n * d))?)
    }

    fn project(&self, x_mh: &Tensor) -> candle_core::Result<(Tensor, Tensor, Tensor)> {
        match &self.projections {
            Projections::Separate { query, key, value } => {
                Ok((query.forward(x_mh)?, key.forward(x_mh)?, value.forward(x_mh)?))
            }
            Projections::Fused(fused) => {
                let all = fused.forward(x_mh)?;
                let (query, key) =
                    (self.heads * self.head_width, self.key_value_heads * self.head_width);
                let part = |start, width| all.narrow(D::Minus1, start, width)?.contiguous();
                Ok((part(0, query)?, part(query, key)?, part(query + key, key)?))
            }
        }
    }
}

/// How much each position takes of those it sees; the scores are used up.
fn weights(scores_bnts: Tensor, bias_b1ts: &Tensor) -> candle_core::Result<Tensor> {
    if fused::applies(&[&scores_bnts, bias_b1ts]) {
        fused::softmax(&scores_bnts, bias_b1ts)?;
        return Ok(scores_bnts);
    }
    softmax(&scores_bnts.broadcast_add(bias_b1ts)?)
}

/// exp x / Σ exp x over the last dimension, in f32 where the type is narrower.
///
/// candle's own fast path has no backward pass and would cut every gradient behind it.
pub(super) fn softmax(x: &Tensor) -> candle_core::Result<Tensor> {
    let dtype = x.dtype();
    let wide = match dtype {
        DType::F16 | DType::BF16 => x.to_dtype(DType::F32)?,
        _ => x.clone(),
    };
    // Any constant is right here; the maximum avoids overflow.
    let largest = wide.detach().max_keepdim(D::Minus1)?;
    let weight = wide.broadcast_sub(&largest)?.exp()?;
    weight.broadcast_div(&weight.sum_keepdim(D::Minus1)?)?.to_dtype(dtype)
}
