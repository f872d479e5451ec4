//! `bellman verify`: the propositions on random MDPs, or on a file.

#[cfg(feature = "llm")]
use super::carving::{DISCOUNT, MASS, TeacherArguments};
use super::interrupt::{Listening, stop_flag};
use super::output::{command, print_json, say, shown};
use super::range::parse_range;
use super::size::within_limit;
use super::source::Parameters;
use super::verdicts::{print_gaps, print_table, summary};
use super::{CliError, End};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use operators::{Discount, TopP};
use ranks::Ranks;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use tabular::{Family, Instance, RowPolicy, Size};
use verify::report::{self, Page};
use verify::statistics::stride;
use verify::{
    Counterexample, MOST_SUCCESSORS, Mutation, Outcome, Plan, Sets, Tally, Theory, Watch, campaign,
    propositions,
};

/// Check the propositions on random MDPs, or on a model of your own.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman verify                                    everything, on every family
  bellman verify --family ring --gamma 0.999 --mdps 5000
  bellman verify --rigorous --proposition main-bound --strict
  bellman verify --report out                       a page with plots and statistics
  bellman verify --file model.json --rigorous
  bellman verify --teacher smollm2.gguf --prompts test.jsonl --limit 20 --rigorous
  bellman verify --mutation kappa-halved            watch the checks catch a mistake

Exit codes: 0 nothing refuted, 1 something refuted, 2 unusable input, 3 undecided under --strict.")]
pub struct Verify {
    /// How many random MDPs
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
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
    #[arg(long, allow_negative_numbers = true)]
    gamma: Option<f64>,
    /// The mass p of the candidate sets [default: a mix from 0.05 to 1]
    #[arg(long, allow_negative_numbers = true)]
    p: Option<f64>,
    /// Candidate sets: top-p, top-k:K or min-p:F [default: mostly top-p, some of the others]
    #[arg(long, value_name = "RULE")]
    sets: Option<Sets>,
    /// Check this model in place of random ones
    #[arg(long, value_name = "MDP", conflicts_with_all = ["mdps", "family", "states", "actions"])]
    file: Option<PathBuf>,
    #[cfg(feature = "llm")]
    #[command(flatten)]
    teacher: TeacherArguments,
    /// The reward model of a DRN file that has several
    #[arg(long, value_name = "NAME", requires = "file")]
    rewards: Option<String>,
    /// Divide the file's rewards by this temperature
    #[arg(long, allow_negative_numbers = true, value_name = "T", requires = "file")]
    temperature: Option<f64>,
    /// With --rigorous: accept rows whose exact sum is not one, and normalise them
    #[arg(long, requires = "file")]
    normalise: bool,
    /// Check only this proposition (may be repeated)
    #[arg(long, value_name = "NAME")]
    proposition: Vec<String>,
    /// Intervals and certificates: every verdict is a theorem about the given doubles
    #[arg(long)]
    rigorous: bool,
    /// Exit with 3 when something stays undecided
    #[arg(long)]
    strict: bool,
    /// Threads, at most 1024 [default: one per core]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: Option<u64>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Put a mistake into the operators, to see which proposition catches it
    #[arg(long, value_name = "NAME", conflicts_with = "rigorous")]
    mutation: Option<Mutation>,
    /// Where counterexamples are written
    #[arg(long, value_name = "DIR", default_value = "counterexamples")]
    counterexamples: PathBuf,
    /// Write a page with plots and statistics to DIR/index.html
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// The most instances that statistics and plots are made of.
const SAMPLES: u64 = 4_000;

impl Verify {
    /// Runs it, by all processes that were started; the first one writes.
    pub fn run(self, ranks: &Ranks) -> Result<End, CliError> {
        let plan = match self.plan() {
            #[cfg(feature = "llm")]
            Err(CliError::LanguageModel(llm::LlmError::Stopped)) => return Ok(End::Interrupted),
            plan => plan?,
        };
        // Better refused now than after the campaign.
        self.report.as_deref().filter(|_| ranks.is_first()).map(report::prepare).transpose()?;
        let outcome = self.campaign(&plan, ranks)?;
        if ranks.is_first() {
            self.write(&plan, &outcome)?;
        }
        Ok(self.end(&plan, &outcome))
    }

