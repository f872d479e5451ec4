//! [`Cost`]: what a step of training computes for the candidate sets, beside all the rest.

use llm::ModelConfig;
use llm::config::Activation;
use serde::Serialize;

/// What a student computes at each position of a response, counted in multiplications with weights: a
/// step goes through each weight once forwards and twice backwards. Attention between positions, which
/// grows with their number, is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// The logits of the loss: one for each candidate.
    pub logits: f64,
    /// The share of a step that they take.
    pub share: f64,
    /// The logits beside them that the shift `vocab_max` computes, forwards only: the vocabulary.
    pub surveyed_logits: usize,
    /// The share of a step that both take.
    pub share_with_survey: f64,
}

impl Cost {
    /// With sets of this mean size.
    pub fn of(student: &ModelConfig, set_size: f64) -> Self {
        let (width, vocabulary) = (student.embedding_width as f64, student.vocabulary as f64);
        let (body, head) = (3.0 * weights(student), 3.0 * width * set_size);
        let survey = width * vocabulary;
        Self {
            logits: set_size,
            share: head / (body + head),
            surveyed_logits: student.vocabulary,
            share_with_survey: (head + survey) / (body + head + survey),
        }
    }
}

/// The weights of all layers, without norms and biases.
fn weights(config: &ModelConfig) -> f64 {
    let hidden = config.hidden_width as f64;
    let heads = (config.heads * config.head_width) as f64;
    let keys = (config.key_value_heads * config.head_width) as f64;
    let maps = if config.activation == Activation::GatedSilu { 3.0 } else { 2.0 };
    let attention = hidden * (2.0 * heads + 2.0 * keys);
    config.layers as f64 * (attention + maps * hidden * config.inner_width as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_step_is_counted_weight_by_weight() {
        let text = r#"{"model_type": "llama", "vocab_size": 100, "hidden_size": 8,
            "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2,
            "intermediate_size": 16, "max_position_embeddings": 9}"#;
        let config = ModelConfig::parse(text, Path::new("config.json")).unwrap();
        // Queries and output 8 × 8, keys and values 8 × 4, three maps of 8 × 16, in two layers.
        assert_eq!(weights(&config), 2.0 * (2.0 * 64.0 + 2.0 * 32.0 + 3.0 * 128.0));
        let cost = Cost::of(&config, 5.0);
        let (body, head, survey) = (3.0 * 1152.0, 3.0 * 40.0, 800.0);
        assert_eq!(cost.share, head / (body + head));
        assert_eq!(cost.share_with_survey, (head + survey) / (body + head + survey));
        assert_eq!((cost.logits, cost.surveyed_logits), (5.0, 100));
    }
}
