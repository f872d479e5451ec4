//! [`Model`]: a decoder of one of the known architectures, from its weights to logits.
//!
//! Shape suffixes: B sequences, T new positions, S all positions (cached and new), M = B·T,
//! H hidden width, E embedding width, V vocabulary, N query heads, G key-value heads, R = N/G·T
//! query rows per key-value head, D head width, F inner width.

mod attention;
mod block;
mod cache;
mod feed_forward;
mod fused;
mod layers;
mod linear;
mod norm;
mod parameters;
mod prune;
mod random;
mod recompute;
mod rotary;
mod save;
mod scene;
mod tokens;
mod view;

pub use cache::Cache;
pub use layers::{Layers, LayersProblem};
pub use parameters::Mode;
pub use tokens::{Padding, Tokens};

use crate::config::{Architecture, ModelConfig, Positions};
use crate::weights::Weights;
use crate::{Compute, LlmError};
use block::Block;
use candle_core::{DType, Device, Tensor, Var};
use linear::Linear;
use norm::Norm;
use parameters::{Parameters, Source};
use recompute::Recompute;
use scene::Scene;
use std::collections::BTreeMap;

/// A language model: tokens to hidden states, and hidden states to logits.
///
/// The two steps are separate because a loss may need the logits of a few tokens only: the rows
/// of [`Model::head`] that belong to them are enough.
#[derive(Debug, Clone)]
pub struct Model {
    config: ModelConfig,
    embedding_ve: Tensor,
    /// The learned positions with the row of position 0.
    learned: Option<(Tensor, usize)>,
    project_in: Option<Linear>,
    blocks: Vec<Block>,
    final_norm: Option<Norm>,
    project_out: Option<Linear>,
    head_ve: Tensor,
    tensors: BTreeMap<String, Tensor>,
    dtype: DType,
    device: Device,
    /// Where activations are not kept.
    recompute: Option<Recompute>,
}

/// Where tensors are found: what all names but the head's start with, the embedding, the
/// positions, the blocks and the final norm.
struct Names {
    prefixes: [&'static str; 2],
    embedding: &'static str,
    positions: &'static str,
    blocks: &'static str,
    final_norm: &'static str,
}

impl Names {
    fn of(architecture: Architecture) -> Self {
        // Files of bare models, without a head, lack the outer name.
        match architecture {
            Architecture::Gpt2 => Self {
                prefixes: ["transformer.", ""],
                embedding: "wte.weight",
                positions: "wpe.weight",
                blocks: "h",
                final_norm: "ln_f",
            },
            Architecture::Opt => Self {
                prefixes: ["model.decoder.", "decoder."],
                embedding: "embed_tokens.weight",
                positions: "embed_positions.weight",
                blocks: "layers",
                final_norm: "final_layer_norm",
            },
            Architecture::Qwen2 | Architecture::Llama => Self {
                prefixes: ["model.", ""],
                embedding: "embed_tokens.weight",
                positions: "",
                blocks: "layers",
                final_norm: "norm",
            },
        }
    }
}

impl Model {
    /// A model of this shape with these weights.
    ///
    /// # Errors
    /// [`LlmError::MissingTensor`], [`LlmError::TensorShape`], and those of the weights.
    pub fn new(
        config: ModelConfig,
        weights: &dyn Weights,
        dtype: DType,
        device: &Device,
        mode: Mode,
    ) -> Result<Self, LlmError> {
        Self::build(config, Source::Files(weights), dtype, device, mode)
    }

    /// A model of this shape with the tensors of a source.
    fn build(
        config: ModelConfig,
        source: Source,
        dtype: DType,
        device: &Device,
        mode: Mode,
    ) -> Result<Self, LlmError> {
        let names = Names::of(config.architecture);
        let has = |prefix: &&&str| source.contains(&format!("{prefix}{}", names.embedding));
        let prefix = names.prefixes.iter().find(has).unwrap_or(&names.prefixes[0]);
        let taken = BTreeMap::new();
        let mut parameters = Parameters { source, prefix, dtype, device, mode, taken };
        let p = &mut parameters;

        let (hidden, width) = (config.hidden_width, config.embedding_width);
        let embedding_ve = p.take(names.embedding, &[config.vocabulary, width])?;
        let learned = match config.positions {
            Positions::Learned { offset } => {
                let rows = config.max_positions + offset;
                Some((p.take(names.positions, &[rows, hidden])?, offset))
            }
            Positions::Rotary { .. } => None,
        };
        let (project_in, project_out) = if width == hidden {
            (None, None)
        } else {
            let project_in = Linear::load(p, "project_in", (width, hidden), false)?;
            (Some(project_in), Some(Linear::load(p, "project_out", (hidden, width), false)?))
        };
        let block = |i| Block::load(p, &format!("{}.{i}", names.blocks), &config);
        let blocks = (0..config.layers).map(block).collect::<Result<_, _>>()?;
        let final_norm =
            if config.final_norm { Some(Norm::load(p, names.final_norm, &config)?) } else { None };
        let head_ve = if config.tied {
            embedding_ve.clone()
        } else {
            p.take_exactly("lm_head.weight", &[config.vocabulary, width])?
        };
        let (tensors, device) = (parameters.taken, device.clone());
        Ok(Self {
            config,
            embedding_ve,
            learned,
            project_in,
            blocks,
            final_norm,
            project_out,
            head_ve,
            tensors,
            dtype,
            device,
            recompute: None,
        })
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Every tensor under its name in the files.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// The tensors that training changes, by name; none of a frozen model.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn variables(&self) -> Result<BTreeMap<String, Var>, LlmError> {
        let variables = self.tensors.iter().filter(|(_, tensor)| tensor.is_variable());
        // A tensor that is a variable is taken as it is, not copied.
        variables.map(|(name, tensor)| Ok((name.clone(), Var::from_tensor(tensor)?))).collect()
    }

