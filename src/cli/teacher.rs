//! `bellman generate`: a teacher answers prompts; its answers are kept with its candidate sets.

use super::data::{DataArguments, FormatName, Prompts};
use super::interrupt::{Listening, stop_asked};
use super::language_model::{ComputeType, Place};
use super::output::{print_json, say, table};
use super::progress::bar_of;
use super::served::ServerArguments;
use super::texts::{TextArguments, Texts};
use super::{CliError, End};
use clap::Args;
use indicatif::ProgressBar;
use llm::generation::Sampling;
use llm::teacher::server::{Asked, Question, Server, answer_all};
use llm::teacher::{
    Answers, Prompt, Row, SERVED, Settings, Summary, TEXTS, fill_over, hash_file, hash_model,
    read_texts,
};
use llm::text::{Message, Record};
use llm::{Checkpoint, LlmError, Mode, Model};
use operators::TopP;
use ranks::Ranks;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Sample responses of a teacher and store its candidate sets along them.
///
/// With --texts nothing is sampled: the sets are those along texts that are there.
///
/// Writes DIR/teacher.parquet. A run that was stopped, even by `kill -9`, goes on where it was when
/// it is started again; the same arguments give the same file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman generate --teacher smollm2.gguf --prompts train.jsonl --out teacher --limit 1000
  bellman generate --teacher smollm2.gguf --prompts train.jsonl --out teacher --prompt chat --p 0.9
  bellman generate --teacher smollm2.gguf --texts plain.jsonl --out plain --p 0.95
  bellman generate --server http://gpu:8000 --tokenizer q.gguf --prompts train.jsonl --out teacher")]
pub struct Generate {
    /// A folder with config.json and safetensors, a .gguf file, or a name on the Hugging Face hub
    #[arg(
        long,
        value_name = "MODEL",
        required_unless_present = "server",
        conflicts_with = "server"
    )]
    pub(super) teacher: Option<String>,
    #[command(flatten)]
    pub(super) server: ServerArguments,
    #[command(flatten)]
    pub(super) place: Place,
    /// The type in which f32 weights are multiplied; bf16 is fast on GPUs and with AVX512-BF16
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    pub(super) compute: ComputeType,
    /// A data set in JSON Lines
    #[arg(long, value_name = "FILE", required_unless_present = "texts")]
    pub(super) prompts: Option<PathBuf>,
    #[command(flatten)]
    pub(super) data: DataArguments,
    #[command(flatten)]
    pub(super) texts: TextArguments,
    /// Where to write; made if need be
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// The mass p of the candidate sets
    #[arg(long, default_value_t = 0.8, allow_negative_numbers = true)]
    pub(super) p: f64,
    /// Responses to each prompt
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) responses: u32,
    /// What logits are divided by when sampling
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(super) temperature: f64,
    /// The mass of the set that is sampled from [default: that of the candidate sets]
    #[arg(long, allow_negative_numbers = true)]
    pub(super) top_p: Option<f64>,
    /// Where a response is cut off
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_new_tokens: u32,
    /// Responses computed at once, or asked of a server at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(super) batch: u32,
    /// The seed of the draws
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub(super) json: bool,
}

/// Who answers.
enum Teacher {
    /// A model on this machine, with the tokens that end its responses.
    Here(Model, Vec<u32>),
    /// A model behind a server, which is sent the prompts as texts or as messages.
    Served(Server, Sent),
    /// A model on this machine, which reads texts.
    Reader(Model, Texts),
}

/// The prompts as a server is sent them, one by one.
enum Sent {
    Texts(Vec<String>),
    Conversations(Vec<Vec<Message>>),
}

impl Sent {
    fn asked(&self, place: usize) -> Asked<'_> {
        match self {
            Self::Texts(texts) => Asked::Text(&texts[place]),
            Self::Conversations(all) => Asked::Messages(&all[place]),
        }
    }
}

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    file: PathBuf,
    prompts: usize,
    too_long: usize,
    seconds: f64,
    #[serde(flatten)]
    pub(super) summary: Summary,
}

impl Generate {
    /// Runs it, by all processes that were started: each answers some of the prompts.
    pub fn run(self, ranks: &Ranks) -> Result<End, CliError> {
        let listening = Listening::start();
        let outcome = self.answer(ranks, |prompts| bar_of(prompts, "prompts"))?;
        drop(listening);
        let Some(outcome) = outcome else {
            say!("stopped; the same command goes on from here");
            return Ok(End::Interrupted);
        };
        if self.json {
            print_json(&outcome)?
        } else {
            outcome.print()
        }
        Ok(End::Fine)
    }

