//! The Bellman Distill loss of a batch, on the student's logits of the candidate tokens.

use super::candidates::Candidates;
use super::survey::{log_normaliser, survey, surveyed_normaliser};
use super::{Batch, Tally};
use crate::teacher::Scores;
use crate::{LlmError, Tensors};
use candle_core::Tensor;
use operators::{
    BellmanDistill, Cells, NumberSystem, Responses, Rows, Shift, bellman_distill, soft_value,
    student_q,
};

/// What makes the student's logits Q-values, as far as the whole vocabulary matters for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SparseShift {
    /// The largest logit of the vocabulary: exact, for one product with the whole head.
    VocabMax,
    /// The largest logit of the candidates. It is that of the vocabulary wherever the student's
    /// best token is one of them; how often it is not, [`Tally::best_outside`] counts where a
    /// survey is made.
    CandidateMax,
    /// log Σ exp of the vocabulary.
    LogSoftmax,
    /// Nothing.
    Zero,
}

/// What happens to tokens that are not in the teacher's candidate set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// They have the value of the floor, as in the paper.
    Floor,
    /// Their transitions are left out.
    Drop,
}

/// The settings of the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BellmanLoss {
    /// γ, φ and the floor. Its shift is replaced by `shift`.
    pub settings: BellmanDistill,
    /// The shift.
    pub shift: SparseShift,
    /// What happens to tokens outside.
    pub outside: Outside,
    /// The weight of a term that the paper does not have: the mean of −log of the student's mass
    /// inside the set. Bellman Distill compares tokens within a set only, and nothing else keeps
    /// the student from moving its mass out of it.
    pub mass_weight: f64,
}

impl BellmanLoss {
    /// How many transitions of a batch count.
    pub fn transitions(&self, batch: &Batch, scores: &[&Scores]) -> usize {
        let counts = batch.counts().zip(inside(batch, scores));
        counts.filter(|&(counts, inside)| self.keeps(counts, inside)).count()
    }

    pub(super) fn keeps(&self, counts: bool, inside: bool) -> bool {
        counts && (inside || self.outside == Outside::Floor)
    }

