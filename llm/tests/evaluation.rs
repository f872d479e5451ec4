//! Scores of texts, against those that the package `rouge_score` gives, and the files they lie in.

use llm::LlmError;
use llm::evaluation::*;
use serde_json::Value;
use std::path::PathBuf;

fn reference() -> Value {
    let text = include_str!("../../tests/reference/rouge/rouge_l.json");
    serde_json::from_str(text).expect("JSON")
}

fn text(v: &Value) -> &str {
    v.as_str().expect("text")
}

fn rouge(prediction: &str, reference: &str) -> f64 {
    rouge_l(&Words::of(prediction).expect("short"), &Words::of(reference).expect("short"))
}

#[test]
fn every_row_scores_as_with_rouge_score() {
    let file = reference();
    let rows = file["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 42);
    for (i, row) in rows.iter().enumerate() {
        let references = row["references"].as_array().expect("references");
        let references: Vec<String> = references.iter().map(|r| text(r).to_owned()).collect();
        for (r, expected) in references.iter().zip(row["rouge_l"].as_array().expect("scores")) {
            let found = rouge(text(&row["prediction"]), r);
            assert!((found - expected.as_f64().expect("number")).abs() <= 1e-6, "row {i}: {found}");
        }
        let best = Score::of(text(&row["prediction"]), &references).expect("short");
        assert!((best.rouge_l - row["best"].as_f64().expect("number")).abs() <= 1e-6, "row {i}");
        assert_eq!(best.exact_match, row["exact_match"].as_bool().expect("flag"), "row {i}");
    }
}

#[test]
fn stems_are_those_of_nltk() {
    // Each tells NLTK's extensions from Porter's paper, or one rule from its neighbour.
    for (word, expected) in [
        ("flies", "fli"),
        ("dies", "die"),
        ("spied", "spi"),
        ("died", "die"),
        ("enjoy", "enjoy"),
        ("happy", "happi"),
        ("agreed", "agre"),
        ("feed", "feed"),
        ("hopping", "hop"),
        ("falling", "fall"),
        ("filing", "file"),
        ("aping", "ape"),
        ("skies", "sky"),
        ("geology", "geolog"),
        ("theology", "theolog"),
        ("radically", "radic"),
        ("hopefully", "hope"),
        ("possibly", "possibl"),
        ("adoption", "adopt"),
        ("replacement", "replac"),
        ("controlled", "control"),
        ("syzygy", "syzygi"),
        ("yyyyed", "yyyi"),
        ("2020s", "2020"),
    ] {
        assert_eq!(stem(word), expected, "{word}");
    }
}

#[test]
fn a_score_is_one_for_the_same_text_and_the_same_both_ways() {
    let file = reference();
    for row in file["rows"].as_array().expect("rows") {
        let (a, b) = (text(&row["prediction"]), text(&row["references"][0]));
        assert_eq!(rouge(a, b), rouge(b, a));
        if a.chars().any(|c| c.is_ascii_alphanumeric()) {
            assert_eq!(rouge(a, a), 1.0);
        }
    }
}

#[test]
fn texts_without_words_score_nothing() {
    assert_eq!(rouge("", "a"), 0.0);
    assert_eq!(rouge("東京", "東京"), 0.0);
    assert!(exact_match("東京!", "東京"));
    assert!(exact_match("", " ?! "));
}

#[test]
fn a_text_of_too_many_words_is_refused() {
    let long = "a ".repeat(MOST_WORDS + 1);
    assert_eq!(Words::of(&long), Err(TooManyWords { found: MOST_WORDS + 1 }));
}

/// A file of these lines, in a folder that lives as long as the first part.
fn file(lines: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("texts.jsonl");
    std::fs::write(&path, lines.join("\n")).expect("written");
    (folder, path)
}

#[test]
fn outputs_are_a_text_or_a_list_and_other_fields_do_not_matter() {
    let lines = [r#"{"output": "a", "instruction": 1}"#, "", r#"{"output": ["b", "c"]}"#, ""];
    let (_folder, path) = file(&lines);
    let texts = Texts::references(&path).expect("texts");
    let found: Vec<_> = texts.rows.iter().map(|r| (r.line, r.content.join(","))).collect();
    assert_eq!(found, [(1, "a".to_owned()), (3, "b,c".to_owned())]);
}

#[test]
fn a_bad_line_is_named() {
    for (line, says) in [
        (r#"{"output": []}"#, "line 2: `output` is an empty list"),
        (r#"{"output": 7}"#, "line 2: `output` must be a text or a list"),
        (r#"{"text": "a"}"#, "line 2: missing field `output`"),
        ("{", "line 2: EOF"),
        ("[[[[", "line 2: "),
    ] {
        let (_folder, path) = file(&[r#"{"output": "a"}"#, line]);
        let error = Texts::references(&path).expect_err(line).to_string();
        assert!(error.contains(says), "{error}");
        assert!(error.contains("texts.jsonl"), "{error}");
    }
    let (_folder, path) = file(&["", ""]);
    assert!(matches!(Texts::predictions(&path), Err(LlmError::NoLines { .. })));
}

#[test]
fn files_of_different_length_are_no_pair() {
    let (_a, predictions) = file(&[r#"{"text": "a"}"#]);
    let (_b, references) = file(&[r#"{"output": "a"}"#, r#"{"output": "b"}"#]);
    let predictions = Texts::predictions(&predictions).expect("texts");
    let references = Texts::references(&references).expect("texts");
    let error = score_texts(&predictions, &references).expect_err("no pair");
    assert!(matches!(error, LlmError::Lines { found: 1, expected: 2, .. }), "{error}");
}
