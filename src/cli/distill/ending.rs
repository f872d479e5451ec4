//! How a run ends that does not come to its end: what is kept, and how to go on.

use super::options::Options;
use super::watch::Watch;
use crate::cli::output::{number, print_json, say};
use crate::cli::{CliError, End};
use clap::ValueEnum;
use llm::LlmError;
use llm::training::{Checked, Saved};
use serde_json::json;
use std::path::Path;

/// Says what there is to say about a run that was stopped or cannot go on.
pub fn early(
    ended: Result<(), CliError>,
    (out, options): (&Path, &Options),
    watch: &Watch,
    as_json: bool,
) -> Result<End, CliError> {
    let kept = kept(out, options);
    match ended {
        Ok(()) => {
            say!("stopped: {kept}");
            Ok(End::Interrupted)
        }
        Err(CliError::LanguageModel(LlmError::Check { step, checked })) => {
            failed(step, &checked);
            let page = watch.report()?;
            say!("the page is {}; {kept}", page.display());
            if as_json {
                print_json(&json!({"failed_check": {"step": step, "checked": *checked}}))?;
            }
            Ok(End::No)
        }
        // What a run needs could not be opened, and there is none.
        Err(error) if !out.join(super::CONFIG).exists() => Err(error),
        Err(error) => {
            say!("{kept}");
            Err(error)
        }
    }
}

/// A check that failed, in full.
fn failed(step: u64, checked: &Checked) {
    let Checked { statement, place, found, expected, missed, bound } = checked;
    say!("step {step} does not compute what the theory states: {}", statement.words());
    let lines = [
        ("where", place.clone()),
        ("found", number(*found)),
        ("expected", number(*expected)),
        ("missed by", format!("{missed:.3e}")),
        ("rounding explains", format!("{bound:.3e}")),
    ];
    for (name, value) in lines {
        say!("  {name:18}{value}");
    }
}

/// What is on the disk, and the command that goes on from there.
fn kept(out: &Path, options: &Options) -> String {
    let command = format!("`bellman distill --out {} --resume`", out.display());
    let names = options.phases.clone().unwrap_or_default();
    match Saved::at(&out.join("states")).progress() {
        Ok(Some(progress)) => {
            let value = names.get(progress.phase).and_then(ValueEnum::to_possible_value);
            match value {
                Some(value) => format!(
                    "{} after step {} is kept, {command} goes on from there",
                    value.get_name(),
                    progress.step
                ),
                None => format!("all phases are done and kept, {command} writes the student"),
            }
        }
        Ok(None) => format!("no step was saved yet, {command} begins again"),
        Err(error) => format!("what is kept cannot be read: {error}"),
    }
}
