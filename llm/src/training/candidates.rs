//! [`Candidates`]: the student's logits of the tokens that a loss needs, and of no others.

use super::cells;
use crate::flat::is_flat;
use crate::teacher::Scores;
use crate::tensors::{Mask, Slots};
use crate::{Compute, LlmError, Tensors};
use candle_core::{DType, Device, Tensor};
use operators::{CandidateSets, Cells, RowLayout};

/// The teacher's candidate sets of some rows, perhaps with one more token beside each set.
///
/// The cells of a row are its candidates, the most likely one first, and after them the token
/// beside them where there is one. Different rows share many tokens: where that is faster,
/// the head is applied to each token that occurs once, for all rows.
#[derive(Debug)]
pub struct Candidates {
    n: Tensors,
    sets: CandidateSets,
    /// Every token that occurs, rising.
    tokens: Vec<u32>,
    /// The place of each cell in [R, U], U tokens that occur.
    places: Vec<u32>,
    /// Which cell of its row the chosen token is; 0 where it lies outside.
    slots: Vec<usize>,
    inside: Vec<bool>,
}

impl Candidates {
    /// The candidates in `scores`, for rows where `chosen` were taken; with `beside`, a token of
    /// every row that joins its cells, but not its set, where it is not a candidate.
    ///
    /// # Errors
    /// [`LlmError::Length`] unless there is one entry for each row in every list;
    /// [`operators::OperatorError::EmptyRow`]; [`LlmError::TooManyCells`]; [`LlmError::Tensor`].
    pub fn new(
        scores: &[&Scores],
        chosen: &[u32],
        beside: Option<&[u32]>,
        (dtype, device): (DType, &Device),
    ) -> Result<Self, LlmError> {
        let sets = || scores.iter().flat_map(|s| s.sets().map(|set| &s.candidates[set]));
        let rows: usize = scores.iter().map(|s| s.positions()).sum();
        for list in [Some(chosen), beside].into_iter().flatten() {
            if list.len() != rows {
                let (found, expected) = (list.len(), rows);
                return Err(LlmError::Length { what: "the tokens of the rows", found, expected });
            }
        }
        let (mut offsets, mut cells, mut kept) = (vec![0], Vec::new(), Vec::new());
        let (mut slots, mut inside) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for (row, set) in sets().enumerate() {
            let slot = set.iter().position(|token| *token == chosen[row]);
            inside.push(slot.is_some());
            slots.push(slot.unwrap_or(0));
            cells.extend(set);
            kept.resize(cells.len(), true);
            if let Some(token) = beside.map(|list| list[row]).filter(|token| !set.contains(token)) {
                cells.push(token);
                kept.push(false);
            }
            offsets.push(cells.len());
        }
        let layout = RowLayout::new(offsets)?;
        let mut tokens = cells.clone();
        tokens.sort_unstable();
        tokens.dedup();
        let place = |row: usize, token: &u32| {
            // Every token of a cell is among them.
            let place = row * tokens.len() + tokens.partition_point(|t| t < token);
            u32::try_from(place).map_err(|_| LlmError::TooManyCells)
        };
        let in_row = |(row, range): (usize, std::ops::Range<usize>)| {
            cells[range].iter().map(move |token| place(row, token)).collect::<Vec<_>>()
        };
        let places = layout.iter().enumerate().flat_map(in_row).collect::<Result<Vec<u32>, _>>()?;
        let n = Tensors::new(&layout, dtype, device)?;
        let sets = CandidateSets::from_kept(&layout, kept)?;
        Ok(Self { n, sets, tokens, places, slots, inside })
    }

    /// The number system over these rows.
    pub fn number_system(&self) -> &Tensors {
        &self.n
    }

    /// The sets, over cells.
    pub fn sets(&self) -> &CandidateSets {
        &self.sets
    }

    /// How many rows have a token beside their set.
    pub fn rows_beside(&self) -> usize {
        self.sets.kept().iter().filter(|kept| !**kept).count()
    }

