//! The `bellman` command.
#[cfg(feature = "llm")]
mod allocator;
mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "llm")]
    allocator::keep_memory();
    let command = cli::Bellman::parse();
    match cli::run(command) {
        Ok(end) => end.into(),
        Err(error) => {
            cli::output::say!("{:?}", miette::Report::new(error));
            cli::End::Unusable.into()
        }
    }
}
