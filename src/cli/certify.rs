//! `bellman certify`: proofs of enclosures as files.

use super::output::say;
use super::proof::{Proof, report};
use super::source::{Loaded, Source};
use super::{CliError, End};
use bellman_distill::coq;
use certificate::certificate::Record;
use certificate::check;
use clap::Args;
use std::path::PathBuf;
use tabular::{Adjustments, RowPolicy};
use verify::{Case, Theory, certify, view};

/// Solve a model and write a certificate that encloses its fixed points
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman certify model.json --out model.cert
  bellman certify frozenlake.json --gamma 0.99 --p 0.8 --normalise --out lake.cert
  bellman check model.cert model.json
  bellman certify model.json --coq model.v && coqc -Q proofs/theories Bellman model.v")]
pub struct Certify {
    #[command(flatten)]
    source: Source,
    /// Where the certificate goes
    #[arg(long, value_name = "CERT", required_unless_present = "coq")]
    out: Option<PathBuf>,
    /// Where a Coq file goes that proves the same of a small model: compiling it is the check
    #[arg(long, value_name = "FILE.v")]
    coq: Option<PathBuf>,
    /// Accept rows whose exact sum is not one, normalise them and record it
    #[arg(long)]
    normalise: bool,
    /// Print what the certificate proves as one JSON object
    #[arg(long)]
    json: bool,
}

impl Certify {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        if let Some(path) = &self.coq {
            coq::check_name(path)?;
        }
        let policy = if self.normalise { RowPolicy::Normalise } else { RowPolicy::Exact };
        let Loaded { instance, adjustments, selection } = self.source.load(policy)?;
        let case = Case::<f64>::solve(&instance, selection, Theory::default())?;
        let mut certificate = certify(&case)?;
        if let Some(record) = record(&adjustments) {
            certificate = certificate.with_adjustments(record);
        }
        // Written only once both are known to exist.
        let theorems = match self.coq.as_deref() {
            Some(path) => Some((path, coq::emit(&certificate, &instance.mdp, &instance.name)?)),
            None => None,
        };
        if let Some(path) = &self.out {
            certificate.save(path)?;
            say!("wrote {}", path.display());
        }
        if let Some((path, text)) = theorems {
            coq::save(&text, path)?;
            say!("wrote {}; it is proved when Coq compiles it", path.display());
        }
        let verdict = check(&certificate, &view(&instance.mdp)?);
        let proof = Proof::new(&certificate, &instance.mdp, &adjustments, &verdict);
        report(&proof, self.json)?;
        Ok(proof.end(None))
    }
}

/// What the certificate keeps of the adjustments, if there is anything to keep.
fn record(adjustments: &Adjustments) -> Option<Record> {
    if adjustments.is_none() {
        return None;
    }
    // Numbers and nothing else: it is always an object.
    serde_json::to_value(adjustments).ok()?.as_object().cloned()
}
