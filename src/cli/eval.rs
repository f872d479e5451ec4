//! `bellman eval`: how good a model's responses are, with everything the score depends on.

use super::compare::Interval;
use super::data::{DataArguments, Prompts};
use super::interrupt::{Listening, stop_asked};
use super::language_model::LanguageModel;
use super::output::{print_json, say, table};
use super::progress::bar_of;
use super::{CliError, End};
use clap::Args;
use indicatif::ProgressBar;
use llm::evaluation::{Evaluation, Means, Record, Role, Score, SeedScore, respond};
use llm::generation::Sampling;
use llm::teacher::{hash_file, hash_model};
use llm::text::{Record as Example, Tokenizer};
use llm::{Checkpoint, LlmError, Model, write_text};
use serde_json::json;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Score the responses of a model to a data set, by Rouge-L and exact match.
///
/// As in MiniLLM and Bellman Distill: five seeds, temperature 1, the whole distribution, 256 new
/// tokens, prompts of at most 256 tokens (longer ones are left out and counted, never cut). The
/// interval is a bootstrap over prompts of the means over seeds.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman eval --model student/ --dev dev.jsonl --record run.json
  bellman eval --model student/ --test test.jsonl --record run.json --predictions out --json
  bellman eval --model smollm2.gguf --test test.jsonl --prompt chat --limit 100 --seeds 10

A record refuses as --dev what it holds as --test: nothing may be chosen by what is reported. A
student of `bellman distill` is recorded in its run too (record.json), which refuses as --test what
it was trained on or chosen by.")]
pub struct Eval {
    #[command(flatten)]
    pub(super) model: LanguageModel,
    #[command(flatten)]
    pub(super) file: File,
    #[command(flatten)]
    pub(super) data: DataArguments,
    /// The seeds of the draws
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', default_value = "10,20,30,40,50")]
    pub(super) seeds: Vec<u64>,
    /// What logits are divided by
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(super) temperature: f64,
    /// The mass of the nucleus that tokens are drawn from
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(super) top_p: f64,
    /// Where a response is cut off
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_new_tokens: u32,
    /// Responses computed at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(super) batch: u32,
    #[command(flatten)]
    pub(super) interval: Interval,
    /// A JSON file that this evaluation is added to
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// Write references.jsonl and one file of predictions a seed, for `bellman compare`
    #[arg(long, value_name = "DIR")]
    pub(super) predictions: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(super) json: bool,
}

/// An evaluation with what it is made of.
pub(super) struct Evaluated {
    /// What is reported.
    pub(super) evaluation: Evaluation,
    /// The scores of each seed, one for each prompt.
    pub(super) scores: Vec<Vec<Score>>,
    /// Where it is to be recorded.
    records: Vec<PathBuf>,
}

/// The data set and what it is for.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct File {
    /// Records by which something may be chosen, in JSON Lines
    #[arg(long, value_name = "FILE")]
    pub(super) dev: Option<PathBuf>,
    /// Records to report on; the same as --data
    #[arg(long, value_name = "FILE", visible_alias = "data")]
    pub(super) test: Option<PathBuf>,
}

impl File {
    fn role(&self) -> Result<(Role, &Path), CliError> {
        match (&self.dev, &self.test) {
            (Some(dev), _) => Ok((Role::Dev, dev)),
            (_, Some(test)) => Ok((Role::Test, test)),
            // The group needs one.
            _ => Err(CliError::argument("no data set is given", "give `--dev` or `--test`")),
        }
    }
}

