//! The `bellman` command.
#[cfg(feature = "llm")]
mod allocator;
mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "llm")]
    allocator::keep_memory();
    if cli::ranks::started().is_some_and(|(rank, _)| rank > 0) {
        // The first process speaks for all.
        cli::output::hush();
    }
    let command = cli::Bellman::try_parse().unwrap_or_else(|problem| {
        if cli::output::hushed() { std::process::exit(problem.exit_code()) } else { problem.exit() }
    });
    match cli::run(command) {
        Ok(end) => end.into(),
        Err(error) => {
            cli::output::say!("{:?}", miette::Report::new(error));
            cli::End::Unusable.into()
        }
    }
}
