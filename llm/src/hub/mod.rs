//! Models by their name on the Hugging Face hub, fetched once into the usual cache.
//!
//! | variable | what it says |
//! |---|---|
//! | `HF_HOME` | the cache is the folder `hub` in it; `~/.cache/huggingface` without it |
//! | `HF_HUB_CACHE` | the cache itself |
//! | `HF_ENDPOINT` | the server; `https://huggingface.co` without it |
//! | `HF_HUB_OFFLINE` | `1`: nothing is fetched |
//! | `HF_TOKEN` | for models that ask for one; else the file `token` in `HF_HOME` |

mod name;
mod remote;

use crate::LlmError;
use crate::weights::read_index;
use hf_hub::api::sync::{ApiBuilder, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};
use name::HubName;
use remote::Remote;
use std::env::var;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// The files of a model that are fetched where they exist, before its weights.
const SIDE_FILES: [&str; 4] =
    ["generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
const CONFIG: &str = "config.json";
const INDEX: &str = "model.safetensors.index.json";
const WEIGHTS: &str = "model.safetensors";

/// Why a file cannot be had from the hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HubProblem {
    /// Fetching is switched off.
    #[error("it is not in the cache, and HF_HUB_OFFLINE forbids to fetch it")]
    Offline,
    /// No answer.
    #[error(
        "the server cannot be reached ({0}); check the network and HF_ENDPOINT, or give the path of a \
         folder"
    )]
    Unreachable(String),
    /// The server has no such file.
    #[error("the server has no such file; check the name")]
    NotFound,
    /// The server refuses.
    #[error("the server answers with status {0}; a model with conditions needs HF_TOKEN")]
    Status(u16),
    /// One redirect after the other.
    #[error("the server redirects without end")]
    Redirects,
    /// A header that says nothing usable.
    #[error("the header {0:?} of the answer is missing or unusable: is this a hub?")]
    Header(&'static str),
    /// The download ended early.
    #[error("the download broke off ({0}); run the command again to go on")]
    Download(String),
    /// What came is no whole file.
    #[error("{found} bytes came in place of {expected}; run the command again")]
    Size {
        /// How many bytes came.
        found: u64,
        /// How many were promised.
        expected: u64,
    },
    /// The model changed on the server between two files.
    #[error("the model changed while it was fetched; run the command again")]
    Changed,
}

/// The folder or file of a model that is named by a path or by its name on the hub: `owner/name`,
/// `owner/name@revision`, or `owner/name/file.gguf`.
///
/// What exists on disk is taken as it is. What is whole in the cache is taken from there without
/// asking the server; a branch that has moved since is fetched by its new commit, or after the
/// cache has been emptied. [`crate::Checkpoint::open`] reads the result.
///
/// # Errors
/// [`LlmError::NoModel`] when it is neither a path nor a name; [`LlmError::Hub`] when a file of the
/// model is neither in the cache nor to be had; [`LlmError::Header`] when the index of the weights
/// names files outside the model.
pub fn resolve(model: &str) -> Result<PathBuf, LlmError> {
    let path = Path::new(model);
    if path.exists() {
        return Ok(path.to_path_buf());
    }
    let no_model = || LlmError::NoModel { model: model.into() };
    let name = HubName::parse(model).ok_or_else(no_model)?;
    let cache = cache_folder().map(Cache::new).ok_or_else(no_model)?;
    match cached(&cache, &name)? {
        Some(found) => Ok(found),
        None => Fetch::new(model, &name, cache).run(&name),
    }
}

fn cache_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HF_HOME").or_else(|| Some(std::env::home_dir()?.join(".cache/huggingface")));
    set("HF_HUB_CACHE").or_else(|| Some(home()?.join("hub")))
}

fn offline() -> bool {
    let value = var("HF_HUB_OFFLINE").unwrap_or_default().to_lowercase();
    ["1", "true", "yes", "on"].contains(&value.as_str())
}

/// The model in the cache, if all of it is there.
fn cached(cache: &Cache, name: &HubName) -> Result<Option<PathBuf>, LlmError> {
    let repo = Repo::model(name.repository.clone());
    let folder = cache.path().join(repo.folder_name());
    let named = std::fs::read_to_string(folder.join("refs").join(&name.revision));
    let commit = named.map_or_else(|_| name.revision.clone(), |commit| commit.trim().to_owned());
    if !name::is_plain(&commit) {
        return Ok(None);
    }
    let snapshot = folder.join("snapshots").join(commit);
    let has = |file: &str| snapshot.join(file).is_file();
    if let Some(file) = &name.file {
        return Ok(has(file).then(|| snapshot.join(file)));
    }
    let weights = if has(INDEX) {
        read_index(&snapshot.join(INDEX))?.iter().all(|(_, file)| has(file))
    } else {
        has(WEIGHTS)
    };
    Ok((weights && has(CONFIG)).then_some(snapshot))
}

