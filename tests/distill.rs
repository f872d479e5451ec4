//! `bellman distill` on a tiny model: from data to a student that loads, and through interruptions.
#![cfg(feature = "llm")]

mod common;
#[path = "common/distilling.rs"]
mod distilling;
#[path = "common/events.rs"]
mod events;
#[path = "common/tiny.rs"]
mod tiny;

use common::{bellman, error, json};
use distilling::{distill, log, prepare, result};
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn a_run_writes_a_student_that_loads_a_log_and_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let config = ["--config", "run.toml", "--out", "run", "--steps", "4", "--json"];
    let outcome = json(&mut distill(folder, &config));
    let phases = outcome["phases"].as_array().unwrap();
    assert_eq!((&phases[0]["phase"], &phases[1]["phase"]), (&json!("sft"), &json!("bd")));
    assert_eq!(phases[1]["steps"], 4);
    let log = log(&folder.join("run"));
    let steps = log.iter().filter(|entry| entry["event"] == "step").count();
    assert_eq!(steps, 8);
    // The teacher samples within its sets.
    let last = log.iter().rev().find(|entry| entry["event"] == "step").unwrap();
    assert_eq!(last["outside"], 0.0);
    // A flag wins over the file, and what nobody names is as published.
    let kept: toml::Table =
        std::fs::read_to_string(folder.join("run/config.toml")).unwrap().parse().unwrap();
    assert_eq!(kept["steps"].as_integer(), Some(4));
    assert_eq!(kept["alpha"].as_float(), Some(0.1));
    let logits = ["logits", "--model", "run/student", "--text", "Say 3.", "--json"];
    let logits = json(bellman().current_dir(folder).args(logits));
    assert_eq!(logits["top"].as_array().unwrap().len(), 10);
}

#[test]
fn a_run_killed_at_fifty_moments_ends_with_the_same_weights_and_log() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    distill(folder, &["--config", "run.toml", "--out", "whole"]).assert().code(0);
    let expected = result(&folder.join("whole"));

    // Runs of at most fifty kills each, until there were fifty in all.
    let (mut kills, mut runs, mut random) = (0, 0, 12345u64);
    while kills < 50 {
        runs += 1;
        let out = format!("killed-{runs}");
        loop {
            let mut command = Command::new(env!("CARGO_BIN_EXE_bellman"));
            command.current_dir(folder).args(["distill", "--out", &out]).env("HF_HUB_OFFLINE", "1");
            if folder.join(&out).join("config.toml").exists() {
                command.arg("--resume");
            } else {
                command.args(["--config", "run.toml"]);
            }
            let mut child =
                command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command");
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            std::thread::sleep(Duration::from_millis(20 + (random >> 33) % 400));
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        }
        assert!(result(&folder.join(&out)) == expected, "run {runs}, after {kills} kills");
    }
}

#[test]
fn a_finished_run_that_goes_on_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    distill(folder, &["--config", "run.toml", "--out", "run", "--steps", "3"]).assert().code(0);
    let before = result(&folder.join("run"));
    distill(folder, &["--out", "run", "--resume"]).assert().code(0);
    assert!(result(&folder.join("run")) == before);
}

#[test]
fn what_cannot_be_trained_is_said_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let cases = [
        ("studnet = \".\"", "unknown field `studnet`"),
        ("student = \".\"\nphases = [\"sft\"]", "give `--train FILE`"),
        ("student = \".\"\nphases = [\"bd\"]", "give `--cache FILE`"),
        (
            "student = \".\"\ncache = \"teacher/teacher.parquet\"\nphases = [\"kd\"]",
            "give `--teacher MODEL`",
        ),
        ("student = \".\"\ncache = \"teacher/teacher.parquet\"\nphases = [\"bd\"]\np = 0.9", "0.9"),
        ("phases = [\"bd\"]", "there is no student"),
    ];
    for (config, message) in cases {
        std::fs::write(folder.join("bad.toml"), config).unwrap();
        let said = error(&mut distill(folder, &["--config", "bad.toml", "--out", "run"]));
        assert!(said.contains(message), "{config}: {said}");
        assert!(!folder.join("run").exists(), "{config}");
    }
    let start = ["--config", "run.toml", "--out", "run", "--steps", "1"];
    distill(folder, &start).assert().code(0);
    assert!(error(&mut distill(folder, &start)).contains("holds a run already"));
    let other = ["--out", "run", "--resume", "--seed", "3"];
    assert!(error(&mut distill(folder, &other)).contains("leave out the other settings"));
}
