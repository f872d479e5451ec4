//! Every malformed file is refused with the message that lies beside it.
//!
//! `fixtures/malformed/FORMAT/NAME.EXT` is the file and `NAME.expected` the whole message, in
//! which FILE stands for the path without its extension. With `UPDATE_EXPECTED=1` in the
//! environment the messages are written instead of compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tabular::formats::{ReadOptions, read};

/// Files that only accompany a `.tra` file.
fn is_beside(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    let beside = matches!(extension, Some("sta" | "srew" | "trew"));
    extension == Some("expected") || beside && path.with_extension("tra").exists()
}

fn malformed_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/malformed");
    let children = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let files = children(&root).into_iter().flat_map(|folder| children(&folder));
    files.filter(|path| !is_beside(path)).collect()
}

#[test]
fn every_malformed_file_is_refused_with_its_message() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut counts = BTreeMap::<String, usize>::new();
    let mut wrong = Vec::new();
    for path in malformed_files() {
        let folder = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        *counts.entry(folder).or_default() += 1;
        let stem = path.with_extension("").display().to_string();
        let message = match read(&path, &ReadOptions::default()) {
            Ok(_) => "(it was read)".to_owned(),
            Err(error) => error.to_string().replace(&stem, "FILE"),
        };
        let expected = path.with_extension("expected");
        if update {
            std::fs::write(&expected, format!("{message}\n")).unwrap();
        }
        let text = std::fs::read_to_string(&expected).unwrap_or_default();
        if text.trim_end() != message {
            wrong.push(format!("{}:\n  found    {message}\n  expected {text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for format in ["json", "gymnasium", "drn", "prism", "cassandra"] {
        assert!(counts[format] >= 10, "{format}: {counts:?}");
    }
}
