//! What a [`Checkpoint`] knows about text.

use super::{ByteLevel, ChatTemplate, Tokenizer, read_if_there};
use crate::weights::GgufMetadata;
use crate::{Checkpoint, LlmError};
use serde_json::Value;
use std::path::{Path, PathBuf};

impl Checkpoint {
    /// The tokenizer, from `tokenizer.json`, or rebuilt from the metadata of a GGUF file.
    ///
    /// # Errors
    /// Those of [`Tokenizer::open`] and of [`ByteLevel::tokenizer`].
    pub fn tokenizer(&self) -> Result<Tokenizer, LlmError> {
        let Some(metadata) = self.gguf() else { return Tokenizer::open(self.path()) };
        let text = |key| metadata.text(key).map(|text| text.unwrap_or_default().to_owned());
        let texts = |key| metadata.texts(key).map(|texts| texts.unwrap_or_default().to_vec());
        let byte_level = ByteLevel {
            model: text("tokenizer.ggml.model")?,
            pre: text("tokenizer.ggml.pre")?,
            tokens: texts("tokenizer.ggml.tokens")?,
            merges: texts("tokenizer.ggml.merges")?,
            token_types: metadata.integers("tokenizer.ggml.token_type")?.unwrap_or_default(),
        };
        byte_level.tokenizer(self.path())
    }

    /// The chat template, from `chat_template.jinja` or else `tokenizer_config.json`, or from the
    /// metadata of a GGUF file. Of several it is the one named `default`.
    ///
    /// # Errors
    /// [`LlmError::MissingFile`] when the model has none; [`LlmError::Config`] when
    /// `tokenizer_config.json` cannot be understood; [`LlmError::Template`].
    pub fn chat_template(&self) -> Result<ChatTemplate, LlmError> {
        let missing = LlmError::MissingFile {
            path: self.path().to_path_buf(),
            file: "chat template (chat_template.jinja, or chat_template in tokenizer_config.json)",
            purpose: "a conversation",
        };
        if let Some(metadata) = self.gguf() {
            let text = metadata.text("tokenizer.chat_template")?.ok_or(missing)?.to_owned();
            let token = |key| gguf_token(metadata, key);
            let begin = token("tokenizer.ggml.bos_token_id")?;
            return ChatTemplate::new(text, begin, token("tokenizer.ggml.eos_token_id")?);
        }
        let config = JsonFile::read(self.path().join("tokenizer_config.json"))?;
        let text = match read_if_there(&self.path().join("chat_template.jinja"))? {
            Some(text) => Some(text),
            None => config.template()?,
        };
        ChatTemplate::new(
            text.ok_or(missing)?,
            config.token("bos_token"),
            config.token("eos_token"),
        )
    }

    /// The tokens that end a response: those of `config.json` and of `generation_config.json`,
    /// ascending.
    ///
    /// # Errors
    /// [`LlmError::Config`] when `generation_config.json` cannot be understood.
    pub fn end_of_sequence(&self) -> Result<Vec<u32>, LlmError> {
        let mut ids = self.config().end_of_sequence.clone();
        if self.gguf().is_none() {
            let file = JsonFile::read(self.path().join("generation_config.json"))?;
            ids.extend(file.ids("eos_token_id")?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// The token that a response is trained to end with: the `eos_token` of
    /// `tokenizer_config.json`, or of the metadata of a GGUF file, where it is one of
    /// [`Checkpoint::end_of_sequence`]; otherwise the first of these. Chat models end turns with
    /// another token than texts, and generation stops at both.
    ///
    /// # Errors
    /// Those of [`Checkpoint::end_of_sequence`] and of [`end_token`].
    pub fn end_token(&self, tokenizer: &Tokenizer) -> Result<Option<u32>, LlmError> {
        let ends = self.end_of_sequence()?;
        let named = match self.gguf() {
            Some(metadata) => metadata.id("tokenizer.ggml.eos_token_id")?,
            None => end_token(self.path(), tokenizer)?,
        };
        Ok(named.filter(|id| ends.contains(id)).or(ends.first().copied()))
    }
}

/// The token that ends a response, as `eos_token` of the `tokenizer_config.json` of a folder names
/// it; nothing when it names none that the tokenizer knows.
///
/// # Errors
/// [`LlmError::Config`] when the file cannot be understood.
pub fn end_token(folder: &Path, tokenizer: &Tokenizer) -> Result<Option<u32>, LlmError> {
    let config = JsonFile::read(folder.join("tokenizer_config.json"))?;
    Ok(tokenizer.id(&config.token("eos_token")))
}

/// The text of the token that a key of a GGUF file names; empty when there is none.
fn gguf_token(metadata: &GgufMetadata, key: &str) -> Result<String, LlmError> {
    let tokens = metadata.texts("tokenizer.ggml.tokens")?.unwrap_or_default();
    let id = metadata.id(key)?;
    Ok(id.and_then(|id| tokens.get(id as usize)).cloned().unwrap_or_default())
}

/// A JSON object that may be missing, which is an empty one.
struct JsonFile {
    path: PathBuf,
    content: Value,
}

impl JsonFile {
    fn read(path: PathBuf) -> Result<Self, LlmError> {
        let content = match read_if_there(&path)? {
            None => Value::Null,
            Some(text) => {
                serde_json::from_str(&text).map_err(|e| bad(&path, format!("not JSON: {e}")))?
            }
        };
        Ok(Self { path, content })
    }

    /// `chat_template`: a text, or a list of named ones.
    fn template(&self) -> Result<Option<String>, LlmError> {
        match &self.content["chat_template"] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            Value::Array(named) => {
                let default = named.iter().find(|entry| entry["name"] == "default");
                let text = default.and_then(|entry| entry["template"].as_str());
                let none = || bad(&self.path, "no chat_template is named \"default\"".into());
                text.map(|text| Some(text.to_owned())).ok_or_else(none)
            }
            _ => Err(bad(
                &self.path,
                "chat_template is neither a text nor a list of named ones".into(),
            )),
        }
    }

    /// The text of a token, which may be written with its rules; empty when there is none.
    fn token(&self, name: &str) -> String {
        let token = &self.content[name];
        token.as_str().or_else(|| token["content"].as_str()).unwrap_or_default().to_owned()
    }

    /// A token id, or a list of them.
    fn ids(&self, name: &str) -> Result<Vec<u32>, LlmError> {
        let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
        let ids = match &self.content[name] {
            Value::Null => Some(Vec::new()),
            Value::Array(ids) => ids.iter().map(id).collect(),
            one => id(one).map(|id| vec![id]),
        };
        ids.ok_or_else(|| bad(&self.path, format!("{name} is no token id and no list of them")))
    }
}

fn bad(path: &Path, problem: String) -> LlmError {
    LlmError::Config { path: path.to_path_buf(), problem }
}
