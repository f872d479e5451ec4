//! What the command says when something is in the way, and that it survives not being heard.

mod common;

use assert_cmd::Command;
use common::{bellman, error, reference};
use std::path::PathBuf;

fn model() -> PathBuf {
    reference("garnet-0.json")
}

#[test]
fn a_certificate_that_cannot_be_read_is_not_said_to_be_written() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("missing.cert")] {
        let said = error(bellman().arg("check").arg(&path).arg(model()));
        assert!(said.contains("cannot read the file"), "{said}");
        assert!(!said.contains("overwritten") && !said.contains("written;"), "{said}");
    }
}

#[test]
fn a_file_that_is_no_certificate_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("garbage");
    for bytes in [&b"\xff\xfe\x00\x01"[..], b"garbage", b"{}"] {
        std::fs::write(&path, bytes).unwrap();
        let said = error(bellman().arg("check").arg(&path).arg(model()));
        assert!(said.contains("is not a certificate") && said.contains("CERT FILE"), "{said}");
    }
}

#[test]
fn files_that_cannot_be_written_are_named_and_temporary_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("x");
    let mut commands = [bellman(), bellman()];
    commands[0].arg("certify").arg(model()).arg("--out").arg(&path);
    commands[1].args(["generate-mdp", "--family", "ring", "--out"]).arg(&path);
    for command in &mut commands {
        let said = error(command);
        assert!(said.contains("cannot write the file"), "{said}");
        assert!(!said.replace(' ', "").contains("missing/.tmp"), "{said}");
    }
}

/// A shell command with `$0` for the program and `$1` for a model.
#[cfg(target_os = "linux")]
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(bellman().get_program()).arg(model());
    command
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_called_that() {
    for script in ["$0 solve --json $1", "$0 generate-mdp --family ring", "$0 completions bash"] {
        let said = error(&mut shell(&format!("{script} > /dev/full")));
        assert!(said.contains("standard output") && !said.contains("folder"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_listening_is_no_reason_to_fail() {
    let folder = tempfile::tempdir().unwrap();
    let cert = folder.path().join("x.cert");
    let cert = cert.display();
    let certify = format!("$0 certify $1 --out {cert} --json");
    for script in [&certify, &format!("$0 check {cert} $1 --json")] {
        for deaf in ["2> /dev/full", "2>&-"] {
            let output = shell(&format!("{script} {deaf}")).assert().code(0).get_output().clone();
            assert!(output.stdout.starts_with(b"{"), "{script} {deaf}");
        }
    }
    for script in ["$0 solve $1 --json", "$0 verify --mdps 20 --json"] {
        for deaf in ["2> /dev/full", "2>&-"] {
            let output = shell(&format!("{script} {deaf}")).assert().code(0).get_output().clone();
            assert!(output.stdout.starts_with(b"{"), "{script} {deaf}");
        }
    }
    // An error keeps its exit code.
    shell("$0 check $1 $1 2> /dev/full").assert().code(2);
}

#[test]
fn a_negative_number_is_a_value_and_not_a_flag() {
    for flag in ["--gamma", "--p", "--temperature"] {
        let mut commands = [bellman(), bellman()];
        commands[0].arg("solve").arg(model()).args([flag, "-0.1"]);
        commands[1].args(["verify", flag, "-0.1", "--file"]).arg(model());
        for command in &mut commands {
            let said = error(command);
            assert!(said.contains("-0.1") && !said.contains("unexpected argument"), "{said}");
        }
    }
    let said = error(bellman().args(["generate-mdp", "--family", "ring", "--gamma", "-0.1"]));
    assert!(said.contains("give a discount"), "{said}");
}

#[test]
fn no_model_is_written_that_could_not_be_read_again() {
    let generate = |family: &str| {
        let mut command = bellman();
        command.args(["generate-mdp", "--gamma", "1", "--family", family]);
        command
    };
    for family in ["near-ties", "garnet", "worst-case"] {
        let said = error(&mut generate(family));
        assert!(said.contains("certainly ends"), "{said}");
    }
    generate("token-tree").assert().code(0);
}

#[test]
fn a_branching_of_zero_is_refused() {
    let said = error(bellman().args(["generate-mdp", "--family", "ring", "--branching", "0"]));
    assert!(said.contains("--branching"), "{said}");
}

#[test]
fn large_values_do_not_fill_the_screen() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.json");
    let text = r#"{"gamma": 0.5, "p": 0.5, "states": 1, "available": [[0]], "reward": [[1e300]],
        "transition": [[[[0, 1]]]]}"#;
    std::fs::write(&file, text).unwrap();
    let output = bellman().arg("solve").arg(&file).assert().get_output().clone();
    assert!(output.stderr.len() < 3_000, "{}", String::from_utf8_lossy(&output.stderr));
}
