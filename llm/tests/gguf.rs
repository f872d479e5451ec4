//! GGUF files: what is read is what was written, and no bytes do harm.

use candle_core::{DType, Device, Tensor};
use llm::weights::{Gguf, Safetensors, Weights};
use llm::{Checkpoint, LlmError, Mode, Model, Padding, Tokens};
use proptest::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference").join(name)
}

/// A file in the making, in the words of the format.
#[derive(Clone)]
struct Writer {
    keys: Vec<(String, Vec<u8>)>,
    /// Name, dimensions with the fastest first, type and bytes.
    tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl Writer {
    fn string(&mut self, key: &str, value: &str) {
        let mut bytes = 8u32.to_le_bytes().to_vec();
        text(&mut bytes, value);
        self.keys.push((key.into(), bytes));
    }

    fn integer(&mut self, key: &str, value: u32) {
        self.keys.push((key.into(), [4u32.to_le_bytes(), value.to_le_bytes()].concat()));
    }

    fn float(&mut self, key: &str, value: f32) {
        self.keys.push((key.into(), [6u32.to_le_bytes(), value.to_le_bytes()].concat()));
    }

    fn tensor(&mut self, name: &str, tensor: &Tensor) {
        let dimensions = tensor.dims().iter().rev().map(|&n| n as u64).collect();
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.tensors.push((name.into(), dimensions, 0, bytes));
    }

    /// The bytes, and where the data starts in them.
    fn bytes(&self) -> (Vec<u8>, usize) {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.keys.len() as u64).to_le_bytes());
        for (key, value) in &self.keys {
            text(&mut bytes, key);
            bytes.extend(value);
        }
        let mut data: Vec<u8> = Vec::new();
        for (name, dimensions, kind, content) in &self.tensors {
            text(&mut bytes, name);
            bytes.extend((dimensions.len() as u32).to_le_bytes());
            bytes.extend(dimensions.iter().flat_map(|n| n.to_le_bytes()));
            bytes.extend(kind.to_le_bytes());
            bytes.extend((data.len() as u64).to_le_bytes());
            data.extend(content);
            data.resize(data.len().next_multiple_of(32), 0);
        }
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        let start = bytes.len();
        bytes.extend(data);
        (bytes, start)
    }

    fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes().0).unwrap();
    }
}

/// What llama.cpp's converter does to the rows of queries and keys.
fn interlace(tensor: &Tensor, heads: usize) -> Tensor {
    let (rows, columns) = tensor.dims2().unwrap();
    let halves = tensor.reshape((heads, 2, rows / heads / 2, columns)).unwrap();
    halves.transpose(1, 2).unwrap().contiguous().unwrap().reshape((rows, columns)).unwrap()
}

const PARTS: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// The tiny Llama of the reference files, as the converter would write it.
fn llama() -> Writer {
    let mut writer = Writer { keys: Vec::new(), tensors: Vec::new() };
    writer.string("general.architecture", "llama");
    for (key, value) in [
        ("embedding_length", 36),
        ("block_count", 3),
        ("feed_forward_length", 64),
        ("context_length", 64),
        ("attention.head_count", 6),
        ("attention.head_count_kv", 3),
        ("rope.dimension_count", 6),
    ] {
        writer.integer(&format!("llama.{key}"), value);
    }
    writer.float("llama.attention.layer_norm_rms_epsilon", 1e-5);
    writer.float("llama.rope.freq_base", 100_000.0);
    writer.integer("tokenizer.ggml.eos_token_id", 2);
    let weights = Safetensors::open(&reference("models/llama/model.safetensors")).unwrap();
    let load = |name: &str| weights.load(name).unwrap();
    writer.tensor("token_embd.weight", &load("model.embed_tokens.weight"));
    writer.tensor("output_norm.weight", &load("model.norm.weight"));
    for layer in 0..3 {
        for (theirs, ours) in PARTS {
            let tensor = load(&format!("model.layers.{layer}.{theirs}.weight"));
            let tensor = match ours {
                "attn_q" => interlace(&tensor, 6),
                "attn_k" => interlace(&tensor, 3),
                _ => tensor,
            };
            writer.tensor(&format!("blk.{layer}.{ours}.weight"), &tensor);
        }
    }
    writer
}

