//! PRISM's explicit files: transitions (`.tra`), and beside them states (`.sta`), state rewards
//! (`.srew`) and transition rewards (`.trew`), each of which may be missing.
//!
//! ```text
//! M.tra  states choices transitions      then   state choice successor probability [label]
//! M.sta  (variables)                     then   state:(values)
//! M.srew states rewards                  then   state reward
//! M.trew states choices rewards          then   state choice successor reward
//! ```
//!
//! The reward of a pair is its state's plus the expected reward of its transitions. Choice
//! numbers are action numbers, unless every choice has a label `a0`, `a1`, … of its own: then
//! those are, which is how action numbers with gaps are written.

use super::Contents;
use super::error::{Defect, FormatError, Problem};
use super::read_text;
use super::table::{Table, TableRow, Transition, check_count, number_actions};
use super::tokens::{Lexicon, Words};
use crate::ModelError;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const LEXICON: Lexicon = Lexicon { comment: "#", marks: &[':'] };

/// The model of a `.tra` file and of the files beside it.
pub(super) fn parse(path: &Path, text: &str) -> Result<Table, FormatError> {
    let (mut table, own) = transitions(text).map_err(|defect| defect.in_file(path))?;
    let mut beside = |extension, apply: fn(&str, &mut Table) -> Result<(), Defect>| {
        let path = path.with_extension(extension);
        match read_text(&path) {
            Ok(text) => apply(&text, &mut table).map_err(|defect| defect.in_file(path)),
            Err(FormatError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    };
    beside("sta", check_states)?;
    beside("srew", add_state_rewards)?;
    beside("trew", add_transition_rewards)?;
    number_actions(&mut table.rows, &own);
    Ok(table)
}

/// The rows in order of state and choice, and the numbers their labels stand for.
fn transitions(text: &str) -> Result<(Table, Vec<Option<u32>>), Defect> {
    let mut lines = LEXICON.lines(text);
    let [states, choices, transitions] =
        header(&mut lines, "`states choices transitions`, the counts of an MDP,")?;
    let mut rows = BTreeMap::<(usize, u32), (TableRow, Option<u32>)>::new();
    let mut found = 0;
    for mut words in lines {
        let line = words.line();
        let [state, choice, successor] =
            numbers(&mut words, "`state choice successor probability`")?;
        let weight = words.word("a probability")?.fraction()?;
        let own = words.word("").ok().and_then(|w| w.text.strip_prefix('a')?.parse().ok());
        words.end()?;
        let action = u32::try_from(choice).map_err(|_| too_large(choice, line))?;
        let new = || {
            let transitions = Vec::new();
            (TableRow { state, action, line: Some(line), reward: None, transitions }, own)
        };
        let (row, _) = rows.entry((state, action)).or_insert_with(new);
        row.transitions.push(Transition { successor, weight, reward: None });
        found += 1;
    }
    check_count("choices", choices, rows.len())?;
    check_count("transitions", transitions, found)?;
    let (rows, own) = rows.into_values().unzip();
    // A count beyond `usize` is refused for want of rows.
    let states = usize::try_from(states.0).unwrap_or(usize::MAX);
    if states == 0 {
        return Err(ModelError::NoStates.into());
    }
    Ok((Table { states, rows, ..Table::default() }, own))
}

fn too_large(choice: usize, line: usize) -> Defect {
    let expected = "a choice number below 4294967296";
    Problem::Number { found: choice.to_string(), expected }.at(line)
}

/// The counts in the first line, with that line's number.
fn header<'a, const N: usize>(
    lines: &mut impl Iterator<Item = Words<'a>>,
    expected: &'static str,
) -> Result<[(u64, usize); N], Defect> {
    let mut words = lines.next().ok_or(Problem::Ended { expected })?;
    let mut counts = [(0, words.line()); N];
    for count in &mut counts {
        count.0 = words.word(expected)?.whole()?;
    }
    words.end()?;
    Ok(counts)
}

/// The numbers that a line starts with.
fn numbers<const N: usize>(
    words: &mut Words<'_>,
    expected: &'static str,
) -> Result<[usize; N], Defect> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = words.word(expected)?.whole()?;
    }
    Ok(numbers)
}

/// Compares the number of states; their values mean nothing to the model.
fn check_states(text: &str, table: &mut Table) -> Result<(), Defect> {
    let mut lines = LEXICON.lines(text);
    lines.next().ok_or(Problem::Ended { expected: "the variables" })?;
    let mut found = 0;
    for mut words in lines {
        let state = words.word("`state:(values)`")?;
        if state.whole::<usize>()? != found {
            return Err(state.unexpected("the number of the next state, counting from 0,"));
        }
        found += 1;
    }
    check_same("states", table.states, found)
}

