//! Printing: JSON on standard output, tables for people on standard error.

use super::CliError;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::io::Write;

/// Prints one JSON value and a line end on standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: "standard output".into(), source };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(|e| failed(e.into()))?;
    writeln!(out).map_err(failed)
}

/// An empty table in the style of this command.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(header);
    table
}
