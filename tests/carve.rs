//! `bellman carve`, `bellman verify --teacher` and `bellman audit` on a tiny model.
#![cfg(feature = "llm")]

mod common;
#[path = "common/tiny.rs"]
mod tiny;

use common::{bellman, error, json};
use serde_json::{Value, json as value};
use std::path::Path;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny::model(folder.path());
    let lines: Vec<String> =
        ["One?", "Two?", "Three?"].map(|text| value!({"instruction": text}).to_string()).to_vec();
    std::fs::write(folder.path().join("prompts.jsonl"), lines.join("\n")).unwrap();
    folder
}

fn carve(folder: &Path, arguments: &[&str]) -> Value {
    let command = ["carve", "--teacher", ".", "--prompt", "Hello", "--out", "model.json", "--json"];
    json(bellman().current_dir(folder).args(command).args(arguments))
}

#[test]
fn a_carved_model_is_solved_verified_certified_and_checked_as_it_lies_in_its_file() {
    let folder = folder();
    let folder = folder.path();
    let carved = carve(folder, &["--depth", "3", "--top", "3"]);
    assert!(carved["states"].as_u64().unwrap() <= 1 + 3 + 9 + 1);
    // Rounding of numbers below 100, over three steps.
    let deviation = carved["deviation"].as_f64().unwrap();
    assert!(deviation > 0.0 && deviation < 1e-11, "{deviation:e}");
    let file: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("model.json")).unwrap()).unwrap();
    assert_eq!(
        (&file["gamma"], &file["p"], &file["notes"]["other"]),
        (&0.99.into(), &0.8.into(), &97.into())
    );
    assert_eq!(file["notes"]["prefixes"].as_array().unwrap().len() as u64 + 1, carved["states"]);

    let solved = json(bellman().current_dir(folder).args(["solve", "model.json", "--json"]));
    assert_eq!(solved["top_p"], file["candidates"]);
    let sets = solved["top_p"].as_array().unwrap();
    assert!(!sets.iter().any(|set| set.as_array().unwrap().contains(&97.into())));
    let by_rule = ["solve", "model.json", "--json", "--sets", "top-k:1"];
    let by_rule = json(bellman().current_dir(folder).args(by_rule));
    assert!(
        by_rule["top_p"].as_array().unwrap().iter().all(|set| set.as_array().unwrap().len() == 1)
    );

    let verify = ["verify", "--file", "model.json", "--rigorous", "--strict", "--json"];
    let verified = json(bellman().current_dir(folder).args(verify));
    let model = &verified["models"][0];
    let figure = |name: &str| model[name].as_f64().unwrap();
    assert!(figure("gap") < figure("horizon_bound"));
    assert!(figure("horizon_bound") < figure("kappa"));
    for proposition in verified["propositions"].as_array().unwrap() {
        assert_eq!((&proposition["refuted"], &proposition["undecided"]), (&0.into(), &0.into()));
    }
    bellman()
        .current_dir(folder)
        .args(["certify", "model.json", "--out", "model.cert"])
        .assert()
        .code(0);
    let check = ["check", "model.cert", "model.json", "--strict=mass"];
    bellman().current_dir(folder).args(check).assert().code(0);
}

