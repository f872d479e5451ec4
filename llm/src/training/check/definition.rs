//! Losses by their definition: the operators on tables, over the whole vocabulary. Nothing is shared
//! with how training computes them but the operators.

use super::logits::Logits;
use super::slope::Slope;
use crate::LlmError;
use crate::teacher::Scores;
use crate::training::{Batch, BellmanLoss, SparseShift, WholeLoss};
use nalgebra::DVector;
use operators::{
    BellmanDistill, CandidateSets, Cells, Dense, NumberSystem, Phi, Responses, RowLayout, Rows,
    Shift, bellman_distill, cross_entropy, floor, kl_divergence, log_policy, over_transitions,
    projection, shift, soft_value,
};
use rayon::prelude::*;
use std::ops::Range;

/// How many logits are in memory at once, on each thread.
const CELLS: usize = 1 << 18;

type Table<const BITS: u32> = Dense<Slope<BITS>>;

/// Some rows with the logits of the whole vocabulary.
struct Part<const BITS: u32> {
    rows: Range<usize>,
    n: Table<BITS>,
    z: Cells<Table<BITS>>,
    full: Vec<bool>,
}

/// `f` of all rows, some at a time and in order.
fn in_parts<const BITS: u32, R: Send>(
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
    let terms = logits.vocabulary().max(weights.len());
    let parts = in_parts(logits, weights.len(), terms, |part: Part<BITS>| {
        let Part { rows, n, z, full } = part;
        let slots = chosen[rows.clone()].iter().map(|&token| token as usize).collect();
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
    let terms = student.vocabulary().max(weights.len());
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
    let terms = logits.vocabulary().max(batch.rows());
    let by = match loss.shift {
        SparseShift::VocabMax | SparseShift::CandidateMax => Shift::VocabMax,
        SparseShift::LogSoftmax => Shift::LogSoftmax,
        SparseShift::Zero => Shift::Zero,
    };
    let parts = in_parts(logits, batch.rows(), terms, |part: Part<BITS>| {
        let Part { rows, n, z, full } = part;
        let q = floor(&n, &shift(&n, &z, by, &full)?, loss.settings.q_min)?;
        let slots = batch.chosen()[rows].iter().map(|&token| token as usize).collect();
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
    let minus: Slope<BITS> = operators::Scalar::from_f64(-1.0);
    let found = over_transitions(&n, rows(value), &rows(taken), &responses, &loss.settings)?;
    Ok(minus * found.objective)
}

fn sum<const BITS: u32>(parts: Vec<Slope<BITS>>) -> Slope<BITS> {
    let zero = operators::Scalar::from_f64(0.0);
    parts.into_iter().fold(zero, |sum, part| sum + part)
}

/// What Bellman Distill needs of the positions of a batch, from logits of the whole vocabulary.
pub(super) struct Positions<'a, const BITS: u32> {
    batch: &'a Batch,
    layout: RowLayout,
    /// Q of the candidates, without a floor.
    q: Vec<Slope<BITS>>,
    /// Q of the token taken, without a floor.
    taken: Vec<Slope<BITS>>,
    /// Which of its candidates the token taken is.
    slots: Vec<Option<usize>>,
    /// V over the whole vocabulary, of Q with its floor.
    pub(super) whole: Vec<Slope<BITS>>,
    /// −log of the student's mass in the set.
    missing: Vec<Slope<BITS>>,
    q_min: f64,
}

/// The same of one row.
struct Position<const BITS: u32> {
    q: Vec<Slope<BITS>>,
    taken: Slope<BITS>,
    whole: Slope<BITS>,
    missing: Slope<BITS>,
}

impl<'a, const BITS: u32> Positions<'a, BITS> {
    /// The positions of a batch with the teacher's sets in `scores`.
    pub(super) fn new(
        loss: &BellmanLoss,
        batch: &'a Batch,
        scores: &[&Scores],
        logits: &Logits,
    ) -> Result<Self, LlmError> {
        let all = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
        let sets: Vec<&[u32]> = all.collect();
        let (chosen, vocabulary) = (batch.chosen(), logits.vocabulary());
        let known = sets.iter().flat_map(|set| set.iter()).chain(chosen);
        if let Some(&token) = known.into_iter().find(|&&token| token as usize >= vocabulary) {
            return Err(LlmError::UnknownToken { token, vocabulary });
        }
        let largest = sets.iter().map(|set| set.len() + 1).max().unwrap_or(0);
        let parts = in_parts(logits, batch.rows(), largest.max(batch.rows()), |part| {
            positions(loss, part, &sets, chosen)
        })?;
        let ends = sets.iter().scan(0, |end, set| {
            *end += set.len();
            Some(*end)
        });
        let layout = RowLayout::new(std::iter::once(0).chain(ends).collect::<Vec<_>>())?;
        let slot = |(set, token): (&&[u32], &u32)| set.iter().position(|other| other == token);
        let slots = sets.iter().zip(chosen).map(slot).collect();
        let mut found = Self {
            batch,
            layout,
            slots,
            q: Vec::new(),
            taken: Vec::new(),
            whole: Vec::new(),
            missing: Vec::new(),
            q_min: loss.settings.q_min,
        };
        for position in parts.into_iter().flatten() {
            found.q.extend(position.q);
            found.taken.push(position.taken);
            found.whole.push(position.whole);
            found.missing.push(position.missing);
        }
        Ok(found)
    }

    /// The loss by its definition, the mean over `total` transitions.
    pub(super) fn loss(&self, loss: &BellmanLoss, total: usize) -> Result<Slope<BITS>, LlmError> {
        let n = Dense::new(&self.layout);
        let weights = n.rows(&self.weights(loss, total))?;
        let full = vec![true; self.q.len()];
        let q = floor(&n, &self.cells(), loss.settings.q_min)?;
        let taken = Cells(DVector::from_vec(self.taken.clone()));
        let taken = Rows(floor(&n.one_cell_per_row(), &taken, loss.settings.q_min)?.0);
        let inside = self.slots.iter().map(Option::is_some).collect();
        let responses = Responses { set: full, inside, next: self.batch.next(), weights };
        let minus_j = bellman_distill(&n, &q, &taken, &responses, &loss.settings)?.objective;
        let missing = DVector::from_vec(self.missing.clone());
        let missing = n.dot(&responses.weights.0, &missing)?;
        let factor = |x: f64| -> Slope<BITS> { operators::Scalar::from_f64(x) };
        Ok(factor(-1.0) * minus_j + factor(loss.mass_weight) * missing)
    }

    /// The mean of log proj_p π_Q of the tokens taken, which lie in their sets wherever the weight
    /// is not 0.
    pub(super) fn cloning(
        &self,
        loss: &BellmanLoss,
        total: usize,
    ) -> Result<Slope<BITS>, LlmError> {
        let n = Dense::new(&self.layout);
        let policy = log_policy(&n, &self.cells(), &vec![true; self.q.len()])?;
        let slots = self.slots.iter().map(|slot| slot.unwrap_or(0)).collect();
        let weights = n.rows(&self.weights(loss, total))?;
        Ok(n.dot(&weights.0, &n.pick(&policy.0, &slots)?)?)
    }

    /// V^proj of each row, over its candidates.
    pub(super) fn projected(&self) -> Result<Vec<Slope<BITS>>, LlmError> {
        let n = Dense::new(&self.layout);
        let q = floor(&n, &self.cells(), self.q_min)?;
        Ok(soft_value(&n, &q, &vec![true; self.q.len()])?.0.as_slice().to_vec())
    }

    fn cells(&self) -> Cells<Table<BITS>> {
        Cells(DVector::from_vec(self.q.clone()))
    }

    /// The share of each transition in the mean.
    fn weights(&self, loss: &BellmanLoss, total: usize) -> Vec<f64> {
        let share = 1.0 / total.max(1) as f64;
        let inside = self.slots.iter().map(Option::is_some);
        let counted = self.batch.counts().zip(inside).map(|(c, inside)| loss.keeps(c, inside));
        counted.map(|counts| if counts { share } else { 0.0 }).collect()
    }
}

/// The positions of some rows.
fn positions<const BITS: u32>(
    loss: &BellmanLoss,
    part: Part<BITS>,
    sets: &[&[u32]],
    chosen: &[u32],
) -> Result<Vec<Position<BITS>>, LlmError> {
    let Part { rows, n, z, full } = part;
    let layout = n.layout().clone();
    let mut kept = vec![false; full.len()];
    for (row, set) in layout.iter().zip(&sets[rows.clone()]) {
        set.iter().for_each(|&token| kept[row.start + token as usize] = true);
    }
    let set = n.mask(&CandidateSets::from_kept(&layout, kept)?);
    let (by, over) = match loss.shift {
        SparseShift::VocabMax => (Shift::VocabMax, &full),
        SparseShift::CandidateMax => (Shift::VocabMax, &set),
        SparseShift::LogSoftmax => (Shift::LogSoftmax, &full),
        SparseShift::Zero => (Shift::Zero, &full),
    };
    let q = shift(&n, &z, by, over)?;
    let whole = soft_value(&n, &floor(&n, &q, loss.settings.q_min)?, &full)?;
    let missing = match loss.mass_weight {
        0.0 => n.rows(&vec![0.0; rows.len()])?.0,
        _ => n.sub(&soft_value(&n, &z, &full)?.0, &soft_value(&n, &z, &set)?.0)?,
    };
    let of_row = |(i, row): (usize, Range<usize>)| {
        let of = |&token: &u32| q.0[row.start + token as usize];
        Position {
            q: sets[rows.start + i].iter().map(of).collect(),
            taken: of(&chosen[rows.start + i]),
            whole: whole.0[i],
            missing: missing[i],
        }
    };
    Ok(layout.iter().enumerate().map(of_row).collect())
}

/// The loss of which behaviour cloning is an identity: φ = id, no floor that anything reaches,
/// tokens outside left out.
pub(super) fn cloning_loss(loss: &BellmanLoss) -> BellmanLoss {
    // Below every logit that f32 and bf16 can hold, after the largest one is taken off.
    let settings = BellmanDistill { phi: Phi::Identity, q_min: -1e30, ..loss.settings };
    BellmanLoss { settings, outside: crate::training::Outside::Drop, mass_weight: 0.0, ..*loss }
}
