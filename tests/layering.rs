//! The architecture as it is written down, against the manifests and the sources.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

type Names = BTreeSet<String>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A crate of the workspace by the name of its folder; the root package is `src`.
struct Member {
    folder: String,
    /// The crates of the workspace that it depends on in any way, tests included.
    imports: Names,
    /// All other crates that it depends on in any way.
    outside: Names,
}

fn members() -> Vec<Member> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version=1"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(member).collect()
}

fn member(package: &Value) -> Member {
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let (mut imports, mut outside) = (Names::new(), Names::new());
    for dependency in package["dependencies"].as_array().unwrap() {
        match dependency["path"].as_str() {
            Some(path) => imports.insert(folder(Path::new(path))),
            None => outside.insert(dependency["name"].as_str().unwrap().to_owned()),
        };
    }
    Member { folder: folder(manifest.parent().unwrap()), imports, outside }
}

fn folder(path: &Path) -> String {
    let below = path.strip_prefix(root()).expect("a crate of this workspace");
    if below.as_os_str().is_empty() { "src".into() } else { below.to_str().unwrap().into() }
}

fn names(list: &str) -> Names {
    list.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The table "Who imports whom" of the book: what each folder may import.
fn allowed() -> BTreeMap<String, Names> {
    let text = read("docs/src/architecture.md");
    let section = text.split("## Who imports whom").nth(1).expect("the section");
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    let mut allowed: BTreeMap<String, Names> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[2].trim_matches(['`', '/']).to_owned(), names(cells[3].trim_matches('–')))
        })
        .collect();
    let below = |folder: &&String| !["src", "kernels"].contains(&folder.as_str());
    let everything = allowed.keys().filter(below).cloned().collect();
    let all = allowed.get_mut("src").expect("a row for the root package");
    assert_eq!(*all, names("all of them but kernels"));
    *all = everything;
    allowed
}

#[test]
fn crates_import_what_the_architecture_says_and_nothing_else() {
    let found: BTreeMap<String, Names> =
        members().into_iter().map(|member| (member.folder, member.imports)).collect();
    assert_eq!(found, allowed());
}

#[test]
fn the_trusted_base_and_the_operators_stand_on_rounding_alone() {
    let allowed = allowed();
    assert_eq!(allowed["rounding"], names(""));
    for foundation in ["operators", "certificate"] {
        assert_eq!(allowed[foundation], names("rounding"), "{foundation}");
    }
}

#[test]
fn language_models_meet_tables_in_the_bridge_only() {
    let allowed = allowed();
    assert_eq!(allowed["llm"], names("kernels operators ranks"));
    assert_eq!(allowed["kernels"], names(""));
    assert!(allowed["bridge"].is_superset(&names("llm tabular verify")));
    let above = ["src", "bridge"];
    for (folder, imports) in allowed.iter().filter(|(folder, _)| !above.contains(&&***folder)) {
        assert!(imports.is_disjoint(&names("llm bridge")), "{folder}");
    }
}

#[test]
fn the_command_line_and_its_errors_stay_in_the_root_package() {
    for Member { folder, outside, .. } in members() {
        let interface = outside.intersection(&names("clap clap_complete miette")).count();
        assert_eq!(interface > 0, folder == "src", "{folder}: {outside:?}");
        let tensors = outside.iter().any(|name| name.starts_with("candle"));
        assert!(!tensors || folder == "llm", "{folder}: {outside:?}");
        assert!(!outside.contains("mpi") || folder == "mpi", "{folder}: {outside:?}");
    }
}

/// The Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false if path.extension().is_some_and(|e| e == "rs") => vec![path],
        false => Vec::new(),
    };
    entries.flat_map(below).collect()
}

/// The lines of code below a folder, comments left out.
fn code(folder: &str) -> Vec<(PathBuf, String)> {
    let files = sources(&root().join(folder)).into_iter();
    let lines = files.flat_map(|path| {
        let text = read(&path);
        let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        lines.into_iter().map(move |line| (path.clone(), line))
    });
    lines.filter(|(_, line)| !line.starts_with("//")).collect()
}

#[test]
fn unsafe_code_is_in_the_kernels_and_in_the_allocator() {
    let allocator = root().join("src/allocator.rs");
    for Member { folder, .. } in members() {
        for (path, line) in code(&if folder == "src" { folder } else { format!("{folder}/src") }) {
            let unsafe_code = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
            let found = unsafe_code.iter().any(|word| line.contains(word));
            let allowed = path == allocator || path.starts_with(root().join("kernels"));
            assert!(!found || allowed, "{}: {line}", path.display());
        }
    }
}

#[test]
fn operators_know_no_file_device_or_clock() {
    const OUTSIDE: [&str; 7] = ["fs", "io", "net", "time", "env", "process", "thread"];
    for (path, line) in code("operators/src") {
        let outside = OUTSIDE.iter().any(|module| line.contains(&format!("std::{module}")));
        assert!(!outside, "{}: {line}", path.display());
    }
}

#[test]
fn propositions_take_their_formulas_from_the_operators() {
    for (path, line) in code("verify/src/propositions") {
        let own = [".exp(", ".ln("].iter().any(|function| line.contains(function));
        assert!(!own, "{}: {line}", path.display());
    }
}

/// Every file of the repository that is text; none outside a checkout.
fn committed() -> Vec<(String, String)> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let Some(output) = listed.ok().filter(|output| output.status.success()) else {
        return Vec::new();
    };
    let names = String::from_utf8(output.stdout).unwrap();
    let text =
        |name: &str| Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?));
    names.split_terminator('\0').filter_map(text).collect()
}

#[test]
fn no_text_mentions_a_path_of_somebodys_machine() {
    // In pieces, so that this file does not mention them either.
    let folders = ["tmp", "home", "work", "root", "Users", "mnt"].map(|name| format!("/{name}/"));
    for (file, text) in committed() {
        for (number, line) in text.lines().enumerate() {
            let local = |folder: &String| {
                line.match_indices(folder.as_str()).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    // Part of a longer path or of an address is something else.
                    !before.is_some_and(|c| c.is_alphanumeric() || "._-/~".contains(c))
                })
            };
            let found = folders.iter().any(local);
            assert!(!found, "{file}:{}: {line}", number + 1);
        }
    }
}
