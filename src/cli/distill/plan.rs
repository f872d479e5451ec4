//! [`Plan`]: options, data and models put together.

use super::data::{checks, data, examples, text};
use super::numbers::PerPhase;
use super::objectives::objective;
use super::options::{Options, Outside, PhaseName, Phi, Shift};
use crate::cli::CliError;
use crate::cli::data::{FormatName, Prompts};
use crate::cli::interrupt::stop_asked;
use crate::cli::language_model::{ComputeType, DeviceName, NumberType};
use llm::evaluation::{Means, Respond, Score};
use llm::generation::{Choice, Sampling};
use llm::teacher::Prompt;
use llm::text::Tokenizer;
use llm::training::{
    AdamWSettings, Checks, Event, Example, Phase, Rhythm, Run, Trainer, TrainerSettings,
};
use llm::{Checkpoint, Compute, LlmError, Model};
use ranks::Ranks;
use std::ops::ControlFlow;
use std::path::Path;

/// A run that is ready to start.
pub struct Plan<'a> {
    phases: Vec<Phase<'a>>,
    text: Vec<Example>,
    rhythm: Rhythm,
    checks: Checks,
    dev: Option<Dev>,
}

/// What the best student is chosen by.
struct Dev {
    prompts: Vec<Prompt>,
    references: Vec<Vec<String>>,
    tokenizer: Tokenizer,
    ends: Vec<u32>,
    sampling: Sampling,
}

impl Options {
    /// With the published values, or those of this command, where nothing is given. What follows
    /// from the data stays open.
    pub fn with_defaults(self) -> Result<Self, CliError> {
        let weight = if self.text.is_some() { 1.0 } else { 0.0 };
        let defaults = Self {
            prompt: Some(FormatName::Alpaca),
            instruction_field: Some("instruction".into()),
            input_field: Some("input".into()),
            output_field: Some("output".into()),
            max_prompt_tokens: Some(256),
            max_tokens: Some(512),
            device: Some(DeviceName::default()),
            dtype: Some(NumberType::default()),
            compute: Some(ComputeType::default()),
            phases: Some(vec![PhaseName::Sft, PhaseName::Bd]),
            gamma: Some(0.99),
            phi: Some(Phi::Chi2),
            alpha: Some(0.1),
            shift: Some(Shift::VocabMax),
            q_min: Some(-10.0),
            outside: Some(Outside::Floor),
            mass_weight: Some(0.0),
            epsilon: Some(1e-8),
            teacher_mix: Some(0.2),
            clip_ratio: Some(0.2),
            length_normalise: Some(true),
            text_field: Some("text".into()),
            text_weight: Some(weight),
            text_kl: Some(0.0),
            epochs: Some(PerPhase::All(1.0)),
            batch: Some(64),
            micro_batch: Some(8),
            checkpointing: Some(false),
            learning_rate: Some(PerPhase::All(5e-6)),
            warm_up: None,
            clip: Some(1.0),
            weight_decay: Some(1e-6),
            seed: Some(1),
            save_every: Some(100),
            patience: Some(0),
            dev_limit: Some(64),
            max_new_tokens: Some(256),
            top_p: Some(1.0),
            ..Self::default()
        };
        self.or(defaults)
    }
}

impl<'a> Plan<'a> {
    /// Reads the data and puts the objectives together.
    pub fn new(
        options: &Options,
        student: &Checkpoint,
        teacher: Option<&'a Model>,
    ) -> Result<Self, CliError> {
        let tokenizer = student.tokenizer()?;
        let names = options.phases.clone().unwrap_or_default();
        let phase = |(i, &name): (usize, &PhaseName)| {
            let examples = examples(options, name, student, &tokenizer)?;
            let settings = settings(options, (i, names.len()), examples.len())?;
            let objective = objective(options, name, student, teacher)?;
            // The name is that of the flag.
            let name = clap::ValueEnum::to_possible_value(&name);
            let name = name.map(|value| value.get_name().to_owned()).unwrap_or_default();
            Ok(Phase { name, objective, examples, settings })
        };
        let phases: Vec<Phase> =
            names.iter().enumerate().map(phase).collect::<Result<_, CliError>>()?;
        let steps = phases.iter().map(|phase| phase.settings.steps).min().unwrap_or(0);
        let rhythm = Rhythm {
            save: options.save_every.unwrap_or(0),
            score: options.score_every.unwrap_or((steps / 10).max(1)),
            patience: options.patience.unwrap_or(0),
        };
        let dev = options.dev.as_deref().map(|file| Dev::read(file, options, student, &tokenizer));
        let text = options.text.as_deref().map(|file| text(file, options, student, &tokenizer));
        let text = text.transpose()?.unwrap_or_default();
        Ok(Self { phases, text, rhythm, checks: checks(options)?, dev: dev.transpose()? })
    }

