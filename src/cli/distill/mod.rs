//! `bellman distill`: a teacher's policy into a student, by phases, with everything on disk.

mod options;
mod plan;
mod watch;

use super::interrupt::Listening;
use super::language_model::Place;
use super::output::{print_json, say};
use super::{CliError, End};
use clap::Args;
use llm::{Checkpoint, LlmError, Mode, Model};
use options::Options;
use plan::Plan;
use serde::Serialize;
use std::path::{Path, PathBuf};
use watch::Watch;

/// Distil a teacher into a student.
///
/// The phases follow each other; each starts from the best student of the one before. Every
/// setting is a flag and a field of the TOML file alike; flags win. The run's folder keeps the
/// settings (config.toml), the log (log.jsonl), the state to go on from (states/), the best
/// student so far (best/) and in the end the student (student/).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman distill --student small/ --train train.jsonl --cache teacher/teacher.parquet --out run
  bellman distill --config run.toml --learning-rate 1e-5 --out run
  bellman distill --out run --resume

A run that was stopped, even by `kill -9`, goes on with --resume, and ends with the same weights.")]
pub struct Distill {
    /// Read settings from a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the run
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on with the run in that folder, with the settings it was started with
    #[arg(long)]
    resume: bool,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: Options,
}

/// How much stack backpropagation may take: it follows the computation call by call. Only what is
/// used is ever real.
const STACK: usize = 1 << 30;

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
struct Outcome {
    student: PathBuf,
    log: PathBuf,
    phases: Vec<watch::PhaseOutcome>,
}

impl Distill {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let options = self.options()?;
        let student = options.student.clone().ok_or_else(|| {
            CliError::argument("there is no student", "give `--student MODEL`, or `--config FILE`")
        })?;
        let place = Place {
            device: options.device.unwrap_or_default(),
            dtype: options.dtype.unwrap_or_default(),
        };
        let compute = options.compute.unwrap_or_default().at(&place)?;
        let checkpoint = Checkpoint::open(&llm::hub::resolve(&student)?)?;
        let teacher = options.teacher.as_deref().map(|name| load(name, &place)).transpose()?;
        let plan = Plan::new(&options, &checkpoint, teacher.as_ref().map(|t| &t.1))?;
        if let Some((teacher, _)) = &teacher {
            llm::text::agreement(&teacher.tokenizer()?, &checkpoint.tokenizer()?)?;
        }
        std::fs::create_dir_all(&self.out).map_err(|e| self.failed(e))?;
        write(&self.out.join("config.toml"), &options.to_toml()?)?;
        let model = checkpoint.model(place.dtype(), &place.device()?, Mode::Trainable)?;
        let mut watch = Watch::new();
        let listening = Listening::start();
        let finished = deep(|| compute.run(|| plan.train(&self.out, &model, &mut watch)))?;
        drop(listening);
        watch.end();
        if !finished {
            say!("stopped; the same command with --resume goes on from here");
            return Ok(End::Interrupted);
        }
        let folder = self.out.join("student");
        model.save(&folder)?;
        copy_texts(&checkpoint, &folder)?;
        let outcome =
            Outcome { student: folder, log: self.out.join("log.jsonl"), phases: watch.phases };
        if self.json {
            print_json(&outcome)?;
        } else {
            say!("the student is {}, the log {}", outcome.student.display(), outcome.log.display());
        }
        Ok(End::Fine)
    }

    /// What the run depends on: flags, then the file; of a run that goes on, what it was started
    /// with.
    fn options(&self) -> Result<Options, CliError> {
        let kept = self.out.join("config.toml");
        if self.resume {
            let given = self.options != Options::default() || self.config.is_some();
            if given {
                let what = "--resume goes on with the settings that the run was started with";
                return Err(CliError::argument(what, "leave out the other settings"));
            }
            return Options::read(&kept);
        }
        if kept.exists() {
            let what = format!("{} holds a run already", self.out.display());
            return Err(CliError::argument(what, "go on with `--resume`, or give another folder"));
        }
        let file = self.config.as_deref().map(Options::read).transpose()?.unwrap_or_default();
        self.options.clone().or(file)?.with_defaults()
    }

    fn failed(&self, source: std::io::Error) -> CliError {
        LlmError::Write { path: self.out.clone(), source }.into()
    }
}

/// A frozen model with its checkpoint.
fn load(name: &str, place: &Place) -> Result<(Checkpoint, Model), CliError> {
    let checkpoint = Checkpoint::open(&llm::hub::resolve(name)?)?;
    let model = checkpoint.model(place.dtype(), &place.device()?, Mode::Frozen)?;
    Ok((checkpoint, model))
}

/// Runs `work` where it may call itself often.
fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // As many threads as a run needs there are on every system that can run it.
            Err(error) => panic!("no thread for training: {error}"),
        }
    })
}

/// Writes a text aside and renames it.
fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |source| LlmError::Write { path: path.to_path_buf(), source };
    let aside = path.with_extension("part");
    std::fs::write(&aside, text).map_err(failed)?;
    Ok(std::fs::rename(&aside, path).map_err(failed)?)
}

/// Tokenizer and templates of the student it came from.
fn copy_texts(checkpoint: &Checkpoint, folder: &Path) -> Result<(), CliError> {
    const FILES: [&str; 5] = [
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
        "special_tokens_map.json",
        "chat_template.jinja",
    ];
    for file in FILES {
        let from = checkpoint.path().join(file);
        if from.is_file() {
            let to = folder.join(file);
            std::fs::copy(&from, &to)
                .map_err(|source| LlmError::Write { path: to.clone(), source })?;
        }
    }
    Ok(())
}
