//! GGUF files written in tests: the tiny models of the reference files, as llama.cpp's converter
//! would write them.
#![allow(dead_code)] // Each test crate uses a part.

use candle_core::Tensor;
use llm::weights::{Safetensors, Weights};
use std::path::{Path, PathBuf};

pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference").join(name)
}

/// A file in the making, in the words of the format.
#[derive(Clone)]
pub struct Writer {
    pub keys: Vec<(String, Vec<u8>)>,
    /// Name, dimensions with the fastest first, type and bytes.
    pub tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

pub fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

impl Writer {
    pub fn string(&mut self, key: &str, value: &str) {
        let mut bytes = 8u32.to_le_bytes().to_vec();
        text(&mut bytes, value);
        self.keys.push((key.into(), bytes));
    }

    pub fn integer(&mut self, key: &str, value: u32) {
        self.keys.push((key.into(), [4u32.to_le_bytes(), value.to_le_bytes()].concat()));
    }

    pub fn float(&mut self, key: &str, value: f32) {
        self.keys.push((key.into(), [6u32.to_le_bytes(), value.to_le_bytes()].concat()));
    }

    pub fn texts(&mut self, key: &str, values: &[&str]) {
        let mut bytes = [9u32.to_le_bytes(), 8u32.to_le_bytes()].concat();
        bytes.extend((values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| text(&mut bytes, value));
        self.keys.push((key.into(), bytes));
    }

    pub fn integers(&mut self, key: &str, values: &[u32]) {
        let mut bytes = [9u32.to_le_bytes(), 4u32.to_le_bytes()].concat();
        bytes.extend((values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        self.keys.push((key.into(), bytes));
    }

    pub fn tensor(&mut self, name: &str, tensor: &Tensor) {
        let dimensions = tensor.dims().iter().rev().map(|&n| n as u64).collect();
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.tensors.push((name.into(), dimensions, 0, bytes));
    }

    /// The bytes, and where the data starts in them.
    pub fn bytes(&self) -> (Vec<u8>, usize) {
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

    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes().0).unwrap();
    }
}

/// What the converter does to the rows of queries and keys.
fn interlace(tensor: &Tensor, heads: usize) -> Tensor {
    let (rows, columns) = tensor.dims2().unwrap();
    let halves = tensor.reshape((heads, 2, rows / heads / 2, columns)).unwrap();
    halves.transpose(1, 2).unwrap().contiguous().unwrap().reshape((rows, columns)).unwrap()
}

/// Names of the format for those of Llama and Qwen2.
const LLAMA: [(&str, &str); 12] = [
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
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

/// Names of the format for those of GPT-2.
const GPT2: [(&str, &str); 9] = [
    ("transformer.wte", "token_embd"),
    ("transformer.wpe", "position_embd"),
    ("transformer.ln_f", "output_norm"),
    ("ln_1", "attn_norm"),
    ("attn.c_attn", "attn_qkv"),
    ("attn.c_proj", "attn_output"),
    ("ln_2", "ffn_norm"),
    ("mlp.c_fc", "ffn_up"),
    ("mlp.c_proj", "ffn_down"),
];

/// The tensors of a model under the names of the format, each changed by its new name.
fn convert(
    writer: &mut Writer,
    model: &str,
    names: &[(&str, &str)],
    change: impl Fn(&str, Tensor) -> Tensor,
) {
    let file = reference(&format!("models/{model}/model.safetensors"));
    let weights = Safetensors::open(&file).unwrap();
    for name in weights.names() {
        let (part, ending) = name.rsplit_once('.').unwrap();
        let block = part.split_once("layers.").or_else(|| part.split_once(".h."));
        let (prefix, part) = match block.and_then(|(_, rest)| rest.split_once('.')) {
            Some((layer, part)) => (format!("blk.{layer}."), part),
            None => (String::new(), part),
        };
        let (_, ours) = names.iter().find(|(theirs, _)| *theirs == part).unwrap();
        let ours = format!("{prefix}{ours}.{ending}");
        let tensor = change(&ours, weights.load(name).unwrap());
        writer.tensor(&ours, &tensor);
    }
}

fn keys(architecture: &str, sizes: &[(&str, u32)], numbers: &[(&str, f32)]) -> Writer {
    let mut writer = Writer { keys: Vec::new(), tensors: Vec::new() };
    writer.string("general.architecture", architecture);
    for (key, value) in sizes {
        writer.integer(&format!("{architecture}.{key}"), *value);
    }
    for (key, value) in numbers {
        writer.float(&format!("{architecture}.{key}"), *value);
    }
    writer
}

fn llama_of(model: &str, sizes: &[(&str, u32)], theta: f32, heads: (usize, usize)) -> Writer {
    let numbers = [("attention.layer_norm_rms_epsilon", 1e-5), ("rope.freq_base", theta)];
    let mut writer = keys("llama", sizes, &numbers);
    writer.integer("tokenizer.ggml.eos_token_id", 2);
    convert(&mut writer, model, &LLAMA, |name, tensor| {
        if name.ends_with("attn_q.weight") {
            interlace(&tensor, heads.0)
        } else if name.ends_with("attn_k.weight") {
            interlace(&tensor, heads.1)
        } else {
            tensor
        }
    });
    writer
}

/// The tiny Llama.
pub fn llama() -> Writer {
    let sizes = [
        ("block_count", 3),
        ("embedding_length", 36),
        ("feed_forward_length", 64),
        ("context_length", 64),
        ("attention.head_count", 6),
        ("attention.head_count_kv", 3),
        ("rope.dimension_count", 6),
    ];
    llama_of("llama", &sizes, 100_000.0, (6, 3))
}

/// The tiny Llama with a head of its own; the number of key-value heads is left out.
pub fn llama_untied() -> Writer {
    let sizes = [
        ("block_count", 2),
        ("embedding_length", 32),
        ("feed_forward_length", 48),
        ("context_length", 64),
        ("attention.head_count", 4),
    ];
    llama_of("llama-untied-head", &sizes, 10_000.0, (4, 4))
}

/// The tiny Qwen2, whose rows are left in order.
pub fn qwen2() -> Writer {
    let mut writer = keys(
        "qwen2",
        &[
            ("block_count", 3),
            ("embedding_length", 32),
            ("feed_forward_length", 64),
            ("context_length", 64),
            ("attention.head_count", 4),
            ("attention.head_count_kv", 2),
        ],
        &[("attention.layer_norm_rms_epsilon", 1e-6), ("rope.freq_base", 1_000_000.0)],
    );
    convert(&mut writer, "qwen2", &LLAMA, |_, tensor| tensor);
    writer
}

/// The tiny GPT-2, whose matrices are transposed.
pub fn gpt2() -> Writer {
    let mut writer = keys(
        "gpt2",
        &[
            ("block_count", 3),
            ("embedding_length", 32),
            ("feed_forward_length", 128),
            ("context_length", 64),
            ("attention.head_count", 4),
        ],
        &[("attention.layer_norm_epsilon", 1e-5)],
    );
    writer.integer("tokenizer.ggml.eos_token_id", 0);
    convert(&mut writer, "gpt2", &GPT2, |name, tensor| {
        let matrix = name.starts_with("blk.") && tensor.rank() == 2;
        if matrix { tensor.t().unwrap().contiguous().unwrap() } else { tensor }
    });
    writer
}
