//! `check`: what is proved of sets, recorded of the input, compared and said.

mod common;

use assert_cmd::Command;
use common::{bellman, json, says};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Two equal actions that lead to a terminal state.
const TIE: &str = r#"{"gamma": 0.9, "p": 0.5, "states": 2, "available": [[0, 1], [0]],
    "reward": [[1, 1], [0]], "transition": [[[[1, 1]], [[1, 1]]], [[[1, 1]]]]}"#;

/// A folder with a model and its certificate.
struct Made {
    _folder: TempDir,
    model: PathBuf,
    cert: PathBuf,
}

impl Made {
    /// Certifies `text` with these flags.
    fn new(text: &str, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (model, cert) = (folder.path().join("model.json"), folder.path().join("model.cert"));
        std::fs::write(&model, text).unwrap();
        bellman().arg("certify").arg(&model).arg("--out").arg(&cert).args(flags).assert().code(0);
        Self { _folder: folder, model, cert }
    }

    /// Replaces a part of the certificate.
    fn replace(self, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(&self.cert).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(&self.cert, text.replacen(from, to, 1)).unwrap();
        self
    }

    /// Changes the certificate.
    fn edit(&self, change: impl FnOnce(&mut Value)) {
        let text = std::fs::read_to_string(&self.cert).unwrap();
        let mut certificate = serde_json::from_str(&text).unwrap();
        change(&mut certificate);
        std::fs::write(&self.cert, certificate.to_string()).unwrap();
    }

    fn check(&self) -> Command {
        check(&self.cert, &self.model)
    }
}

fn check(cert: &Path, model: &Path) -> Command {
    let mut command = bellman();
    command.arg("check").arg(cert).arg(model);
    command
}

/// The answer as JSON.
fn proof_of(mut command: Command) -> Value {
    json(command.arg("--json"))
}

#[test]
fn the_second_of_two_equal_actions_is_not_proved_to_be_the_nucleus() {
    let made = Made::new(TIE, &[]);
    let proof = proof_of(made.check());
    assert_eq!(
        (proof["nucleus_proved"].as_u64(), proof["nucleus_refuted"].as_u64()),
        (Some(2), Some(0))
    );
    let swapped = made.replace(r#""kept":[[0],[0]]"#, r#""kept":[[1],[0]]"#);
    let proof = proof_of(swapped.check());
    assert_eq!(proof["accepted"], true, "the bounds hold for this set too");
    assert_eq!(
        (proof["nucleus_proved"].as_u64(), proof["nucleus_refuted"].as_u64()),
        (Some(1), Some(1))
    );
}

#[test]
fn what_is_merged_or_appended_is_said_and_recorded() {
    let halves = r#"{"gamma": 0.9, "p": 0.8, "states": 1, "available": [[0]], "reward": [[1]],
        "transition": [[[[0, 0.5], [0, 0.5]]]]}"#;
    let made = Made::new(halves, &[]);
    let said = says(&mut made.check(), 0);
    assert!(said.contains("1 duplicate successor was merged (0 with rounding)"), "{said}");
    assert!(!said.contains("normalised"), "{said}");
    let cert = std::fs::read_to_string(&made.cert).unwrap();
    assert!(cert.contains(r#""merged_duplicates":1"#), "{cert}");
    assert_eq!(proof_of(made.check())["adjustments"]["merged_duplicates"], 1);
    let taxi = r#"{"n_states": 1, "n_actions": 1, "transitions": [[0, 0, 1.0, 0, -1.0, true]]}"#;
    let said = says(&mut Made::new(taxi, &["--gamma", "0.9", "--p", "0.8"]).check(), 0);
    assert!(said.contains("1 absorbing state appended"), "{said}");
}

#[test]
fn the_same_model_written_in_another_way_is_the_same() {
    let taxi = r#"{"n_states": 1, "n_actions": 1, "transitions": [[0, 0, 1.0, 0, -1.0, true]]}"#;
    let made = Made::new(taxi, &["--gamma", "0.9", "--p", "0.8"]);
    let plain = r#"{"states": 2, "available": [[0], [0]], "reward": [[-1], [0]],
        "transition": [[[[1, 1]]], [[[1, 1]]]]}"#;
    std::fs::write(&made.model, plain).unwrap();
    made.check().assert().code(0);
}

/// A row of doubles nearest to 1/3, which do not sum to one.
const THIRDS: &str = r#"{"gamma": 0.9, "p": 0.8, "states": 3, "available": [[0, 1], [0], [0]],
    "reward": [[1, 0], [0.5], [0]], "transition":
    [[[[0, 0.3333333333333333], [1, 0.3333333333333333], [2, 0.3333333333333333]], [[1, 1]]],
     [[[2, 1]]], [[[2, 1]]]]}"#;

