//! Model files: five formats, each with a reader and a writer.
//!
//! | [`Format`] | extension | holds besides the model |
//! |---|---|---|
//! | [`Format::Json`] | `.json` | name, γ, p, candidate sets, extra members |
//! | [`Format::Gymnasium`] | `.json` | name |
//! | [`Format::Drn`] | `.drn` | |
//! | [`Format::Prism`] | `.tra`, with `.sta`, `.srew`, `.trew` beside it | |
//! | [`Format::Cassandra`] | `.mdp` | γ |
//!
//! Readers pass on the numbers of the file as they stand, nearest doubles of its decimals and
//! fractions; [`crate::MdpBuilder`] does the checks. Any bytes give a model or a [`FormatError`]:
//! no file makes a reader panic or ask for memory out of proportion to its size, but for the
//! million entries that wildcards in Cassandra's format may stand for. Writers print doubles so
//! that reading gives the same bits.
//!
//! # Example
//! ```
//! use tabular::formats::{Contents, Format, ReadOptions, from_json_str, read, write};
//! let text = r#"{"states": 1, "available": [[0]], "reward": [[2]], "transition": [[[[0, 1]]]]}"#;
//! let model = from_json_str("loop", text, &ReadOptions::default())?;
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("loop.tra");
//! write(&path, Format::Prism, &Contents::from(&model))?;
//! assert_eq!(read(&path, &ReadOptions::default())?.mdp, model.mdp);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cassandra;
mod drn;
mod error;
mod exact;
mod gymnasium;
mod json;
mod prism;
mod save;
mod table;
mod tokens;

pub use error::{FormatError, Problem};
pub use json::{from_json_str, to_json};
pub use save::{Contents, write};

use crate::{Adjustments, Mdp, RowPolicy};
use error::Defect;
use operators::{CandidateSets, Discount, TopP};
use std::collections::BTreeMap;
use std::path::Path;

/// A file format for models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// This project's JSON.
    Json,
    /// Transition tables of Gymnasium's toy environments.
    Gymnasium,
    /// Storm's explicit DRN.
    Drn,
    /// PRISM's explicit files.
    Prism,
    /// The `.mdp` files in the style of Cassandra's POMDP files.
    Cassandra,
}

/// How to read a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// Whether rows may be adjusted.
    pub policy: RowPolicy,
    /// Which reward model to take; needed only where a file has several.
    pub rewards: Option<String>,
}

/// A model as read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The name in the file, or else the file's own without extension.
    pub name: String,
    /// The model.
    pub mdp: Mdp,
    /// γ, if the file gives it.
    pub gamma: Option<Discount>,
    /// p, if the file gives it.
    pub p: Option<TopP>,
    /// Candidate sets, if the file gives them.
    pub sets: Option<CandidateSets>,
    /// What was changed between the numbers in the file and the model.
    pub adjustments: Adjustments,
    /// What the file turned out to be.
    pub format: Format,
}

/// The model in a file of any format.
///
/// The extension tells the format; Gymnasium tables are told from other JSON by their members,
/// and a file without a known extension by its first words.
///
/// # Errors
/// [`FormatError`] when the file cannot be read or is not a model; it names file, line or state
/// and action, the defect, and the remedy.
pub fn read(path: &Path, options: &ReadOptions) -> Result<ModelFile, FormatError> {
    let text = read_text(path)?;
    let format = detect(path, &text).map_err(|defect| defect.in_file(path))?;
    parse(path, &text, format, options)
}

/// The text of a file, without a byte order mark.
fn read_text(path: &Path) -> Result<String, FormatError> {
    let bytes = std::fs::read(path)
        .map_err(|source| FormatError::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..valid].iter().filter(|&&b| b == b'\n').count();
        Problem::NotUtf8.at(line).in_file(path)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The model in a text of known format; `path` is for messages, and for the files beside it.
fn parse(
    path: &Path,
    text: &str,
    format: Format,
    options: &ReadOptions,
) -> Result<ModelFile, FormatError> {
    let in_file = |defect: Defect| defect.in_file(path);
    if format != Format::Drn
        && let Some(name) = &options.rewards
    {
        return Err(in_file(Problem::NoRewardModels { name: name.clone() }.into()));
    }
    let table = match format {
        Format::Json => json::parse(text).map_err(in_file),
        Format::Gymnasium => gymnasium::parse(text).map_err(in_file),
        Format::Drn => drn::parse(text, options.rewards.as_deref()).map_err(in_file),
        Format::Prism => prism::parse(path, text),
        Format::Cassandra => cassandra::parse(text).map_err(in_file),
    }?;
    let parsed = table.build(options.policy).map_err(in_file)?;
    let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(ModelFile {
        name: parsed.name.or_else(stem).unwrap_or_default(),
        mdp: parsed.mdp,
        gamma: parsed.gamma,
        p: parsed.p,
        sets: parsed.sets,
        adjustments: parsed.adjustments,
        format,
    })
}

/// What a file is, by its extension and contents.
fn detect(path: &Path, text: &str) -> Result<Format, Defect> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        Some("json") => detect_json(text),
        Some("drn") => Ok(Format::Drn),
        Some("tra") => Ok(Format::Prism),
        Some("mdp" | "pomdp") => Ok(Format::Cassandra),
        Some(extension @ ("sta" | "lab" | "trew" | "srew")) => {
            Err(Problem::SideFile { extension: extension.to_owned() }.into())
        }
        _ => detect_by_contents(text),
    }
}

fn detect_json(text: &str) -> Result<Format, Defect> {
    let members: BTreeMap<String, serde::de::IgnoredAny> = json::from_str(text)?;
    let gymnasium = gymnasium::has_members(members.keys().map(String::as_str));
    Ok(if gymnasium { Format::Gymnasium } else { Format::Json })
}

fn detect_by_contents(text: &str) -> Result<Format, Defect> {
    let starts = |prefix: &str| text.lines().any(|line| line.trim_start().starts_with(prefix));
    let first_line_is_numbers = || {
        let words: Vec<&str> = text.lines().next().unwrap_or("").split_whitespace().collect();
        words.len() == 3 && words.iter().all(|word| word.parse::<u64>().is_ok())
    };
    match () {
        () if text.trim_start().starts_with('{') => detect_json(text),
        () if starts("@type") => Ok(Format::Drn),
        () if starts("discount") || starts("states") => Ok(Format::Cassandra),
        () if first_line_is_numbers() => Ok(Format::Prism),
        () => Err(Problem::UnknownFormat.into()),
    }
}
