//! GPT-2.

use super::fields::Fields;
use super::{Activation, Architecture, Biases, ModelConfig, NormKind, Positions};
use crate::LlmError;

pub(super) fn read(fields: &Fields) -> Result<ModelConfig, LlmError> {
    fields.refuse("scale_attn_by_inverse_layer_idx")?;
    fields.refuse("add_cross_attention")?;
    if !fields.flag("scale_attn_weights", true)? {
        return Err(fields.problem("scale_attn_weights = false is not implemented".into()));
    }
    let activation = match fields.text("activation_function")?.as_deref() {
        None | Some("gelu_new" | "gelu_pytorch_tanh") => Activation::GeluTanh,
        Some("gelu") => Activation::GeluErf,
        Some("relu") => Activation::Relu,
        Some(other) => {
            return Err(fields.problem(format!("activation {other:?} is not implemented")));
        }
    };
    let (hidden_width, heads) = (fields.required("n_embd")?, fields.required("n_head")?);
    if heads == 0 || !hidden_width.is_multiple_of(heads) {
        return Err(
            fields.problem(format!("n_embd {hidden_width} is no multiple of n_head {heads}"))
        );
    }
    Ok(ModelConfig {
        architecture: Architecture::Gpt2,
        vocabulary: fields.required("vocab_size")?,
        embedding_width: hidden_width,
        hidden_width,
        inner_width: fields.size("n_inner")?.unwrap_or(hidden_width.saturating_mul(4)),
        layers: fields.required("n_layer")?,
        heads,
        key_value_heads: heads,
        head_width: hidden_width / heads,
        max_positions: fields.required("n_positions")?,
        positions: Positions::Learned { offset: 0 },
        norm: NormKind::Layer,
        norm_epsilon: fields.number("layer_norm_epsilon")?.unwrap_or(1e-5),
        norm_first: true,
        final_norm: true,
        activation,
        biases: Biases { query_key_value: true, attention_output: true, feed_forward: true },
        tied: fields.flag("tie_word_embeddings", true)?,
        end_of_sequence: fields.end_of_sequence()?,
    })
}
