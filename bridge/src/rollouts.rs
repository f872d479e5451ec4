//! [`RolloutAudit`]: a student against its teacher along what the teacher writes.

use crate::audit::{Spread, StateAudit, audit_states};
use crate::read::follow;
use crate::{BridgeError, Carving, Reading, Row, StudentRow};
use llm::Model;
use operators::{
    CandidateSets, Cells, Dense, NextPosition, NumberSystem, RowLayout, Rows, backup,
    implied_reward, policy_value, projection, soft_value,
};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

/// A response of the teacher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Its tokens, with the one that ended it.
    pub tokens: Vec<u32>,
    /// Whether it ended by itself; what follows one that was cut off is unknown.
    pub ended: bool,
}

/// A student along rollouts of its teacher: estimates. The states are those that were visited and the
/// actions those that were taken, so that the largest residual is a lower bound on that of all, and
/// residual / (1 − γ) bounds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RolloutAudit {
    /// Rollouts.
    pub rollouts: usize,
    /// Positions, each a state.
    pub positions: usize,
    /// Transitions that residuals were taken of: those of taken candidates whose next state is known.
    pub transitions: usize,
    /// |T_p Q − Q| at the taken actions.
    pub top_p: Spread,
    /// |B_p^{π*} Q − Q| likewise.
    pub projected: Spread,
    /// The states as they were visited.
    pub each: StateAudit,
}

/// Reads the teacher along rollouts: after every proper beginning of each.
///
/// # Errors
/// [`llm::LlmError::Stopped`] when `watch` breaks; those of [`Row::new`].
pub fn read_along(
    model: &Model,
    prompt: &[u32],
    rollouts: &[Rollout],
    carving: &Carving,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Reading, BridgeError> {
    let mut ahead: HashMap<&[u32], Vec<u32>> = HashMap::new();
    let mut known = HashSet::new();
    for tokens in rollouts.iter().map(|rollout| &rollout.tokens) {
        for t in 1..tokens.len() {
            if known.insert(&tokens[..t]) {
                ahead.entry(&tokens[..t - 1]).or_default().push(tokens[t - 1]);
            }
        }
    }
    let look = |prefix: &[u32], logits: &[f64]| {
        let next = ahead.get(prefix).cloned().unwrap_or_default();
        Ok((Row::new(logits, &Carving { top: 1, ..*carving })?, next))
    };
    let found = follow(model, prompt, carving.batch, &look, watch)?;
    let (prefixes, rows) = found.into_iter().unzip();
    Ok(Reading { prefixes, rows, ends: Vec::new(), vocabulary: model.choices() })
}

/// Rollouts after one prompt with what teacher and student say along them.
pub struct Along<'a> {
    /// The rollouts.
    pub rollouts: &'a [Rollout],
    /// The teacher, from [`read_along`].
    pub teacher: &'a Reading,
    /// The student, a row for each prefix.
    pub student: &'a [StudentRow],
}

/// Every position of every rollout, one after the other.
#[derive(Default)]
struct Positions<'a> {
    rows: Vec<(&'a Row, &'a StudentRow)>,
    /// The slot of the token taken; none where it is no candidate.
    taken: Vec<Option<usize>>,
    next: Vec<Option<usize>>,
    /// Whether what follows is known.
    known: Vec<bool>,
}

impl<'a> Positions<'a> {
    fn add(&mut self, along: &Along<'a>) {
        let prefixes = along.teacher.prefixes.iter().enumerate();
        let numbers: HashMap<&[u32], usize> = prefixes.map(|(i, p)| (&p[..], i)).collect();
        for rollout in along.rollouts {
            for (t, token) in rollout.tokens.iter().enumerate() {
                let last = t + 1 == rollout.tokens.len();
                let state = numbers[&rollout.tokens[..t]];
                let row = &along.teacher.rows[state];
                let slot = row.cells.iter().position(|c| c.token == *token && c.candidate);
                self.next.push((!last).then_some(self.rows.len() + 1));
                self.rows.push((row, &along.student[state]));
                self.taken.push(slot);
                self.known.push(!last || rollout.ended);
            }
        }
    }
}

