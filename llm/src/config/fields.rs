//! The fields of a `config.json`, read with errors that name them.

use crate::LlmError;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// An object and the file it comes from.
pub(super) struct Fields {
    object: Map<String, Value>,
    path: PathBuf,
}

impl Fields {
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, LlmError> {
        let path = path.to_path_buf();
        match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Ok(Self { object, path }),
            Ok(_) => Err(LlmError::Config { path, problem: "not a JSON object".into() }),
            Err(e) => Err(LlmError::Config { path, problem: format!("not JSON: {e}") }),
        }
    }

    pub(super) fn problem(&self, problem: String) -> LlmError {
        LlmError::Config { path: self.path.clone(), problem }
    }

    /// A field; `null` counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.object.get(name).filter(|v| !v.is_null())
    }

    /// A field of an object within.
    pub(super) fn inner(&self, object: &str, name: &str) -> Option<&Value> {
        self.get(object)?.get(name).filter(|v| !v.is_null())
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        what: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, LlmError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(x) => Ok(Some(x)),
                None => Err(self.problem(format!("{name} is {value}, not {what}"))),
            },
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, LlmError> {
        self.typed(name, "a text", |v| v.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, LlmError> {
        Ok(self.typed(name, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, LlmError> {
        self.typed(name, "a number", Value::as_f64)
    }

    pub(super) fn size(&self, name: &str) -> Result<Option<usize>, LlmError> {
        self.typed(name, "a size", |v| v.as_u64().and_then(|n| usize::try_from(n).ok()))
    }

    pub(super) fn required(&self, name: &str) -> Result<usize, LlmError> {
        self.size(name)?.ok_or_else(|| self.problem(format!("{name} is missing")))
    }

    /// Fails when a switch is on that is not implemented.
    pub(super) fn refuse(&self, name: &str) -> Result<(), LlmError> {
        match self.flag(name, false)? {
            true => Err(self.problem(format!("{name} is not implemented"))),
            false => Ok(()),
        }
    }

    /// `eos_token_id`: a number, a list of them, or nothing.
    pub(super) fn end_of_sequence(&self) -> Result<Vec<u32>, LlmError> {
        let id = |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok());
        let ids = |v: &Value| match v {
            Value::Array(ids) => ids.iter().map(id).collect(),
            one => id(one).map(|i| vec![i]),
        };
        Ok(self.typed("eos_token_id", "a token id or a list of them", ids)?.unwrap_or_default())
    }
}