    /// The head [V, E]: logits are products of hidden states with its rows.
    pub fn head(&self) -> &Tensor {
        &self.head_ve
    }

    /// How many tokens there are logits of: the rows V of the head.
    pub fn choices(&self) -> usize {
        self.head_ve.dims()[0]
    }

    /// The model with logits of the first `tokens` tokens only, of all where it has fewer.
    ///
    /// Embeddings are often padded with rows that belong to no token. What the tokenizer does not
    /// have is thus neither drawn nor a candidate, nor part of any sum over the vocabulary. The
    /// tensors, and what is saved, stay as they are.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn within(mut self, tokens: usize) -> Result<Self, LlmError> {
        if tokens < self.choices() {
            self.head_ve = self.head_ve.narrow(0, 0, tokens)?;
        }
        Ok(self)
    }

    /// Hidden states of new tokens, ready for the head; with a cache, after those it holds.
    ///
    /// Shapes: tokens [B, T] → [B, T, E]. Those of padding mean nothing.
    ///
    /// # Errors
    /// [`LlmError::UnknownToken`], [`LlmError::TooLong`], [`LlmError::Length`] when the cache
    /// belongs to another number of sequences, [`LlmError::Tensor`].
    pub fn hidden(&self, tokens: &Tokens, cache: Option<&mut Cache>) -> Result<Tensor, LlmError> {
        let (b, t) = (tokens.batch(), tokens.time());
        let unknown = |&&id: &&u32| id as usize >= self.config.vocabulary;
        if let Some(&token) = tokens.ids().iter().find(unknown) {
            return Err(LlmError::UnknownToken { token, vocabulary: self.config.vocabulary });
        }
        let mut empty = Cache::new();
        let caching = cache.is_some();
        let cache = cache.unwrap_or(&mut empty);
        if !cache.real.is_empty() && cache.real.len() != b {
            let (found, expected) = (b, cache.real.len());
            return Err(LlmError::Length { what: "the batch after a cache", found, expected });
        }
        let scene = Scene::new(&self.config, tokens, &cache.real, self.dtype, &self.device)?;
        let mut x_mh = self.embed(tokens, &scene)?;
        if caching {
            cache.layers.resize_with(self.blocks.len(), Default::default);
            cache.real.resize_with(b, Vec::new);
            for (past, new) in cache.real.iter_mut().zip(tokens.real().chunks(t)) {
                past.extend(new);
            }
        }
        for (i, block) in self.blocks.iter().enumerate() {
            x_mh = match &self.recompute {
                Some(recompute) if !caching => recompute.forward(block, &x_mh, &scene)?,
                _ => block.forward(&x_mh, &scene, cache.layers.get_mut(i))?,
            };
        }
        self.finish(x_mh, tokens)
    }

    /// What follows the last block: [M, H] → [B, T, E].
    fn finish(&self, mut x_mh: Tensor, tokens: &Tokens) -> Result<Tensor, LlmError> {
        if let Some(norm) = &self.final_norm {
            x_mh = norm.forward(&x_mh)?;
        }
        if let Some(project_out) = &self.project_out {
            x_mh = project_out.forward(&x_mh)?;
        }
        Ok(x_mh.reshape((tokens.batch(), tokens.time(), self.config.embedding_width))?)
    }

    /// The logits of hidden states, over the whole vocabulary: all of [`Model::choices`].
    ///
    /// Shapes: [.., E] → [.., V].
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor, LlmError> {
        let (mut shape, width) = (hidden.dims().to_vec(), self.config.embedding_width);
        if let Some(last) = shape.last_mut() {
            *last = self.choices();
        }
        let hidden_me = hidden.reshape(((), width))?;
        let logits_mv = if fused::applies(&[&hidden_me, &self.head_ve]) {
            fused::linear(&hidden_me, &self.head_ve)?
        } else {
            Compute::times(&hidden_me, &self.head_ve.t()?)?
        };
        Ok(logits_mv.reshape(shape)?)
    }

    /// Whether the model has positions for so many tokens: rotary ones never end.
    ///
    /// # Errors
    /// [`LlmError::TooLong`].
    pub(crate) fn accept_length(&self, needed: usize) -> Result<(), LlmError> {
        let positions = self.config.max_positions;
        if self.learned.is_some() && needed > positions {
            return Err(LlmError::TooLong { needed, positions });
        }
        Ok(())
    }

    /// Embeddings with positions, [M, H].
    fn embed(&self, tokens: &Tokens, scene: &Scene) -> Result<Tensor, LlmError> {
        let mut x_mh = if fused::applies(&[&self.embedding_ve]) {
            fused::look_up(&self.embedding_ve, tokens.ids())?
        } else {
            let ids = Tensor::from_slice(tokens.ids(), tokens.ids().len(), &self.device)?;
            self.embedding_ve.index_select(&ids, 0)?
        };
        if let Some(project_in) = &self.project_in {
            x_mh = project_in.forward(&x_mh)?;
        }
        let Some((table, offset)) = &self.learned else { return Ok(x_mh) };
        self.accept_length(scene.positions.iter().max().map_or(0, |&last| last as usize + 1))?;
        let rows: Vec<u32> = scene.positions.iter().map(|&p| p + *offset as u32).collect();
        let rows = Tensor::from_vec(rows, scene.positions.len(), &self.device)?;
        Ok(x_mh.add(&table.index_select(&rows, 0)?)?)
    }
}
