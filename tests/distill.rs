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
use serde_json::{Value, json};
use std::path::Path;
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
fn at_p_1_the_sets_of_the_cache_do_not_enter() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let config = ["--config", "run.toml", "--out", "run", "--steps", "2", "--phases", "bd"];
    distill(folder, &[&config[..], &["--p", "1"]].concat()).assert().code(0);
    let log = log(&folder.join("run"));
    let last = log.iter().rev().find(|entry| entry["event"] == "step").unwrap();
    assert_eq!((&last["outside"], &last["teacher_mass"]), (&json!(0.0), &json!(1.0)));
    // Nobody has compared rewards: there are no candidates of the teacher.
    assert_eq!((&last["reward"], &last["residual"]), (&Value::Null, &Value::Null));
    // Objectives without sets take the same p.
    let both = ["--config", "run.toml", "--out", "both", "--steps", "1", "--phases", "seqkd,bd"];
    distill(folder, &[&both[..], &["--p", "1", "--check", "every=1"]].concat()).assert().code(0);
}

#[test]
fn every_objective_runs_is_checked_and_changes_the_student() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let common = ["--config", "run.toml", "--steps", "1,2", "--warm-up", "0", "--score-every", "0"];
    let more = ["--learning-rate", "1e-2,1e-3", "--check", "every=1", "--teacher", ".", "--json"];
    let mut weights = vec![std::fs::read(folder.join("model.safetensors")).unwrap()];
    for phase in ["kd", "reverse-kl", "kd-candidates", "bd-released", "minillm"] {
        // The first phase makes the student another model than the teacher, which it starts as.
        let phases = format!("sft,{phase}");
        let own = ["--phases", &phases, "--out", phase];
        let outcome = json(&mut distill(folder, &[&common[..], &more, &own].concat()));
        let outcome = &outcome["phases"][1];
        assert_eq!((&outcome["phase"], &outcome["steps"]), (&json!(phase), &json!(2)));
        let lines = log(&folder.join(phase));
        let checks: Vec<&Value> =
            lines.iter().filter(|e| e["event"] == "check" && e["phase"] == phase).collect();
        assert_eq!(checks.len(), 2, "{phase}");
        for check in checks {
            let statements: Vec<&Value> =
                check["checked"].as_array().unwrap().iter().map(|c| &c["statement"]).collect();
            assert_eq!(statements[..2], ["objective", "gradient"], "{phase}");
        }
        let scores = lines.iter().filter(|e| e["event"] == "score" && e["phase"] == phase);
        let steps: Vec<&Value> = scores.map(|entry| &entry["step"]).collect();
        assert_eq!(steps, [0, 2], "first and last");
        weights.push(std::fs::read(folder.join(phase).join("best/model.safetensors")).unwrap());
    }
}

#[test]
fn prompts_of_a_cache_are_trained_on_and_no_test() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let run = ["--student", ".", "--cache", "teacher/teacher.parquet", "--prompt", "chat"];
    let more = ["--phases", "bd", "--steps", "1", "--batch", "4", "--out", "run"];
    distill(folder, &[&run[..], &more].concat()).assert().code(0);
    let test = ["eval", "--model", "run/student", "--prompt", "chat", "--test", "train.jsonl"];
    let said = error(bellman().current_dir(folder).args(test));
    assert!(said.contains("train.jsonl") && said.contains("teacher.parquet"), "{said}");
    std::fs::write(folder.join("teacher/teacher.parquet"), "other").unwrap();
    let said = error(&mut distill(folder, &["--out", "run", "--resume"]));
    assert!(said.contains("teacher.parquet is not what the run was started with"), "{said}");
}

#[test]
fn a_run_goes_on_with_the_data_that_it_was_started_with() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let said = error(&mut distill(folder, &["--out", "run", "--resume"]));
    assert!(said.contains("holds no run") && said.contains("without `--resume`"), "{said}");
    distill(folder, &["--config", "run.toml", "--out", "run", "--steps", "1"]).assert().code(0);
    let data = std::fs::read_to_string(folder.join("train.jsonl")).unwrap();
    std::fs::write(folder.join("train.jsonl"), data.replace("It is", "That is")).unwrap();
    let said = error(&mut distill(folder, &["--out", "run", "--resume"]));
    assert!(said.contains("train.jsonl is not what the run was started with"), "{said}");
    std::fs::write(folder.join("train.jsonl"), data).unwrap();
    distill(folder, &["--out", "run", "--resume"]).assert().code(0);
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

/// The steps in a log, and how many of them each phase had.
fn steps(run: &Path) -> Vec<Value> {
    log(run).into_iter().filter(|entry| entry["event"] == "step").collect()
}

