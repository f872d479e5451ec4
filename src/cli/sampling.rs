//! The arguments of commands that sample from the projected teacher themselves.

use super::CliError;
use super::data::DataArguments;
use super::interrupt::{Listening, stop_asked};
use super::language_model::Place;
use super::progress::bar_of;
use clap::Args;
use llm::gap::Sample;
use llm::generation::Sampling;
use llm::teacher::{Answers, PROMPTS_PER_PART, Prompt};
use llm::{Checkpoint, LlmError, Mode, Model};
use operators::{Discount, TopP};
use std::path::PathBuf;

/// A teacher, prompts for it, and how many responses.
#[derive(Debug, Args)]
pub struct TeacherArguments {
    /// A folder with config.json and safetensors, a .gguf file, or a name on the Hugging Face hub
    #[arg(long, value_name = "MODEL", requires = "prompts")]
    pub teacher: Option<String>,
    #[command(flatten)]
    place: Place,
    /// A data set in JSON Lines
    #[arg(long, value_name = "FILE", requires = "teacher")]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    /// Responses to each prompt
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    responses: u32,
    /// Where a response is cut off
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_new_tokens: u32,
    /// Responses computed at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// The seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// A teacher that is loaded, with its prompts.
pub struct Sampler<'a> {
    arguments: &'a TeacherArguments,
    model: Model,
    ends: Vec<u32>,
    prompts: Vec<Prompt>,
    /// How many prompts were too long.
    pub too_long: usize,
}

impl TeacherArguments {
    /// The most tokens of a response, if a teacher was named.
    pub fn longest(&self) -> Option<u64> {
        self.teacher.is_some().then_some(self.max_new_tokens.into())
    }

    /// The teacher, if one was named.
    pub fn open(&self) -> Result<Option<Sampler<'_>>, CliError> {
        let (Some(name), Some(file)) = (&self.teacher, &self.prompts) else { return Ok(None) };
        let checkpoint = Checkpoint::open(&llm::hub::resolve(name)?)?;
        let tokenizer = checkpoint.tokenizer()?;
        let prompts = self.data.prompts(file, &checkpoint, &tokenizer)?;
        if prompts.prompts.is_empty() {
            let what = format!("{} holds no prompt that is short enough", file.display());
            return Err(CliError::argument(what, "raise `--max-prompt-tokens`"));
        }
        let ends = checkpoint.end_of_sequence()?;
        let model = checkpoint.model(self.place.dtype(), &self.place.device()?, Mode::Frozen)?;
        let model = model.within(tokenizer.size())?;
        let (prompts, too_long) = (prompts.prompts, prompts.too_long);
        Ok(Some(Sampler { arguments: self, model, ends, prompts, too_long }))
    }
}

impl Sampler<'_> {
    /// Responses of the teacher that is projected to sets of mass p; `None` when Ctrl-C was
    /// pressed. They are those that `bellman generate` gives with the same arguments.
    pub fn sample(&self, p: TopP, gamma: Discount) -> Result<Option<Sample>, CliError> {
        let most = self.arguments.max_new_tokens as usize;
        let sampling = Sampling {
            temperature: 1.0,
            top_p: p.get(),
            greedy: false,
            max_new_tokens: most,
            seed: self.arguments.seed,
        };
        let answers = Answers {
            model: &self.model,
            ends: &self.ends,
            p,
            sampling,
            responses: self.arguments.responses,
            batch: self.arguments.batch as usize,
        };
        let _listening = Listening::start();
        let bar = bar_of(self.prompts.len(), "prompts");
        let mut sample = Sample::new(gamma, p, most);
        for part in self.prompts.chunks(PROMPTS_PER_PART) {
            match answers.rows(part, &stop_asked) {
                Ok(rows) => {
                    rows.iter().try_for_each(|row| sample.add(row)).map_err(LlmError::from)?
                }
                Err(LlmError::Stopped) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            bar.inc(part.len() as u64);
        }
        bar.finish_and_clear();
        Ok(Some(sample))
    }
}
