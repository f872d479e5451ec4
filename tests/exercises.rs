//! `bellman exercises` and `bellman init`: data, a tokenizer and a model that belong together.
#![cfg(feature = "llm")]

mod common;

use common::bellman;
use serde_json::{Value, json};
use std::path::Path;

fn run(folder: &Path, arguments: &[&str], code: i32) -> (Value, String) {
    let mut command = bellman();
    let output = command.current_dir(folder).args(arguments).arg("--json").assert().code(code);
    let output = output.get_output();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (answer, String::from_utf8_lossy(&output.stderr).into_owned())
}

const FEW: [&str; 6] = ["exercises", "--out", "data", "--count", "60", "--held-out"];

fn ready() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (answer, _) = run(folder.path(), &[&FEW[..], &["12"]].concat(), 0);
    let counts = ["train", "dev", "test"].map(|split| answer[split].clone());
    assert_eq!(counts, [60, 12, 12].map(Value::from));
    folder
}

#[test]
fn the_same_seed_writes_the_same_files() {
    let folder = ready();
    let content = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let again = ["exercises", "--out", "again", "--count", "60", "--held-out", "12"];
    run(folder.path(), &again, 0);
    run(folder.path(), &["exercises", "--out", "other", "--count", "60", "--seed", "1"], 0);
    for file in ["train.jsonl", "dev.jsonl", "test.jsonl", "tokenizer.json"] {
        assert_eq!(content(&format!("data/{file}")), content(&format!("again/{file}")), "{file}");
    }
    assert_ne!(content("data/train.jsonl"), content("other/train.jsonl"));
    let lines = content("data/train.jsonl");
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert!(first["outputs"].as_array().unwrap().contains(&first["output"]));
}

#[test]
fn a_model_from_nothing_can_be_evaluated_on_them() {
    let folder = ready();
    let shape = ["--layers", "2", "--width", "16", "--heads", "2"];
    let init = [&["init", "--tokenizer", "data", "--out", "model"], &shape[..]].concat();
    let (answer, _) = run(folder.path(), &init, 0);
    let tokens = answer["vocabulary"].as_u64().unwrap();
    // The embedding, two layers of four square matrices, three of 16 × 48 and two norms, and a norm.
    let expected = 16 * tokens + 2 * (4 * 256 + 3 * 16 * 48 + 2 * 16) + 16;
    assert_eq!(answer["parameters"], expected);
    let eval = "eval --model model --data data/test.jsonl --prompt chat --output-field outputs \
        --max-new-tokens 4 --seeds 1 --resamples 20";
    let (answer, _) = run(folder.path(), &eval.split_whitespace().collect::<Vec<_>>(), 0);
    assert_eq!(answer["prompts"], 12);
}

#[test]
fn the_seed_of_a_model_decides_its_weights_and_a_file_its_shape() {
    let folder = ready();
    let init = |out: &str, arguments: &[&str]| {
        run(
            folder.path(),
            &[&["init", "--tokenizer", "data", "--out", out], arguments].concat(),
            0,
        );
        std::fs::read(folder.path().join(out).join("model.safetensors")).unwrap()
    };
    let small = init("one", &["--width", "16"]);
    let shape = ["--config", "one/config.json"];
    assert_eq!(small, init("two", &shape));
    assert_ne!(small, init("three", &[&shape[..], &["--seed", "1"]].concat()));
    let config = std::fs::read_to_string(folder.path().join("one/config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!((&config["eos_token_id"], &config["num_hidden_layers"]), (&json!(0), &json!(4)));
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = ready();
    let says = |arguments: &[&str], words: &str| {
        let (_, said) = run(folder.path(), arguments, 2);
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    says(&[&FEW[..], &["12"]].concat(), "data exists and is not empty");
    says(&["init", "--tokenizer", "data", "--out", "data"], "data exists and is not empty");
    says(&["init", "--tokenizer", ".", "--out", "m"], "has no tokenizer.json");
    let odd = ["init", "--tokenizer", "data", "--out", "m", "--width", "10", "--heads", "3"];
    says(&odd, "hidden_size 10 is no multiple of 3 heads");
    says(&["init", "--tokenizer", "data", "--out", "m", "--layers", "0"], "the number of layers");
    assert!(!folder.path().join("m").exists());
}