#[test]
fn minillm_answers_the_prompts_of_either_file_and_phases_have_numbers_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    // The first phase makes the student another model than the teacher, which it starts as.
    let common = "student = \".\"\nteacher = \".\"\nprompt = \"chat\"\nbatch = 4\nmax-new-tokens = 5\n\
                  phases = [\"seqkd\", \"minillm\"]\nsteps = [1, 2]\nlearning-rate = [1e-2, 1e-3]\n\
                  warm-up = 0\ncache = \"teacher/teacher.parquet\"\n";
    std::fs::write(folder.join("run.toml"), common).unwrap();
    let run = |out: &str, more: &[&str]| {
        let arguments = [&["--config", "run.toml", "--out", out], more].concat();
        distill(folder, &arguments).assert().code(0);
        let weights = result(&folder.join(out)).0;
        (weights, steps(&folder.join(out)))
    };
    let (weights, log) = run("run", &["--checkpointing"]);
    let of = |field: &str| log.iter().map(|step| step[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("phase"), ["seqkd", "minillm", "minillm"]);
    let rates: Vec<f64> = of("learning_rate").iter().map(|rate| rate.as_f64().unwrap()).collect();
    assert_eq!((rates[0], rates[1]), (1e-2, 1e-3));
    // Twelve prompts with two responses each are twelve prompts.
    let tokens = log[1]["tokens"].as_u64().unwrap();
    assert!((4 * 7..=4 * (8 + 5)).contains(&tokens), "{tokens}");
    assert!(run("same", &[]).0 == weights);
    assert!(run("other", &["--seed", "2"]).0 != weights);
    assert!(run("mixed", &["--teacher-mix", "0.9"]).0 != weights);
    let train = "phases = [\"minillm\"]\ntrain = \"train.jsonl\"\nstudent = \".\"\nprompt = \"chat\"\n\
                 teacher = \".\"\nsteps = 1\nbatch = 2\nmax-new-tokens = 3\n";
    std::fs::write(folder.join("run.toml"), train).unwrap();
    assert_eq!(run("prompts", &["--clip-ratio", "inf", "--length-normalise", "false"]).1.len(), 1);
}

#[test]
fn an_adaptive_p_is_a_rule_of_the_file_or_a_flag_and_refuses_sets_that_are_too_short() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let whole = ["generate", "--teacher", ".", "--prompts", "train.jsonl", "--prompt", "chat"];
    let more = ["--responses", "1", "--max-new-tokens", "6", "--p", "1", "--out", "whole"];
    bellman().current_dir(folder).args(whole).args(more).assert().code(0);
    let config = "student = \".\"\ncache = \"whole/teacher.parquet\"\nphases = [\"bd\"]\nsteps = 2\n\
                  batch = 4\nprompt = \"chat\"\np = \"adaptive\"\nbudget = 2.0\nsave-every = 1\n";
    std::fs::write(folder.join("run.toml"), config).unwrap();
    distill(folder, &["--config", "run.toml", "--out", "run"]).assert().code(0);
    let file = result(&folder.join("run"));
    distill(folder, &["--out", "run", "--resume"]).assert().code(0);
    assert!(result(&folder.join("run")) == file);
    let flags = ["--student", ".", "--cache", "whole/teacher.parquet", "--phases", "bd"];
    let more = ["--prompt", "chat", "--steps", "2", "--batch", "4", "--save-every", "1", "--out"];
    let run = |out: &str, p: &[&str]| {
        let arguments = [&flags[..], &more, &[out], p].concat();
        distill(folder, &arguments).assert().code(0);
        steps(&folder.join(out))[0]["teacher_mass"].as_f64().unwrap()
    };
    let adaptive = run("flag", &["--p", "adaptive", "--budget", "2"]);
    assert!(result(&folder.join("flag")) == file);
    // The sets are smaller than those of p = 1; an end in sight leaves each state more to spend.
    assert!(adaptive < 0.999 && adaptive > 0.5, "{adaptive}");
    let ends = run("ends", &["--p", "adaptive", "--budget", "2", "--horizon", "6"]);
    assert!(ends < adaptive, "{ends} {adaptive}");
    assert!(run("fixed", &["--p", "0.3"]) < adaptive);

    let refused = |arguments: &[&str]| {
        let start = ["--student", ".", "--prompt", "chat", "--steps", "1", "--out", "no"];
        let said = error(&mut distill(folder, &[&start[..], arguments].concat()));
        assert!(!folder.join("no").exists());
        said
    };
    let short = ["--cache", "teacher/teacher.parquet", "--phases", "bd", "--p", "adaptive"];
    let said = refused(&[&short[..], &["--budget", "0.1"]].concat());
    assert!(said.contains("position 0") && said.contains("response 0 to prompt 0"), "{said}");
    assert!(refused(&short).contains("--budget"));
    let released = ["--cache", "whole/teacher.parquet", "--phases", "bd-released"];
    let rule = ["--p", "adaptive", "--budget", "2"];
    assert!(refused(&[&released[..], &rule].concat()).contains("bd-released"));
    assert!(refused(&[&flags[2..], &["--budget", "2"]].concat()).contains("--p adaptive"));
    assert!(refused(&[&flags[2..], &rule, &["--gamma", "1"]].concat()).contains("--horizon"));
    assert!(refused(&[&flags[2..], &["--p", "sometimes"]].concat()).contains("adaptive"));
}

