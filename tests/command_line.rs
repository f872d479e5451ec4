//! The command as others rely on it: exit codes, JSON, and files that are never lost.

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn bellman() -> Command {
    Command::cargo_bin("bellman").unwrap()
}

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tabular").join(name)
}

fn json(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON value")
}

fn error(command: &mut Command) -> String {
    let output = command.assert().code(2).get_output().clone();
    assert!(output.stdout.is_empty(), "messages belong on standard error");
    // The report wraps lines: white space does not matter.
    let text = String::from_utf8(output.stderr).unwrap();
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn solve_prints_the_documented_members() {
    let solved = json(bellman().arg("solve").arg(reference("garnet-0.json")).arg("--json"));
    for member in [
        "q_star",
        "v_star",
        "pi_star",
        "top_p",
        "top_p_mass",
        "q_bar_projected_policy",
        "v_bar_projected_policy",
        "q_bar_optimal",
        "v_bar_optimal",
        "leak",
        "gap",
        "kappa",
        "kappa_from_smallest_mass",
        "sup_gap_projected_policy",
        "sup_gap_optimal",
    ] {
        assert!(!solved[member].is_null(), "{member} is missing");
    }
}

#[test]
fn a_certificate_is_accepted_for_its_model_only() {
    let folder = tempfile::tempdir().unwrap();
    let cert = folder.path().join("model.cert");
    let file = reference("garnet-1.json");
    bellman().arg("certify").arg(&file).arg("--out").arg(&cert).assert().code(0);
    bellman().arg("check").arg(&cert).arg(&file).assert().code(0);
    let proof = json(bellman().arg("check").arg(&cert).arg(&file).arg("--json"));
    assert!(proof["accepted"].as_bool().unwrap() && proof["width"].as_f64().unwrap() < 1e-9);
    bellman().arg("check").arg(&cert).arg(reference("garnet-2.json")).assert().code(1);
    std::fs::write(&cert, "garbage").unwrap();
    bellman().arg("check").arg(&cert).arg(&file).assert().code(2);
}

#[test]
fn unusable_input_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.json");
    let text = r#"{"states": 1, "available": [[0]], "reward": [[2]], "transition": [[[[0, 1]]]]}"#;
    std::fs::write(&file, text).unwrap();
    let missing = error(bellman().arg("solve").arg(&file));
    assert!(missing.contains("--gamma 0.99"), "{missing}");
    let endless = error(bellman().arg("solve").arg(&file).args(["--gamma", "1", "--p", "0.8"]));
    assert!(endless.contains("certainly ends"), "{endless}");
    let family = error(bellman().args(["verify", "--family", "gernet"]));
    assert!(family.contains("garnet"), "{family}");
    let thirds =
        text.replace("[[[[0, 1]]]]", "[[[[0, 0.3333333333333333], [0, 0.6666666666666666]]]]");
    std::fs::write(&file, thirds).unwrap();
    let inexact = ["--gamma", "0.9", "--p", "0.8", "--rigorous"];
    let refused = error(bellman().arg("verify").arg("--file").arg(&file).args(inexact));
    assert!(refused.contains("state 0, action 0") && refused.contains("--normalise"), "{refused}");
    let accepted =
        bellman().arg("verify").arg("--file").arg(&file).args(inexact).arg("--normalise").assert();
    accepted.code(0);
}

#[test]
fn verify_prints_one_json_object() {
    let report = json(bellman().args(["verify", "--mdps", "50", "--json"]));
    assert_eq!((report["seed"].as_u64(), report["mdps"].as_u64()), (Some(0), Some(50)));
    assert_eq!(report["mode"], "float");
    assert_eq!(report["propositions"].as_array().unwrap().len(), 12);
    assert_eq!(report["counterexamples"], serde_json::json!([]));
}

#[test]
fn a_mistake_is_found_written_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let mut verify = bellman();
    verify.current_dir(&folder).args(["verify", "--mdps", "200", "--proposition", "main-bound"]);
    verify.args(["--mutation", "kappa-halved", "--json"]);
    let report = json(&mut verify);
    verify.assert().code(1);
    let path = folder.path().join(report["counterexamples"][0].as_str().unwrap());
    bellman().arg("replay").arg(&path).assert().code(1);
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    file["found_by"].as_object_mut().unwrap().remove("mutation");
    std::fs::write(&path, file.to_string()).unwrap();
    bellman().arg("replay").arg(&path).assert().code(0);
}

#[test]
fn what_stays_undecided_shows_under_strict() {
    let mut verify = bellman();
    verify.args(["verify", "--rigorous", "--family", "worst-case", "--mdps", "50"]);
    verify.assert().code(0);
    verify.arg("--strict").assert().code(3);
}

#[test]
fn a_seed_means_the_same_model_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let generate = |extra: &[&str]| {
        let mut command = bellman();
        command.args(["generate-mdp", "--family", "garnet", "--seed", "7"]).args(extra);
        command.assert().code(0).get_output().stdout.clone()
    };
    assert_eq!(generate(&[]), generate(&[]));
    let formats = [
        ("json", "json"),
        ("gymnasium", "gym.json"),
        ("drn", "drn"),
        ("prism", "tra"),
        ("cassandra", "mdp"),
    ];
    let answers: Vec<Value> = formats
        .iter()
        .map(|(format, extension)| {
            let file = folder.path().join(format!("model.{extension}"));
            generate(&["--format", format, "--out", file.to_str().unwrap()]);
            let flags = ["--gamma", "0.99", "--p", "0.8", "--json"];
            json(bellman().arg("solve").arg(&file).args(flags))["q_star"].clone()
        })
        .collect();
    assert!(answers.windows(2).all(|w| w[0] == w[1]));
}

