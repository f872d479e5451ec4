//! `bellman certify` and `bellman check`: proofs of enclosures as files.

use super::output::print_json;
use super::source::{Loaded, Source};
use super::{CliError, End};
use bellman_distill::coq;
use certificate::{Certificate, Checked, Decision, Verdict, check};
use clap::Args;
use rounding::Enclosure;
use serde::Serialize;
use std::path::PathBuf;
use tabular::RowPolicy;
use tabular::formats::{ReadOptions, read};
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

/// Check a certificate against its model; exit code 1 when it is refused
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman check model.cert model.json
  bellman check model.cert model.json --json")]
pub struct Check {
    /// The certificate
    cert: PathBuf,
    /// The model that it is about, in any format
    file: PathBuf,
    /// The reward model of a DRN file that has several
    #[arg(long, value_name = "NAME")]
    rewards: Option<String>,
    /// The temperature that the certificate was made at
    #[arg(long, value_name = "T")]
    temperature: Option<f64>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// What an accepted certificate proves, in a few numbers.
#[derive(Debug, Serialize)]
struct Proof {
    accepted: bool,
    refusal: Option<String>,
    model_hash: String,
    gamma: f64,
    p: f64,
    normalised: bool,
    width: Option<f64>,
    restricted_width: Option<f64>,
    gap_projected_policy: Option<[f64; 2]>,
    gap_optimal: Option<[f64; 2]>,
    kappa: Option<[f64; 2]>,
    mass_proved: Option<usize>,
    nucleus_proved: Option<usize>,
    nucleus_undecided: Option<usize>,
    nucleus_refuted: Option<usize>,
    states: usize,
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
        if !adjustments.is_none() {
            let record = serde_json::to_value(&adjustments).map_err(|e| CliError::Write {
                path: self.source.file.clone(),
                source: e.into(),
            })?;
            certificate = certificate.with_adjustments(record);
        }
        // Written only once both are known to exist.
        let proof = match self.coq.as_deref() {
            Some(path) => Some((path, coq::emit(&certificate, &instance.mdp, &instance.name)?)),
            None => None,
        };
        if let Some(path) = &self.out {
            certificate.save(path)?;
            eprintln!("wrote {}", path.display());
        }
        if let Some((path, text)) = proof {
            coq::save(&text, path)
                .map_err(|source| CliError::Write { path: path.to_owned(), source })?;
            eprintln!("wrote {}; it is proved when Coq compiles it", path.display());
        }
        report(&certificate, &instance.mdp, self.json)
    }
}

impl Check {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let certificate = Certificate::load(&self.cert)?;
        // The hash is of the model after normalisation, so a recorded one is done again.
        let normalised = certificate.adjustments.is_some();
        let policy = if normalised { RowPolicy::Normalise } else { RowPolicy::Exact };
        let model = read(&self.file, &ReadOptions { policy, rewards: self.rewards })?;
        let mdp = match self.temperature {
            Some(temperature) => model.mdp.at_temperature(temperature)?.0,
            None => model.mdp,
        };
        report(&certificate, &mdp, self.json)
    }
}

/// Checks the certificate and says what it proves.
fn report(certificate: &Certificate, mdp: &tabular::Mdp, json: bool) -> Result<End, CliError> {
    let verdict = check(certificate, &view(mdp)?);
    let proof = match &verdict {
        Verdict::Accepted(facts) => Proof::accepted(certificate, facts),
        Verdict::Refused(reason) => Proof::refused(certificate, reason.to_string(), mdp.states()),
    };
    if json {
        print_json(&proof)?;
    } else {
        proof.print();
    }
    Ok(if proof.accepted { End::Fine } else { End::No })
}

fn ends(enclosure: Enclosure) -> [f64; 2] {
    [enclosure.lo(), enclosure.hi()]
}

impl Proof {
    fn refused(certificate: &Certificate, reason: String, states: usize) -> Self {
        Self {
            accepted: false,
            refusal: Some(reason),
            model_hash: certificate.model_hash.to_string(),
            gamma: certificate.gamma,
            p: certificate.p,
            normalised: certificate.adjustments.is_some(),
            width: None,
            restricted_width: None,
            gap_projected_policy: None,
            gap_optimal: None,
            kappa: None,
            mass_proved: None,
            nucleus_proved: None,
            nucleus_undecided: None,
            nucleus_refuted: None,
            states,
        }
    }

    fn accepted(certificate: &Certificate, facts: &Checked) -> Self {
        let sets = facts.restricted.as_ref();
        let count = |holds: &dyn Fn(&certificate::SetFacts) -> bool| {
            sets.map(|s| s.states.iter().filter(|f| holds(f)).count())
        };
        Self {
            accepted: true,
            refusal: None,
            width: Some(facts.width),
            restricted_width: sets.map(|s| s.width),
            gap_projected_policy: sets.map(|s| ends(s.gap_projected)),
            gap_optimal: sets.map(|s| ends(s.gap_top_p)),
            kappa: sets.and_then(|s| s.kappa).map(ends),
            mass_proved: count(&|f| f.mass_at_least_p == Decision::Proved),
            nucleus_proved: count(&|f| f.nucleus == Decision::Proved),
            nucleus_undecided: count(&|f| f.nucleus == Decision::Undecided),
            nucleus_refuted: count(&|f| f.nucleus == Decision::Refuted),
            ..Self::refused(certificate, String::new(), facts.v_star.len())
        }
    }

    fn print(&self) {
        eprintln!("model {}, γ = {}, p = {}", self.model_hash, self.gamma, self.p);
        if let Some(reason) = &self.refusal {
            eprintln!("REFUSED: {reason}");
            return;
        }
        eprintln!("accepted");
        let width = |w: Option<f64>| w.map_or("–".into(), |w| format!("{w:.3e}"));
        let interval =
            |e: Option<[f64; 2]>| e.map_or("–".into(), |[lo, hi]| format!("[{lo:?}, {hi:?}]"));
        eprintln!("certified width of V*           {}", width(self.width));
        eprintln!("certified width of V̄            {}", width(self.restricted_width));
        eprintln!("gap of the projected teacher    {}", interval(self.gap_projected_policy));
        eprintln!("gap of the top-p optimum        {}", interval(self.gap_optimal));
        eprintln!("κ(p)                            {}", interval(self.kappa));
        if let (Some(mass), Some(nucleus), Some(open), Some(no)) =
            (self.mass_proved, self.nucleus_proved, self.nucleus_undecided, self.nucleus_refuted)
        {
            let states = self.states;
            eprintln!("sets with mass ≥ p proved       {mass} of {states} states");
            eprintln!(
                "sets proved to be the nucleus   {nucleus} of {states} states ({open} undecided, {no} refuted)"
            );
        }
        if self.normalised {
            eprintln!("the input was normalised; the certificate records how");
        }
    }
}
