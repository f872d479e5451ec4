//! [`Plan`]: options, data and models put together.

use super::options::{Options, Outside, PhaseName, Phi, Shift};
use super::watch::Watch;
use crate::cli::CliError;
use crate::cli::data::{DataArguments, FormatName, Prompts, template_name};
use crate::cli::interrupt::stop_asked;
use llm::evaluation::{Means, Score, respond};
use llm::generation::Sampling;
use llm::teacher::{Cache, Expected, Prompt, hash_model};
use llm::text::Tokenizer;
use llm::training::{
    AdamWSettings, BellmanLoss, Example, Objective, Phase, Rhythm, Run, SparseShift,
    TrainerSettings,
};
use llm::{Checkpoint, LlmError, Model};
use operators::{BellmanDistill, Discount, Released, TopP};
use std::ops::ControlFlow;
use std::path::Path;

/// A run that is ready to start.
pub struct Plan<'a> {
    phases: Vec<Phase<'a>>,
    text: Vec<Example>,
    rhythm: Rhythm,
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
            phases: Some(vec![PhaseName::Sft, PhaseName::Bd]),
            gamma: Some(0.99),
            phi: Some(Phi::Chi2),
            alpha: Some(0.1),
            shift: Some(Shift::VocabMax),
            q_min: Some(-10.0),
            outside: Some(Outside::Floor),
            mass_weight: Some(0.0),
            epsilon: Some(1e-8),
            text_weight: Some(weight),
            epochs: Some(1.0),
            batch: Some(64),
            micro_batch: Some(8),
            learning_rate: Some(5e-6),
            warm_up: None,
            clip: Some(1.0),
            weight_decay: Some(1e-6),
            seed: Some(1),
            save_every: Some(100),
            patience: Some(0),
            dev_limit: Some(64),
            max_new_tokens: Some(256),
            top_p: Some(1.0),
            check_every: Some(0),
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
        let phase = |&name: &PhaseName| {
            let examples = examples(options, name, student, &tokenizer)?;
            let settings = settings(options, name, examples.len())?;
            let objective = objective(options, name, teacher)?;
            // The name is that of the flag.
            let name = clap::ValueEnum::to_possible_value(&name);
            let name = name.map(|value| value.get_name().to_owned()).unwrap_or_default();
            Ok(Phase { name, objective, examples, settings })
        };
        let phases: Vec<Phase> = names.iter().map(phase).collect::<Result<_, CliError>>()?;
        let steps = phases.iter().map(|phase| phase.settings.steps).min().unwrap_or(0);
        let rhythm = Rhythm {
            save: options.save_every.unwrap_or(0),
            score: options.score_every.unwrap_or((steps / 10).max(1)),
            patience: options.patience.unwrap_or(0),
        };
        let dev = options.dev.as_deref().map(|file| Dev::read(file, options, student, &tokenizer));
        let text = options.text.as_deref().map(|file| text(file, options, &tokenizer));
        let text = text.transpose()?.unwrap_or_default();
        Ok(Self { phases, text, rhythm, dev: dev.transpose()? })
    }

    /// Trains `student`; `false` when it was broken off.
    pub fn train(&self, out: &Path, student: &Model, watch: &mut Watch) -> Result<bool, CliError> {
        let mut run = Run::open(out, &self.phases, &self.text, self.rhythm)?;
        let mut score = self.dev.as_ref().map(|dev| |model: &Model| dev.score(model));
        let evaluate = score.as_mut().map(|score| score as &mut dyn FnMut(&Model) -> _);
        Ok(run.train(student, evaluate, &mut |event| watch.event(event))?)
    }
}

/// What a phase is trained on.
fn examples(
    options: &Options,
    phase: PhaseName,
    student: &Checkpoint,
    tokenizer: &Tokenizer,
) -> Result<Vec<Example>, CliError> {
    let longest = options.max_tokens.unwrap_or(usize::MAX);
    if phase == PhaseName::Sft {
        let file = needed(options.train.as_deref(), phase, "--train FILE")?;
        let prompts = data(options, options.limit).prompts(file, student, tokenizer)?;
        let ends = student.end_of_sequence()?;
        let end = *ends.first().ok_or_else(|| {
            CliError::argument("the student has no end-of-sequence token", "name it in config.json")
        })?;
        let records = prompts.examples();
        let pairs: Vec<(&[u32], _)> =
            prompts.prompts.iter().map(|p| &p.tokens[..]).zip(records).collect();
        return Ok(Example::of_outputs(&pairs, tokenizer, end, longest)?);
    }
    let file = needed(options.cache.as_deref(), phase, "--cache FILE")?;
    let cache = agreeing(file, options, student, tokenizer)?;
    let p = options.p.map(TopP::new).transpose()?.unwrap_or(cache.settings().p);
    Ok(Example::of_cache(&cache.at_p(p)?, longest)?)
}

/// Teacher data that belongs to the prompts, the teacher and the student of a run.
fn agreeing(
    file: &Path,
    options: &Options,
    student: &Checkpoint,
    tokenizer: &Tokenizer,
) -> Result<Cache, CliError> {
    let template = data(options, None).template(student)?;
    let expected = Expected::anything().template(&template_name(template.as_ref()));
    let cache = Cache::open(file, &expected)?;
    // A server does not show its weights.
    if let Some(teacher) = options.teacher.as_deref().filter(|_| !cache.settings().served()) {
        let weights = hash_model(&llm::hub::resolve(teacher)?)?;
        cache.check(&Expected::anything().weights(&weights))?;
    }
    cache.agree(tokenizer)?;
    Ok(cache)
}

