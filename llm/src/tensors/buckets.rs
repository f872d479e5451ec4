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

/// A layout cut into buckets, with the way from ragged cells to stored ones.
///
/// Rows are sorted into classes of widths (up to 8, 16, 32, …) and a class is as wide as its
/// widest row. So a row is stored at less than twice its length (or at 8 cells), and there are
/// at most as many rectangles as the vocabulary has binary digits. Sizes of candidate sets are
/// heavy-tailed: padding all rows to the largest set would cost an order of magnitude.
/// Rectangles need no operation that candle lacks, so that one implementation with gradients
/// serves CPU, CUDA and Metal. Rows of one width, such as full vocabularies, are one rectangle
/// without padding, in their own order; nothing here takes memory per cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    layout: RowLayout,
    rectangles: Vec<Bucket>,
    /// Which row is the i-th in the order of storage.
    order: Vec<usize>,
    /// Where the first cell of each row is stored.
    starts: Vec<usize>,
    cells: usize,
}

impl Buckets {
    /// The buckets of a layout.
    pub fn new(layout: &RowLayout) -> Self {
        let class = |row: &usize| layout.row(*row).len().next_power_of_two().max(NARROW);
        let mut order: Vec<usize> = (0..layout.rows()).collect();
        order.sort_by_key(class);
        let mut rectangles = Vec::new();
        let mut starts = vec![0; order.len()];
        let mut cells = 0;
        for rows in order.chunk_by(|a, b| class(a) == class(b)) {
            // A chunk has at least one row.
            let width = rows.iter().map(|&row| layout.row(row).len()).max().unwrap_or(0);
            rectangles.push(Bucket { rows: rows.len(), width });
            for &row in rows {
                starts[row] = cells;
                cells += width;
            }
        }
        Self { layout: layout.clone(), rectangles, order, starts, cells }
    }

    /// The layout of the rows.
    pub fn layout(&self) -> &RowLayout {
        &self.layout
    }

    /// The rectangles, narrow ones first.
    pub fn rectangles(&self) -> &[Bucket] {
        &self.rectangles
    }

    /// Which row is the i-th in the order of storage.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Where the first cell of each row is stored.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The number of stored cells, padding included.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Which cell of the layout each stored cell holds; `None` for padding.
    pub fn source(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        let widths = self.rectangles.iter().flat_map(|b| std::iter::repeat_n(b.width, b.rows));
        self.order.iter().zip(widths).flat_map(|(&row, width)| {
            let cells = self.layout.row(row);
            let padding = width - cells.len();
            cells.map(Some).chain(std::iter::repeat_n(None, padding))
        })
    }
}
