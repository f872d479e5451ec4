//! `bellman gap`: what restricting a language model to its candidate sets costs, by sampling.

use super::output::{command, number, print_json, say, table};
use super::sampling::TeacherArguments;
use super::{CliError, End};
use clap::{ArgGroup, Args};
use llm::LlmError;
use llm::gap::{Estimate, Interval, Position, Sample};
use llm::teacher::{Cache, Expected, Sizes};
use operators::{Discount, GapBound, TopP};
use serde::Serialize;
use std::path::PathBuf;
use verify::report::{Curve, Figure, Scale, Section, Sheet, figure as short};

/// Estimate the gap of the projected teacher, with an interval.
///
/// D(x, a) = Q* − Q̄ is the mean of Σ_{t≥1} γ^t ℓ(s_t) along responses sampled at top-p with the same
/// p, ℓ = −log of the captured mass. The figure is the mean over these prompts x and over first
/// tokens a of the projected teacher: no maximum over texts, and it says nothing of other prompts.
/// Responses that were cut off widen the interval by what they may lack.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman gap --teacher smollm2.gguf --prompts dolly.jsonl --p 0.8 --gamma 0.99 --limit 32
  bellman gap --cache teacher/teacher.parquet --gamma 0.99 --confidence 0.95 --json

The figure is the mean over these prompts: no maximum over texts, and it says nothing of others.
A cache has to be sampled at temperature 1 with top-p equal to the mass of its sets.")]
#[command(group(ArgGroup::new("source").required(true).args(["teacher", "cache"])))]
pub struct Gap {
    #[command(flatten)]
    source: TeacherArguments,
    /// Teacher data that `bellman generate` wrote, in place of a teacher
    #[arg(long, value_name = "FILE")]
    cache: Option<PathBuf>,
    /// The mass p of the candidate sets [default: 0.8, or that of the cache]
    #[arg(long, allow_negative_numbers = true)]
    p: Option<f64>,
    /// The discount γ
    #[arg(long, default_value_t = 0.99, allow_negative_numbers = true)]
    gamma: f64,
    /// How often such intervals have to cover the gap
    #[arg(long, default_value_t = 0.99, allow_negative_numbers = true)]
    confidence: f64,
    /// Write a page with plots to DIR/index.html
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
struct Outcome {
    p: f64,
    gamma: f64,
    prompts: usize,
    /// Not known of a cache.
    too_long: Option<usize>,
    /// The mean gap over the prompts.
    gap: Estimate,
    /// The same of text that certainly ends after `horizon` tokens.
    gap_within_horizon: Estimate,
    kappa: f64,
    horizon: usize,
    horizon_bound: f64,
    tokens: usize,
    /// The share of responses that ended by themselves.
    ended: f64,
    set_sizes: Sizes,
    captured_mass: f64,
    /// Tokens outside their candidate set.
    outside: u64,
    positions: Vec<Position>,
}

impl Gap {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let gamma = Discount::new(self.gamma)?;
        let p = TopP::new(self.p.unwrap_or(0.8))?;
        // Before hours of sampling.
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let what = format!("confidence = {} is not between 0 and 1", self.confidence);
            return Err(CliError::argument(what, "give one such as 0.99"));
        }
        if let Some(dir) = &self.report {
            verify::report::prepare(dir)?;
        }
        let (sample, too_long) = match self.source.open()? {
            Some(sampler) => (sampler.sample(p, gamma, &mut |_| {})?, Some(sampler.too_long)),
            None => (Some(self.cached(gamma)?), None),
        };
        let Some(sample) = sample else {
            say!("stopped; `bellman generate` keeps what is finished");
            return Ok(End::Interrupted);
        };
        let outcome = Outcome::of(&sample, too_long, self.confidence)?;
        if let Some(dir) = &self.report {
            say!("wrote {}", outcome.sheet().write(dir)?.display());
        }
        if self.json {
            print_json(&outcome)?
        } else {
            outcome.print()
        }
        Ok(End::Fine)
    }

    /// The responses of the cache.
    fn cached(&self, gamma: Discount) -> Result<Sample, CliError> {
        let path = self.cache.as_deref().unwrap_or("".as_ref());
        let cache = Cache::open(path, &Expected::anything())?;
        let p = cache.p().get();
        if let Some(asked) = self.p.filter(|&asked| asked != p) {
            let what = format!("{} holds responses at p = {p}, not {asked}", path.display());
            let help =
                "the gap at another p is that of another projected teacher: make a cache at that p";
            return Err(CliError::argument(what, help));
        }
        Ok(Sample::of_cache(&cache, gamma)?)
    }
}

