//! `bellman prune` on a tiny model.
#![cfg(feature = "llm")]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use common::bellman;
use serde_json::{Value, json};
use std::path::Path;

fn ready() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("teacher");
    std::fs::create_dir(&model).unwrap();
    tiny::model(&model);
    let record = |i| json!({"instruction": format!("{i}?"), "output": ["yes, it is", "no"]});
    let lines: Vec<String> = (0..3).map(|i| record(i).to_string()).collect();
    std::fs::write(folder.path().join("data.jsonl"), lines.join("\n")).unwrap();
    folder
}

fn prune(folder: &Path, arguments: &[&str], code: i32) -> (Value, String) {
    let mut command = bellman();
    command.current_dir(folder).args(["prune", "--model", "teacher", "--json"]).args(arguments);
    let output = command.assert().code(code).get_output().clone();
    let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (answer, String::from_utf8_lossy(&output.stderr).into_owned())
}

const CALIBRATE: [&str; 4] = ["--calibrate", "data.jsonl", "--prompt", "chat"];

#[test]
fn a_student_with_named_layers_can_be_used_at_once() {
    let folder = ready();
    let (answer, _) = prune(folder.path(), &["--keep", "0,2", "--out", "student"], 0);
    assert_eq!(answer["kept"], json!([0, 2]));
    assert_eq!((&answer["layers"], &answer["calibration"]), (&json!(3), &Value::Null));
    let parameters = |of: &str| answer["parameters"][of].as_u64().unwrap();
    assert!(parameters("student") < parameters("teacher"));
    let chat = ["chat", "--model", "student", "--prompt", "hello", "--max-new-tokens", "3"];
    bellman().current_dir(&folder).args(chat).assert().code(0);
}

#[test]
fn layers_are_left_out_by_what_it_costs_and_the_cost_is_told() {
    let folder = ready();
    let drop = [&["--drop", "2", "--out", "student"], &CALIBRATE[..]].concat();
    let (answer, _) = prune(folder.path(), &drop, 0);
    let kept = answer["kept"][0].as_u64().unwrap().to_string();
    let dropped = answer["calibration"]["dropped"].as_array().unwrap();
    assert_eq!(dropped.len(), 2);
    // "yes, it is" and the end, three times.
    assert_eq!(answer["calibration"]["positions"], 33);
    // The same layers by name, measured without writing.
    let keep = [&["--keep", &kept], &CALIBRATE[..]].concat();
    let (named, _) = prune(folder.path(), &keep, 0);
    assert_eq!(named["calibration"]["divergence"], answer["calibration"]["divergence"]);
    assert_eq!(named["calibration"]["divergence"], dropped[1]["divergence"]);
    assert_eq!(named["out"], Value::Null);
}

#[test]
fn what_cannot_be_done_is_said_and_nothing_is_written() {
    let folder = ready();
    let mine = folder.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("file"), "content").unwrap();
    let says = |arguments: &[&str], words: &str| {
        let (_, said) = prune(folder.path(), arguments, 2);
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    says(&["--keep", "0", "--out", "mine"], "mine exists and is not empty");
    says(&["--keep", "0-3", "--out", "new"], "there is no layer 3; the model has 3");
    says(&["--keep", "2-0", "--out", "new"], "layer 0 after layer 2");
    let drop = [&["--drop", "3", "--out", "new"], &CALIBRATE[..]].concat();
    says(&drop, "3 layers cannot be left out of 3");
    says(&["--drop", "1", "--out", "new"], "--calibrate");
    says(&["--keep", "0"], "--calibrate");
    let mut left: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort_unstable();
    assert_eq!(left, ["data.jsonl", "mine", "teacher"]);
}
