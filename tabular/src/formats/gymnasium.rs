//! Gymnasium tables: rows `[state, action, probability, next state, reward, terminated]`.
//!
//! ```json
//! {"n_states": 1, "n_actions": 1, "transitions": [[0, 0, 1.0, 0, -1.0, true]]}
//! ```
//!
//! A `terminated` transition leads to one absorbing state that is appended (index `n_states`,
//! one action, no reward), whatever next state it names. Rewards are averaged over the row.
//! `columns`, if given, must be the six above; other members are ignored.

use super::Contents;
use super::error::{Defect, Problem, shown};
use super::json::{from_str, number, quoted};
use super::table::{Table, TableRow, Transition};
use crate::{Mdp, ModelError};
use std::collections::BTreeMap;
use std::fmt::Write;

const COLUMNS: [&str; 6] = ["s", "a", "prob", "s2", "reward", "terminated"];

#[derive(serde::Deserialize)]
struct File {
    name: Option<String>,
    n_states: usize,
    n_actions: u64,
    columns: Option<Vec<String>>,
    transitions: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(expecting = "[s, a, prob, s2, reward, terminated]")]
struct Entry(usize, u32, f64, usize, f64, bool);

/// Whether a JSON object with these top-level members is such a table.
pub(super) fn has_members<'a>(mut keys: impl Iterator<Item = &'a str>) -> bool {
    keys.any(|key| matches!(key, "transitions" | "n_states" | "n_actions"))
}

pub(super) fn parse(text: &str) -> Result<Table, Defect> {
    let file: File = from_str(text)?;
    if let Some(found) = file.columns.as_ref().filter(|&c| c != &COLUMNS) {
        let expected = "`s, a, prob, s2, reward, terminated`, the columns this reader knows,";
        return Err(Problem::Unexpected { found: shown(&found.join(", ")), expected }.into());
    }
    if file.n_states == 0 {
        return Err(ModelError::NoStates.into());
    }
    let absorbing = file.transitions.iter().any(|entry| entry.5);
    let mut rows = BTreeMap::<(usize, u32), Vec<Transition>>::new();
    for entry in &file.transitions {
        let transition = file.transition(entry)?;
        rows.entry((entry.0, entry.1)).or_default().push(transition);
    }
    let mut rows: Vec<TableRow> = rows
        .into_iter()
        .map(|((state, action), transitions)| TableRow {
            state,
            action,
            line: None,
            reward: None,
            transitions,
        })
        .collect();
    if absorbing {
        rows.push(stay(file.n_states));
    }
    // Saturation is harmless: so many states are refused.
    let states = file.n_states.saturating_add(absorbing.into());
    Ok(Table { name: file.name, states, rows, added_states: absorbing.into(), ..Table::default() })
}

impl File {
    /// The checked transition of an entry.
    fn transition(&self, entry: &Entry) -> Result<Transition, Problem> {
        let &Entry(state, action, weight, successor, reward, terminated) = entry;
        let states = self.n_states;
        if state >= states {
            return Err(ModelError::StateOutOfRange { state, states }.into());
        }
        if u64::from(action) >= self.n_actions {
            let known = format!("`n_actions` is {}", self.n_actions);
            let name = action.to_string();
            return Err(Problem::UnknownName { what: "action", name, known });
        }
        if successor >= states {
            let error = ModelError::SuccessorOutOfRange { state, action, successor, states };
            return Err(error.into());
        }
        let successor = if terminated { states } else { successor };
        Ok(Transition { successor, weight, reward: Some(reward) })
    }
}

/// The row of a terminal state.
fn stay(state: usize) -> TableRow {
    let transitions = vec![Transition { successor: state, weight: 1.0, reward: None }];
    TableRow { state, action: 0, line: None, reward: Some(0.0), transitions }
}

/// The text of a table. A terminal last state becomes `terminated` again, so that a table that
/// was read is written back with its own number of states.
pub(super) fn render(contents: &Contents<'_>) -> String {
    let mdp = contents.mdp;
    let absorbing = absorbing_state(mdp);
    let states = absorbing.unwrap_or(mdp.states());
    let actions = mdp.actions().iter().max().map_or(0, |&a| u64::from(a) + 1);
    let mut out = format!(
        "{{\"name\": {}, \"n_states\": {states}, \"n_actions\": {actions},\n \"columns\": \
         [{}],\n \"transitions\": [",
        quoted(contents.name),
        COLUMNS.map(quoted).join(", "),
    );
    let mut separator = "";
    for state in 0..states {
        for pair in mdp.pairs_of(state) {
            let (action, reward) = (mdp.actions()[pair], number(mdp.rewards()[pair]));
            for (successor, weight) in mdp.row(pair).iter() {
                let terminated = Some(successor) == absorbing;
                // The appended state has no number in the file; staying stands for it.
                let successor = if terminated { state } else { successor };
                // Writing to a string cannot fail.
                let _ = write!(
                    out,
                    "{separator}\n  [{state}, {action}, {}, {successor}, {reward}, {terminated}]",
                    number(weight)
                );
                separator = ",";
            }
        }
    }
    out.push_str("\n ]}\n");
    out
}

/// The last state, if leaving it out and reading `terminated` gives the same model.
fn absorbing_state(mdp: &Mdp) -> Option<usize> {
    let last = mdp.states() - 1;
    let pair = mdp.pairs_of(last).start;
    let same = mdp.is_terminal(last)
        && mdp.actions()[pair] == 0
        && mdp.rewards()[pair].is_sign_positive()
        && mdp.row(pair).weights == [1.0];
    let entered = mdp.successors()[..mdp.row_offsets()[pair]].contains(&(last as u32));
    (same && entered).then_some(last)
}
