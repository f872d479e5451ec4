//! GGUF files: what is read is what was written.

mod gguf_file;

use candle_core::{DType, Device};
use gguf_file::{gpt2, llama, llama_untied, qwen2, reference, text};
use llm::weights::{Gguf, Safetensors, Weights};
use llm::{Checkpoint, LlmError, Mode, Model, Padding, Tokens};
use serde_json::Value;
use std::path::Path;

fn model(path: &Path) -> Result<Model, LlmError> {
    Checkpoint::open(path)?.model(DType::F32, &Device::Cpu, Mode::Frozen)
}

fn logits(model: &Model) -> Vec<f32> {
    let tokens = Tokens::padded(&[[5u32, 7, 11, 90, 0]], Padding::Right).unwrap();
    let logits = model.logits(&model.hidden(&tokens, None).unwrap()).unwrap();
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn every_architecture_from_gguf_is_the_model_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.gguf");
    for (name, writer) in [
        ("llama", llama()),
        ("llama-untied-head", llama_untied()),
        ("qwen2", qwen2()),
        ("gpt2", gpt2()),
    ] {
        let theirs = model(&reference(&format!("models/{name}"))).unwrap();
        writer.write(&file);
        let ours = model(&file).unwrap();
        assert_eq!(ours.config(), theirs.config());
        // The same numbers in the same order: the same bits.
        assert_eq!(logits(&ours), logits(&theirs), "{name}");
    }
}

/// The file is by the package `gguf`, its rows as llama.cpp's converter arranges them:
/// `tests/reference/gguf/llama.py`.
#[test]
fn a_file_of_another_writer_is_the_model_that_was_converted() {
    let ours = model(&reference("gguf/llama.gguf")).unwrap();
    let whole = model(&reference("models/llama")).unwrap();
    let theirs = whole.pruned(&"0".parse().unwrap()).unwrap();
    assert_eq!(logits(&ours), logits(&theirs));
    for (name, tensor) in theirs.tensors() {
        let (found, expected) = (&ours.tensors()[name], tensor);
        let values = |x: &candle_core::Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(found), values(expected), "{name}");
    }
    // Six heads of queries and three of keys: one arrangement does not do for both.
    assert_ne!(ours.config().heads, ours.config().key_value_heads);
}

#[test]
fn halves_are_read_as_halves() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.gguf");
    for (id, dtype, one) in [(1, DType::F16, 0x3c00u16), (30, DType::BF16, 0x3f80)] {
        let mut writer = llama();
        let norm = writer.tensors.iter_mut().find(|t| t.0 == "output_norm.weight").unwrap();
        (norm.2, norm.3) = (id, one.to_le_bytes().repeat(36));
        writer.write(&file);
        let norm = Gguf::open(&file).unwrap().load("model.norm.weight").unwrap();
        assert_eq!(norm.dtype(), dtype);
        let values = norm.to_dtype(DType::F32).and_then(|t| t.to_vec1::<f32>()).unwrap();
        assert_eq!(values, [1.0; 36]);
    }
}

#[test]
fn keys_are_read_by_type() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.gguf");
    let mut writer = llama();
    let array = |kind: u32, count: u64, items: &[u8]| {
        let head = [&9u32.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes()].concat();
        [&head[..], items].concat()
    };
    let mut words = Vec::new();
    ["a", "", "é"].iter().for_each(|word| text(&mut words, word));
    writer.keys.push(("words".into(), array(8, 3, &words)));
    writer.keys.push(("small".into(), array(1, 3, &[1, 0xff, 0x80])));
    writer.keys.push(("scores".into(), array(6, 1, &0.1f32.to_le_bytes())));
    writer.keys.push(("flag".into(), [&7u32.to_le_bytes()[..], &[1]].concat()));
    writer.keys.push(("huge".into(), [&10u32.to_le_bytes()[..], &[0xff; 8]].concat()));
    writer.write(&file);
    let checkpoint = Checkpoint::open(&file).unwrap();
    let metadata = checkpoint.gguf().unwrap();
    assert_eq!(metadata.texts("words").unwrap().unwrap(), ["a", "", "é"]);
    assert_eq!(metadata.integers("small").unwrap().unwrap(), [1, -1, -128]);
    // The double of the same decimal, and not that of the rounded single.
    assert_eq!(metadata.floats("scores").unwrap().unwrap(), [0.1]);
    assert_eq!(metadata.flag("flag").unwrap(), Some(true));
    assert_eq!(metadata.id("tokenizer.ggml.eos_token_id").unwrap(), Some(2));
    assert_eq!(metadata.text("none").unwrap(), None);
    let of_another_type = metadata.text("words").map(|_| ()).unwrap_err();
    assert!(of_another_type.to_string().ends_with("words is an array of 3 texts, not a text"));
    assert!(metadata.integer("huge").is_err() && metadata.id("small").is_err());
}

#[test]
fn rows_of_queries_that_are_left_interlaced_are_another_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.gguf");
    let mut writer = llama();
    let weights = Safetensors::open(&reference("models/llama/model.safetensors")).unwrap();
    let straight = weights.load("model.layers.0.self_attn.q_proj.weight").unwrap();
    let place = writer.tensors.iter().position(|t| t.0 == "blk.0.attn_q.weight").unwrap();
    writer.tensor("blk.0.attn_q.weight", &straight);
    let last = writer.tensors.pop().unwrap();
    writer.tensors[place] = last;
    writer.write(&file);
    assert_ne!(logits(&model(&file).unwrap()), logits(&model(&reference("models/llama")).unwrap()));
}

/// Blocks and values from the package `gguf`: `tests/reference/quantised_blocks.py`.
#[test]
fn quantised_blocks_mean_what_the_package_gguf_says() {
    let text = std::fs::read_to_string(reference("quantised_blocks.json")).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let blocks = golden["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 10);
    for block in blocks {
        let hex = block["bytes"].as_str().unwrap();
        let byte = |i: usize| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len() / 2).map(byte).collect();
        let values: Vec<f32> = block["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap() as f32)
            .collect();
        let mut writer = llama();
        let kind = block["id"].as_u64().unwrap() as u32;
        let dimensions = vec![values.len() as u64 / 2, 2];
        let embedding = writer.tensors.iter_mut().find(|t| t.0 == "token_embd.weight").unwrap();
        (embedding.1, embedding.2, embedding.3) = (dimensions, kind, bytes);
        let file = folder.path().join("block.gguf");
        writer.write(&file);
        let gguf = Gguf::open(&file).unwrap();
        let found = gguf.load("model.embed_tokens.weight").unwrap();
        assert_eq!(found.dtype(), DType::F32);
        let found = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        // factor · number − factor · number: four roundings of a term, each at most 2⁻²⁴ of it,
        // and terms that are no larger than a few times the largest value of the block.
        let largest = values.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        for (found, value) in found.iter().zip(&values) {
            let (kind, slack) = (&block["kind"], largest * 2f32.powi(-20));
            assert!((found - value).abs() <= slack, "{kind}: {found} for {value}");
        }
    }
}
