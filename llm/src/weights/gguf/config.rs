//! The configuration that the keys of a GGUF file describe.

use super::header::{Entry, Header};
use super::metadata::GgufMetadata;
use crate::LlmError;
use crate::config::ModelConfig;
use serde_json::{Value, json};

/// The keys of one architecture.
struct Keys<'a> {
    metadata: &'a GgufMetadata,
    architecture: &'a str,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    fn size(&self, name: &str) -> Result<Option<u32>, LlmError> {
        self.metadata.id(&self.key(name))
    }

    fn required(&self, name: &str) -> Result<u32, LlmError> {
        self.size(name)?.ok_or_else(|| self.metadata.problem(&self.key(name), "is missing"))
    }

    fn number(&self, name: &str) -> Result<Option<f64>, LlmError> {
        let key = self.key(name);
        match self.metadata.float(&key)? {
            Some(x) if !x.is_finite() => Err(self.metadata.problem(&key, format!("is {x}"))),
            x => Ok(x),
        }
    }

    fn required_number(&self, name: &str) -> Result<f64, LlmError> {
        self.number(name)?.ok_or_else(|| self.metadata.problem(&self.key(name), "is missing"))
    }

    /// Fails when a key has a value other than the only one that is implemented.
    fn only<T: PartialEq + std::fmt::Display>(
        &self,
        name: &str,
        found: Option<T>,
        implemented: T,
    ) -> Result<(), LlmError> {
        match found {
            Some(found) if found != implemented => {
                let problem = format!("is {found}; only {implemented} is implemented");
                Err(self.metadata.problem(&self.key(name), problem))
            }
            _ => Ok(()),
        }
    }
}

/// The configuration, put as the `config.json` of the same model.
pub(super) fn read(header: &Header) -> Result<ModelConfig, LlmError> {
    const KEY: &str = "general.architecture";
    let metadata = &header.metadata;
    let architecture = metadata.text(KEY)?.ok_or_else(|| metadata.problem(KEY, "is missing"))?;
    let keys = Keys { metadata, architecture };
    let mut object = match architecture {
        "llama" | "qwen2" => llama(&keys, &header.entries)?,
        "gpt2" => gpt2(&keys)?,
        other => {
            let problem =
                format!("is {other:?}, which is not implemented (llama, qwen2 and gpt2 are)");
            return Err(metadata.problem(KEY, problem));
        }
    };
    object["model_type"] = architecture.into();
    object["vocab_size"] = vocabulary(&keys, &header.entries)?;
    object["tie_word_embeddings"] = header.entries.iter().all(|e| e.name != "output.weight").into();
    object["eos_token_id"] = ends(metadata)?.into();
    ModelConfig::parse(&object.to_string(), metadata.path())
}

fn llama(keys: &Keys, entries: &[Entry]) -> Result<Value, LlmError> {
    let (width, heads) =
        (keys.required("embedding_length")?, keys.required("attention.head_count")?);
    let head_width = match keys.size("attention.key_length")? {
        Some(width) => Some(width),
        None => keys.size("rope.dimension_count")?,
    };
    if let Some(width) = head_width {
        keys.only("attention.value_length", keys.size("attention.value_length")?, width)?;
        keys.only("rope.dimension_count", keys.size("rope.dimension_count")?, width)?;
    }
    keys.only("expert_count", keys.size("expert_count")?, 0)?;
    keys.only("attention.sliding_window", keys.size("attention.sliding_window")?, 0)?;
    keys.only("rope.scale_linear", keys.number("rope.scale_linear")?, 1.0)?;
    let scaling = keys.metadata.text(&keys.key("rope.scaling.type"))?;
    keys.only("rope.scaling.type", scaling, "none")?;
    let any =
        |part: &str| entries.iter().any(|e| e.name.contains(part) && e.name.ends_with(".bias"));
    Ok(json!({
        "hidden_size": width,
        "num_attention_heads": heads,
        "num_key_value_heads": keys.size("attention.head_count_kv")?,
        "head_dim": head_width,
        "intermediate_size": keys.required("feed_forward_length")?,
        "num_hidden_layers": keys.required("block_count")?,
        "max_position_embeddings": keys.required("context_length")?,
        "rms_norm_eps": keys.required_number("attention.layer_norm_rms_epsilon")?,
        "rope_theta": keys.number("rope.freq_base")?,
        "attention_bias": any(".attn_"),
        "mlp_bias": any(".ffn_"),
    }))
}

fn gpt2(keys: &Keys) -> Result<Value, LlmError> {
    Ok(json!({
        "n_embd": keys.required("embedding_length")?,
        "n_head": keys.required("attention.head_count")?,
        "n_inner": keys.required("feed_forward_length")?,
        "n_layer": keys.required("block_count")?,
        "n_positions": keys.required("context_length")?,
        "layer_norm_epsilon": keys.required_number("attention.layer_norm_epsilon")?,
    }))
}

/// What the file says, or the rows of the embedding.
fn vocabulary(keys: &Keys, entries: &[Entry]) -> Result<Value, LlmError> {
    if let Some(size) = keys.size("vocab_size")? {
        return Ok(size.into());
    }
    let embedding = entries.iter().find(|e| e.name == "token_embd.weight");
    Ok(embedding.and_then(|e| e.shape.first()).copied().into())
}

/// The end of a text and the end of a turn.
fn ends(metadata: &GgufMetadata) -> Result<Vec<u32>, LlmError> {
    let mut ends = Vec::new();
    for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
        ends.extend(metadata.id(key)?.filter(|id| !ends.contains(id)));
    }
    Ok(ends)
}
