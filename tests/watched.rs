//! A run of `bellman distill` as one sees it: checks, logs, the page, and how it ends when it does
//! not come to its end.
#![cfg(feature = "llm")]

mod common;
#[path = "common/distilling.rs"]
mod distilling;
#[path = "common/events.rs"]
mod events;
#[path = "common/tiny.rs"]
mod tiny;

use common::{bellman, error, json, says};
use distilling::{distill, log, prepare, result};
use llm::Checkpoint;
use llm::teacher::{Cache, Expected, Prompt, Row, fill};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn ready() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    folder
}

const RUN: [&str; 4] = ["--config", "run.toml", "--out", "run"];
const RESUME: [&str; 3] = ["--out", "run", "--resume"];

#[test]
fn checks_are_made_and_hold_and_everything_is_written_down() {
    let folder = ready();
    let folder = folder.path();
    let arguments = [&RUN[..], &["--steps", "5", "--check", "every=2", "--json"]].concat();
    let output = distill(folder, &arguments).assert().code(0).get_output().clone();
    // Nobody is at a terminal.
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = folder.join("run");
    assert_eq!(outcome["report"], "run/report.html");
    for (phase, statements) in outcome["phases"].as_array().unwrap().iter().zip([2, 5]) {
        assert_eq!(phase["checks"], 3);
        let of_phase =
            |entry: &Value| entry["event"] == "check" && entry["phase"] == phase["phase"];
        let checks: Vec<Value> = log(&run).into_iter().filter(of_phase).collect();
        assert_eq!(checks.iter().map(|c| &c["step"]).collect::<Vec<_>>(), [1, 3, 5]);
        for check in checks {
            let checked = check["checked"].as_array().unwrap();
            assert_eq!(checked.len(), statements);
            let held = |c: &Value| c["missed"].as_f64().unwrap() <= c["bound"].as_f64().unwrap();
            assert!(checked.iter().all(held), "{checked:?}");
        }
    }
    // TensorBoard has every number of the log once.
    let curves = result(&run).2;
    for entry in log(&run).iter().filter(|entry| entry["event"] == "step") {
        for field in ["loss", "gradient_norm", "learning_rate", "residual", "student_mass"] {
            let tag = format!("{}/{field}", entry["phase"].as_str().unwrap());
            let of = |(step, name, _): &&(u64, String, f32)| entry["step"] == *step && *name == tag;
            let found: Vec<f32> = curves.iter().filter(of).map(|(.., value)| *value).collect();
            let expected = entry[field].as_f64().map(|x| x as f32);
            assert_eq!(found, Vec::from_iter(expected), "{tag}");
        }
    }
    // The page is complete in itself.
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    for word in [
        "Phase sft",
        "Phase bd",
        "Rouge-L on dev",
        "Captured mass",
        "Bellman residual",
        "Q at the floor",
        "tokens outside their set",
        "Learning rate",
        "behaviour-cloning",
        "micro-batch",
    ] {
        assert!(page.contains(word), "{word}");
    }
    for loaded in ["<script", "src=", "<link", "url(", "http://", "https://"] {
        assert!(!page.contains(loaded), "{loaded}");
    }
    for student in ["run/student", "run/best"] {
        let chat = ["chat", "--model", student, "--prompt", "hello", "--max-new-tokens", "2"];
        bellman().current_dir(folder).args(chat).assert().code(0);
    }
}

#[test]
fn a_check_that_fails_stops_the_run_with_a_report_and_so_it_does_again() {
    let folder = ready();
    let folder = folder.path();
    damage(&folder.join("teacher/teacher.parquet"), &folder.join("damaged"));
    let arguments = ["--cache", "damaged/teacher.parquet", "--phases", "bd", "--check", "every=1"];
    let mut command = distill(folder, &[&RUN[..], &arguments, &["--json"]].concat());
    let output = command.assert().code(1).get_output().clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failed = &report["failed_check"];
    assert_eq!(failed["checked"]["statement"], "captured-mass");
    // What is stored with the set is not what its probabilities sum up to.
    assert_eq!(failed["checked"]["expected"], json!(0.25));
    assert!(failed["checked"]["found"].as_f64().unwrap() > 0.5);
    let said = String::from_utf8_lossy(&output.stderr);
    let step = failed["step"].as_u64().unwrap();
    for words in [
        format!("step {step} does not compute what the theory states: candidate sets carry mass"),
        "position 1".into(),
        format!("bd after step {} is kept", step - 1),
        "run/report.html".into(),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }
    let check = |line: &Value| line["event"] == "check" && line["step"] == step;
    let said = says(&mut distill(folder, &RESUME), 1);
    assert!(said.contains(&format!("step {step} does not compute")), "{said}");
    // No line stands twice.
    assert_eq!(log(&folder.join("run")).into_iter().filter(check).count(), 1);
}

