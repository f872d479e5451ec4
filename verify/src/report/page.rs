//! [`Page`]: what a report says, before it is laid out.

use crate::{Failure, Mutation, Outcome, Plan, Sample, Tally};
use std::path::PathBuf;
use tabular::Instance;

/// Everything that a report shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The command line, word by word, that gives this page again.
    pub command: Vec<String>,
    /// The version of the program.
    pub version: String,
    /// The seed.
    pub seed: u64,
    /// Whether a yes is a theorem.
    pub rigorous: bool,
    /// How many instances were checked.
    pub mdps: u64,
    /// How many were planned.
    pub planned: u64,
    /// The mistake in the operators, if one was put in.
    pub mutation: Option<Mutation>,
    /// Further settings: what, and which.
    pub settings: Vec<(String, String)>,
    /// Models that were given, by name, with their figures; none in a campaign of random ones.
    pub models: Vec<(String, Sample)>,
    /// A line for each proposition.
    pub entries: Vec<Entry>,
    /// Failures, with the files that keep them.
    pub exhibits: Vec<Exhibit>,
    /// Undecided cases, the first of each proposition.
    pub doubts: Vec<Exhibit>,
    /// The figures behind plots and statistics.
    pub samples: Vec<Sample>,
}

/// A proposition with its counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name on the command line.
    pub name: String,
    /// The claim.
    pub statement: String,
    /// What it asks of an instance; empty when nothing.
    pub hypotheses: String,
    /// Where it comes from.
    pub source: String,
    /// The counts.
    pub tally: Tally,
}

/// A failure, and the file that keeps it; or an undecided case.
#[derive(Debug, Clone, PartialEq)]
pub struct Exhibit {
    /// The proposition.
    pub proposition: String,
    /// Where it fails or stays undecided.
    pub failure: Failure,
    /// The counterexample file for `bellman replay`, if one was written.
    pub file: Option<PathBuf>,
}

impl Page {
    /// The page of a campaign. `files` are the counterexample files: the i-th belongs to the
    /// first failure of the i-th proposition that failed.
    pub fn of(plan: &Plan, outcome: &Outcome, files: &[PathBuf]) -> Self {
        let pairs = || plan.propositions.iter().zip(&outcome.tallies);
        let entry = |(proposition, tally): (&crate::Proposition, &Tally)| Entry {
            name: proposition.name.to_string(),
            statement: proposition.statement.to_string(),
            hypotheses: proposition.hypotheses.to_string(),
            source: proposition.source.to_string(),
            tally: tally.clone(),
        };
        let mut files = files.iter().cloned();
        let mut exhibits = Vec::new();
        for (proposition, tally) in pairs() {
            for (number, failure) in tally.failures.iter().enumerate() {
                exhibits.push(Exhibit {
                    proposition: proposition.name.to_string(),
                    failure: failure.clone(),
                    file: if number == 0 { files.next() } else { None },
                });
            }
        }
        let doubt = |(proposition, failure): (&crate::Proposition, &Failure)| Exhibit {
            proposition: proposition.name.to_string(),
            failure: failure.clone(),
            file: None,
        };
        let doubts = pairs().flat_map(|(p, tally)| tally.doubts.iter().map(move |d| (p, d)));
        Self {
            doubts: doubts.map(doubt).collect(),
            command: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_string(),
            seed: plan.seed,
            rigorous: plan.rigorous,
            mdps: outcome.mdps,
            planned: plan.len(),
            mutation: plan.theory.mutation,
            settings: settings(plan),
            models: outcome.samples.iter().filter_map(|sample| model(plan, sample)).collect(),
            entries: pairs().map(entry).collect(),
            exhibits,
            samples: outcome.samples.clone(),
        }
    }

    /// The same page with the command line that led to it.
    #[must_use]
    pub fn with_command(mut self, words: impl IntoIterator<Item = String>) -> Self {
        self.command = words.into_iter().collect();
        self
    }
}

/// The name of a model, or the names of the first and the last of several.
fn listed(given: &[Instance]) -> String {
    match given {
        [first, .., last] => format!("{} to {}", first.name, last.name),
        one => one.iter().map(|instance| instance.name.as_str()).collect(),
    }
}

/// The figures of a given model, with its name.
fn model(plan: &Plan, sample: &Sample) -> Option<(String, Sample)> {
    let instance = plan.given.get(sample.index as usize)?;
    Some((instance.name.clone(), sample.clone()))
}

fn settings(plan: &Plan) -> Vec<(String, String)> {
    let families: Vec<_> = plan.families.iter().map(ToString::to_string).collect();
    let range = |r: &std::ops::RangeInclusive<usize>| format!("{} to {}", r.start(), r.end());
    let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_string());
    let settings = if let Some(instance) = plan.given.first() {
        let states: usize = plan.given.iter().map(|instance| instance.mdp.states()).sum();
        let own = if instance.sets.is_some() { "those of the model" } else { "top-p" };
        vec![
            ("Model", listed(&plan.given)),
            ("States", states.to_string()),
            ("Discount γ", instance.gamma.get().to_string()),
            ("Mass p", instance.p.get().to_string()),
            ("Candidate sets", or(plan.sets.map(|s| s.to_string()), own)),
        ]
    } else {
        vec![
            ("Families", families.join(", ")),
            ("States", range(&plan.states)),
            ("Actions", range(&plan.actions)),
            ("Discount γ", or(plan.gamma.map(|g| g.get().to_string()), "a mix")),
            ("Mass p", or(plan.p.map(|p| p.get().to_string()), "a mix")),
            (
                "Candidate sets",
                or(plan.sets.map(|s| s.to_string()), "top-p mostly, some top-k and min-p"),
            ),
        ]
    };
    settings.into_iter().map(|(what, which)| (what.to_string(), which)).collect()
}
