//! [`Run`]: phases of training one after the other, with everything that lies on disk.

use super::{
    Checked, Entry, Example, Log, LogBytes, Objective, Progress, Saved, Step, Trainer,
    TrainerSettings,
};
use crate::weights::Folder;
use crate::{Checkpoint, LlmError, Model};
use operators::TopP;
use ranks::{Ranks, RanksError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// One objective for a number of steps.
#[derive(Debug)]
pub struct Phase<'a> {
    /// Its name, for the log.
    pub name: String,
    /// What the student is trained by.
    pub objective: Objective<'a>,
    /// What it is trained on.
    pub examples: Vec<Example>,
    /// The numbers.
    pub settings: TrainerSettings,
}

/// How often something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Steps between two saved states.
    pub save: u64,
    /// Steps between two scores on the development set; the first and the last step are scored in
    /// any case.
    pub score: u64,
    /// How many scores without a new best end a phase; none where it is 0.
    pub patience: u64,
}

/// What is checked while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Checks {
    /// Steps between two checks, the first step included; none where it is 0.
    pub every: u64,
    /// The mass that candidate sets are to carry; without it that is not checked.
    pub p: Option<TopP>,
}

/// What a run reports while it goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// A phase begins, or goes on, after so many of its steps.
    Phase {
        /// Which phase.
        phase: &'a Phase<'a>,
        /// Steps done.
        done: u64,
        /// The best score of the phase so far.
        best: Option<f64>,
    },
    /// A step is done.
    Step(&'a Step),
    /// The development set was scored.
    Score {
        /// Rouge-L times 100.
        rouge_l: f64,
        /// Whether it is the best so far.
        best: bool,
    },
    /// What the theory states was evaluated.
    Checked(&'a [Checked]),
    /// A state was saved.
    Saved,
}

/// A function that scores a student: Rouge-L times 100. Every rank calls it, and it gives the same on
/// all.
pub type Evaluate<'a> = &'a mut dyn FnMut(&Model) -> Result<f64, LlmError>;

/// Training with its folder: states, log, the best student.
///
/// The folder holds `states/` (see [`Saved`]), the [`Log`] and, with scores, `best/`, the student
/// that scored best in the phase at hand. A phase starts from the best student of the one before.
/// Of several ranks all read in that folder, and the first alone writes.
#[derive(Debug)]
pub struct Run<'a> {
    folder: PathBuf,
    phases: &'a [Phase<'a>],
    text: &'a [Example],
    rhythm: Rhythm,
    progress: Progress,
    saved: Saved,
    /// On the first rank only.
    log: Option<Log>,
    ranks: Ranks,
    texts: Option<&'a Checkpoint>,
    checks: Checks,
}

