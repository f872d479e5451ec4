//! Causal attention, with fewer key-value heads than query heads where the model has them.

use super::Parameters;
use super::cache::Layer;
use super::fused;
use super::linear::Linear;
use super::rotary::Rotary;
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

    /// Shapes: [M, H], and [M, H] to which it is added → [M, H]; the layer of the cache, if any,
    /// grows by T positions.
    pub(super) fn forward(
        &self,
        x_mh: &Tensor,
        added_mh: &Tensor,
        scene: &Scene,
        cache: Option<&mut Layer>,
    ) -> candle_core::Result<Tensor> {
        let projected = self.project(x_mh)?;
        let mixed_mx = match cache {
            None if self.short(&projected, scene) => self.attend(&projected, scene)?,
            cache => self.definition(projected, scene, cache)?,
        };
        self.output.forward_added(&mixed_mx, added_mh)
    }

    /// Whether attention may be computed head by head.
    fn short(&self, (query, key, value): &(Tensor, Tensor, Tensor), scene: &Scene) -> bool {
        fused::applies(&[query, key, value, &scene.bias_b1ts])
    }

    fn attend(
        &self,
        (query, key, value): &(Tensor, Tensor, Tensor),
        scene: &Scene,
    ) -> candle_core::Result<Tensor> {
        let attend = fused::Attend {
            time: scene.time,
            heads: self.heads,
            groups: self.key_value_heads,
            width: self.head_width,
            bias_b1tt: scene.bias_b1ts.clone(),
            angles: scene.rotary.as_ref().map(Rotary::angles),
        };
        attend.apply(query, key, value)
    }

    /// Mixtures of values, [M, N·D], from projections [M, N·D], [M, G·D], [M, G·D].
    fn definition(
        &self,
        (query, key, value): (Tensor, Tensor, Tensor),
        scene: &Scene,
        cache: Option<&mut Layer>,
    ) -> candle_core::Result<Tensor> {
        let (b, t) = (scene.batch, scene.time);
        let (n, g, d) = (self.heads, self.key_value_heads, self.head_width);
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
        mixed_bntd.transpose(1, 2)?.contiguous()?.reshape((b * t, n * d))
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
    if fused::frozen(&[&scores_bnts, bias_b1ts]) {
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

#[cfg(test)]
mod tests {
    use super::super::tokens::{Padding, Tokens};
    use super::*;
    use candle_core::{Device, Var};

    const CPU: Device = Device::Cpu;

    #[test]
    fn attention_head_by_head_is_attention() {
        // Several blocks of queries, shared heads, padding on either side and in between nothing.
        let lengths = [150usize, 7, 131];
        for (rotary, side) in
            [(true, Padding::Left), (true, Padding::Right), (false, Padding::Left)]
        {
            assert_same(&lengths, rotary, side);
        }
        assert_same(&[40, 40], true, Padding::Left);
    }

    fn assert_same(lengths: &[usize], rotary: bool, side: Padding) {
        let (heads, key_value_heads, head_width) = (6, 2, 8);
        let sequences: Vec<Vec<u32>> = lengths.iter().map(|&n| vec![1; n]).collect();
        let tokens = Tokens::padded(&sequences, side).unwrap();
        let (b, t) = (tokens.batch(), tokens.time());
        let scene = |dtype| {
            let theta = rotary.then_some(1e4);
            Scene::of(theta, head_width, &tokens, &[], dtype, &CPU).unwrap()
        };
        let random = |width| Tensor::randn(0f32, 1.0, (b * t, width), &CPU).unwrap();
        let (wide, narrow) = (heads * head_width, key_value_heads * head_width);
        let given = [random(wide), random(narrow), random(narrow)];
        let direction = random(wide);
        let run = |dtype| {
            let variable = |x: &Tensor| Var::from_tensor(&x.to_dtype(dtype)?);
            let [q, k, v] = [&given[0], &given[1], &given[2]].map(|x| variable(x).unwrap());
            let nothing = || Linear::of(Tensor::zeros((1, 1), dtype, &CPU).unwrap());
            let attention = Attention {
                projections: Projections::Fused(nothing()),
                output: nothing(),
                heads,
                key_value_heads,
                head_width,
            };
            let given = (q.as_tensor().clone(), k.as_tensor().clone(), v.as_tensor().clone());
            let mixed = if attention.short(&given, &scene(dtype)) {
                assert_eq!(dtype, DType::F32);
                attention.attend(&given, &scene(dtype)).unwrap()
            } else {
                assert_eq!(dtype, DType::F64);
                attention.definition(given, &scene(dtype), None).unwrap()
            };
            let along = mixed.mul(&direction.to_dtype(dtype).unwrap()).unwrap();
            let store = along.sum_all().unwrap().backward().unwrap();
            let gradient = |v: &Var| store.get(v).unwrap().clone();
            [mixed.detach(), gradient(&q), gradient(&k), gradient(&v)]
        };
        for (part, (short, exact)) in run(DType::F32).iter().zip(run(DType::F64)).enumerate() {
            let distance = short.to_dtype(DType::F64).unwrap().sub(&exact).unwrap();
            let largest = |x: &Tensor| {
                let x = x.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                x.to_scalar::<f64>().unwrap()
            };
            // Sums over up to 450 queries and 150 keys of numbers whose partial sums are about as
            // large as the largest result: a rounding each, in f32.
            let slack = 600.0 * f64::from(f32::EPSILON) * largest(&exact);
            assert!(largest(&distance) <= slack, "part {part}: {} > {slack}", largest(&distance));
        }
    }
}
