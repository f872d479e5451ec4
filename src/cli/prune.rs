//! `bellman prune`: a student made of some of a teacher's layers.

use super::data::DataArguments;
use super::interrupt::{Listening, stop_asked};
use super::language_model::LanguageModel;
use super::output::{number, print_json, say, table};
use super::progress::bar_of;
use super::{CliError, End};
use clap::Args;
use llm::model::Layers;
use llm::prune::{Calibration, Greedy};
use llm::teacher::Exchange;
use llm::{Checkpoint, LlmError, Model, NewFolder};
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Make a student of some of a teacher's layers.
///
/// Writes a folder as on the Hugging Face hub, with the teacher's tokenizer. `--keep` names the
/// layers; `--drop N` leaves out N of them, one at a time, each time the one without which the
/// student stays closest to the teacher on the data set of `--calibrate`: by the mean KL divergence
/// over the tokens of its outputs. Without `--out` the divergence is measured and nothing written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman prune --model smollm2.gguf --keep 0-9,20-29 --out student
  bellman prune --model smollm2.gguf --drop 10 --calibrate dev.jsonl --limit 16 --out student
  bellman prune --model smollm2.gguf --keep 0-9,20-29 --calibrate dev.jsonl --limit 16")]
pub struct Prune {
    #[command(flatten)]
    model: LanguageModel,
    /// The layers to keep, counted from 0, like 0-9,20-29
    #[arg(long, value_name = "LAYERS", required_unless_present = "drop", conflicts_with = "drop")]
    keep: Option<Layers>,
    /// How many layers to leave out
    #[arg(long, value_name = "N", requires = "calibrate", value_parser = clap::value_parser!(u32).range(1..))]
    drop: Option<u32>,
    /// A data set in JSON Lines with outputs, to measure by
    #[arg(long, value_name = "FILE", required_unless_present = "out")]
    calibrate: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    /// Cut outputs off after this many tokens
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_output_tokens: u32,
    /// Texts computed at once
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// Where to write the student; must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
struct Outcome {
    out: Option<PathBuf>,
    layers: usize,
    kept: Vec<usize>,
    parameters: Parameters,
    calibration: Option<Measured>,
}

/// How many numbers a model consists of.
#[derive(Debug, Serialize)]
struct Parameters {
    teacher: usize,
    student: usize,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    texts: usize,
    positions: usize,
    /// The divergence of what is kept.
    divergence: f64,
    /// What was left out, in this order; nothing when the layers were named.
    dropped: Vec<Step>,
    seconds: f64,
}

/// A layer that was left out.
#[derive(Debug, Serialize)]
struct Step {
    layer: usize,
    divergence: f64,
}

impl Prune {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let checkpoint = self.model.checkpoint()?;
        let layers = checkpoint.config().layers;
        if let Some(drop) = self.drop.filter(|&drop| drop as usize >= layers) {
            let what = format!("{drop} layers cannot be left out of {layers}");
            return Err(CliError::argument(what, "at least one layer has to stay"));
        }
        // Before any work that could be lost for it.
        self.out.as_deref().map(NewFolder::check).transpose()?;
        let mut teacher = self.model.load(&checkpoint)?;
        if self.calibrate.is_some() {
            teacher = teacher.within(checkpoint.tokenizer()?.size())?;
        }
        let Some((student, kept, calibration)) = self.student(&checkpoint, &teacher)? else {
            say!("stopped; nothing is written");
            return Ok(End::Interrupted);
        };
        if let Some(out) = &self.out {
            let folder = NewFolder::create(out)?;
            student.save(folder.path())?;
            checkpoint.write_text_files(folder.path())?;
            folder.finish()?;
        }
        let parameters = Parameters { teacher: count(&teacher), student: count(&student) };
        let kept_numbers = kept.numbers().to_vec();
        let out = self.out.clone();
        let outcome = Outcome { out, layers, kept: kept_numbers, parameters, calibration };
        if self.json {
            print_json(&outcome)?
        } else {
            outcome.print(&kept)
        }
        Ok(End::Fine)
    }