/// The cache with a smaller mass than its p at the first position of every third response.
fn damage(cache: &Path, folder: &Path) {
    // The model lies beside the folder of its responses.
    let model = cache.parent().and_then(Path::parent).unwrap();
    let vocabulary = Checkpoint::open(model).unwrap().tokenizer().unwrap().vocabulary();
    let cache = Cache::open(cache, &Expected::anything()).unwrap();
    let mut rows: Vec<Row> = cache.rows().unwrap().map(Result::unwrap).collect();
    rows.iter_mut().step_by(3).for_each(|row| row.scores.mass[0] = 0.25);
    let prompt = |row: &Row| Prompt { number: row.prompt, tokens: row.prompt_tokens.clone() };
    let mut prompts: Vec<Prompt> = rows.iter().map(prompt).collect();
    prompts.dedup();
    let answer = |_: &[Prompt]| Ok(rows.clone());
    fill(folder, cache.settings(), &prompts, &vocabulary, answer, |_| ControlFlow::Continue(()))
        .unwrap();
}

#[test]
fn data_that_tell_nothing_or_were_reported_on_are_refused() {
    let folder = ready();
    let folder = folder.path();
    let write = |name: &str, record: Value| {
        std::fs::write(folder.join(name), record.to_string()).unwrap();
    };
    write("bare.jsonl", json!({"instruction": "Say 1."}));
    write("long.jsonl", json!({"instruction": "x".repeat(300), "output": "y"}));
    write("test.jsonl", json!({"instruction": "Say 99.", "output": "It is 99."}));
    let dev = |file: &str| error(&mut distill(folder, &[&RUN[..], &["--dev", file]].concat()));
    assert!(dev("bare.jsonl").contains("bare.jsonl: record 1 has no reference"));
    assert!(dev("long.jsonl").contains("long.jsonl: no prompt is short enough"));
    let eval = |model: &str, arguments: &[&str]| {
        let mut command = bellman();
        let eval = ["eval", "--model", model, "--prompt", "chat", "--max-new-tokens", "2"];
        command.current_dir(folder).args(eval).args(["--seeds", "1"]).args(arguments);
        command
    };
    // A record of one's own.
    eval(".", &["--test", "test.jsonl", "--record", "all.json"]).assert().code(0);
    let arguments = [&RUN[..], &["--record", "all.json", "--dev", "test.jsonl"]].concat();
    let said = error(&mut distill(folder, &arguments));
    assert!(said.contains("test.jsonl was evaluated as --test"), "{said}");
    assert!(!folder.join("run").exists());
    // That of a run.
    distill(folder, &[&RUN[..], &["--steps", "1"]].concat()).assert().code(0);
    let record = || -> Value {
        serde_json::from_slice(&std::fs::read(folder.join("run/record.json")).unwrap()).unwrap()
    };
    let roles = record()["files"].as_array().unwrap().iter().map(|f| f["role"].clone()).collect();
    // The records and the teacher data that came from them.
    assert_eq!(Value::Array(roles), json!(["train", "train", "dev"]));
    let said = error(&mut eval("run/student", &["--test", "train.jsonl"]));
    assert!(said.contains("trained on train.jsonl"), "{said}");
    eval("run/student", &["--dev", "train.jsonl"]).assert().code(0);
    eval("run/student", &["--test", "test.jsonl"]).assert().code(0);
    assert_eq!(record()["evaluations"].as_array().unwrap().len(), 2);
    // A student of that student knows.
    let next =
        ["--config", "run.toml", "--out", "next", "--steps", "1", "--student", "run/student"];
    let said = error(&mut distill(folder, &[&next[..], &["--dev", "test.jsonl"]].concat()));
    assert!(said.contains("test.jsonl was evaluated as --test"), "{said}");
    distill(folder, &next).assert().code(0);
    let said = error(&mut eval("next/student", &["--test", "train.jsonl"]));
    assert!(said.contains("trained on"), "{said}");
}

