//! [`Plan`]: options, data and models put together.

use super::options::{Every, Mass, Options, Outside, PerPhase, PhaseName, Phi, Shift};
use crate::cli::CliError;
use crate::cli::data::{DataArguments, FormatName, Prompts, template_name};
use crate::cli::interrupt::stop_asked;
use crate::cli::texts::{end_of, pieces};
use llm::evaluation::{Means, Respond, Score};
use llm::generation::Sampling;
use llm::teacher::{Cache, Expected, Prompt, TEXTS, hash_model};
use llm::text::Tokenizer;
use llm::training::{
    AdamWSettings, BellmanLoss, Checks, Event, Example, Objective, OnPolicyLoss, Phase, Rhythm,
    Run, SparseShift, TrainerSettings, WholeLoss,
};
use llm::{Checkpoint, LlmError, Model};
use operators::{BellmanDistill, Budget, Discount, OnPolicy, Released, TopP};
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
            let settings = settings(options, name, (i, names.len()), examples.len())?;
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
        let mut score = self.dev.as_ref().map(|dev| |model: &Model| dev.score(ranks, model));
        let evaluate = score.as_mut().map(|score| score as &mut dyn FnMut(&Model) -> _);
        Ok(run.train(student, evaluate, watch)?)
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
        let end = end_of(student, tokenizer)?;
        let records = prompts.examples();
        let pairs: Vec<(&[u32], _)> =
            prompts.prompts.iter().map(|p| &p.tokens[..]).zip(records).collect();
        return Ok(Example::of_outputs(&pairs, tokenizer, end, longest)?);
    }
    if let (PhaseName::Minillm, None) = (phase, &options.cache) {
        let file = needed(options.train.as_deref(), phase, "--cache FILE` or `--train FILE")?;
        let prompts = data(options, options.limit).prompts(file, student, tokenizer)?.prompts;
        return Ok(Example::of_prompts(prompts.into_iter().map(|p| p.tokens), longest));
    }
    let cache = cache(options, phase, student, tokenizer)?;
    if phase == PhaseName::Minillm {
        let rows = cache.rows()?.map(|row| Ok(row?.prompt_tokens));
        return Ok(Example::of_prompts(rows.collect::<Result<Vec<_>, LlmError>>()?, longest));
    }
    if takes_every_token(options, phase) {
        // The sets of the cache, whatever their p, do not enter.
        return Ok(Example::of_cache(&cache, longest)?);
    }
    if let Some(budget) = budget(options)? {
        return Ok(Example::of_cache_within(&cache, longest, budget)?);
    }
    let p = mass(options, &cache)?;
    Ok(Example::of_cache(&cache.at_p(p)?, longest)?)
}

/// Whether the sets of a phase hold every token: nothing of them has to be stored.
fn takes_every_token(options: &Options, phase: PhaseName) -> bool {
    phase == PhaseName::Bd && options.p == Some(Mass::Fixed(1.0))
}

/// The mass of the candidate sets, where it is the same in all of them.
fn mass(options: &Options, cache: &Cache) -> Result<TopP, CliError> {
    Ok(match options.p {
        Some(Mass::Fixed(p)) => TopP::new(p)?,
        _ => cache.settings().p,
    })
}

/// What is checked. Sets that a server has cut short need not carry p, those of the adaptive rule
/// have no p in common, and where every token is a candidate there are none.
fn checks(options: &Options) -> Result<Checks, CliError> {
    let Some(Every(every)) = options.check else { return Ok(Checks::default()) };
    let fixed = !matches!(options.p, Some(Mass::Rule(_))) && options.p != Some(Mass::Fixed(1.0));
    let file = options.cache.as_deref().filter(|_| fixed);
    let cache = file.map(|file| Cache::open(file, &Expected::anything()));
    let whole = cache.transpose()?.filter(|cache| !cache.settings().short_sets);
    Ok(Checks { every, p: whole.map(|cache| mass(options, &cache)).transpose()? })
}

/// The teacher data of a phase.
fn cache(
    options: &Options,
    phase: PhaseName,
    student: &Checkpoint,
    tokenizer: &Tokenizer,
) -> Result<Cache, CliError> {
    let file = needed(options.cache.as_deref(), phase, "--cache FILE")?;
    let cache = Cache::open(file, &Expected::anything())?;
    if cache.settings().template == TEXTS {
        let what = format!("{} holds texts, and no responses to prompts", file.display());
        return Err(CliError::argument(what, "give it as `--text`"));
    }
    let template = data(options, None).template(student)?;
    cache.check(&Expected::anything().template(&template_name(template.as_ref())))?;
    // A server does not show its weights.
    if let Some(teacher) = options.teacher.as_deref().filter(|_| !cache.settings().served()) {
        let weights = hash_model(&llm::hub::resolve(teacher)?)?;
        cache.check(&Expected::anything().weights(&weights))?;
    }
    cache.agree(tokenizer)?;
    Ok(cache)
}

