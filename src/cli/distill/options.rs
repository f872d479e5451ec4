//! [`Options`]: what a run depends on. One list, for flags and for the file alike.

use super::numbers::{Mass, PerPhase};
use crate::cli::CliError;
use crate::cli::data::FormatName;
use crate::cli::language_model::{ComputeType, DeviceName, NumberType};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Every setting of a run; those not given are as published, or follow from others.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// The student to start from: a folder, a .gguf file, or a name on the hub
    #[arg(long, value_name = "MODEL", help_heading = "Models and data")]
    pub student: Option<String>,
    /// The teacher, where an objective needs all of its distribution (kd, reverse-kl, minillm)
    #[arg(long, value_name = "MODEL", help_heading = "Models and data")]
    pub teacher: Option<String>,
    /// Records with outputs, for sft, in JSON Lines; minillm answers their prompts
    #[arg(long, value_name = "FILE", help_heading = "Models and data")]
    pub train: Option<PathBuf>,
    /// Teacher data from `bellman generate`, for all objectives but sft; minillm takes the prompts
    #[arg(long, value_name = "FILE", help_heading = "Models and data")]
    pub cache: Option<PathBuf>,
    /// Records by which the best student is chosen, in JSON Lines
    #[arg(long, value_name = "FILE", help_heading = "Models and data")]
    pub dev: Option<PathBuf>,
    /// A record of evaluations: what it holds as --test is refused here
    #[arg(long, value_name = "FILE", help_heading = "Models and data")]
    pub record: Option<PathBuf>,
    /// Plain text for the language-modelling loss: JSON Lines (.jsonl, .json), teacher data of texts
    /// (.parquet), or one text
    #[arg(long, value_name = "FILE", help_heading = "Models and data")]
    pub text: Option<PathBuf>,
    /// The field of the text, in JSON Lines [text]
    #[arg(long, value_name = "FIELD", help_heading = "Models and data")]
    pub text_field: Option<String>,
    /// How a record becomes a prompt [alpaca]
    #[arg(long, value_name = "FORMAT", help_heading = "Models and data")]
    pub prompt: Option<FormatName>,
    /// The field of the instruction [instruction]
    #[arg(long, value_name = "FIELD", help_heading = "Models and data")]
    pub instruction_field: Option<String>,
    /// The field of the input [input]
    #[arg(long, value_name = "FIELD", help_heading = "Models and data")]
    pub input_field: Option<String>,
    /// The field of the output [output]
    #[arg(long, value_name = "FIELD", help_heading = "Models and data")]
    pub output_field: Option<String>,
    /// Leave out prompts that are longer [256]
    #[arg(long, value_name = "N", help_heading = "Models and data")]
    pub max_prompt_tokens: Option<usize>,
    /// Cut responses where prompt and response reach this length [512]
    #[arg(long, value_name = "N", help_heading = "Models and data")]
    pub max_tokens: Option<usize>,
    /// Use the first N records of --train only
    #[arg(long, value_name = "N", help_heading = "Models and data")]
    pub limit: Option<usize>,

    /// Where it runs [cpu]
    #[arg(long, value_name = "DEVICE", help_heading = "Models and data")]
    pub device: Option<DeviceName>,
    /// The type of its numbers [f32]
    #[arg(long, value_name = "TYPE", help_heading = "Models and data")]
    pub dtype: Option<NumberType>,
    /// The type in which f32 weights are multiplied; bf16 is fast on GPUs and with AVX512-BF16 [f32]
    #[arg(long, value_name = "TYPE", help_heading = "Models and data")]
    pub compute: Option<ComputeType>,

    /// What the student is trained by, one after the other [sft,bd]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', help_heading = "Objectives")]
    pub phases: Option<Vec<PhaseName>>,
    /// The mass of the candidate sets, or `adaptive`: by state, from --budget [that of the cache]
    #[arg(long, value_name = "P", help_heading = "Objectives")]
    pub p: Option<Mass>,
    /// What the sets of a response may leak in all, in nats, with --p adaptive
    #[arg(long, value_name = "NATS", help_heading = "Objectives")]
    pub budget: Option<f64>,
    /// After how many tokens a response certainly ends, with --p adaptive [it need not end]
    #[arg(long, value_name = "N", help_heading = "Objectives")]
    pub horizon: Option<usize>,
    /// The discount [0.99]
    #[arg(long, value_name = "GAMMA", help_heading = "Objectives")]
    pub gamma: Option<f64>,
    /// The function of the implied reward [chi2]
    #[arg(long, value_name = "PHI", help_heading = "Objectives")]
    pub phi: Option<Phi>,
    /// α of χ² [0.1]
    #[arg(long, value_name = "ALPHA", help_heading = "Objectives")]
    pub alpha: Option<f64>,
    /// What makes logits Q-values [vocab-max]
    #[arg(long, value_name = "SHIFT", help_heading = "Objectives")]
    pub shift: Option<Shift>,
    /// The floor under Q-values [-10]
    #[arg(long, value_name = "Q", allow_negative_numbers = true, help_heading = "Objectives")]
    pub q_min: Option<f64>,
    /// What happens to tokens outside their candidate set [floor]
    #[arg(long, value_name = "RULE", help_heading = "Objectives")]
    pub outside: Option<Outside>,
    /// The weight of −log of the student's mass in the candidate sets, added to bd [0]
    #[arg(long, value_name = "WEIGHT", help_heading = "Objectives")]
    pub mass_weight: Option<f64>,
    /// ε of bd-released [1e-8]
    #[arg(long, value_name = "EPSILON", help_heading = "Objectives")]
    pub epsilon: Option<f64>,
    /// The teacher's share α in what minillm samples from [0.2]
    #[arg(long, value_name = "ALPHA", help_heading = "Objectives")]
    pub teacher_mix: Option<f64>,
    /// Leave out terms of minillm that a ratio farther from 1 makes larger; inf for none [0.2]
    #[arg(long, value_name = "EPSILON", help_heading = "Objectives")]
    pub clip_ratio: Option<f64>,
    /// Whether minillm divides what a token leads to by the length of it [true]
    #[arg(long, value_name = "BOOL", help_heading = "Objectives")]
    pub length_normalise: Option<bool>,
    /// The weight λ of the language-modelling loss [1 with --text, otherwise 0]
    #[arg(long, value_name = "LAMBDA", help_heading = "Objectives")]
    pub text_weight: Option<f64>,
    /// The share of KL to the teacher in that loss; --text is then teacher data [0]
    #[arg(long, value_name = "SHARE", help_heading = "Objectives")]
    pub text_kl: Option<f64>,

    /// Steps of each phase: one number for all, or a list [from --epochs]
    #[arg(long, value_name = "N,…", help_heading = "Optimisation")]
    pub steps: Option<PerPhase<u64>>,
    /// Passes over the data of each phase: one number for all, or a list [1]
    #[arg(long, value_name = "X,…", help_heading = "Optimisation")]
    pub epochs: Option<PerPhase<f64>>,
    /// Examples a step, for each process [64]
    #[arg(long, value_name = "N", help_heading = "Optimisation")]
    pub batch: Option<usize>,
    /// Processes that --batch is for, however many share a step [those started]
    #[arg(long, value_name = "N", help_heading = "Optimisation")]
    pub ranks: Option<usize>,
    /// Examples that are computed together; the result does not depend on it [8]
    #[arg(long, value_name = "N", help_heading = "Optimisation")]
    pub micro_batch: Option<usize>,
    /// Compute activations a second time in place of keeping them: less memory, more time [false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", help_heading = "Optimisation")]
    pub checkpointing: Option<bool>,
    /// The highest learning rate: one for all phases, or a list [5e-6]
    #[arg(long, value_name = "RATE,…", help_heading = "Optimisation")]
    pub learning_rate: Option<PerPhase<f64>>,
    /// Steps until the learning rate is there [100, at most a tenth of all]
    #[arg(long, value_name = "N", help_heading = "Optimisation")]
    pub warm_up: Option<u64>,
    /// The largest norm of a gradient; inf for any [1]
    #[arg(long, value_name = "NORM", help_heading = "Optimisation")]
    pub clip: Option<f64>,
    /// Decay of weights, but not of norms and biases [1e-6]
    #[arg(long, value_name = "DECAY", help_heading = "Optimisation")]
    pub weight_decay: Option<f64>,
    /// The seed of all randomness [1]
    #[arg(long, value_name = "N", help_heading = "Optimisation")]
    pub seed: Option<u64>,

    /// Steps between two saved states [100]
    #[arg(long, value_name = "N", help_heading = "On the way")]
    pub save_every: Option<u64>,
    /// Steps between two scores on --dev; 0 for the first and the last only [a tenth of the shortest phase]
    #[arg(long, value_name = "N", help_heading = "On the way")]
    pub score_every: Option<u64>,
    /// Scores without a new best that end a phase; 0 for none [0]
    #[arg(long, value_name = "N", help_heading = "On the way")]
    pub patience: Option<u64>,
    /// Score the first N records of --dev only [64]
    #[arg(long, value_name = "N", help_heading = "On the way")]
    pub dev_limit: Option<usize>,
    /// The most new tokens of a response on --dev, and of one to minillm [256]
    #[arg(long, value_name = "N", help_heading = "On the way")]
    pub max_new_tokens: Option<usize>,
    /// The nucleus that responses on --dev are drawn from [1]
    #[arg(long, value_name = "P", help_heading = "On the way")]
    pub top_p: Option<f64>,
    /// Evaluate every N steps what the theory states, and stop where it does not hold [never]
    #[arg(long, value_name = "every=N", help_heading = "On the way")]
    pub check: Option<Every>,
}

