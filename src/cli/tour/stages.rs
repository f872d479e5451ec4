//! [`Stages`]: what happens one after the other, and the folders it happens in.

use super::jobs::{self, Job};
use super::settings::{Method, Pruned, START, Settings, Shape, Student, TEACHER};
use super::trial::Trials;
use crate::cli::CliError;
use crate::cli::data::{DataArguments, FormatName};
use crate::cli::distill::{Options, distil};
use crate::cli::init::Init;
use crate::cli::interrupt::stop_asked;
use crate::cli::language_model::{ComputeType, Place};
use crate::cli::served::ServerArguments;
use crate::cli::teacher::Generate;
use crate::cli::texts::TextArguments;
use indicatif::ProgressBar;
use llm::exercises::{Exercises, Size, write_teacher};
use llm::training::{Event, Step};
use llm::{Checkpoint, LlmError, Mode, NewFolder};
use ranks::Ranks;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The stages of a demonstration in its folder.
#[derive(Debug)]
pub struct Stages<'a> {
    settings: &'a Settings,
    out: &'a Path,
}

/// What training has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Steps.
    pub steps: u64,
    /// Tokens that went through the model.
    pub tokens: u64,
    /// Seconds, of one thread.
    pub seconds: f64,
    /// The loss of the last step.
    pub loss: f64,
}

impl<'a> Stages<'a> {
    /// The stages in this folder.
    pub fn new(settings: &'a Settings, out: &'a Path) -> Self {
        Self { settings, out }
    }

    /// The folder.
    pub fn out(&self) -> &Path {
        self.out
    }

    /// Teacher, exercises, and the student that nobody has trained. What is there stays.
    pub fn prepare(&self) -> Result<bool, CliError> {
        let Settings { seed, data, .. } = self.settings;
        let teacher = self.folder(TEACHER);
        if !teacher.exists() {
            write_teacher(&teacher)?;
        }
        let exercises = self.folder("exercises");
        if !exercises.exists() {
            // The teacher's own exercises were those of seed 1.
            let size = Size { train: data.exercises, held_out: data.held_out };
            let folder = NewFolder::create(&exercises)?;
            Exercises::new(size, seed.wrapping_add(1)).write(folder.path())?;
            folder.finish()?;
        }
        let out = self.folder("student");
        if !out.exists() {
            self.student_of(&teacher, out)?;
        }
        Ok(!stop_asked())
    }

    /// Writes the student that nobody has trained: `bellman prune`, or `bellman init`.
    fn student_of(&self, teacher: &Path, out: PathBuf) -> Result<(), CliError> {
        let place = self.place();
        match &self.settings.student {
            Student::Pruned(Pruned { keep }) => {
                let checkpoint = Checkpoint::open(teacher)?;
                let model = checkpoint.model(place.dtype(), &place.device()?, Mode::Frozen)?;
                let folder = NewFolder::create(&out)?;
                let kept = keep.parse().map_err(LlmError::Layers)?;
                model.pruned(&kept)?.save(folder.path())?;
                checkpoint.write_text_files(folder.path())?;
                folder.finish()?;
            }
            &Student::Random(Shape { layers, width, heads }) => {
                let (tokenizer, seed) = (teacher.to_path_buf(), self.settings.seed);
                let (config, inner, positions, json) = (None, None, 64, false);
                let shape = Init {
                    tokenizer,
                    config,
                    layers,
                    width,
                    heads,
                    inner,
                    positions,
                    seed,
                    place,
                    out,
                    json,
                };
                shape.write()?;
            }
        }
        Ok(())
    }

    /// The teacher's responses, and the student that all methods start from.
    pub fn start(&self) -> Result<bool, CliError> {
        let options = self.settings.start.clone();
        let options = Options { student: Some(text(&self.folder("student"))), ..options };
        jobs::all(vec![
            Job::new(TEACHER, |bar| self.answer(bar)),
            Job::new(START, |bar| self.distil(options, START, bar)),
        ])
    }

