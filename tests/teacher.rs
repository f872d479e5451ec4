//! `bellman chat` and `bellman generate` on a tiny model.
#![cfg(feature = "llm")]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use common::bellman;
use serde_json::{Value, json};
use std::path::Path;

/// Seventeen prompts, one more than a part holds, and one that is too long.
fn prompts(folder: &Path) {
    let short = (0..17).map(|i| json!({"instruction": format!("What is {i} + {i}?")}));
    let long = json!({"instruction": "many words ".repeat(20)});
    let lines: Vec<String> = short.chain([long]).map(|line| line.to_string()).collect();
    std::fs::write(folder.join("prompts.jsonl"), lines.join("\n")).unwrap();
}

const GENERATE: &[&str] = &[
    "generate",
    "--teacher",
    ".",
    "--prompts",
    "prompts.jsonl",
    "--prompt",
    "chat",
    "--responses",
    "2",
    "--max-new-tokens",
    "6",
    "--max-prompt-tokens",
    "40",
    "--json",
];

fn generate(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = bellman();
    let output = command.current_dir(folder).args(GENERATE).args(arguments).assert().code(0);
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

#[test]
fn a_teacher_answers_every_prompt_that_is_short_enough_and_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    prompts(folder);
    let answer = generate(folder, &["--out", "a"]);
    assert_eq!((&answer["prompts"], &answer["too_long"]), (&json!(17), &json!(1)));
    assert_eq!(answer["responses"], 34);
    let (tokens, mass) = (answer["tokens"].as_u64().unwrap(), answer["captured_mass"].as_f64());
    assert!((34..=34 * 6).contains(&tokens), "{tokens}");
    // At least p, up to the rounding of f32.
    assert!(mass.unwrap() > 0.8 - 1e-6 && mass.unwrap() <= 1.0, "{mass:?}");
    assert!(answer["set_sizes"]["max"].as_u64().unwrap() <= 97);
    assert!(folder.join("a/teacher.parquet").is_file());
    assert!(!folder.join("a/parts").exists());
}

#[test]
fn the_same_seed_gives_the_same_file_and_another_seed_another() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    prompts(folder);
    let file = |out: &str, seed: &str| {
        generate(folder, &["--out", out, "--seed", seed]);
        std::fs::read(folder.join(out).join("teacher.parquet")).unwrap()
    };
    let first = file("a", "1");
    assert!(first == file("b", "1"));
    assert!(first != file("c", "2"));
}

#[test]
fn a_folder_with_other_settings_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    prompts(folder);
    generate(folder, &["--out", "a"]);
    let file = folder.join("a/teacher.parquet");
    let before = std::fs::read(&file).unwrap();
    let other = ["--out", "a", "--temperature", "0.5"];
    let refused = bellman().current_dir(folder).args(GENERATE).args(other).assert().code(2);
    let words = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(words.contains("temperature") && words.contains("0.5"), "{words}");
    assert!(before == std::fs::read(&file).unwrap());
}

#[test]
fn numbers_that_no_sampling_has_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    prompts(folder);
    for wrong in [["--p", "0"], ["--p", "NaN"], ["--top-p", "1.5"], ["--temperature", "-1"]] {
        let arguments = [&["--out", "a"], &wrong[..]].concat();
        bellman().current_dir(folder).args(GENERATE).args(&arguments).assert().code(2);
        assert!(!folder.join("a/teacher.parquet").exists());
    }
}

#[test]
fn chat_answers_a_prompt_and_says_whether_the_answer_ended() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    let ask = |arguments: &[&str]| {
        let prompt = ["chat", "--model", ".", "--prompt", "Hello", "--max-new-tokens", "5"];
        let mut command = bellman();
        let output = command.current_dir(folder).args(prompt).args(arguments).assert().code(0);
        String::from_utf8(output.get_output().stdout.clone()).unwrap()
    };
    let answer: Value = serde_json::from_str(&ask(&["--greedy", "--json"])).unwrap();
    let tokens = answer["tokens"].as_array().unwrap();
    assert!(!tokens.is_empty() && tokens.len() <= 5);
    assert_eq!(answer["ended"], tokens.last().unwrap() == 2);
    // What is streamed is what is returned.
    assert_eq!(ask(&["--greedy"]), format!("{}\n", answer["response"].as_str().unwrap()));
    assert_eq!(ask(&["--seed", "3"]), ask(&["--seed", "3"]));
}

#[test]
fn a_conversation_ends_with_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    let talk = ["chat", "--model", ".", "--greedy", "--max-new-tokens", "3"];
    let output =
        bellman().current_dir(folder).args(talk).write_stdin("Hello\nAgain\n").assert().code(0);
    let lines = output.get_output().stdout.iter().filter(|&&byte| byte == b'\n').count();
    assert!(lines >= 2, "{lines} lines");
}