    /// The student, which layers it is made of, and what was measured; nothing when stopped.
    fn student(
        &self,
        checkpoint: &Checkpoint,
        teacher: &Model,
    ) -> Result<Option<(Model, Layers, Option<Measured>)>, CliError> {
        // Known before anything is computed.
        let named = match &self.keep {
            Some(kept) => Some((teacher.pruned(kept)?, kept.clone())),
            None => None,
        };
        let Some(file) = &self.calibrate else {
            return Ok(named.map(|(student, kept)| (student, kept, None)));
        };
        let started = Instant::now();
        let texts = self.texts(file, checkpoint)?;
        let calibration = Calibration::new(teacher, &texts, self.batch as usize)?;
        let (student, kept, divergence, dropped) = match named {
            Some((student, kept)) => {
                let divergence = calibration.divergence(&student)?;
                (student, kept, divergence, Vec::new())
            }
            None => {
                let Some((greedy, dropped)) = self.leave_out(teacher, &calibration)? else {
                    return Ok(None);
                };
                // At least one was asked for.
                let divergence = dropped.last().map_or(0.0, |step| step.divergence);
                (greedy.student().clone(), greedy.kept().clone(), divergence, dropped)
            }
        };
        let (texts, positions) = (texts.len(), calibration.positions());
        let seconds = started.elapsed().as_secs_f64();
        let measured = Measured { texts, positions, divergence, dropped, seconds };
        Ok(Some((student, kept, Some(measured))))
    }

    /// The texts of the data set: prompts with their first outputs, which end.
    fn texts(&self, file: &Path, checkpoint: &Checkpoint) -> Result<Vec<Exchange>, CliError> {
        let tokenizer = checkpoint.tokenizer()?;
        let end = checkpoint.end_token(&tokenizer)?;
        let prompts = self.data.prompts(file, checkpoint, &tokenizer)?;
        let mut texts = Vec::new();
        for (prompt, record) in prompts.prompts.iter().zip(prompts.examples()) {
            let Some(output) = record.outputs.first() else { continue };
            let mut response = tokenizer.encode(output)?;
            response.extend(end);
            response.truncate(self.max_output_tokens as usize);
            texts.push(Exchange { prompt: prompt.tokens.clone(), response });
        }
        if texts.is_empty() {
            let what =
                format!("{} holds no output to a prompt that is short enough", file.display());
            return Err(CliError::argument(
                what,
                "raise `--max-prompt-tokens`, or see `--output-field`",
            ));
        }
        Ok(texts)
    }

    /// Leaves out as many layers as were asked for; nothing when stopped.
    fn leave_out<'a>(
        &self,
        teacher: &'a Model,
        calibration: &'a Calibration,
    ) -> Result<Option<(Greedy<'a>, Vec<Step>)>, CliError> {
        let wanted = self.drop.unwrap_or(0) as usize;
        let layers = teacher.config().layers;
        // A batch costs half the square of the layers that are left.
        let work = |layers: usize| layers * layers;
        let all: usize = (0..wanted).map(|i| calibration.batches() * work(layers - i)).sum();
        let bar = bar_of(all, "(layers², by batch)");
        let mut greedy = Greedy::new(teacher, calibration)?;
        let mut dropped = Vec::new();
        let listening = Listening::start();
        while dropped.len() < wanted {
            let batch = work(layers - dropped.len()) as u64;
            let step = greedy.step(&mut || {
                bar.inc(batch);
                if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            match step {
                Ok(step) => {
                    dropped.push(Step { layer: step.layer, divergence: step.divergence });
                }
                Err(LlmError::Stopped) => {
                    bar.finish_and_clear();
                    say!("{}", steps(&dropped));
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        drop(listening);
        bar.finish_and_clear();
        Ok(Some((greedy, dropped)))
    }
}

/// How many numbers the tensors of a model hold.
fn count(model: &Model) -> usize {
    model.tensors().values().map(|tensor| tensor.elem_count()).sum()
}

fn steps(dropped: &[Step]) -> comfy_table::Table {
    let mut table = table(&["left out", "layer", "KL to the teacher (nats)"]);
    for (i, step) in (1..).zip(dropped) {
        table.add_row([i.to_string(), step.layer.to_string(), number(step.divergence)]);
    }
    table
}

impl Outcome {
    fn print(&self, kept: &Layers) {
        if let Some(measured) = &self.calibration {
            if !measured.dropped.is_empty() {
                say!("{}", steps(&measured.dropped));
            }
            let Measured { texts, positions, divergence, seconds, .. } = measured;
            say!(
                "KL to the teacher {} nats per position, over {positions} positions of {texts} texts, in {seconds:.0} s",
                number(*divergence)
            );
        }
        let Parameters { teacher, student } = &self.parameters;
        say!("layers {kept} of {}: {student} of {teacher} parameters", self.layers);
        if let Some(out) = &self.out {
            say!("wrote {}", out.display());
        }
    }
}
