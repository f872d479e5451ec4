//! `bellman generate`: a teacher answers prompts; its answers are kept with its candidate sets.

use super::data::{DataArguments, Prompts};
use super::interrupt::{Listening, stop_asked};
use super::language_model::{ComputeType, Place};
use super::output::{print_json, say, table};
use super::progress::bar_of;
use super::served::ServerArguments;
use super::{CliError, End};
use clap::Args;
use llm::generation::Sampling;
use llm::teacher::server::{Question, Server, answer_all};
use llm::teacher::{Answers, Prompt, Row, Settings, Summary, fill, hash_model, hash_prompts};
use llm::{Checkpoint, LlmError, Mode, Model};
use operators::TopP;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

/// Sample responses of a teacher and store its candidate sets along them.
///
/// Writes DIR/teacher.parquet. A run that was stopped, even by `kill -9`, goes on where it was when
/// it is started again; the same arguments give the same file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman generate --teacher smollm2.gguf --prompts train.jsonl --out teacher --limit 1000
  bellman generate --teacher smollm2.gguf --prompts train.jsonl --out teacher --prompt chat --p 0.9
  bellman generate --server http://gpu:8000 --tokenizer q.gguf --prompts train.jsonl --out teacher")]
pub struct Generate {
    /// A folder with config.json and safetensors, a .gguf file, or a name on the Hugging Face hub
    #[arg(
        long,
        value_name = "MODEL",
        required_unless_present = "server",
        conflicts_with = "server"
    )]
    teacher: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
    #[command(flatten)]
    place: Place,
    /// The type in which a processor multiplies f32 weights; bf16 is fast with AVX512-BF16
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    compute: ComputeType,
    /// A data set in JSON Lines
    #[arg(long, value_name = "FILE")]
    prompts: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// Where to write; made if need be
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The mass p of the candidate sets
    #[arg(long, default_value_t = 0.8, allow_negative_numbers = true)]
    p: f64,
    /// Responses to each prompt
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    responses: u32,
    /// What logits are divided by when sampling
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    temperature: f64,
    /// The mass of the set that is sampled from [default: that of the candidate sets]
    #[arg(long, allow_negative_numbers = true)]
    top_p: Option<f64>,
    /// Where a response is cut off
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_new_tokens: u32,
    /// Responses computed at once, or asked of a server at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// The seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Who answers.
enum Teacher {
    /// A model on this machine, with the tokens that end its responses.
    Here(Model, Vec<u32>),
    /// A model behind a server, which is sent the prompts as texts.
    Served(Server, Vec<String>),
}

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
struct Outcome {
    file: PathBuf,
    prompts: usize,
    too_long: usize,
    seconds: f64,
    #[serde(flatten)]
    summary: Summary,
}

