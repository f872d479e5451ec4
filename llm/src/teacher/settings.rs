//! [`Settings`]: what a cache was made with, and what a reader [`Expected`].

use crate::LlmError;
use operators::TopP;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

/// The version of the format that this module writes and reads.
pub const FORMAT: u32 = 1;

/// What every name of the metadata starts with.
const PREFIX: &str = "bellman.";

/// The name of the hash of the file that prompts came from.
const SOURCE: &str = "source";

/// Whether sets may be short, in words.
const ALLOWED: &str = "allowed";
const REFUSED: &str = "refused";

/// Everything that a cache depends on. Two caches with equal settings are equal, byte for byte,
/// when one machine made them.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The hash of the teacher: [`super::hash_model`], or [`super::server::Server::hash`].
    pub weights: String,
    /// The hash of the tokenizer's content.
    pub tokenizer: String,
    /// The hash of the text of the template that made prompts of records, or the template's name.
    pub template: String,
    /// The hash of the prompts: [`super::hash_prompts`].
    pub prompts: String,
    /// The type that the teacher computed in; [`SERVED`] when a server does not say.
    pub dtype: String,
    /// The mass of the candidate sets.
    pub p: TopP,
    /// Responses per prompt.
    pub responses: u32,
    /// The temperature of sampling; 0 is greedy.
    pub temperature: f64,
    /// The mass of the set that was sampled from; 1 is the whole vocabulary.
    pub top_p: f64,
    /// Where a response is cut off.
    pub max_new_tokens: u64,
    /// How many responses were computed at once, on which roundings depend.
    pub batch: u64,
    /// The seed of sampling.
    pub seed: u64,
    /// Whether candidate sets may carry less than p, because a server has shown no more.
    pub short_sets: bool,
    /// The SHA-256 of the file that the prompts or texts came from, where that is known: what is
    /// trained on this cache is trained on that file. No reader relies on it.
    pub source: Option<String>,
}

/// What stands for the type of numbers of a teacher behind a server.
pub const SERVED: &str = "served";

impl Settings {
    /// Whether the teacher was behind a server, which shows neither its weights nor its type.
    pub fn served(&self) -> bool {
        self.dtype == SERVED
    }

    /// Names and values, as they stand in the metadata; doubles survive the round trip.
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        vec![
            ("weights", self.weights.clone()),
            ("tokenizer", self.tokenizer.clone()),
            ("template", self.template.clone()),
            ("prompts", self.prompts.clone()),
            ("dtype", self.dtype.clone()),
            ("p", self.p.get().to_string()),
            ("responses", self.responses.to_string()),
            ("temperature", self.temperature.to_string()),
            ("top_p", self.top_p.to_string()),
            ("max_new_tokens", self.max_new_tokens.to_string()),
            ("batch", self.batch.to_string()),
            ("seed", self.seed.to_string()),
            ("short_sets", if self.short_sets { ALLOWED } else { REFUSED }.into()),
        ]
    }

    /// The metadata of a file: the format's version and the entries, under their full names.
    pub(super) fn metadata(&self) -> Vec<(String, String)> {
        let format = ("format", FORMAT.to_string());
        let mut entries = self.entries();
        // Where it does not stand all sets reach p.
        entries.retain(|(name, value)| *name != "short_sets" || value == ALLOWED);
        entries.extend(self.source.clone().map(|source| (SOURCE, source)));
        let entries = std::iter::once(format).chain(entries);
        entries.map(|(name, value)| (format!("{PREFIX}{name}"), value)).collect()
    }

    /// The settings in the metadata of the file at `path`.
    pub(super) fn read(metadata: &BTreeMap<String, String>, path: &Path) -> Result<Self, LlmError> {
        let fields = Fields { metadata, path };
        let format: u32 = fields.parsed("format")?;
        if format != FORMAT {
            return Err(fields.mismatch("format", format.to_string(), FORMAT.to_string()));
        }
        let p = TopP::new(fields.parsed("p")?).map_err(|e| fields.bad(e.to_string()))?;
        Ok(Self {
            weights: fields.text("weights")?,
            tokenizer: fields.text("tokenizer")?,
            template: fields.text("template")?,
            prompts: fields.text("prompts")?,
            dtype: fields.text("dtype")?,
            p,
            responses: fields.parsed("responses")?,
            temperature: fields.parsed("temperature")?,
            top_p: fields.parsed("top_p")?,
            max_new_tokens: fields.parsed("max_new_tokens")?,
            batch: fields.parsed("batch")?,
            seed: fields.parsed("seed")?,
            short_sets: fields.short_sets()?,
            source: metadata.get(&format!("{PREFIX}{SOURCE}")).cloned(),
        })
    }
}

/// The metadata of a file, with its name for errors.
struct Fields<'a> {
    metadata: &'a BTreeMap<String, String>,
    path: &'a Path,
}

impl Fields<'_> {
    fn text(&self, name: &str) -> Result<String, LlmError> {
        let value = self.metadata.get(&format!("{PREFIX}{name}"));
        value.cloned().ok_or_else(|| self.bad(format!("there is no metadata {PREFIX}{name}")))
    }

    fn short_sets(&self) -> Result<bool, LlmError> {
        match self.metadata.get(&format!("{PREFIX}short_sets")).map(String::as_str) {
            None => Ok(false),
            Some(ALLOWED) => Ok(true),
            Some(other) => Err(self.bad(format!("{PREFIX}short_sets is {other:?}"))),
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, LlmError> {
        let value = self.text(name)?;
        value.parse().map_err(|e| self.bad(format!("{PREFIX}{name} is {value:?}: {e}")))
    }

    fn bad(&self, problem: String) -> LlmError {
        LlmError::Cache { path: self.path.to_path_buf(), problem }
    }

    fn mismatch(&self, setting: &'static str, found: String, expected: String) -> LlmError {
        LlmError::CacheMismatch { path: self.path.to_path_buf(), setting, found, expected }
    }
}

/// The settings that a reader relies on; a cache with others is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected(Vec<(&'static str, String)>);

impl Expected {
    /// None: any cache will do.
    pub fn anything() -> Self {
        Self::default()
    }

    /// All of them.
    pub fn all(settings: &Settings) -> Self {
        Self(settings.entries())
    }

    /// The hash of the teacher as well.
    pub fn weights(self, hash: &str) -> Self {
        self.and("weights", hash)
    }

    /// The hash of the tokenizer as well.
    pub fn tokenizer(self, hash: &str) -> Self {
        self.and("tokenizer", hash)
    }

    /// The template as well.
    pub fn template(self, template: &str) -> Self {
        self.and("template", template)
    }

    /// The hash of the prompts as well.
    pub fn prompts(self, hash: &str) -> Self {
        self.and("prompts", hash)
    }

    fn and(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, value.to_owned()));
        self
    }

    /// Whether a cache has these settings. Where short sets are allowed none need be there.
    pub(super) fn check(&self, settings: &Settings, path: &Path) -> Result<(), LlmError> {
        let found: BTreeMap<_, _> = settings.entries().into_iter().collect();
        for (setting, expected) in &self.0 {
            let found = found.get(setting).cloned().unwrap_or_default();
            let fewer = *setting == "short_sets" && expected == ALLOWED;
            if found != *expected && !fewer {
                let (path, expected) = (path.to_path_buf(), expected.clone());
                return Err(LlmError::CacheMismatch { path, setting, found, expected });
            }
        }
        Ok(())
    }
}