#[test]
fn a_teacher_is_verified_after_each_prompt_and_the_report_shows_its_bounds() {
    let folder = folder();
    let folder = folder.path();
    let verify = ["verify", "--teacher", ".", "--prompts", "prompts.jsonl", "--prompt", "chat"];
    let sizes = ["--depth", "3", "--top", "3", "--limit", "2", "--report", "out", "--json"];
    let mut command = bellman();
    command.current_dir(folder).args(verify).args(sizes).arg("--rigorous");
    let verified = json(&mut command);
    assert_eq!((&verified["mdps"], &verified["mode"]), (&2.into(), &"rigorous".into()));
    let names: Vec<&str> = verified["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert!(names[0].ends_with("/record-0") && names[1].ends_with("/record-1"), "{names:?}");
    for proposition in verified["propositions"].as_array().unwrap() {
        let failed = (&proposition["refuted"], &proposition["undecided"]);
        assert_eq!(failed, (&0.into(), &0.into()), "{proposition}");
        let applies = if proposition["name"] == "tightness" { 0 } else { 2 };
        assert_eq!(proposition["checked"], applies, "{proposition}");
    }
    let page = page(&folder.join("out"));
    assert!(page.contains("Horizon") && page.contains("record-1"));
}

/// A page that opens without a network.
fn page(folder: &Path) -> String {
    let page = std::fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(page.trim_end().ends_with("</html>"));
    for outside in ["http:", "https:", "src=", "<link", "<script", "NaN"] {
        assert!(!page.contains(outside), "{outside}");
    }
    page
}

#[test]
fn a_teacher_as_its_own_student_agrees_with_itself_and_leaks_what_it_leaks() {
    let folder = folder();
    let folder = folder.path();
    let audit = ["audit", "--teacher", ".", "--student", ".", "--prompts", "prompts.jsonl"];
    let sizes = ["--depth", "2", "--top", "3", "--prompt", "chat", "--responses", "2"];
    let rest = ["--max-new-tokens", "5", "--q-min", "-1000", "--report", "out", "--json"];
    let audit = json(bellman().current_dir(folder).args(audit).args(sizes).args(rest));
    let theorems = audit["theorems"].as_array().unwrap();
    assert_eq!(theorems.len(), 3);
    for theorem in theorems {
        for target in ["top_p", "projected"] {
            let figure = |name: &str| theorem[target][name].as_f64().unwrap();
            assert!(figure("at_least") <= figure("distance"), "{theorem}");
            assert!(figure("distance") <= figure("at_most"), "{theorem}");
        }
        assert_eq!(theorem["each"]["agreement"], 1.0);
        for texts in ["texts_of_sets", "texts"] {
            // One token, after which the tree is cut.
            let apart = theorem[texts]["apart"].as_array().unwrap();
            assert!(apart.len() == 1 && apart[0].as_f64().unwrap() < 1e-6, "{theorem}");
        }
    }
    let estimates = &audit["estimates"];
    for share in ["outside", "agreement"] {
        let figure = |name: &str| estimates[share][name].as_f64().unwrap();
        assert!(figure("lower") <= figure("value") && figure("value") <= figure("upper"));
        assert_eq!((figure("confidence"), &estimates[share]["n"]), (0.99, &6.into()));
    }
    assert_eq!(page(&folder.join("out")).matches("<figure>").count(), 1);
    assert_eq!((&estimates["rollouts"], &estimates["each"]["floored"]), (&6.into(), &0.0.into()));
    // A set at p = 0.8 leaves out at most a fifth, and T_p Q − Q is the discounted leak.
    let outside = estimates["each"]["outside"]["largest"].as_f64().unwrap();
    assert!(outside > 0.0 && outside <= 0.2 + 1e-6, "{outside}");
    let residual = estimates["top_p"]["largest"].as_f64().unwrap();
    assert!(residual <= 0.99 * -(0.8f64.ln()) + 1e-4, "{residual}");
}

#[test]
fn what_cannot_be_laid_out_is_refused_with_what_to_do() {
    let folder = folder();
    let folder = folder.path();
    let carve = ["carve", "--teacher", ".", "--prompt", "Hello", "--out", "model.json"];
    let refuse =
        |arguments: &[&str]| error(bellman().current_dir(folder).args(carve).args(arguments));
    assert!(refuse(&["--depth", "0"]).contains("depth is 0"));
    assert!(refuse(&["--top", "0"]).contains("at least 1"));
    assert!(refuse(&["--depth", "30"]).contains("choose a smaller depth"));
    assert!(refuse(&["--p", "0"]).contains("p"));
    assert!(!folder.join("model.json").exists());
    let audit = ["audit", "--teacher", ".", "--student", ".", "--prompts", "prompts.jsonl"];
    let sure = error(bellman().current_dir(folder).args(audit).args(["--confidence", "1"]));
    assert!(sure.contains("between 0 and 1"), "{sure}");
    let alone = ["verify", "--teacher", "."];
    assert!(error(bellman().current_dir(folder).args(alone)).contains("--prompts"));
}
