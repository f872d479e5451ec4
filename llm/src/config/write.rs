//! A configuration as the `config.json` that transformers reads.

use super::{Activation, Architecture, ModelConfig, Positions};
use serde_json::{Value, json};

impl ModelConfig {
    /// The object of a `config.json`; [`ModelConfig::parse`] of it gives the same again.
    ///
    /// The rotary base is written in both spellings, for transformers 4 and 5.
    pub fn to_json(&self) -> Value {
        let mut object = match self.architecture {
            Architecture::Gpt2 => self.gpt2(),
            Architecture::Opt => self.opt(),
            Architecture::Qwen2 => self.llama("Qwen2ForCausalLM", "qwen2"),
            Architecture::Llama => self.llama("LlamaForCausalLM", "llama"),
        };
        object["vocab_size"] = self.vocabulary.into();
        object["tie_word_embeddings"] = self.tied.into();
        // Not in a ModelConfig; left out, transformers would take ids of the original models, which
        // may lie beyond this vocabulary.
        object["bos_token_id"] = Value::Null;
        object["pad_token_id"] = Value::Null;
        object["eos_token_id"] = match self.end_of_sequence.as_slice() {
            [] => Value::Null,
            [one] => (*one).into(),
            several => several.into(),
        };
        object
    }

    fn gpt2(&self) -> Value {
        json!({
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "n_embd": self.hidden_width,
            "n_inner": self.inner_width,
            "n_layer": self.layers,
            "n_head": self.heads,
            "n_positions": self.max_positions,
            "layer_norm_epsilon": self.norm_epsilon,
            "activation_function": name(self.activation),
        })
    }

    fn opt(&self) -> Value {
        json!({
            "architectures": ["OPTForCausalLM"],
            "model_type": "opt",
            "hidden_size": self.hidden_width,
            "word_embed_proj_dim": self.embedding_width,
            "ffn_dim": self.inner_width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "max_position_embeddings": self.max_positions,
            "activation_function": name(self.activation),
            "do_layer_norm_before": self.norm_first,
            "_remove_final_layer_norm": self.norm_first && !self.final_norm,
            "enable_bias": self.biases.query_key_value,
        })
    }

    fn llama(&self, class: &str, model_type: &str) -> Value {
        let mut object = json!({
            "architectures": [class],
            "model_type": model_type,
            "hidden_act": name(self.activation),
            "hidden_size": self.hidden_width,
            "intermediate_size": self.inner_width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.key_value_heads,
            "head_dim": self.head_width,
            "max_position_embeddings": self.max_positions,
            "rms_norm_eps": self.norm_epsilon,
        });
        if let Positions::Rotary { theta } = self.positions {
            object["rope_theta"] = theta.into();
            object["rope_parameters"] = json!({"rope_theta": theta, "rope_type": "default"});
        }
        if self.architecture == Architecture::Llama {
            object["attention_bias"] = self.biases.query_key_value.into();
            object["mlp_bias"] = self.biases.feed_forward.into();
        }
        object
    }
}

fn name(activation: Activation) -> &'static str {
    match activation {
        Activation::GeluTanh => "gelu_new",
        Activation::GeluErf => "gelu",
        Activation::Relu => "relu",
        Activation::GatedSilu => "silu",
    }
}
