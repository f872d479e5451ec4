//! Running the command and reading what it says.
#![allow(dead_code)] // each test binary uses a part

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub fn bellman() -> Command {
    let mut command = Command::cargo_bin("bellman").unwrap();
    // Whatever a test names, it does not reach for the network.
    command.env("HF_HUB_OFFLINE", "1");
    command
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn reference(name: &str) -> PathBuf {
    repository("tests/reference/tabular").join(name)
}

pub fn json(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
}

/// What the command says to people when it ends with this code and prints no result.
pub fn says(command: &mut Command, code: i32) -> String {
    let output = command.assert().code(code).get_output().clone();
    assert!(output.stdout.is_empty(), "messages belong on standard error");
    // The report wraps lines: white space does not matter.
    let text = String::from_utf8(output.stderr).unwrap();
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The message about input that cannot be used.
pub fn error(command: &mut Command) -> String {
    says(command, 2)
}
