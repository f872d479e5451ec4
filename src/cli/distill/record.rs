//! Which files a run is made from: `record.json`, which keeps test files from being chosen by.

use super::options::{Options, PhaseName};
use crate::cli::CliError;
use llm::evaluation::{Record, Role, Used};
use llm::teacher::{Cache, Expected, hash_file};
use std::path::{Path, PathBuf};

/// The record of a run in its folder.
pub struct RunRecord {
    path: PathBuf,
    record: Record,
}

impl RunRecord {
    /// The record of the run in `out` that starts from the model at `student`: what it is trained
    /// on and chosen by, after what the student and the records named before say of these files.
    pub fn new(out: &Path, student: &Path, options: &Options) -> Result<Self, CliError> {
        let path = out.join("record.json");
        let mut record = Record::open(&path)?;
        // Of a run that goes on.
        let started = record.clone();
        if let Some(before) = Record::beside(student) {
            record.inherit(&Record::open(&before)?);
        }
        let others = options.record.as_deref().map(Record::open).transpose()?;
        let mut phases = options.phases.iter().flatten();
        let cache = options.cache.as_ref().filter(|_| phases.any(|phase| *phase != PhaseName::Sft));
        let trained = options.train.iter().chain(&options.text).chain(cache);
        let files = trained.map(|file| (Role::Train, file));
        for (role, file) in files.chain(options.dev.iter().map(|file| (Role::Dev, file))) {
            let sha256 = hash_file(file)?;
            same_as_before(&started, role, file, &sha256)?;
            for sha256 in std::iter::once(sha256).chain(source(file)?) {
                for record in others.iter().chain([&record]) {
                    record.allow(role, file, &sha256)?;
                }
                record.note(Used { role, file: file.clone(), sha256 });
            }
        }
        Ok(Self { path, record })
    }

    /// Writes it.
    pub fn write(&self) -> Result<(), CliError> {
        Ok(self.record.write(&self.path)?)
    }
}

/// The hash of the file that teacher data come from, which is trained on with them.
fn source(file: &Path) -> Result<Option<String>, CliError> {
    if file.extension().is_none_or(|end| end != "parquet") {
        return Ok(None);
    }
    Ok(Cache::open(file, &Expected::anything())?.settings().source.clone())
}

/// Refuses to go on with other data than a run was started with: it would not end as it would have.
fn same_as_before(started: &Record, role: Role, file: &Path, sha256: &str) -> Result<(), CliError> {
    let mut before = started.files.iter().filter(|used| used.role == role && used.file == file);
    let known = before.clone().any(|used| used.sha256 == sha256);
    if known || before.next().is_none() {
        return Ok(());
    }
    let what = format!("{} is not what the run was started with", file.display());
    Err(CliError::argument(what, "put it back, or start another run in another folder"))
}
