//! Certificates as Coq files: the three in `proofs/emitted` are what the command writes, and the
//! kernel accepts them and no others.
//!
//! With `UPDATE_EXPECTED=1` in the environment the files are written instead of compared.
//! `make -C proofs` compiles all of them.

mod common;

use common::{bellman, error, reference};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

/// Models of `tests/reference/tabular`, and the files about them.
const EMITTED: [(&str, &str); 3] = [
    ("garnet-0.json", "garnet_0.v"),
    ("self-loop-equal-actions.json", "self_loop_equal_actions.v"),
    ("token-tree.json", "token_tree.v"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_emitted_files_are_what_the_command_writes() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let folder = tempfile::tempdir().unwrap();
    for (model, file) in EMITTED {
        let (found, expected) =
            (folder.path().join(file), root().join("proofs/emitted").join(file));
        bellman().arg("certify").arg(reference(model)).arg("--coq").arg(&found).assert().code(0);
        let text = std::fs::read_to_string(found).unwrap();
        if update {
            std::fs::write(&expected, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert!(text == expected, "{file} is not what `bellman certify {model} --coq` writes");
    }
}

#[test]
fn a_certificate_and_a_coq_file_can_be_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, proof) = (folder.path().join("ties.cert"), folder.path().join("ties.v"));
    let file = reference("ties.json");
    let mut command = bellman();
    command.arg("certify").arg(&file).arg("--out").arg(&cert).arg("--coq").arg(&proof);
    command.assert().code(0);
    bellman().arg("check").arg(&cert).arg(&file).assert().code(0);
    assert!(std::fs::read_to_string(proof).unwrap().contains("Theorem Q_star_enclosed"));
    // One of the two has to be asked for.
    bellman().arg("certify").arg(&file).assert().code(2);
}

#[test]
fn a_file_says_what_is_not_shown_of_the_sets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.v");
    let text = |more: &[&str]| {
        let mut command = bellman();
        command.arg("certify").arg(reference("garnet-0.json")).arg("--coq").arg(&file).args(more);
        command.assert().code(0);
        std::fs::read_to_string(&file).unwrap()
    };
    let nucleus = text(&[]);
    assert!(nucleus.contains("A_p_is_nucleus") && !nucleus.contains("not shown"));
    // Two actions are too few here or too many there.
    let two = text(&["--sets", "top-k:2"]);
    assert!(two.contains("That each set carries 0.8 is not shown"), "{two}");
    assert!(two.contains("smallest such sets is not shown") && !two.contains("A_p_is_nucleus"));
}

#[test]
fn what_cannot_be_proved_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, proof) = (folder.path().join("model.cert"), folder.path().join("model.v"));
    std::fs::write(&proof, "kept").unwrap();
    let large = folder.path().join("large.json");
    let mut generate = bellman();
    generate.args(["generate-mdp", "--family", "garnet", "--states", "65", "--out"]).arg(&large);
    generate.assert().code(0);
    let certify = |model: &Path, proof: &Path, more: &[&str]| {
        let mut command = bellman();
        command.arg("certify").arg(model).arg("--out").arg(&cert).arg("--coq").arg(proof);
        error(command.args(more))
    };
    let text = certify(&large, &proof, &[]);
    assert!(text.contains("65 states") && text.contains("at most 64"), "{text}");
    let text = certify(&reference("token-tree.json"), &proof, &["--gamma", "1"]);
    assert!(text.contains("need γ < 1"), "{text}");
    for name in ["two-words.v", "1st.v", "model.txt", ".v"] {
        let text = certify(&reference("ties.json"), &folder.path().join(name), &[]);
        assert!(text.contains("name of a module"), "{text}");
    }
    assert!(!cert.exists(), "the certificate waits for the Coq file");
    assert_eq!(std::fs::read_to_string(&proof).unwrap(), "kept");
}

/// The compiled proofs, where there is a compiler and they are newer than their sources.
fn compiled_proofs() -> Option<PathBuf> {
    let theories = root().join("proofs/theories");
    let changed = |path: PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let version = std::process::Command::new("coqc").arg("--version").output().ok()?;
    if !version.status.success() {
        return None;
    }
    for name in [
        "interval_backend",
        "concrete",
        "concrete_lists",
        "concrete_sweep",
        "concrete_claims",
        "concrete_nucleus",
    ] {
        let compiled = changed(theories.join(name).with_extension("vo"))?;
        if compiled < changed(theories.join(name).with_extension("v"))? {
            return None;
        }
    }
    Some(theories)
}

/// A line on standard error, which the test harness does not capture, unlike `eprintln!`.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn coqc(theories: &Path, file: &Path) -> Output {
    let mut command = std::process::Command::new("coqc");
    command.args(["-w", "none", "-Q"]).arg(theories).arg("Bellman").arg(file);
    command.output().unwrap()
}

#[test]
fn the_kernel_accepts_the_file_and_refuses_a_narrower_one() {
    let Some(theories) = compiled_proofs() else {
        say("NOT RE-CHECKED: no coqc, or `make -C proofs` was not run since the last change");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.v");
    let model = reference("self-loop-equal-actions.json");
    bellman().arg("certify").arg(&model).arg("--coq").arg(&file).assert().code(0);
    let output = coqc(&theories, &file);
    let (text, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if errors.contains("inconsistent assumptions") {
        say("NOT RE-CHECKED: the compiled proofs do not fit each other, run `make -C proofs`");
        return;
    }
    assert!(output.status.success(), "{errors}");
    // Axioms start a line; their types go on, indented.
    let axioms: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with(' ') && *line != "Axioms:")
        .filter_map(|line| line.split([' ', ':']).next()?.rsplit('.').next())
        .collect();
    let known = ["sig_not_dec", "sig_forall_dec", "functional_extensionality_dep", "classic"];
    assert_eq!(axioms, known, "{text}");

    // Each lower end moved up by 4 units of the last place: beyond the number itself.
    let whole = std::fs::read_to_string(&file).unwrap();
    for (right, wrong) in [
        ("20.794415415 <= Q_star M #0 #2", "20.794415419 <= Q_star M #0 #2"),
        ("10.397207707 <= supported_norm", "10.397207711 <= supported_norm"),
        ("10.397207707 <= kappa", "10.397207709 <= kappa"),
        // One half and a bit: more than the set has.
        ("p : dyadic := dy 1 (-1)", "p : dyadic := dy 4503599627370497 (-53)"),
    ] {
        assert!(whole.contains(right), "{right}");
        std::fs::write(&file, whole.replacen(right, wrong, 1)).unwrap();
        let output = coqc(&theories, &file);
        assert!(!output.status.success(), "Coq accepts {wrong}");
    }
}
