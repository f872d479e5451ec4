//! [`Tokenizer`]: text to tokens and back.

use super::read_if_there;
use crate::LlmError;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use tokenizers::ModelWrapper;

/// Token ids stay below this; the largest known vocabulary has 262,144.
pub(super) const MOST_TOKENS: u32 = 1 << 24;

/// Text to tokens and back.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// One more than the largest number of a token.
    size: usize,
}

impl Tokenizer {
    /// Reads the `tokenizer.json` of a folder.
    ///
    /// # Errors
    /// [`LlmError::MissingFile`] when there is none, [`LlmError::File`] when it cannot be read,
    /// [`LlmError::Tokenizer`] when it is no tokenizer.
    pub fn open(folder: &Path) -> Result<Self, LlmError> {
        let path = folder.join("tokenizer.json");
        let missing = || LlmError::MissingFile {
            path: folder.to_path_buf(),
            file: "tokenizer.json",
            purpose: "text",
        };
        Self::parse(&read_if_there(&path)?.ok_or_else(missing)?, &path)
    }

    /// The tokenizer that the text of a `tokenizer.json` describes; `path` is for messages.
    ///
    /// # Errors
    /// [`LlmError::Tokenizer`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, LlmError> {
        let bad = |problem: String| LlmError::Tokenizer { path: path.to_path_buf(), problem };
        let content: Value = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        check_model(&content["model"]).map_err(bad)?;
        let inner: tokenizers::Tokenizer = text.parse().map_err(|e| bad(format!("{e}")))?;
        Self::new(inner).map_err(bad)
    }

    /// A tokenizer that neither cuts nor pads nor throws dice.
    pub(super) fn new(mut inner: tokenizers::Tokenizer) -> Result<Self, String> {
        inner.with_padding(None).with_truncation(None).map_err(|e| e.to_string())?;
        if let ModelWrapper::BPE(bpe) = inner.get_model()
            && bpe.dropout.is_some()
        {
            let mut certain = bpe.clone();
            certain.dropout = None;
            inner.with_model(certain);
        }
        match inner.get_vocab(true).into_iter().max_by_key(|&(_, id)| id) {
            None => Err("it has no tokens".into()),
            Some((token, id)) if id >= MOST_TOKENS => {
                Err(format!("token {token:?} has number {id}, beyond {MOST_TOKENS}"))
            }
            Some((_, id)) => Ok(Self { inner, size: id as usize + 1 }),
        }
    }

    /// The tokens of a text. Special tokens written out in it are recognised; none is added.
    ///
    /// A character that has no token is left out, as `transformers` does, unless a token stands
    /// for unknown ones. SmolLM2 has none for some control characters.
    ///
    /// # Errors
    /// [`LlmError::Untokenizable`] when the tokenizer contradicts itself on this text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, LlmError> {
        let encoding = self.inner.encode_fast(text, false).map_err(refused)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of tokens, special ones left out, and those that the tokenizer does not know.
    ///
    /// # Errors
    /// [`LlmError::Untokenizable`].
    pub fn decode(&self, ids: &[u32]) -> Result<String, LlmError> {
        self.inner.decode(ids, true).map_err(refused)
    }

    /// The text of one token, special or not; nothing when the tokenizer has no such token.
    ///
    /// A token may be a part of a character, which then reads `�`.
    pub fn token(&self, id: u32) -> Option<String> {
        let raw = self.inner.id_to_token(id)?;
        Some(self.inner.decode(&[id], false).unwrap_or(raw))
    }

    /// The number of a token by its content as `tokenizer.json` writes it, `<|im_end|>` or `Ġthe`.
    pub fn id(&self, content: &str) -> Option<u32> {
        self.inner.token_to_id(content)
    }

    /// One more than the largest number of a token: how many rows of an embedding can be tokens.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Every token by its number, as `tokenizer.json` writes it.
    pub fn vocabulary(&self) -> BTreeMap<u32, String> {
        self.inner.get_vocab(true).into_iter().map(|(token, id)| (id, token)).collect()
    }

    /// Writes a `tokenizer.json`.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn save(&self, path: &Path) -> Result<(), LlmError> {
        let failed = |source| LlmError::Write { path: path.to_path_buf(), source };
        let text = self.inner.to_string(true).map_err(|e| failed(std::io::Error::other(e)))?;
        std::fs::write(path, text).map_err(failed)
    }

    /// SHA-256 of the content in hexadecimal: vocabulary, merges and every rule.
    pub fn hash(&self) -> String {
        // Serialised in the order of ids and ranks, so the file's own order does not enter. It
        // was read from JSON or built from strings: nothing in it cannot be written.
        let content = self.inner.to_string(false).unwrap_or_default();
        Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn refused(e: tokenizers::Error) -> LlmError {
    LlmError::Untokenizable { problem: e.to_string() }
}

/// Refuses the models on which the library would panic: merges that make no token.
fn check_model(model: &Value) -> Result<(), String> {
    let (Some(vocabulary), Some(merges)) = (model["vocab"].as_object(), model["merges"].as_array())
    else {
        return Ok(());
    };
    let tokens: HashSet<&str> = vocabulary.keys().map(String::as_str).collect();
    let prefix = model["continuing_subword_prefix"].as_str().unwrap_or_default();
    for merge in merges {
        let pair = match merge {
            Value::String(both) => both.split_once(' '),
            Value::Array(both) => match both.as_slice() {
                [Value::String(left), Value::String(right)] => Some((&**left, &**right)),
                _ => None,
            },
            _ => None,
        };
        let (left, right) = pair.ok_or_else(|| format!("{merge} is no pair of tokens"))?;
        check_merge(&tokens, left, right, prefix)?;
    }
    Ok(())
}

/// Refuses a merge of tokens that are none, or into one.
pub(super) fn check_merge(
    tokens: &HashSet<&str>,
    left: &str,
    right: &str,
    prefix: &str,
) -> Result<(), String> {
    let unknown = |token: &str| format!("a merge of {left:?} and {right:?}: {token:?} is no token");
    for token in [left, right] {
        if !tokens.contains(token) {
            return Err(unknown(token));
        }
    }
    let merged = format!("{left}{}", right.strip_prefix(prefix).unwrap_or(right));
    if !tokens.contains(merged.as_str()) {
        return Err(unknown(&merged));
    }
    // The library cuts the prefix off by its length, whether it is there or not.
    if !right.starts_with(prefix) {
        return Err(format!("a merge of {left:?} and {right:?}: without the prefix {prefix:?}"));
    }
    Ok(())
}