fn model(path: &Path) -> Result<Model, LlmError> {
    Checkpoint::open(path)?.model(DType::F32, &Device::Cpu, Mode::Frozen)
}

fn logits(model: &Model) -> Vec<f32> {
    let tokens = Tokens::padded(&[[5u32, 7, 11, 90, 0]], Padding::Right).unwrap();
    let logits = model.logits(&model.hidden(&tokens, None).unwrap()).unwrap();
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_llama_from_gguf_is_the_llama_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.gguf");
    llama().write(&file);
    let (ours, theirs) = (model(&file).unwrap(), model(&reference("models/llama")).unwrap());
    assert_eq!(ours.config(), theirs.config());
    // The same numbers in the same order: the same bits.
    assert_eq!(logits(&ours), logits(&theirs));
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
        let embedding = &mut writer.tensors[0];
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

fn opened(bytes: &[u8]) -> Result<Gguf, LlmError> {
    let file = tempfile::NamedTempFile::with_suffix(".gguf").unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Gguf::open(file.path())
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let (bytes, start) = llama().bytes();
    for length in (0..start).chain([start + 1, bytes.len() / 2, bytes.len() - 33]) {
        assert!(opened(&bytes[..length]).is_err(), "{length} bytes of {}", bytes.len());
    }
}

#[test]
fn absurd_claims_are_refused_with_the_name_of_the_tensor() {
    let refused = |change: &dyn Fn(&mut Writer)| {
        let mut writer = llama();
        change(&mut writer);
        opened(&writer.bytes().0).unwrap_err().to_string()
    };
    let message = refused(&|w| w.tensors[3].1 = vec![1 << 62, 1 << 62]);
    assert!(message.contains("blk.0.attn_q.weight"), "{message}");
    let message = refused(&|w| w.tensors[3].1 = vec![1 << 40, 2]);
    assert!(message.contains("blk.0.attn_q.weight"), "{message}");
    let message = refused(&|w| w.tensors[3].2 = 99);
    assert!(message.contains("blk.0.attn_q.weight"), "{message}");
    let message = refused(&|w| w.tensors[3].0 = "blk.7.attn_q.weight".into());
    assert!(message.contains("blk.7.attn_q.weight"), "{message}");
    let message = refused(&|w| w.tensors[3].0 = "blk.0.attn_k.weight".into());
    assert!(message.contains("blk.0.attn_k.weight"), "{message}");
    let message = refused(&|w| w.integer("general.alignment", 0));
    assert!(message.contains("general.alignment"), "{message}");
    let message = refused(&|w| w.keys.retain(|(key, _)| key != "llama.block_count"));
    assert!(message.contains("llama.block_count"), "{message}");
    let message = refused(&|w| w.keys[0].1[12] = b'x');
    assert!(message.contains("general.architecture"), "{message}");
}

#[test]
fn counts_beyond_the_file_are_refused() {
    let (bytes, _) = llama().bytes();
    for place in [8, 16] {
        for count in [u64::MAX, 1 << 40, 1 << 20] {
            let mut bytes = bytes.clone();
            bytes[place..place + 8].copy_from_slice(&count.to_le_bytes());
            assert!(opened(&bytes).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_change_of_the_header_gives_a_model_or_an_error(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (mut bytes, start) = llama().bytes();
        for (place, byte) in changes {
            bytes[place.index(start)] = byte;
        }
        if let Ok(gguf) = opened(&bytes) {
            let names: Vec<String> = gguf.names().map(str::to_owned).collect();
            // The file is gone by now: loading fails, and must not panic.
            for name in names {
                prop_assert!(gguf.load(&name).is_err());
            }
        }
    }
}