#[test]
fn the_record_of_the_input_is_compared_with_the_input() {
    let made = Made::new(THIRDS, &["--normalise"]);
    assert!(says(&mut made.check(), 0).contains("1 row did not sum to exactly one"));
    let proof = proof_of(made.check());
    assert_eq!(
        (proof["normalised"].as_bool(), proof["adjustments"]["normalised_rows"].as_u64()),
        (Some(true), Some(1))
    );
    // Another record is a claim that does not hold.
    let other = made.replace(r#""normalised_rows":1"#, r#""normalised_rows":2"#);
    let refused = says(&mut other.check(), 1);
    assert!(refused.contains("2 rows did not") && refused.contains("1 row did not"), "{refused}");
}

#[test]
fn a_record_of_changes_that_were_not_made_is_refused() {
    let thirds = Made::new(THIRDS, &["--normalise"]);
    let cert = std::fs::read_to_string(&thirds.cert).unwrap();
    let at = cert.find(r#""adjustments":{"#).expect("a record");
    let record = &cert[at..=at + cert[at..].find('}').expect("its end")];
    let exact = Made::new(TIE, &[]).replace(r#""adjustments":null"#, record);
    let refused = says(&mut exact.check(), 1);
    assert!(refused.contains("nothing was changed"), "{refused}");
}

#[test]
fn a_record_is_an_object_of_known_members_or_null() {
    for bad in ["0", "false", "\"normalise\""] {
        let made = Made::new(TIE, &[])
            .replace(r#""adjustments":null"#, &format!(r#""adjustments":{bad}"#));
        says(&mut made.check(), 2);
    }
    for bad in ["{}", r#"{"normalise":true}"#] {
        let made = Made::new(TIE, &[])
            .replace(r#""adjustments":null"#, &format!(r#""adjustments":{bad}"#));
        let refused = says(&mut made.check(), 2);
        assert!(refused.contains("model.cert") && refused.contains("adjustments"), "{refused}");
    }
}

#[test]
fn without_a_record_normalising_takes_a_flag() {
    let made = Made::new(THIRDS, &["--normalise"]);
    let cert = std::fs::read_to_string(&made.cert).unwrap();
    let at = cert.find(r#""adjustments":{"#).expect("a record");
    let record = cert[at..=at + cert[at..].find('}').expect("its end")].to_string();
    let made = made.replace(&record, r#""adjustments":null"#);
    assert!(says(&mut made.check(), 2).contains("--normalise"));
    let accepted = says(made.check().arg("--normalise"), 0);
    assert!(accepted.contains("has no record of it"), "{accepted}");
}

#[test]
fn a_certificate_that_proves_nothing_is_said_to_prove_nothing() {
    let made = Made::new(TIE, &[]);
    assert!(!says(&mut made.check(), 0).contains("warning"));
    let loops = r#"{"gamma": 0.99, "p": 0.5, "states": 1, "available": [[0]], "reward": [[1]],
        "transition": [[[[0, 1]]]]}"#;
    let made = Made::new(loops, &[]);
    // So large a residual, divided by 1 − γ, is no double.
    made.edit(|certificate| {
        certificate["optimal"]["c_hi"] = format!("{:016x}", f64::MAX.to_bits()).into();
        certificate["restricted"] = Value::Null;
    });
    let said = says(&mut made.check(), 0);
    assert!(said.contains("accepted") && said.contains("nothing is proved of its value"), "{said}");
    assert_eq!(proof_of(made.check())["width"], Value::Null);
    says(made.check().arg("--strict"), 3);
}

#[test]
fn strict_asks_whether_the_sets_are_decided() {
    let made = Made::new(TIE, &[]);
    says(made.check().arg("--strict"), 0);
    let swapped = made.replace(r#""kept":[[0],[0]]"#, r#""kept":[[1],[0]]"#);
    says(&mut swapped.check(), 0);
    says(swapped.check().arg("--strict"), 1);
    says(swapped.check().arg("--strict=mass"), 0);
    // Mass 0.5 where 0.75 is asked for.
    let p = |p: f64| format!(r#""p":"{:016x}""#, p.to_bits());
    let short = swapped.replace(&p(0.5), &p(0.75));
    says(short.check().arg("--strict=mass"), 1);
    assert_eq!(proof_of(short.check())["mass_refuted"], 1);
    // Equal actions that stay for ever: overlapping enclosures, and a mass of exactly ½.
    let loops = r#"{"gamma": 0.9, "p": 0.5, "states": 1, "available": [[0, 1]], "reward": [[1, 1]],
        "transition": [[[[0, 1]], [[0, 1]]]]}"#;
    says(Made::new(loops, &[]).check().arg("--strict"), 3);
    // Nothing is known of sets that are not there.
    let bare = Made::new(TIE, &[]);
    bare.edit(|certificate| certificate["restricted"] = Value::Null);
    says(&mut bare.check(), 0);
    says(bare.check().arg("--strict"), 3);
}

#[test]
fn another_discount_than_that_of_the_file_is_said() {
    let said = says(&mut Made::new(TIE, &["--gamma", "0.5", "--p", "0.25"]).check(), 0);
    assert!(said.contains("gives γ = 0.9; the certificate is about γ = 0.5"), "{said}");
    assert!(said.contains("gives p = 0.5; the certificate is about p = 0.25"), "{said}");
    let said = says(&mut Made::new(TIE, &[]).check(), 0);
    assert!(!said.contains("the certificate is about"), "{said}");
}

#[test]
fn a_certificate_knows_its_temperature() {
    for (temperature, flags) in [("0.5", &[][..]), ("0.3", &["--normalise"])] {
        let made = Made::new(TIE, &[&["--temperature", temperature], flags].concat());
        let said = says(&mut made.check(), 0);
        assert!(said.contains(&format!("divided by the temperature {temperature}")), "{said}");
        assert!(!said.contains("normalised"), "{said}");
        says(made.check().args(["--temperature", temperature]), 0);
        let other = says(made.check().args(["--temperature", "0.25"]), 1);
        assert!(other.contains("REFUSED") && other.contains("--temperature"), "{other}");
    }
}

#[test]
fn a_temperature_that_is_not_recorded_is_asked_for() {
    let made = Made::new(TIE, &["--temperature", "0.5"]);
    let cert = std::fs::read_to_string(&made.cert).unwrap();
    let at = cert.find(r#""adjustments":{"#).expect("a record");
    let record = cert[at..=at + cert[at..].find('}').expect("its end")].to_string();
    let made = made.replace(&record, r#""adjustments":null"#);
    let refused = says(&mut made.check(), 1);
    assert!(refused.contains("--temperature"), "{refused}");
    says(made.check().args(["--temperature", "0.5"]), 0);
}
