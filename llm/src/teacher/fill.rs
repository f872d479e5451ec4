//! Making a cache part by part, so that it can be stopped at any moment and taken up again.

use super::cache::Writer;
use super::{Cache, Expected, Row, Settings};
use crate::LlmError;
use ranks::Ranks;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The name of a finished cache in its folder.
pub const FILE: &str = "teacher.parquet";

/// How many prompts a part holds: what is lost at most when the process is killed. It is fixed,
/// because batches never reach over the end of a part, and so parts belong to the content.
pub const PROMPTS_PER_PART: usize = 16;

/// A prompt by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The number of the record that it comes from.
    pub number: u32,
    /// Its tokens; at least one.
    pub tokens: Vec<u32>,
}

/// Fills a folder with the responses to all prompts, in order, and gives the finished cache;
/// `None` when `watch` broke it off, or `answer` was stopped ([`LlmError::Stopped`]).
///
/// `answer` is asked for the rows of the prompts of one part, all responses to each, in order.
/// Parts are written aside and renamed; those that are there already are not asked for again. So
/// a killed process loses the part it was at, and the finished file is the same as without the
/// interruption: no response twice, none left out. `watch` hears how many prompts are answered,
/// before each part and at the end. `vocabulary` says what the tokens are; those that occur are noted
/// in the file, so that another model's tokenizer can be compared.
///
/// One process at a time fills a folder. The system knows when it has ended, even by `kill -9`.
///
/// # Errors
/// [`LlmError::Busy`] when another process is filling the folder;
/// [`LlmError::CacheMismatch`] when the folder holds something made with other settings;
/// [`LlmError::Cache`] when `answer` gives other rows than it was asked for, or a part is damaged;
/// [`LlmError::Write`], [`LlmError::File`]; those of `answer`.
pub fn fill(
    folder: &Path,
    settings: &Settings,
    prompts: &[Prompt],
    vocabulary: &BTreeMap<u32, String>,
    answer: impl FnMut(&[Prompt]) -> Result<Vec<Row>, LlmError>,
    watch: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<Cache>, LlmError> {
    fill_over(&Ranks::alone(), folder, settings, prompts, vocabulary, answer, watch)
}

/// The same, by several ranks that see the same folder: each makes parts of its own, and the
/// finished file is the same as one rank makes. The watch of any rank breaks off all. Collective.
///
/// # Errors
/// The same; [`LlmError::Ranks`].
pub fn fill_over(
    ranks: &Ranks,
    folder: &Path,
    settings: &Settings,
    prompts: &[Prompt],
    vocabulary: &BTreeMap<u32, String>,
    mut answer: impl FnMut(&[Prompt]) -> Result<Vec<Row>, LlmError>,
    mut watch: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Option<Cache>, LlmError> {
    let (path, parts) = (folder.join(FILE), Parts(folder.join("parts")));
    let expected = Expected::all(settings);
    let finished = path.exists();
    // Before any rank changes something.
    ranks.meet()?;
    if !finished {
        parts.make()?;
    }
    // The first rank keeps others out for all of this run.
    let lock = if ranks.is_first() { parts.lock()? } else { None };
    ranks.meet()?;
    // Another process may have finished it before the lock was to be had.
    if !path.exists() {
        let mut make = |i: usize, prompts: &[Prompt]| {
            let rows = answer(prompts)?;
            write_part(&parts.path(i), settings, prompts, &rows)
        };
        let all: Vec<&[Prompt]> = prompts.chunks(PROMPTS_PER_PART).collect();
        let mut left = Vec::new();
        for i in 0..all.len() {
            match parts.path(i).exists() {
                true => _ = Cache::open(&parts.path(i), &expected)?,
                false => left.push(i),
            }
        }
        let there =
            |left: &[usize]| prompts.len() - left.iter().map(|&i| all[i].len()).sum::<usize>();
        // So that no part is there for one rank and not for another.
        ranks.meet()?;
        while !left.is_empty() {
            let mut stopped = watch(there(&left)).is_break();
            if let Some(&i) = left.get(ranks.rank()).filter(|_| !stopped) {
                match make(i, all[i]) {
                    Err(LlmError::Stopped) => stopped = true,
                    made => made?,
                }
            }
            if ranks.any(stopped)? {
                return Ok(None);
            }
            left.drain(..ranks.size().min(left.len()));
        }
        if ranks.is_first() {
            join(&path, &parts, settings, &all, vocabulary)?;
        }
        ranks.meet()?;
    }
    let cache = Cache::open(&path, &expected)?;
    drop(lock);
    if ranks.is_first() {
        parts.remove()?;
    }
    // Nothing is left to be broken off.
    let _ = watch(prompts.len());
    Ok(Some(cache))
}

fn write_part(
    path: &Path,
    settings: &Settings,
    prompts: &[Prompt],
    rows: &[Row],
) -> Result<(), LlmError> {
    asked_for(rows, prompts, settings, path)?;
    let mut writer = Writer::create(path, settings)?;
    writer.group(rows)?;
    writer.finish()
}

/// Makes the finished cache of its parts.
fn join(
    path: &Path,
    parts: &Parts,
    settings: &Settings,
    prompts: &[&[Prompt]],
    vocabulary: &BTreeMap<u32, String>,
) -> Result<(), LlmError> {
    let expected = Expected::all(settings);
    let mut writer = Writer::create(path, settings)?;
    let mut used = BTreeSet::new();
    for (i, prompts) in prompts.iter().enumerate() {
        let part = Cache::open(&parts.path(i), &expected)?;
        let rows = part.rows()?.collect::<Result<Vec<Row>, _>>()?;
        asked_for(&rows, prompts, settings, part.path())?;
        used.extend(rows.iter().flat_map(Row::tokens));
        writer.group(&rows)?;
    }
    let token = |id: u32| Some((id, vocabulary.get(&id)?.clone()));
    writer.tokens(&used.into_iter().filter_map(token).collect())?;
    writer.finish()
}

/// Whether rows are all responses to these prompts, in order.
fn asked_for(
    rows: &[Row],
    prompts: &[Prompt],
    settings: &Settings,
    path: &Path,
) -> Result<(), LlmError> {
    let bad = |problem| LlmError::Cache { path: path.to_path_buf(), problem };
    let wanted = prompts.iter().flat_map(|p| (0..settings.responses).map(move |i| (p, i)));
    let expected = prompts.len() * settings.responses as usize;
    if rows.len() != expected {
        return Err(bad(format!("{} responses where there are to be {expected}", rows.len())));
    }
    for (row, (prompt, i)) in rows.iter().zip(wanted) {
        let same = row.prompt == prompt.number && row.prompt_tokens == prompt.tokens;
        if !same || row.response != i {
            let (found, of) = (row.response, row.prompt);
            let wanted = format!("response {i} to prompt {}", prompt.number);
            return Err(bad(format!("response {found} to prompt {of} stands where {wanted} is")));
        }
        if let Some(problem) = row.problem() {
            return Err(bad(problem));
        }
    }
    Ok(())
}

/// The folder of the parts.
struct Parts(PathBuf);

impl Parts {
    fn path(&self, part: usize) -> PathBuf {
        self.0.join(format!("{part:06}.parquet"))
    }

    /// Keeps other processes out until it is dropped; nothing where there are no parts.
    ///
    /// It lies among the parts and goes with them. A process that had opened it before takes a lock on
    /// nothing, and finds the finished file.
    fn lock(&self) -> Result<Option<File>, LlmError> {
        let file = match File::create(self.0.join("lock")) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.failed(e)),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(LlmError::Busy { path: self.0.clone() }),
            // A file system without locks: then there is nothing to keep others out by.
            Err(TryLockError::Error(e)) if e.kind() == std::io::ErrorKind::Unsupported => Ok(None),
            Err(TryLockError::Error(e)) => Err(self.failed(e)),
        }
    }

    fn make(&self) -> Result<(), LlmError> {
        std::fs::create_dir_all(&self.0).map_err(|e| self.failed(e))
    }

    fn remove(&self) -> Result<(), LlmError> {
        if self.0.exists() {
            std::fs::remove_dir_all(&self.0).map_err(|e| self.failed(e))
        } else {
            Ok(())
        }
    }

    fn failed(&self, source: std::io::Error) -> LlmError {
        LlmError::Write { path: self.0.clone(), source }
    }
}
