//! `bellman gap` and `bellman plan` on a tiny model.
#![cfg(feature = "llm")]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use common::{bellman, error};
use serde_json::{Value, json};
use std::path::Path;

/// How both commands sample, so that they answer alike.
const SAMPLING: &[&str] = &[
    "--teacher",
    ".",
    "--prompts",
    "prompts.jsonl",
    "--prompt",
    "chat",
    "--responses",
    "3",
    "--max-new-tokens",
    "9",
    "--max-prompt-tokens",
    "40",
];

fn ready() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny::model(folder.path());
    let short = (0..5).map(|i| json!({"instruction": format!("What is {i} + {i}?")}));
    let long = json!({"instruction": "many words ".repeat(20)});
    let lines: Vec<String> = short.chain([long]).map(|line| line.to_string()).collect();
    std::fs::write(folder.path().join("prompts.jsonl"), lines.join("\n")).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&[&str]]) -> Value {
    let mut command = bellman();
    let output =
        command.current_dir(folder).args(arguments.concat()).arg("--json").assert().code(0);
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    error(bellman().current_dir(folder).args(arguments))
}

#[test]
fn a_teacher_and_its_cache_give_the_same_gap() {
    let folder = ready();
    let folder = folder.path();
    let here = run(folder, &[&["gap", "--p", "0.7"], SAMPLING]);
    run(folder, &[&["generate", "--p", "0.7", "--out", "a"], SAMPLING]);
    let mut cached = run(folder, &[&["gap", "--cache", "a/teacher.parquet"]]);
    assert_eq!((&here["too_long"], &cached["too_long"]), (&json!(1), &Value::Null));
    cached["too_long"] = json!(1);
    assert_eq!(here, cached);

    let gap = &here["gap"];
    let number = |name: &str| gap[name].as_f64().unwrap();
    assert_eq!((&gap["n"], &gap["confidence"]), (&json!(15), &json!(0.99)));
    assert!(number("lower") <= number("value") && number("value") <= number("widened"));
    assert!(number("widened") <= number("upper") && number("upper") <= number("bound"));
    // Each inequality alone is allowed more, and may be better at an end that it is good at.
    let both =
        ["hoeffding", "empirical_bernstein"].map(|name| gap[name]["upper"].as_f64().unwrap());
    assert!(both[0].min(both[1]) <= number("upper"));
    assert_eq!(here["kappa"], gap["bound"]);
    let kappa = -0.99 * 0.7f64.ln() / (1.0 - 0.99);
    assert!((here["kappa"].as_f64().unwrap() - kappa).abs() < 1e-12 * kappa);
    assert_eq!(here["horizon"], 9);
    assert!(here["gap_within_horizon"]["upper"].as_f64() <= here["horizon_bound"].as_f64());
    let positions = here["positions"].as_array().unwrap();
    assert_eq!(positions[0]["responses"], 15);
    let tokens: u64 = positions.iter().map(|at| at["responses"].as_u64().unwrap()).sum();
    assert_eq!(here["tokens"], tokens);
    let mass = here["captured_mass"].as_f64().unwrap();
    // At least p, up to the rounding of f32.
    assert!(mass > 0.7 - 1e-6 && mass <= 1.0, "{mass}");
    assert!(here["set_sizes"]["p50"].as_u64() <= here["set_sizes"]["p99"].as_u64());
}

#[test]
fn more_confidence_widens_the_interval_and_nothing_else() {
    let folder = ready();
    let of = |confidence: &str| {
        run(folder.path(), &[&["gap", "--confidence", confidence], SAMPLING])["gap"].clone()
    };
    let (low, high) = (of("0.5"), of("0.999"));
    assert_eq!(low["value"], high["value"]);
    // The upper ends are κ: all responses were cut off.
    assert!(low["lower"].as_f64() > high["lower"].as_f64());
}

#[test]
fn caches_that_were_not_sampled_from_the_projected_teacher_are_refused() {
    let folder = ready();
    let folder = folder.path();
    let others: [(&str, &[&str], &str); 2] =
        [("whole", &["--top-p", "1"], "top_p"), ("cold", &["--temperature", "0.5"], "temperature")];
    for (out, arguments, setting) in others {
        run(folder, &[&["generate", "--out", out], arguments, SAMPLING]);
        let file = format!("{out}/teacher.parquet");
        let words = refused(folder, &["gap", "--cache", &file]);
        assert!(words.contains(setting), "{words}");
        let words = refused(folder, &["plan", "--target", "1", "--cache", &file]);
        assert!(words.contains(setting), "{words}");
    }
    run(folder, &[&["generate", "--out", "right"], SAMPLING]);
    let words = refused(folder, &["gap", "--cache", "right/teacher.parquet", "--p", "0.5"]);
    assert!(words.contains("0.8") && words.contains("0.5"), "{words}");
}

#[test]
fn arguments_that_no_gap_has_are_refused() {
    let folder = ready();
    let folder = folder.path();
    for wrong in [["--gamma", "1.5"], ["--p", "0"], ["--confidence", "1"]] {
        refused(folder, &[&["gap"], SAMPLING, &wrong].concat());
    }
    refused(folder, &["gap"]);
    for wrong in [["--target", "0"], ["--target", "-1"], ["--target", "NaN"]] {
        refused(folder, &[&["plan"], &wrong[..]].concat());
    }
    // Responses of nine tokens do not end after three.
    let words = refused(folder, &[&["plan", "--target", "1", "--horizon", "3"], SAMPLING].concat());
    assert!(words.contains("--horizon"), "{words}");
}