/// One model on its way into the cache.
struct Fetch<'a> {
    model: &'a str,
    remote: Remote,
    builder: ApiBuilder,
    /// The cache, by the revision that was asked for.
    wanted: (Cache, Repo),
}

impl<'a> Fetch<'a> {
    fn new(model: &'a str, name: &HubName, cache: Cache) -> Self {
        let set = |name| var(name).ok().filter(|value| !value.trim().is_empty());
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let token = set("HF_TOKEN").or_else(|| cache.token());
        let builder = ApiBuilder::from_cache(cache.clone())
            .with_endpoint(endpoint.clone())
            .with_token(token.clone())
            .with_progress(std::io::stderr().is_terminal());
        let (repository, revision) = (name.repository.clone(), name.revision.clone());
        let repo = Repo::with_revision(repository, RepoType::Model, revision);
        Self { model, remote: Remote::new(endpoint, token), builder, wanted: (cache, repo) }
    }

    /// Fetches what is needed; weights last, so that a model with weights has the rest too.
    fn run(self, name: &HubName) -> Result<PathBuf, LlmError> {
        let first = name.file.as_deref().unwrap_or(CONFIG);
        let api = self.builder.build();
        let api = api.map_err(|e| {
            let problem = HubProblem::Download(e.to_string());
            LlmError::Hub { model: self.model.into(), url: first.into(), problem }
        })?;
        let (cache, wanted) = self.wanted;
        let files =
            Files { model: self.model, remote: self.remote, repo: api.repo(wanted.clone()) };
        let commit = files.commit(first)?;
        let folder = cache.repo(wanted.clone()).pointer_path(&commit);
        // All files by one commit, so that they belong together and lie in one folder.
        let pinned = Repo::with_revision(name.repository.clone(), RepoType::Model, commit.clone());
        let files = Files { repo: api.repo(pinned), ..files };
        files.need(first, &folder)?;
        if name.file.is_none() {
            files.rest(&folder)?;
        }
        let failed = |source| LlmError::Write { path: cache.path().clone(), source };
        cache.repo(wanted).create_ref(&commit).map_err(failed)?;
        Ok(if name.file.is_some() { folder.join(first) } else { folder })
    }
}

/// The files of one revision.
struct Files<'a> {
    model: &'a str,
    remote: Remote,
    repo: ApiRepo,
}

impl Files<'_> {
    fn error(&self, file: &str, problem: HubProblem) -> LlmError {
        LlmError::Hub { model: self.model.into(), url: self.repo.url(file), problem }
    }

    /// The commit of this revision, by a file that it must have.
    fn commit(&self, file: &str) -> Result<String, LlmError> {
        if offline() {
            return Err(self.error(file, HubProblem::Offline));
        }
        let found = self.remote.describe(&self.repo.url(file)).map_err(|e| self.error(file, e))?;
        Ok(found.ok_or_else(|| self.error(file, HubProblem::NotFound))?.commit)
    }

    fn rest(&self, folder: &Path) -> Result<(), LlmError> {
        for file in SIDE_FILES {
            self.fetch(file, folder)?;
        }
        if !self.fetch(INDEX, folder)? {
            return self.need(WEIGHTS, folder);
        }
        let mut shards: Vec<String> =
            read_index(&folder.join(INDEX))?.into_iter().map(|(_, file)| file).collect();
        shards.sort();
        shards.dedup();
        for shard in shards {
            if !name::is_plain(&shard) {
                return Err(self.error(&shard, HubProblem::NotFound));
            }
            self.need(&shard, folder)?;
        }
        Ok(())
    }

    fn need(&self, file: &str, folder: &Path) -> Result<(), LlmError> {
        if self.fetch(file, folder)? { Ok(()) } else { Err(self.error(file, HubProblem::NotFound)) }
    }

    /// Fetches a file that is not there yet; false when the server has none.
    fn fetch(&self, file: &str, folder: &Path) -> Result<bool, LlmError> {
        if folder.join(file).is_file() {
            return Ok(true);
        }
        self.download(file, folder).map_err(|problem| self.error(file, problem))
    }

    fn download(&self, file: &str, folder: &Path) -> Result<bool, HubProblem> {
        let Some(described) = self.remote.describe(&self.repo.url(file))? else {
            return Ok(false);
        };
        if !folder.ends_with(&described.commit) {
            return Err(HubProblem::Changed);
        }
        let broken = |e: &dyn std::fmt::Display| HubProblem::Download(e.to_string());
        let path = self.repo.download(file).map_err(|e| broken(&e))?;
        if path.parent() != Some(folder) {
            return Err(HubProblem::Changed);
        }
        let found = std::fs::metadata(&path).map_err(|e| broken(&e))?.len();
        if found != described.size {
            // Both the link and what it links to, or the next attempt would find them.
            for part in [path.canonicalize().ok(), Some(path)].into_iter().flatten() {
                std::fs::remove_file(part).map_err(|e| broken(&e))?;
            }
            return Err(HubProblem::Size { found, expected: described.size });
        }
        Ok(true)
    }
}