/// The exit code after SIGINT, which has to come soon.
#[cfg(unix)]
fn interrupt(arguments: &[&std::ffi::OsStr]) -> Option<i32> {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    let binary = assert_cmd::cargo::cargo_bin("bellman");
    let mut child = Command::new(binary).args(arguments).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    // Half a minute is for a machine that is busy: a hang must fail, not block.
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("still running long after Ctrl-C");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_campaign_cleanly() {
    assert_eq!(interrupt(&["verify", "--mdps", "100000000"].map(AsRef::as_ref)), Some(130));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_command_that_waits_for_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("model.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(interrupt(&["solve".as_ref(), pipe.as_os_str()]), Some(130));
}

#[test]
fn a_folder_that_refuses_counterexamples_loses_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    let mut verify = bellman();
    verify.args(["verify", "--mdps", "100", "--mutation", "kappa-halved", "--json"]);
    verify.arg("--counterexamples").arg(file.join("below"));
    let output = verify.assert().code(2).get_output().clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["mdps"], 100);
    assert!(String::from_utf8(output.stderr).unwrap().contains("main-bound"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
}

#[test]
fn completions_exist_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let output = bellman().args(["completions", shell]).assert().code(0).get_output().clone();
        assert!(String::from_utf8(output.stdout).unwrap().contains("generate-mdp"), "{shell}");
    }
}

#[cfg(feature = "llm")]
mod language_models {
    use super::*;

    /// What transformers computed for a tiny random checkpoint: ids and logits [T, V] of its
    /// first sequence.
    fn expected(name: &str) -> (Vec<u32>, Vec<Vec<f64>>) {
        use bellman_distill::llm::weights::{Safetensors, Weights};
        let file = Safetensors::open(&model(name).join("expected.safetensors")).unwrap();
        let ids = file.load("input_ids").unwrap().to_vec2::<i64>().unwrap().remove(0);
        let logits = file.load("logits").unwrap().to_vec3::<f32>().unwrap().remove(0);
        let wide = |row: Vec<f32>| row.into_iter().map(f64::from).collect();
        (ids.into_iter().map(|id| id as u32).collect(), logits.into_iter().map(wide).collect())
    }

    fn model(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/models").join(name)
    }

    fn list(ids: &[u32]) -> String {
        ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    }

    /// Whether `top` holds the most likely tokens of these logits, falling.
    fn assert_top(top: &Value, logits: &[f64], count: usize) {
        let largest = logits.iter().copied().fold(f64::MIN, f64::max);
        let total = largest + logits.iter().map(|z| (z - largest).exp()).sum::<f64>().ln();
        let top = top["top"].as_array().unwrap();
        assert_eq!(top.len(), count);
        let mut before = f64::INFINITY;
        for entry in top {
            let log = entry["log_probability"].as_f64().unwrap();
            let id = entry["id"].as_u64().unwrap() as usize;
            assert!((log - (logits[id] - total)).abs() < 1e-4 && log <= before);
            assert!(entry["token"].is_null());
            before = log;
        }
        let larger = logits.iter().filter(|&z| z - total > before + 1e-4).count();
        assert!(larger < count);
    }

    #[test]
    fn logits_are_those_of_transformers_after_the_last_position_and_after_every_one() {
        for name in ["gpt2", "opt", "opt-350m-like", "qwen2", "llama", "llama-untied-head"] {
            let (ids, logits) = expected(name);
            let mut command = bellman();
            command.arg("logits").arg("--model").arg(model(name)).args(["--ids", &list(&ids)]);
            assert_top(&json(command.arg("--json")), &logits[ids.len() - 1], 10);
            let all = json(command.args(["--all", "--top", "3"]));
            let positions = all["positions"].as_array().unwrap();
            assert_eq!(positions.len(), ids.len());
            for (top, logits) in positions.iter().zip(&logits) {
                assert_top(top, logits, 3);
            }
        }
    }

    #[test]
    fn a_model_that_cannot_be_used_is_exit_code_2_with_the_reason() {
        let run = |folder: &Path, ids: &str| {
            error(bellman().arg("logits").arg("--model").arg(folder).args(["--ids", ids]))
        };
        let unknown = run(&model("llama"), "3,97");
        assert!(unknown.contains("token 97 is not one of the 97"), "{unknown}");
        let missing = run(Path::new("no-such-folder"), "3");
        assert!(missing.contains("cannot read no-such-folder/config.json"), "{missing}");
        assert!(missing.contains("a folder with config.json"), "{missing}");
        error(bellman().arg("logits").arg("--model").arg(model("llama")));
        error(bellman().arg("logits").arg("--model").arg(model("llama")).args(["--ids", ""]));
    }

    #[test]
    fn a_file_cut_short_names_the_tensor() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(model("llama").join("config.json"), folder.path().join("config.json"))
            .unwrap();
        let mut bytes = std::fs::read(model("llama").join("model.safetensors")).unwrap();
        bytes.truncate(bytes.len() - 1);
        std::fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
        let text =
            error(bellman().arg("logits").arg("--model").arg(folder.path()).args(["--ids", "3"]));
        assert!(text.contains("tensor") && text.contains("the file is cut short"), "{text}");
    }
}
