//! The ledger of claims, `docs/claims.toml`, against the proofs, the code and the tests it names.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Deserialize)]
struct Ledger {
    claim: Vec<Claim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    says: String,
    proposition: Option<String>,
    theorems: Vec<String>,
    functions: Vec<String>,
    tests: Vec<String>,
    #[serde(default)]
    measured: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn claims() -> Vec<Claim> {
    toml::from_str::<Ledger>(&read("docs/claims.toml")).expect("docs/claims.toml").claim
}

/// The files with this ending below a folder.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path, ending),
        false if path.extension().is_some_and(|e| e == ending) => vec![path],
        false => Vec::new(),
    };
    paths.flat_map(below).collect()
}

/// The names of what is proved under one of these headings.
fn statements(kinds: &[&str]) -> BTreeSet<String> {
    let statement = |line: &str| {
        let (kind, rest) = line.split_once(' ')?;
        let name = rest.split([' ', ':']).next()?;
        kinds.contains(&kind).then(|| name.to_owned())
    };
    let texts: Vec<_> = files(Path::new("proofs/theories"), "v").iter().map(read).collect();
    texts.iter().flat_map(|text| text.lines().filter_map(statement)).collect()
}

/// Whether a file has a function of this name.
fn defines(path: impl AsRef<Path>, function: &str) -> bool {
    let text = read(path);
    ["(", "<"].iter().any(|after| text.contains(&format!("fn {function}{after}")))
}

#[test]
fn every_claim_rests_on_something() {
    for claim in claims() {
        let grounds = claim.theorems.len() + claim.tests.len() + claim.measured.len();
        assert!(grounds > 0, "nothing is behind: {}", claim.says);
    }
}

/// `make -C proofs assumptions` shows what all theorems and corollaries rest on.
#[test]
fn every_theorem_exists_and_what_it_rests_on_is_printed() {
    let theorems = statements(&["Theorem", "Corollary"]);
    for claim in claims() {
        for theorem in &claim.theorems {
            assert!(theorems.contains(theorem), "{theorem} is not proved: {}", claim.says);
        }
    }
}

#[test]
fn every_function_test_and_measurement_exists() {
    for claim in claims() {
        for function in &claim.functions {
            let (krate, name) = function.split_once("::").expect("crate::function");
            let sources = files(&Path::new(krate).join("src"), "rs");
            assert!(sources.iter().any(|path| defines(path, name)), "there is no {function}");
        }
        for test in &claim.tests {
            let (path, name) = test.split_once(": ").expect("file: name");
            assert!(defines(path, name), "there is no test {test}");
        }
        assert!(claim.measured.iter().all(|path| root().join(path).exists()));
    }
}

#[test]
fn every_proposition_has_a_row() {
    let named: BTreeSet<_> = claims().into_iter().filter_map(|c| c.proposition).collect();
    let all = verify::propositions::all();
    let all: BTreeSet<_> = all.iter().map(|proposition| proposition.name.to_owned()).collect();
    assert_eq!(named, all);
}

#[test]
fn lemmas_that_operators_name_are_proved() {
    let statements = statements(&["Theorem", "Corollary", "Lemma"]);
    let mut named = 0;
    for path in files(Path::new("operators/src"), "rs") {
        let text = read(&path);
        // A list may go on to the next line of the comment.
        let lists = text.split("Proved").skip(1).map(|rest| rest.split('.').next().unwrap_or(""));
        for lemma in lists.flat_map(|list| list.split('`').skip(1).step_by(2)) {
            assert!(statements.contains(lemma), "{}: {lemma}", path.display());
            named += 1;
        }
    }
    assert!(named > 20, "only {named} lemmas were found");
}

fn page(claims: &[Claim]) -> String {
    let mut text = String::from(
        "# What every claim rests on\n\n<!-- Written by the test `claims` from claims.toml. Do not edit. -->\n\n\
         A theorem is proved in Coq ([`proofs/`](../proofs/README.md)); a function computes what the claim is about; a \
         test checks it.\nA claim without a theorem is tested, not proved.\n",
    );
    for claim in claims {
        write!(text, "\n## {}\n\n", claim.says).unwrap();
        let list = |names: &[String]| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        if let Some(name) = &claim.proposition {
            writeln!(text, "- `bellman verify --proposition {name}`").unwrap();
        }
        match (claim.theorems.is_empty(), claim.measured.is_empty()) {
            (false, _) => writeln!(text, "- proved: {}", list(&claim.theorems)).unwrap(),
            (true, true) => writeln!(text, "- tested, not proved").unwrap(),
            (true, false) => writeln!(text, "- measured: {}", list(&claim.measured)).unwrap(),
        }
        for (what, names) in [("computed by", &claim.functions), ("tested by", &claim.tests)] {
            if !names.is_empty() {
                writeln!(text, "- {what}: {}", list(names)).unwrap();
            }
        }
    }
    text
}

#[test]
fn the_page_of_claims_is_the_ledger() {
    let (path, text) = (root().join("docs/claims.md"), page(&claims()));
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/claims.md is out of date: run this test with UPDATE_EXPECTED=1");
}

/// Compiles the proofs where Coq is installed; says so where it is not.
#[test]
fn the_proofs_compile_and_rest_on_four_axioms() {
    let coq = Command::new("coqc").arg("--version").output();
    if !coq.is_ok_and(|output| output.status.success()) {
        // Not captured by the test harness, unlike `eprintln!`.
        let _ = writeln!(std::io::stderr(), "Coq is not installed: the proofs were NOT re-checked");
        return;
    }
    let make =
        Command::new("make").arg("-C").arg(root().join("proofs")).arg("assumptions").output();
    let output = make.expect("make");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