/// The budget of the adaptive rule, where it was asked for.
fn budget(options: &Options) -> Result<Option<Budget>, CliError> {
    let asked = matches!(options.p, Some(Mass::Rule(_)));
    let epsilon = match (asked, options.budget) {
        (true, Some(epsilon)) => epsilon,
        (true, None) => {
            let help =
                "give `--budget NATS`; `bellman plan --cache` shows what it does to the sets";
            return Err(CliError::argument(
                "an adaptive p spends a budget, and there is none",
                help,
            ));
        }
        (false, None) if options.horizon.is_none() => return Ok(None),
        (false, _) => {
            let what = "a budget or a horizon without the rule that they belong to";
            return Err(CliError::argument(what, "give `--p adaptive`, or leave them out"));
        }
    };
    if !(epsilon >= 0.0 && epsilon.is_finite()) {
        let what = format!("a budget of {epsilon} nats");
        return Err(CliError::argument(what, "give a number of at least 0"));
    }
    let gamma = Discount::new(options.gamma.unwrap_or(0.99))?;
    let budget = Budget::new(epsilon, gamma);
    match options.horizon {
        Some(horizon) => Ok(Some(budget.within(horizon))),
        None if gamma.is_contracting() => Ok(Some(budget)),
        None => {
            let what = "a budget at γ = 1 for responses that need not end";
            Err(CliError::argument(what, "give `--horizon N`, or a γ below 1"))
        }
    }
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

/// Plain text in pieces no longer than the longest example.
fn text(
    file: &Path,
    options: &Options,
    student: &Checkpoint,
    tokenizer: &Tokenizer,
) -> Result<Vec<Example>, CliError> {
    let longest = options.max_tokens.unwrap_or(512);
    if file.extension().is_some_and(|end| end == "parquet") {
        let expected = Expected::anything().template(TEXTS);
        let cache = Cache::open(file, &expected)?;
        cache.agree(tokenizer)?;
        return Ok(Example::of_cache(&cache, longest)?);
    }
    if options.text_kl.is_some_and(|share| share != 0.0) {
        let what = format!("{} does not say what a teacher thinks of it", file.display());
        let help = "give `--text` what `bellman generate --texts` has written";
        return Err(CliError::argument(what, help));
    }
    let field = options.text_field.as_deref().unwrap_or("text");
    pieces(file, field, student, tokenizer, longest)
}

/// The numbers of a phase.
fn settings(
    options: &Options,
    name: PhaseName,
    (phase, phases): (usize, usize),
    examples: usize,
) -> Result<TrainerSettings, CliError> {
    let own = |of_sft: Option<f64>, all: &Option<PerPhase<f64>>, flag: &str, default: f64| match (
        of_sft.filter(|_| name == PhaseName::Sft),
        all,
    ) {
        (Some(number), _) => Ok(number),
        (None, Some(all)) => all.of(phase, phases, flag),
        (None, None) => Ok(default),
    };
    let epochs = own(options.sft_epochs, &options.epochs, "--epochs", 1.0)?;
    if !(epochs > 0.0 && epochs.is_finite()) {
        return Err(CliError::argument(format!("{epochs} epochs"), "give a number above 0"));
    }
    let batch = options.batch.unwrap_or(64).saturating_mul(options.ranks.unwrap_or(1));
    let of_epochs = || (epochs * examples as f64 / batch.max(1) as f64).ceil() as u64;
    let steps = match &options.steps {
        Some(steps) => steps.of(phase, phases, "--steps")?,
        None => of_epochs(),
    };
    let rate = (options.sft_learning_rate, &options.learning_rate);
    let learning_rate = own(rate.0, rate.1, "--learning-rate", 5e-6)?;
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

fn objective<'a>(
    options: &Options,
    phase: PhaseName,
    student: &Checkpoint,
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
        PhaseName::Bd if takes_every_token(options, phase) => {
            let BellmanLoss { settings, shift, .. } = bellman(options)?;
            Objective::BellmanWhole(WholeLoss { settings, shift })
        }
        PhaseName::Bd => Objective::Bellman(bellman(options)?),
        PhaseName::BdReleased => {
            let settings = bellman(options)?.settings;
            let p = match options.p {
                Some(Mass::Fixed(p)) => TopP::new(p)?,
                Some(Mass::Rule(_)) => {
                    let what = "bd-released divides by one p, and an adaptive rule has many";
                    return Err(CliError::argument(what, "give `--p P`, or leave the phase out"));
                }
                None => cache(options, phase, student, &student.tokenizer()?)?.settings().p,
            };
            Objective::Released(Released::new(settings, p, options.epsilon.unwrap_or(1e-8))?)
        }
        PhaseName::Kd => Objective::ForwardKl(teacher()?),
        PhaseName::KdCandidates => Objective::CandidateKl,
        PhaseName::ReverseKl => Objective::ReverseKl(teacher()?),
        PhaseName::Minillm => Objective::OnPolicy(OnPolicyLoss {
            teacher: teacher()?,
            settings: OnPolicy::new(
                options.teacher_mix.unwrap_or(0.2),
                options.clip_ratio.unwrap_or(0.2),
                options.length_normalise.unwrap_or(true),
            )?,
            ends: student.end_of_sequence()?,
            max_new_tokens: options.max_new_tokens.unwrap_or(256),
            longest: options.max_tokens.unwrap_or(usize::MAX),
        }),
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
        let respond = Respond { model, tokenizer, ends, sampling, batch: 16 };
        let texts = respond.over(ranks, &self.prompts, watch)?;
        // A response has at most as many words as tokens were asked for, which is few.
        let scores = texts.iter().zip(&self.references).filter_map(|(t, r)| Score::of(t, r).ok());
        Ok(Means::of(&scores.collect::<Vec<_>>()).rouge_l)
    }
}
