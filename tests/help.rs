//! The examples that the help shows are commands that work.

mod common;

use common::{bellman, repository};
use std::path::Path;

const COMMANDS: &[&str] = &[
    "verify",
    "solve",
    "certify",
    "check",
    #[cfg(feature = "llm")]
    "logits",
    #[cfg(feature = "llm")]
    "loss",
    #[cfg(feature = "llm")]
    "rouge",
    #[cfg(feature = "llm")]
    "compare",
    #[cfg(feature = "llm")]
    "eval",
    #[cfg(feature = "llm")]
    "chat",
    #[cfg(feature = "llm")]
    "carve",
    #[cfg(feature = "llm")]
    "audit",
    #[cfg(feature = "llm")]
    "generate",
    #[cfg(feature = "llm")]
    "distill",
    #[cfg(feature = "llm")]
    "gap",
    #[cfg(feature = "llm")]
    "plan",
    #[cfg(feature = "llm")]
    "prune",
    #[cfg(feature = "llm")]
    "exercises",
    #[cfg(feature = "llm")]
    "init",
    "generate-mdp",
    "replay",
    "completions",
];

/// Instances of a campaign that only has to start and end.
const FEW: &str = "30";

/// The examples of a command, without what the shell or the reader is to make of them.
fn examples(command: &str) -> Vec<Vec<String>> {
    let output = bellman().args([command, "--help"]).assert().code(0).get_output().clone();
    let help = String::from_utf8(output.stdout).unwrap();
    let lines = help.lines().filter_map(|line| line.strip_prefix("  bellman "));
    let examples = lines.map(|line| {
        // A remark stands two spaces or more behind the command.
        let line =
            [" | ", " > ", " && ", "  "].iter().fold(line, |l, end| l.split(end).next().unwrap());
        words(line)
    });
    examples.collect()
}

/// The words of a line, as a shell takes them: what stands in single quotes is one.
fn words(line: &str) -> Vec<String> {
    let pieces = line.split('\'').enumerate();
    let of_piece = |(number, piece): (usize, &str)| match number % 2 {
        1 => vec![piece.to_owned()],
        _ => piece.split_whitespace().map(str::to_owned).collect(),
    };
    pieces.flat_map(of_piece).collect()
}

/// The files that the examples name.
fn prepare(folder: &Path) {
    let files = [
        ("tests/reference/losses/losses.json", "batch.json"),
        ("docs/src/models/two-roads.json", "model.json"),
        ("docs/src/models/two-roads.json", "paris.json"),
        ("tabular/tests/fixtures/gymnasium/lake.json", "frozenlake.json"),
        ("tabular/tests/fixtures/drn/walk.drn", "grid.drn"),
    ];
    for (from, to) in files {
        std::fs::copy(repository(from), folder.join(to)).unwrap();
    }
    let texts = [
        ("predictions.jsonl", r#"{"text": "It is Paris."}"#),
        ("others.jsonl", r#"{"text": "I cannot tell."}"#),
        ("test.jsonl", r#"{"output": ["Paris", "It is Paris"]}"#),
    ];
    for (name, line) in texts {
        std::fs::write(folder.join(name), line).unwrap();
    }
    for (system, text) in [("student-dev", texts[0].1), ("teacher-dev", texts[1].1)] {
        std::fs::create_dir(folder.join(system)).unwrap();
        std::fs::write(folder.join(system).join("seed-10.jsonl"), text).unwrap();
        std::fs::write(folder.join(system).join("references.jsonl"), texts[2].1).unwrap();
    }
    let in_folder = |arguments: &[&str]| bellman().current_dir(folder).args(arguments).assert();
    in_folder(&["certify", "model.json", "--out", "model.cert"]).code(0);
    let wrong = ["--proposition", "main-bound", "--mutation", "kappa-halved", "--mdps", "18"];
    in_folder(&[&["verify", "--family", "worst-case"], &wrong[..]].concat()).code(1);
    let counterexamples = std::fs::read_dir(folder.join("counterexamples")).unwrap();
    let found = counterexamples.map(|entry| entry.unwrap().path()).next().unwrap();
    std::fs::rename(found, folder.join("counterexamples/main-bound-0-17.json")).unwrap();
}

/// What an example says that needs a language model, or what one has written.
const NEED_A_MODEL: [&str; 11] = [
    "logits",
    "eval",
    "chat",
    "generate",
    "distill",
    "prune",
    "gap",
    "carve",
    "audit",
    "--teacher",
    "--cache",
];

/// The exit code that an example should have.
fn expected(example: &[String]) -> &'static [i32] {
    let says = |word: &str| example.iter().any(|argument| argument == word);
    match () {
        () if says("--mutation") || says("replay") => &[1],
        () if says("--strict") => &[0, 3],
        // No language model lies in the folder; what was asked for is understood all the same.
        () if NEED_A_MODEL.into_iter().any(says) => &[2],
        () => &[0],
    }
}

#[test]
fn every_example_in_the_help_of_a_command_works() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    for &command in COMMANDS {
        let examples = examples(command);
        assert!(!examples.is_empty(), "{command} shows no example");
        for mut example in examples {
            if command == "verify" {
                match example.iter().position(|argument| argument == "--mdps") {
                    Some(at) => example[at + 1] = FEW.into(),
                    // Models of one's own are as many as there are.
                    None if example.iter().any(|argument| argument == "--file") => {}
                    None if example.iter().any(|argument| argument == "--teacher") => {}
                    None => example.extend(["--mdps", FEW].map(String::from)),
                }
            }
            if example == ["distill"] {
                // The demonstration would take minutes.
                example.extend(["--demonstration", "none.toml"].map(String::from));
            }
            let output = bellman().current_dir(&folder).args(&example).output().unwrap();
            let code = output.status.code().expect("an exit code");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(expected(&example).contains(&code), "{example:?}: {code}: {errors}");
            assert!(!errors.contains("Usage:"), "{example:?}: {errors}");
        }
    }
}

#[test]
fn every_command_is_among_those_whose_examples_run() {
    let output = bellman().arg("--help").assert().code(0).get_output().clone();
    let help = String::from_utf8(output.stdout).unwrap();
    let section = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names = section.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !name.is_empty() && *name != "help").collect();
    assert_eq!(names, COMMANDS);
}

#[test]
#[cfg(feature = "llm")]
fn the_page_of_the_command_line_shows_the_help_as_it_is() {
    let page = std::fs::read_to_string(repository("docs/src/reference/command-line.md")).unwrap();
    let mut shown = Vec::new();
    for block in page.split("```console\n$ bellman ").skip(1) {
        let (command, rest) = block.split_once('\n').unwrap();
        let (text, _) = rest.split_once("\n```").unwrap();
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let output = bellman().args(&arguments).assert().code(0).get_output().clone();
        let help = String::from_utf8(output.stdout).unwrap();
        let help: Vec<&str> = help.trim().lines().map(str::trim_end).collect();
        let text: Vec<&str> = text.lines().collect();
        assert_eq!(text, help, "`python3 docs/console.py` writes the page anew: {command}");
        shown.push(arguments[0]);
    }
    shown.retain(|name| *name != "--help");
    shown.sort_unstable();
    let mut commands = COMMANDS.to_vec();
    commands.sort_unstable();
    assert_eq!(shown, commands);
}
