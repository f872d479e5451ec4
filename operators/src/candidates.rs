//! Which actions take part: candidate sets, decided once in `f64` and carried as data.

use crate::{OperatorError, TopP};
use std::cmp::Ordering;
use std::sync::Arc;

/// How many cells each row has: a ragged `[rows, K]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RowLayout {
    offsets: Arc<[usize]>,
}

impl RowLayout {
    /// The layout whose row `i` owns the cells `offsets[i]..offsets[i + 1]`.
    ///
    /// # Errors
    /// [`OperatorError::EmptyRow`] when a row has no cell.
    ///
    /// # Panics
    /// When `offsets` is empty or does not start at 0.
    pub fn new(offsets: impl Into<Arc<[usize]>>) -> Result<Self, OperatorError> {
        let offsets = offsets.into();
        assert!(offsets.first() == Some(&0), "row offsets start at 0");
        match offsets.windows(2).position(|w| w[0] >= w[1]) {
            Some(row) => Err(OperatorError::EmptyRow { row }),
            None => Ok(Self { offsets }),
        }
    }

    /// `rows` rows of `width` cells each.
    ///
    /// # Errors
    /// [`OperatorError::EmptyRow`] when `width` is 0.
    pub fn uniform(rows: usize, width: usize) -> Result<Self, OperatorError> {
        Self::new((0..=rows).map(|i| i * width).collect::<Vec<_>>())
    }

    /// The layout of the same rows with one cell each.
    pub fn one_cell_per_row(&self) -> Self {
        Self { offsets: (0..=self.rows()).collect() }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The number of cells over all rows.
    pub fn cells(&self) -> usize {
        self.offsets[self.offsets.len() - 1]
    }

    /// Where each row starts, and at the end the number of cells.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The cells of a row, as a range into flat arrays.
    #[inline]
    pub fn row(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    /// The ranges of all rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + '_ {
        self.offsets.windows(2).map(|w| w[0]..w[1])
    }
}

/// A rule that chooses candidate sets from Q-values (or logits: a shift per row changes nothing).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Selection {
    /// The nucleus: the smallest set of most likely actions with mass ≥ p.
    TopP(TopP),
    /// The k most likely actions (all when there are fewer).
    TopK(usize),
    /// Every action at least `fraction` times as likely as the most likely one.
    MinP(TopP),
}

/// A candidate set A(s) for every row: at least one cell kept in each.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateSets {
    layout: RowLayout,
    kept: Vec<bool>,
}

impl CandidateSets {
    /// Every action of every row.
    pub fn full(layout: &RowLayout) -> Self {
        Self { layout: layout.clone(), kept: vec![true; layout.cells()] }
    }

    /// Sets given as a flag per cell.
    ///
    /// # Errors
    /// [`OperatorError::Length`] unless there is a flag for each cell;
    /// [`OperatorError::EmptyRow`] when a row keeps nothing.
    pub fn from_kept(layout: &RowLayout, kept: Vec<bool>) -> Result<Self, OperatorError> {
        expect_length("the list of kept actions", kept.len(), layout.cells())?;
        match layout.iter().position(|row| !kept[row].contains(&true)) {
            Some(row) => Err(OperatorError::EmptyRow { row }),
            None => Ok(Self { layout: layout.clone(), kept }),
        }
    }

