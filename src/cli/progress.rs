//! Progress of work that is counted, for people: quiet where there is no terminal.

use super::output::shown;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// A bar over `length` things, which `what` names.
pub fn bar_of(length: usize, what: &str) -> ProgressBar {
    bar(length, format!("{{bar:40}} {{pos}}/{{len}} {what}, {{elapsed}}, {{eta}} left"))
}

/// The same that says how many a second, for things that are quick.
pub fn bar_with_rate(length: usize, what: &str) -> ProgressBar {
    bar(length, format!("{{bar:40}} {{pos}}/{{len}} {what}, {{per_sec}}, {{eta}} left"))
}

fn bar(length: usize, style: String) -> ProgressBar {
    // The template is well formed for every name without braces; a bar without it is still a bar.
    let style = ProgressStyle::with_template(&style).unwrap_or(ProgressStyle::default_bar());
    let bar = shown(ProgressBar::new(length as u64).with_style(style));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
