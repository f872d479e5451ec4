//! `bellman exercises`: instructions whose answers can be checked.

use super::output::{print_json, say, table};
use super::{CliError, End};
use clap::Args;
use llm::NewFolder;
use llm::exercises::{Exercise, Exercises, Size, Task, vocabulary};
use serde_json::json;
use std::path::PathBuf;

/// Write instructions whose answers can be checked, to train small models on.
///
/// Twelve tasks in plain words, sums, words turned round, one word of several, with every right
/// answer: train.jsonl, dev.jsonl and test.jsonl, in which no question occurs twice in other words,
/// and a tokenizer with a chat template for a model that is to learn them. `output` is one right
/// answer, `outputs` lists them all: `--output-field outputs` scores by them.
#[derive(Debug, Args)]
#[command(
    name = "exercises",
    after_help = "\
Examples:
  bellman exercises --out exercises
  bellman exercises --out small --count 1200 --held-out 120 --seed 7"
)]
pub struct WriteExercises {
    /// Where to write; must not be there yet, or be empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many exercises to train on
    #[arg(long, default_value_t = 12_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// How many in each of dev and test
    #[arg(long, default_value_t = 480, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    held_out: u32,
    /// The seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl WriteExercises {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        NewFolder::check(&self.out)?;
        let size = Size { train: self.count as usize, held_out: self.held_out as usize };
        let exercises = Exercises::new(size, self.seed);
        let folder = NewFolder::create(&self.out)?;
        exercises.write(folder.path())?;
        let tokens = vocabulary(&exercises.train, folder.path())?.vocabulary().len();
        folder.finish()?;
        let Exercises { train, dev, test } = &exercises;
        if self.json {
            print_json(&json!({
                "out": self.out,
                "train": train.len(),
                "dev": dev.len(),
                "test": test.len(),
                "tokens": tokens,
            }))?;
        } else {
            let mut table = table(&["task", "train", "dev", "test", "for example"]);
            for task in Task::ALL {
                let of = |split: &[Exercise]| {
                    split.iter().filter(|e| e.task == task).count().to_string()
                };
                let example = train.iter().find(|e| e.task == task);
                let example = example.map(|e| format!("{} {}", e.instruction, e.output));
                let name = task.name().to_owned();
                table.add_row([name, of(train), of(dev), of(test), example.unwrap_or_default()]);
            }
            let (n, out) = (train.len() + dev.len() + test.len(), self.out.display());
            say!("{table}\n{n} exercises and a tokenizer of {tokens} tokens; wrote {out}");
        }
        Ok(End::Fine)
    }
}
