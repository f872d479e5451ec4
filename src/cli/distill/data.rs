//! What a phase is trained on: records, teacher data, texts.

use super::numbers::Mass;
use super::options::{Every, Options, PhaseName};
use crate::cli::CliError;
use crate::cli::data::{DataArguments, FormatName, template_name};
use crate::cli::texts::{end_of, pieces};
use llm::teacher::{Cache, Expected, TEXTS, hash_model};
use llm::text::Tokenizer;
use llm::training::{Checks, Example};
use llm::{Checkpoint, LlmError};
use operators::{Budget, Discount, TopP};
use std::path::Path;

/// What a phase is trained on.
pub fn examples(
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
    let no_sets = matches!(phase, PhaseName::Seqkd | PhaseName::Kd | PhaseName::ReverseKl);
    if no_sets || takes_every_token(options, phase) {
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
pub fn takes_every_token(options: &Options, phase: PhaseName) -> bool {
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
/// have no p in common, and at p = 1 Bellman Distill has none.
pub fn checks(options: &Options) -> Result<Checks, CliError> {
    let Some(Every(every)) = options.check else { return Ok(Checks::default()) };
    let fixed = !matches!(options.p, Some(Mass::Rule(_))) && options.p != Some(Mass::Fixed(1.0));
    let file = options.cache.as_deref().filter(|_| fixed);
    let cache = file.map(|file| Cache::open(file, &Expected::anything()));
    let whole = cache.transpose()?.filter(|cache| !cache.settings().short_sets);
    // Objectives without sets of their own take a cache of any p.
    let least = |cache: Cache| {
        let (asked, stored) = (mass(options, &cache)?, cache.settings().p);
        Ok::<_, CliError>(if asked < stored { asked } else { stored })
    };
    Ok(Checks { every, p: whole.map(least).transpose()? })
}

/// The teacher data of a phase.
pub fn cache(
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
    same_teacher(&cache, options)?;
    cache.agree(tokenizer)?;
    Ok(cache)
}

/// Whether a cache comes from the teacher that a run names, if it names one.
fn same_teacher(cache: &Cache, options: &Options) -> Result<(), CliError> {
    // A server does not show its weights.
    if let Some(teacher) = options.teacher.as_deref().filter(|_| !cache.settings().served()) {
        let weights = hash_model(&llm::hub::resolve(teacher)?)?;
        cache.check(&Expected::anything().weights(&weights))?;
    }
    Ok(())
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

pub fn data(options: &Options, limit: Option<usize>) -> DataArguments {
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
pub fn text(
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
        if options.text_kl.is_some_and(|share| share != 0.0) {
            same_teacher(&cache, options)?;
        }
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