#[test]
fn a_plan_solves_both_bounds_for_p() {
    let folder = tempfile::tempdir().unwrap();
    let plan =
        run(folder.path(), &[&["plan", "--gamma", "0.99", "--target", "1", "--horizon", "3"]]);
    let p = |name: &str| plan[name].as_f64().unwrap();
    assert!((p("p_kappa") - (-0.01f64 / 0.99).exp()).abs() < 1e-15);
    assert!((p("p_horizon") - (-1.0 / (0.99f64 + 0.99 * 0.99)).exp()).abs() < 1e-15);
    assert_eq!(plan["p_measured"], Value::Null);
    let lines = plan["table"].as_array().unwrap();
    let line = |mass: f64| lines.iter().find(|line| line["p"].as_f64() == Some(mass)).unwrap();
    // 2 ulps of p move the bound by that much of κ / ℓ = 99.
    assert!((line(p("p_kappa"))["kappa"].as_f64().unwrap() - 1.0).abs() < 99.0 * 4.5e-16);
    assert!((line(p("p_horizon"))["horizon_bound"].as_f64().unwrap() - 1.0).abs() < 1e-14);
}

#[test]
fn a_plan_with_caches_measures_at_their_p_and_nowhere_else() {
    let folder = ready();
    let folder = folder.path();
    for (p, out) in [("0.5", "half"), ("0.9", "most")] {
        run(folder, &[&["generate", "--p", p, "--out", out], SAMPLING]);
    }
    let caches = ["--cache", "half/teacher.parquet", "--cache", "most/teacher.parquet"];
    let plan = run(folder, &[&["plan", "--gamma", "0.5", "--target", "0.6"], &caches]);
    let lines = plan["table"].as_array().unwrap();
    let measured = lines.iter().filter(|line| !line["gap"].is_null());
    let measured: Vec<f64> = measured.map(|line| line["p"].as_f64().unwrap()).collect();
    assert_eq!(measured, [0.5, 0.9]);
    for line in lines {
        let p = line["p"].as_f64().unwrap();
        let along = line["sets"]["sampled_at"].as_f64();
        assert_eq!(along, [0.5, 0.9].into_iter().find(|&at| p <= at), "{p}");
    }
    // Both gaps share the failures, so either interval is one of 99.5 %.
    let confidence = lines.iter().find_map(|line| line["gap"]["confidence"].as_f64()).unwrap();
    assert!((confidence - 0.995).abs() < 1e-15);
    // κ(0.5) = ln 2 is above the target, κ(0.9) far below it.
    assert!(plan["p_measured"].as_f64().is_some_and(|p| p <= 0.9));
    assert_eq!(plan["adaptive"].as_array().unwrap().len(), 2);

    let sampled =
        run(folder, &[&["plan", "--gamma", "0.5", "--target", "0.6", "--at", "0.5,0.9"], SAMPLING]);
    let gaps = |plan: &Value| -> Vec<Value> {
        plan["table"].as_array().unwrap().iter().map(|line| line["gap"].clone()).collect()
    };
    assert_eq!(gaps(&sampled), gaps(&plan));
}

#[test]
fn pages_are_complete_in_themselves() {
    let folder = ready();
    let folder = folder.path();
    run(folder, &[&["gap", "--report", "gap"], SAMPLING]);
    run(folder, &[&["plan", "--target", "1", "--horizon", "20", "--report", "plan"], SAMPLING]);
    for (page, plots) in [("gap", 2), ("plan", 2)] {
        let page = std::fs::read_to_string(folder.join(page).join("index.html")).unwrap();
        assert_eq!(page.matches("<figure>").count(), plots);
        assert!(page.trim_end().ends_with("</html>"));
        for outside in ["http:", "https:", "src=", "<link", "<script", "NaN"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}

#[test]
fn caches_of_other_prompts_or_another_teacher_are_not_mixed() {
    let folder = ready();
    let folder = folder.path();
    let at = |p: &'static str, out: &'static str| ["generate", "--p", p, "--out", out];
    run(folder, &[&at("0.7", "a"), SAMPLING]);
    run(folder, &[&at("0.9", "b"), SAMPLING]);
    run(folder, &[&at("0.9", "fewer"), SAMPLING, &["--limit", "3"]]);
    let weights = folder.join("model.safetensors");
    let mut content = std::fs::read(&weights).unwrap();
    *content.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, content).unwrap();
    run(folder, &[&at("0.9", "other"), SAMPLING]);
    let plan = |second: &str| {
        let second = format!("{second}/teacher.parquet");
        let mut command = bellman();
        command.current_dir(folder).args(["plan", "--target", "1", "--json"]);
        command.args(["--cache", "a/teacher.parquet", "--cache", &second]);
        command
    };
    plan("b").assert().code(0);
    let words = error(&mut plan("fewer"));
    assert!(words.contains("fewer/teacher.parquet: its prompts is"), "{words}");
    let words = error(&mut plan("other"));
    assert!(words.contains("other/teacher.parquet: its weights is"), "{words}");
}
