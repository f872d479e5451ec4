//! `bellman replay`: whether a counterexample still is one.

use super::output::say;
use super::source::{Loaded, Parameters};
use super::{CliError, End};
use clap::Args;
use std::path::{Path, PathBuf};
use tabular::RowPolicy;
use verify::{Replay, Verdict};

/// Check a counterexample file again; exit code 1 when it still fails
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman replay counterexamples/main-bound-0-17.json")]
pub struct ReplayFile {
    /// A file that `bellman verify` wrote
    file: PathBuf,
}

impl ReplayFile {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let replay = found_by(&self.file)?;
        let parameters = Parameters {
            gamma: None,
            p: None,
            // Sets that lie in the file are the ones it is about; otherwise `replay` has the rule.
            sets: None,
            rewards: None,
            temperature: None,
        };
        let Loaded { instance, .. } = parameters.load(&self.file, RowPolicy::Exact)?;
        let finding = replay.run(&instance);
        let name = replay.proposition.name;
        say!("{name}: {}", replay.proposition.statement);
        if let Some(mutation) = replay.theory.mutation {
            say!("with the mistake {mutation} put into the operators, as the file says");
        }
        Ok(match &finding.verdict {
            Verdict::Refuted(witness) | Verdict::Violated(witness) => {
                say!("still fails: {witness}");
                End::No
            }
            Verdict::Undecided(witness) => {
                say!("undecided: {}", witness.doubt());
                End::Fine
            }
            Verdict::Outside(hypothesis) => {
                say!("not checked, for it supposes that {hypothesis}");
                End::Fine
            }
            Verdict::Proved | Verdict::Held => {
                say!("no longer fails");
                End::Fine
            }
        })
    }
}

fn found_by(file: &Path) -> Result<Replay, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| tabular::formats::FormatError::Read { path: file.into(), source })?;
    let unusable = |what: String| {
        CliError::argument(
            format!("{}: {what}", file.display()),
            "`bellman verify` writes counterexamples that can be replayed; to check a model, use `bellman verify --file`",
        )
    };
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| unusable(format!("not JSON: {e}")))?;
    let found_by =
        value.get("found_by").ok_or_else(|| unusable("there is no member `found_by`".into()))?;
    Replay::from_json(found_by).map_err(unusable)
}
