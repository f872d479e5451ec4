//! `bellman chat` and `bellman generate` on a tiny model.
#![cfg(feature = "llm")]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use common::bellman;
use llm::teacher::{Cache, Expected};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

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
fn a_run_killed_at_any_moment_ends_with_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    // Five parts and a bit.
    let lines: Vec<String> =
        (0..83).map(|i| json!({"instruction": format!("Say {i}.")}).to_string()).collect();
    std::fs::write(folder.join("prompts.jsonl"), lines.join("\n")).unwrap();
    generate(folder, &["--out", "whole"]);
    let expected = std::fs::read(folder.join("whole/teacher.parquet")).unwrap();

    let (mut kills, mut runs, mut random) = (0, 0, 12345u64);
    while kills < 20 {
        runs += 1;
        let out = format!("killed-{runs}");
        let parts = || {
            let entries = std::fs::read_dir(folder.join(&out).join("parts"));
            let names = entries.into_iter().flatten().flatten().map(|entry| entry.path());
            names.filter(|path| path.extension().is_some_and(|end| end == "parquet")).count()
        };
        loop {
            let before = parts();
            let mut command = Command::new(env!("CARGO_BIN_EXE_bellman"));
            command.current_dir(folder).args(GENERATE).args(["--out", &out]);
            command.env("HF_HUB_OFFLINE", "1").stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("the command");
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let (early, moment) = ((random >> 33) % 4 == 0, (random >> 40) % 30);
            // Most get a part further, so that the run ends; some die as they start.
            while !early && parts() <= before && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(moment));
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        }
        let file = folder.join(&out).join("teacher.parquet");
        assert!(std::fs::read(&file).unwrap() == expected, "run {runs}, after {kills} kills");
        let cache = Cache::open(&file, &Expected::anything()).unwrap();
        let rows: Vec<(u32, u32)> =
            cache.rows().unwrap().map(|row| row.map(|r| (r.prompt, r.response)).unwrap()).collect();
        let wanted: Vec<(u32, u32)> = (0..83).flat_map(|i| [(i, 0), (i, 1)]).collect();
        assert_eq!(rows, wanted);
    }
}

#[test]
fn two_processes_do_not_fill_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    prompts(folder);
    std::fs::create_dir_all(folder.join("a/parts")).unwrap();
    let lock = std::fs::File::create(folder.join("a/parts/lock")).unwrap();
    lock.lock().unwrap();
    let refused = bellman().current_dir(folder).args(GENERATE).args(["--out", "a"]).assert();
    let words = String::from_utf8_lossy(&refused.code(2).get_output().stderr).into_owned();
    assert!(words.contains("another process is filling"), "{words}");
    // Not dropped: a process that another test is just starting may still have the file open.
    lock.unlock().unwrap();
    generate(folder, &["--out", "a"]);
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

#[test]
fn a_conversation_that_grows_too_long_forgets_its_beginning_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tiny::model(folder);
    let talk = ["chat", "--model", ".", "--greedy", "--max-new-tokens", "4"];
    // A token for each letter; the model has 64 positions.
    let lines = ["a".repeat(30), "b".repeat(40), "c".repeat(70), "d".repeat(30)];
    let output = bellman()
        .current_dir(folder)
        .args(talk)
        .write_stdin(lines.map(|line| line + "\n").concat())
        .assert()
        .code(0);
    let output = output.get_output();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    // The second forgets the first, the third alone is too long, the fourth forgets the second.
    assert_eq!(words.matches("what was said first is forgotten").count(), 2, "{words}");
    assert!(words.contains("that is 70 tokens") && words.contains("64"), "{words}");
    let answers = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
    assert!(answers >= 3, "{answers} answers");
    let once = ["chat", "--model", ".", "--greedy", "--prompt", &"e".repeat(70)];
    bellman().current_dir(folder).args(once).assert().code(2);
}
