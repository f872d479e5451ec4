//! This project's JSON model: states, offered actions, rewards and rows, with γ and p.
//!
//! ```json
//! {"name": "loop", "gamma": 0.9, "p": 0.8, "states": 1,
//!  "available": [[0, 2]], "reward": [[1.5, -1]], "transition": [[[[0, 1]], [[0, 1]]]]}
//! ```
//!
//! `available[s]` lists the actions of state s; `reward[s][j]` and `transition[s][j]`, a list of
//! `[next state, probability]`, belong to `available[s][j]`. `candidates`, if there, lists the
//! actions of each state's candidate set. `gamma`, `p` and `name` may be missing; `expected`, `seed`, `notes` and `found_by` are allowed and ignored.

use super::error::{Defect, Problem};
use super::table::{Table, TableRow, Transition};
use super::{Contents, FormatError, ModelFile, ReadOptions};
use crate::{Instance, Mdp};
use serde::de::{Deserialize, IgnoredAny};
use std::fmt::Write;
use std::path::Path;

/// Top-level members that mean nothing to the model.
pub(super) const IGNORED: [&str; 4] = ["expected", "seed", "notes", "found_by"];

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    gamma: Option<f64>,
    p: Option<f64>,
    states: usize,
    available: Vec<Vec<u32>>,
    reward: Vec<Vec<f64>>,
    transition: Vec<Vec<Vec<(usize, f64)>>>,
    candidates: Option<Vec<Vec<u32>>>,
    // The members of IGNORED; the parser names any other.
    #[serde(default, rename = "expected")]
    _expected: IgnoredAny,
    #[serde(default, rename = "seed")]
    _seed: IgnoredAny,
    #[serde(default, rename = "notes")]
    _notes: IgnoredAny,
    #[serde(default, rename = "found_by")]
    _found_by: IgnoredAny,
}

/// Reads a JSON model from a string; `name` stands for the file in messages and is the model's
/// name if the text gives none.
///
/// # Errors
/// [`FormatError`], with the line of a syntax error, or the state and action of a wrong number.
///
/// # Example
/// ```
/// use tabular::formats::{ReadOptions, from_json_str};
/// let text = r#"{"states": 1, "available": [[0]], "reward": [[2]], "transition": [[[[0, 1]]]]}"#;
/// let model = from_json_str("loop", text, &ReadOptions::default())?;
/// assert_eq!((model.name.as_str(), model.mdp.rewards()), ("loop", &[2.0][..]));
/// # Ok::<(), tabular::formats::FormatError>(())
/// ```
pub fn from_json_str(
    name: &str,
    text: &str,
    options: &ReadOptions,
) -> Result<ModelFile, FormatError> {
    super::parse(Path::new(name), text, super::Format::Json, options)
}

/// An instance as a JSON model that [`from_json_str`] reads back to the same bits.
pub fn to_json(instance: &Instance) -> String {
    render(&Contents::from(instance))
}

pub(super) fn parse(text: &str) -> Result<Table, Defect> {
    let file: File = from_str(text)?;
    check_length("`available`", file.available.len(), file.states)?;
    check_length("`reward`", file.reward.len(), file.states)?;
    check_length("`transition`", file.transition.len(), file.states)?;
    if let Some(candidates) = &file.candidates {
        check_length("`candidates`", candidates.len(), file.states)?;
    }
    let mut rows = Vec::new();
    let lists = file.available.into_iter().zip(file.reward).zip(file.transition);
    for (state, ((actions, rewards), transitions)) in lists.enumerate() {
        check_row("reward", state, rewards.len(), actions.len())?;
        check_row("transition", state, transitions.len(), actions.len())?;
        for ((action, reward), row) in actions.into_iter().zip(rewards).zip(transitions) {
            let entry = |(successor, weight)| Transition { successor, weight, reward: None };
            let transitions = row.into_iter().map(entry).collect();
            rows.push(TableRow { state, action, line: None, reward: Some(reward), transitions });
        }
    }
    let File { name, gamma, p, states, candidates, .. } = file;
    Ok(Table { name, gamma, p, candidates, states, rows, added_states: 0 })
}

/// Deserialises, with line and column of whatever is wrong.
pub(super) fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Defect> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let place = format!(" at line {line} column {column}");
        let message = message.strip_suffix(&place).unwrap_or(&message);
        // The parser names Rust's types.
        let message = ["usize", "u64", "u32"].iter().fold(message.to_owned(), |message, name| {
            message.replace(&format!("expected {name}"), "expected a whole number within range")
        });
        Problem::Json { message, column }.at(line)
    })
}

fn check_length(list: &str, found: usize, expected: usize) -> Result<(), Problem> {
    if found == expected {
        return Ok(());
    }
    Err(Problem::Length { list: list.to_owned(), found, expected, of: "state" })
}

fn check_row(list: &str, state: usize, found: usize, expected: usize) -> Result<(), Problem> {
    if found == expected {
        return Ok(());
    }
    let list = format!("`{list}` of state {state}");
    Err(Problem::Length { list, found, expected, of: "available action" })
}

/// The text of a model. Doubles are printed so that they read back to the same bits.
pub(super) fn render(contents: &Contents<'_>) -> String {
    let mdp = contents.mdp;
    let mut out = String::from("{");
    let mut member = |key: &str, value: &str| {
        let comma = if out.len() > 1 { "," } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(out, "{comma}\n {}: {value}", quoted(key));
    };
    member("name", &quoted(contents.name));
    if let Some(gamma) = contents.gamma {
        member("gamma", &number(gamma.get()));
    }
    if let Some(p) = contents.p {
        member("p", &number(p.get()));
    }
    for (key, value) in contents.extra.into_iter().flatten() {
        member(key, &value.to_string());
    }
    member("states", &mdp.states().to_string());
    let action = |pair: usize| mdp.actions()[pair].to_string();
    member("available", &by_state(mdp, action));
    member("reward", &by_state(mdp, |pair| number(mdp.rewards()[pair])));
    member("transition", &by_state(mdp, |pair| row(mdp, pair)));
    if let Some(sets) = contents.sets {
        member("candidates", &by_state_of(mdp, |&pair| sets.kept()[pair], action));
    }
    out.push_str("\n}\n");
    out
}

/// One list for each state, a state a line, with an entry for each of its pairs.
fn by_state(mdp: &Mdp, entry: impl Fn(usize) -> String) -> String {
    by_state_of(mdp, |_| true, entry)
}

/// The same with the pairs that are wanted only.
fn by_state_of(
    mdp: &Mdp,
    wanted: impl Fn(&usize) -> bool,
    entry: impl Fn(usize) -> String,
) -> String {
    let state = |s| format!("  [{}]", list(mdp.pairs_of(s).filter(&wanted).map(&entry)));
    let states: Vec<String> = (0..mdp.states()).map(state).collect();
    format!("[\n{}\n ]", states.join(",\n"))
}

fn row(mdp: &Mdp, pair: usize) -> String {
    format!("[{}]", list(mdp.row(pair).iter().map(|(s, w)| format!("[{s}, {}]", number(w)))))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// A finite double in JSON; Rust prints the shortest digits that read back to the same bits.
pub(super) fn number(x: f64) -> String {
    format!("{x:?}")
}

/// A string in JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
