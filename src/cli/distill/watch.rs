//! [`Watch`]: one line that says how training goes, and the page.

use super::options::Options;
use super::report;
use crate::cli::CliError;
use crate::cli::interrupt::stop_asked;
use crate::cli::output::{hushed, say, shown};
use indicatif::{ProgressBar, ProgressStyle};
use llm::training::{Event, Step};
use llm::write_text;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Shows events, and remembers what each phase came to.
pub struct Watch<'a> {
    folder: &'a Path,
    options: &'a Options,
    bar: ProgressBar,
    /// When the last event was.
    mark: Instant,
    /// Seconds in steps of this phase.
    seconds: f64,
    tokens: usize,
    score: Option<f64>,
    /// Whether the page could not be written, which is said once.
    pageless: bool,
    /// What each phase came to.
    pub phases: Vec<PhaseOutcome>,
}

/// What a phase came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseOutcome {
    /// Its name.
    pub phase: String,
    /// Steps that this call of the command took.
    pub steps: u64,
    /// The loss of the last of them.
    pub loss: Option<f64>,
    /// The best Rouge-L on the development set, times 100.
    pub best_rouge_l: Option<f64>,
    /// How often what the theory states was checked, and held.
    pub checks: u64,
    /// Seconds in these steps.
    pub seconds: f64,
}

impl<'a> Watch<'a> {
    /// Nothing has happened yet to the run in this folder.
    pub fn new(folder: &'a Path, options: &'a Options) -> Self {
        let (bar, mark) = (ProgressBar::hidden(), Instant::now());
        let (seconds, tokens, score, pageless, phases) = (0.0, 0, None, false, Vec::new());
        Self { folder, options, bar, mark, seconds, tokens, score, pageless, phases }
    }

    /// Takes note of an event; breaks off when Ctrl-C was pressed.
    pub fn event(&mut self, event: &Event) -> ControlFlow<()> {
        match event {
            Event::Phase { phase, done, best } => {
                self.phase(&phase.name, (*done, phase.settings.steps), *best)
            }
            Event::Step(step) => self.step(step),
            Event::Score { rouge_l, best } => self.score(*rouge_l, *best),
            Event::Checked(checked) => {
                let held = checked.iter().all(|checked| !checked.fails());
                self.change(|outcome| outcome.checks += u64::from(held));
            }
            Event::Saved => self.saved(),
        }
        // Scores, checks and saving are no part of the next step.
        self.mark = Instant::now();
        if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn phase(&mut self, name: &str, (done, steps): (u64, u64), best: Option<f64>) {
        self.bar.finish_and_clear();
        let style = format!("{name} {{bar:30}} {{pos}}/{{len}} steps, {{eta}} left, {{msg}}");
        // The names of phases have no braces; a bar without the style is still a bar.
        let style = ProgressStyle::with_template(&style).unwrap_or(ProgressStyle::default_bar());
        self.bar = shown(ProgressBar::new(steps).with_style(style).with_position(done));
        self.bar.reset_eta();
        self.bar.enable_steady_tick(Duration::from_millis(500));
        (self.mark, self.seconds, self.tokens, self.score) = (Instant::now(), 0.0, 0, best);
        let phase = name.to_owned();
        self.phases.push(PhaseOutcome {
            phase,
            steps: 0,
            loss: None,
            best_rouge_l: best,
            checks: 0,
            seconds: 0.0,
        });
    }

    fn step(&mut self, step: &Step) {
        self.tokens += step.tokens;
        self.seconds += self.mark.elapsed().as_secs_f64();
        let seconds = self.seconds;
        let rate = self.tokens as f64 / seconds;
        let text = step.text_loss.map(|loss| format!(", text {loss:.3}")).unwrap_or_default();
        let score = self.score.map(|score| format!(", dev {score:.2}")).unwrap_or_default();
        self.bar.set_position(step.number);
        self.bar.set_message(format!("{rate:.0} tokens/s, loss {:.4}{text}{score}", step.loss));
        self.change(|outcome| {
            outcome.steps += 1;
            (outcome.loss, outcome.seconds) = (Some(step.loss), seconds);
        });
    }

    fn score(&mut self, rouge_l: f64, best: bool) {
        self.score = Some(rouge_l);
        self.change(|outcome| {
            outcome.best_rouge_l = if best { Some(rouge_l) } else { outcome.best_rouge_l };
        });
    }

    /// The page goes with what is saved. It is not worth a run: where it cannot be written, that is
    /// said and training goes on.
    fn saved(&mut self) {
        if hushed() {
            return;
        }
        if let Err(error) = self.report()
            && !self.pageless
        {
            self.pageless = true;
            self.bar.suspend(|| say!("no page for now: {error}"));
        }
    }

    /// Writes the page; returns where it is.
    pub fn report(&self) -> Result<PathBuf, CliError> {
        let path = self.folder.join("report.html");
        write_text(&path, &report::page(self.folder, self.options)?)?;
        Ok(path)
    }

    fn change(&mut self, change: impl FnOnce(&mut PhaseOutcome)) {
        // There is one: steps and scores are those of a phase.
        self.phases.last_mut().map(change);
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
