//! Commands in several processes that `mpirun` starts, and without it.

mod common;
#[cfg(all(feature = "llm", feature = "mpi"))]
#[path = "common/tiny.rs"]
mod tiny;

use common::{bellman, error};

/// A process that believes to be one of two.
fn one_of_two(rank: &str) -> assert_cmd::Command {
    let mut command = bellman();
    command.env("OMPI_COMM_WORLD_RANK", rank).env("OMPI_COMM_WORLD_SIZE", "2");
    command
}

#[test]
fn a_command_that_does_not_split_is_refused_once() {
    let refused = error(one_of_two("0").args(["replay", "none.json"]));
    assert!(refused.contains("this command works in one process, and 2 were started"), "{refused}");
    assert_eq!(error(one_of_two("1").args(["replay", "none.json"])), "");
    assert_eq!(error(one_of_two("1").args(["replay", "--no-such-flag"])), "");
}

#[cfg(not(feature = "mpi"))]
#[test]
fn a_build_without_mpi_does_not_do_the_same_twice() {
    let refused = error(one_of_two("0").args(["verify", "--mdps", "1"]));
    assert!(refused.contains("build with `--features mpi`"), "{refused}");
}

#[cfg(feature = "mpi")]
mod by_mpi {
    use super::common::bellman;
    use serde_json::Value;
    use std::path::Path;
    use std::process::{Command, Output};

    /// `mpirun` with so many processes of the command, which is still to get its arguments.
    pub fn mpirun(folder: &Path, processes: usize) -> Command {
        let mut command = Command::new("mpirun");
        // Tests run in containers, as root and with few cores.
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.env("HF_HUB_OFFLINE", "1").current_dir(folder);
        command.args(["--oversubscribe", "--bind-to", "none", "-n", &processes.to_string()]);
        command.arg(env!("CARGO_BIN_EXE_bellman"));
        command
    }

    pub fn ends(command: &mut Command, code: i32) -> Output {
        let output = command.output().expect("mpirun");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        output
    }

    pub fn json(output: &Output) -> Value {
        serde_json::from_slice(&output.stdout).expect("one JSON value, by one process")
    }

    #[test]
    fn a_campaign_of_two_processes_is_that_of_one() {
        let folder = tempfile::tempdir().unwrap();
        for arguments in [
            &["verify", "--mdps", "1500", "--json"][..],
            &["verify", "--mdps", "300", "--mutation", "kappa-halved", "--json"],
        ] {
            let alone = bellman().current_dir(&folder).args(arguments).output().unwrap();
            let files = || {
                let entries = std::fs::read_dir(folder.path().join("counterexamples"));
                let mut found: Vec<_> = entries
                    .into_iter()
                    .flatten()
                    .map(|entry| entry.unwrap().path())
                    .map(|path| (path.clone(), std::fs::read(path).unwrap()))
                    .collect();
                found.sort();
                found
            };
            let expected = files();
            let _ = std::fs::remove_dir_all(folder.path().join("counterexamples"));
            let code = alone.status.code().unwrap();
            let two = ends(mpirun(folder.path(), 2).args(arguments), code);
            assert_eq!(json(&two), json(&alone));
            assert!(files() == expected && (code == 0) == expected.is_empty());
        }
    }
}

#[cfg(all(feature = "llm", feature = "mpi"))]
mod models {
    use super::by_mpi::{ends, json, mpirun};
    use super::common::bellman;
    use super::tiny;
    use llm::{Checkpoint, DType, Device, Mode};
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::process::Stdio;
    use std::time::Duration;

    const CONFIG: &str = r#"
student = "."
train = "train.jsonl"
cache = "teacher/teacher.parquet"
prompt = "chat"
phases = ["sft", "bd"]
steps = 10
micro-batch = 3
learning-rate = 1e-3
save-every = 1
score-every = 2
dev-limit = 20
max-new-tokens = 4
max-tokens = 60
"#;

    /// A tiny model that is teacher and student, records for three parts, and a config.
    fn prepare(folder: &Path) {
        tiny::model(folder);
        tiny::records(folder, 40);
        std::fs::write(folder.join("run.toml"), CONFIG).unwrap();
    }

    type Weights = BTreeMap<String, Vec<f64>>;