    /// The sets that `selection` takes from the Boltzmann policy of `q`, in falling order of `q`,
    /// ties by the lower index.
    ///
    /// Proved, for exact arithmetic: `nucleus_mass`, `nucleus_least`, `nucleus_fewest`.
    /// Source: arXiv 2505.20335, top-p candidate set, with mass ≥ p in place of = p.
    ///
    /// # Errors
    /// [`OperatorError::Length`], [`OperatorError::NotFinite`], [`OperatorError::TopK`].
    ///
    /// # Example
    /// ```
    /// use operators::{CandidateSets, RowLayout, Selection, TopP};
    /// let layout = RowLayout::uniform(1, 3)?;
    /// let q = [0.7f64.ln(), 0.1f64.ln(), 0.2f64.ln()];
    /// let sets = CandidateSets::select(&layout, &q, Selection::TopP(TopP::new(0.8)?))?;
    /// assert_eq!(sets.kept(), [true, false, true]);
    /// # Ok::<(), operators::OperatorError>(())
    /// ```
    pub fn select(
        layout: &RowLayout,
        q: &[f64],
        selection: Selection,
    ) -> Result<Self, OperatorError> {
        expect_length("q", q.len(), layout.cells())?;
        if selection == Selection::TopK(0) {
            return Err(OperatorError::TopK);
        }
        let mut kept = vec![false; q.len()];
        let mut order = Vec::new();
        for (row, cells) in layout.iter().enumerate() {
            let q = &q[cells.clone()];
            if let Some(slot) = q.iter().position(|x| !x.is_finite()) {
                return Err(OperatorError::NotFinite { row, slot, value: q[slot] });
            }
            order.clear();
            order.extend(0..q.len());
            // A stable sort keeps the lower index first among equals; −0 equals 0, so the order
            // is that of the numbers (all finite), not that of their bits.
            order.sort_by(|&a, &b| q[b].partial_cmp(&q[a]).unwrap_or(Ordering::Equal));
            let count = match selection {
                Selection::TopP(p) => nucleus_size(q, &order, p),
                Selection::TopK(k) => k.min(q.len()),
                Selection::MinP(fraction) => order
                    .iter()
                    .take_while(|&&a| (q[a] - q[order[0]]).exp() >= fraction.get())
                    .count(),
            };
            for &slot in &order[..count] {
                kept[cells.start + slot] = true;
            }
        }
        Ok(Self { layout: layout.clone(), kept })
    }

    /// The layout of the rows that the sets belong to.
    pub fn layout(&self) -> &RowLayout {
        &self.layout
    }

    /// Whether each cell is in its row's set.
    pub fn kept(&self) -> &[bool] {
        &self.kept
    }

    /// The slots (positions within the row) that a row keeps, rising.
    pub fn slots(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        self.kept[self.layout.row(row)].iter().enumerate().filter_map(|(i, &k)| k.then_some(i))
    }

    /// The number of actions that a row keeps.
    pub fn size(&self, row: usize) -> usize {
        self.slots(row).count()
    }

    /// Whether every row keeps all its cells.
    pub fn is_full(&self) -> bool {
        !self.kept.contains(&false)
    }
}

/// The length of the shortest prefix of `order` with mass ≥ p.
fn nucleus_size(q: &[f64], order: &[usize], p: TopP) -> usize {
    if p.get() == 1.0 {
        return q.len();
    }
    let weights = || order.iter().map(|&slot| (q[slot] - q[order[0]]).exp());
    shortest_prefix(weights(), weights().sum(), p).unwrap_or(q.len())
}

/// The length of the shortest prefix of falling weights with a sum ≥ p · total; `None` when they
/// do not reach it. It never falls when `total` grows.
///
/// Decided as Σ_kept w ≥ p · Σ_all w: dividing first loses exact ties, and so would rounding the
/// product. The fused difference has the sign of the real one: 4 of 5 equal actions do not carry
/// the double 0.8, which lies above 4/5.
///
/// # Example
/// ```
/// use operators::{TopP, candidates::shortest_prefix};
/// assert_eq!(shortest_prefix([0.5, 0.25].into_iter(), 1.0, TopP::new(0.7)?), Some(2));
/// assert_eq!(shortest_prefix([0.5, 0.25].into_iter(), 1.0, TopP::new(0.8)?), None);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn shortest_prefix(weights: impl Iterator<Item = f64>, total: f64, p: TopP) -> Option<usize> {
    let mut mass = 0.0;
    for (i, weight) in weights.enumerate() {
        mass += weight;
        if p.get().mul_add(total, -mass) <= 0.0 {
            return Some(i + 1);
        }
    }
    None
}

/// Whether an argument is as long as it must be.
pub(crate) fn expect_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), OperatorError> {
    if found == expected { Ok(()) } else { Err(OperatorError::Length { what, found, expected }) }
}
