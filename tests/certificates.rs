//! Certificates through the command: what is refused and how, and files that are never lost.

mod common;

use common::{bellman, error, json, reference, repository, says};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a certificate of `garnet-1.json` and one edit to it.
struct Tampered {
    folder: TempDir,
}

impl Tampered {
    fn new(edit: impl FnOnce(&mut Value)) -> Self {
        let tampered = Self { folder: tempfile::tempdir().unwrap() };
        let mut certify = bellman();
        certify.arg("certify").arg(reference("garnet-1.json")).arg("--out").arg(tampered.path());
        certify.assert().code(0);
        let text = std::fs::read_to_string(tampered.path()).unwrap();
        let mut certificate = serde_json::from_str(&text).unwrap();
        edit(&mut certificate);
        std::fs::write(tampered.path(), certificate.to_string()).unwrap();
        tampered
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("model.cert")
    }

    fn check(&self) -> assert_cmd::Command {
        let mut check = bellman();
        check.arg("check").arg(self.path()).arg(reference("garnet-1.json"));
        check
    }
}

/// The bits of a double, as certificates write them.
fn bits(x: f64) -> Value {
    format!("{:016x}", x.to_bits()).into()
}

#[test]
fn a_claim_that_does_not_hold_is_refused_with_the_reason() {
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 10] = [
        (|c| c["optimal"]["c_hi"] = bits(-1.0), "claims that the residual is at most -1, but at"),
        (|c| c["optimal"]["c_lo"] = bits(1.0), "claims that the residual is at least 1, but at"),
        (|c| c["optimal"]["v"][3] = bits(0.0), "optimal values: the certificate claims"),
        (|c| c["restricted"]["projected"]["v"][0] = bits(0.0), "values of the projected teacher:"),
        (|c| c["restricted"]["top_p"]["c_hi"] = bits(-1.0), "top-p optimal values:"),
        (|c| c["restricted"]["kept"][0] = json!([0]), "values of the projected teacher:"),
        (|c| c["restricted"]["kept"][0] = json!([99]), "state 0"),
        (|c| c["optimal"]["v"] = json!([]), "optimal values: 0 entries where 6 are needed"),
        (|c| c["gamma"] = bits(2.0), "γ = 2: a discount lies in [0, 1]"),
        (|c| c["model"] = "0".repeat(64).into(), "about the model 000"),
    ];
    for (edit, reason) in edits {
        let tampered = Tampered::new(edit);
        let text = says(&mut tampered.check(), 1);
        assert!(text.contains("REFUSED: ") && text.contains(reason), "{reason}: {text}");
        let answer = json(tampered.check().arg("--json"));
        assert_eq!((&answer["accepted"], &answer["width"]), (&false.into(), &Value::Null));
        assert!(answer["refusal"].as_str().unwrap().contains(reason), "{answer}");
    }
}

#[test]
fn a_file_that_is_no_certificate_cannot_be_used() {
    type Edit = fn(&mut Value);
    let edits: [(Edit, &str); 5] = [
        (|c| c["format"] = "bellman-certificate/2".into(), "bellman-certificate/1"),
        (|c| c["optimal"]["v"][0] = bits(f64::NAN), "finite"),
        (|c| c["optimal"]["c_hi"] = "3FF0000000000000".into(), "16 lower-case hexadecimal"),
        (|c| c["comment"] = "trust me".into(), "unknown field `comment`"),
        (|c| drop(c.as_object_mut().unwrap().remove("optimal")), "missing field `optimal`"),
    ];
    for (edit, reason) in edits {
        let text = error(&mut Tampered::new(edit).check());
        assert!(text.contains("not a certificate") && text.contains(reason), "{text}");
        assert!(text.contains("bellman certify"), "what to do: {text}");
    }
}

#[test]
fn half_a_certificate_cannot_be_used() {
    let tampered = Tampered::new(|_| ());
    let text = std::fs::read_to_string(tampered.path()).unwrap();
    std::fs::write(tampered.path(), &text[..text.len() / 2]).unwrap();
    assert!(error(&mut tampered.check()).contains("not a certificate"));
}

/// A command that certifies `model` over a file that is there already, and must leave it alone.
fn assert_left_alone(folder: &Path, out: &Path, mut certify: assert_cmd::Command) -> String {
    std::fs::write(out, "older").unwrap();
    let text = error(&mut certify);
    assert_eq!(std::fs::read_to_string(out).unwrap(), "older");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "nothing is left beside it");
    text
}

#[test]
fn a_model_that_cannot_be_certified_leaves_an_older_certificate_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model.cert");
    let models = [
        (repository("docs/src/models/thirds.json"), "--normalise"),
        (repository("docs/src/models/none.json"), "none.json"),
        (repository("Cargo.toml"), "Cargo.toml"),
    ];
    for (model, reason) in models {
        let mut certify = bellman();
        certify.arg("certify").arg(&model).arg("--out").arg(&out);
        let text = assert_left_alone(folder.path(), &out, certify);
        assert!(text.contains(reason), "{text}");
    }
}

/// A disk that is full, played by a limit on the size of files.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_leaves_an_older_certificate_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model.cert");
    let mut certify = assert_cmd::Command::new("sh");
    certify.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" certify \"$1\" --out \"$2\""]);
    certify.arg(assert_cmd::cargo::cargo_bin("bellman"));
    certify.arg(reference("garnet-1.json")).arg(&out);
    let text = assert_left_alone(folder.path(), &out, certify);
    assert!(text.contains("model.cert") && text.contains("nothing was overwritten"), "{text}");
}

#[test]
fn a_folder_in_the_place_of_a_certificate_is_an_error_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut certify = bellman();
    certify.arg("certify").arg(reference("garnet-1.json")).arg("--out").arg(folder.path());
    error(&mut certify);
    assert!(folder.path().is_dir());
}

#[test]
fn rows_that_do_not_sum_to_one_need_permission_and_the_certificate_records_it() {
    let folder = tempfile::tempdir().unwrap();
    let (model, out) = (repository("docs/src/models/thirds.json"), folder.path().join("cert"));
    let certify = || {
        let mut certify = bellman();
        certify.arg("certify").arg(&model).arg("--out").arg(&out);
        certify
    };
    let refused = error(&mut certify());
    assert!(refused.contains("state 0, action 0") && refused.contains("--normalise"), "{refused}");
    assert!(!out.exists());
    certify().arg("--normalise").assert().code(0);
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    // Three thirds, and one tenth beside nine.
    assert_eq!(file["adjustments"]["normalised_rows"], 2);
    assert_eq!(file["adjustments"]["largest_defect_at"], json!([0, 0]));
    let mut check = bellman();
    check.arg("check").arg(&out).arg(&model);
    assert!(says(&mut check, 0).contains("the input was normalised"));
    assert_eq!(json(check.arg("--json"))["normalised"], true);
}

#[test]
fn a_model_as_given_leaves_nothing_to_record() {
    let tampered = Tampered::new(|certificate| assert_eq!(certificate["adjustments"], Value::Null));
    assert_eq!(json(tampered.check().arg("--json"))["normalised"], false);
}