/// Audits a student along rollouts, every position of which counts the same.
///
/// # Errors
/// [`BridgeError::NoRollouts`] when there is no position; [`BridgeError::Operator`].
pub fn audit_rollouts(along: &[Along<'_>], carving: &Carving) -> Result<RolloutAudit, BridgeError> {
    let mut positions = Positions::default();
    along.iter().for_each(|one| positions.add(one));
    let Positions { rows, taken, next, known } = positions;
    if rows.is_empty() {
        return Err(BridgeError::NoRollouts);
    }
    let offsets = rows.iter().scan(0, |end, (row, _)| {
        *end += row.q().count();
        Some(*end)
    });
    let layout = RowLayout::new([0].into_iter().chain(offsets).collect::<Vec<_>>())?;
    let kept = rows.iter().flat_map(|(row, _)| {
        row.cells.iter().map(|cell| cell.candidate).chain(row.other.map(|_| false))
    });
    let sets = CandidateSets::from_kept(&layout, kept.collect())?;
    let teacher: Vec<f64> = rows.iter().flat_map(|(row, _)| row.q()).collect();
    let student: Vec<f64> = rows.iter().flat_map(|(_, row)| row.q.iter().copied()).collect();
    let pair = Pair { layout: &layout, sets: &sets, teacher: &teacher, student: &student };
    let counted: Vec<bool> = taken.iter().zip(&known).map(|(t, &k)| t.is_some() && k).collect();
    let slots: Vec<usize> = taken.iter().map(|slot| slot.unwrap_or(0)).collect();
    let [top_p, projected] = pair.residuals(&slots, &NextPosition::new(next)?, carving)?;
    let transitions = counted.iter().filter(|&&counts| counts).count();
    let spread = |residuals: Rows<Dense<f64>>| {
        let sizes = residuals.0.iter().zip(&counted).filter(|(_, counts)| **counts);
        Spread::of(sizes.map(|(residual, _)| residual.abs()))
    };
    let students: Vec<&StudentRow> = rows.iter().map(|(_, row)| *row).collect();
    Ok(RolloutAudit {
        rollouts: along.iter().map(|one| one.rollouts.len()).sum(),
        positions: rows.len(),
        transitions,
        top_p: spread(top_p),
        projected: spread(projected),
        each: audit_states(&layout, &sets, &teacher, &student, &students)?,
    })
}

/// Both models on the same cells.
struct Pair<'a> {
    layout: &'a RowLayout,
    sets: &'a CandidateSets,
    teacher: &'a [f64],
    student: &'a [f64],
}

impl Pair<'_> {
    /// B Q − Q at the taken actions, for T_p and for B_p^{π*}, with the reward implied by the teacher.
    fn residuals(
        &self,
        slots: &Vec<usize>,
        next: &NextPosition,
        carving: &Carving,
    ) -> Result<[Rows<Dense<f64>>; 2], BridgeError> {
        let n = Dense::<f64>::new(self.layout);
        let (set, full) = (n.mask(self.sets), n.mask(&CandidateSets::full(self.layout)));
        let (teacher, student) = (n.cells(self.teacher)?, n.cells(self.student)?);
        let values = [
            soft_value(&n, &student, &set)?,
            policy_value(&n, &student, &projection(&n, &teacher, &set)?, &set)?,
        ];
        let v_star = soft_value(&n, &teacher, &full)?;
        let taken = |q: &Cells<Dense<f64>>| n.pick(&q.0, slots);
        let (teacher, student) = (taken(&teacher)?, taken(&student)?);
        // From here on a transition is a row with one cell, the token that was taken.
        let n = n.one_cell_per_row();
        let reward = implied_reward(&n, &Cells(teacher), carving.gamma, next, &v_star)?;
        let residual = |value: &Rows<Dense<f64>>| -> Result<_, BridgeError> {
            let image = backup(&n, &reward, carving.gamma, next, value)?;
            Ok(Rows(n.sub(&image.0, &student)?))
        };
        Ok([residual(&values[0])?, residual(&values[1])?])
    }
}
