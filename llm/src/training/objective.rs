//! [`Objective`]: what a student is trained by.

use super::vocabulary::{Target, vocabulary_loss};
use super::{Batch, BellmanLoss, Example, OnPolicyLoss, Tally, WholeLoss, candidate_kl, released};
use crate::teacher::Scores;
use crate::{LlmError, Model};
use candle_core::Tensor;
use operators::Released;

/// A loss over the rows of a batch.
#[derive(Debug, Clone)]
pub enum Objective<'a> {
    /// Cross entropy to the tokens that stand there: supervised fine-tuning on a data set's
    /// outputs, sequence-level distillation on a teacher's responses.
    CrossEntropy,
    /// The same on plain text, of which this share is KL(teacher ‖ student) on the candidates and one
    /// bucket in place of it.
    Language(f64),
    /// Bellman Distill.
    Bellman(BellmanLoss),
    /// Bellman Distill at p = 1, whose sets hold every token.
    BellmanWhole(WholeLoss),
    /// Bellman Distill as the authors' released code has it, over the whole vocabulary.
    Released(Released),
    /// KL(teacher ‖ student) over the whole vocabulary.
    ForwardKl(&'a Model),
    /// KL(teacher ‖ student) on the candidates and one bucket for all other tokens.
    CandidateKl,
    /// KL(student ‖ teacher) over the whole vocabulary, on the data's prefixes.
    ReverseKl(&'a Model),
    /// KL(student ‖ teacher) over whole responses, on the student's own: MiniLLM.
    OnPolicy(OnPolicyLoss<'a>),
}

impl Objective<'_> {
    /// The teacher that is asked at every position.
    pub(super) fn teacher(&self) -> Option<&Model> {
        match self {
            Self::ForwardKl(teacher) | Self::ReverseKl(teacher) => Some(teacher),
            Self::OnPolicy(loss) => Some(loss.teacher),
            _ => None,
        }
    }

    /// How many terms of the mean a batch holds.
    ///
    /// # Errors
    /// [`LlmError::NoScores`].
    pub fn terms(&self, batch: &Batch, examples: &[&Example]) -> Result<usize, LlmError> {
        Ok(match self {
            Self::Bellman(loss) => loss.transitions(batch, &scores(examples)?),
            Self::BellmanWhole(_) => batch.counts().filter(|&counts| counts).count(),
            // The released code knows no end: every response is as if cut off.
            Self::Released(_) => batch.rows() - examples.len(),
            _ => batch.rows(),
        })
    }

    /// The loss with its gradient: the mean over `total` terms, of which those of this batch are
    /// a part. What is counted is added to `tally`.
    ///
    /// # Errors
    /// [`LlmError::NoScores`] when candidate sets are needed and not there; those of the model.
    pub fn loss(
        &self,
        student: &Model,
        batch: &Batch,
        examples: &[&Example],
        total: usize,
        tally: &mut Tally,
    ) -> Result<Tensor, LlmError> {
        let hidden_re = batch.hidden(student)?;
        self.of_state((&hidden_re, student.head()), batch, examples, total, tally)
    }

    /// The same from the student's hidden states [R, E] and its head [V, E].
    pub(super) fn of_state(
        &self,
        state: (&Tensor, &Tensor),
        batch: &Batch,
        examples: &[&Example],
        total: usize,
        tally: &mut Tally,
    ) -> Result<Tensor, LlmError> {
        let share = 1.0 / total.max(1) as f64;
        let weights = vec![share; batch.rows()];
        match self {
            Self::CrossEntropy => {
                vocabulary_loss(state.0, state.1, &Target::Tokens(batch.chosen()), &weights)
            }
            Self::Language(kl) => {
                let scaled = |by: f64| vec![share * by; batch.rows()];
                let target = Target::Tokens(batch.chosen());
                let loss = vocabulary_loss(state.0, state.1, &target, &scaled(1.0 - kl))?;
                if *kl == 0.0 {
                    return Ok(loss);
                }
                let divergence =
                    candidate_kl::loss(batch, &scores(examples)?, state, &scaled(*kl), tally)?;
                Ok(loss.add(&divergence)?)
            }
            Self::Bellman(loss) => loss.loss(batch, &scores(examples)?, state, total, tally),
            Self::BellmanWhole(loss) => loss.loss(batch, state, total, tally),
            Self::Released(settings) => {
                released::loss(settings, batch, &scores(examples)?, state, share)
            }
            Self::CandidateKl => {
                candidate_kl::loss(batch, &scores(examples)?, state, &weights, tally)
            }
            Self::OnPolicy(loss) => loss.loss(batch, state, share),
            Self::ForwardKl(teacher) | Self::ReverseKl(teacher) => {
                let hidden = &batch.hidden(teacher)?;
                // Heads may be padded with rows that are no tokens.
                let shared = teacher.head().dim(0)?.min(state.1.dim(0)?);
                let head = &teacher.head().narrow(0, 0, shared)?;
                let target = match self {
                    Self::ForwardKl(_) => Target::Forward { hidden, head },
                    _ => Target::Reverse { hidden, head },
                };
                vocabulary_loss(state.0, &state.1.narrow(0, 0, shared)?, &target, &weights)
            }
        }
    }
}

/// The candidate sets of examples.
fn scores<'a>(examples: &[&'a Example]) -> Result<Vec<&'a Scores>, LlmError> {
    examples.iter().map(|e| e.scores.as_ref().ok_or(LlmError::NoScores)).collect()
}
