//! `bellman distill`: a teacher's policy into a student, by phases, with everything on disk.

mod data;
mod ending;
mod numbers;
mod objectives;
mod options;
mod plan;
mod record;
mod report;
mod watch;

pub(super) use options::Options;

use super::interrupt::Listening;
use super::language_model::Place;
use super::output::{print_json, say};
use super::tour::Tour;
use super::{CliError, End};
use clap::Args;
use llm::training::Event;
use llm::{Checkpoint, DType, Device, LlmError, Mode, Model, write_text};
use plan::Plan;
use ranks::Ranks;
use record::RunRecord;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use watch::Watch;

/// Distil a teacher into a student.
///
/// Without arguments it is a demonstration, in minutes and without a network: a small teacher that
/// is built in, its responses, students, and a table of methods. Otherwise: the
/// phases follow each other; each starts from the best student of the one before. Every
/// setting is a flag and a field of the TOML file alike; flags win. The run's folder keeps the
/// settings (config.toml), what data it is made from (record.json), the log (log.jsonl, and
/// tensorboard/), a page of curves (report.html), the state to go on from (states/), the best
/// student so far (best/) and in the end the student (student/).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman distill
  bellman distill --student small/ --train train.jsonl --cache teacher/teacher.parquet --out run
  bellman distill --config run.toml --learning-rate 1e-5 --out run
  bellman distill --config run.toml --check every=100 --out run
  bellman distill --out run --resume
  mpirun -n 2 bellman distill --config run.toml --out run

Without arguments it is a demonstration, offline and in minutes: a small teacher that is built
in, students made of its layers, and a table of methods. One that was stopped goes on when it
is started again.

A run that was stopped, even by `kill -9`, goes on with --resume, and ends with the same weights.")]
pub struct Distill {
    /// Read settings from a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the run [of a demonstration: bellman-distill-run]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in that folder, with the settings it was started with
    #[arg(long)]
    resume: bool,
    /// Run the demonstration that this TOML file describes, not the one that is built in
    #[arg(long, value_name = "FILE")]
    demonstration: Option<PathBuf>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: Options,
}

/// What the settings of a run are called in its folder.
const CONFIG: &str = "config.toml";

/// How much stack backpropagation may take: it follows the computation call by call. Only what is
/// used is ever real.
pub(super) const STACK: usize = 1 << 30;

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
struct Outcome {
    student: PathBuf,
    log: PathBuf,
    report: PathBuf,
    phases: Vec<watch::PhaseOutcome>,
}

impl Distill {
    /// Runs it, by all processes that were started; the first one writes.
    pub fn run(self, ranks: &Ranks) -> Result<End, CliError> {
        if let Some(tour) = self.tour()? {
            super::ranks::single()?;
            return tour.run();
        }
        let out = self
            .out
            .as_deref()
            .ok_or_else(|| CliError::argument("the run has no folder", "give `--out DIR`"))?;
        let options = self.options(ranks, out)?;
        // All have looked into the folder before something is in it.
        ranks.meet()?;
        let mut watch = Watch::new(out, &options);
        let listening = Listening::start();
        let ended = deep(|| distil(ranks, &options, out, &mut |event| watch.event(event)));
        watch.end();
        // Until the process ends, which is next: what is done counts as done.
        std::mem::forget(listening);
        match ended.and_then(|ended| ended) {
            Ok(Some(student)) if ranks.is_first() => self.tell(student, out, watch),
            Ok(Some(_)) => Ok(End::Fine),
            ended => ending::early(ended.map(drop), (out, &options), &watch, self.json),
        }
    }

    /// Says what came out.
    fn tell(&self, student: PathBuf, out: &Path, watch: Watch) -> Result<End, CliError> {
        let (report, log) = (watch.report()?, out.join("log.jsonl"));
        let outcome = Outcome { student, log, report, phases: watch.phases };
        if self.json {
            print_json(&outcome)?;
        } else {
            let Outcome { student, log, report, .. } = &outcome;
            let [student, log, report] = [student, log, report].map(|path| path.display());
            say!("the student is {student}, the log {log}, the page {report}");
        }
        Ok(End::Fine)
    }

