//! The arguments of every command that lays a language model out as an MDP, and how that is done.

use super::CliError;
use super::data::DataArguments;
use super::interrupt::{Listening, stop_asked};
use super::language_model::Place;
use super::loss::ShiftFlag;
use super::output::say;
use super::progress::bar_with_rate;
use bridge::{Carved, Carving, carve, read};
use clap::Args;
use llm::loss::ShiftName;
use llm::teacher::Prompt;
use llm::{Checkpoint, Mode, Model};
use operators::{Discount, Shift, TopP};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tabular::Instance;

/// The mass of candidate sets where nobody says.
pub const MASS: f64 = 0.8;

/// The discount where nobody says.
pub const DISCOUNT: f64 = 0.99;

/// Which part of a language model is laid out.
#[derive(Debug, Args)]
pub struct CarvingArguments {
    /// How many tokens after the prompt the teacher is followed
    #[arg(long, default_value_t = 4, value_name = "D", requires = "teacher")]
    depth: usize,
    /// How many tokens of each state are followed, the most likely ones
    #[arg(long, default_value_t = 8, value_name = "K", requires = "teacher")]
    top: usize,
    /// Prefixes read at once
    #[arg(long, default_value_t = 32, value_name = "N", requires = "teacher", value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
}

impl CarvingArguments {
    /// With the rest.
    pub fn carving(&self, gamma: Discount, p: TopP, shift: Shift) -> Carving {
        let (depth, top, batch) = (self.depth, self.top, self.batch as usize);
        Carving { depth, top, p, gamma, shift, batch }
    }
}

/// A teacher that is laid out after every prompt of a data set.
#[derive(Debug, Args)]
pub struct TeacherArguments {
    /// Check a language model, laid out as an MDP after each prompt, in place of random MDPs
    #[arg(long, value_name = "MODEL", requires = "prompts", conflicts_with_all = ["file", "mdps", "family", "states", "actions"])]
    teacher: Option<String>,
    /// A data set in JSON Lines, for --teacher
    #[arg(long, value_name = "FILE", requires = "teacher")]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    carving: CarvingArguments,
    /// What is taken from the teacher's logits to make them Q-values; the gap does not depend on it
    #[arg(long, value_enum, default_value_t = ShiftFlag::None, requires = "teacher")]
    shift: ShiftFlag,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    place: Place,
}

impl TeacherArguments {
    /// The MDPs, one after each prompt; nothing without a teacher.
    pub fn instances(&self, gamma: Discount, p: TopP) -> Result<Vec<Instance>, CliError> {
        let (Some(name), Some(file)) = (&self.teacher, &self.prompts) else {
            return Ok(Vec::new());
        };
        let checkpoint = Checkpoint::open(&llm::hub::resolve(name)?)?;
        let prompts = named_prompts(file, &self.data, &checkpoint, name)?;
        let model = checkpoint.model(self.place.dtype(), &self.place.device()?, Mode::Frozen)?;
        let model = model.within(checkpoint.tokenizer()?.size())?;
        let shift = ShiftName::from(self.shift).into();
        let carving = self.carving.carving(gamma, p, shift);
        let carved = lay_out(&model, &checkpoint.end_of_sequence()?, &prompts, &carving)?;
        let deviations = carved.par_iter().map(Carved::deviation).collect::<Result<Vec<_>, _>>()?;
        let deviation = deviations.into_iter().fold(0.0, f64::max);
        say!(
            "log π* is the teacher's log-probability to within {deviation:.1e} in every state: proved"
        );
        Ok(carved.into_iter().map(|carved| carved.instance).collect())
    }
}

/// The prompts of a data set, each named after the teacher and the number of its record.
pub fn named_prompts(
    file: &Path,
    data: &DataArguments,
    checkpoint: &Checkpoint,
    teacher: &str,
) -> Result<Vec<(String, Vec<u32>)>, CliError> {
    let prompts = data.prompts(file, checkpoint, &checkpoint.tokenizer()?)?.prompts;
    if prompts.is_empty() {
        let what = format!("{} holds no prompt that is short enough", file.display());
        return Err(CliError::argument(what, "raise `--max-prompt-tokens`"));
    }
    let family = Path::new(teacher).file_stem().unwrap_or_default().to_string_lossy();
    let named = |prompt: Prompt| (format!("{family}/record-{}", prompt.number), prompt.tokens);
    Ok(prompts.into_iter().map(named).collect())
}

/// The MDP of a model after each prompt, which comes with its name.
pub fn lay_out(
    model: &Model,
    ends: &[u32],
    prompts: &[(String, Vec<u32>)],
    carving: &Carving,
) -> Result<Vec<Carved>, CliError> {
    let bar = bar_with_rate(prompts.len() * carving.prefixes()?, "prefixes");
    let listening = Listening::start();
    let mut carved = Vec::with_capacity(prompts.len());
    for (i, (name, prompt)) in prompts.iter().enumerate() {
        let reading = read(model, prompt, ends, carving, &mut |prefixes| {
            bar.inc(prefixes as u64);
            if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        carved.push(carve(&reading, carving, name)?);
        // There may be fewer prefixes than that, where responses end.
        bar.set_position(((i + 1) * carving.prefixes()?) as u64);
    }
    drop(listening);
    bar.finish_and_clear();
    let states: usize = carved.iter().map(|carved| carved.instance.mdp.states()).sum();
    let pairs: usize = carved.iter().map(|carved| carved.instance.mdp.pairs()).sum();
    say!("laid out {} prompts: {states} states, {pairs} actions", carved.len());
    Ok(carved)
}
