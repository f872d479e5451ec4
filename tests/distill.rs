//! `bellman distill` on a tiny model: from data to a student that loads, and through interruptions.
#![cfg(feature = "llm")]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use common::{bellman, error, json};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A teacher that is its own student, records, and teacher data.
fn prepare(folder: &Path) {
    tiny::model(folder);
    let record =
        |i: u32| json!({"instruction": format!("Say {i}."), "output": format!("It is {i}.")});
    let lines: Vec<String> = (0..12).map(|i| record(i).to_string()).collect();
    std::fs::write(folder.join("train.jsonl"), lines.join("\n")).unwrap();
    let generate = [
        "generate",
        "--teacher",
        ".",
        "--prompts",
        "train.jsonl",
        "--prompt",
        "chat",
        "--responses",
        "2",
        "--max-new-tokens",
        "8",
        "--out",
        "teacher",
        "--p",
        "0.5",
    ];
    bellman().current_dir(folder).args(generate).assert().code(0);
}

const CONFIG: &str = r#"
student = "."
train = "train.jsonl"
dev = "train.jsonl"
cache = "teacher/teacher.parquet"
prompt = "chat"
phases = ["sft", "bd"]
steps = 16
batch = 4
micro-batch = 3
learning-rate = 1e-3
save-every = 1
score-every = 8
dev-limit = 4
max-new-tokens = 4
max-tokens = 60
"#;

fn distill(folder: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = bellman();
    command.current_dir(folder).arg("distill").args(arguments);
    command
}

/// The student's weights, and the log without what the clock says.
fn result(run: &Path) -> (Vec<u8>, Vec<Value>) {
    let text = std::fs::read_to_string(run.join("log.jsonl")).unwrap();
    let line = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        entry.as_object_mut().unwrap().remove("seconds").unwrap();
        entry
    };
    let weights = std::fs::read(run.join("student/model.safetensors")).unwrap();
    (weights, text.lines().map(line).collect())
}

#[test]
fn a_run_writes_a_student_that_loads_a_log_and_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    std::fs::write(folder.join("run.toml"), CONFIG).unwrap();
    let config = ["--config", "run.toml", "--out", "run", "--steps", "4", "--json"];
    let outcome = json(&mut distill(folder, &config));
    let phases = outcome["phases"].as_array().unwrap();
    assert_eq!((&phases[0]["phase"], &phases[1]["phase"]), (&json!("sft"), &json!("bd")));
    assert_eq!(phases[1]["steps"], 4);
    let (_, log) = result(&folder.join("run"));
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
    std::fs::write(folder.join("run.toml"), CONFIG).unwrap();
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
    std::fs::write(folder.join("run.toml"), CONFIG).unwrap();
    distill(folder, &["--config", "run.toml", "--out", "run", "--steps", "3"]).assert().code(0);
    let before = result(&folder.join("run"));
    distill(folder, &["--out", "run", "--resume"]).assert().code(0);
    assert!(result(&folder.join("run")) == before);
}

/// A copy of the model with another text in one of its files.
fn altered(folder: &Path, name: &str, file: &str, alter: impl Fn(Vec<u8>) -> Vec<u8>) {
    let copy = folder.join(name);
    std::fs::create_dir_all(&copy).unwrap();
    for file in ["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"] {
        std::fs::copy(folder.join(file), copy.join(file)).unwrap();
    }
    let content = alter(std::fs::read(copy.join(file)).unwrap());
    std::fs::write(copy.join(file), content).unwrap();
}

#[test]
fn a_cache_of_another_teacher_template_or_vocabulary_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let replace = |from: &'static str, to: &'static str| {
        move |content: Vec<u8>| {
            let text = String::from_utf8(content).unwrap();
            assert!(text.contains(from), "{text}");
            text.replace(from, to).into_bytes()
        }
    };
    let flip = |mut content: Vec<u8>| {
        *content.last_mut().unwrap() ^= 1;
        content
    };
    altered(folder, "weights", "model.safetensors", flip);
    altered(folder, "template", "chat_template.jinja", replace("{% for", "Chat: {% for"));
    altered(folder, "tokens", "tokenizer.json", replace("\"S\":", "\"ß\":"));
    altered(
        folder,
        "rules",
        "tokenizer.json",
        replace("\"ignore_merges\":false", "\"ignore_merges\":true"),
    );
    let start = |student: &str, more: &[&str]| {
        let common = ["--student", student, "--cache", "teacher/teacher.parquet", "--steps", "1"];
        let sizes = ["--max-tokens", "60", "--batch", "4", "--out", "run"];
        distill(folder, &[&common[..], &sizes, more].concat())
    };
    let chat = ["--prompt", "chat", "--phases", "bd"];
    let alpaca = error(&mut start(".", &["--phases", "bd"]));
    assert!(alpaca.contains("its template is") && alpaca.contains("where alpaca"), "{alpaca}");
    assert!(alpaca.contains("`--prompt chat`"), "{alpaca}");
    let template = error(&mut start("template", &chat));
    assert!(template.contains("its template is"), "{template}");
    let tokens = error(&mut start("tokens", &chat));
    assert!(tokens.contains("differ in 1 tokens") && tokens.contains("\"ß\" there"), "{tokens}");
    for phase in ["kd", "reverse-kl"] {
        let kd = ["--prompt", "chat", "--phases", phase, "--teacher", "weights"];
        let weights = error(&mut start(".", &kd));
        assert!(weights.contains("its weights is"), "{weights}");
        assert!(weights.contains("give the teacher that made it"), "{weights}");
    }
    assert!(!folder.join("run").exists());
    // The same tokens in a file that says something else beside them.
    let kd = ["--prompt", "chat", "--phases", "kd", "--teacher", "."];
    start("rules", &kd).assert().code(0);
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
            "student = \".\"\ncache = \"teacher/teacher.parquet\"\nphases = [\"bd\"]",
            "its template is",
        ),
        (
            "student = \".\"\ncache = \"teacher/teacher.parquet\"\nprompt = \"chat\"\nphases = [\"kd\"]",
            "give `--teacher MODEL`",
        ),
        (
            "student = \".\"\ncache = \"teacher/teacher.parquet\"\nprompt = \"chat\"\nphases = [\"bd\"]\np = 0.9",
            "0.9",
        ),
        ("phases = [\"bd\"]", "there is no student"),
    ];
    for (config, message) in cases {
        std::fs::write(folder.join("bad.toml"), config).unwrap();
        let said = error(&mut distill(folder, &["--config", "bad.toml", "--out", "run"]));
        assert!(said.contains(message), "{config}: {said}");
        assert!(!folder.join("run").exists(), "{config}");
    }
    std::fs::write(folder.join("run.toml"), CONFIG).unwrap();
    let start = ["--config", "run.toml", "--out", "run", "--steps", "1"];
    distill(folder, &start).assert().code(0);
    assert!(error(&mut distill(folder, &start)).contains("holds a run already"));
    let other = ["--out", "run", "--resume", "--seed", "3"];
    assert!(error(&mut distill(folder, &other)).contains("leave out the other settings"));
}
