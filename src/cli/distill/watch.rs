//! [`Watch`]: one line that says how training goes.

use crate::cli::interrupt::stop_asked;
use crate::cli::output::shown;
use indicatif::{ProgressBar, ProgressStyle};
use llm::training::{Event, Step};
use serde::Serialize;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Shows events, and remembers what each phase came to.
pub struct Watch {
    bar: ProgressBar,
    started: Instant,
    tokens: usize,
    score: Option<f64>,
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
    /// Seconds.
    pub seconds: f64,
}

impl Watch {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        let bar = ProgressBar::hidden();
        Self { bar, started: Instant::now(), tokens: 0, score: None, phases: Vec::new() }
    }

    /// Takes note of an event; breaks off when Ctrl-C was pressed.
    pub fn event(&mut self, event: &Event) -> ControlFlow<()> {
        match event {
            Event::Phase { phase, done } => self.phase(&phase.name, *done, phase.settings.steps),
            Event::Step(step) => self.step(step),
            Event::Score { rouge_l, best } => self.score(*rouge_l, *best),
        }
        if stop_asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn phase(&mut self, name: &str, done: u64, steps: u64) {
        self.bar.finish_and_clear();
        let style = format!("{name} {{bar:30}} {{pos}}/{{len}} steps, {{eta}} left, {{msg}}");
        // The names of phases have no braces; a bar without the style is still a bar.
        let style = ProgressStyle::with_template(&style).unwrap_or(ProgressStyle::default_bar());
        self.bar = shown(ProgressBar::new(steps).with_style(style).with_position(done));
        self.bar.reset_eta();
        self.bar.enable_steady_tick(Duration::from_millis(500));
        (self.started, self.tokens, self.score) = (Instant::now(), 0, None);
        let phase = name.to_owned();
        let outcome =
            PhaseOutcome { phase, steps: 0, loss: None, best_rouge_l: None, seconds: 0.0 };
        self.phases.push(outcome);
    }

    fn step(&mut self, step: &Step) {
        self.tokens += step.tokens;
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = self.tokens as f64 / seconds;
        let text = step.text_loss.map(|loss| format!(", text {loss:.3}")).unwrap_or_default();
        let score = self.score.map(|score| format!(", dev {score:.2}")).unwrap_or_default();
        self.bar.set_position(step.number);
        self.bar.set_message(format!("{rate:.0} tokens/s, loss {:.4}{text}{score}", step.loss));
        if let Some(outcome) = self.phases.last_mut() {
            outcome.steps += 1;
            (outcome.loss, outcome.seconds) = (Some(step.loss), seconds);
        }
    }

    fn score(&mut self, rouge_l: f64, best: bool) {
        self.score = Some(rouge_l);
        if let Some(outcome) = self.phases.last_mut().filter(|_| best) {
            outcome.best_rouge_l = Some(rouge_l);
        }
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
