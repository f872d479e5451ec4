//! The command as others rely on it: exit codes, JSON, and files that are never lost.

mod common;

use common::{bellman, error, json, reference};
use serde_json::Value;
use std::path::{Path, PathBuf};

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
        "error",
    ] {
        assert!(!solved[member].is_null(), "{member} is missing");
    }
}

/// A one-state model that stays, with a reward for each action.
fn loop_with(folder: &Path, rewards: &[f64], gamma: f64) -> PathBuf {
    let actions: Vec<usize> = (0..rewards.len()).collect();
    let rows = vec![serde_json::json!([[0, 1]]); rewards.len()];
    let model = serde_json::json!({
        "states": 1, "gamma": gamma, "p": 0.8, "available": [actions], "reward": [rewards],
        "transition": [rows],
    });
    let file = folder.join("loop.json");
    std::fs::write(&file, model.to_string()).unwrap();
    file
}

#[test]
fn solve_refuses_what_doubles_cannot_resolve() {
    let folder = tempfile::tempdir().unwrap();
    let near_one = 1.0 - f64::EPSILON / 2.0;
    for (rewards, gamma, says) in [
        ([1.0, 0.0], near_one, "known to within"),
        ([1e18, 0.0], 0.9, "known to within"),
        ([1e308, 0.0], 0.5, "infinite"),
    ] {
        let file = loop_with(folder.path(), &rewards, gamma);
        let refused = error(bellman().arg("solve").arg(&file).arg("--json"));
        assert!(refused.contains(says), "{rewards:?}, {gamma}: {refused}");
    }
}

/// A slow ring on which one solver stalls: the printed gap must not exceed κ.
#[test]
fn solve_keeps_the_main_theorem_on_slow_models() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ring.json");
    let mut generate = bellman();
    generate.args(["generate-mdp", "--family", "ring", "--states", "600", "--actions", "3"]);
    generate.args(["--gamma", "0.999999", "--seed", "3", "--out"]).arg(&file).assert().code(0);
    let solved = json(bellman().arg("solve").arg(&file).arg("--json"));
    let number = |name: &str| solved[name].as_f64().unwrap();
    assert!(number("error") < 1.0);
    assert!(number("sup_gap_optimal") <= number("kappa") + number("error"));
}

#[test]
fn kappa_is_from_p_for_top_p_sets_only() {
    let shown = |sets: &str| {
        let mut solve = bellman();
        solve.arg("solve").arg(reference("garnet-0.json")).args(["--sets", sets]);
        String::from_utf8(solve.assert().code(0).get_output().stderr.clone()).unwrap()
    };
    assert!(shown("top-p").contains("κ(p)") && !shown("top-k:1").contains("κ(p)"));
}

#[test]
fn sizes_beyond_memory_are_refused() {
    let huge = u64::MAX.to_string();
    for flags in
        [["--states", "99999999999..99999999999"], ["--actions", &huge], ["--threads", "100000"]]
    {
        let refused = error(bellman().arg("verify").args(flags));
        assert!(refused.contains("more than") || refused.contains("1024"), "{refused}");
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
fn flags_that_would_be_ignored_are_refused() {
    for (flag, value) in [("--mdps", "5"), ("--family", "ring"), ("--states", "2..3")] {
        let file = reference("garnet-0.json");
        let refused = error(bellman().arg("verify").arg("--file").arg(file).args([flag, value]));
        assert!(refused.contains(flag) && refused.contains("--file"), "{refused}");
    }
    assert!(error(bellman().args(["verify", "--mdps", "0"])).contains("--mdps"));
}

#[test]
fn a_folder_that_refuses_the_report_is_noticed_before_the_campaign() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    let mut verify = bellman();
    verify.args(["verify", "--mdps", "20", "--report"]).arg(file.join("below"));
    let refused = error(&mut verify);
    assert!(refused.contains("below") && !refused.contains("main-bound"), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
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
    let answer = bellman().arg("replay").arg(&path).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8(answer).unwrap().contains("kappa-halved"));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    file["found_by"]["mode"] = "rigorous".into();
    std::fs::write(&path, file.to_string()).unwrap();
    let refused = error(bellman().arg("replay").arg(&path));
    assert!(refused.contains("no rigorous mode"), "{refused}");
    file["found_by"]["mode"] = "float".into();
    file["found_by"].as_object_mut().unwrap().remove("mutation");
    std::fs::write(&path, file.to_string()).unwrap();
    bellman().arg("replay").arg(&path).assert().code(0);
}

#[test]
fn what_stays_undecided_shows_under_strict() {
    let mut verify = bellman();
    verify.args(["verify", "--rigorous", "--family", "worst-case", "--mdps", "50"]);
    verify.assert().code(0);
    verify.args(["--strict", "--json"]);
    let output = verify.assert().code(3).get_output().clone();
    let text = String::from_utf8(output.stderr).unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for entry in report["propositions"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let doubts = entry["doubts"].as_array().unwrap();
        assert_eq!(doubts.is_empty(), entry["undecided"] == 0, "{name}");
        for doubt in doubts {
            let what = doubt["what"].as_str().unwrap();
            assert!(what.contains("is undecided at state"), "{what}");
            assert!(text.contains(&format!("{name}: instance {}: {what}", doubt["instance"])));
        }
    }
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
            let mut answer = json(bellman().arg("solve").arg(&file).args(flags));
            // Not every format has a place for the name.
            answer.as_object_mut().unwrap().remove("name");
            assert!(answer.as_object().unwrap().len() > 15, "all quantities: {answer}");
            answer
        })
        .collect();
    assert!(answers.windows(2).all(|w| w[0] == w[1]));
}

