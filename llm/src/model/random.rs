//! Models with random weights, to be trained from nothing.

use super::parameters::Source;
use super::{Mode, Model, ModelConfig};
use crate::LlmError;
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The deviation of a weight.
const DEVIATION: f64 = 0.02;

/// What the maps are called whose output is added to the hidden states.
const RESIDUAL: [&str; 5] =
    ["c_proj.weight", "o_proj.weight", "out_proj.weight", "down_proj.weight", "fc2.weight"];

impl Model {
    /// A model of this shape with random weights, the same for the same seed on every platform.
    ///
    /// Matrices are normal with mean 0 and deviation 0.02; those whose output is added to the
    /// hidden states, of which each layer has two, 0.02/√(2·layers). Weights of norms are 1, biases
    /// 0. Source: GPT-2 (Radford et al. 2019, section 2.3). Each tensor is drawn by itself, from
    /// the seed and its name: the order does not matter, and two models share the tensors that have
    /// the same name and shape, residual ones but for their scale.
    ///
    /// # Errors
    /// [`LlmError::Tensor`] when memory or device refuse.
    pub fn random(
        config: ModelConfig,
        seed: u64,
        dtype: DType,
        device: &Device,
        mode: Mode,
    ) -> Result<Self, LlmError> {
        let draw = Draw { seed, layers: config.layers };
        Self::build(config, Source::Drawn(draw), dtype, device, mode)
    }
}

/// Draws tensors by their name.
pub(super) struct Draw {
    seed: u64,
    layers: usize,
}

impl Draw {
    /// In f32, in main memory.
    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, LlmError> {
        let count = shape.iter().product();
        let values = match shape {
            // Vectors are the weights of norms, or biases.
            [_] if name.ends_with(".weight") => vec![1.0; count],
            [_] => vec![0.0; count],
            _ => self.normal(name, count),
        };
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
    }

    fn normal(&self, name: &str, count: usize) -> Vec<f32> {
        let residual = RESIDUAL.iter().any(|ending| name.ends_with(ending));
        let parts = if residual { 2.0 * self.layers as f64 } else { 1.0 };
        let deviation = DEVIATION / parts.sqrt();
        let key = Sha256::new().chain_update(self.seed.to_le_bytes()).chain_update(name).finalize();
        let mut source = ChaCha20Rng::from_seed(key.into());
        let pairs = (0..count.div_ceil(2)).flat_map(|_| normal_pair(&mut source));
        pairs.take(count).map(|x| (deviation * x) as f32).collect()
    }
}

/// Two standard normal numbers, by Marsaglia's polar method. The logarithm is correctly rounded, so
/// that they are the same on every platform.
fn normal_pair(source: &mut ChaCha20Rng) -> [f64; 2] {
    loop {
        // Multiples of 2⁻⁵² in [−1, 1).
        let mut coordinate = || (source.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
        let (x, y) = (coordinate(), coordinate());
        let squares = x * x + y * y;
        if squares > 0.0 && squares < 1.0 {
            let scale = (-2.0 * core_math::log(squares) / squares).sqrt();
            return [x * scale, y * scale];
        }
    }
}
