//! A model that is small and can read, and what it is given.
#![allow(dead_code)] // each test binary uses a part

use serde_json::{Map, Value, json};
use std::path::Path;

/// The tiny Llama with a token for each printable character, blank and line break included.
pub fn model(folder: &Path) {
    for file in ["config.json", "model.safetensors"] {
        let from = crate::common::repository("tests/reference/models/llama").join(file);
        std::fs::copy(from, folder.join(file)).unwrap();
    }
    let letters = ('!'..='~').chain(['Ġ', 'Ċ']).map(String::from);
    let mut tokens: Vec<String> = letters.collect();
    tokens.insert(2, "</s>".into());
    let vocabulary: Map<String, Value> =
        tokens.into_iter().enumerate().map(|(id, token)| (token, id.into())).collect();
    assert_eq!(vocabulary.len(), 97);
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let end = json!({"id": 2, "content": "</s>", "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [end],
        "normalizer": null, "pre_tokenizer": byte_level, "post_processor": null,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "ignore_merges": false, "vocab": vocabulary, "merges": []},
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    // Prompts of this project's own form are longer than the 64 positions of the model.
    let template = "{% for m in messages %}{{ m.content }}{% endfor %}";
    std::fs::write(folder.join("chat_template.jinja"), template).unwrap();
}

/// So many records, as `train.jsonl`.
pub fn records(folder: &Path, count: u32) {
    let record =
        |i: u32| json!({"instruction": format!("Say {i}."), "output": format!("It is {i}.")});
    let lines: Vec<String> = (0..count).map(|i| record(i).to_string()).collect();
    std::fs::write(folder.join("train.jsonl"), lines.join("\n")).unwrap();
}

/// The model as a teacher of the records, but for the folder that its responses go to.
pub const GENERATE: [&str; 13] = [
    "generate",
    "--teacher",
    ".",
    "--prompts",
    "train.jsonl",
    "--prompt",
    "chat",
    "--responses",
    "2",
    "--max-new-tokens",
    "8",
    "--p",
    "0.5",
];
