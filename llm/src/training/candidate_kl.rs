//! Knowledge distillation from a teacher cache: what is known of the teacher is the probability of
//! each candidate, and that of all other tokens together.

use super::candidates::Candidates;
use super::survey::log_normaliser;
use super::{Batch, Tally};
use crate::teacher::Scores;
use crate::{LlmError, Tensors};
use candle_core::Tensor;
use operators::{Cells, NumberSystem, Projection, RowLayout, kl_divergence};

/// KL(teacher ‖ student) on the candidates and one bucket for all other tokens.
///
/// ```text
/// Σ_t w_t [ Σ_{a ∈ A_t} π*(a) log π*(a)/π(a) + (1 − m*) log (1 − m*)/(1 − m) ]
/// ```
///
/// with m* and m the masses of teacher and student in A_t. By the log-sum inequality it does not
/// exceed the divergence over the whole vocabulary; the two agree where A_t is all of it.
/// Shapes: hidden [R, E], head [V, E], weights \[R\] → one number. Units: nats.
///
/// # Errors
/// Those of [`Candidates::new`] and of [`log_normaliser`].
pub fn loss(
    batch: &Batch,
    scores: &[&Scores],
    (hidden_re, head_ve): (&Tensor, &Tensor),
    weights: &[f64],
    tally: &mut Tally,
) -> Result<Tensor, LlmError> {
    let place = (hidden_re.dtype(), hidden_re.device());
    let candidates = Candidates::new(scores, batch.chosen(), None, place)?;
    let layout = candidates.number_system().layout();
    tally.add_rows(candidates.number_system(), weights, scores);
    tally.add_chosen(&candidates);
    let logits = candidates.logits(hidden_re, head_ve)?;
    let normaliser = log_normaliser(hidden_re, head_ve)?;
    let buckets = Buckets::new(layout, place)?;
    let student = buckets.student(&logits, &normaliser)?;
    let teacher = buckets.teacher(scores)?;
    let n = &buckets.n;
    let divergence = kl_divergence(n, &teacher, &student, &n.full())?;
    n.dot(&n.rows(weights)?.0, &divergence.0)
}

/// The smallest mass of a bucket: one rounding of 1 in f32. Below it the difference 1 − m is
/// rounding and nothing else, and its logarithm would be noise.
pub const LEAST: f64 = f32::EPSILON as f64;

/// Rows with one cell more than there are candidates: that of all other tokens.
struct Buckets {
    n: Tensors,
    candidates: Tensors,
    /// Where each cell lies in [candidates of all rows | one bucket a row].
    order: Tensor,
    /// The row of each candidate.
    rows: Tensor,
}

impl Buckets {
    fn new(
        layout: &RowLayout,
        (dtype, device): (candle_core::DType, &candle_core::Device),
    ) -> Result<Self, LlmError> {
        let offsets: Vec<usize> = layout.offsets().iter().zip(0..).map(|(o, i)| o + i).collect();
        let n = Tensors::new(&RowLayout::new(offsets)?, dtype, device)?;
        let cells = layout.cells();
        let of_row = |(i, row): (usize, std::ops::Range<usize>)| row.chain([cells + i]);
        // `Tensors` has checked that 32 bits can name them.
        let order = layout.iter().enumerate().flat_map(of_row).map(|place| place as u32);
        let order = Tensor::from_iter(order, device)?;
        let repeated = |(i, row): (usize, std::ops::Range<usize>)| row.map(move |_| i as u32);
        let rows = Tensor::from_iter(layout.iter().enumerate().flat_map(repeated), device)?;
        Ok(Self { n, candidates: Tensors::new(layout, dtype, device)?, order, rows })
    }

    /// The student's policy from its logits \[cells\] and log normalisers \[R\].
    fn student(
        &self,
        logits: &Tensor,
        normaliser: &Tensor,
    ) -> Result<Projection<Tensors>, LlmError> {
        let n = &self.candidates;
        let log_probability = logits.sub(&normaliser.index_select(&self.rows, 0)?)?;
        let mass = n.row_sum(&n.exp(&n.cells_of(&log_probability)?.0)?)?;
        let rest = n.floor(&n.sub(&n.constant(&mass, 1.0)?, &mass)?, LEAST)?;
        let all = Tensor::cat(&[log_probability, n.ln(&rest)?], 0)?;
        self.projection(self.n.cells_of(&all.index_select(&self.order, 0)?)?)
    }

    /// The teacher's policy from what is stored.
    fn teacher(&self, scores: &[&Scores]) -> Result<Projection<Tensors>, LlmError> {
        let mut logs: Vec<f64> = Vec::with_capacity(self.n.layout().cells());
        for scores in scores {
            for (set, &mass) in scores.sets().zip(&scores.mass) {
                logs.extend(scores.log_probabilities[set].iter().map(|&x| f64::from(x)));
                logs.push((1.0 - f64::from(mass)).max(LEAST).ln());
            }
        }
        self.projection(self.n.cells(&logs)?)
    }

    fn projection(&self, log_probability: Cells<Tensors>) -> Result<Projection<Tensors>, LlmError> {
        let probability = Cells(self.n.exp(&log_probability.0)?);
        Ok(Projection { probability, log_probability })
    }
}
