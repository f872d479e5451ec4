//! Printing: JSON on standard output, tables for people on standard error.

use super::CliError;
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde::Serialize;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// Says a line to people, on standard error, with the syntax of `format!`.
///
/// Where nobody listens, because it is closed or full, the command goes on: no result is lost for
/// want of a listener, and there is nobody left to be told.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::output::tell(format_args!($($words)*)) };
}
pub(crate) use say;

/// Set where another process speaks for this one.
static HUSHED: AtomicBool = AtomicBool::new(false);

/// From now on this process neither says nor prints anything.
pub fn hush() {
    HUSHED.store(true, Ordering::Relaxed);
}

/// Whether another process speaks for this one.
pub fn hushed() -> bool {
    HUSHED.load(Ordering::Relaxed)
}

/// A bar as it is, or hidden where another process speaks for this one.
pub fn shown(bar: ProgressBar) -> ProgressBar {
    if hushed() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

/// What [`say!`] does.
pub fn tell(words: std::fmt::Arguments<'_>) {
    if hushed() {
        return;
    }
    // In one piece, so that lines of several threads do not mix.
    let _ = std::io::stderr().lock().write_all(format!("{words}\n").as_bytes());
}

/// Prints one JSON value and a line end on standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    if hushed() {
        return Ok(());
    }
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

/// The words of the command line, the program by its name alone.
pub fn command() -> Vec<String> {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    std::iter::once("bellman".to_string()).chain(words).collect()
}

/// A number in a table: six decimals, or the scientific form where those would be digits without
/// end.
pub fn number(x: f64) -> String {
    if x.is_finite() && x.abs() >= 1e12 { format!("{x:.6e}") } else { format!("{x:.6}") }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short_however_large() {
        assert_eq!(number(-1.5), "-1.500000");
        assert_eq!(number(1e-300), "0.000000");
        assert_eq!(number(999_999_999_999.0), "999999999999.000000");
        assert_eq!(number(1e12), "1.000000e12");
        assert_eq!(number(f64::MAX), "1.797693e308");
        assert_eq!(number(f64::NEG_INFINITY), "-inf");
    }
}