    /// Whether this student can be trained so: what would otherwise be found out on the way.
    pub fn accept(&self, student: &Model) -> Result<(), CliError> {
        for Phase { examples, settings, .. } in &self.phases {
            Trainer::accept(student, (examples, &self.text), settings)?;
        }
        if let Some(dev) = &self.dev {
            Choice::new(&dev.sampling)?;
        }
        Ok(())
    }

    /// Trains `student`, which came from `checkpoint`; `false` when it was broken off. Collective.
    pub fn train(
        &self,
        ranks: &Ranks,
        out: &Path,
        (checkpoint, student): (&Checkpoint, &Model),
        watch: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<bool, CliError> {
        let run = Run::open_over(ranks, out, &self.phases, &self.text, self.rhythm)?;
        let mut run = run.with_texts_of(checkpoint).with_checks(self.checks);
        // As `bellman eval` will score it, in whatever type it is trained.
        let score = |dev: &Dev, model: &Model| Compute::F32.run(|| dev.score(ranks, model));
        let mut score = self.dev.as_ref().map(|dev| move |model: &Model| score(dev, model));
        let evaluate = score.as_mut().map(|score| score as &mut dyn FnMut(&Model) -> _);
        Ok(run.train(student, evaluate, watch)?)
    }
}

/// The numbers of a phase.
fn settings(
    options: &Options,
    (phase, phases): (usize, usize),
    examples: usize,
) -> Result<TrainerSettings, CliError> {
    let of = |numbers: &Option<PerPhase<f64>>, flag: &str, default: f64| match numbers {
        Some(numbers) => numbers.of(phase, phases, flag),
        None => Ok(default),
    };
    let epochs = of(&options.epochs, "--epochs", 1.0)?;
    if !(epochs > 0.0 && epochs.is_finite()) {
        return Err(CliError::argument(format!("{epochs} epochs"), "give a number above 0"));
    }
    let batch = options.batch.unwrap_or(64).saturating_mul(options.ranks.unwrap_or(1));
    let of_epochs = || (epochs * examples as f64 / batch.max(1) as f64).ceil() as u64;
    let steps = match &options.steps {
        Some(steps) => steps.of(phase, phases, "--steps")?,
        None => of_epochs(),
    };
    let learning_rate = of(&options.learning_rate, "--learning-rate", 5e-6)?;
    Ok(TrainerSettings {
        steps,
        batch,
        micro_batch: options.micro_batch.unwrap_or(8),
        learning_rate,
        warm_up: options.warm_up.unwrap_or((steps / 10).min(100)),
        clip: options.clip.unwrap_or(1.0),
        text_weight: options.text_weight.unwrap_or(0.0),
        text_kl: options.text_kl.unwrap_or(0.0),
        checkpointing: options.checkpointing.unwrap_or(false),
        seed: options.seed.unwrap_or(1),
        optimiser: AdamWSettings {
            weight_decay: options.weight_decay.unwrap_or(1e-6),
            ..AdamWSettings::default()
        },
    })
}

impl Dev {
    fn read(
        file: &Path,
        options: &Options,
        student: &Checkpoint,
        tokenizer: &Tokenizer,
    ) -> Result<Self, CliError> {
        let read: Prompts = data(options, options.dev_limit).prompts(file, student, tokenizer)?;
        let examples = read.scored_examples(file)?;
        let references = examples.iter().map(|record| record.outputs.clone()).collect();
        let sampling = Sampling {
            temperature: 1.0,
            top_p: options.top_p.unwrap_or(1.0),
            greedy: false,
            max_new_tokens: options.max_new_tokens.unwrap_or(256),
            seed: options.seed.unwrap_or(1),
        };
        let ends = student.end_of_sequence()?;
        let tokenizer = tokenizer.clone();
        Ok(Self { prompts: read.prompts, references, tokenizer, ends, sampling })
    }

    /// Mean Rouge-L of a model's responses, times 100.
    fn score(&self, ranks: &Ranks, model: &Model) -> Result<f64, LlmError> {
        let watch = &mut |_| {
            if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let Self { tokenizer, ends, sampling, .. } = self;
        // A part for each rank, as far as memory goes.
        let batch = self.prompts.len().div_ceil(ranks.size()).clamp(1, 64);
        let respond = Respond { model, tokenizer, ends, sampling, batch };
        // As `bellman eval` scores it. Drawing also takes longer in bf16: a weight is rounded anew for
        // each token.
        let texts = Compute::F32.run(|| respond.over(ranks, &self.prompts, watch))?;
        // A response has at most as many words as tokens were asked for, which is few.
        let scores = texts.iter().zip(&self.references).filter_map(|(t, r)| Score::of(t, r).ok());
        Ok(Means::of(&scores.collect::<Vec<_>>()).rouge_l)
    }
}