impl Generate {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let p = TopP::new(self.p)?;
        let compute = self.compute.at(&self.place)?;
        let name = self.server.tokenizer().or(self.teacher.as_deref()).unwrap_or_default();
        let checkpoint = Checkpoint::open(&llm::hub::resolve(name)?)?;
        let tokenizer = checkpoint.tokenizer()?;
        let mut prompts = self.data.prompts(&self.prompts, &checkpoint, &tokenizer)?;
        if prompts.prompts.is_empty() {
            let what = format!("{} holds no prompt that is short enough", self.prompts.display());
            return Err(CliError::argument(what, "raise `--max-prompt-tokens`"));
        }
        let ends = checkpoint.end_of_sequence()?;
        let server = self.server.connect(&tokenizer, &ends, p, self.sampling())?;
        let settings =
            self.settings(p, &checkpoint, server.as_ref(), &prompts, tokenizer.hash())?;
        let teacher = match server {
            Some(server) => Teacher::Served(server, std::mem::take(&mut prompts.texts)),
            None => {
                let (dtype, device) = (self.place.dtype(), self.place.device()?);
                Teacher::Here(checkpoint.model(dtype, &device, Mode::Frozen)?, ends)
            }
        };
        let bar = bar_of(prompts.prompts.len(), "prompts");
        let started = Instant::now();
        let listening = Listening::start();
        let cache = fill(
            &self.out,
            &settings,
            &prompts.prompts,
            |part| match &teacher {
                Teacher::Here(model, ends) => {
                    compute.run(|| self.answers(model, ends, p).rows(part, &stop_asked))
                }
                Teacher::Served(server, texts) => self.ask(server, part, &prompts.prompts, texts),
            },
            |answered| {
                bar.set_position(answered as u64);
                if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        drop(listening);
        bar.finish_and_clear();
        let cache = match cache {
            Ok(Some(cache)) => cache,
            Ok(None) | Err(LlmError::Stopped) => {
                say!("stopped; the same command goes on from here");
                return Ok(End::Interrupted);
            }
            Err(error) => return Err(error.into()),
        };
        let outcome = Outcome {
            file: cache.path().to_path_buf(),
            prompts: prompts.prompts.len(),
            too_long: prompts.too_long,
            seconds: started.elapsed().as_secs_f64(),
            summary: Summary::of(&cache)?,
        };
        if let Teacher::Served(server, _) = &teacher
            && server.withheld() > 0
        {
            let responses = server.withheld();
            say!(
                "{responses} responses ended without their last token in the reply; they count as cut off"
            );
        }
        if self.json {
            print_json(&outcome)?
        } else {
            outcome.print()
        }
        Ok(End::Fine)
    }

    fn settings(
        &self,
        p: TopP,
        checkpoint: &Checkpoint,
        server: Option<&Server>,
        prompts: &Prompts,
        tokenizer: String,
    ) -> Result<Settings, CliError> {
        let (weights, dtype) = match server {
            Some(server) => (server.hash(), "served"),
            None if self.compute == ComputeType::Bf16 => {
                (hash_model(checkpoint.path())?, "f32, products in bf16")
            }
            None => (hash_model(checkpoint.path())?, self.place.dtype().as_str()),
        };
        Ok(Settings {
            weights,
            tokenizer,
            template: prompts.template.clone(),
            prompts: hash_prompts(&prompts.prompts),
            dtype: dtype.to_owned(),
            p,
            responses: self.responses,
            temperature: self.temperature,
            top_p: self.sampling().top_p,
            max_new_tokens: self.max_new_tokens.into(),
            batch: self.batch.into(),
            seed: self.seed,
            short_sets: self.server.short_sets(),
        })
    }

    fn sampling(&self) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_p: self.top_p.unwrap_or(self.p),
            greedy: false,
            max_new_tokens: self.max_new_tokens as usize,
            seed: self.seed,
        }
    }

    /// All responses of a server to the prompts of one part. Prompts and texts are all there are,
    /// and belong together one by one.
    fn ask(
        &self,
        server: &Server,
        part: &[Prompt],
        prompts: &[Prompt],
        texts: &[String],
    ) -> Result<Vec<Row>, LlmError> {
        // Numbers of records rise.
        let first = part.first().map_or(0, |prompt| prompt.number);
        let start = prompts.partition_point(|prompt| prompt.number < first);
        let texts = &texts[start..start + part.len()];
        let questions = part.iter().zip(texts).flat_map(|(prompt, text)| {
            (0..self.responses).map(move |response| Question { prompt, text, response })
        });
        let questions: Vec<Question> = questions.collect();
        answer_all(server, &questions, self.batch as usize, &stop_asked)
    }

    /// How a model on this machine answers.
    fn answers<'a>(&self, model: &'a Model, ends: &'a [u32], p: TopP) -> Answers<'a> {
        Answers {
            model,
            ends,
            p,
            sampling: self.sampling(),
            responses: self.responses,
            batch: self.batch as usize,
        }
    }
}

impl Outcome {
    fn print(&self) {
        let (summary, sizes) = (&self.summary, &self.summary.set_sizes);
        let mut table = table(&["teacher data", ""]);
        let rate = summary.tokens as f64 / self.seconds;
        table.add_row(["prompts", &self.prompts.to_string()]);
        table.add_row(["prompts that were too long", &self.too_long.to_string()]);
        table.add_row(["responses", &summary.responses.to_string()]);
        table.add_row(["tokens", &summary.tokens.to_string()]);
        table.add_row(["tokens a second", &format!("{rate:.0}")]);
        table.add_row(["bytes per token", &format!("{:.1}", summary.bytes_per_token)]);
        table.add_row(["share that ended", &format!("{:.3}", summary.ended)]);
        table.add_row(["mean captured mass", &format!("{:.4}", summary.captured_mass)]);
        if summary.short_sets > 0 {
            table.add_row(["sets that do not reach p", &summary.short_sets.to_string()]);
        }
        table.add_row(["mean set size", &format!("{:.2}", sizes.mean)]);
        let percentiles = format!("{} {} {} {}", sizes.p50, sizes.p90, sizes.p99, sizes.max);
        table.add_row(["50, 90, 99, 100 % of sets within", &percentiles]);
        say!("wrote {}\n{table}", self.file.display());
    }
}