#[test]
fn a_student_that_cannot_be_loaded_leaves_no_run() {
    let folder = ready();
    let folder = folder.path();
    let weights = folder.join("model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..whole.len() - 8]).unwrap();
    error(&mut distill(folder, &RUN));
    assert!(!folder.join("run").exists());
    std::fs::write(&weights, whole).unwrap();
    distill(folder, &[&RUN[..], &["--steps", "1"]].concat()).assert().code(0);
}

#[test]
fn a_loss_that_is_no_number_ends_with_what_to_do() {
    let folder = ready();
    let folder = folder.path();
    for phase in ["sft", "bd"] {
        let out = ["--config", "run.toml", "--out", phase, "--phases", phase];
        let wild = ["--learning-rate", "1e30", "--warm-up", "0", "--score-every", "16"];
        let said = error(&mut distill(folder, &[&out[..], &wild].concat()));
        let kept = format!("{phase} after step 1 is kept");
        for words in ["training has diverged", "lower `--learning-rate`", &kept] {
            assert!(said.contains(words), "{phase}: {said}");
        }
        assert!(folder.join(phase).join("best/model.safetensors").is_file());
    }
}

/// Starts the command and waits until `there` is true of the run's folder.
fn start(folder: &Path, arguments: &[&str], there: impl Fn(&Path) -> bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellman"));
    command.current_dir(folder).arg("distill").args(arguments).env("HF_HUB_OFFLINE", "1");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while !there(&folder.join("run")) && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing comes");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn lines(run: &Path) -> usize {
    std::fs::read_to_string(run.join("log.jsonl")).map_or(0, |text| text.lines().count())
}

#[cfg(unix)]
#[test]
fn ctrl_c_at_any_moment_keeps_every_step_and_says_how_to_go_on() {
    let folder = ready();
    let folder = folder.path();
    // Half of the time goes into scores.
    let often = ["--score-every", "1", "--save-every", "100", "--steps", "6"];
    let whole = ["--config", "run.toml", "--out", "whole"];
    distill(folder, &[&whole[..], &often].concat()).assert().code(0);
    // On a busy machine a run may end before it hears of the signal: another one then.
    let mut stops = 0;
    for _ in 0..20 {
        let _ = std::fs::remove_dir_all(folder.join("run"));
        stops += stopped_until_it_ends(folder, &[&RUN[..], &often].concat());
        assert!(result(&folder.join("run")) == result(&folder.join("whole")));
        if stops >= 3 {
            return;
        }
    }
    panic!("stopped {stops} times only");
}

/// Stops a run by Ctrl-C after every line of its log until it ends by itself; how often that was.
#[cfg(unix)]
fn stopped_until_it_ends(folder: &Path, first: &[&str]) -> u64 {
    let (mut arguments, mut stops) = (first, 0);
    loop {
        // One line more than last time, and some of the next.
        let before = lines(&folder.join("run"));
        let child = start(folder, arguments, |run| lines(run) > before);
        std::thread::sleep(Duration::from_millis(7 * stops % 23));
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        let output = child.wait_with_output().unwrap();
        if output.status.code() == Some(0) {
            return stops;
        }
        assert!(kill.unwrap().success());
        assert_eq!(output.status.code(), Some(130));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("stopped: ") && said.contains(" is kept, `bellman"), "{said}");
        // What was in the log is there: nothing is taken back.
        assert!(lines(&folder.join("run")) > before, "{said}");
        arguments = &RESUME;
        stops += 1;
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_keeps_what_was_saved() {
    let folder = ready();
    let folder = folder.path();
    distill(folder, &["--config", "run.toml", "--out", "whole"]).assert().code(0);
    // Files of at most 50 KiB, which weights are larger than.
    let full = |arguments: &[&str]| {
        let bellman = env!("CARGO_BIN_EXE_bellman");
        let script = format!("trap '' XFSZ; ulimit -f 100; exec '{bellman}' distill \"$@\"");
        let mut command = assert_cmd::Command::new("sh");
        command.current_dir(folder).args(["-c", &script, "sh"]).args(arguments);
        let said = error(&mut command);
        assert!(said.contains("cannot write") && said.contains("its disk has room"), "{said}");
        said
    };
    let said = full(&RUN);
    assert!(said.contains("no step was saved yet") && said.contains("--resume"), "{said}");
    let mut child = start(folder, &RESUME, |run| run.join("states/00-000000002").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let said = full(&RESUME);
    assert!(said.contains(" is kept, `bellman distill --out run --resume` goes on"), "{said}");
    distill(folder, &RESUME).assert().code(0);
    assert!(result(&folder.join("run")) == result(&folder.join("whole")));
}

#[test]
fn a_check_is_every_so_many_steps() {
    let folder = ready();
    let folder = folder.path();
    for wrong in ["5", "every=0", "every=", "always"] {
        let said = error(&mut distill(folder, &[&RUN[..], &["--check", wrong]].concat()));
        assert!(said.contains("every=N"), "{said}");
    }
    std::fs::write(folder.join("bad.toml"), "student = \".\"\ncheck = 5").unwrap();
    error(&mut distill(folder, &["--config", "bad.toml", "--out", "run"]));
    let config = distilling::CONFIG;
    let without: String =
        config.lines().filter(|l| !l.starts_with("check")).map(|l| format!("{l}\n")).collect();
    for (checks, config) in [(1, config), (0, &without)] {
        std::fs::write(folder.join("run.toml"), config).unwrap();
        let out = format!("run-{checks}");
        let run = ["--config", "run.toml", "--steps", "1", "--json", "--out", &out];
        assert_eq!(json(&mut distill(folder, &run))["phases"][0]["checks"], checks);
    }
}
