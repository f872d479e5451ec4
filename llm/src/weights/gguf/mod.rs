//! [`Gguf`]: the weights, the shape and the tokens of a model in one file of llama.cpp.

mod config;
mod header;
mod metadata;
mod names;
mod quantisation;
mod reader;

pub use metadata::GgufMetadata;

use super::{TensorProblem, Weights};
use crate::LlmError;
use crate::config::ModelConfig;
use candle_core::Tensor;
use header::{Entry, Header};
use names::Arrangement;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// An open GGUF file whose header has been checked. Tensors have the names, shapes and order of
/// numbers that they have in a Hugging Face folder; quantised ones are read in F32.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    metadata: GgufMetadata,
    config: ModelConfig,
    data: u64,
    entries: BTreeMap<String, (Entry, Arrangement)>,
}

impl Gguf {
    /// Opens a file of version 2 or 3 with a model of architecture llama, qwen2 or gpt2.
    ///
    /// # Errors
    /// [`LlmError::File`]; [`LlmError::Header`] for what is no such file; [`LlmError::Metadata`]
    /// and [`LlmError::Config`] for keys that describe no model that can be loaded;
    /// [`LlmError::BadTensor`] for a tensor that the file cannot hold, or that is no part of the
    /// model.
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let header = Header::read(path)?;
        let config = config::read(&header)?;
        let Header { metadata, entries, data } = header;
        let entry = |entry: Entry| match names::of(&entry.name, &config) {
            Some((name, arrangement)) => Ok((name, (entry, arrangement))),
            None => Err(LlmError::BadTensor {
                path: path.to_path_buf(),
                tensor: entry.name,
                problem: TensorProblem::NoPart,
            }),
        };
        let entries = entries.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_path_buf(), metadata, config, data, entries })
    }

    /// The keys and values.
    pub fn metadata(&self) -> &GgufMetadata {
        &self.metadata
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The names of the tensors, those of Hugging Face, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    fn entry(&self, name: &str) -> Result<&(Entry, Arrangement), LlmError> {
        let missing = || LlmError::MissingTensor { path: self.path.clone(), tensor: name.into() };
        self.entries.get(name).ok_or_else(missing)
    }
}

impl Weights for Gguf {
    fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, LlmError> {
        let (entry, arrangement) = self.entry(name)?;
        let mut shape = entry.shape.clone();
        if *arrangement == Arrangement::Transposed {
            shape.reverse();
        }
        Ok(shape)
    }

    fn load(&self, name: &str) -> Result<Tensor, LlmError> {
        let (entry, arrangement) = self.entry(name)?;
        let io = |source| LlmError::File { path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(io)?;
        file.seek(SeekFrom::Start(self.data + entry.start)).map_err(io)?;
        let mut bytes = vec![0; (entry.end - entry.start) as usize];
        // Fails when the file has become shorter since it was opened.
        file.read_exact(&mut bytes).map_err(io)?;
        let tensor = quantisation::tensor(&bytes, entry.kind, &entry.shape)?;
        Ok(match arrangement {
            Arrangement::Same => tensor,
            Arrangement::Transposed => tensor.t()?.contiguous()?,
            Arrangement::Interlaced { heads } => separate(&tensor, *heads)?,
        })
    }
}

/// Rows (h, i, half) back to (h, half, i), as rotary positions pair them in Hugging Face.
///
/// Shapes: [rows, ..] → the same.
fn separate(tensor: &Tensor, heads: usize) -> candle_core::Result<Tensor> {
    let pairs = tensor.dim(0)? / heads / 2;
    let rest = tensor.elem_count() / (heads * pairs * 2).max(1);
    let separated = tensor.reshape((heads, pairs, 2, rest))?.transpose(1, 2)?;
    separated.contiguous()?.reshape(tensor.dims())
}
