//! Llama (SmolLM2 is one) and Qwen2.

use super::fields::Fields;
use super::{Activation, Architecture, Biases, ModelConfig, NormKind, Positions};
use crate::LlmError;

pub(super) fn read(fields: &Fields, architecture: Architecture) -> Result<ModelConfig, LlmError> {
    let qwen = architecture == Architecture::Qwen2;
    fields.refuse("use_sliding_window")?;
    match fields.text("hidden_act")?.as_deref() {
        None | Some("silu") => {}
        Some(other) => {
            return Err(fields.problem(format!("activation {other:?} is not implemented")));
        }
    }
    let hidden_width = fields.required("hidden_size")?;
    let heads = fields.required("num_attention_heads")?;
    let head_width = match fields.size("head_dim")? {
        Some(width) => width,
        None if heads > 0 && hidden_width.is_multiple_of(heads) => hidden_width / heads,
        None => {
            let problem = format!("hidden_size {hidden_width} is no multiple of {heads} heads");
            return Err(fields.problem(problem));
        }
    };
    // Qwen2 has biases on query, key and value whatever its file says.
    let attention_bias = fields.flag("attention_bias", false)?;
    Ok(ModelConfig {
        architecture,
        vocabulary: fields.required("vocab_size")?,
        embedding_width: hidden_width,
        hidden_width,
        inner_width: fields.required("intermediate_size")?,
        layers: fields.required("num_hidden_layers")?,
        heads,
        key_value_heads: fields.size("num_key_value_heads")?.unwrap_or(heads),
        head_width,
        max_positions: fields.required("max_position_embeddings")?,
        positions: Positions::Rotary { theta: rope_theta(fields)? },
        norm: NormKind::RootMeanSquare,
        norm_epsilon: fields.number("rms_norm_eps")?.unwrap_or(1e-6),
        norm_first: true,
        final_norm: true,
        activation: Activation::GatedSilu,
        biases: Biases {
            query_key_value: qwen || attention_bias,
            attention_output: !qwen && attention_bias,
            feed_forward: !qwen && fields.flag("mlp_bias", false)?,
        },
        tied: fields.flag("tie_word_embeddings", false)?,
        end_of_sequence: fields.end_of_sequence()?,
    })
}

/// The base of the rotary frequencies, under either of its names.
///
/// transformers 4 writes `rope_theta` beside `rope_scaling`; transformers 5 writes both into
/// `rope_parameters`.
fn rope_theta(fields: &Fields) -> Result<f64, LlmError> {
    for object in ["rope_scaling", "rope_parameters"] {
        let kind = ["rope_type", "type"].iter().find_map(|name| fields.inner(object, name));
        if let Some(kind) = kind.filter(|kind| kind.as_str() != Some("default")) {
            return Err(fields.problem(format!("{object} of type {kind} is not implemented")));
        }
    }
    let theta = match fields.inner("rope_parameters", "rope_theta") {
        Some(theta) => theta.as_f64(),
        None => fields.number("rope_theta")?.or(Some(10_000.0)),
    };
    match theta {
        Some(theta) if theta > 1.0 && theta.is_finite() => Ok(theta),
        _ => Err(fields.problem("rope_theta is not a number above 1".into())),
    }
}
