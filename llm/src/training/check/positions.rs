//! [`Positions`]: what Bellman Distill needs of a batch, from logits of the whole vocabulary.

use super::definition::{Part, Table, factor, in_parts, shift_of};
use super::logits::Logits;
use super::slope::Slope;
use crate::LlmError;
use crate::teacher::Scores;
use crate::training::{Batch, BellmanLoss, Outside, SparseShift};
use nalgebra::DVector;
use operators::{
    BellmanDistill, CandidateSets, Cells, Dense, NumberSystem, Phi, Responses, RowLayout, Rows,
    bellman_distill, floor, log_policy, shift, soft_value,
};
use std::ops::Range;

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
        let (sets, chosen) = (sets(scores, logits)?, batch.chosen());
        let largest = sets.iter().map(|set| set.len() + 1).max().unwrap_or(0);
        // What needs the sum over the vocabulary has a gradient from each of its tokens.
        let whole = loss.shift == SparseShift::LogSoftmax || loss.mass_weight != 0.0;
        let tokens = if whole { logits.vocabulary() } else { largest };
        let parts =
            in_parts(logits, batch.rows(), tokens, |part| positions(loss, part, &sets, chosen))?;
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
    let (layout, set) = (n.layout().clone(), mask(&n, &sets[rows.clone()])?);
    let over = if loss.shift == SparseShift::CandidateMax { &set } else { &full };
    let q = shift(&n, &z, shift_of(loss.shift), over)?;
    let whole = soft_value(&n, &floor(&n, &q, loss.settings.q_min)?, &full)?;
    let missing = match loss.mass_weight {
        0.0 => n.rows(&vec![0.0; rows.len()])?.0,
        _ => n.sub(&soft_value(&n, &z, &full)?.0, &soft_value(&n, &z, &set)?.0)?,
    };
    let of_row = |(i, row): (usize, Range<usize>)| {
        let of = |&token: &u32| q.0[row.start + token as usize];
        let (set, token) = (sets[rows.start + i], &chosen[rows.start + i]);
        Position {
            q: set.iter().map(of).collect(),
            // Outside of its set a token counts with the floor, whatever its value; the student need
            // not even have it.
            taken: of(if set.contains(token) { token } else { &set[0] }),
            whole: whole.0[i],
            missing: missing[i],
        }
    };
    Ok(layout.iter().enumerate().map(of_row).collect())
}

/// The teacher's set of each row, of tokens that the student has.
pub(super) fn sets<'a>(scores: &[&'a Scores], logits: &Logits) -> Result<Vec<&'a [u32]>, LlmError> {
    let of = |scores: &&'a Scores| scores.sets().map(|set| &scores.candidates[set]);
    let sets: Vec<&[u32]> = scores.iter().flat_map(of).collect();
    let vocabulary = logits.vocabulary();
    match sets.iter().copied().flatten().find(|&&token| token as usize >= vocabulary) {
        Some(&token) => Err(LlmError::UnknownToken { token, vocabulary }),
        None => Ok(sets),
    }
}

/// The mask of sets over rows of the whole vocabulary.
pub(super) fn mask<const BITS: u32>(
    n: &Table<BITS>,
    sets: &[&[u32]],
) -> Result<Vec<bool>, LlmError> {
    let mut kept = vec![false; n.layout().cells()];
    for (row, set) in n.layout().iter().zip(sets) {
        set.iter().for_each(|&token| kept[row.start + token as usize] = true);
    }
    Ok(n.mask(&CandidateSets::from_kept(n.layout(), kept)?))
}

/// The loss of which behaviour cloning is an identity: φ = id, no floor that anything reaches,
/// tokens outside left out.
pub(super) fn cloning_loss(loss: &BellmanLoss) -> BellmanLoss {
    // Below every logit that f32 and bf16 can hold, after the largest one is taken off.
    let settings = BellmanDistill { phi: Phi::Identity, q_min: -1e30, ..loss.settings };
    BellmanLoss { settings, outside: Outside::Drop, mass_weight: 0.0, ..*loss }
}
