//! One file per subcommand; this one says what they share.

mod error;
mod range;
mod verify;

pub use error::CliError;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

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

/// Set by Ctrl-C; long work looks at it and ends cleanly.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// Runs a command.
pub fn run(bellman: Bellman) -> Result<End, CliError> {
    // Without a handler Ctrl-C ends the process at once, which is fine too.
    let _ = ctrlc::set_handler(|| STOP.store(true, std::sync::atomic::Ordering::SeqCst));
    match bellman.command {
        Command::Verify(command) => command.run(),
    }
}
