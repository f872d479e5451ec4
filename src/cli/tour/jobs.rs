//! [`all`]: work that is done side by side, each piece on a thread of its own.

use crate::cli::CliError;
use crate::cli::distill::STACK;
use crate::cli::output::say;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

/// A piece of work: it moves a bar, and says in a few words what came out, or nothing where it was
/// asked to stop.
pub struct Job<'a> {
    name: String,
    work: Work<'a>,
}

/// What a job does.
type Work<'a> = Box<dyn FnOnce(&ProgressBar) -> Result<Option<String>, CliError> + Send + 'a>;

impl<'a> Job<'a> {
    /// Work by the name that people see.
    pub fn new(
        name: impl Into<String>,
        work: impl FnOnce(&ProgressBar) -> Result<Option<String>, CliError> + Send + 'a,
    ) -> Self {
        Self { name: name.into(), work: Box::new(work) }
    }

    /// Does it, with a line while it goes on and another at its end.
    fn run(self, lines: &MultiProgress) -> Result<bool, CliError> {
        // The names have no braces; a bar without the style is still a bar.
        let style = format!("{:<12} {{bar:30}} {{pos}}/{{len}}, {{eta}} left {{msg}}", self.name);
        let style = ProgressStyle::with_template(&style).unwrap_or(ProgressStyle::default_bar());
        let bar = lines.add(ProgressBar::new(0).with_style(style));
        bar.enable_steady_tick(Duration::from_millis(500));
        let done = (self.work)(&bar);
        bar.finish_and_clear();
        lines.remove(&bar);
        let done = done?;
        if let Some(words) = &done {
            lines.suspend(|| say!("{:<12} {words}", self.name));
        }
        Ok(done.is_some())
    }
}

/// Does all jobs, in their order, as many side by side as the machine has processors; `false` when
/// one was asked to stop. The first error ends it.
///
/// Each job has one thread and no more: models this small are computed in less time than it takes
/// to share the work out, and numbers do not depend on the machine's processors.
pub fn all(jobs: Vec<Job>) -> Result<bool, CliError> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let (lines, left) = (MultiProgress::new(), Mutex::new(VecDeque::from(jobs)));
    // A worker that panics takes the whole command down; until then the queue is good.
    let next = || left.lock().unwrap_or_else(|broken| broken.into_inner()).pop_front();
    let work = || {
        while let Some(job) = next() {
            let done = alone(|| job.run(&lines));
            if !matches!(done, Ok(true)) {
                left.lock().unwrap_or_else(|broken| broken.into_inner()).clear();
                return done;
            }
        }
        Ok(true)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut whole = true;
        for worker in workers {
            match worker.join() {
                Ok(done) => whole &= done?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(whole)
    })
}

/// Runs `work` on one thread, where it may call itself often.
fn alone<T: Send>(work: impl FnOnce() -> Result<T, CliError> + Send) -> Result<T, CliError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(STACK).build();
    let pool = pool.map_err(|e| {
        CliError::argument(format!("no thread to work on: {e}"), "close other programs")
    })?;
    pool.install(work)
}
