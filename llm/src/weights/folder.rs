//! [`Folder`]: the safetensors of a Hugging Face folder, in one file or several.

use super::{Safetensors, Weights};
use crate::LlmError;
use candle_core::Tensor;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The tensors of `model.safetensors`, or of the files that `model.safetensors.index.json` names.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    files: Vec<Safetensors>,
    /// Which file holds a tensor.
    place: BTreeMap<String, usize>,
}

impl Folder {
    /// Opens the files of a folder and checks their headers.
    ///
    /// # Errors
    /// [`LlmError::File`] when neither is there; [`LlmError::Header`] when the index is no index
    /// or names a file outside the folder; [`LlmError::MissingTensor`] when a file lacks a tensor
    /// that the index says it has; those of [`Safetensors::open`].
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let index = path.join("model.safetensors.index.json");
        if !index.is_file() {
            let file = Safetensors::open(&path.join("model.safetensors"))?;
            let place = file.names().map(|name| (name.to_owned(), 0)).collect();
            return Ok(Self { path: path.to_path_buf(), files: vec![file], place });
        }
        let mut files: Vec<Safetensors> = Vec::new();
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut place = BTreeMap::new();
        for (tensor, name) in read_index(&index)? {
            let number = match numbers.get(&name) {
                Some(&number) => number,
                None => {
                    files.push(Safetensors::open(&path.join(&name))?);
                    numbers.insert(name, files.len() - 1);
                    files.len() - 1
                }
            };
            // Fails when the file does not hold what the index says.
            files[number].shape(&tensor)?;
            place.insert(tensor, number);
        }
        Ok(Self { path: path.to_path_buf(), files, place })
    }

    fn file(&self, name: &str) -> Result<&Safetensors, LlmError> {
        match self.place.get(name) {
            Some(&number) => Ok(&self.files[number]),
            None => Err(LlmError::MissingTensor { path: self.path.clone(), tensor: name.into() }),
        }
    }
}

/// Which file an index gives for each tensor; only plain names, which stay in the folder.
pub(crate) fn read_index(path: &Path) -> Result<Vec<(String, String)>, LlmError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| LlmError::File { path: path.to_path_buf(), source })?;
    let bad = |problem: String| LlmError::Header { path: path.to_path_buf(), problem };
    let index: Value = serde_json::from_str(&text).map_err(|e| bad(format!("not JSON: {e}")))?;
    let Some(map) = index.get("weight_map").and_then(Value::as_object) else {
        return Err(bad("weight_map is missing".into()));
    };
    let entry = |(tensor, file): (&String, &Value)| {
        let plain = file.as_str().filter(|name| {
            let mut parts = Path::new(name).components();
            matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none()
        });
        match plain {
            Some(file) => Ok((tensor.clone(), file.to_owned())),
            None => Err(bad(format!("the file of {tensor:?} is {file}, not a plain file name"))),
        }
    };
    map.iter().map(entry).collect()
}

impl Weights for Folder {
    fn contains(&self, name: &str) -> bool {
        self.place.contains_key(name)
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, LlmError> {
        self.file(name)?.shape(name)
    }

    fn load(&self, name: &str) -> Result<Tensor, LlmError> {
        self.file(name)?.load(name)
    }
}
