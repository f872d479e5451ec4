//! Numbers that have more than one form: a p or a rule for it, one for all phases or one for each.

use crate::cli::CliError;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The mass of candidate sets: one for all, or one for each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "p is a number, or \"adaptive\"")]
pub enum Mass {
    /// The same everywhere.
    Fixed(f64),
    /// By a rule.
    Rule(Rule),
}

/// A rule for the mass of candidate sets by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// p_t from a budget.
    Adaptive,
}

impl FromStr for Mass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "adaptive" {
            return Ok(Self::Rule(Rule::Adaptive));
        }
        text.parse().map(Self::Fixed).map_err(|_| "give a number, or `adaptive`".into())
    }
}

/// One number for all phases, or one for each in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "give a number, or a list with one for each phase")]
pub enum PerPhase<T> {
    /// The same for all.
    All(T),
    /// One for each.
    Each(Vec<T>),
}

impl<T: FromStr> FromStr for PerPhase<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split(',').map(|number| number.trim().parse());
        let numbers: Vec<T> = numbers
            .collect::<Result<_, _>>()
            .map_err(|_| "give a number, or one for each phase with commas between".to_owned())?;
        // A text split at commas has at least one part.
        let mut numbers = numbers.into_iter();
        match (numbers.next(), numbers.len()) {
            (Some(one), 0) => Ok(Self::All(one)),
            (first, _) => Ok(Self::Each(first.into_iter().chain(numbers).collect())),
        }
    }
}

impl<T: Copy> PerPhase<T> {
    /// The number of a phase, of which there are `phases`; `flag` is what it was given by.
    pub fn of(&self, phase: usize, phases: usize, flag: &str) -> Result<T, CliError> {
        match self {
            Self::All(number) => Ok(*number),
            Self::Each(numbers) if numbers.len() == phases => Ok(numbers[phase]),
            Self::Each(numbers) => {
                let what = format!("{flag} has {} numbers for {phases} phases", numbers.len());
                Err(CliError::argument(what, "give one for all, or one for each phase"))
            }
        }
    }
}