    /// Answers all prompts, on a bar of so many; nothing when asked to stop. Collective.
    pub(super) fn answer(
        &self,
        ranks: &Ranks,
        bar: impl FnOnce(usize) -> ProgressBar,
    ) -> Result<Option<Outcome>, CliError> {
        let p = TopP::new(self.p)?;
        let compute = self.compute.at(&self.place)?;
        let name = self.server.tokenizer().or(self.teacher.as_deref()).unwrap_or_default();
        let checkpoint = Checkpoint::open(&llm::hub::resolve(name)?)?;
        let tokenizer = checkpoint.tokenizer()?;
        let texts = self.texts.read(self.data.limit, &checkpoint, &tokenizer)?;
        let mut prompts = match (&texts, &self.prompts) {
            (Some(texts), _) => Prompts::of_texts(texts),
            // One of the two is there.
            (None, file) => self.asked(file.as_deref().unwrap_or(Path::new("")), &checkpoint)?,
        };
        let ends = checkpoint.end_of_sequence()?;
        let server = self.server.connect(&tokenizer, &ends, p, self.sampling())?;
        let settings =
            self.settings(p, &checkpoint, server.as_ref(), &prompts, tokenizer.hash())?;
        let load = || -> Result<Model, CliError> {
            let (dtype, device) = (self.place.dtype(), self.place.device()?);
            let model = checkpoint.model(dtype, &device, Mode::Frozen)?;
            Ok(model.within(tokenizer.size())?)
        };
        let teacher = match (server, texts) {
            (Some(server), _) => Teacher::Served(server, self.sent(&mut prompts)?),
            (None, Some(texts)) => Teacher::Reader(load()?, texts),
            (None, None) => Teacher::Here(load()?, ends),
        };
        let bar = bar(prompts.prompts.len());
        let started = Instant::now();
        let cache = fill_over(
            ranks,
            &self.out,
            &settings,
            &prompts.prompts,
            &tokenizer.vocabulary(),
            |part| match &teacher {
                Teacher::Here(model, ends) => {
                    compute.run(|| self.answers(model, ends, p).rows(part, &stop_asked))
                }
                Teacher::Served(server, sent) => self.ask(server, part, &prompts.prompts, sent),
                Teacher::Reader(model, texts) => compute.run(|| {
                    read_texts(model, texts.part(part), p, self.batch as usize, &stop_asked)
                }),
            },
            |answered| {
                bar.set_position(answered as u64);
                if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        bar.finish_and_clear();
        let cache = match cache {
            Ok(Some(cache)) => cache,
            Ok(None) | Err(LlmError::Stopped) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if let Teacher::Served(server, _) = &teacher
            && server.withheld() > 0
        {
            let responses = server.withheld();
            say!(
                "{responses} responses ended without their last token in the reply; they count as cut off"
            );
        }
        Ok(Some(Outcome {
            file: cache.path().to_path_buf(),
            prompts: prompts.prompts.len(),
            too_long: prompts.too_long,
            seconds: started.elapsed().as_secs_f64(),
            summary: Summary::of(&cache)?,
        }))
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
            Some(server) => (server.hash(), SERVED),
            None if self.compute == ComputeType::Bf16 => {
                (hash_model(checkpoint.path())?, "f32, products in bf16")
            }
            None => (hash_model(checkpoint.path())?, self.place.dtype().as_str()),
        };
        let source = self.prompts.as_deref().or(self.texts.texts.as_deref());
        let settings = Settings {
            weights,
            tokenizer,
            template: prompts.template.clone(),
            prompts: prompts.hash.clone(),
            dtype: dtype.to_owned(),
            p,
            responses: self.responses,
            temperature: self.temperature,
            top_p: self.sampling().top_p,
            max_new_tokens: self.max_new_tokens.into(),
            batch: self.batch.into(),
            seed: self.seed,
            short_sets: self.server.short_sets(),
            source: source.map(hash_file).transpose()?,
        };
        if prompts.template != TEXTS {
            return Ok(settings);
        }
        // Nothing is sampled.
        let (max_new_tokens, prompts) = (self.texts.max_tokens(), prompts.hash.clone());
        Ok(Settings {
            prompts,
            responses: 1,
            temperature: 0.0,
            top_p: 1.0,
            max_new_tokens,
            seed: 0,
            ..settings
        })
    }

    /// The prompts of a file.
    fn asked(&self, file: &Path, checkpoint: &Checkpoint) -> Result<Prompts, CliError> {
        let prompts = self.data.prompts(file, checkpoint, &checkpoint.tokenizer()?)?;
        if prompts.prompts.is_empty() {
            let what = format!("{} holds no prompt that is short enough", file.display());
            return Err(CliError::argument(what, "raise `--max-prompt-tokens`"));
        }
        Ok(prompts)
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

    /// The prompts as the server is sent them.
    fn sent(&self, prompts: &mut Prompts) -> Result<Sent, CliError> {
        if !self.server.sends_messages() {
            return Ok(Sent::Texts(std::mem::take(&mut prompts.texts)));
        }
        if self.data.prompt != FormatName::Chat {
            let what = "`--server-api chat` sends messages, of which the server makes a chat";
            return Err(CliError::argument(what, "give `--prompt chat`"));
        }
        let all = prompts.examples().into_iter().map(Record::conversation);
        Ok(Sent::Conversations(all.collect()))
    }

    /// All responses of a server to the prompts of one part. Prompts and what is sent are all there
    /// are, and belong together one by one.
    fn ask(
        &self,
        server: &Server,
        part: &[Prompt],
        prompts: &[Prompt],
        sent: &Sent,
    ) -> Result<Vec<Row>, LlmError> {
        // Numbers of records rise.
        let first = part.first().map_or(0, |prompt| prompt.number);
        let start = prompts.partition_point(|prompt| prompt.number < first);
        let questions = part.iter().zip(start..).flat_map(|(prompt, place)| {
            let asked = sent.asked(place);
            (0..self.responses).map(move |response| Question { prompt, asked, response })
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
