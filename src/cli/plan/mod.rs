//! `bellman plan`: which mass p a gap that one can afford calls for.

mod cost;
mod measured;
mod outcome;
mod page;

use super::output::{print_json, say};
use super::sampling::TeacherArguments;
use super::{CliError, End};
use clap::Args;
use llm::gap::Sample;
use llm::teacher::{Cache, Expected};
use llm::{Checkpoint, LlmError, ModelConfig};
use measured::Responses;
use operators::{Discount, TopP};
use outcome::{Outcome, Question};
use std::path::PathBuf;

/// Choose p: by κ, by the horizon, by the measured leak of a teacher, or by state.
///
/// κ and the horizon bound hold for every teacher. A gap is measured at the p that responses were
/// sampled at and nowhere else: at a smaller p the projected teacher is another one and reaches other
/// texts, so that the leak along these responses is not its gap. Set sizes at a smaller p are shown,
/// along the responses there are. The confidence is that of all intervals together.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman plan --gamma 0.99 --target 1
  bellman plan --gamma 0.99 --target 1 --horizon 256 --json
  bellman plan --gamma 0.99 --target 2 --cache p80/teacher.parquet --cache p95/teacher.parquet
  bellman plan --target 2 --teacher smollm2.gguf --prompts dolly.jsonl --at 0.8,0.95 --limit 32

A gap is measured at the p of the responses and nowhere else: another p is another teacher.")]
pub struct Plan {
    /// The discount γ
    #[arg(long, default_value_t = 0.99, allow_negative_numbers = true)]
    gamma: f64,
    /// The gap ε that one can afford, in nats
    #[arg(long, value_name = "EPS", allow_negative_numbers = true)]
    target: f64,
    /// After how many tokens text certainly ends
    #[arg(long, value_name = "H", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    horizon: Option<u32>,
    /// Teacher data that `bellman generate` wrote; several for several p
    #[arg(long, value_name = "FILE", conflicts_with = "teacher")]
    cache: Vec<PathBuf>,
    #[command(flatten)]
    source: TeacherArguments,
    /// The masses at which the teacher is sampled
    #[arg(
        long,
        value_name = "P,P,…",
        value_delimiter = ',',
        requires = "teacher",
        default_value = "0.8"
    )]
    at: Vec<f64>,
    /// The student whose cost is counted; its shape alone is read [default: the teacher]
    #[arg(long, value_name = "MODEL")]
    student: Option<String>,
    /// How often all intervals together have to cover the gaps
    #[arg(long, default_value_t = 0.99, allow_negative_numbers = true)]
    confidence: f64,
    /// Write a page with plots to DIR/index.html
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Plan {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let gamma = Discount::new(self.gamma)?;
        self.check()?;
        if let Some(dir) = &self.report {
            verify::report::prepare(dir)?;
        }
        let caches = self.caches()?;
        self.check_horizon(&caches)?;
        let student = self.student()?;
        let Some((samples, responses)) = self.samples(caches, gamma)? else {
            say!("stopped; `bellman generate` keeps what is finished");
            return Ok(End::Interrupted);
        };
        let question = Question {
            gamma,
            target: self.target,
            horizon: self.horizon,
            confidence: self.confidence,
        };
        let outcome = Outcome::of(question, &responses, &samples, student.as_ref())?;
        if let Some(dir) = &self.report {
            say!("wrote {}", outcome.sheet(gamma).write(dir)?.display());
        }
        if self.json {
            print_json(&outcome)?
        } else {
            outcome.print()
        }
        Ok(End::Fine)
    }

    fn check(&self) -> Result<(), CliError> {
        if !(self.target > 0.0 && self.target.is_finite()) {
            let what = format!("target = {} is not a positive number", self.target);
            return Err(CliError::argument(what, "give a gap in nats, such as 1"));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            let what = format!("confidence = {} is not between 0 and 1", self.confidence);
            return Err(CliError::argument(what, "give one such as 0.99"));
        }
        Ok(())
    }

    /// Whether no response may be longer than text is said to be.
    fn check_horizon(&self, caches: &[Cache]) -> Result<(), CliError> {
        let cached = caches.iter().map(|cache| cache.settings().max_new_tokens);
        let longest = cached.chain(self.source.longest()).max().unwrap_or(0);
        match self.horizon.filter(|&horizon| longest > horizon.into()) {
            None => Ok(()),
            Some(horizon) => Err(CliError::argument(
                format!("responses of up to {longest} tokens do not end after {horizon}"),
                "raise `--horizon`",
            )),
        }
    }

    /// The caches, all of them of one teacher and the same prompts.
    fn caches(&self) -> Result<Vec<Cache>, LlmError> {
        let mut expected = Expected::anything();
        let mut caches = Vec::with_capacity(self.cache.len());
        for path in &self.cache {
            let cache = Cache::open(path, &expected)?;
            if caches.is_empty() {
                let of = cache.settings();
                let models = Expected::anything().weights(&of.weights).tokenizer(&of.tokenizer);
                expected = models.template(&of.template).prompts(&of.prompts);
            }
            caches.push(cache);
        }
        Ok(caches)
    }

    /// The shape of the student, if it is known.
    fn student(&self) -> Result<Option<ModelConfig>, CliError> {
        match &self.student {
            Some(name) => Ok(Some(Checkpoint::open(&llm::hub::resolve(name)?)?.config().clone())),
            None => self.source.shape(),
        }
    }

    /// Responses at each mass that is measured; `None` when Ctrl-C was pressed.
    fn samples(&self, caches: Vec<Cache>, gamma: Discount) -> Result<Option<Measured>, CliError> {
        let masses: Vec<TopP> = self.at.iter().map(|&p| TopP::new(p)).collect::<Result<_, _>>()?;
        let samples = caches.iter().map(|cache| Sample::of_cache(cache, gamma));
        let mut samples = samples.collect::<Result<Vec<_>, _>>()?;
        let mut responses: Vec<Responses> =
            caches.into_iter().map(|cache| Responses::Cached(Box::new(cache))).collect();
        if let Some(sampler) = self.source.open()? {
            for p in masses {
                let mut scores = Vec::new();
                let sample = sampler.sample(p, gamma, &mut |row| scores.push(row.scores))?;
                let Some(sample) = sample else { return Ok(None) };
                samples.push(sample);
                responses.push(Responses::Sampled(p, scores));
            }
        }
        Ok(Some((samples, responses)))
    }
}

/// Samples with the responses that they are of.
type Measured = (Vec<Sample>, Vec<Responses>);
