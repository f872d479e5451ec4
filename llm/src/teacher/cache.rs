//! [`Cache`]: a Parquet file of teacher data.

use super::columns::{schema, to_batch, to_rows};
use super::{Expected, Row, Settings};
use crate::LlmError;
use crate::text::{Tokenizer, agreement_on};
use operators::TopP;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{ColumnChunkMetaData, KeyValue, ParquetMetaData};
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many rows are decoded at once.
const ROWS: usize = 64;

/// The name under which the metadata have the tokens.
const TOKENS: &str = "bellman.tokens";

/// Teacher data on disk: the settings are read and checked, rows are read as they are asked for.
#[derive(Debug, Clone)]
pub struct Cache {
    path: PathBuf,
    settings: Settings,
    p: TopP,
    responses: u64,
    tokens: Option<Arc<BTreeMap<u32, String>>>,
}

impl Cache {
    /// Opens a cache and refuses one with other settings than those expected.
    ///
    /// # Errors
    /// [`LlmError::File`]; [`LlmError::Cache`] when it is no cache; [`LlmError::CacheMismatch`].
    pub fn open(path: &Path, expected: &Expected) -> Result<Self, LlmError> {
        let builder = builder(path)?;
        let metadata = builder.metadata().file_metadata();
        let responses = u64::try_from(metadata.num_rows())
            .map_err(|_| bad(path, "a negative number of rows"))?;
        let entries = metadata.key_value_metadata().into_iter().flatten();
        let entries: BTreeMap<String, String> =
            entries.filter_map(|e| Some((e.key.clone(), e.value.clone()?))).collect();
        let settings = Settings::read(&entries, path)?;
        expected.check(&settings, path)?;
        let tokens = entries.get(TOKENS).map(|text| serde_json::from_str(text)).transpose();
        let tokens = tokens.map_err(|e| bad(path, format!("{TOKENS}: {e}")))?.map(Arc::new);
        Ok(Self { path: path.to_path_buf(), p: settings.p, settings, responses, tokens })
    }

    /// Fails unless a tokenizer means the tokens that occur here by the same numbers. What else it
    /// has does not matter, nor how it cuts a text: prompts and responses are tokens already.
    ///
    /// # Errors
    /// [`LlmError::Vocabulary`], which names the first tokens that differ; of a cache that does not
    /// say what its tokens are [`LlmError::CacheMismatch`], unless it was made with this tokenizer.
    pub fn agree(&self, tokenizer: &Tokenizer) -> Result<(), LlmError> {
        match &self.tokens {
            Some(tokens) => agreement_on(tokens, &tokenizer.vocabulary(), tokens.keys().copied()),
            None => self.check(&Expected::anything().tokenizer(&tokenizer.hash())),
        }
    }

    /// Refuses a cache with other settings than those expected.
    ///
    /// # Errors
    /// [`LlmError::CacheMismatch`].
    pub fn check(&self, expected: &Expected) -> Result<(), LlmError> {
        expected.check(&self.settings, &self.path)
    }

    /// The tokens that occur in prompts, responses and candidate sets, as `tokenizer.json` writes
    /// them; `None` where the file does not say.
    pub fn tokens(&self) -> Option<&BTreeMap<u32, String>> {
        self.tokens.as_deref()
    }

    /// The same cache with candidate sets at another mass, which may be smaller only.
    ///
    /// # Errors
    /// [`LlmError::LargerMass`].
    pub fn at_p(self, p: TopP) -> Result<Self, LlmError> {
        let stored = self.settings.p;
        if p.get() > stored.get() {
            let path = self.path;
            return Err(LlmError::LargerMass { path, stored: stored.get(), asked: p.get() });
        }
        Ok(Self { p, ..self })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The mass of the candidate sets that it gives.
    pub fn p(&self) -> TopP {
        self.p
    }

    /// How many responses it says it holds.
    pub fn responses(&self) -> u64 {
        self.responses
    }

    /// The rows, in the order of the file; after an error there are none.
    ///
    /// # Errors
    /// [`LlmError::File`]; [`LlmError::Cache`], of a row as well.
    pub fn rows(&self) -> Result<impl Iterator<Item = Result<Row, LlmError>> + '_, LlmError> {
        let reader = builder(&self.path)?.with_batch_size(ROWS);
        let mut batches = guarded(&self.path, || reader.build().map_err(|e| e.to_string()))?;
        let mut decode = move || {
            let batch = batches.next()?;
            Some(batch.map_err(|e| e.to_string()).and_then(|batch| to_rows(&batch)))
        };
        let groups = std::iter::from_fn(move || {
            let next = guarded(&self.path, || decode().transpose());
            next.transpose()
        });
        let rows = groups.flat_map(|rows| match rows {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        let read = move |mut row: Row| {
            if self.p != self.settings.p {
                row.scores = row.scores.at_p(self.p);
            }
            row
        };
        let mut failed = false;
        let until_error = move |row: &Result<Row, LlmError>| {
            let before = failed;
            failed |= row.is_err();
            !before
        };
        Ok(rows.take_while(until_error).map(move |row| row.map(read)))
    }
}

fn bad(path: &Path, problem: impl ToString) -> LlmError {
    LlmError::Cache { path: path.to_path_buf(), problem: problem.to_string() }
}

fn builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, LlmError> {
    let file =
        File::open(path).map_err(|source| LlmError::File { path: path.to_path_buf(), source })?;
    let length = file.metadata().map_err(|source| LlmError::File { path: path.into(), source })?;
    // The types are those of the Parquet columns, not what a second schema in the metadata says.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(path, || {
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
            .map_err(|e| e.to_string())?;
        check_places(builder.metadata(), length.len())?;
        Ok(builder)
    })
}