/// How often something is done, written `every=N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Every(pub u64);

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("every=").and_then(|number| number.parse().ok());
        let wrong = || format!("{text:?} is not every=N with N at least 1, such as every=100");
        number.filter(|&number| number > 0).map(Self).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Every> for String {
    fn from(Every(number): Every) -> Self {
        format!("every={number}")
    }
}

/// An objective by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseName {
    /// Cross entropy to the outputs of --train.
    Sft,
    /// Bellman Distill.
    Bd,
    /// Bellman Distill as the released code has it.
    BdReleased,
    /// Forward KL to the teacher over the whole vocabulary.
    Kd,
    /// Forward KL on the candidates and one bucket for the rest, from the cache.
    KdCandidates,
    /// Reverse KL to the teacher over the whole vocabulary.
    ReverseKl,
    /// Cross entropy to the teacher's responses.
    Seqkd,
    /// Reverse KL by policy gradient, on responses of the student with the teacher mixed in.
    Minillm,
}

/// φ by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phi {
    /// x − x²/(4α).
    Chi2,
    /// x.
    Identity,
}

/// A shift by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shift {
    /// The largest logit of the vocabulary.
    VocabMax,
    /// The largest logit of the candidates: faster, and the same where the student's best token is one.
    CandidateMax,
    /// log Σ exp of the logits.
    LogSoftmax,
    /// Nothing.
    None,
}

