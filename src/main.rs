//! The `bellman` command.
#![forbid(unsafe_code)]

mod cli;

use clap::Parser;
use std::process::ExitCode;

// Tensors come and go by the megabyte; glibc gives such pieces back to the system each time.
#[cfg(feature = "llm")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
