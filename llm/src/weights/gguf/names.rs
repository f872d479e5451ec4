//! The names of llama.cpp and those of Hugging Face, and what its converter does to tensors.

use crate::config::{Architecture, ModelConfig};

/// How the numbers of a tensor are arranged in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrangement {
    /// As in a Hugging Face folder.
    Same,
    /// The two halves of each of so many heads interlaced, row by row.
    Interlaced { heads: usize },
    /// Rows as columns.
    Transposed,
}

/// A part of a block: its name in GGUF and in Hugging Face, and whether it may have a bias.
type Part = (&'static str, &'static str, bool);

const LLAMA: &[Part] = &[
    ("attn_norm", "input_layernorm", false),
    ("attn_q", "self_attn.q_proj", true),
    ("attn_k", "self_attn.k_proj", true),
    ("attn_v", "self_attn.v_proj", true),
    ("attn_output", "self_attn.o_proj", true),
    ("ffn_norm", "post_attention_layernorm", false),
    ("ffn_gate", "mlp.gate_proj", true),
    ("ffn_up", "mlp.up_proj", true),
    ("ffn_down", "mlp.down_proj", true),
];

const QWEN2: &[Part] = &[
    ("attn_norm", "input_layernorm", false),
    ("attn_q", "self_attn.q_proj", true),
    ("attn_k", "self_attn.k_proj", true),
    ("attn_v", "self_attn.v_proj", true),
    ("attn_output", "self_attn.o_proj", false),
    ("ffn_norm", "post_attention_layernorm", false),
    ("ffn_gate", "mlp.gate_proj", false),
    ("ffn_up", "mlp.up_proj", false),
    ("ffn_down", "mlp.down_proj", false),
];

const GPT2: &[Part] = &[
    ("attn_norm", "ln_1", true),
    ("attn_qkv", "attn.c_attn", true),
    ("attn_output", "attn.c_proj", true),
    ("ffn_norm", "ln_2", true),
    ("ffn_up", "mlp.c_fc", true),
    ("ffn_down", "mlp.c_proj", true),
];

/// The name that Hugging Face gives a tensor of a GGUF file, and how its numbers are arranged.
/// `None` when no model of this shape has such a tensor.
pub(super) fn of(name: &str, config: &ModelConfig) -> Option<(String, Arrangement)> {
    let gpt2 = config.architecture == Architecture::Gpt2;
    let outside = match name {
        "token_embd.weight" if gpt2 => "transformer.wte.weight",
        "position_embd.weight" if gpt2 => "transformer.wpe.weight",
        "output_norm.weight" if gpt2 => "transformer.ln_f.weight",
        "output_norm.bias" if gpt2 => "transformer.ln_f.bias",
        "token_embd.weight" => "model.embed_tokens.weight",
        "output_norm.weight" => "model.norm.weight",
        "output.weight" => "lm_head.weight",
        _ => return of_block(name, config),
    };
    Some((outside.into(), Arrangement::Same))
}

fn of_block(name: &str, config: &ModelConfig) -> Option<(String, Arrangement)> {
    let (number, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let (part, ending) = rest.split_once('.')?;
    let layer: usize = number.parse().ok()?;
    // One spelling of a number only, so that no two names become one.
    if layer >= config.layers || layer.to_string() != number {
        return None;
    }
    let (parts, blocks) = match config.architecture {
        Architecture::Llama => (LLAMA, "model.layers"),
        Architecture::Qwen2 => (QWEN2, "model.layers"),
        Architecture::Gpt2 => (GPT2, "transformer.h"),
        _ => return None,
    };
    let (_, theirs, biased) = parts.iter().find(|(ours, _, _)| *ours == part)?;
    if !(ending == "weight" || (ending == "bias" && *biased)) {
        return None;
    }
    let arrangement = match (config.architecture, part) {
        (Architecture::Llama, "attn_q") => Arrangement::Interlaced { heads: config.heads },
        (Architecture::Llama, "attn_k") => {
            Arrangement::Interlaced { heads: config.key_value_heads }
        }
        (Architecture::Gpt2, _) if ending == "weight" && !part.ends_with("norm") => {
            Arrangement::Transposed
        }
        _ => Arrangement::Same,
    };
    Some((format!("{blocks}.{layer}.{theirs}.{ending}"), arrangement))
}
