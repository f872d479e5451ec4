//! A tiny model to distil into itself, with data, and what a run leaves behind.
#![allow(dead_code)] // each test binary uses a part

use crate::common::bellman;
use crate::events::events;
use crate::tiny;
use serde_json::Value;
use std::path::Path;

/// A teacher that is its own student, records, and teacher data.
pub fn prepare(folder: &Path) {
    tiny::model(folder);
    tiny::records(folder, 12);
    std::fs::write(folder.join("run.toml"), CONFIG).unwrap();
    let generate =
        bellman().current_dir(folder).args(tiny::GENERATE).args(["--out", "teacher"]).assert();
    generate.code(0);
}

pub const CONFIG: &str = r#"
student = "."
train = "train.jsonl"
dev = "train.jsonl"
cache = "teacher/teacher.parquet"
prompt = "chat"
check = "every=8"
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

pub fn distill(folder: &Path, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = bellman();
    command.current_dir(folder).arg("distill").args(arguments);
    command
}

/// The lines of the log without what the clock says.
pub fn log(run: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(run.join("log.jsonl")).unwrap();
    let line = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        entry.as_object_mut().unwrap().remove("seconds").unwrap();
        entry
    };
    text.lines().map(line).collect()
}

/// A number of a curve: its step, its name, its value.
pub type Event = (u64, String, f32);

/// The student's weights, the log and the curves of TensorBoard without what the clock says.
pub fn result(run: &Path) -> (Vec<u8>, Vec<Value>, Vec<Event>) {
    let weights = std::fs::read(run.join("student/model.safetensors")).unwrap();
    let mut curves = events(&run.join("tensorboard/events.out.tfevents.0.bellman"));
    curves.retain(|(_, tag, _)| !tag.ends_with("/tokens_per_second"));
    (weights, log(run), curves)
}
