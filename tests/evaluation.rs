//! `bellman rouge` and `bellman loss` as others rely on them.
#![cfg(feature = "llm")]

mod common;

use common::{bellman, error, json, repository};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A file of JSON Lines.
fn lines(folder: &Path, name: &str, values: &[Value]) -> PathBuf {
    let path = folder.join(name);
    let text: Vec<String> = values.iter().map(Value::to_string).collect();
    std::fs::write(&path, text.join("\n")).unwrap();
    path
}

fn rouge_reference() -> Value {
    let text = std::fs::read_to_string(repository("tests/reference/rouge/rouge_l.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn rouge_prints_the_means_of_the_reference() {
    let folder = tempfile::tempdir().unwrap();
    let file = rouge_reference();
    let rows = file["rows"].as_array().unwrap();
    let predictions: Vec<Value> = rows.iter().map(|r| json!({"text": r["prediction"]})).collect();
    let references: Vec<Value> = rows.iter().map(|r| json!({"output": r["references"]})).collect();
    let found = json(
        bellman()
            .args(["rouge", "--json", "--predictions"])
            .arg(lines(folder.path(), "p.jsonl", &predictions))
            .arg("--references")
            .arg(lines(folder.path(), "r.jsonl", &references)),
    );
    // The mean is given with three decimals.
    let expected = file["mean_rouge_l"].as_f64().unwrap();
    assert!((found["rouge_l"].as_f64().unwrap() - expected).abs() <= 0.000_5 + 1e-12, "{found}");
    let exact = rows.iter().filter(|r| r["exact_match"] == true).count();
    let share = 100.0 * exact as f64 / rows.len() as f64;
    assert!((found["exact_match"].as_f64().unwrap() - share).abs() <= 1e-12 * share, "{found}");
    assert_eq!(found["n"], rows.len());
    assert_eq!(found.as_object().unwrap().len(), 3);
}

#[test]
fn rouge_refuses_files_of_different_length_and_names_a_bad_line() {
    let folder = tempfile::tempdir().unwrap();
    let one = lines(folder.path(), "one.jsonl", &[json!({"text": "a"})]);
    let two = [json!({"output": "a"}), json!({"output": ["b"]})];
    let two = lines(folder.path(), "two.jsonl", &two);
    let bad = lines(folder.path(), "bad.jsonl", &[json!({"output": "a"}), json!({"output": 1})]);
    let rouge = |references: &Path| {
        let arguments = ["rouge", "--json", "--predictions"];
        error(bellman().args(arguments).arg(&one).arg("--references").arg(references))
    };
    let refused = rouge(&two);
    assert!(refused.contains("has 1 texts and"), "{refused}");
    let refused = rouge(&bad);
    assert!(refused.contains("bad.jsonl, line 2: `output` must be"), "{refused}");
}

fn batch() -> Value {
    let text = std::fs::read_to_string(repository("tests/reference/losses/losses.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The numbers of nested lists, with the place of each.
fn numbers(v: &Value, place: &str, into: &mut Vec<(String, f64)>) {
    match v {
        Value::Array(entries) => {
            for (i, entry) in entries.iter().enumerate() {
                numbers(entry, &format!("{place}[{i}]"), into);
            }
        }
        number => into.push((place.into(), number.as_f64().unwrap())),
    }
}

fn assert_numbers(found: &Value, expected: &Value, place: &str) {
    let (mut f, mut e) = (Vec::new(), Vec::new());
    numbers(found, place, &mut f);
    numbers(expected, place, &mut e);
    assert_eq!(f.len(), e.len(), "{place}");
    for ((place, f), (at, e)) in f.iter().zip(&e) {
        assert_eq!(place, at);
        assert!((f - e).abs() <= 1e-9 * e.abs().max(1.0), "{place}: {f} is not {e}");
    }
}

#[test]
fn loss_gives_the_reference_for_every_configuration_of_the_file_padding_included() {
    let path = repository("tests/reference/losses/losses.json");
    let found = json(bellman().args(["loss", "--json", "--batch"]).arg(path));
    let (found, file) = (found["bellman_distill"].as_array().unwrap(), batch());
    let expected = file["bellman_distill"].as_array().unwrap();
    assert_eq!((found.len(), expected.len()), (18, 18));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        for name in ["p", "gamma", "phi", "alpha", "shift", "q_min"] {
            assert_eq!(f[name], e[name], "{i}");
        }
        for name in ["loss", "grad_student_logits", "soft_value"] {
            assert_numbers(&f[name], &e[name], &format!("{i}, {name}"));
        }
    }
}

#[test]
fn flags_name_one_configuration_and_the_rest_is_as_published() {
    let path = repository("tests/reference/losses/losses.json");
    let loss =
        |flags: &[&str]| json(bellman().args(["loss", "--json", "--batch"]).arg(&path).args(flags));
    let file = batch();
    let named = loss(&["--p", "0.5", "--phi", "identity", "--shift", "log_softmax"]);
    let expected = file["bellman_distill"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["p"] == 0.5 && e["phi"] == "identity" && e["shift"] == "log_softmax");
    assert_eq!(named["bellman_distill"].as_array().unwrap().len(), 1);
    assert_numbers(&named["bellman_distill"][0]["loss"], &expected.unwrap()["loss"], "loss");
    let published = &loss(&["--gamma", "0.99"])["bellman_distill"][0];
    assert_eq!((&published["p"], &published["phi"]), (&json!(0.8), &json!("chi2")));
}

#[test]
fn a_batch_that_is_none_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut Value), flags: &[&str]| {
        let mut file = batch();
        change(&mut file);
        let path = lines(folder.path(), "batch.json", &[file]);
        error(bellman().args(["loss", "--json", "--batch"]).arg(&path).args(flags))
    };
    type Change = dyn Fn(&mut Value);
    let cases: [(&Change, &str); 12] = [
        (&|f| f["student_logits"] = json!([]), "student_logits: an empty list"),
        (&|f| f["student_logits"][0] = json!([]), "student_logits[0]: an empty list"),
        (
            &|f| drop(f["student_logits"][1][2].as_array_mut().unwrap().pop()),
            "student_logits[1][2]: 16 entries where 17 are needed",
        ),
        (
            &|f| drop(f["teacher_logits"].as_array_mut().unwrap().pop()),
            "teacher_logits: 2 entries where 3 are needed",
        ),
        (&|f| f["teacher_logits"][0][0][0] = Value::Null, "invalid type: null"),
        (&|f| f["actions"][1][3] = json!(17), "actions[1][3]: token 17 is not one of the 17"),
        (&|f| f["actions"][0][0] = json!(-1), "actions[0][0]: token -1 is not one"),
        (&|f| f["lengths"][1] = json!(7), "lengths[1]: a response of 7 tokens"),
        (&|f| f["lengths"][1] = json!(0), "lengths[1]: a response of 0 tokens"),
        (&|f| f["ends_with_eos"] = json!([true]), "ends_with_eos: 1 entries where 3 are needed"),
        (&|f| f["bellman_distill"][4]["p"] = json!(1.5), "bellman_distill[4]: p = 1.5"),
        (&|f| f["bellman_distill"][0]["phi"] = json!("kl"), "unknown variant `kl`"),
    ];
    for (change, says) in cases {
        let message = refused(change, &[]);
        assert!(message.contains(says), "{message}");
    }
    let unchanged = |_: &mut Value| ();
    assert!(refused(&unchanged, &["--q-min", "nan"]).contains("the flags: a floor of NaN"));
    assert!(refused(&unchanged, &["--alpha", "0"]).contains("the flags: α = 0"));
    let huge = |f: &mut Value| f["student_logits"][0][0][5] = json!(1e300);
    assert!(refused(&huge, &["--shift", "none"]).contains("is not finite"));
    let cut = |f: &mut Value| {
        f["lengths"] = json!([1, 1, 1]);
        f["ends_with_eos"] = json!([false, false, false]);
    };
    assert!(refused(&cut, &[]).contains("no transition counts"));
    let path = folder.path().join("nan.json");
    std::fs::write(&path, r#"{"student_logits": [[[NaN]]]}"#).unwrap();
    let message = error(bellman().args(["loss", "--json", "--batch"]).arg(&path));
    assert!(message.contains("line 1 column"), "{message}");
}

#[test]
fn padding_may_hold_any_token_and_has_no_gradient() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = batch();
    file["actions"][1][5] = json!(-100);
    file["student_logits"][2][3][0] = json!(1e200);
    file["bellman_distill"] = json!([{ "shift": "none" }]);
    let path = lines(folder.path(), "batch.json", &[file]);
    let found = json(bellman().args(["loss", "--json", "--batch"]).arg(&path));
    let expected = &batch()["bellman_distill"][0];
    for name in ["loss", "grad_student_logits"] {
        assert_numbers(&found["bellman_distill"][0][name], &expected[name], name);
    }
}