    /// Says what was found, and writes what was asked for.
    fn write(&self, plan: &Plan, outcome: &Outcome) -> Result<(), CliError> {
        // Before anything is written, so that a folder that refuses loses no result.
        print_table(plan, outcome, self.strict);
        print_gaps(plan, outcome);
        let mut counterexamples = Vec::new();
        let written = self.write_counterexamples(plan, outcome, &mut counterexamples);
        for path in &counterexamples {
            say!("counterexample: {0} (bellman replay {0})", path.display());
        }
        if self.json {
            print_json(&summary(plan, outcome, &counterexamples))?;
        }
        written?;
        if let Some(dir) = &self.report {
            let page = Page::of(plan, outcome, &counterexamples).with_command(command());
            say!("report: {}", report::write(dir, &page)?.display());
        }
        Ok(())
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
        let gamma = self.gamma.map(Discount::new).transpose()?;
        let given = self.given()?;
        if given.is_empty()
            && gamma.is_some_and(|g| !g.is_contracting())
            && families != [Family::TokenTree]
        {
            return Err(CliError::argument(
                "γ = 1 needs models that certainly end",
                "of the families only `--family token-tree` does",
            ));
        }
        if given.is_empty() {
            self.refuse_large_models(&families)?;
        }
        Ok(Plan {
            seed: self.seed,
            mdps: self.mdps,
            families,
            states: self.states.clone(),
            actions: self.actions.clone(),
            gamma,
            p: self.p.map(TopP::new).transpose()?,
            sets: self.sets,
            given,
            propositions,
            rigorous: self.rigorous,
            theory: Theory { mutation: self.mutation },
        })
    }

    fn refuse_large_models(&self, families: &[Family]) -> Result<(), CliError> {
        let (states, actions) = (*self.states.end(), *self.actions.end());
        let largest = Size { states, actions, branching: MOST_SUCCESSORS };
        families.iter().try_for_each(|&family| within_limit(family, largest))
    }

    /// The model of `--file` or the models of `--teacher`, if there are any.
    fn given(&self) -> Result<Vec<Instance>, CliError> {
        let Some(file) = &self.file else { return self.laid_out() };
        let parameters = Parameters {
            gamma: self.gamma,
            p: self.p,
            sets: self.sets,
            rewards: self.rewards.clone(),
            temperature: self.temperature,
        };
        let exact = self.rigorous && !self.normalise;
        let policy = if exact { RowPolicy::Exact } else { RowPolicy::Normalise };
        Ok(vec![parameters.load(file, policy)?.instance])
    }

    /// The language model of `--teacher` after each prompt. A rule for candidate sets takes the place
    /// of its own.
    #[cfg(feature = "llm")]
    fn laid_out(&self) -> Result<Vec<Instance>, CliError> {
        let gamma = Discount::new(self.gamma.unwrap_or(DISCOUNT))?;
        let p = TopP::new(self.p.unwrap_or(MASS))?;
        let mut instances = self.teacher.instances(gamma, p)?;
        if self.sets.is_some() {
            instances.iter_mut().for_each(|instance| instance.sets = None);
        }
        Ok(instances)
    }

    #[cfg(not(feature = "llm"))]
    fn laid_out(&self) -> Result<Vec<Instance>, CliError> {
        Ok(Vec::new())
    }

    fn campaign(&self, plan: &Plan, ranks: &Ranks) -> Result<Outcome, CliError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads.unwrap_or(0) as usize)
            .build()
            .map_err(|e| CliError::argument(e.to_string(), "choose fewer `--threads`"))?;
        // That of the first process; the others have as much to do.
        let bar = progress(plan.len().div_ceil(ranks.size() as u64));
        let advanced = || bar.inc(1);
        let wanted = self.report.is_some() || self.json || plan.given.len() > 1;
        let families = plan.families.len() as u64;
        let sample_every = if wanted { stride(plan.len(), families, SAMPLES) } else { 0 };
        let watch = Watch { advanced: &advanced, stop: stop_flag(), sample_every };
        let listening = Listening::start();
        let outcome = pool.install(|| match ranks.size() {
            1 => Ok(campaign::run(plan, &watch)),
            _ => campaign::run_over(ranks, plan, &watch),
        })?;
        drop(listening);
        bar.finish_and_clear();
        if outcome.mdps < plan.len() {
            say!("interrupted after {} of {} MDPs", outcome.mdps, plan.len());
        }
        Ok(outcome)
    }

    /// Shrinks and writes the first failure of each proposition.
    fn write_counterexamples(
        &self,
        plan: &Plan,
        outcome: &Outcome,
        paths: &mut Vec<PathBuf>,
    ) -> Result<(), CliError> {
        for (proposition, tally) in plan.propositions.iter().zip(&outcome.tallies) {
            if let Some(failure) = tally.failures.first() {
                let example = Counterexample::shrink(plan, proposition, failure)?;
                paths.push(example.write(&self.counterexamples)?);
            }
        }
        Ok(())
    }

    fn end(&self, plan: &Plan, outcome: &Outcome) -> End {
        let any = |count: fn(&Tally) -> u64| outcome.tallies.iter().any(|t| count(t) > 0);
        if any(|t| t.violated + t.refuted) {
            End::No
        } else if outcome.mdps < plan.len() {
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
    let style = if length > 1 {
        "{bar:40} {pos}/{len} MDPs, {per_sec}, {eta} left"
    } else {
        "{spinner} one model, for {elapsed} so far"
    };
    // The template is a constant; a bar without it is still a bar.
    let style = ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar());
    let bar = shown(ProgressBar::new(length).with_style(style));
    // A single model may take minutes, in which nothing else would move the bar.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
