//! Writing: what to write, and how without ever leaving half a file.

use super::error::Problem;
use super::{Format, FormatError, ModelFile, cassandra, drn, gymnasium, json, prism};
use crate::aside::write_aside;
use crate::{Instance, Mdp};
use operators::{CandidateSets, Discount, TopP};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// What to write. A format takes from it what it has a place for.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The model.
    pub mdp: &'a Mdp,
    /// γ, if it belongs in the file.
    pub gamma: Option<Discount>,
    /// p, if it belongs in the file.
    pub p: Option<TopP>,
    /// Candidate sets, if they belong in the file: only [`Format::Json`] has a place for them.
    pub sets: Option<&'a CandidateSets>,
    /// Extra top-level members for [`Format::Json`]: `expected`, `seed`, `notes`, `found_by`.
    pub extra: Option<&'a Map<String, Value>>,
}

impl<'a> From<&'a Instance> for Contents<'a> {
    fn from(instance: &'a Instance) -> Self {
        let Instance { name, mdp, gamma, p, sets } = instance;
        let (gamma, p) = (Some(*gamma), Some(*p));
        Self { name, mdp, gamma, p, sets: sets.as_ref(), extra: None }
    }
}

impl<'a> From<&'a ModelFile> for Contents<'a> {
    fn from(file: &'a ModelFile) -> Self {
        let ModelFile { name, mdp, gamma, p, sets, .. } = file;
        Self { name, mdp, gamma: *gamma, p: *p, sets: sets.as_ref(), extra: None }
    }
}

/// Writes a model; [`super::read`] gives back the same model, bit for bit.
///
/// The text is written aside, in the same folder, and then renamed: a file that was there is
/// replaced as a whole or not at all. The several files of [`Format::Prism`] are all written
/// before the first is renamed, and the `.tra` file comes last.
///
/// # Errors
/// [`FormatError::Write`] when the operating system refuses, [`Problem::ExtraMember`] when
/// `extra` has a member that readers refuse.
pub fn write(path: &Path, format: Format, contents: &Contents<'_>) -> Result<(), FormatError> {
    let files = match format {
        Format::Json => {
            check_extra(contents).map_err(|problem| malformed(path, problem))?;
            vec![(path.to_owned(), json::render(contents))]
        }
        Format::Gymnasium => vec![(path.to_owned(), gymnasium::render(contents))],
        Format::Drn => vec![(path.to_owned(), drn::render(contents))],
        Format::Prism => {
            prism::render(path, contents).map_err(|problem| malformed(path, problem))?
        }
        Format::Cassandra => vec![(path.to_owned(), cassandra::render(contents))],
    };
    let mut aside = Vec::with_capacity(files.len());
    for (path, text) in files {
        let file = write_aside(&path, &text).map_err(|source| failed(&path, source))?;
        aside.push((path, file));
    }
    for (path, file) in aside {
        file.persist(&path).map_err(|error| failed(&path, error.error))?;
    }
    Ok(())
}

fn malformed(path: &Path, problem: Problem) -> FormatError {
    FormatError::Malformed { path: path.to_owned(), line: None, problem }
}

fn failed(path: &Path, source: std::io::Error) -> FormatError {
    FormatError::Write { path: PathBuf::from(path), source }
}

fn check_extra(contents: &Contents<'_>) -> Result<(), Problem> {
    let mut names = contents.extra.into_iter().flat_map(Map::keys);
    match names.find(|name| !json::IGNORED.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Problem::ExtraMember { name: name.clone() }),
    }
}
