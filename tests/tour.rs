//! `bellman distill` without arguments, at a size that takes seconds: the table, and interruptions.
#![cfg(feature = "llm")]

mod common;

use common::{bellman, error, json};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const TINY: &str = r#"
seed = 1
control = "SFT"
[data]
exercises = 36
held-out = 12
[teacher]
prompts = 4
responses = 2
p = 0.8
max-new-tokens = 8
batch = 8
[student]
layers = 1
width = 16
heads = 2
[evaluation]
split = "test"
seeds = [1, 2]
top-p = [1.0, 0.5]
max-new-tokens = 4
batch = 12
[start]
phases = ["sft"]
steps = 3
batch = 4
[training]
steps = 2
batch = 4
[[methods]]
name = "SFT"
options.phases = ["sft"]
[[methods]]
name = "KD"
options.phases = ["kd"]
[[methods]]
name = "BD"
options.phases = ["bd"]
"#;

const START: [&str; 6] = ["distill", "--demonstration", "tiny.toml", "--json", "--out", "run"];

fn tour(folder: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = bellman();
    command.current_dir(folder).args(arguments);
    command
}

fn ready(settings: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tiny.toml"), settings).unwrap();
    folder
}

/// What came out, without what the clock says.
fn result(mut outcome: Value) -> Value {
    outcome["seconds"].take();
    outcome["rows"].as_array_mut().unwrap().iter_mut().for_each(|row| _ = row["seconds"].take());
    outcome
}

#[test]
fn the_table_has_every_row_and_what_was_stopped_goes_on_to_the_same() {
    let folder = ready(TINY);
    let folder = folder.path();
    // Stopped within several stages, without a warning.
    for stage in ["exercises", "responses", "runs/start", "runs/KD", "scores"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bellman"));
        command.current_dir(folder).args(START).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the command");
        while !folder.join("run").join(stage).exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let stopped = result(json(&mut tour(folder, &START)));
    let again = json(&mut tour(folder, &["distill", "--resume", "--json", "--out", "run"]));
    assert_eq!(stopped, result(again));
    std::fs::rename(folder.join("run"), folder.join("before")).unwrap();
    let whole = result(json(&mut tour(folder, &START)));
    assert_eq!(stopped, whole);

    let rows = whole["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["teacher", "start", "SFT", "KD", "BD"]);
    for row in rows {
        let scores = row["scores"].as_array().unwrap();
        assert_eq!((&scores[0]["top_p"], &scores[1]["top_p"]), (&1.0.into(), &0.5.into()));
        for score in scores.iter().flat_map(|way| [&way["exact_match"], &way["rouge_l"]]) {
            assert_eq!((&score["n"], &score["difference"]["n"]), (&12.into(), &12.into()));
        }
    }
    assert_eq!((&rows[0]["steps"], &rows[1]["steps"]), (&Value::Null, &3.into()));
    // The control differs from itself by nothing, and the teacher from a student that has seen
    // twenty exercises by far.
    let difference = |row: usize| &rows[row]["scores"][1]["rouge_l"]["difference"];
    assert_eq!((&difference(2)["lower"], &difference(2)["upper"]), (&0.0.into(), &0.0.into()));
    assert!(difference(0)["lower"].as_f64().unwrap() > 20.0, "{}", difference(0));
}

#[test]
fn a_student_may_be_some_of_the_layers_of_the_teacher() {
    let keep = TINY.replace("layers = 1\nwidth = 16\nheads = 2", "keep = \"0,3\"");
    assert!(keep != TINY);
    let folder = ready(&keep);
    let folder = folder.path();
    let rows = json(&mut tour(folder, &START))["rows"].take();
    assert_eq!(rows.as_array().unwrap().len(), 5);
    let config = std::fs::read_to_string(folder.join("run/student/config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["num_hidden_layers"], 2);
}

#[test]
fn what_cannot_be_a_demonstration_is_said() {
    let folder = ready(TINY);
    let folder = folder.path();
    let says = |arguments: &[&str], words: &str| {
        let said = error(&mut tour(folder, arguments));
        assert!(said.contains(words), "{arguments:?}: {said}");
    };
    std::fs::create_dir(folder.join("run")).unwrap();
    std::fs::write(folder.join("run/mine.txt"), "mine").unwrap();
    says(&START, "run exists and is not empty");
    says(&["distill", "--resume", "--out", "run"], "run holds no run");
    says(&[&START[..], &["--alpha", "1"]].concat(), "all of its settings in its file");
    let wrong = [
        (r#"seed = 1"#, "seeds = 1", "unknown field `seeds`"),
        (r#"control = "SFT""#, r#"control = "sft""#, "the control \"sft\" is no method"),
        (r#"name = "KD""#, r#"name = "SFT""#, "there are two rows SFT"),
        (r#"name = "KD""#, r#"name = "../KD""#, "\"../KD\" is no name"),
        (r#"phases = ["kd"]"#, r#"student = "other""#, "KD: student is not to be set"),
        ("top-p = [1.0, 0.5]", "top-p = []", "no top-p"),
    ];
    for (before, after, words) in wrong {
        std::fs::write(folder.join("tiny.toml"), TINY.replace(before, after)).unwrap();
        says(&["distill", "--demonstration", "tiny.toml", "--out", "new"], words);
        assert!(!folder.join("new").exists(), "{words}");
    }
}
