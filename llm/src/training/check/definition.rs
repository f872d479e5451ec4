//! Losses by their definition: the operators on tables, over the whole vocabulary. Nothing is shared
//! with how training computes them but the operators.

use super::logits::Logits;
use super::slope::Slope;
use crate::LlmError;
use crate::training::{Batch, SparseShift, WholeLoss};
use nalgebra::DVector;
use operators::{
    Cells, Dense, NumberSystem, Responses, RowLayout, Rows, Scalar, Shift, cross_entropy, floor,
    kl_divergence, over_transitions, projection, shift, soft_value,
};
use rayon::prelude::*;
use std::ops::Range;

/// How many logits are in memory at once, on each thread.
const CELLS: usize = 1 << 18;

pub(super) type Table<const BITS: u32> = Dense<Slope<BITS>>;

/// Some rows with the logits of the whole vocabulary.
pub(super) struct Part<const BITS: u32> {
    pub(super) rows: Range<usize>,
    pub(super) n: Table<BITS>,
    pub(super) z: Cells<Table<BITS>>,
    pub(super) full: Vec<bool>,
}

impl<const BITS: u32> Part<BITS> {
    /// The cell of each token, one for each row of the batch.
    pub(super) fn slots(&self, tokens: &[u32]) -> Vec<usize> {
        tokens[self.rows.clone()].iter().map(|&token| token as usize).collect()
    }
}

/// `f` of all rows, some at a time and in order.
pub(super) fn in_parts<const BITS: u32, R: Send>(
    logits: &Logits,
    rows: usize,
    terms: usize,
    f: impl Fn(Part<BITS>) -> Result<R, LlmError> + Sync,
) -> Result<Vec<R>, LlmError> {
    let vocabulary = logits.vocabulary();
    let count = (CELLS / vocabulary).max(1);
    let starts: Vec<usize> = (0..rows).step_by(count).collect();
    let part = |&start: &usize| {
        let rows = start..(start + count).min(rows);
        let n = Dense::new(&RowLayout::uniform(rows.len(), vocabulary)?);
        let z = DVector::from_vec(logits.of_rows(rows.start, rows.len(), terms)?);
        let (full, z) = (vec![true; z.len()], Cells(z));
        f(Part { rows, n, z, full })
    };
    starts.par_iter().map(part).collect()
}

/// Σ_r w_r ℓ_r with ℓ the cross entropy to these tokens.
pub(super) fn tokens<const BITS: u32>(
    logits: &Logits,
    chosen: &[u32],
    weights: &[f64],
) -> Result<Slope<BITS>, LlmError> {
    let terms = logits.vocabulary();
    let parts = in_parts(logits, weights.len(), terms, |part: Part<BITS>| {
        let slots = part.slots(chosen);
        let Part { rows, n, z, full } = part;
        Ok(cross_entropy(&n, &z, &full, &slots, &n.rows(&weights[rows])?)?)
    })?;
    Ok(sum(parts))
}

/// Σ_r w_r KL between the policies of teacher and student, `forward` from teacher to student.
pub(super) fn divergence<const BITS: u32>(
    student: &Logits,
    teacher: &Logits,
    weights: &[f64],
    forward: bool,
) -> Result<Slope<BITS>, LlmError> {
    let terms = student.vocabulary();
    let parts = in_parts(student, weights.len(), terms, |part: Part<BITS>| {
        let Part { rows, n, z, full } = part;
        let of_teacher = teacher.of_rows(rows.start, rows.len(), terms)?;
        let teacher = projection(&n, &Cells(DVector::from_vec(of_teacher)), &full)?;
        let student = projection(&n, &z, &full)?;
        let (from, to) = if forward { (&teacher, &student) } else { (&student, &teacher) };
        let divergence = kl_divergence(&n, from, to, &full)?;
        Ok(n.dot(&n.rows(&weights[rows])?.0, &divergence.0)?)
    })?;
    Ok(sum(parts))
}

/// Bellman Distill with every token in every set, the mean over `total` transitions.
pub(super) fn whole<const BITS: u32>(
    loss: &WholeLoss,
    batch: &Batch,
    logits: &Logits,
    total: usize,
) -> Result<Slope<BITS>, LlmError> {
    let terms = logits.vocabulary();
    let by = shift_of(loss.shift);
    let parts = in_parts(logits, batch.rows(), terms, |part: Part<BITS>| {
        let slots = part.slots(batch.chosen());
        let Part { n, z, full, .. } = part;
        let q = floor(&n, &shift(&n, &z, by, &full)?, loss.settings.q_min)?;
        let taken = n.pick(&q.0, &slots)?;
        Ok((soft_value(&n, &q, &full)?.0.as_slice().to_vec(), taken.as_slice().to_vec()))
    })?;
    let (value, taken): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let rows = |parts: Vec<Vec<Slope<BITS>>>| Rows(DVector::from_vec(parts.concat()));
    let n: Table<BITS> = Dense::new(&RowLayout::uniform(batch.rows(), 1)?);
    let share = 1.0 / total.max(1) as f64;
    let weights: Vec<f64> = batch.counts().map(|c| if c { share } else { 0.0 }).collect();
    let all = vec![true; batch.rows()];
    let weights = n.rows(&weights)?;
    let responses = Responses { set: all.clone(), inside: all, next: batch.next(), weights };
    let found = over_transitions(&n, rows(value), &rows(taken), &responses, &loss.settings)?;
    Ok(factor(-1.0) * found.objective)
}

pub(super) fn sum<const BITS: u32>(parts: Vec<Slope<BITS>>) -> Slope<BITS> {
    Scalar::sum(parts.into_iter())
}

/// The shift as the operators have it; over which tokens, is for the caller to say.
pub(super) fn shift_of(shift: SparseShift) -> Shift {
    match shift {
        SparseShift::VocabMax | SparseShift::CandidateMax => Shift::VocabMax,
        SparseShift::LogSoftmax => Shift::LogSoftmax,
        SparseShift::Zero => Shift::Zero,
    }
}

/// An exact number to multiply with.
pub(super) fn factor<const BITS: u32>(x: f64) -> Slope<BITS> {
    Scalar::from_f64(x)
}
