//! `bellman rouge` as others rely on it.
#![cfg(feature = "llm")]

mod common;

use common::{bellman, error, json, repository};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A file of JSON Lines.
fn lines(folder: &Path, name: &str, values: &[Value]) -> PathBuf {
    let path = folder.join(name);
    let text: Vec<String> = values.iter().map(Value::to_string).collect();
    std::fs::write(&path, text.join("\n")).unwrap();
    path
}

fn rouge_reference() -> Value {
    let text = std::fs::read_to_string(repository("tests/reference/rouge/rouge_l.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn rouge_prints_the_means_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let file = rouge_reference();
    let rows = file["rows"].as_array().unwrap();
    let predictions: Vec<Value> = rows.iter().map(|r| json!({"text": r["prediction"]})).collect();
    let references: Vec<Value> = rows.iter().map(|r| json!({"output": r["references"]})).collect();
    let found = json(
        bellman()
            .args(["rouge", "--json", "--predictions"])
            .arg(lines(folder.path(), "p.jsonl", &predictions))
            .arg("--references")
            .arg(lines(folder.path(), "r.jsonl", &references)),
    );
    // The mean is given with three decimals.
    let expected = file["mean_rouge_l"].as_f64().unwrap();
    assert!((found["rouge_l"].as_f64().unwrap() - expected).abs() <= 0.000_5 + 1e-12, "{found}");
    let exact = rows.iter().filter(|r| r["exact_match"] == true).count();
    let share = 100.0 * exact as f64 / rows.len() as f64;
    assert!((found["exact_match"].as_f64().unwrap() - share).abs() <= 1e-12 * share, "{found}");
    assert_eq!(found["n"], rows.len());
    assert_eq!(found.as_object().unwrap().len(), 3);
}

#[test]
fn rouge_refuses_files_of_different_length_and_names_a_bad_line() {
    let folder = tempfile::tempdir().unwrap();
    let one = lines(folder.path(), "one.jsonl", &[json!({"text": "a"})]);
    let two = [json!({"output": "a"}), json!({"output": ["b"]})];
    let two = lines(folder.path(), "two.jsonl", &two);
    let bad = lines(folder.path(), "bad.jsonl", &[json!({"output": "a"}), json!({"output": 1})]);
    let rouge = |references: &Path| {
        let arguments = ["rouge", "--json", "--predictions"];
        error(bellman().args(arguments).arg(&one).arg("--references").arg(references))
    };
    let refused = rouge(&two);
    assert!(refused.contains("has 1 texts and"), "{refused}");
    let refused = rouge(&bad);
    assert!(refused.contains("bad.jsonl, line 2: `output` must be"), "{refused}");
}