impl Outcome {
    fn of(sample: &Sample, too_long: Option<usize>, confidence: f64) -> Result<Self, LlmError> {
        let (gamma, leak, horizon) = (sample.gamma(), sample.p().leak(), sample.most());
        let (endless, within) = (GapBound::endless(gamma), GapBound::within(gamma, horizon));
        let rollouts: Vec<_> = sample.rollouts().collect();
        let tokens: usize = rollouts.iter().map(|rollout| rollout.tokens).sum();
        let ended = rollouts.iter().filter(|rollout| rollout.ended).count();
        Ok(Self {
            p: sample.p().get(),
            gamma: gamma.get(),
            prompts: sample.prompts(),
            too_long,
            gap: sample.estimate(endless, confidence)?,
            gap_within_horizon: sample.estimate(within, confidence)?,
            kappa: endless.of_leak(leak),
            horizon,
            horizon_bound: within.of_leak(leak),
            tokens,
            ended: ended as f64 / rollouts.len() as f64,
            set_sizes: sample.sizes(),
            captured_mass: sample.captured_mass(),
            outside: sample.outside(),
            positions: sample.positions().to_vec(),
        })
    }

    fn print(&self) {
        let title = format!("gap at p = {}, γ = {}", self.p, self.gamma);
        let mut table = table(&[&title, ""]);
        table.add_rows(self.rows());
        say!("{table}\n{}", self.by_position());
    }

    /// All figures with their names.
    fn rows(&self) -> Vec<[String; 2]> {
        let (gap, within, sizes) = (&self.gap, &self.gap_within_horizon, &self.set_sizes);
        let percent = 100.0 * gap.confidence;
        let percentiles = format!("{} {} {} {}", sizes.p50, sizes.p90, sizes.p99, sizes.max);
        let mut rows = vec![
            [format!("mean over {} prompts", self.prompts), number(gap.value)],
            ["  with all that cut responses may lack".into(), number(gap.widened)],
            [format!("{percent} % interval"), range(gap.lower, gap.upper)],
            ["  by Hoeffding alone".into(), of(&gap.hoeffding)],
            ["  by empirical Bernstein alone".into(), of(&gap.empirical_bernstein)],
            [format!("κ({})", self.p), number(self.kappa)],
            [format!("if text ends after {} tokens", self.horizon), number(within.value)],
            [format!("  its {percent} % interval"), range(within.lower, within.upper)],
            ["  its bound".into(), number(self.horizon_bound)],
            ["responses, share that ended".into(), format!("{}, {:.3}", gap.n, self.ended)],
            ["mean captured mass".into(), format!("{:.4}", self.captured_mass)],
            ["mean set size".into(), format!("{:.2}", sizes.mean)],
            ["50, 90, 99, 100 % of sets within".into(), percentiles],
        ];
        if self.outside > 0 {
            rows.push(["tokens outside their set".into(), self.outside.to_string()]);
        }
        rows
    }

    /// The page.
    fn sheet(&self) -> Sheet {
        let gap = &self.gap;
        let by_position = |name: &str, of: fn(&Position) -> f64| Curve {
            name: name.into(),
            points: self.positions.iter().enumerate().map(|(t, at)| (t as f64, of(at))).collect(),
            dots: false,
            intervals: Vec::new(),
        };
        let figure = |title: &str, caption: &str, y: Scale, curve: Curve| Figure {
            title: title.into(),
            caption: caption.into(),
            x: Scale::linear("tokens before").showing([0.0]),
            y,
            curves: vec![curve],
        };
        let mass = figure(
            "Captured mass by position",
            "The mean over the responses that get so far. The leak is −log of it.",
            Scale::linear("captured mass").showing([self.p, 1.0]),
            by_position("mean", |at| at.captured_mass),
        );
        let sizes = figure(
            "Set size by position",
            "The mean over the responses that get so far.",
            Scale::logarithmic("tokens in the candidate set").showing([1.0]),
            by_position("mean", |at| at.set_size),
        );
        Sheet {
            kicker: "bellman gap".into(),
            title: format!(
                "The gap of the projected teacher at p = {}, γ = {} is {}, κ is {}",
                self.p,
                self.gamma,
                short(gap.value),
                short(self.kappa)
            ),
            remarks: vec![format!(
                "Between {} and {} at {} % confidence: the mean over {} prompts, from {} responses, {:.0} % \
                 of which ended. It is no maximum over texts and says nothing of other prompts.",
                short(gap.lower),
                short(gap.upper),
                100.0 * gap.confidence,
                self.prompts,
                gap.n,
                100.0 * self.ended
            )],
            sections: vec![
                Section {
                    heading: "Figures".into(),
                    rows: self.rows().into_iter().map(Vec::from).collect(),
                    ..Section::default()
                },
                Section {
                    heading: "By position".into(),
                    figures: vec![mass, sizes],
                    ..Section::default()
                },
            ],
            command: command(),
        }
    }

    /// Captured mass by position, at distances that double.
    fn by_position(&self) -> String {
        let header = ["tokens before", "responses", "captured mass", "leak", "mean set size"];
        let mut table = table(&header);
        let shown = std::iter::once(0).chain((0..32).map(|power| 1 << power));
        for (t, position) in shown.map_while(|t| Some((t, self.positions.get(t)?))) {
            table.add_row([
                t.to_string(),
                position.responses.to_string(),
                format!("{:.4}", position.captured_mass),
                format!("{:.4}", position.leak),
                format!("{:.2}", position.set_size),
            ]);
        }
        table.to_string()
    }
}

fn range(lower: f64, upper: f64) -> String {
    format!("{} to {}", number(lower), number(upper))
}

fn of(interval: &Interval) -> String {
    range(interval.lower, interval.upper)
}