/// The exit code after SIGINT, which has to come soon, and standard error.
#[cfg(unix)]
fn interrupt(arguments: &[&std::ffi::OsStr]) -> (Option<i32>, String) {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    let binary = assert_cmd::cargo::cargo_bin("bellman");
    let mut child = Command::new(binary).args(arguments).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    // Half a minute is for a machine that is busy: a hang must fail, not block.
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            // A few lines, which the pipe holds however late they are read.
            let text = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
            return (status.code(), text);
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
    let (code, text) = interrupt(&["verify", "--mdps", "100000000"].map(AsRef::as_ref));
    assert_eq!(code, Some(130));
    assert!(text.contains("again to end now") && text.contains("interrupted after"), "{text}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_command_that_waits_for_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("model.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(interrupt(&["solve".as_ref(), pipe.as_os_str()]).0, Some(130));
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

/// What `verify` prints, and the counterexamples that it writes, on this many threads.
fn verified_on(threads: &str, arguments: &[&str]) -> (Vec<u8>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut verify = bellman();
    verify.current_dir(&folder).args(["verify", "--mdps", "140", "--json"]).args(arguments);
    let output = verify.args(["--threads", threads]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = report["counterexamples"].as_array().unwrap().iter();
    let text = |path: &Value| std::fs::read_to_string(folder.path().join(path.as_str().unwrap()));
    (output.stdout, files.map(|path| text(path).unwrap()).collect())
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    for arguments in [&[][..], &["--rigorous"], &["--mutation", "leak-without-first-step"]] {
        let (one, two) = (verified_on("1", arguments), verified_on("2", arguments));
        assert!(one == two, "{arguments:?}");
        assert_eq!(one.1.is_empty(), !arguments.contains(&"--mutation"));
    }
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
        assert!(
            missing.contains("\"no-such-folder\" is no file or folder, and no name on the hub"),
            "{missing}"
        );
        assert!(missing.contains("a folder with config.json"), "{missing}");
        error(bellman().arg("logits").arg("--model").arg(model("llama")));
        error(bellman().arg("logits").arg("--model").arg(model("llama")).args(["--ids", ""]));
    }

    /// The tiny Llama with a tokenizer of three tokens, `a`, `b` and the end.
    fn with_tokenizer() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["config.json", "model.safetensors"] {
            std::fs::copy(model("llama").join(name), folder.path().join(name)).unwrap();
        }
        let tokenizer = r#"{"version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [{"id": 2, "content": "</s>", "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true}],
            "normalizer": null, "post_processor": null,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
                "trim_offsets": true, "use_regex": true},
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                "use_regex": true},
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "</s>": 2}, "merges": []}}"#;
        std::fs::write(folder.path().join("tokenizer.json"), tokenizer).unwrap();
        folder
    }

    #[test]
    fn a_text_gives_what_its_tokens_give_and_says_what_the_tokens_are() {
        let folder = with_tokenizer();
        let run = |start: &[&str]| {
            let mut command = bellman();
            command.arg("logits").arg("--model").arg(folder.path()).args(start);
            json(command.args(["--all", "--top", "97", "--json"]))
        };
        let (by_ids, by_text) = (run(&["--ids", "1,0,2"]), run(&["--text", "ba</s>"]));
        let (by_ids, by_text) = (&by_ids["positions"], &by_text["positions"]);
        assert_eq!(by_text.as_array().unwrap().len(), 3);
        for (position, expected) in
            by_text.as_array().unwrap().iter().zip(by_ids.as_array().unwrap())
        {
            let tokens = position["top"].as_array().unwrap();
            for (token, expected) in tokens.iter().zip(expected["top"].as_array().unwrap()) {
                assert_eq!(token["id"], expected["id"]);
                assert_eq!(token["log_probability"], expected["log_probability"]);
                let id = token["id"].as_u64().unwrap() as usize;
                // Rows of the embedding beyond the tokenizer have no text.
                assert_eq!(token["token"].as_str(), ["a", "b", "</s>"].get(id).copied());
            }
        }
    }

    #[test]
    fn logits_take_either_tokens_or_a_text_and_a_text_needs_a_tokenizer() {
        let run = |arguments: &[&str]| {
            error(bellman().arg("logits").arg("--model").arg(model("llama")).args(arguments))
        };
        assert!(run(&["--ids", "3", "--text", "a"]).contains("cannot be used with"));
        let missing = run(&["--text", "a"]);
        assert!(missing.contains("has no tokenizer.json"), "{missing}");
        assert!(missing.contains("beside `config.json`"), "{missing}");
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
