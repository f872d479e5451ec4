//! Bellman Distill where candidate sets hold every token, p = 1: there is nothing to store of the
//! teacher but its responses, and soft values are sums over the whole vocabulary.

use super::candidates::Candidates;
use super::stream::{self, Backward, Streamed};
use super::survey::{survey, surveyed_normaliser};
use super::{Batch, SparseShift, Tally};
use crate::teacher::Scores;
use crate::{Compute, LlmError};
use candle_core::{D, Tensor};
use kernels::Precision;
use operators::{
    BellmanDistill, Cells, NumberSystem, Responses, Rows, Shift, floor, over_transitions,
};
use std::ops::Range;

/// How many rows have their logits in memory at once.
const CHUNK: usize = 256;

/// The settings of the loss over the whole vocabulary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WholeLoss {
    /// γ, φ and the floor. Its shift is replaced by `shift`.
    pub settings: BellmanDistill,
    /// The shift; the largest candidate is the largest logit here.
    pub shift: SparseShift,
}

impl WholeLoss {
    /// −J with its gradient: the mean over `total` transitions, of which these are a part. No
    /// tensor of all rows and the whole vocabulary exists.
    ///
    /// Shapes: hidden [R, E] (of [`Batch::hidden`]), head [V, E]. Units: nats. Source: arXiv
    /// 2505.20335, final objective with A_p(s) = A; the formula is
    /// [`operators::over_transitions`].
    ///
    /// # Errors
    /// [`LlmError::UnknownToken`]; [`operators::OperatorError::NotFinite`]; [`LlmError::Tensor`].
    pub fn loss(
        &self,
        batch: &Batch,
        (hidden_re, head_ve): (&Tensor, &Tensor),
        total: usize,
        tally: &mut Tally,
    ) -> Result<Tensor, LlmError> {
        let surveys = survey(hidden_re, head_ve)?;
        let best: Vec<u32> = surveys.iter().map(|row| row.best).collect();
        let taken = taken(batch);
        let place = (hidden_re.dtype(), hidden_re.device());
        let cells = Candidates::new(&[&taken], batch.chosen(), Some(&best), place)?;
        let n = cells.number_system();
        let z = n.cells_of(&cells.logits(hidden_re, head_ve)?)?;
        let shift = match self.shift {
            // The best token is one of the cells.
            SparseShift::VocabMax | SparseShift::CandidateMax => Rows(n.row_max(&z.0, &n.full())?),
            SparseShift::LogSoftmax => {
                n.rows_of(&surveyed_normaliser(hidden_re, head_ve, &surveys)?)?
            }
            SparseShift::Zero => n.rows(&vec![0.0; batch.rows()])?,
        };
        let q = floor(n, &Cells(n.sub(&z.0, &n.spread(&shift.0)?)?), self.settings.q_min)?;
        let chosen = Rows(n.pick(&q.0, &cells.slots()?)?);
        let value = floored_value(hidden_re, head_ve, &shift.0, self.settings.q_min)?;
        let value = n.rows_of(&value)?;
        let share = 1.0 / total.max(1) as f64;
        let weights: Vec<f64> =
            batch.counts().map(|counts| if counts { share } else { 0.0 }).collect();
        let responses = Responses {
            set: cells.mask()?,
            inside: n.one_cell_per_row().full(),
            next: batch.next(),
            weights: n.rows(&weights)?,
        };
        let settings = BellmanDistill { shift: Shift::Zero, ..self.settings };
        let evaluation = over_transitions(n, value, &chosen, &responses, &settings)?;
        tally.add_rows(n, &weights, &[&taken]);
        tally.add_values(n, &cells, &q.0, settings.q_min)?;
        Ok(evaluation.objective.neg()?)
    }
}

/// The tokens that stand there as the only candidates.
fn taken(batch: &Batch) -> Scores {
    let rows = batch.rows();
    Scores {
        candidates: batch.chosen().to_vec(),
        log_probabilities: vec![0.0; rows],
        chosen: vec![0.0; rows],
        mass: vec![1.0; rows],
        sizes: vec![1; rows],
    }
}

