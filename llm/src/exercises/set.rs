//! [`Exercises`]: many exercises, split by their questions.

use super::dice::Dice;
use super::{Exercise, Task};
use crate::LlmError;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

/// How many exercises are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// To train on.
    pub train: usize,
    /// To choose by, and as many to report on.
    pub held_out: usize,
}

/// Exercises to train on, to choose by and to report on. No instruction occurs twice, and no
/// question in two of the three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercises {
    /// To train on.
    pub train: Vec<Exercise>,
    /// To choose by.
    pub dev: Vec<Exercise>,
    /// To report on.
    pub test: Vec<Exercise>,
}

/// How often a task is tried for each exercise wanted. A task with few questions gives fewer
/// exercises than were wanted.
const TRIES: usize = 40;

impl Exercises {
    /// Exercises of all tasks in equal shares, in random order; the same for the same seed.
    ///
    /// What split a question belongs to is up to the question alone, so that the test questions of
    /// one seed are not trained on with another.
    pub fn new(size: Size, seed: u64) -> Self {
        let mut splits = [const { Vec::new() }; 3];
        let mut seen = HashSet::new();
        for (task, number) in Task::ALL.into_iter().zip(0..) {
            let share = |total: usize| {
                let tasks = Task::ALL.len();
                total / tasks + usize::from(number < total % tasks)
            };
            let wanted = [size.train, size.held_out, size.held_out].map(share);
            draw(task, wanted, &mut Dice::new(seed, number as u64), &mut seen, &mut splits);
        }
        let mut dice = Dice::new(seed, Task::ALL.len() as u64);
        splits.iter_mut().for_each(|split| dice.shuffle(split));
        let [train, dev, test] = splits;
        Self { train, dev, test }
    }

    /// Writes `train.jsonl`, `dev.jsonl` and `test.jsonl`: an object a line, with `instruction`,
    /// `input` (empty), `output` (one right answer), `outputs` (all of them) and `task`.
    ///
    /// # Errors
    /// [`LlmError::Write`].
    pub fn write(&self, folder: &Path) -> Result<(), LlmError> {
        let splits = [("train", &self.train), ("dev", &self.dev), ("test", &self.test)];
        for (name, exercises) in splits {
            let path = folder.join(format!("{name}.jsonl"));
            std::fs::write(&path, lines(exercises))
                .map_err(|source| LlmError::Write { path, source })?;
        }
        Ok(())
    }
}

/// Exercises of one task, as many for each split as are wanted.
fn draw(
    task: Task,
    wanted: [usize; 3],
    dice: &mut Dice,
    seen: &mut HashSet<String>,
    splits: &mut [Vec<Exercise>; 3],
) {
    let mut left = wanted;
    for _ in 0..TRIES * wanted.iter().sum::<usize>() {
        if left == [0; 3] {
            break;
        }
        let exercise = task.exercise(dice);
        let split = split(&exercise.question);
        if left[split] > 0 && seen.insert(exercise.instruction.clone()) {
            left[split] -= 1;
            splits[split].push(exercise);
        }
    }
}

/// Which split a question belongs to: 0 for eight in ten, 1 and 2 for one in ten each.
fn split(question: &str) -> usize {
    match Sha256::digest(question)[0] % 10 {
        0 => 1,
        1 => 2,
        _ => 0,
    }
}

fn lines(exercises: &[Exercise]) -> String {
    let mut text = String::new();
    for exercise in exercises {
        let Exercise { task, instruction, output, outputs, .. } = exercise;
        let line = json!({
            "instruction": instruction,
            "input": "",
            "output": output,
            "outputs": outputs,
            "task": task.name(),
        });
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{line}");
    }
    text
}