/// A rule for tokens outside by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outside {
    /// They have the value of the floor.
    Floor,
    /// Their transitions are left out.
    Drop,
}

impl Options {
    /// The options in a TOML file. Paths in it are relative to where the command runs.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let text = std::fs::read_to_string(path).map_err(|source| {
            CliError::from(llm::LlmError::File { path: path.to_path_buf(), source })
        })?;
        toml::from_str(&text).map_err(|e| {
            let what = format!("{}: {e}", path.display());
            CliError::argument(what, "`bellman distill --help` lists the fields: each flag is one")
        })
    }

    /// These options, and where they are silent those of `other`.
    pub fn or(self, other: Self) -> Result<Self, CliError> {
        // Both are tables of the fields that are given.
        let mut all = table(&other)?;
        all.extend(table(&self)?);
        all.try_into().map_err(|e: toml::de::Error| CliError::argument(e.to_string(), "a defect"))
    }

    /// The settings that are given, by name.
    pub fn rows(&self) -> Result<Vec<Vec<String>>, CliError> {
        let text = |value: toml::Value| match value {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(table(self)?.into_iter().map(|(name, value)| vec![name, text(value)]).collect())
    }

    /// As a TOML file.
    pub fn to_toml(&self) -> Result<String, CliError> {
        toml::to_string_pretty(self).map_err(|e| CliError::argument(e.to_string(), "a defect"))
    }
}

fn table(options: &Options) -> Result<toml::Table, CliError> {
    toml::Table::try_from(options).map_err(|e| CliError::argument(e.to_string(), "a defect"))
}