/// V = log Σ_a exp max(z(a) − c, Q_min) over the whole vocabulary, with its gradient.
///
/// ```text
/// w(a) = exp(max(z(a) − c, Q_min) − V) where the floor is not active, else 0
/// ∂V/∂h = Σ_a w(a) w_a,   ∂V/∂w_a = w(a) h,   ∂V/∂c = − Σ_a w(a)
/// ```
///
/// The logits are computed a second time when the gradient is asked for. The definition is
/// [`operators::soft_value`] of [`operators::floor`] over the whole vocabulary.
/// Shapes: hidden [R, E], head [V, E], shift \[R\] → \[R\]. Units: nats.
///
/// # Errors
/// [`LlmError::Tensor`].
fn floored_value(
    hidden_re: &Tensor,
    head_ve: &Tensor,
    shift_r: &Tensor,
    q_min: f64,
) -> Result<Tensor, LlmError> {
    let shift_r1 = shift_r.detach().to_dtype(stream::wide(hidden_re))?.unsqueeze(1)?;
    let precision = Compute::precision();
    let mut values = vec![Tensor::zeros(0, stream::wide(hidden_re), hidden_re.device())?];
    for rows in stream::parts(hidden_re.dim(0)?, CHUNK) {
        let logits_cv = stream::logits(&stream::part(hidden_re, &rows)?, head_ve, precision)?;
        let logits_cv = logits_cv.to_dtype(shift_r1.dtype())?;
        let q_cv = floored(&logits_cv, &stream::part(&shift_r1, &rows)?, q_min)?;
        values.push(q_cv.log_sum_exp(D::Minus1)?);
    }
    let (value, backward) = (Tensor::cat(&values, 0)?, FlooredPolicy { q_min, precision });
    Ok(Streamed { value, backward }.of(hidden_re, head_ve, shift_r)?)
}

/// max(z − c, Q_min), [rows, V].
fn floored(logits_cv: &Tensor, shift_c1: &Tensor, q_min: f64) -> candle_core::Result<Tensor> {
    logits_cv.broadcast_sub(shift_c1)?.maximum(q_min)
}

/// The gradient of the floored value, where the floor is not active.
struct FlooredPolicy {
    q_min: f64,
    precision: Precision,
}

impl Backward for FlooredPolicy {
    const NAME: &'static str = "floored soft value";

    fn gradients(
        &self,
        [hidden_re, head_ve, shift_r]: [&Tensor; 3],
        value_r: &Tensor,
        slope_r: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (value_r1, slope_r1) = (value_r.unsqueeze(1)?, slope_r.unsqueeze(1)?);
        let shift_r1 = shift_r.to_dtype(value_r.dtype())?.unsqueeze(1)?;
        let mut of_shift = vec![value_r.narrow(0, 0, 0)?];
        let slopes = |logits_cv: &Tensor, rows: &Range<usize>| {
            let q_cv = floored(logits_cv, &stream::part(&shift_r1, rows)?, self.q_min)?;
            let free_cv = q_cv.gt(self.q_min)?.to_dtype(q_cv.dtype())?;
            let share_cv = q_cv.broadcast_sub(&stream::part(&value_r1, rows)?)?.exp()?;
            let weighted_cv =
                (share_cv * free_cv)?.broadcast_mul(&stream::part(&slope_r1, rows)?)?;
            of_shift.push(weighted_cv.sum(1)?.neg()?);
            Ok(weighted_cv)
        };
        let (of_hidden, of_head) =
            stream::gradients(hidden_re, head_ve, self.precision, CHUNK, slopes)?;
        let of_shift = Tensor::cat(&of_shift, 0)?.to_dtype(shift_r.dtype())?;
        Ok((Some(of_hidden), Some(of_head), Some(of_shift)))
    }
}
