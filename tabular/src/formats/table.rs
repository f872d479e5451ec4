//! [`Table`]: what every reader produces, and the one way from there to an [`Mdp`].

use super::error::{Defect, Problem};
use super::exact::{Nearest, expected_reward};
use crate::{Adjustments, Mdp, MdpBuilder, ModelError, RowPolicy};
use operators::{CandidateSets, Discount, TopP};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The rows of a file, as they are written there.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub name: Option<String>,
    pub gamma: Option<f64>,
    pub p: Option<f64>,
    /// The candidate set of each state, by action number.
    pub candidates: Option<Vec<Vec<u32>>>,
    /// As declared; nothing is allocated before the rows are known to reach that far.
    pub states: usize,
    pub rows: Vec<TableRow>,
    /// How many of the states are not in the file.
    pub added_states: usize,
}

/// A table that turned out to be a model.
pub(super) struct Parsed {
    pub name: Option<String>,
    pub mdp: Mdp,
    pub gamma: Option<Discount>,
    pub p: Option<TopP>,
    pub sets: Option<CandidateSets>,
    pub adjustments: Adjustments,
}

/// One offered (state, action).
#[derive(Debug)]
pub(super) struct TableRow {
    pub state: usize,
    pub action: u32,
    /// Where the row starts, for messages.
    pub line: Option<usize>,
    /// The part of the reward that does not depend on the next state.
    pub reward: Option<f64>,
    pub transitions: Vec<Transition>,
}

/// One entry of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transition {
    pub successor: usize,
    pub weight: f64,
    /// The part of the reward that comes with this transition.
    pub reward: Option<f64>,
}

impl Table {
    /// Checks everything and builds the model.
    ///
    /// # Errors
    /// A [`Defect`] with the line of the row, if it has one.
    pub fn build(self, policy: RowPolicy) -> Result<Parsed, Defect> {
        if self.states == 0 {
            return Err(ModelError::NoStates.into());
        }
        self.check_states()?;
        let mut builder = MdpBuilder::new(self.states).with_policy(policy);
        let mut entries = Vec::new();
        for row in &self.rows {
            let at = |problem| Defect { line: row.line, problem };
            entries.clear();
            entries.extend(row.transitions.iter().map(|t| (t.successor, t.weight)));
            let reward = row.expected_reward().map_err(at)?;
            builder
                .action(row.state, row.action, reward.value, &entries)
                .map_err(|e| at(e.into()))?;
            if !reward.exact {
                builder.note_rounded_reward(row.state, row.action).map_err(|e| at(e.into()))?;
            }
        }
        let parameter = |e| Problem::from(ModelError::Operator(e));
        let gamma = self.gamma.map(Discount::new).transpose().map_err(parameter)?;
        let p = self.p.map(TopP::new).transpose().map_err(parameter)?;
        let (mdp, mut adjustments) = builder.build().map_err(|e| self.locate(e))?;
        adjustments.added_states = self.added_states;
        let sets = self.candidates.map(|candidates| candidate_sets(&mdp, &candidates));
        Ok(Parsed { name: self.name, mdp, gamma, p, sets: sets.transpose()?, adjustments })
    }

    /// Refuses more states than there are rows, before anything is allocated for them.
    fn check_states(&self) -> Result<(), Problem> {
        if self.states <= self.rows.len() {
            return Ok(());
        }
        let seen: BTreeSet<usize> = self.rows.iter().map(|row| row.state).collect();
        // `seen` is shorter than `states`, so a state below is missing.
        let state = seen.iter().enumerate().position(|(i, &s)| i != s).unwrap_or(seen.len());
        Err(ModelError::NoAction { state }.into())
    }

    /// Finds the line of a defect that only shows when all rows are there.
    fn locate(&self, error: ModelError) -> Defect {
        let line = match error {
            ModelError::DuplicateAction { state, action } => {
                let same = |row: &&TableRow| (row.state, row.action) == (state, action);
                self.rows.iter().filter(same).nth(1).and_then(|row| row.line)
            }
            _ => None,
        };
        Defect { line, problem: error.into() }
    }
}

impl TableRow {
    /// The expectation over next states: exact where it is a double, otherwise the nearest one.
    fn expected_reward(&self) -> Result<Nearest, Problem> {
        let certain = |value| Nearest { value, exact: true };
        let possible = self.transitions.iter().filter(|t| t.weight.is_finite() && t.weight > 0.0);
        let Some(first) = possible.clone().find_map(|t| t.reward) else {
            return Ok(certain(self.reward.unwrap_or(0.0)));
        };
        let weighted: Vec<(f64, f64)> =
            possible.map(|t| (t.weight, t.reward.unwrap_or(0.0))).collect();
        if self.reward.is_none() && weighted.iter().all(|&(_, r)| r == first) {
            return Ok(certain(first));
        }
        let sum = expected_reward(self.reward.unwrap_or(0.0), &weighted);
        if sum.value.is_finite() {
            Ok(sum)
        } else {
            Err(Problem::RewardOverflow { state: self.state, action: self.action })
        }
    }
}

/// The sets that name, for each state, the actions kept.
fn candidate_sets(mdp: &Mdp, candidates: &[Vec<u32>]) -> Result<CandidateSets, Problem> {
    let mut kept = vec![false; mdp.pairs()];
    for (state, actions) in candidates.iter().enumerate() {
        if actions.is_empty() {
            return Err(Problem::NoCandidate { state });
        }
        let offered: HashMap<u32, usize> =
            mdp.pairs_of(state).map(|pair| (mdp.actions()[pair], pair)).collect();
        for &action in actions {
            let pair = *offered.get(&action).ok_or(Problem::UnknownCandidate { state, action })?;
            if std::mem::replace(&mut kept[pair], true) {
                return Err(Problem::DuplicateCandidate { state, action });
            }
        }
    }
    CandidateSets::from_kept(mdp.layout(), kept).map_err(|e| ModelError::Operator(e).into())
}

/// Gives rows the action numbers that the file's names stand for, if every row has one and no
/// state has one twice; otherwise the numbers stay as they are.
pub(super) fn number_actions(rows: &mut [TableRow], own: &[Option<u32>]) {
    let pairs = rows.iter().zip(own);
    let named: HashSet<_> = pairs.filter_map(|(row, own)| Some((row.state, (*own)?))).collect();
    if named.len() < rows.len() {
        return;
    }
    for (row, own) in rows.iter_mut().zip(own) {
        row.action = own.unwrap_or(row.action);
    }
}

/// Compares a count with the one declared at a line.
pub(super) fn check_count(
    what: &'static str,
    (declared, line): (u64, usize),
    found: usize,
) -> Result<(), Defect> {
    if declared == found as u64 {
        return Ok(());
    }
    Err(Problem::Count { what, declared, found }.at(line))
}
