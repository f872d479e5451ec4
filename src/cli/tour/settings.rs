//! [`Settings`]: every number of a demonstration, in one file.

use crate::cli::CliError;
use crate::cli::distill::Options;
use llm::LlmError;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The demonstration that is built in.
const BUILT_IN: &str = include_str!("demonstration.toml");

/// What a demonstration does. The file that is built in says what the fields mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// The seed of exercises, weights, responses and orders.
    pub seed: u64,
    /// The method that others are compared with.
    pub control: String,
    /// How many exercises.
    pub data: Data,
    /// What the teacher is asked for.
    pub teacher: Teaching,
    /// Where the student comes from.
    pub student: Student,
    /// How models are compared.
    pub evaluation: Trial,
    /// How the student is trained before the methods part.
    pub start: Options,
    /// What the methods have in common.
    pub training: Options,
    /// What is compared.
    pub methods: Vec<Method>,
}

/// Numbers of exercises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Data {
    /// To train on.
    pub exercises: usize,
    /// In each of dev and test.
    pub held_out: usize,
}

/// What the teacher is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Teaching {
    /// Prompts, the first of the exercises to train on.
    pub prompts: usize,
    /// Responses to each.
    pub responses: u32,
    /// The mass of candidate sets, and of the sets that responses are drawn from.
    pub p: f64,
    /// Where a response is cut off.
    pub max_new_tokens: u32,
    /// Responses computed at once.
    pub batch: u32,
}

/// Where the student comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a student has `keep`, or `layers`, `width` and `heads`")]
pub enum Student {
    /// Some of the teacher's layers.
    Pruned(Pruned),
    /// Random weights.
    Random(Shape),
}

/// Some of the teacher's layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruned {
    /// Those that are kept, counted from 0, as in `0,3`.
    pub keep: String,
}

/// A Llama by its measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shape {
    /// Layers.
    pub layers: usize,
    /// The width of hidden states.
    pub width: usize,
    /// Heads.
    pub heads: usize,
}

/// How models are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Trial {
    /// The exercises that are answered: `test`, or `dev` where something is to be chosen.
    pub split: Split,
    /// The seeds of the responses.
    pub seeds: Vec<u64>,
    /// The nuclei that responses are drawn from, each a table of its own.
    pub top_p: Vec<f64>,
    /// Where a response is cut off.
    pub max_new_tokens: u32,
    /// Responses computed at once.
    pub batch: u32,
}

/// Exercises that are held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// To choose by.
    Dev,
    /// To report on.
    Test,
}

/// One way to train the student.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Method {
    /// Its name, and that of its folder.
    pub name: String,
    /// In how far it differs from the others.
    pub options: Options,
}

/// Rows that are no methods.
pub const TEACHER: &str = "teacher";
/// The student before the methods part.
pub const START: &str = "start";

impl Settings {
    /// Those that are built in.
    pub fn built_in() -> Result<Self, CliError> {
        Self::parse(BUILT_IN, Path::new("the demonstration that is built in"))
    }

    /// Those of a file.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let failed = |source| LlmError::File { path: path.to_path_buf(), source };
        Self::parse(&std::fs::read_to_string(path).map_err(failed)?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, CliError> {
        let wrong = |what: String| {
            CliError::argument(
                format!("{}: {what}", path.display()),
                "start from the `demonstration.toml` of a demonstration's folder",
            )
        };
        let settings: Self = toml::from_str(text).map_err(|e| wrong(e.to_string()))?;
        match settings.problem() {
            Some(problem) => Err(wrong(problem)),
            None => Ok(settings),
        }
    }

    /// As a TOML file.
    pub fn to_toml(&self) -> Result<String, CliError> {
        toml::to_string_pretty(self).map_err(|e| CliError::argument(e.to_string(), "a defect"))
    }

    /// What makes them no demonstration.
    fn problem(&self) -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
        for (number, Method { name, options }) in self.methods.iter().enumerate() {
            // Names become folders.
            if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
                return Some(format!("{name:?} is no name: letters, digits and any of -_.= are"));
            }
            let before = self.methods[..number].iter().any(|method| method.name == *name);
            if before || [TEACHER, START].contains(&&name[..]) {
                return Some(format!("there are two rows {name}"));
            }
            let given =
                |given: bool, what| given.then(|| format!("{name}: {what} is not to be set"));
            let fixed = given(options.student.is_some(), "student")
                .or_else(|| given(options.cache.is_some(), "cache"))
                .or_else(|| given(options.train.is_some(), "train"));
            if fixed.is_some() {
                return fixed;
            }
        }
        if let Student::Pruned(Pruned { keep }) = &self.student
            && let Err(e) = keep.parse::<llm::model::Layers>()
        {
            return Some(e.to_string());
        }
        if !self.methods.iter().any(|method| method.name == self.control) {
            return Some(format!("the control {:?} is no method", self.control));
        }
        let nothing = self.evaluation.seeds.is_empty() || self.evaluation.top_p.is_empty();
        nothing.then(|| "the evaluation has no seeds, or no top-p".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstration_that_is_built_in_is_one_and_is_read_back_as_it_is_written() {
        let settings = Settings::built_in().unwrap();
        let again = Settings::parse(&settings.to_toml().unwrap(), Path::new("again")).unwrap();
        assert_eq!(again, settings);
        assert!(settings.methods.iter().any(|method| method.name == "BD"));
    }
}