impl<'a> Run<'a> {
    /// The run in a folder, from where it was saved last, or from its beginning.
    ///
    /// # Errors
    /// [`LlmError::File`], [`LlmError::Config`], [`LlmError::Write`].
    pub fn open(
        folder: &Path,
        phases: &'a [Phase<'a>],
        text: &'a [Example],
        rhythm: Rhythm,
    ) -> Result<Self, LlmError> {
        Self::open_over(&Ranks::alone(), folder, phases, text, rhythm)
    }

    /// The same, by these ranks together. Collective.
    ///
    /// # Errors
    /// The same; [`LlmError::Ranks`], where ranks find different states as well.
    pub fn open_over(
        ranks: &Ranks,
        folder: &Path,
        phases: &'a [Phase<'a>],
        text: &'a [Example],
        rhythm: Rhythm,
    ) -> Result<Self, LlmError> {
        let saved = Saved::at(&folder.join("states"));
        let progress = saved.progress()?.unwrap_or_default();
        // A folder of one rank's own machine holds no state of the others.
        let all = ranks.gather(&progress)?;
        if let Some(rank) = all.iter().position(|other| *other != progress) {
            return Err(RanksError::Unlike { rank }.into());
        }
        let bytes = LogBytes { lines: progress.log_bytes, events: progress.event_bytes };
        let log = ranks.is_first().then(|| Log::open(folder, bytes)).transpose()?;
        let (folder, ranks) = (folder.to_path_buf(), ranks.clone());
        let (texts, checks) = (None, Checks::default());
        Ok(Self { folder, phases, text, rhythm, progress, saved, log, ranks, texts, checks })
    }

    /// The same run, which writes tokenizer and templates of this checkpoint beside the best
    /// student.
    #[must_use]
    pub fn with_texts_of(self, checkpoint: &'a Checkpoint) -> Self {
        Self { texts: Some(checkpoint), ..self }
    }

    /// The same run with checks.
    #[must_use]
    pub fn with_checks(self, checks: Checks) -> Self {
        Self { checks, ..self }
    }

    /// Trains `student` through all phases; `false` when `watch` broke it off or `evaluate` was stopped,
    /// which leaves a state to go on from. The watch of any rank breaks off all. Collective.
    ///
    /// # Errors
    /// [`LlmError::Diverged`], the last good weights being saved; [`LlmError::Check`], what was
    /// checked being saved; [`LlmError::Write`], the state saved before being kept; those of steps
    /// and scores.
    pub fn train(
        &mut self,
        student: &Model,
        mut evaluate: Option<Evaluate>,
        watch: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<bool, LlmError> {
        // Of a run whose phases are all done there is nothing else to do.
        self.saved.restore_weights(student)?;
        while let Some(phase) = self.phases.get(self.progress.phase) {
            let data = (&phase.examples[..], self.text);
            let objective = phase.objective.clone();
            let trainer = Trainer::new(student.clone(), objective, data, phase.settings)?;
            let mut trainer = trainer.over(&self.ranks)?;
            self.saved.restore(&mut trainer, &self.progress)?;
            let best = self.progress.best.map(|(score, _)| score);
            let _ = watch(&Event::Phase { phase, done: trainer.done(), best });
            match self.phase(phase, &mut trainer, &mut evaluate, watch) {
                Ok(ControlFlow::Break(())) | Err(LlmError::Stopped) => return Ok(false),
                ended => _ = ended?,
            }
            self.progress.phase += 1;
            (self.progress.step, self.progress.best) = (0, None);
            // Moments belong to a phase.
            let next =
                Trainer::new(student.clone(), Objective::CrossEntropy, data, phase.settings)?;
            self.save(&next, watch)?;
        }
        Ok(true)
    }

    /// The steps of a phase that are left.
    fn phase(
        &mut self,
        phase: &Phase,
        trainer: &mut Trainer,
        evaluate: &mut Option<Evaluate>,
        watch: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, LlmError> {
        let steps = phase.settings.steps;
        if self.progress.unscored || trainer.done() == 0 && self.progress.best.is_none() {
            // What training starts from may be better than all that comes.
            self.score(phase, trainer, evaluate, watch)?;
        }
        while trainer.done() < steps && !self.is_stale(trainer.done()) {
            if self.checks.every > 0 && trainer.done().is_multiple_of(self.checks.every) {
                self.check(phase, trainer, watch)?;
            }
            let start = Instant::now();
            let step = match trainer.step() {
                Err(error @ LlmError::Diverged { .. }) => {
                    self.save(trainer, watch)?;
                    return Err(error);
                }
                step => step?,
            };
            self.log(&Entry::of_step(&phase.name, &step, start.elapsed().as_secs_f64()))?;
            self.progress.step = trainer.done();
            let asked = self.ranks.any(watch(&Event::Step(&step)).is_break())?;
            let last = step.number == steps;
            let due = |every: u64| every > 0 && (step.number.is_multiple_of(every) || last);
            // Without a score at the end the best student would be one of before.
            let scored = due(self.rhythm.score) || last;
            if scored && asked {
                self.progress.unscored = evaluate.is_some();
            } else if scored {
                self.score(phase, trainer, evaluate, watch)?;
            }
            if due(self.rhythm.save) || asked {
                self.save(trainer, watch)?;
            }
            if asked {
                return Ok(ControlFlow::Break(()));
            }
        }
        if self.progress.best.is_some() {
            trainer.student().set(&Folder::open(&self.best())?)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Where the best student of the phase lies.
    fn best(&self) -> PathBuf {
        self.folder.join("best")
    }

    fn is_stale(&self, done: u64) -> bool {
        let Rhythm { score, patience, .. } = self.rhythm;
        let since = self.progress.best.map_or(0, |(_, step)| done - step);
        patience > 0 && score > 0 && since >= patience * score
    }

    fn score(
        &mut self,
        phase: &Phase,
        trainer: &Trainer,
        evaluate: &mut Option<Evaluate>,
        watch: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<(), LlmError> {
        let Some(evaluate) = evaluate else { return Ok(()) };
        let start = Instant::now();
        let rouge_l = match evaluate(&trainer.student().frozen()?) {
            Err(LlmError::Stopped) => {
                self.progress.unscored = true;
                self.save(trainer, watch)?;
                return Err(LlmError::Stopped);
            }
            rouge_l => rouge_l?,
        };
        self.progress.unscored = false;
        let best = self.progress.best.is_none_or(|(before, _)| rouge_l > before);
        if best {
            if self.ranks.is_first() {
                trainer.student().save(&self.best())?;
                self.texts.map(|texts| texts.write_text_files(&self.best())).transpose()?;
            }
            // All read it when the phase ends.
            self.ranks.meet()?;
            self.progress.best = Some((rouge_l, trainer.done()));
        }
        let (phase, step) = (phase.name.clone(), trainer.done());
        let seconds = start.elapsed().as_secs_f64();
        self.log(&Entry::Score { phase, step, rouge_l, best, seconds })?;
        let _ = watch(&Event::Score { rouge_l, best });
        Ok(())
    }

    fn log(&mut self, entry: &Entry) -> Result<(), LlmError> {
        self.log.as_mut().map_or(Ok(()), |log| log.add(entry))
    }

    /// Evaluates what the theory states on the batch that comes next.
    fn check(
        &mut self,
        phase: &Phase,
        trainer: &Trainer,
        watch: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<(), LlmError> {
        let start = Instant::now();
        let mut checked = trainer.check(self.checks.p)?;
        let (name, step) = (phase.name.clone(), trainer.done() + 1);
        let failed = self.failed(&checked)?;
        if let Some((rank, failed)) = &failed {
            // What failed elsewhere belongs into the log of the first rank.
            if *rank > 0 && self.ranks.is_first() {
                checked.push(failed.clone());
            }
            // Before the line: a run that goes on evaluates the same again.
            self.save(trainer, watch)?;
        }
        if !checked.is_empty() {
            let _ = watch(&Event::Checked(&checked));
            let seconds = start.elapsed().as_secs_f64();
            self.log(&Entry::Check { phase: name, step, checked, seconds })?;
        }
        match failed {
            Some((_, checked)) => Err(LlmError::Check { step, checked: Box::new(checked) }),
            None => Ok(()),
        }
    }

    /// The first that failed on any rank, and on which.
    fn failed(&self, checked: &[Checked]) -> Result<Option<(usize, Checked)>, LlmError> {
        let here = checked.iter().find(|checked| checked.fails()).cloned();
        let all = self.ranks.gather(&here)?;
        let failed = all.into_iter().enumerate().find_map(|(rank, there)| Some((rank, there?)));
        Ok(failed.map(|(rank, checked)| match self.ranks.size() {
            1 => (rank, checked),
            _ => (rank, Checked { place: format!("process {rank}, {}", checked.place), ..checked }),
        }))
    }

    /// Saves on the first rank; the others wait, and then find the state.
    fn save(
        &mut self,
        trainer: &Trainer,
        watch: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<(), LlmError> {
        self.progress.step = trainer.done();
        if let Some(log) = &mut self.log {
            let LogBytes { lines, events } = log.sync()?;
            (self.progress.log_bytes, self.progress.event_bytes) = (lines, events);
            self.saved.save(trainer, &self.progress)?;
        }
        self.ranks.meet()?;
        let _ = watch(&Event::Saved);
        Ok(())
    }
}
