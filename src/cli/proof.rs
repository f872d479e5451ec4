//! [`Proof`]: what checking a certificate found, as `certify` and `check` print it.

use super::output::{print_json, say};
use super::{CliError, End};
use certificate::{Certificate, Checked, Decision, Verdict};
use clap::ValueEnum;
use rounding::Enclosure;
use serde::Serialize;
use tabular::{Adjustments, Mdp};

/// What an accepted certificate proves, in a few numbers.
#[derive(Debug, Serialize)]
pub struct Proof {
    accepted: bool,
    refusal: Option<String>,
    model_hash: String,
    gamma: f64,
    p: f64,
    normalised: bool,
    adjustments: Option<Adjustments>,
    #[serde(skip)]
    recorded: bool,
    width: Option<f64>,
    restricted_width: Option<f64>,
    gap_projected_policy: Option<[f64; 2]>,
    gap_optimal: Option<[f64; 2]>,
    kappa: Option<[f64; 2]>,
    mass_proved: Option<usize>,
    mass_undecided: Option<usize>,
    mass_refuted: Option<usize>,
    nucleus_proved: Option<usize>,
    nucleus_undecided: Option<usize>,
    nucleus_refuted: Option<usize>,
    states: usize,
}

fn ends(enclosure: Enclosure) -> [f64; 2] {
    [enclosure.lo(), enclosure.hi()]
}

/// What has to be decided under `--strict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strict {
    /// Mass and nucleus of every set
    All,
    /// Whether every set carries mass p, which is what the bounds rest on
    Mass,
}

/// Prints what was found, for a program or for people.
pub fn report(proof: &Proof, json: bool) -> Result<(), CliError> {
    if json {
        print_json(proof)?;
    } else {
        proof.print();
    }
    if proof.accepted && !proof.is_bounded() {
        say!(
            "warning: an enclosure has no bound, so that nothing is proved of its value; scale \
             rewards down, or lower the discount"
        );
    }
    Ok(())
}

impl Proof {
    /// What a verdict says about a certificate whose model was read with these adjustments.
    pub fn new(
        certificate: &Certificate,
        mdp: &Mdp,
        adjustments: &Adjustments,
        verdict: &Verdict,
    ) -> Self {
        let proof = match verdict {
            Verdict::Accepted(facts) => Self::accepted(certificate, facts),
            Verdict::Refused(reason) => {
                Self::refused(certificate, reason.to_string(), mdp.states())
            }
        };
        let normalised = adjustments.normalised_rows > 0;
        let adjustments = (!adjustments.is_none()).then(|| adjustments.clone());
        Self { normalised, adjustments, ..proof }
    }

    fn refused(certificate: &Certificate, reason: String, states: usize) -> Self {
        Self {
            accepted: false,
            refusal: Some(reason),
            model_hash: certificate.model_hash.to_string(),
            gamma: certificate.gamma,
            p: certificate.p,
            normalised: false,
            adjustments: None,
            recorded: certificate.adjustments.is_some(),
            width: None,
            restricted_width: None,
            gap_projected_policy: None,
            gap_optimal: None,
            kappa: None,
            mass_proved: None,
            mass_undecided: None,
            mass_refuted: None,
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
            mass_undecided: count(&|f| f.mass_at_least_p == Decision::Undecided),
            mass_refuted: count(&|f| f.mass_at_least_p == Decision::Refuted),
            nucleus_proved: count(&|f| f.nucleus == Decision::Proved),
            nucleus_undecided: count(&|f| f.nucleus == Decision::Undecided),
            nucleus_refuted: count(&|f| f.nucleus == Decision::Refuted),
            ..Self::refused(certificate, String::new(), facts.v_star.len())
        }
    }

    /// How the command ends; `strict` asks for decisions.
    pub fn end(&self, strict: Option<Strict>) -> End {
        let Some(strict) = strict.filter(|_| self.accepted) else {
            return if self.accepted { End::Fine } else { End::No };
        };
        let count = |mass: Option<usize>, nucleus: Option<usize>| match strict {
            Strict::All => Some(mass? + nucleus?),
            Strict::Mass => mass,
        };
        let refuted = count(self.mass_refuted, self.nucleus_refuted);
        let undecided = count(self.mass_undecided, self.nucleus_undecided);
        match (refuted, undecided) {
            (Some(1..), _) => End::No,
            (Some(0), Some(0)) if self.is_bounded() => End::Fine,
            // A certificate without sets leaves open what is asked of them.
            _ => End::Undecided,
        }
    }

    /// Whether every enclosure has both ends.
    fn is_bounded(&self) -> bool {
        let finite = |width: Option<f64>| width.is_none_or(f64::is_finite);
        finite(self.width) && finite(self.restricted_width)
    }

    fn print(&self) {
        say!("model {}, γ = {}, p = {}", self.model_hash, self.gamma, self.p);
        if let Some(reason) = &self.refusal {
            say!("REFUSED: {reason}");
            return;
        }
        say!("accepted");
        let width = |w: Option<f64>| w.map_or("–".into(), |w| format!("{w:.3e}"));
        let interval =
            |e: Option<[f64; 2]>| e.map_or("–".into(), |[lo, hi]| format!("[{lo:?}, {hi:?}]"));
        say!("certified width of V*           {}", width(self.width));
        say!("certified width of V̄            {}", width(self.restricted_width));
        say!("gap of the projected teacher    {}", interval(self.gap_projected_policy));
        say!("gap of the top-p optimum        {}", interval(self.gap_optimal));
        say!("κ(p)                            {}", interval(self.kappa));
        let states = self.states;
        let counted = |what: &str, counts: [Option<usize>; 3]| {
            if let [Some(proved), Some(open), Some(no)] = counts {
                say!("{what} {proved} of {states} states ({open} undecided, {no} refuted)");
            }
        };
        let mass = [self.mass_proved, self.mass_undecided, self.mass_refuted];
        counted("sets with mass ≥ p proved      ", mass);
        let nucleus = [self.nucleus_proved, self.nucleus_undecided, self.nucleus_refuted];
        counted("sets proved to be the nucleus  ", nucleus);
        self.print_adjustments();
    }

    fn print_adjustments(&self) {
        let changed = self.adjustments.as_ref().is_some_and(Adjustments::changes_numbers);
        let what = match self.normalised {
            true => "the input was normalised",
            false if changed => "the numbers of the input were changed",
            false => return,
        };
        let recorded = if self.recorded { "records how" } else { "has no record of it" };
        say!("{what}; the certificate {recorded}");
    }
}