    /// All methods.
    pub fn train(&self) -> Result<bool, CliError> {
        let job = |method: &'a Method| {
            let shared = self.settings.training.clone();
            Job::new(&method.name, move |bar| {
                let options = method.options.clone().or(shared)?;
                let student = Some(text(&self.student(START)));
                self.distil(Options { student, ..options }, &method.name, bar)
            })
        };
        jobs::all(self.settings.methods.iter().map(job).collect())
    }

    /// The scores of all models.
    pub fn try_all(&self) -> Result<bool, CliError> {
        let job = |name: &'a str| Job::new(name, move |bar| self.trials(name).run(bar));
        jobs::all(self.names().map(job).collect())
    }

    /// The names of all rows: the teacher, the student before the methods part, the methods.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let methods = self.settings.methods.iter().map(|method| &method.name[..]);
        [TEACHER, START].into_iter().chain(methods)
    }

    /// The trials of a model.
    pub fn trials(&self, name: &str) -> Trials<'a> {
        let model = if name == TEACHER { self.folder(TEACHER) } else { self.student(name) };
        Trials {
            settings: self.settings,
            exercises: self.folder("exercises"),
            model,
            place: self.place(),
            file: self.folder("scores").join(format!("{name}.json")),
        }
    }

    /// What the training of a row has cost, by its log. A run that was stopped and taken up again
    /// has one log.
    pub fn cost(&self, name: &str) -> Result<Cost, CliError> {
        let path = self.run(name).join("log.jsonl");
        let log = std::fs::read_to_string(&path)
            .map_err(|source| LlmError::File { path: path.clone(), source })?;
        let mut cost = Cost::default();
        for line in log.lines() {
            let entry: Value = serde_json::from_str(line).unwrap_or_default();
            if entry["event"] == "step" {
                cost.steps += 1;
                cost.tokens += entry["tokens"].as_u64().unwrap_or(0);
                cost.seconds += entry["seconds"].as_f64().unwrap_or(0.0);
                cost.loss = entry["loss"].as_f64().unwrap_or(f64::NAN);
            }
        }
        Ok(cost)
    }

    /// The teacher's responses with its candidate sets: `bellman generate`.
    fn answer(&self, bar: &ProgressBar) -> Result<Option<String>, CliError> {
        let teaching = &self.settings.teacher;
        let generate = Generate {
            teacher: Some(text(&self.folder(TEACHER))),
            server: ServerArguments::default(),
            place: self.place(),
            compute: ComputeType::default(),
            prompts: Some(self.folder("exercises").join("train.jsonl")),
            data: prompts(Some(teaching.prompts)),
            texts: TextArguments::none(),
            out: self.folder("responses"),
            p: teaching.p,
            responses: teaching.responses,
            temperature: 1.0,
            top_p: Some(teaching.p),
            max_new_tokens: teaching.max_new_tokens,
            batch: teaching.batch,
            seed: self.settings.seed,
            json: false,
        };
        let outcome = generate.answer(&Ranks::alone(), |all| {
            bar.set_length(all as u64);
            bar.clone()
        })?;
        Ok(outcome.map(|outcome| {
            let summary = outcome.summary;
            let (responses, tokens) = (summary.responses, summary.tokens);
            let (size, mass) = (summary.set_sizes.mean, summary.captured_mass);
            format!(
                "{responses} responses, {tokens} tokens; {size:.2} candidates with mass {mass:.3} on average"
            )
        }))
    }

    /// Trains a student: `bellman distill`, with these options.
    fn distil(
        &self,
        options: Options,
        name: &str,
        bar: &ProgressBar,
    ) -> Result<Option<String>, CliError> {
        let data = prompts(None);
        let ours = Options {
            teacher: Some(text(&self.folder(TEACHER))),
            train: Some(self.folder("exercises").join("train.jsonl")),
            cache: Some(self.folder("responses").join("teacher.parquet")),
            prompt: Some(data.prompt),
            seed: Some(self.settings.seed),
            save_every: Some(100),
            score_every: Some(0),
            ..Options::default()
        };
        let options = options.or(ours)?.with_defaults()?;
        let student = distil(&Ranks::alone(), &options, &self.run(name), &mut |event| {
            match event {
                Event::Phase { phase, done, .. } => {
                    bar.set_length(phase.settings.steps);
                    bar.set_position(*done);
                }
                Event::Step(Step { number, loss, .. }) => {
                    bar.set_position(*number);
                    bar.set_message(format!("loss {loss:.3}"));
                }
                Event::Score { .. } | Event::Checked(_) | Event::Saved => {}
            }
            if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if student.is_none() {
            return Ok(None);
        }
        let Cost { steps, tokens, seconds, loss } = self.cost(name)?;
        Ok(Some(format!("{steps} steps, {tokens} tokens, loss {loss:.3}, {seconds:.0} s")))
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// The run of a row.
    fn run(&self, name: &str) -> PathBuf {
        self.folder("runs").join(name)
    }

    /// What a row's run has made.
    fn student(&self, name: &str) -> PathBuf {
        self.run(name).join("student")
    }

    fn place(&self) -> Place {
        Place { device: Default::default(), dtype: Default::default() }
    }
}

/// How exercises become prompts.
pub fn prompts(limit: Option<usize>) -> DataArguments {
    DataArguments {
        prompt: FormatName::Chat,
        limit,
        max_prompt_tokens: usize::MAX,
        instruction_field: "instruction".into(),
        input_field: "input".into(),
        output_field: "output".into(),
    }
}

/// A path as models are named.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
