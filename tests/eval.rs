//! `bellman eval` on a tiny model, and `bellman compare`.
#![cfg(feature = "llm")]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use common::bellman;
use serde_json::{Value, json};
use std::path::Path;

/// Five questions, one of them too long.
fn data(folder: &Path) {
    let short = (0..4).map(|i| json!({"instruction": format!("{i}?"), "output": ["a b", "c"]}));
    let long = json!({"instruction": "many words ".repeat(20), "output": "x"});
    let lines: Vec<String> = short.chain([long]).map(|line| line.to_string()).collect();
    std::fs::write(folder.join("data.jsonl"), lines.join("\n")).unwrap();
}

const EVAL: &[&str] = &[
    "eval",
    "--model",
    ".",
    "--prompt",
    "chat",
    "--max-prompt-tokens",
    "40",
    "--max-new-tokens",
    "6",
    "--resamples",
    "50",
    "--json",
];

fn eval(folder: &Path, arguments: &[&str], code: i32) -> (Option<Value>, String) {
    let mut command = bellman();
    let output = command.current_dir(folder).args(EVAL).args(arguments).assert().code(code);
    let output = output.get_output();
    let answer = serde_json::from_slice(&output.stdout).ok();
    (answer, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn ready() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny::model(folder.path());
    data(folder.path());
    folder
}

#[test]
fn an_evaluation_says_all_that_its_score_depends_on() {
    let folder = ready();
    let (answer, _) = eval(folder.path(), &["--data", "data.jsonl", "--seeds", "1,2"], 0);
    let answer = answer.unwrap();
    assert_eq!((&answer["prompts"], &answer["too_long"]), (&json!(4), &json!(1)));
    assert_eq!(answer["role"], "test");
    assert_eq!(answer["seeds"].as_array().unwrap().len(), 2);
    let settings = &answer["settings"];
    for (name, expected) in [
        ("max_new_tokens", json!(6)),
        ("max_prompt_tokens", json!(40)),
        ("limit", Value::Null),
        ("instruction_field", json!("instruction")),
        ("input_field", json!("input")),
        ("output_field", json!("output")),
        ("dtype", json!("f32")),
        ("device", json!("cpu")),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(settings[name], expected, "{name}");
    }
    assert_eq!(
        (&answer["rouge_l"]["n"], &answer["rouge_l"]["confidence"]),
        (&json!(4), &json!(0.95))
    );
    let means: Vec<f64> = (0..2).map(|i| answer["seeds"][i]["rouge_l"].as_f64().unwrap()).collect();
    // Two orders of the same sum of eight numbers of at most 100.
    let value = answer["rouge_l"]["value"].as_f64().unwrap();
    assert!((value - (means[0] + means[1]) / 2.0).abs() < 800.0 * f64::EPSILON);
}

#[test]
fn predictions_that_are_written_give_the_same_score() {
    let folder = ready();
    let folder = folder.path();
    let arguments = ["--test", "data.jsonl", "--seeds", "7", "--predictions", "out"];
    let (answer, _) = eval(folder, &arguments, 0);
    let files = ["--predictions", "out/seed-7.jsonl", "--references", "out/references.jsonl"];
    let mut command = bellman();
    let score = command.current_dir(folder).arg("rouge").args(files).arg("--json").assert().code(0);
    let score: Value = serde_json::from_slice(&score.get_output().stdout).unwrap();
    let seed = &answer.unwrap()["seeds"][0];
    assert_eq!((&score["rouge_l"], &score["n"]), (&seed["rouge_l"], &seed["n"]));
}

#[test]
fn a_batch_of_one_answers_as_a_batch_of_four_does() {
    let folder = ready();
    let of = |batch: &str| {
        let arguments = ["--dev", "data.jsonl", "--dtype", "f64", "--batch", batch];
        eval(folder.path(), &arguments, 0).0.unwrap()["seeds"].clone()
    };
    assert_eq!(of("1"), of("4"));
}

#[test]
fn what_was_reported_on_is_refused_as_dev_under_any_name() {
    let folder = ready();
    let folder = folder.path();
    let record = ["--record", "run.json", "--seeds", "1"];
    eval(folder, &[&["--dev", "data.jsonl"], &record[..]].concat(), 0);
    eval(folder, &[&["--test", "data.jsonl"], &record[..]].concat(), 0);
    std::fs::copy(folder.join("data.jsonl"), folder.join("copy.jsonl")).unwrap();
    let before = std::fs::read(folder.join("run.json")).unwrap();
    let (_, words) = eval(folder, &[&["--dev", "copy.jsonl"], &record[..]].concat(), 2);
    assert!(words.contains("copy.jsonl") && words.contains("--test"), "{words}");
    assert_eq!(before, std::fs::read(folder.join("run.json")).unwrap());
    let kept: Value = serde_json::from_slice(&before).unwrap();
    let roles: Vec<&str> = kept["evaluations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["dev", "test"]);
}

#[test]
fn a_record_that_is_none_is_refused_and_kept() {
    let folder = ready();
    std::fs::write(folder.path().join("run.json"), "{\"evaluations\": 3}").unwrap();
    let (_, words) = eval(folder.path(), &["--dev", "data.jsonl", "--record", "run.json"], 2);
    assert!(words.contains("run.json"), "{words}");
    assert!(folder.path().join("run.json").is_file());
}

fn compare(folder: &Path, a: &[&str], b: &[&str]) -> Value {
    let lines = |name: &str, field: &str, texts: &[&str]| {
        let lines: Vec<String> = texts.iter().map(|t| json!({field: t}).to_string()).collect();
        std::fs::write(folder.join(name), lines.join("\n")).unwrap();
    };
    lines("a", "text", a);
    lines("b", "text", b);
    lines("r", "output", &["one two", "three four", "five six"]);
    let arguments = ["compare", "--a", "a", "--b", "b", "--references", "r", "--json"];
    let mut command = bellman();
    let output = command.current_dir(folder).args(arguments).assert().code(0);
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

#[test]
fn a_system_does_not_differ_from_itself() {
    let folder = tempfile::tempdir().unwrap();
    let texts = ["one two", "four", "seven"];
    let answer = compare(folder.path(), &texts, &texts);
    let difference = &answer["rouge_l"]["difference"];
    for end in ["value", "lower", "upper"] {
        assert_eq!(difference[end], 0.0, "{end}");
    }
}

#[test]
fn right_answers_are_better_than_wrong_ones_by_a_hundred() {
    let folder = tempfile::tempdir().unwrap();
    let answer = compare(folder.path(), &["one two", "three four", "five six"], &["x", "y", "z"]);
    for score in ["rouge_l", "exact_match"] {
        assert_eq!((&answer[score]["a"], &answer[score]["b"]), (&json!(100.0), &json!(0.0)));
        assert_eq!(answer[score]["difference"]["lower"], 100.0);
        assert_eq!(answer[score]["difference"]["n"], 3);
    }
}

#[test]
fn all_seeds_of_two_folders_are_compared_by_the_means_of_prompts() {
    let folder = ready();
    let folder = folder.path();
    let mut means = Vec::new();
    for (out, seeds) in [("a", "1,2,3"), ("b", "4,5")] {
        let arguments = ["--dev", "data.jsonl", "--seeds", seeds, "--predictions", out];
        let answer = eval(folder, &arguments, 0).0.unwrap();
        means.push(answer["rouge_l"]["value"].as_f64().unwrap());
    }
    let compare = |references: &str| {
        let files = ["compare", "--a", "a", "--b", "b", "--references", references, "--json"];
        let mut command = bellman();
        command.current_dir(folder).args(files);
        command
    };
    let answer = common::json(&mut compare("a/references.jsonl"));
    assert_eq!((&answer["seeds_a"], &answer["seeds_b"]), (&json!(3), &json!(2)));
    assert_eq!((&answer["n"], &answer["rouge_l"]["difference"]["n"]), (&json!(4), &json!(4)));
    let found = |name: &str| answer["rouge_l"][name].as_f64().unwrap();
    // The same sums of at most twelve numbers of at most 100, in the same order.
    assert_eq!((found("a"), found("b")), (means[0], means[1]));
    let difference = answer["rouge_l"]["difference"]["value"].as_f64().unwrap();
    assert!((difference - (means[0] - means[1])).abs() < 400.0 * f64::EPSILON);

    let others = ["x", "y", "z", "w"].map(|text| json!({"output": text}).to_string());
    std::fs::write(folder.join("other.jsonl"), others.join("\n")).unwrap();
    let words = common::error(&mut compare("other.jsonl"));
    assert!(words.contains("responses to other prompts"), "{words}");
    std::fs::create_dir(folder.join("empty")).unwrap();
    let files = ["compare", "--a", "empty", "--b", "b", "--references", "a/references.jsonl"];
    let words = common::error(bellman().current_dir(folder).args(files));
    assert!(words.contains("holds no predictions"), "{words}");

    let beside = ["compare", "--a", "a", "--b", "b", "--json"];
    let same = common::json(bellman().current_dir(folder).args(beside));
    assert_eq!(same, answer, "the references in a folder");
    let files = ["compare", "--a", "a/seed-1.jsonl", "--b", "b/seed-4.jsonl"];
    let words = common::error(bellman().current_dir(folder).args(files));
    assert!(words.contains("neither system is a folder with references.jsonl"), "{words}");
}
