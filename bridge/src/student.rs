//! [`StudentRow`]: what a student says where a teacher was read.

use crate::read::follow;
use crate::row::rest;
use crate::{BridgeError, Reading, Row};
use llm::Model;
use operators::{CandidateSets, Cells, Dense, RowLayout, Shift, floor, leak, shift};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// How a student's logits become Q-values: as they do in training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StudentQ {
    /// What is taken from its logits: what is taken from the teacher's, or the two are not
    /// comparable.
    pub shift: Shift,
    /// The floor Q_min; none where nothing is floored.
    pub floor: Option<f64>,
}

/// A student's view of one row of a teacher.
#[derive(Debug, Clone, PartialEq)]
pub struct StudentRow {
    /// Its Q-values of the teacher's cells, and last that of all other tokens together, where the
    /// teacher's row has one.
    pub q: Vec<f64>,
    /// The same before the floor: its own policy follows from these.
    pub z: Vec<f64>,
    /// The leak of the teacher's candidate set under the student's own distribution over the whole
    /// vocabulary: −log of the mass that the student puts on it.
    pub leak: f64,
    /// How many of the teacher's candidates are at the floor.
    pub floored: usize,
}

impl StudentRow {
    /// Reads a row of the student's logits.
    ///
    /// # Errors
    /// [`operators::OperatorError::NotFinite`] when a logit is no number;
    /// [`BridgeError::Vocabulary`] when the teacher lists a token that the student does not have.
    pub fn new(logits: &[f64], teacher: &Row, by: StudentQ) -> Result<Self, BridgeError> {
        if let Some(slot) = logits.iter().position(|x| !x.is_finite()) {
            let value = logits[slot];
            return Err(operators::OperatorError::NotFinite { row: 0, slot, value }.into());
        }
        let beyond = |cell: &&crate::Cell| cell.token as usize >= logits.len();
        if let Some(cell) = teacher.cells.iter().find(beyond) {
            return Err(BridgeError::Vocabulary { token: cell.token, size: logits.len() });
        }
        let layout = RowLayout::uniform(1, logits.len())?;
        let n = Dense::<f64>::new(&layout);
        let full = n.mask(&CandidateSets::full(&layout));
        let z = shift(&n, &n.cells(logits)?, by.shift, &full)?;
        let q = by.floor.map_or(Ok(z.clone()), |least| floor(&n, &z, least))?;
        let (mut set, mut others) = (vec![false; logits.len()], vec![true; logits.len()]);
        for cell in &teacher.cells {
            set[cell.token as usize] = cell.candidate;
            others[cell.token as usize] = false;
        }
        let candidates = teacher.cells.iter().filter(|cell| cell.candidate);
        let floored = candidates.filter(|cell| Some(q.0[cell.token as usize]) == by.floor).count();
        let listed = |x: &Cells<Dense<f64>>| -> Result<Vec<f64>, BridgeError> {
            let mut values: Vec<f64> =
                teacher.cells.iter().map(|cell| x.0[cell.token as usize]).collect();
            if teacher.other.is_some() {
                // All that the student has besides; the teacher has more tokens than it lists.
                let size = logits.len();
                let none = BridgeError::Vocabulary { token: size as u32, size };
                values.push(rest(&n, x, &others)?.ok_or(none)?);
            }
            Ok(values)
        };
        let leak = leak(&n, &z, &set, &full)?.0[0];
        Ok(Self { q: listed(&q)?, z: listed(&z)?, leak, floored })
    }
}

impl StudentRow {
    /// The mass that the student puts outside the teacher's candidate set.
    pub fn outside(&self) -> f64 {
        // 1 − e^{−ℓ}, without cancellation.
        -(-self.leak).exp_m1()
    }
}

/// The student after the prompt and the prefixes of a teacher's reading.
///
/// # Errors
/// [`llm::LlmError::Stopped`] when `watch` breaks; those of [`StudentRow::new`].
pub fn read_student(
    model: &Model,
    prompt: &[u32],
    teacher: &Reading,
    by: StudentQ,
    batch: usize,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Vec<StudentRow>, BridgeError> {
    let prefixes = || teacher.prefixes.iter().enumerate();
    let numbers: HashMap<&[u32], usize> = prefixes().map(|(i, prefix)| (&prefix[..], i)).collect();
    let mut ahead = vec![Vec::new(); teacher.prefixes.len()];
    for (_, prefix) in prefixes() {
        if let Some((&last, before)) = prefix.split_last() {
            ahead[numbers[before]].push(last);
        }
    }
    let look = |prefix: &[u32], logits: &[f64]| {
        let state = numbers[prefix];
        Ok((StudentRow::new(logits, &teacher.rows[state], by)?, ahead[state].clone()))
    };
    let found = follow(model, prompt, batch, &look, watch)?;
    Ok(found.into_iter().map(|(_, row)| row).collect())
}
