//! [`ModelConfig`]: what a `config.json` says, the same fields for every architecture.

mod fields;
mod gpt2;
mod llama;
mod opt;
mod write;

use crate::LlmError;
use fields::Fields;
use std::path::Path;

/// The families of models that can be loaded and trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// GPT-2: learned positions, fused query-key-value weights stored transposed.
    Gpt2,
    /// OPT: learned positions with an offset; the 350M variant normalises after each part and
    /// has embeddings narrower than its hidden states.
    Opt,
    /// Qwen2 and Qwen2.5: rotary positions, biases on query, key and value.
    Qwen2,
    /// Llama, and SmolLM2 which is one.
    Llama,
}

/// How hidden states are normalised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NormKind {
    /// (x − mean) / deviation · weight + bias.
    Layer,
    /// x / root mean square · weight.
    RootMeanSquare,
}

/// How a model knows where a token stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Positions {
    /// A learned vector per position, `offset` rows into its table.
    Learned {
        /// The row of position 0.
        offset: usize,
    },
    /// Queries and keys are rotated by angles position · theta^(−2i/d).
    Rotary {
        /// The base of the frequencies.
        theta: f64,
    },
}

/// The nonlinearity of the feed-forward layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x Φ(x) by the tanh approximation (`gelu_new`).
    GeluTanh,
    /// x Φ(x) by the error function (`gelu`).
    GeluErf,
    /// max(x, 0).
    Relu,
    /// x / (1 + e^−x), which gates a second projection.
    GatedSilu,
}

/// Which linear maps have a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Biases {
    /// Query, key and value.
    pub query_key_value: bool,
    /// The output of attention.
    pub attention_output: bool,
    /// The feed-forward layers.
    pub feed_forward: bool,
}

/// The shape of a decoder. Every value of this type is consistent: heads divide what they must,
/// and nothing is zero.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The family, which names the tensors.
    pub architecture: Architecture,
    /// Rows of the embedding (at least the number of tokens).
    pub vocabulary: usize,
    /// The width of the embedding.
    pub embedding_width: usize,
    /// The width of hidden states.
    pub hidden_width: usize,
    /// The inner width of the feed-forward layers.
    pub inner_width: usize,
    /// The number of blocks.
    pub layers: usize,
    /// The number of query heads.
    pub heads: usize,
    /// The number of key-value heads, a divisor of `heads`.
    pub key_value_heads: usize,
    /// The width of a head.
    pub head_width: usize,
    /// How many positions the model knows.
    pub max_positions: usize,
    /// How positions enter.
    pub positions: Positions,
    /// How hidden states are normalised.
    pub norm: NormKind,
    /// Added to the variance before its root.
    pub norm_epsilon: f64,
    /// Whether parts are normalised before (true) or after they are added.
    pub norm_first: bool,
    /// Whether the hidden states are normalised once more at the end.
    pub final_norm: bool,
    /// The nonlinearity.
    pub activation: Activation,
    /// Which linear maps have a bias.
    pub biases: Biases,
    /// Whether the head is the embedding.
    pub tied: bool,
    /// The tokens that end a response.
    pub end_of_sequence: Vec<u32>,
}

/// The most that any dimension may be: nothing real comes near, and products of three fit.
const LARGEST: usize = 1 << 20;

impl ModelConfig {
    /// Reads the text of a `config.json`; `path` is named in errors.
    ///
    /// Both spellings of the rotary base are read, `rope_theta` and `rope_parameters`.
    ///
    /// # Errors
    /// [`LlmError::Config`] when the text is not JSON, a field is missing or inconsistent, or
    /// the model needs something that is not implemented.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LlmError> {
        let fields = Fields::parse(text, path)?;
        let config = match fields.text("model_type")?.as_deref() {
            Some("gpt2") => gpt2::read(&fields),
            Some("opt") => opt::read(&fields),
            Some("qwen2") => llama::read(&fields, Architecture::Qwen2),
            Some("llama") => llama::read(&fields, Architecture::Llama),
            Some(other) => Err(fields.problem(format!(
                "model_type {other:?} is not implemented (gpt2, opt, qwen2 and llama are)"
            ))),
            None => Err(fields.problem("model_type is missing".into())),
        }?;
        config.check(&fields)?;
        Ok(config)
    }

    fn check(&self, fields: &Fields) -> Result<(), LlmError> {
        for (name, size) in [
            ("the vocabulary", self.vocabulary),
            ("the width of embeddings", self.embedding_width),
            ("the width of hidden states", self.hidden_width),
            ("the inner width", self.inner_width),
            ("the number of layers", self.layers),
            ("the number of heads", self.heads),
            ("the number of key-value heads", self.key_value_heads),
            ("the width of a head", self.head_width),
            ("the number of positions", self.max_positions),
        ] {
            // The vocabulary may be larger than any other dimension.
            let largest = if name == "the vocabulary" { 16 * LARGEST } else { LARGEST };
            if size == 0 || size > largest {
                return Err(fields.problem(format!("{name} is {size}, not in 1..={largest}")));
            }
        }
        if !self.heads.is_multiple_of(self.key_value_heads) {
            return Err(fields.problem(format!(
                "{} query heads cannot share {} key-value heads",
                self.heads, self.key_value_heads
            )));
        }
        if matches!(self.positions, Positions::Rotary { .. }) && self.head_width % 2 == 1 {
            let problem =
                format!("rotary positions need heads of even width, not {}", self.head_width);
            return Err(fields.problem(problem));
        }
        if !(self.norm_epsilon > 0.0 && self.norm_epsilon < 1.0) {
            return Err(fields.problem(format!("the norm's epsilon is {}", self.norm_epsilon)));
        }
        Ok(())
    }
}
