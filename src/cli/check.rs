//! `bellman check`: whether a certificate holds for a model.

use super::output::say;
use super::proof::{Proof, Strict, report};
use super::source::read_at;
use super::{CliError, End};
use certificate::{Certificate, Refusal, Verdict, check};
use clap::Args;
use std::path::PathBuf;
use tabular::formats::{ModelFile, ReadOptions};
use tabular::{Adjustments, RowPolicy};
use verify::view;

/// Check a certificate against its model; exit code 1 when it is refused
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman check model.cert model.json
  bellman check model.cert model.json --strict=mass
  bellman check model.cert model.json --json")]
pub struct Check {
    /// The certificate
    cert: PathBuf,
    /// The model that it is about, in any format
    file: PathBuf,
    /// The reward model of a DRN file that has several
    #[arg(long, value_name = "NAME")]
    rewards: Option<String>,
    /// The temperature that the certificate was made at [default: the one that it records]
    #[arg(long, allow_negative_numbers = true, value_name = "T")]
    temperature: Option<f64>,
    /// Accept rows whose exact sum is not one though the certificate does not record them
    #[arg(long)]
    normalise: bool,
    /// Exit with 1 when a set is refuted and with 3 when one stays undecided: mass and nucleus
    /// (`all`), or the mass alone
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        hide_possible_values = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    strict: Option<Strict>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let certificate = Certificate::load(&self.cert)?;
        let record = self.record(&certificate)?;
        let model = self.read(&record)?;
        let verdict = match check(&certificate, &view(&model.mdp)?) {
            Verdict::Accepted(_) if contradicts(&record, &model.adjustments) => {
                Verdict::Refused(self.another_input(&record, &model.adjustments))
            }
            verdict => verdict,
        };
        let proof = Proof::new(&certificate, &model.mdp, &model.adjustments, &verdict);
        self.say_other_parameters(&certificate, &model);
        report(&proof, self.json)?;
        if matches!(verdict, Verdict::Refused(Refusal::Model { .. })) {
            say!("help: rewards depend on `--rewards` and `--temperature`; were they the same?");
        }
        Ok(proof.end(self.strict))
    }

    /// Says where γ and p are not those of the file: the certificate speaks about its own.
    fn say_other_parameters(&self, certificate: &Certificate, model: &ModelFile) {
        let of_file = [("γ", model.gamma.map(|g| g.get())), ("p", model.p.map(|p| p.get()))];
        for ((name, given), own) in of_file.into_iter().zip([certificate.gamma, certificate.p]) {
            if let Some(given) = given.filter(|&given| given != own) {
                let file = self.file.display();
                say!("{file} gives {name} = {given:?}; the certificate is about {name} = {own:?}");
            }
        }
    }

    /// What the certificate says was done to the input.
    fn record(&self, certificate: &Certificate) -> Result<Adjustments, CliError> {
        let Some(record) = &certificate.adjustments else { return Ok(Adjustments::default()) };
        serde_json::from_value(record.clone().into()).map_err(|e| {
            CliError::argument(
                format!("{}: `adjustments` is no record of changes: {e}", self.cert.display()),
                "`bellman certify` writes that record; set it to null to check without it",
            )
        })
    }

    /// Reads the model. What the certificate says was changed may be changed again: it is
    /// compared with what really was.
    fn read(&self, record: &Adjustments) -> Result<ModelFile, CliError> {
        let permitted = self.normalise || record.changes_numbers();
        let policy = if permitted { RowPolicy::Normalise } else { RowPolicy::Exact };
        let options = ReadOptions { policy, rewards: self.rewards.clone() };
        let recorded = record.temperature.map(|(temperature, _)| temperature);
        read_at(&self.file, &options, self.temperature.or(recorded))
    }

    fn another_input(&self, record: &Adjustments, found: &Adjustments) -> Refusal {
        let file = self.file.display();
        let reason = format!("its record of the input says: {record}; but reading {file}: {found}");
        Refusal::Unfit { reason }
    }
}

/// Whether a record of changed numbers is not what was changed. The rest of a record, such as
/// zeros that were dropped, is another way to write the same model.
fn contradicts(record: &Adjustments, found: &Adjustments) -> bool {
    record.changes_numbers() && record.of_numbers() != found.of_numbers()
}