    fn weights(folder: &Path) -> Weights {
        let checkpoint = Checkpoint::open(folder).unwrap();
        let model = checkpoint.model(DType::F64, &Device::Cpu, Mode::Frozen).unwrap();
        let tensors = model.tensors().iter();
        tensors.map(|(n, t)| (n.clone(), t.flatten_all().unwrap().to_vec1().unwrap())).collect()
    }

    /// The largest ‖a − b‖ / ‖b‖ of all tensors.
    fn distance(a: &Weights, b: &Weights) -> f64 {
        let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
        let of = |(name, b): (&String, &Vec<f64>)| {
            norm(&mut a[name].iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
        };
        b.iter().map(of).fold(0.0, f64::max)
    }

    fn log(folder: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(folder.join("log.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn two_processes_make_the_teacher_data_and_the_student_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        prepare(folder);
        let alone =
            bellman().current_dir(folder).args(tiny::GENERATE).args(["--out", "alone"]).assert();
        alone.code(0);
        let two =
            ends(mpirun(folder, 2).args(tiny::GENERATE).args(["--out", "teacher", "--json"]), 0);
        assert_eq!(json(&two)["responses"], 80);
        let file = |name: &str| std::fs::read(folder.join(name).join("teacher.parquet")).unwrap();
        assert!(file("teacher") == file("alone"));

        let run = ["distill", "--config", "run.toml"];
        let student = |run: &str| weights(&folder.join(run).join("student"));
        let alone = [&run[..], &["--batch", "8", "--out", "one"]].concat();
        bellman().current_dir(folder).args(alone).assert().code(0);
        let of_two = |out| [&run[..], &["--batch", "4", "--json", "--out", out]].concat();
        let outcome = json(&ends(mpirun(folder, 2).args(of_two("two")), 0));
        assert_eq!(outcome["phases"][1]["steps"], 10);
        let (one, two) = (student("one"), student("two"));
        let apart = distance(&two, &one);
        assert!(apart <= 1e-6, "{apart:e}");
        assert!(distance(&one, &weights(folder)) > 1e-3, "training changes something");
        assert_eq!(log(&folder.join("two")).len(), 2 * 10);

        // The same weights have the same score.
        let scored = ["--dev", "train.jsonl", "--phases", "sft", "--steps", "2", "--batch", "4"];
        bellman().current_dir(folder).args(run).args(scored).args(["--out", "a"]).assert().code(0);
        ends(mpirun(folder, 2).args(run).args(scored).args(["--out", "b"]), 0);
        let first = |run: &str| log(&folder.join(run))[0]["rouge_l"].clone();
        assert!(first("a").is_number() && first("a") == first("b"));

        // Ended from outside at some moment, and gone on with by two and by one.
        let mut started = mpirun(folder, 2);
        let started = started.args(of_two("ended")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut started = started.spawn().unwrap();
        while !folder.join("ended/states").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let ended = std::process::Command::new("kill").arg(started.id().to_string()).status();
        assert!(ended.unwrap().success());
        started.wait().unwrap();
        let mut copy = std::process::Command::new("cp");
        assert!(
            copy.args(["-r", "ended", "other"]).current_dir(folder).status().unwrap().success()
        );
        ends(mpirun(folder, 2).args(["distill", "--out", "ended", "--resume"]), 0);
        assert!(student("ended") == two, "the same bits");
        bellman()
            .current_dir(folder)
            .args(["distill", "--out", "other", "--resume"])
            .assert()
            .code(0);
        assert_eq!(log(&folder.join("other")).len(), 2 * 10);
        // Roundings change at a moment that differs from run to run; another batch makes 1e-4.
        let apart = distance(&student("other"), &one);
        assert!(apart <= 1e-5, "{apart:e}");
    }

    #[test]
    fn what_one_process_cannot_do_ends_both_with_its_message() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        prepare(folder);
        let arguments = ["distill", "--config", "run.toml", "--phases", "sft", "--out", "run"];
        let mut command = mpirun(folder, 1);
        command.args(arguments).args([":", "-n", "1", env!("CARGO_BIN_EXE_bellman")]);
        let output = ends(command.args(arguments).args(["--train", "missing.jsonl"]), 2);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("rank 1: cannot read missing.jsonl"), "{said}");
        assert!(!folder.join("run/student").exists());
    }
}
