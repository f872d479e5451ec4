//! Files of weights as hostile input: each wrong file is an error that names what is wrong.

use llm::weights::{Folder, Safetensors, TensorProblem, Weights};
use llm::{Checkpoint, DType, Device};
use llm::{LlmError, Mode, Model};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A safetensors file with this header and this many bytes of data.
fn bytes(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0x3f);
    bytes
}

fn open(bytes: &[u8]) -> Result<Safetensors, LlmError> {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, bytes).expect("file");
    let file = Safetensors::open(&path)?;
    // Everything that the header promises can be read.
    for name in file.names() {
        let tensor = file.load(name)?;
        assert_eq!(tensor.dims(), file.shape(name)?);
    }
    Ok(file)
}

/// What is wrong with the tensor "a" of a file with this entry for it.
fn problem(entry: &str, data: usize) -> TensorProblem {
    match open(&bytes(&format!("{{\"a\":{entry}}}"), data)) {
        Err(LlmError::BadTensor { tensor, problem, .. }) => {
            assert_eq!(tensor, "a");
            problem
        }
        other => panic!("{other:?}"),
    }
}

fn header_problem(bytes: &[u8]) -> String {
    match open(bytes) {
        Err(LlmError::Header { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_file_is_read() {
    let header = r#"{"__metadata__":{"format":"pt"},
        "a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
        "b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},
        "empty":{"dtype":"F16","shape":[0,5],"data_offsets":[10,10]}}"#;
    let file = open(&bytes(header, 26)).expect("file");
    assert_eq!(file.names().collect::<Vec<_>>(), ["a", "b", "empty"]);
    assert_eq!(file.shape("empty").expect("shape"), [0, 5]);
    assert!(
        matches!(file.shape("c"), Err(LlmError::MissingTensor { tensor, .. }) if tensor == "c")
    );
}

#[test]
fn data_beyond_the_end_of_the_file_is_named() {
    let entry = r#"{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}"#;
    assert_eq!(problem(entry, 23), TensorProblem::Truncated { end: 24, available: 23 });
    let far =
        r#"{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551611,18446744073709551615]}"#;
    assert!(matches!(problem(far, 8), TensorProblem::Truncated { available: 8, .. }));
}

#[test]
fn a_size_that_does_not_fit_the_shape_is_named() {
    let entry = r#"{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}"#;
    match problem(entry, 24) {
        TensorProblem::Size { shape, dtype, found: 20, expected: 24 } => {
            assert_eq!((shape, dtype.as_str()), (vec![2, 3], "F32"));
        }
        other => panic!("{other:?}"),
    }
    let more = r#"{"dtype":"F32","shape":[2,3],"data_offsets":[0,28]}"#;
    assert!(matches!(problem(more, 28), TensorProblem::Size { found: 28, expected: 24, .. }));
    let backwards = r#"{"dtype":"F32","shape":[],"data_offsets":[8,4]}"#;
    assert_eq!(problem(backwards, 8), TensorProblem::Backwards { start: 8, end: 4 });
}

#[test]
fn absurd_dimensions_are_named_before_any_memory_is_asked_for() {
    let product = r#"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}"#;
    assert!(matches!(problem(product, 8), TensorProblem::Huge { .. }));
    let one = r#"{"dtype":"F64","shape":[1152921504606846975],"data_offsets":[0,8]}"#;
    assert!(matches!(problem(one, 8), TensorProblem::Size { found: 8, .. }));
}

#[test]
fn types_that_no_model_has_are_named() {
    for dtype in ["I8", "F8_E4M3", "BOOL", "", "f32"] {
        let entry = format!(r#"{{"dtype":"{dtype}","shape":[4],"data_offsets":[0,4]}}"#);
        assert_eq!(problem(&entry, 4), TensorProblem::Type { dtype: dtype.into() });
    }
}

#[test]
fn shared_bytes_and_repeated_names_are_named() {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},
        "b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    match open(&bytes(header, 12)) {
        Err(LlmError::BadTensor { tensor, problem: TensorProblem::Overlap { other }, .. }) => {
            assert_eq!((tensor.as_str(), other.as_str()), ("a", "b"));
        }
        other => panic!("{other:?}"),
    }
    let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
        "a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    match open(&bytes(header, 8)) {
        Err(LlmError::BadTensor { tensor, problem: TensorProblem::Twice, .. }) => {
            assert_eq!(tensor, "a");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn headers_that_are_none_are_errors() {
    assert_eq!(header_problem(&[1, 2, 3]), "3 bytes are too few for a header");
    assert_eq!(header_problem(&[9, 0, 0, 0, 0, 0, 0, 0, 1]), "a header of 9 bytes in a file of 9");
    let longest = u64::MAX.to_le_bytes();
    assert!(header_problem(&longest).contains("18446744073709551615"));
    for text in [
        "",
        "[]",
        "{\"a\":1}",
        "{\"a\":{}}",
        "{",
        "\u{0}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
    ] {
        assert!(header_problem(&bytes(text, 4)).starts_with("not the JSON of a header"), "{text}");
    }
}

fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference/models").join(name)
}

#[test]
fn every_truncation_of_a_real_file_is_an_error() {
    let whole = std::fs::read(checkpoint("llama-untied-head").join("model.safetensors"));
    let whole = whole.expect("file");
    for length in (0..64).chain((64..whole.len()).step_by(4001)).chain([whole.len() - 1]) {
        let error = open(&whole[..length]).expect_err("a file cut short");
        assert!(matches!(error, LlmError::Header { .. } | LlmError::BadTensor { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(256),
    })]

    #[test]
    fn any_bytes_are_a_file_or_an_error(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200), length in 0u64..210,
    ) {
        if bytes.len() >= 8 {
            bytes[..8].copy_from_slice(&length.to_le_bytes());
        }
        let _ = open(&bytes);
    }

    #[test]
    fn a_header_with_a_changed_byte_is_a_file_or_an_error(at in 0usize..146, byte in any::<u8>()) {
        let header = r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[24,26]},"c":{"dtype":"F64","shape":[],"data_offsets":[26,34]}}"#;
        let mut bytes = bytes(header, 34);
        bytes[8 + at] = byte;
        let _ = open(&bytes);
    }
}

/// A copy of a checkpoint whose `config.json` was edited.
fn edited(name: &str, from: &str, to: &str) -> Result<Model, LlmError> {
    let folder = tempfile::tempdir().expect("folder");
    let (source, target) = (checkpoint(name), folder.path());
    let config = std::fs::read_to_string(source.join("config.json")).expect("config");
    assert!(config.contains(from), "{from}");
    std::fs::write(target.join("config.json"), config.replace(from, to)).expect("config");
    std::fs::copy(source.join("model.safetensors"), target.join("model.safetensors"))
        .expect("copy");
    Checkpoint::open(target)?.model(DType::F32, &Device::Cpu, Mode::Frozen)
}

#[test]
fn a_config_that_does_not_fit_the_weights_is_an_error_that_names_the_tensor() {
    match edited("llama", "\"vocab_size\": 97", "\"vocab_size\": 98").map(|_| ()) {
        Err(LlmError::TensorShape { tensor, found, expected }) => {
            assert_eq!(tensor, "model.embed_tokens.weight");
            assert_eq!((found, expected), (vec![97, 36], vec![98, 36]));
        }
        other => panic!("{other:?}"),
    }
    let layers = ("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 1000000");
    match edited("llama", layers.0, layers.1).map(|_| ()) {
        Err(LlmError::MissingTensor { tensor, .. }) => {
            assert_eq!(tensor, "model.layers.3.input_layernorm.weight");
        }
        other => panic!("{other:?}"),
    }
    match edited("llama", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false")
        .map(|_| ())
    {
        Err(LlmError::MissingTensor { tensor, .. }) => assert_eq!(tensor, "lm_head.weight"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn configs_that_ask_for_what_is_not_implemented_or_makes_no_sense_say_so() {
    for (model, from, to, part) in [
        ("llama", "\"model_type\": \"llama\"", "\"model_type\": \"mamba\"", "model_type \"mamba\""),
        ("llama", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"mish\"", "activation \"mish\""),
        ("llama", "\"rope_type\": \"default\"", "\"rope_type\": \"llama3\"", "of type \"llama3\""),
        ("llama", "\"rope_theta\": 100000.0", "\"rope_theta\": -1", "rope_theta"),
        ("llama", "\"num_key_value_heads\": 3", "\"num_key_value_heads\": 4", "cannot share 4"),
        (
            "llama",
            "\"num_key_value_heads\": 3",
            "\"num_key_value_heads\": 0",
            "key-value heads is 0",
        ),
        ("llama", "\"hidden_size\": 36", "\"hidden_size\": 99999999999", "is 99999999999, not in"),
        ("llama", "\"hidden_size\": 36", "\"hidden_size\": -36", "hidden_size is -36"),
        ("llama", "\"hidden_size\": 36,", "", "hidden_size is missing"),
        ("llama", "\"head_dim\": 6", "\"head_dim\": 7", "even width"),
        ("llama", "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": 0.0", "epsilon"),
        (
            "qwen2",
            "\"use_sliding_window\": false",
            "\"use_sliding_window\": true",
            "use_sliding_window",
        ),
        ("gpt2", "\"n_head\": 4", "\"n_head\": 5", "no multiple of"),
        ("gpt2", "\"n_head\": 4", "\"n_head\": 0", "no multiple of"),
        ("gpt2", "\"gelu_new\"", "\"swish\"", "activation \"swish\""),
        ("opt", "\"num_attention_heads\": 4", "\"num_attention_heads\": 0", "no multiple of"),
        ("opt", "\"vocab_size\": 97", "\"vocab_size\": \"97\"", "vocab_size is \"97\""),
    ] {
        match edited(model, from, to).map(|_| ()) {
            Err(LlmError::Config { problem, .. }) => {
                assert!(problem.contains(part), "{problem:?} does not say {part:?}");
            }
            other => panic!("{to}: {other:?}"),
        }
    }
}

/// A folder with the tensors of a checkpoint in two files, and an index.
fn sharded(edit: impl Fn(String) -> String) -> (tempfile::TempDir, Result<Folder, LlmError>) {
    let folder = tempfile::tempdir().expect("folder");
    let file = Safetensors::open(&checkpoint("llama").join("model.safetensors")).expect("file");
    let mut shards = [std::collections::HashMap::new(), std::collections::HashMap::new()];
    let mut map = serde_json::Map::new();
    for (i, name) in file.names().enumerate() {
        shards[i % 2].insert(name.to_owned(), file.load(name).expect("tensor"));
        map.insert(name.into(), format!("model-0000{}-of-00002.safetensors", i % 2 + 1).into());
    }
    for (i, shard) in shards.iter().enumerate() {
        let name = format!("model-0000{}-of-00002.safetensors", i + 1);
        candle_core::safetensors::save(shard, folder.path().join(name)).expect("shard");
    }
    let index = serde_json::json!({"metadata": {}, "weight_map": map}).to_string();
    std::fs::write(folder.path().join("model.safetensors.index.json"), edit(index)).expect("index");
    let opened = Folder::open(folder.path());
    (folder, opened)
}

#[test]
fn a_folder_in_several_files_holds_the_same_tensors() {
    let (_folder, opened) = sharded(|index| index);
    let (several, one) =
        (opened.expect("folder"), Folder::open(&checkpoint("llama")).expect("folder"));
    let name = "model.layers.1.mlp.up_proj.weight";
    let values = |f: &Folder| f.load(name).expect("tensor").to_vec2::<f32>().expect("numbers");
    assert_eq!(values(&several), values(&one));
}

#[test]
fn an_index_that_leads_elsewhere_is_an_error() {
    let first = "model-00001-of-00002.safetensors";
    for elsewhere in ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "", "..", "."] {
        match sharded(|index| index.replacen(first, elsewhere, 1)).1 {
            Err(LlmError::Header { problem, .. }) => assert!(problem.contains("plain file name")),
            other => panic!("{elsewhere}: {other:?}"),
        }
    }
    let missing = sharded(|index| index.replacen(first, "model-00009.safetensors", 1)).1;
    assert!(matches!(missing, Err(LlmError::File { .. })));
    let swapped = sharded(|index| index.replacen(first, "model-00002-of-00002.safetensors", 1)).1;
    assert!(matches!(swapped, Err(LlmError::MissingTensor { .. })));
    let none = sharded(|_| "{}".into()).1;
    assert!(matches!(none, Err(LlmError::Header { .. })));
}
