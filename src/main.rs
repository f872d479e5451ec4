//! The `bellman` command.
#![forbid(unsafe_code)]

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = cli::Bellman::parse();
    match cli::run(command) {
        Ok(end) => end.into(),
        Err(error) => {
            cli::output::say!("{:?}", miette::Report::new(error));
            cli::End::Unusable.into()
        }
    }
}