    /// −J with its gradient: the mean over `total` transitions, of which these are a part.
    ///
    /// Shapes: hidden [R, E] (of [`Batch::hidden`]), head [V, E]. Units: nats. Source: arXiv
    /// 2505.20335, final objective; the formula is [`operators::bellman_distill`].
    ///
    /// # Errors
    /// [`LlmError::Length`] when `scores` belong to other rows; [`LlmError::UnknownToken`];
    /// [`operators::OperatorError::NotFinite`]; [`LlmError::Tensor`].
    pub fn loss(
        &self,
        batch: &Batch,
        scores: &[&Scores],
        (hidden_re, head_ve): (&Tensor, &Tensor),
        total: usize,
        tally: &mut Tally,
    ) -> Result<Tensor, LlmError> {
        let place = (hidden_re.dtype(), hidden_re.device());
        // What every candidate set is compared with, where the shift needs the best token.
        let surveyed = match self.shift {
            SparseShift::VocabMax => Some(survey(hidden_re, head_ve)?),
            _ => None,
        };
        let best = surveyed.as_ref().map(|rows| rows.iter().map(|row| row.best).collect());
        let best: Option<Vec<u32>> = best;
        let candidates = Candidates::new(scores, batch.chosen(), best.as_deref(), place)?;
        let n = candidates.number_system();
        let logits = candidates.logits(hidden_re, head_ve)?;
        let whole = self.needs_normaliser().then(|| match &surveyed {
            Some(surveys) => surveyed_normaliser(hidden_re, head_ve, surveys),
            None => log_normaliser(hidden_re, head_ve),
        });
        let normaliser = whole.transpose()?.map(|value| n.rows_of(&value)).transpose()?;
        let z = n.cells_of(&logits)?;
        let (q, settings) = self.q(n, &z, normaliser.as_ref())?;
        let chosen = Rows(n.pick(&q.0, &candidates.slots()?)?);
        let kept = batch.counts().zip(candidates.inside()).map(|(c, &i)| self.keeps(c, i));
        let share = 1.0 / total.max(1) as f64;
        let weights: Vec<f64> = kept.map(|kept| if kept { share } else { 0.0 }).collect();
        let responses = Responses {
            set: candidates.mask()?,
            inside: n.one_cell_per_row().row_mask(candidates.inside())?,
            next: batch.next(),
            weights: n.rows(&weights)?,
        };
        let evaluation = bellman_distill(n, &q, &chosen, &responses, &settings)?;
        let teacher = self.teacher_reward(&candidates, scores, &responses, &settings)?;
        tally.add_rows(n, &weights, scores);
        tally.add_values(n, &candidates, &q.0, settings.q_min)?;
        tally.add_rewards(n, &weights, &evaluation, &teacher)?;
        if surveyed.is_some() {
            tally.add_survey(&candidates);
        }
        // Whatever needed the sum over the vocabulary gives the student's mass with it.
        let normalisers = match (&surveyed, &normaliser) {
            (Some(rows), _) => Some(rows.iter().map(|row| row.log_normaliser).collect()),
            (None, Some(normaliser)) => Some(n.read_rows(&normaliser.0)?),
            (None, None) => None,
        };
        if let Some(normalisers) = normalisers {
            let inside = soft_value(n, &Cells(z.0.detach()), &responses.set)?;
            tally.add_masses(&n.read_rows(&inside.0)?, &normalisers);
        }
        let mut loss = evaluation.objective.neg()?;
        if let Some(normaliser) = normaliser.filter(|_| self.mass_weight != 0.0) {
            let inside = soft_value(n, &z, &responses.set)?;
            let missing = n.sub(&normaliser.0, &inside.0)?;
            let mean = n.dot(&responses.weights.0, &missing)?;
            loss = loss.add(&mean.affine(self.mass_weight, 0.0)?)?;
        }
        Ok(loss)
    }

    /// What the reward would be if the student were the teacher.
    fn teacher_reward(
        &self,
        candidates: &Candidates,
        scores: &[&Scores],
        responses: &Responses<Tensors>,
        settings: &BellmanDistill,
    ) -> Result<Rows<Tensors>, LlmError> {
        let n = candidates.number_system();
        let q = student_q(n, &candidates.teacher(scores)?, &n.full(), settings)?;
        let chosen = Rows(n.pick(&q.0, &candidates.slots()?)?);
        Ok(bellman_distill(n, &q, &chosen, responses, settings)?.reward)
    }

    fn needs_normaliser(&self) -> bool {
        self.shift == SparseShift::LogSoftmax || self.mass_weight != 0.0
    }

    /// The Q-values of the cells, with the settings they belong to.
    fn q(
        &self,
        n: &Tensors,
        z: &Cells<Tensors>,
        normaliser: Option<&Rows<Tensors>>,
    ) -> Result<(Cells<Tensors>, BellmanDistill), LlmError> {
        let shift = match self.shift {
            // The cells hold the best token: the largest of them is the largest of all.
            SparseShift::VocabMax | SparseShift::CandidateMax => Shift::VocabMax,
            SparseShift::LogSoftmax | SparseShift::Zero => Shift::Zero,
        };
        let settings = BellmanDistill { shift, ..self.settings };
        let shifted = match normaliser.filter(|_| self.shift == SparseShift::LogSoftmax) {
            Some(value) => &Cells(n.sub(&z.0, &n.spread(&value.0)?)?),
            None => z,
        };
        Ok((student_q(n, shifted, &n.full(), &settings)?, settings))
    }
}

/// Whether the token of each row is in its set.
fn inside<'a>(batch: &'a Batch, scores: &'a [&Scores]) -> impl Iterator<Item = bool> + 'a {
    let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
    sets.zip(batch.chosen()).map(|(set, token)| set.contains(token))
}