/// What reading the file at `path` gives.
///
/// The crate that decodes Parquet panics on some damaged files (a page that needs a dictionary
/// which is not there). That is an error of the file as any other; what it had built is dropped.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, String>) -> Result<T, LlmError> {
    let result = catch_unwind(AssertUnwindSafe(read));
    let result = result.unwrap_or_else(|_| Err("its pages cannot be decoded".into()));
    result.map_err(|problem| bad(path, problem))
}

/// Whether the columns lie in the file, which the decoder takes for granted.
fn check_places(metadata: &ParquetMetaData, length: u64) -> Result<(), String> {
    let number = |x: i64| u64::try_from(x).ok();
    for (i, group) in metadata.row_groups().iter().enumerate() {
        let inside = |column: &ColumnChunkMetaData| {
            let data = number(column.data_page_offset())?;
            let dictionary = match column.dictionary_page_offset() {
                Some(offset) => number(offset)?,
                None => data,
            };
            number(column.num_values())?;
            number(column.uncompressed_size())?;
            let end = data.min(dictionary).checked_add(number(column.compressed_size())?)?;
            (data.max(dictionary) <= length && end <= length).then_some(())
        };
        let rows = number(group.num_rows());
        if rows.is_none() {
            return Err(format!("row group {i} has a negative number of rows"));
        }
        if let Some(column) = group.columns().iter().find(|&column| inside(column).is_none()) {
            let name = column.column_path().string();
            return Err(format!("row group {i}: the column {name} does not lie in the file"));
        }
    }
    Ok(())
}

/// A cache that is being written: aside, until it is finished.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    aside: PathBuf,
    writer: ArrowWriter<File>,
}

impl Writer {
    /// Starts a cache that will stand at `path`.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn create(path: &Path, settings: &Settings) -> Result<Self, LlmError> {
        let aside = path.with_extension("aside");
        let failed = |source| LlmError::Write { path: path.to_path_buf(), source };
        let file = File::create(&aside).map_err(failed)?;
        let metadata = settings.metadata().into_iter();
        let metadata = metadata.map(|(key, value)| KeyValue::new(key, value)).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("bellman-distill".into())
            .set_key_value_metadata(Some(metadata))
            .build();
        let writer = ArrowWriter::try_new(file, schema(), Some(properties));
        let writer = writer.map_err(|e| failed(std::io::Error::other(e)))?;
        Ok(Self { path: path.to_path_buf(), aside, writer })
    }

    /// Writes rows as one row group.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn group(&mut self, rows: &[Row]) -> Result<(), LlmError> {
        let batch = to_batch(rows).map_err(|e| self.failed(std::io::Error::other(e)))?;
        let written = self.writer.write(&batch).and_then(|()| self.writer.flush());
        written.map_err(|e| self.failed(std::io::Error::other(e)))
    }

    /// Notes what the tokens that occur are.
    pub fn tokens(&mut self, tokens: &BTreeMap<u32, String>) -> Result<(), LlmError> {
        let text = serde_json::to_string(tokens).map_err(|e| self.failed(e.into()))?;
        self.writer.append_key_value_metadata(KeyValue::new(TOKENS.into(), text));
        Ok(())
    }

    /// Puts the file in its place, whole and on the disk.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn finish(self) -> Result<(), LlmError> {
        let failed = |source| LlmError::Write { path: self.path.clone(), source };
        let file = self.writer.into_inner().map_err(|e| failed(std::io::Error::other(e)))?;
        file.sync_all().and_then(|()| std::fs::rename(&self.aside, &self.path)).map_err(failed)
    }

    fn failed(&self, source: std::io::Error) -> LlmError {
        LlmError::Write { path: self.path.clone(), source }
    }
}
