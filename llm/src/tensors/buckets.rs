//! How ragged rows lie in a tensor: rectangles of rows of similar width.

use operators::RowLayout;

/// Rows that lie together as a rectangle `[rows, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// How many rows.
    pub rows: usize,
    /// How many cells each has, padding included.
    pub width: usize,
}

/// The narrowest class of widths: rows up to here share one bucket.
const NARROW: usize = 8;

/// A layout cut into buckets, with the way from ragged cells to padded ones and back.
///
/// Rows are sorted into classes of widths (up to 8, 16, 32, …) and a class is as wide as its
/// widest row. So a row is stored at less than twice its length (or at 8 cells), and there are
/// at most as many rectangles as the vocabulary has binary digits. Sizes of candidate sets are
/// heavy-tailed: padding all rows to the largest set would cost an order of magnitude.
/// Rectangles need no operation that candle lacks, so that one implementation with gradients
/// serves CPU, CUDA and Metal. Rows of one width, such as full vocabularies, are one rectangle
/// without padding, in their own order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    /// The rectangles, narrow ones first.
    pub(super) rectangles: Vec<Bucket>,
    /// Which row is the i-th in the order of storage.
    pub(super) order: Vec<usize>,
    /// Which ragged cell each padded cell holds; `None` for padding.
    pub(super) source: Vec<Option<usize>>,
}

impl Buckets {
    /// The buckets of a layout.
    pub fn new(layout: &RowLayout) -> Self {
        let class = |row: &usize| layout.row(*row).len().next_power_of_two().max(NARROW);
        let mut order: Vec<usize> = (0..layout.rows()).collect();
        order.sort_by_key(class);
        let mut rectangles = Vec::new();
        let mut source = Vec::with_capacity(layout.cells());
        for rows in order.chunk_by(|a, b| class(a) == class(b)) {
            // A chunk has at least one row.
            let width = rows.iter().map(|&row| layout.row(row).len()).max().unwrap_or(0);
            rectangles.push(Bucket { rows: rows.len(), width });
            for &row in rows {
                let cells = layout.row(row);
                let padding = width - cells.len();
                source.extend(cells.map(Some).chain(std::iter::repeat_n(None, padding)));
            }
        }
        Self { rectangles, order, source }
    }

    /// The rectangles, narrow ones first.
    pub fn rectangles(&self) -> &[Bucket] {
        &self.rectangles
    }

    /// Which row is the i-th in the order of storage.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Which ragged cell each stored cell holds; `None` for padding.
    pub fn source(&self) -> &[Option<usize>] {
        &self.source
    }

    /// The number of stored cells, padding included.
    pub fn cells(&self) -> usize {
        self.source.len()
    }

    /// Where each ragged cell is stored.
    pub fn places(&self) -> Vec<usize> {
        invert(self.source.iter().copied())
    }

    /// Where each row is stored.
    pub fn row_places(&self) -> Vec<usize> {
        invert(self.order.iter().map(|&row| Some(row)))
    }
}

/// The inverse of an injection: entry `x` is the position of `Some(x)`.
fn invert(positions: impl ExactSizeIterator<Item = Option<usize>> + Clone) -> Vec<usize> {
    let mut places = vec![0; positions.clone().flatten().count()];
    for (place, x) in positions.enumerate() {
        if let Some(x) = x {
            places[x] = place;
        }
    }
    places
}
