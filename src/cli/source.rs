//! The model that a command works on: a file and the parameters beside it.

use super::CliError;
use super::output::say;
use clap::Args;
use operators::{Discount, Selection, TopP};
use std::path::{Path, PathBuf};
use tabular::formats::{ModelFile, ReadOptions, read};
use tabular::{Adjustments, Instance, Mdp, RowPolicy};
use verify::Sets;

/// A model file with γ and p.
#[derive(Debug, Args)]
pub struct Source {
    /// The model: JSON, a Gymnasium table, .drn (Storm), .tra (PRISM explicit) or .mdp (Cassandra)
    pub file: PathBuf,
    #[command(flatten)]
    pub parameters: Parameters,
}

/// What may stand beside a model file.
#[derive(Debug, Args)]
pub struct Parameters {
    /// The discount γ [default: the file's]
    #[arg(long, allow_negative_numbers = true)]
    pub gamma: Option<f64>,
    /// The mass p of the candidate sets [default: the file's]
    #[arg(long, allow_negative_numbers = true)]
    pub p: Option<f64>,
    /// Candidate sets: top-p, top-k:K or min-p:F [default: the file's own, or else top-p]
    #[arg(long, value_name = "RULE")]
    pub sets: Option<Sets>,
    /// The reward model of a DRN file that has several
    #[arg(long, value_name = "NAME")]
    pub rewards: Option<String>,
    /// Divide rewards by this temperature; results are then in units of it
    #[arg(long, allow_negative_numbers = true, value_name = "T")]
    pub temperature: Option<f64>,
}

/// A model that was read, and what was changed on the way.
pub struct Loaded {
    /// The model with γ and p.
    pub instance: Instance,
    /// What was changed.
    pub adjustments: Adjustments,
    /// How candidate sets are chosen, unless the instance has its own.
    pub selection: Selection,
}

impl Source {
    /// Reads the file.
    pub fn load(&self, policy: RowPolicy) -> Result<Loaded, CliError> {
        self.parameters.load(&self.file, policy)
    }
}

impl Parameters {
    /// Reads `file`, takes γ, p and candidate sets from the flags or from it, and says on standard
    /// error what was changed.
    pub fn load(&self, file: &Path, policy: RowPolicy) -> Result<Loaded, CliError> {
        let options = ReadOptions { policy, rewards: self.rewards.clone() };
        let ModelFile { name, mdp, gamma, p, sets, adjustments, .. } =
            read_at(file, &options, self.temperature)?;
        let gamma = self.gamma.map(Discount::new).transpose()?.or(gamma);
        let gamma = gamma.ok_or_else(|| missing(file, "γ", "--gamma 0.99"))?;
        let p = self.p.map(TopP::new).transpose()?.or(p);
        let p = p.ok_or_else(|| missing(file, "p", "--p 0.8"))?;
        check_end(&file.display().to_string(), &mdp, gamma)?;
        // A rule that is asked for takes the place of the file's own sets.
        let sets = sets.filter(|_| self.sets.is_none());
        let instance = Instance { name, mdp, gamma, p, sets };
        let selection = self.sets.unwrap_or(Sets::TopP).selection(&instance);
        Ok(Loaded { instance, adjustments, selection })
    }
}

/// Refuses γ = 1 for a model that may never end.
pub fn check_end(what: &str, mdp: &Mdp, gamma: Discount) -> Result<(), CliError> {
    if gamma.is_contracting() || mdp.horizon().is_some() {
        return Ok(());
    }
    Err(CliError::argument(
        format!(
            "{what}: γ = 1 needs a model that certainly ends, and this one has a path that never does"
        ),
        "give a discount below one, for example `--gamma 0.99`",
    ))
}

/// Reads a model, divides its rewards by the temperature if there is one, and says on standard
/// error what was changed.
pub fn read_at(
    file: &Path,
    options: &ReadOptions,
    temperature: Option<f64>,
) -> Result<ModelFile, CliError> {
    let mut model = read(file, options)?;
    if let Some(temperature) = temperature {
        let (scaled, rounded) = model.mdp.at_temperature(temperature)?;
        if rounded > 0 && options.policy == RowPolicy::Exact {
            return Err(CliError::argument(
                format!("dividing by the temperature {temperature} rounds {rounded} rewards"),
                "choose a power of two, or pass `--normalise` to accept and record it",
            ));
        }
        model.mdp = scaled;
        model.adjustments.temperature = Some((temperature, rounded));
    }
    if !model.adjustments.is_none() {
        say!("{}: {}", file.display(), model.adjustments);
    }
    Ok(model)
}

fn missing(file: &Path, what: &str, example: &str) -> CliError {
    CliError::argument(
        format!("{} does not give {what}", file.display()),
        format!("pass it, for example `{example}`"),
    )
}
