//! Printing: JSON on standard output, tables for people on standard error.

use super::CliError;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::io::Write;

/// Says a line to people, on standard error, with the syntax of `format!`.
///
/// Where nobody listens, because it is closed or full, the command goes on: no result is lost for
/// want of a listener, and there is nobody left to be told.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::output::tell(format_args!($($words)*)) };
}
pub(crate) use say;

/// What [`say!`] does.
pub fn tell(words: std::fmt::Arguments<'_>) {
    // In one piece, so that lines of several threads do not mix.
    let _ = std::io::stderr().lock().write_all(format!("{words}\n").as_bytes());
}

/// Prints one JSON value and a line end on standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(|e| refused(e.into()))?;
    writeln!(out).map_err(refused)
}

/// Writes on standard output, which may be closed or full.
pub fn print(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(refused)
}

fn refused(source: std::io::Error) -> CliError {
    CliError::Output { source }
}

/// An empty table in the style of this command.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(header);
    table
}