impl Eval {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let listening = Listening::start();
        let evaluated = self.evaluate(|all| bar_of(all, "responses"))?;
        drop(listening);
        let Some(Evaluated { evaluation, records, .. }) = evaluated else {
            say!("stopped; nothing is recorded");
            return Ok(End::Interrupted);
        };
        if self.json {
            print_json(&evaluation)?
        } else {
            print(&evaluation)
        }
        for path in &records {
            // As it is by now: another evaluation may have ended meanwhile.
            let mut record = Record::open(path)?;
            record.evaluations.push(evaluation.clone());
            record.write(path)?;
        }
        Ok(End::Fine)
    }

    /// The evaluation, as far as records allow it, on a bar of so many responses; nothing when
    /// asked to stop.
    pub(super) fn evaluate(
        &self,
        bar: impl FnOnce(usize) -> ProgressBar,
    ) -> Result<Option<Evaluated>, CliError> {
        let (role, file) = self.file.role()?;
        let bootstrap = self.interval.bootstrap()?;
        let sha256 = hash_file(file)?;
        let checkpoint = self.model.checkpoint()?;
        // Of a student of `bellman distill` the run has a record too.
        let records = self.records(checkpoint.path());
        for path in &records {
            Record::open(path)?.allow(role, file, &sha256)?;
        }
        let tokenizer = checkpoint.tokenizer()?;
        let prompts = self.data.prompts(file, &checkpoint, &tokenizer)?;
        let examples = prompts.scored_examples(file)?;
        let Some(scores) = self.scores(&checkpoint, &tokenizer, &prompts, &examples, bar)? else {
            return Ok(None);
        };
        let seed =
            |(&seed, scores): (&u64, &Vec<Score>)| SeedScore { seed, means: Means::of(scores) };
        let evaluation = Evaluation {
            role,
            file: file.to_path_buf(),
            sha256,
            model: self.model.name.clone(),
            weights: hash_model(checkpoint.path())?,
            settings: self.settings(&prompts, &tokenizer),
            prompts: prompts.prompts.len(),
            too_long: prompts.too_long,
            seeds: self.seeds.iter().zip(&scores).map(seed).collect(),
            rouge_l: bootstrap.mean(&over_seeds(&scores, |score| score.rouge_l))?,
            exact_match: bootstrap
                .mean(&over_seeds(&scores, |s| f64::from(u8::from(s.exact_match))))?,
        };
        Ok(Some(Evaluated { evaluation, scores, records }))
    }

    /// Where this evaluation is recorded: where it was asked for, and in the run that the model
    /// comes from.
    fn records(&self, model: &Path) -> Vec<PathBuf> {
        let asked = self.record.clone();
        let is_asked = |path: &PathBuf| {
            asked.as_ref().is_some_and(|asked| asked.canonicalize().is_ok_and(|a| a == *path))
        };
        let of_run = Record::beside(model).filter(|path| !is_asked(path));
        asked.iter().cloned().chain(of_run).collect()
    }

    fn settings(&self, prompts: &Prompts, tokenizer: &Tokenizer) -> serde_json::Value {
        json!({
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_new_tokens": self.max_new_tokens,
            "max_prompt_tokens": self.data.max_prompt_tokens,
            "limit": self.data.limit,
            "instruction_field": self.data.instruction_field,
            "input_field": self.data.input_field,
            "output_field": self.data.output_field,
            "batch": self.batch,
            "dtype": self.model.place.dtype().as_str(),
            "device": self.model.place.device,
            "resamples": self.interval.resamples,
            "bootstrap_seed": self.interval.bootstrap_seed,
            "version": env!("CARGO_PKG_VERSION"),
            "template": prompts.template,
            "tokenizer": tokenizer.hash(),
        })
    }

    /// The scores of each seed, one for each prompt; nothing when stopped.
    fn scores(
        &self,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        prompts: &Prompts,
        examples: &[&Example],
        bar: impl FnOnce(usize) -> ProgressBar,
    ) -> Result<Option<Vec<Vec<Score>>>, CliError> {
        let model = self.model.load(checkpoint)?.within(tokenizer.size())?;
        let ends = checkpoint.end_of_sequence()?;
        if let Some(folder) = &self.predictions {
            let lines = examples.iter().map(|e| json!({"output": e.outputs}));
            write_lines(folder, "references.jsonl", lines)?;
        }
        let bar = bar(self.seeds.len() * prompts.prompts.len());
        let mut all = Vec::with_capacity(self.seeds.len());
        for &seed in &self.seeds {
            let before = all.len() * prompts.prompts.len();
            let texts = self.texts(&model, tokenizer, prompts, &ends, seed, &mut |there| {
                bar.set_position((before + there) as u64);
            });
            let texts = match texts {
                Err(LlmError::Stopped) => return Ok(None),
                texts => texts?,
            };
            if let Some(folder) = &self.predictions {
                let lines = texts.iter().map(|text| json!({"text": text}));
                write_lines(folder, &format!("seed-{seed}.jsonl"), lines)?;
            }
            let score = |(text, example): (&String, &&Example)| Score::of(text, &example.outputs);
            let scores: Result<Vec<Score>, _> = texts.iter().zip(examples).map(score).collect();
            all.push(scores.map_err(|e| CliError::argument(e.to_string(), "shorten the text"))?);
        }
        bar.finish_and_clear();
        Ok(Some(all))
    }

    fn texts(
        &self,
        model: &Model,
        tokenizer: &Tokenizer,
        prompts: &Prompts,
        ends: &[u32],
        seed: u64,
        advanced: &mut dyn FnMut(usize),
    ) -> Result<Vec<String>, LlmError> {
        let sampling = Sampling {
            temperature: self.temperature,
            top_p: self.top_p,
            greedy: false,
            max_new_tokens: self.max_new_tokens as usize,
            seed,
        };
        let batch = self.batch as usize;
        respond(model, tokenizer, &prompts.prompts, ends, &sampling, batch, &mut |there| {
            advanced(there);
            if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    }
}

/// The mean over seeds for each prompt, times 100.
pub(super) fn over_seeds(scores: &[Vec<Score>], of: fn(&Score) -> f64) -> Vec<f64> {
    let prompts = scores.first().map_or(0, Vec::len);
    let mean = |i: usize| {
        scores.iter().map(|seed| 100.0 * of(&seed[i])).sum::<f64>() / scores.len() as f64
    };
    (0..prompts).map(mean).collect()
}

fn write_lines(
    folder: &Path,
    name: &str,
    lines: impl Iterator<Item = serde_json::Value>,
) -> Result<(), CliError> {
    let path = folder.join(name);
    let failed = |source| LlmError::Write { path: path.clone(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    Ok(write_text(&path, &text)?)
}

fn print(evaluation: &Evaluation) {
    let mut table = table(&["seed", "Rouge-L", "exact match"]);
    for SeedScore { seed, means } in &evaluation.seeds {
        let numbers = [means.rouge_l, means.exact_match].map(|x| format!("{x:.3}"));
        table.add_row([seed.to_string(), numbers[0].clone(), numbers[1].clone()]);
    }
    let [rouge_l, exact_match] = [&evaluation.rouge_l, &evaluation.exact_match]
        .map(|e| format!("{:.3} ({:.3} to {:.3})", e.value, e.lower, e.upper));
    table.add_row(["all".to_owned(), rouge_l, exact_match]);
    let Evaluation { prompts, too_long, .. } = evaluation;
    say!("{table}\n{prompts} prompts, {too_long} left out because they are too long; times 100");
}
