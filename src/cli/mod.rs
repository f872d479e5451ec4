//! One file per subcommand; this one says what they share.

#[cfg(feature = "llm")]
mod audit;
#[cfg(feature = "llm")]
mod carve;
#[cfg(feature = "llm")]
mod carving;
mod certify;
#[cfg(feature = "llm")]
mod chat;
mod check;
#[cfg(feature = "llm")]
mod compare;
mod completions;
#[cfg(feature = "llm")]
mod data;
#[cfg(feature = "llm")]
mod distill;
mod error;
#[cfg(feature = "llm")]
mod eval;
#[cfg(feature = "llm")]
mod exercises;
#[cfg(feature = "llm")]
mod gap;
mod generate;
#[cfg(feature = "llm")]
mod init;
mod interrupt;
#[cfg(feature = "llm")]
mod language_model;
#[cfg(feature = "llm")]
mod logits;
#[cfg(feature = "llm")]
mod loss;
pub mod output;
#[cfg(feature = "llm")]
mod plan;
#[cfg(feature = "llm")]
mod progress;
mod proof;
#[cfg(feature = "llm")]
mod prune;
mod range;
pub mod ranks;
mod replay;
#[cfg(feature = "llm")]
mod rouge;
#[cfg(feature = "llm")]
mod sampling;
#[cfg(feature = "llm")]
mod served;
mod size;
mod solve;
mod source;
#[cfg(feature = "llm")]
mod teacher;
#[cfg(feature = "llm")]
mod texts;
#[cfg(feature = "llm")]
mod tour;
mod verdicts;
mod verify;

pub use error::CliError;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Top-p soft Bellman operators: verify, solve, certify.
#[derive(Debug, Parser)]
#[command(name = "bellman", version, about, arg_required_else_help = true)]
pub struct Bellman {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the propositions on random MDPs, or on a model of your own
    Verify(verify::Verify),
    /// Solve a model: Q*, the teacher, candidate sets, both fixed points, leak and gap
    Solve(solve::Solve),
    /// Solve a model and write a certificate that encloses its fixed points
    Certify(certify::Certify),
    /// Check a certificate against its model
    Check(check::Check),
    /// Print the most likely next tokens of a language model
    #[cfg(feature = "llm")]
    Logits(logits::Logits),
    /// Evaluate the Bellman Distill loss on a batch in a file, with its gradient
    #[cfg(feature = "llm")]
    Loss(loss::Loss),
    /// Score predictions against references: Rouge-L and exact match
    #[cfg(feature = "llm")]
    Rouge(rouge::Rouge),
    /// Compare the predictions of two systems, with an interval
    #[cfg(feature = "llm")]
    Compare(compare::Compare),
    /// Score a language model's responses to a data set
    #[cfg(feature = "llm")]
    Eval(eval::Eval),
    /// Let a language model answer, once or in a conversation
    #[cfg(feature = "llm")]
    Chat(chat::Chat),
    /// Lay a language model out as an MDP in which it is the soft-optimal policy
    #[cfg(feature = "llm")]
    Carve(carve::Carve),
    /// How far a student is from what the theory describes, by Bellman residuals
    #[cfg(feature = "llm")]
    Audit(audit::Audit),
    /// Let a teacher answer prompts, and keep its answers with its candidate sets
    #[cfg(feature = "llm")]
    Generate(teacher::Generate),
    /// Distil a teacher into a student: Bellman Distill and what it is compared with
    #[cfg(feature = "llm")]
    Distill(Box<distill::Distill>),
    /// Estimate what restricting a language model to its candidate sets costs
    #[cfg(feature = "llm")]
    Gap(gap::Gap),
    /// Choose p: what a gap that one can afford calls for
    #[cfg(feature = "llm")]
    Plan(plan::Plan),
    /// Make a student of some of a teacher's layers
    #[cfg(feature = "llm")]
    Prune(prune::Prune),
    /// Write instructions whose answers can be checked, to train small models on
    #[cfg(feature = "llm")]
    Exercises(exercises::WriteExercises),
    /// Write a language model with random weights, to be trained from nothing
    #[cfg(feature = "llm")]
    Init(init::Init),
    /// Write a random model of a family
    GenerateMdp(generate::GenerateMdp),
    /// Check a counterexample file again
    Replay(replay::ReplayFile),
    /// Print completions for a shell
    Completions(completions::Completions),
}

impl Command {
    /// Whether several processes share the work.
    fn splits(&self) -> bool {
        match self {
            Self::Verify(_) => true,
            #[cfg(feature = "llm")]
            Self::Generate(_) | Self::Distill(_) => true,
            _ => false,
        }
    }
}

/// How a command ends; the exit codes others rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// 0: fine.
    Fine,
    /// 1: the answer is no.
    No,
    /// 2: unusable input or arguments.
    Unusable,
    /// 3: undecided, where `--strict` asks for it.
    Undecided,
    /// 130: interrupted.
    Interrupted,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        ExitCode::from(match end {
            End::Fine => 0,
            End::No => 1,
            End::Unusable => 2,
            End::Undecided => 3,
            End::Interrupted => 130,
        })
    }
}

/// Runs a command.
pub fn run(bellman: Bellman) -> Result<End, CliError> {
    // Without a handler Ctrl-C ends the process at once, which is fine too: every file is
    // written aside and renamed, so nothing is ever half written.
    let _ = ctrlc::set_handler(interrupt::interrupted);
    if !bellman.command.splits() {
        ranks::single()?;
    }
    match bellman.command {
        Command::Verify(command) => ranks::together(|ranks| command.run(ranks)),
        Command::Solve(command) => command.run(),
        Command::Certify(command) => command.run(),
        Command::Check(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Logits(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Loss(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Rouge(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Compare(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Eval(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Chat(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Carve(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Audit(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Generate(command) => ranks::together(|ranks| command.run(ranks)),
        #[cfg(feature = "llm")]
        Command::Distill(command) => ranks::together(|ranks| command.run(ranks)),
        #[cfg(feature = "llm")]
        Command::Gap(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Plan(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Prune(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Exercises(command) => command.run(),
        #[cfg(feature = "llm")]
        Command::Init(command) => command.run(),
        Command::GenerateMdp(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Completions(command) => command.run(),
    }
}