    /// The mask of the sets.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn mask(&self) -> Result<Mask, LlmError> {
        self.n.mask(&self.sets)
    }

    /// The cell of each row's chosen token; any cell where it lies outside.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn slots(&self) -> Result<Slots, LlmError> {
        self.n.slots(&self.slots)
    }

    /// Whether the chosen token of each row is in its set.
    pub fn inside(&self) -> &[bool] {
        &self.inside
    }

    /// The student's logits of all cells in the order of the layout, with gradients.
    ///
    /// Shapes: hidden [R, E], head [V, E] → \[cells\].
    ///
    /// # Errors
    /// [`LlmError::UnknownToken`] for a candidate that the student does not have;
    /// [`LlmError::Tensor`].
    pub fn logits(&self, hidden_re: &Tensor, head_ve: &Tensor) -> Result<Tensor, LlmError> {
        let (device, vocabulary) = (hidden_re.device(), head_ve.dim(0)?);
        if let Some(&token) = self.tokens.last().filter(|&&token| token as usize >= vocabulary) {
            return Err(LlmError::UnknownToken { token, vocabulary });
        }
        if is_flat(hidden_re) && is_flat(head_ve) && hidden_re.dim(0)? == self.n.layout().rows() {
            let token = |&place: &u32| self.tokens[place as usize % self.tokens.len()];
            let tokens = self.places.iter().map(token).collect();
            let cells = cells::Cells { layout: self.n.layout().clone(), tokens };
            return Ok(cells.of(hidden_re, head_ve)?);
        }
        self.definition(hidden_re, head_ve, device)
    }

    /// The same by the logits of all rows and all tokens that occur.
    fn definition(
        &self,
        hidden_re: &Tensor,
        head_ve: &Tensor,
        device: &Device,
    ) -> Result<Tensor, LlmError> {
        let tokens = Tensor::from_slice(&self.tokens, self.tokens.len(), device)?;
        let head_ue = head_ve.index_select(&tokens, 0)?;
        let logits_ru = Compute::times(hidden_re, &head_ue.t()?)?;
        let places = Tensor::from_slice(&self.places, self.places.len(), device)?;
        Ok(logits_ru.flatten_all()?.index_select(&places, 0)?)
    }

    /// What the teacher's log-probabilities are, over cells; beside a set, the lowest of the set,
    /// which the true one does not exceed.
    ///
    /// # Errors
    /// [`LlmError::Tensor`].
    pub fn teacher(&self, scores: &[&Scores]) -> Result<Cells<Tensors>, LlmError> {
        let sets = scores.iter().flat_map(|s| s.sets().map(|set| &s.log_probabilities[set]));
        let of_row = |(cells, set): (std::ops::Range<usize>, &[f32])| {
            // A set is not empty, and falls.
            let beside = set.last().copied().unwrap_or_default();
            let all = set.iter().copied().chain(std::iter::repeat(beside));
            all.take(cells.len()).map(f64::from).collect::<Vec<f64>>()
        };
        let values: Vec<f64> = self.n.layout().iter().zip(sets).flat_map(of_row).collect();
        self.n.cells(&values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Var;

    #[test]
    fn logits_cell_by_cell_are_those_of_all_rows_with_their_gradients() {
        let (rows, vocabulary, width) = (9, 40, 23);
        let sizes: Vec<u32> = (0..rows).map(|row| 1 + row * row % 7).collect();
        let total = sizes.iter().sum::<u32>();
        let scores = Scores {
            candidates: (0..total).map(|i| i * 7 % vocabulary).collect(),
            log_probabilities: vec![-1.0; total as usize],
            chosen: vec![-1.0; rows as usize],
            mass: vec![1.0; rows as usize],
            sizes,
        };
        let (chosen, beside) = (vec![0; rows as usize], vec![39; rows as usize]);
        let place = (DType::F32, &Device::Cpu);
        let candidates = Candidates::new(&[&scores], &chosen, Some(&beside), place).unwrap();
        let random = |n, m| Tensor::randn(0f32, 1.0, (n, m), &Device::Cpu).unwrap();
        let (hidden, head) = (random(rows as usize, width), random(vocabulary as usize, width));
        let direction = Tensor::randn(0f32, 1.0, candidates.places.len(), &Device::Cpu).unwrap();
        let run = |dtype| {
            let of = |x: &Tensor| Var::from_tensor(&x.to_dtype(dtype).unwrap()).unwrap();
            let (hidden, head) = (of(&hidden), of(&head));
            let logits = candidates.logits(&hidden, &head).unwrap();
            let along = logits.mul(&direction.to_dtype(dtype).unwrap()).unwrap().sum_all().unwrap();
            let store = along.backward().unwrap();
            let gradient = |v: &Var| store.get(v).unwrap().clone();
            [logits.detach(), gradient(&hidden), gradient(&head)]
        };
        for (short, exact) in run(DType::F32).iter().zip(run(DType::F64)) {
            let distance = short.to_dtype(DType::F64).unwrap().sub(&exact).unwrap();
            let largest = |x: &Tensor| {
                let x = x.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                x.to_scalar::<f64>().unwrap()
            };
            // Sums of up to 23 products, which are about as large as the largest sum.
            assert!(largest(&distance) <= 23.0 * f64::from(f32::EPSILON) * largest(&exact));
        }
    }
}