#[test]
fn plain_text_is_read_text_by_text_and_may_come_with_a_teacher() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let texts: Vec<String> =
        (0..6).map(|i| json!({"text": format!("Text {i} is here.")}).to_string()).collect();
    std::fs::write(folder.join("plain.jsonl"), texts.join("\n")).unwrap();
    std::fs::write(folder.join("plain.txt"), "A text that is one. ".repeat(9)).unwrap();
    let config = "student = \".\"\ntrain = \"train.jsonl\"\nphases = [\"sft\"]\nsteps = 2\nbatch = 3\n\
                  prompt = \"chat\"\nmax-tokens = 50\n";
    std::fs::write(folder.join("run.toml"), config).unwrap();
    let run = |out: &str, more: &[&str]| {
        let arguments = [&["--config", "run.toml", "--out", out], more].concat();
        distill(folder, &arguments).assert().code(0);
        let step = steps(&folder.join(out)).remove(0);
        (step["text_loss"].as_f64().unwrap(), result(&folder.join(out)).0)
    };
    let lines = run("lines", &["--text", "plain.jsonl"]);
    assert!(run("raw", &["--text", "plain.txt"]).0.is_finite());
    let generate = ["generate", "--teacher", ".", "--texts", "plain.jsonl", "--max-tokens", "50"];
    let more = ["--p", "0.9", "--out", "plain", "--json"];
    let outcome = json(bellman().current_dir(folder).args(generate).args(more));
    // Each character is a token, and so is the end; the first of a text is not foretold.
    assert_eq!((&outcome["responses"], &outcome["tokens"]), (&json!(6), &json!(6 * 15)));
    assert_eq!(outcome["ended"], 1.0);
    // The same texts, in the same order.
    let cached = run("cached", &["--text", "plain/teacher.parquet"]);
    assert!(cached == lines);
    let shared = run("shared", &["--text", "plain/teacher.parquet", "--text-kl", "0.5"]);
    // The student is the teacher: half of the cross entropy is left.
    assert!((shared.0 - lines.0 / 2.0).abs() < 1e-3, "{} {}", shared.0, lines.0);

    let refused = |arguments: &[&str]| {
        let start = ["--config", "run.toml", "--out", "no"];
        let said = error(&mut distill(folder, &[&start, arguments].concat()));
        assert!(!folder.join("no").exists());
        said
    };
    assert!(refused(&["--text", "plain.jsonl", "--text-kl", "0.5"]).contains("generate --texts"));
    assert!(refused(&["--text", "teacher/teacher.parquet"]).contains("template"));
    let swapped = ["--cache", "plain/teacher.parquet", "--phases", "bd"];
    assert!(refused(&swapped).contains("--text"));
    assert!(refused(&["--text", "plain.jsonl", "--text-field", "body"]).contains("body"));
    let both = ["generate", "--teacher", ".", "--texts", "plain.jsonl", "--prompts", "train.jsonl"];
    bellman().current_dir(folder).args(both).args(["--out", "both"]).assert().code(2);
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
        ("student = \".\"\nphases = [\"minillm\"]", "give `--cache FILE` or `--train FILE`"),
        (
            "student = \".\"\ntrain = \"train.jsonl\"\nprompt = \"chat\"\nphases = [\"minillm\"]",
            "give `--teacher MODEL`",
        ),
        (
            "student = \".\"\ntrain = \"train.jsonl\"\nprompt = \"chat\"\nphases = [\"sft\"]\nsteps = [1, 2]",
            "--steps has 2 numbers for 1 phases",
        ),
    ];
    let settings = [
        ("batch = 0", "batch = 0 is not at least 1"),
        ("clip = -1.0", "clip = -1 is not above 0"),
        ("text-weight = 1.0", "training has no plain text"),
        ("text-kl = 2.0", "text-kl = 2 is not between 0 and 1"),
        ("top-p = 2.0\ndev = \"train.jsonl\"", "p = 2"),
    ];
    let sft = "student = \".\"\ntrain = \"train.jsonl\"\nprompt = \"chat\"\nphases = [\"sft\"]\n";
    let settings = settings.map(|(setting, message)| (format!("{sft}{setting}"), message));
    let settings = settings.iter().map(|(config, message)| (&config[..], *message));
    for (config, message) in cases.into_iter().chain(settings) {
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

#[test]
fn products_in_bf16_make_another_student_and_are_for_weights_in_f32() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let run = |out, compute| {
        let given = ["--config", "run.toml", "--steps", "3", "--out", out, "--compute", compute];
        distill(folder, &given).assert().code(0);
        // The log: the best student may be the one that training started from.
        result(&folder.join(out)).1
    };
    let rounded = run("rounded", "bf16");
    assert!(rounded != run("exact", "f32") && rounded == run("again", "bf16"));
    let wide = ["--config", "run.toml", "--out", "wide", "--compute", "bf16", "--dtype", "f64"];
    let message = error(&mut distill(folder, &wide));
    assert!(message.contains("is for weights in f32"), "{message}");
    assert!(!folder.join("wide").exists());
}
