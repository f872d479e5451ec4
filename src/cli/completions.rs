//! `bellman completions`: completions for a shell.

use super::output::print;
use super::{Bellman, CliError, End};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  bellman completions bash > ~/.local/share/bash-completion/completions/bellman")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        // Into memory first: a closed output is a panic over there.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Bellman::command(), "bellman", &mut script);
        print(&script)?;
        Ok(End::Fine)
    }
}