/// A file that a phase cannot do without.
fn needed<'a>(file: Option<&'a Path>, phase: PhaseName, flag: &str) -> Result<&'a Path, CliError> {
    file.ok_or_else(|| {
        let what = format!("phase {phase:?} has no data");
        CliError::argument(what, format!("give `{flag}`, or leave the phase out of `--phases`"))
    })
}

fn data(options: &Options, limit: Option<usize>) -> DataArguments {
    let field = |name: &Option<String>| name.clone().unwrap_or_default();
    DataArguments {
        prompt: options.prompt.unwrap_or(FormatName::Alpaca),
        limit,
        max_prompt_tokens: options.max_prompt_tokens.unwrap_or(usize::MAX),
        instruction_field: field(&options.instruction_field),
        input_field: field(&options.input_field),
        output_field: field(&options.output_field),
    }
}

/// Plain text in pieces as long as the longest example.
fn text(file: &Path, options: &Options, tokenizer: &Tokenizer) -> Result<Vec<Example>, CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| LlmError::File { path: file.to_path_buf(), source })?;
    let tokens = tokenizer.encode(&text)?;
    Ok(Example::of_text(&tokens, options.max_tokens.unwrap_or(512)))
}

/// The numbers of a phase.
fn settings(
    options: &Options,
    phase: PhaseName,
    examples: usize,
) -> Result<TrainerSettings, CliError> {
    let is_sft = phase == PhaseName::Sft;
    let own = |of_sft: Option<f64>, of_all: Option<f64>| of_sft.filter(|_| is_sft).or(of_all);
    let epochs = own(options.sft_epochs, options.epochs).unwrap_or(1.0);
    if !(epochs > 0.0 && epochs.is_finite()) {
        return Err(CliError::argument(format!("{epochs} epochs"), "give a number above 0"));
    }
    let batch = options.batch.unwrap_or(64);
    let of_epochs = || (epochs * examples as f64 / batch.max(1) as f64).ceil() as u64;
    let steps = options.steps.unwrap_or_else(of_epochs);
    let learning_rate = own(options.sft_learning_rate, options.learning_rate).unwrap_or(5e-6);
    Ok(TrainerSettings {
        steps,
        batch,
        micro_batch: options.micro_batch.unwrap_or(8),
        learning_rate,
        warm_up: options.warm_up.unwrap_or((steps / 10).min(100)),
        clip: options.clip.unwrap_or(1.0),
        text_weight: options.text_weight.unwrap_or(0.0),
        seed: options.seed.unwrap_or(1),
        optimiser: AdamWSettings {
            weight_decay: options.weight_decay.unwrap_or(1e-6),
            ..AdamWSettings::default()
        },
    })
}

fn objective<'a>(
    options: &Options,
    phase: PhaseName,
    teacher: Option<&'a Model>,
) -> Result<Objective<'a>, CliError> {
    let teacher = || {
        teacher.ok_or_else(|| {
            let what = format!("phase {phase:?} needs the teacher's whole distribution");
            CliError::argument(what, "give `--teacher MODEL`; kd-candidates needs only the cache")
        })
    };
    Ok(match phase {
        PhaseName::Sft | PhaseName::Seqkd => Objective::CrossEntropy,
        PhaseName::Bd => Objective::Bellman(bellman(options)?),
        PhaseName::BdReleased => {
            let settings = bellman(options)?.settings;
            let p = TopP::new(options.p.unwrap_or(0.8))?;
            Objective::Released(Released::new(settings, p, options.epsilon.unwrap_or(1e-8))?)
        }
        PhaseName::Kd => Objective::ForwardKl(teacher()?),
        PhaseName::KdCandidates => Objective::CandidateKl,
        PhaseName::ReverseKl => Objective::ReverseKl(teacher()?),
    })
}

fn bellman(options: &Options) -> Result<BellmanLoss, CliError> {
    let shift = match options.shift.unwrap_or(Shift::VocabMax) {
        Shift::VocabMax => SparseShift::VocabMax,
        Shift::CandidateMax => SparseShift::CandidateMax,
        Shift::LogSoftmax => SparseShift::LogSoftmax,
        Shift::None => SparseShift::Zero,
    };
    let phi = match options.phi.unwrap_or(Phi::Chi2) {
        Phi::Chi2 => operators::Phi::chi2(options.alpha.unwrap_or(0.1))?,
        Phi::Identity => operators::Phi::Identity,
    };
    let (q_min, mass_weight) = (options.q_min.unwrap_or(-10.0), options.mass_weight.unwrap_or(0.0));
    if !(q_min.is_finite() && mass_weight.is_finite()) {
        let what = format!("a floor of {q_min} and a weight of {mass_weight}");
        return Err(CliError::argument(what, "give finite numbers"));
    }
    let gamma = Discount::new(options.gamma.unwrap_or(0.99))?;
    Ok(BellmanLoss {
        settings: BellmanDistill { gamma, phi, shift: operators::Shift::VocabMax, q_min },
        shift,
        outside: match options.outside.unwrap_or(Outside::Floor) {
            Outside::Floor => llm::training::Outside::Floor,
            Outside::Drop => llm::training::Outside::Drop,
        },
        mass_weight,
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
        let references = read.examples().iter().map(|record| record.outputs.clone()).collect();
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
    fn score(&self, model: &Model) -> Result<f64, LlmError> {
        const BATCH: usize = 16;
        let watch = &mut |_| {
            if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let texts = respond(
            model,
            &self.tokenizer,
            &self.prompts,
            &self.ends,
            &self.sampling,
            BATCH,
            watch,
        )?;
        // A response has at most as many words as tokens were asked for, which is few.
        let scores = texts.iter().zip(&self.references).filter_map(|(t, r)| Score::of(t, r).ok());
        Ok(Means::of(&scores.collect::<Vec<_>>()).rouge_l)
    }
}
