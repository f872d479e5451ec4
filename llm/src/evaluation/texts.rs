//! Predictions and references in files: JSON Lines, one text or one list of texts a line.

use super::TooManyWords;
use crate::LlmError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The most bytes of one line.
const LONGEST_LINE: u64 = 1 << 26;

/// What is wrong with a line of a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// No JSON, or JSON without the fields that are needed.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Too long to be one text.
    #[error("longer than {LONGEST_LINE} bytes")]
    Long,
    /// A list of references without any.
    #[error("`output` is an empty list; give at least one reference")]
    NoReference,
    /// Too long to be scored.
    #[error(transparent)]
    Words(#[from] TooManyWords),
}

/// A text of a file and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lined<T> {
    /// The number of the line, from 1.
    pub line: usize,
    /// What it says.
    pub content: T,
}

/// A file of texts: as many predictions as there are references, one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts<T> {
    /// The file.
    pub path: PathBuf,
    /// The texts.
    pub rows: Vec<Lined<T>>,
}

#[derive(Deserialize)]
struct Prediction {
    text: String,
}

#[derive(Deserialize)]
struct Reference {
    output: Output,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`output` must be a text or a list of texts")]
enum Output {
    One(String),
    Several(Vec<String>),
}

impl<T> Texts<T> {
    /// Lines as `read` understands them; empty lines are passed over.
    fn read<R: DeserializeOwned>(
        path: &Path,
        content: impl Fn(R) -> Result<T, LineProblem>,
    ) -> Result<Self, LlmError> {
        let file = |source| LlmError::File { path: path.into(), source };
        let mut reader = BufReader::new(File::open(path).map_err(file)?);
        let mut rows = Vec::new();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            let limited = &mut reader.by_ref().take(LONGEST_LINE + 1);
            if limited.read_until(b'\n', &mut bytes).map_err(file)? == 0 {
                break;
            }
            let wrong = |problem| LlmError::Line { path: path.into(), line, problem };
            if bytes.len() as u64 > LONGEST_LINE {
                return Err(wrong(LineProblem::Long));
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let parsed = serde_json::from_slice(&bytes).map_err(LineProblem::from);
            rows.push(Lined { line, content: parsed.and_then(&content).map_err(wrong)? });
        }
        if rows.is_empty() {
            return Err(LlmError::NoLines { path: path.into() });
        }
        Ok(Self { path: path.into(), rows })
    }

    /// Something about a line, as an error of this file.
    pub fn wrong(&self, row: &Lined<T>, problem: impl Into<LineProblem>) -> LlmError {
        LlmError::Line { path: self.path.clone(), line: row.line, problem: problem.into() }
    }
}

impl Texts<String> {
    /// The field `text` of every line; other fields do not matter.
    ///
    /// # Errors
    /// [`LlmError::File`], [`LlmError::Line`], and [`LlmError::NoLines`] for an empty file.
    pub fn predictions(path: &Path) -> Result<Self, LlmError> {
        Self::read(path, |prediction: Prediction| Ok(prediction.text))
    }
}

impl Texts<Vec<String>> {
    /// The field `output` of every line, a text or a list of texts; other fields do not matter.
    ///
    /// # Errors
    /// [`LlmError::File`], [`LlmError::Line`], and [`LlmError::NoLines`] for an empty file.
    pub fn references(path: &Path) -> Result<Self, LlmError> {
        Self::read(path, |reference: Reference| match reference.output {
            Output::One(text) => Ok(vec![text]),
            Output::Several(texts) if texts.is_empty() => Err(LineProblem::NoReference),
            Output::Several(texts) => Ok(texts),
        })
    }
}
