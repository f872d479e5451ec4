//! OPT.

use super::fields::Fields;
use super::{Activation, Architecture, Biases, ModelConfig, NormKind, Positions};
use crate::LlmError;

pub(super) fn read(fields: &Fields) -> Result<ModelConfig, LlmError> {
    if !fields.flag("layer_norm_elementwise_affine", true)? {
        let problem = "layer_norm_elementwise_affine = false is not implemented";
        return Err(fields.problem(problem.into()));
    }
    let activation = match fields.text("activation_function")?.as_deref() {
        None | Some("relu") => Activation::Relu,
        Some("gelu") => Activation::GeluErf,
        Some(other) => {
            return Err(fields.problem(format!("activation {other:?} is not implemented")));
        }
    };
    let hidden_width = fields.required("hidden_size")?;
    let heads = fields.required("num_attention_heads")?;
    if heads == 0 || !hidden_width.is_multiple_of(heads) {
        let problem = format!("hidden_size {hidden_width} is no multiple of {heads} heads");
        return Err(fields.problem(problem));
    }
    let norm_first = fields.flag("do_layer_norm_before", true)?;
    let bias = fields.flag("enable_bias", true)?;
    Ok(ModelConfig {
        architecture: Architecture::Opt,
        vocabulary: fields.required("vocab_size")?,
        embedding_width: fields.size("word_embed_proj_dim")?.unwrap_or(hidden_width),
        hidden_width,
        inner_width: fields.required("ffn_dim")?,
        layers: fields.required("num_hidden_layers")?,
        heads,
        key_value_heads: heads,
        head_width: hidden_width / heads,
        max_positions: fields.required("max_position_embeddings")?,
        // The first two rows of the table are never read.
        positions: Positions::Learned { offset: 2 },
        norm: NormKind::Layer,
        norm_epsilon: 1e-5,
        norm_first,
        final_norm: norm_first && !fields.flag("_remove_final_layer_norm", false)?,
        activation,
        biases: Biases { query_key_value: bias, attention_output: bias, feed_forward: bias },
        tied: fields.flag("tie_word_embeddings", true)?,
        end_of_sequence: fields.end_of_sequence()?,
    })
}
