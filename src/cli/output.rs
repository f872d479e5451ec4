//! Printing: JSON on standard output, tables for people on standard error.

use super::CliError;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::io::Write;

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
