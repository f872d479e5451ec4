//! `bellman verify`: the propositions on random MDPs, or on a file.

use super::range::parse_range;
use super::{CliError, End, STOP};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use operators::{Discount, TopP};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use tabular::Family;
use verify::{Mutation, Outcome, Plan, Sets, Theory, Watch, campaign, propositions};

/// Check the propositions on random MDPs, or on a model of your own.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman verify                                    everything, on every family
  bellman verify --family ring --gamma 0.999 --mdps 5000
  bellman verify --rigorous --proposition main-bound --report out
  bellman verify --file model.json --rigorous
  bellman verify --mutation kappa-halved            watch the checks catch a mistake

Exit codes: 0 nothing refuted, 1 something refuted, 2 unusable input, 3 undecided under --strict.")]
pub struct Verify {
    /// How many random MDPs
    #[arg(long, default_value_t = 10_000)]
    mdps: u64,
    /// The seed of everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// garnet, dense, token-tree, ring, worst-case, near-ties, extreme, or all
    #[arg(long, default_value = "all")]
    family: String,
    /// Number of states, both ends included
    #[arg(long, value_name = "A..B", default_value = "1..12", value_parser = parse_range)]
    states: RangeInclusive<usize>,
    /// Number of actions, both ends included
    #[arg(long, value_name = "A..B", default_value = "1..6", value_parser = parse_range)]
    actions: RangeInclusive<usize>,
    /// The discount γ [default: a mix from 0 to 0.9999, and 1 where the end is certain]
    #[arg(long)]
    gamma: Option<f64>,
    /// The mass p of the candidate sets [default: a mix from 0.05 to 1]
    #[arg(long)]
    p: Option<f64>,
    /// Check only this proposition (may be repeated)
    #[arg(long, value_name = "NAME")]
    proposition: Vec<String>,
    /// Intervals and certificates: every verdict is a theorem about the given doubles
    #[arg(long)]
    rigorous: bool,
    /// Exit with 3 when something stays undecided
    #[arg(long)]
    strict: bool,
    /// Threads [default: one per core]
    #[arg(long)]
    threads: Option<usize>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Put a mistake into the operators, to see which proposition catches it
    #[arg(long, value_name = "NAME")]
    mutation: Option<Mutation>,
    /// Where counterexamples are written
    #[arg(long, value_name = "DIR", default_value = "counterexamples")]
    counterexamples: PathBuf,
}

impl Verify {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let plan = self.plan()?;
        let bar = progress(plan.mdps);
        let advanced = || bar.inc(1);
        let watch = Watch { advanced: &advanced, stop: &STOP, sample_every: 1 };
        let outcome = campaign::run(&plan, &watch);
        bar.finish_and_clear();
        print_table(&plan, &outcome);
        Ok(self.end(&outcome))
    }

    fn plan(&self) -> Result<Plan, CliError> {
        let families = match self.family.as_str() {
            "all" => Family::ALL.to_vec(),
            name => vec![name.parse().map_err(|e: String| {
                CliError::argument(e, "for example `--family garnet`, or `--family all`")
            })?],
        };
        let propositions = propositions::named(&self.proposition)
            .map_err(|e| CliError::argument(e, "for example `--proposition main-bound`"))?;
        Ok(Plan {
            seed: self.seed,
            mdps: self.mdps,
            families,
            states: self.states.clone(),
            actions: self.actions.clone(),
            gamma: self.gamma.map(Discount::new).transpose()?,
            p: self.p.map(TopP::new).transpose()?,
            sets: Sets::Mixed,
            propositions,
            rigorous: self.rigorous,
            theory: Theory { mutation: self.mutation },
        })
    }

    fn end(&self, outcome: &Outcome) -> End {
        let any = |count: fn(&verify::Tally) -> u64| outcome.tallies.iter().any(|t| count(t) > 0);
        if any(|t| t.violated + t.refuted) {
            End::No
        } else if STOP.load(Ordering::SeqCst) {
            End::Interrupted
        } else if self.strict && any(|t| t.undecided) {
            End::Undecided
        } else {
            End::Fine
        }
    }
}

/// A bar with rate and remaining time; nothing without a terminal.
fn progress(length: u64) -> ProgressBar {
    let style = "{bar:40} {pos}/{len} MDPs, {per_sec}, {eta} left";
    // The template is a constant that a test parses.
    let style = ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

fn print_table(plan: &Plan, outcome: &Outcome) {
    use comfy_table::{Table, presets};
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    let (yes, no) = if plan.rigorous { ("proved", "refuted") } else { ("held", "violated") };
    table.set_header(["proposition", "checked", yes, no, "undecided", "worst ratio"]);
    for (proposition, tally) in plan.propositions.iter().zip(&outcome.tallies) {
        table.add_row([
            proposition.name.to_string(),
            tally.checked.to_string(),
            (tally.held + tally.proved).to_string(),
            (tally.violated + tally.refuted).to_string(),
            tally.undecided.to_string(),
            tally.worst_ratio.map_or("–".into(), |r| format!("{r:.6}")),
        ]);
    }
    eprintln!("{table}");
    for (proposition, tally) in plan.propositions.iter().zip(&outcome.tallies) {
        for failure in &tally.failures {
            eprintln!("{}: instance {}: {}", proposition.name, failure.index, failure.witness);
        }
    }
}