    /// The demonstration, where nothing says what to distil into what.
    fn tour(&self) -> Result<Option<Tour>, CliError> {
        let seed = self.options.seed;
        let others = self.options != Options { seed, ..Options::default() };
        let named = others || self.config.is_some();
        let out = self.out.clone().unwrap_or_else(|| Tour::FOLDER.into());
        let goes_on = self.resume && out.join(CONFIG).exists();
        if self.demonstration.is_none() && (named || goes_on) {
            return Ok(None);
        }
        if named {
            let what = "a demonstration has all of its settings in its file";
            return Err(CliError::argument(what, "leave out the other settings"));
        }
        let Self { demonstration, resume, json, .. } = self;
        let (demonstration, resume, json) = (demonstration.clone(), *resume, *json);
        Ok(Some(Tour { demonstration, out, seed, resume, json }))
    }

    /// What the run depends on: flags, then the file; of a run that goes on, what it was started
    /// with.
    fn options(&self, ranks: &Ranks, out: &Path) -> Result<Options, CliError> {
        let kept = out.join(CONFIG);
        if self.resume {
            if !kept.exists() {
                let what = format!("{} holds no run", out.display());
                return Err(CliError::argument(what, "start it, without `--resume`"));
            }
            let given = self.options != Options::default() || self.config.is_some();
            if given {
                let what = "--resume goes on with the settings that the run was started with";
                return Err(CliError::argument(what, "leave out the other settings"));
            }
            return Options::read(&kept);
        }
        if kept.exists() {
            let what = format!("{} holds a run already", out.display());
            return Err(CliError::argument(what, "go on with `--resume`, or give another folder"));
        }
        let file = self.config.as_deref().map(Options::read).transpose()?.unwrap_or_default();
        let started = Options { ranks: Some(ranks.size()), ..Options::default() };
        self.options.clone().or(file)?.with_defaults()?.or(started)
    }
}

/// Trains by these options, with everything in a folder, from where it was saved last. Returns the
/// folder of the student; nothing when `watch` breaks it off. Collective; the first rank writes.
pub(super) fn distil(
    ranks: &Ranks,
    options: &Options,
    out: &Path,
    watch: &mut dyn FnMut(&Event) -> ControlFlow<()>,
) -> Result<Option<PathBuf>, CliError> {
    let student = options.student.as_ref().ok_or_else(|| {
        CliError::argument("there is no student", "give `--student MODEL`, or `--config FILE`")
    })?;
    let place = Place {
        device: options.device.unwrap_or_default(),
        dtype: options.dtype.unwrap_or_default(),
    };
    let compute = options.compute.unwrap_or_default().at(&place)?;
    let student = llm::hub::resolve(student)?;
    let record = RunRecord::new(out, &student, options)?;
    let checkpoint = Checkpoint::open(&student)?;
    // One device for both: Metal takes two of them for two GPUs.
    let (dtype, device) = (place.dtype(), place.device()?);
    let teacher = options.teacher.as_deref().map(|name| load(name, dtype, &device)).transpose()?;
    let plan = Plan::new(options, &checkpoint, teacher.as_ref().map(|t| &t.1))?;
    if let Some((teacher, _)) = &teacher {
        llm::text::agreement(&teacher.tokenizer()?, &checkpoint.tokenizer()?)?;
    }
    let model = checkpoint.model(dtype, &device, Mode::Trainable)?;
    let model = model.within(checkpoint.tokenizer()?.size())?;
    plan.accept(&model)?;
    if ranks.is_first() {
        // From here on there is a run; everything that it needs could be opened.
        let failed = |source| LlmError::Write { path: out.to_path_buf(), source };
        std::fs::create_dir_all(out).map_err(failed)?;
        record.write()?;
        write_text(&out.join(CONFIG), &options.to_toml()?)?;
    }
    if !compute.run(|| plan.train(ranks, out, (&checkpoint, &model), watch))? {
        return Ok(None);
    }
    let folder = out.join("student");
    if ranks.is_first() {
        model.save(&folder)?;
        checkpoint.write_text_files(&folder)?;
    }
    Ok(Some(folder))
}

/// A frozen model with its checkpoint.
fn load(name: &str, dtype: DType, device: &Device) -> Result<(Checkpoint, Model), CliError> {
    let checkpoint = Checkpoint::open(&llm::hub::resolve(name)?)?;
    let model = checkpoint.model(dtype, device, Mode::Frozen)?;
    let model = model.within(checkpoint.tokenizer()?.size())?;
    Ok((checkpoint, model))
}

/// Runs `work` where it may call itself often.
fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, CliError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => {
                let what = format!("there is no thread to train in: {error}");
                let help = "its stack takes a GiB of addresses: see `ulimit -v` and `ulimit -u`";
                Err(CliError::argument(what, help))
            }
        }
    })
}
