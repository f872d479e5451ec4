//! `bellman loss`: the loss of a batch in a file, to check other implementations against.

use super::output::{number, print_json, say, table};
use super::{CliError, End};
use clap::{Args, ValueEnum};
use llm::loss::{Batch, Configuration, Evaluated, PhiName, ShiftName, evaluate};
use serde_json::json;
use std::path::PathBuf;

/// Evaluate the Bellman Distill loss on a batch in a file, with its gradient and soft values.
///
/// The file is a JSON object with `student_logits` and `teacher_logits` [B, T, V], `actions` [B, T],
/// `lengths` and `ends_with_eos` [B]. Every configuration in its list `bellman_distill` is
/// evaluated; flags name one instead, and what they leave out is as published. Everything is f64.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman loss --batch batch.json
  bellman loss --batch batch.json --p 0.8 --phi identity --shift log-softmax --json")]
pub struct Loss {
    /// The batch
    #[arg(long, value_name = "FILE")]
    batch: PathBuf,
    /// The mass of the candidate sets [published: 0.8]
    #[arg(long, allow_negative_numbers = true)]
    p: Option<f64>,
    /// The discount γ [published: 0.99]
    #[arg(long, allow_negative_numbers = true)]
    gamma: Option<f64>,
    /// The function φ of the implied reward [published: chi2]
    #[arg(long)]
    phi: Option<PhiFlag>,
    /// α of chi2 [published: 0.1]
    #[arg(long, allow_negative_numbers = true)]
    alpha: Option<f64>,
    /// What is taken from logits to make them Q-values [default: vocab-max]
    #[arg(long)]
    shift: Option<ShiftFlag>,
    /// The floor under Q-values [published: -10]
    #[arg(long, allow_negative_numbers = true)]
    q_min: Option<f64>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PhiFlag {
    Chi2,
    Identity,
}

/// A shift by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShiftFlag {
    /// The largest logit.
    #[value(alias = "vocab_max")]
    VocabMax,
    /// log Σ exp of the logits.
    #[value(alias = "log_softmax")]
    LogSoftmax,
    /// Nothing.
    None,
}

impl Loss {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let batch = Batch::read(&self.batch)?;
        let named = self.configuration();
        let evaluated: Result<Vec<Evaluated>, _> = match named {
            Some(named) => [evaluate(&batch, &named, "the flags")].into_iter().collect(),
            None if batch.configurations().is_empty() => {
                [evaluate(&batch, &Configuration::default(), "as published")].into_iter().collect()
            }
            None => {
                let all = batch.configurations().iter().enumerate();
                all.map(|(i, c)| evaluate(&batch, c, &format!("bellman_distill[{i}]"))).collect()
            }
        };
        let evaluated = evaluated?;
        if self.json {
            print_json(&json!({ "bellman_distill": evaluated }))?;
        } else {
            print(&evaluated);
        }
        Ok(End::Fine)
    }

    /// What the flags name.
    fn configuration(&self) -> Option<Configuration> {
        let published = Configuration::default();
        let named = Configuration {
            p: self.p.unwrap_or(published.p),
            gamma: self.gamma.unwrap_or(published.gamma),
            phi: self.phi.map_or(published.phi, PhiName::from),
            alpha: self.alpha.unwrap_or(published.alpha),
            shift: self.shift.map_or(published.shift, ShiftName::from),
            q_min: self.q_min.unwrap_or(published.q_min),
        };
        let numbers = [self.p, self.gamma, self.alpha, self.q_min];
        let any = numbers.iter().any(Option::is_some) || self.phi.is_some() || self.shift.is_some();
        any.then_some(named)
    }
}

impl From<PhiFlag> for PhiName {
    fn from(flag: PhiFlag) -> Self {
        match flag {
            PhiFlag::Chi2 => Self::Chi2,
            PhiFlag::Identity => Self::Identity,
        }
    }
}

impl From<ShiftFlag> for ShiftName {
    fn from(flag: ShiftFlag) -> Self {
        match flag {
            ShiftFlag::VocabMax => Self::VocabMax,
            ShiftFlag::LogSoftmax => Self::LogSoftmax,
            ShiftFlag::None => Self::None,
        }
    }
}

fn print(evaluated: &[Evaluated]) {
    let mut table = table(&["p", "γ", "φ", "α", "shift", "Q_min", "loss", "norm of the gradient"]);
    for e in evaluated {
        let c = e.configuration;
        let squares = e.grad_student_logits.iter().flatten().flatten().map(|x| x * x);
        table.add_row([
            c.p.to_string(),
            c.gamma.to_string(),
            format!("{:?}", c.phi).to_lowercase(),
            c.alpha.to_string(),
            format!("{:?}", c.shift),
            c.q_min.to_string(),
            number(e.loss),
            number(squares.sum::<f64>().sqrt()),
        ]);
    }
    say!("{table}");
}