/// Compares a count with that of the `.tra` file.
fn check_same(what: &'static str, expected: usize, found: usize) -> Result<(), Defect> {
    if found == expected {
        return Ok(());
    }
    Err(Problem::Count { what, declared: expected as u64, found }.into())
}

fn add_state_rewards(text: &str, table: &mut Table) -> Result<(), Defect> {
    let mut lines = LEXICON.lines(text);
    let [_, declared] = header(&mut lines, "`states rewards`, two counts,")?;
    let mut rewards = BTreeMap::<usize, f64>::new();
    for mut words in lines {
        let line = words.line();
        let [state] = numbers(&mut words, "`state reward`")?;
        let reward = words.word("a reward")?.fraction()?;
        words.end()?;
        if state >= table.states {
            let error = ModelError::StateOutOfRange { state, states: table.states };
            return Err(Problem::from(error).at(line));
        }
        if rewards.insert(state, reward).is_some() {
            let name = state.to_string();
            return Err(Problem::Twice { what: "the reward of state", name }.at(line));
        }
    }
    check_count("state rewards", declared, rewards.len())?;
    for row in &mut table.rows {
        row.reward = rewards.get(&row.state).copied();
    }
    Ok(())
}

fn add_transition_rewards(text: &str, table: &mut Table) -> Result<(), Defect> {
    let mut lines = LEXICON.lines(text);
    let [_, _, declared] = header(&mut lines, "`states choices rewards`, three counts,")?;
    // The reward, its line, and whether the transition exists.
    let mut rewards = BTreeMap::<(usize, usize, usize), (f64, usize, bool)>::new();
    for mut words in lines {
        let line = words.line();
        let key: [usize; 3] = numbers(&mut words, "`state choice successor reward`")?;
        let reward = words.word("a reward")?.fraction()?;
        words.end()?;
        if rewards.insert(key.into(), (reward, line, false)).is_some() {
            let name = key.map(|k| k.to_string()).join(" ");
            return Err(Problem::Twice { what: "the reward of transition", name }.at(line));
        }
    }
    check_count("transition rewards", declared, rewards.len())?;
    for row in &mut table.rows {
        for transition in &mut row.transitions {
            let key = (row.state, row.action as usize, transition.successor);
            if let Some((reward, _, found)) = rewards.get_mut(&key) {
                transition.reward = Some(*reward);
                *found = true;
            }
        }
    }
    match rewards.into_iter().find(|(_, (_, _, found))| !found) {
        None => Ok(()),
        Some(((state, choice, successor), (_, line, _))) => {
            Err(Problem::NoSuchTransition { state, choice, successor }.at(line))
        }
    }
}

/// The files of a model, the `.tra` file last. All are written, empty if need be: an old one
/// left beside the others would be read with them.
pub(super) fn render(
    path: &Path,
    contents: &Contents<'_>,
) -> Result<Vec<(PathBuf, String)>, Problem> {
    let beside = |extension| path.with_extension(extension);
    let extensions = ["sta", "srew", "trew"];
    if let Some(extension) = extensions.into_iter().find(|&e| beside(e) == path) {
        return Err(Problem::SideFile { extension: extension.to_owned() });
    }
    let mdp = contents.mdp;
    let (states, choices) = (mdp.states(), mdp.pairs());
    let mut sta = String::from("(s)\n");
    let (mut tra, mut trew, mut rewards) = (String::new(), String::new(), 0);
    let choices_of = |s| mdp.pairs_of(s).enumerate();
    let counted = |(choice, pair): (usize, usize)| mdp.actions()[pair] as usize == choice;
    let gaps = !(0..states).all(|s| choices_of(s).all(counted));
    for state in 0..states {
        // Writing to a string cannot fail.
        let _ = writeln!(sta, "{state}:({state})");
        for (choice, pair) in choices_of(state) {
            let label = if gaps { format!(" a{}", mdp.actions()[pair]) } else { String::new() };
            let reward = mdp.rewards()[pair];
            for (successor, weight) in mdp.row(pair).iter() {
                let _ = writeln!(tra, "{state} {choice} {successor} {weight:?}{label}");
                // By its bits, so that the sign of zero survives.
                if reward.to_bits() != 0 {
                    let _ = writeln!(trew, "{state} {choice} {successor} {reward:?}");
                    rewards += 1;
                }
            }
        }
    }
    let transitions = mdp.transitions();
    Ok(vec![
        (beside("sta"), sta),
        (beside("srew"), format!("{states} 0\n")),
        (beside("trew"), format!("{states} {choices} {rewards}\n{trew}")),
        (path.to_owned(), format!("{states} {choices} {transitions}\n{tra}")),
    ])
}
