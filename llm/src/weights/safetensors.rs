//! [`Safetensors`]: one file of tensors.

use super::Weights;
use super::header::{self, Entry, HeaderProblem};
use crate::LlmError;
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The longest header that is read; the reference implementation has the same limit.
const LONGEST_HEADER: u64 = 100_000_000;

/// An open safetensors file whose header has been checked: every tensor has the bytes that its
/// shape needs, within the file, and shares them with no other. Data is read tensor by tensor.
#[derive(Debug)]
pub struct Safetensors {
    path: PathBuf,
    data: u64,
    entries: BTreeMap<String, Entry>,
}

impl Safetensors {
    /// Opens a file and checks its header. Memory grows with the header, which is never longer
    /// than the file.
    ///
    /// # Errors
    /// [`LlmError::File`], [`LlmError::Header`], [`LlmError::BadTensor`].
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let io = |source| LlmError::File { path: path.to_path_buf(), source };
        let bad = |problem: String| LlmError::Header { path: path.to_path_buf(), problem };
        let mut file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        let mut length = [0; 8];
        if size < 8 {
            return Err(bad(format!("{size} bytes are too few for a header")));
        }
        file.read_exact(&mut length).map_err(io)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length > size - 8 {
            let problem = format!("a header of {length} bytes in a file of {size}");
            return Err(bad(problem));
        }
        let mut text = vec![0; length as usize];
        file.read_exact(&mut text).map_err(io)?;
        let data = 8 + length;
        let entries = header::parse(&text, size - data).map_err(|problem| match problem {
            HeaderProblem::Text(e) => bad(format!("not the JSON of a header: {e}")),
            HeaderProblem::Tensor(tensor, problem) => {
                LlmError::BadTensor { path: path.to_path_buf(), tensor, problem }
            }
        })?;
        let entries = entries.into_iter().map(|e| (e.name.clone(), e)).collect();
        Ok(Self { path: path.to_path_buf(), data, entries })
    }

    /// The names of the tensors, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    fn entry(&self, name: &str) -> Result<&Entry, LlmError> {
        let missing = || LlmError::MissingTensor { path: self.path.clone(), tensor: name.into() };
        self.entries.get(name).ok_or_else(missing)
    }
}

impl Weights for Safetensors {
    fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, LlmError> {
        Ok(self.entry(name)?.shape.clone())
    }

    fn load(&self, name: &str) -> Result<Tensor, LlmError> {
        let entry = self.entry(name)?;
        let io = |source| LlmError::File { path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(self.data + entry.start)).map_err(io)?;
        let mut bytes = vec![0; (entry.end - entry.start) as usize];
        // Fails when the file has become shorter since it was opened.
        file.read_exact(&mut bytes).map_err(io)?;
        Ok(Tensor::from_raw_buffer(&bytes, entry.dtype, &entry.shape, &Device::Cpu)?)
    }
}
