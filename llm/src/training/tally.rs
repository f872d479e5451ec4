//! [`Tally`]: what is counted while a loss is computed, for people and for checks.

use super::candidates::Candidates;
use crate::teacher::Scores;
use crate::{LlmError, Tensors};
use candle_core::Tensor;
use operators::{Evaluation, Rows};
use ranks::Ranks;
use serde::{Deserialize, Serialize};

/// Sums over the rows of a step. They add up over the parts of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Positions that were computed, padding included.
    pub positions: f64,
    /// Those of them that hold a token.
    pub tokens: f64,
    /// Rows.
    pub rows: f64,
    /// Transitions that count in the mean.
    pub transitions: f64,
    /// Rows whose token was looked for in the teacher's set.
    pub sought: f64,
    /// Those of them whose token is not there.
    pub outside: f64,
    /// Cells of candidate sets.
    pub cells: f64,
    /// Those of them at the floor.
    pub floored: f64,
    /// The teacher's mass in its sets.
    pub teacher_mass: f64,
    /// Transitions whose implied reward was compared with the teacher's.
    pub compared: f64,
    /// The implied reward δ_t over them, in nats.
    pub reward: f64,
    /// |δ_t − r_t| over them, in nats, r_t the reward that the teacher's own Q-values imply.
    pub residual: f64,
    /// Rows whose most likely token, to the student, was looked for.
    pub surveyed: f64,
    /// Those of them whose most likely token, to the student, is not in the teacher's set.
    pub best_outside: f64,
    /// Rows whose logits over the whole vocabulary were added up.
    pub weighed: f64,
    /// The student's mass in the teacher's sets, over these rows.
    pub student_mass: f64,
}

/// The means of a [`Tally`]; `None` where nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Shares {
    /// The share of computed positions that are padding.
    pub padding: Option<f64>,
    /// The share of rows whose token is not in the teacher's set.
    pub outside: Option<f64>,
    /// The share of Q-values of candidates at the floor.
    pub floored: Option<f64>,
    /// Mean captured mass of the teacher.
    pub teacher_mass: Option<f64>,
    /// Mean mass of the student in the same sets.
    pub student_mass: Option<f64>,
    /// The share of rows whose most likely token, to the student, is not in the teacher's set.
    pub best_outside: Option<f64>,
    /// Mean implied reward, in nats.
    pub reward: Option<f64>,
    /// Mean distance of the implied reward from that of the teacher, in nats.
    pub residual: Option<f64>,
}

impl Tally {
    pub(super) fn add_rows(&mut self, n: &Tensors, weights: &[f64], scores: &[&Scores]) {
        self.rows += n.layout().rows() as f64;
        self.transitions += weights.iter().filter(|&&w| w > 0.0).count() as f64;
        self.teacher_mass +=
            scores.iter().flat_map(|s| &s.mass).map(|&m| f64::from(m)).sum::<f64>();
    }

    pub(super) fn add_values(
        &mut self,
        n: &Tensors,
        candidates: &Candidates,
        q: &Tensor,
        q_min: f64,
    ) -> Result<(), LlmError> {
        let kept = candidates.sets().kept();
        let q = n.read_cells(q)?;
        let of_sets = q.iter().zip(kept).filter(|(_, kept)| **kept);
        self.floored += of_sets.filter(|(q, _)| **q <= q_min).count() as f64;
        self.cells += kept.iter().filter(|kept| **kept).count() as f64;
        self.add_chosen(candidates);
        Ok(())
    }

    /// Which of the tokens that stand there are in their sets.
    pub(super) fn add_chosen(&mut self, candidates: &Candidates) {
        self.sought += candidates.inside().len() as f64;
        self.outside += candidates.inside().iter().filter(|inside| !**inside).count() as f64;
    }

    pub(super) fn add_rewards(
        &mut self,
        n: &Tensors,
        weights: &[f64],
        student: &Evaluation<Tensors>,
        teacher: &Rows<Tensors>,
    ) -> Result<(), LlmError> {
        let (found, expected) = (n.read_rows(&student.reward.0)?, n.read_rows(&teacher.0)?);
        let counted = weights.iter().zip(found.iter().zip(&expected)).filter(|(w, _)| **w > 0.0);
        for (_, (found, expected)) in counted {
            self.compared += 1.0;
            self.reward += found;
            self.residual += (found - expected).abs();
        }
        Ok(())
    }

    pub(super) fn add_survey(&mut self, candidates: &Candidates) {
        self.surveyed += candidates.inside().len() as f64;
        self.best_outside += candidates.rows_beside() as f64;
    }

    /// Of each row the student's log Σ exp z over the set and over the vocabulary.
    pub(super) fn add_masses(&mut self, sets: &[f64], normalisers: &[f64]) {
        self.weighed += sets.len() as f64;
        let masses = sets.iter().zip(normalisers).map(|(set, whole)| (set - whole).exp());
        // Rounding may put a mass above 1.
        self.student_mass += masses.map(|mass| mass.min(1.0)).sum::<f64>();
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.positions += other.positions;
        self.tokens += other.tokens;
        self.rows += other.rows;
        self.transitions += other.transitions;
        self.sought += other.sought;
        self.outside += other.outside;
        self.cells += other.cells;
        self.floored += other.floored;
        self.teacher_mass += other.teacher_mass;
        self.compared += other.compared;
        self.reward += other.reward;
        self.residual += other.residual;
        self.surveyed += other.surveyed;
        self.best_outside += other.best_outside;
        self.weighed += other.weighed;
        self.student_mass += other.student_mass;
    }

    /// The sum over all ranks. Collective.
    ///
    /// # Errors
    /// [`LlmError::Ranks`].
    pub fn over(&self, ranks: &Ranks) -> Result<Self, LlmError> {
        let mut sum = Self::default();
        ranks.gather(self)?.iter().for_each(|part| sum.add(part));
        Ok(sum)
    }

    /// The means.
    pub fn shares(&self) -> Shares {
        let share = |sum: f64, of: f64| (of > 0.0).then(|| sum / of);
        Shares {
            padding: share(self.positions - self.tokens, self.positions),
            outside: share(self.outside, self.sought),
            floored: share(self.floored, self.cells),
            teacher_mass: share(self.teacher_mass, self.rows),
            student_mass: share(self.student_mass, self.weighed),
            best_outside: share(self.best_outside, self.surveyed),
            reward: share(self.reward, self.compared),
            residual: share(self.residual, self.compared),
        }
    }
}
