//! [`Task`] and [`Exercise`]: what is asked, and what is right.

use super::dice::Dice;
use super::{letters, numbers, words};
use crate::evaluation::exact_match;

/// What an exercise asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Task {
    /// The sum of two numbers.
    Sum,
    /// The difference of two numbers.
    Difference,
    /// The larger of two numbers.
    Larger,
    /// Any number between two others.
    Between,
    /// A word from its last letter to its first.
    Reverse,
    /// The letters of a word in the order of the alphabet.
    Sort,
    /// A word letter by letter.
    Spell,
    /// A word several times.
    Repeat,
    /// The plural of a made-up noun.
    Plural,
    /// The first, second or last of several words.
    Place,
    /// Any one of several words.
    Choice,
    /// The one of several words that is an animal, a colour, a food or a tool.
    Kind,
}

/// A question, the ways to put it, and what is right.
#[derive(Debug)]
pub(super) struct Posed {
    /// The question in short, whatever the words: the same for questions with the same answer.
    pub(super) question: String,
    /// The ways to ask, all equally good.
    pub(super) instructions: Vec<String>,
    /// For each right answer the ways to put it, the most common first.
    pub(super) answers: Vec<Vec<String>>,
}

/// One instruction with every answer that is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exercise {
    /// What is asked for.
    pub task: Task,
    /// The question in short. Exercises that differ in their words only have the same.
    pub question: String,
    /// The instruction, in plain words.
    pub instruction: String,
    /// One right answer, drawn: each is equally likely, each way to put it half as likely as the
    /// one before.
    pub output: String,
    /// Every right answer, put in every way.
    pub outputs: Vec<String>,
}

impl Task {
    /// Every task.
    pub const ALL: [Self; 12] = [
        Self::Sum,
        Self::Difference,
        Self::Larger,
        Self::Between,
        Self::Reverse,
        Self::Sort,
        Self::Spell,
        Self::Repeat,
        Self::Plural,
        Self::Place,
        Self::Choice,
        Self::Kind,
    ];

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Difference => "difference",
            Self::Larger => "larger",
            Self::Between => "between",
            Self::Reverse => "reverse",
            Self::Sort => "sort",
            Self::Spell => "spell",
            Self::Repeat => "repeat",
            Self::Plural => "plural",
            Self::Place => "place",
            Self::Choice => "choice",
            Self::Kind => "kind",
        }
    }

    fn pose(self, dice: &mut Dice) -> Posed {
        match self {
            Self::Sum => numbers::sum(dice),
            Self::Difference => numbers::difference(dice),
            Self::Larger => numbers::larger(dice),
            Self::Between => numbers::between(dice),
            Self::Reverse => letters::reverse(dice),
            Self::Sort => letters::sort(dice),
            Self::Spell => letters::spell(dice),
            Self::Repeat => letters::repeat(dice),
            Self::Plural => letters::plural(dice),
            Self::Place => words::place(dice),
            Self::Choice => words::choice(dice),
            Self::Kind => words::kind(dice),
        }
    }

    /// A random exercise of this task.
    pub(super) fn exercise(self, dice: &mut Dice) -> Exercise {
        let mut posed = self.pose(dice);
        let instruction = posed.instructions.swap_remove(dice.below(posed.instructions.len()));
        let answer = dice.below(posed.answers.len());
        let output = posed.answers[answer][dice.way(posed.answers[answer].len())].clone();
        let question = format!("{}: {}", self.name(), posed.question);
        let outputs = posed.answers.concat();
        Exercise { task: self, question, instruction, output, outputs }
    }
}

impl Exercise {
    /// Whether a response is right: one of the answers, up to case, punctuation and white space.
    pub fn accepts(&self, response: &str) -> bool {
        self.outputs.iter().any(|output| exact_match(response, output))
    }
}
