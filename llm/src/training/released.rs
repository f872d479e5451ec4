//! The objective of the authors' released code on a batch. It is over the whole vocabulary, and
//! keeps all logits: it is there to compare with.

use super::Batch;
use crate::teacher::Scores;
use crate::{Compute, LlmError, Tensors};
use candle_core::Tensor;
use operators::{
    CandidateSets, NumberSystem, Released, Responses, RowLayout, bellman_distill_released,
    student_q,
};

/// −J of [`operators::bellman_distill_released`], every response as if cut off, as that code
/// recognises no end.
///
/// Shapes: hidden [R, E], head [V, E]; `share` is the weight of each term.
///
/// # Errors
/// [`LlmError::UnknownToken`], [`LlmError::TooManyCells`], [`LlmError::Tensor`].
pub fn loss(
    released: &Released,
    batch: &Batch,
    scores: &[&Scores],
    (hidden_re, head_ve): (&Tensor, &Tensor),
    share: f64,
) -> Result<Tensor, LlmError> {
    let (rows, vocabulary) = (batch.rows(), head_ve.dim(0)?);
    let layout = RowLayout::uniform(rows, vocabulary)?;
    let mut kept = vec![false; layout.cells()];
    let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
    for (row, set) in layout.iter().zip(sets) {
        for &token in set {
            let cell = kept[row.clone()].get_mut(token as usize);
            *cell.ok_or(LlmError::UnknownToken { token, vocabulary })? = true;
        }
    }
    let sets = CandidateSets::from_kept(&layout, kept)?;
    let n = Tensors::new(&layout, hidden_re.dtype(), hidden_re.device())?;
    let logits = Compute::times(hidden_re, &head_ve.t()?)?;
    let q = student_q(&n, &n.cells_of(&logits)?, &n.full(), &released.settings)?;
    let next = batch.next();
    let follows = next.next().iter().map(Option::is_some);
    let weights: Vec<f64> = follows.map(|follows| if follows { share } else { 0.0 }).collect();
    let responses = Responses {
        set: n.mask(&sets)?,
        // The token taken does not enter.
        inside: n.one_cell_per_row().full(),
        weights: n.rows(&weights)?,
        next,
    };
    let evaluation = bellman_distill_released(&n, &q, &n.full(), &responses, released)?;
    Ok(evaluation.objective.neg()?)
}
