//! Who computes which part of a product.

use crate::pack::{self, Line, Part};
use crate::tile::{self, LANES, ROWS, Tile, VECTORS};
use crate::{Matrix, Precision};
use rayon::prelude::*;
use std::cell::{Cell, RefCell};
use std::ops::Range;

/// What happens to the numbers that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// They are replaced.
    Replace,
    /// The product is added to them.
    Add,
}

/// Which instructions a product is computed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    fast: bool,
}

impl Machine {
    /// The processor at hand: vector instructions of our own where it has AVX-512, for bf16
    /// AVX512-BF16 too.
    pub fn at_hand(precision: Precision) -> Self {
        #[cfg(target_arch = "x86_64")]
        let fast = is_x86_feature_detected!("avx512f")
            && (precision == Precision::F32 || is_x86_feature_detected!("avx512bf16"));
        #[cfg(not(target_arch = "x86_64"))]
        let fast = false;
        let _ = precision;
        Self { fast }
    }

    /// Any processor.
    pub fn plain() -> Self {
        Self { fast: false }
    }

    /// Whether there are vector instructions of our own.
    pub fn is_fast(&self) -> bool {
        self.fast
    }
}

/// How many columns a tile has at most.
const COLUMNS: usize = LANES * VECTORS;

/// The longest block of cells along k: a tile's rows of it stay in the nearest cache.
const DEPTH: usize = 640;

/// How many cells are packed at most for all threads at once: they stay in the last cache.
const SHARED: usize = 1 << 21;

/// How many columns a thread packs for itself where there are too many for all at once.
const SLAB: usize = 8 * COLUMNS;

/// How many tiles of columns are packed together.
const TOGETHER: usize = 4;

/// How many rows a thread takes at a time at most, in tiles: they stay in the second cache.
const TILES: usize = 8;

/// Rows whose distance is a multiple of this fight for the same places in the nearest cache.
const CROWDED: usize = 1 << 10;

/// Products of fewer multiplications than this are computed by one thread.
const SMALL: usize = 1 << 20;

/// Up to so many rows the product is computed turned round: it is the right operand that is packed,
/// which should be the smaller one.
const FEW: usize = 64;

/// a · b, of shapes [m, k] and [k, n], into `out` [m, n], by the processor at hand.
///
/// # Panics
/// When the shapes do not fit each other.
pub fn multiply(a: Matrix, b: Matrix, out: &mut [f32], effect: Effect, precision: Precision) {
    multiply_on(Machine::at_hand(precision), a, b, out, effect, precision);
}

/// a · b as numbers of their own, row by row.
///
/// # Panics
/// When the shapes do not fit each other, or no memory could hold the result.
pub fn product(a: Matrix, b: Matrix, precision: Precision) -> Vec<f32> {
    let mut out = Vec::new();
    append(&mut out, a, b, precision);
    out
}

/// The same behind what is there.
///
/// # Panics
/// When the shapes do not fit each other, or no memory could hold the result.
pub fn append(out: &mut Vec<f32>, a: Matrix, b: Matrix, precision: Precision) {
    let ((m, k), (of_b, n)) = (a.shape(), b.shape());
    assert!(k == of_b, "shapes that fit each other");
    // Two operands that are there with more numbers than that in their product: a caller's mistake.
    let count = m.checked_mul(n).expect("a result that fits into memory");
    out.reserve_exact(count);
    let before = out.len();
    if k == 0 {
        return out.resize(before + count, 0.0);
    }
    let room = Pointer(out.spare_capacity_mut().as_mut_ptr().cast());
    start(Machine::at_hand(precision), a, b, room, Effect::Replace, precision);
    // SAFETY: there is room for them, and replacing has written every one of them.
    unsafe { out.set_len(before + count) };
}

/// [`multiply`] by certain instructions. In bf16 they make no difference but for sums below 2⁻¹²⁶.
///
/// # Panics
/// When the shapes do not fit each other.
pub fn multiply_on(
    machine: Machine,
    a: Matrix,
    b: Matrix,
    out: &mut [f32],
    effect: Effect,
    precision: Precision,
) {
    let ((m, k), (of_b, n)) = (a.shape(), b.shape());
    assert!(k == of_b && m.checked_mul(n) == Some(out.len()), "shapes that fit each other");
    if k == 0 {
        if effect == Effect::Replace {
            out.fill(0.0);
        }
        return;
    }
    start(machine, a, b, Pointer(out.as_mut_ptr()), effect, precision);
}

/// Computes a product with k > 0 of shapes that fit each other, into as many numbers as it has.
fn start(
    machine: Machine,
    a: Matrix,
    b: Matrix,
    out: Pointer,
    effect: Effect,
    precision: Precision,
) {
    let (m, n) = (a.shape().0, b.shape().1);
    if m == 0 || n == 0 {
        return;
    }
    // A machine is only made for the processor at hand, but perhaps for another precision.
    let how = (precision, machine.fast && Machine::at_hand(precision).fast);
    let add = effect == Effect::Add;
    let job = if m <= FEW && m < n {
        Job { left: b.transposed(), right: a.transposed(), out, steps: (1, n), add, how }
    } else {
        Job { left: a, right: b, out, steps: (n, 1), add, how }
    };
    job.run();
}

/// Where the result lies.
#[derive(Clone, Copy)]
struct Pointer(*mut f32);

// SAFETY: threads write to different parts of the result, and nobody reads it meanwhile.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

/// A product: the left operand [m, k], of which some rows are taken at a time, the right one [k, n],
/// which is packed, and the result with its steps.
struct Job<'a> {
    left: Matrix<'a>,
    right: Matrix<'a>,
    out: Pointer,
    steps: (usize, usize),
    add: bool,
    how: (Precision, bool),
}

/// Columns of the right operand in one block along k, packed.
struct Packed<'a> {
    columns: Range<usize>,
    along: Range<usize>,
    lines: &'a [Line],
}

impl Job<'_> {
    fn run(&self) {
        let ((m, k), n) = (self.left.shape(), self.right.shape().1);
        let small = m * n * k <= SMALL;
        let blocks = blocks(k, DEPTH * self.how.0.per_cell());
        if n * self.depth(k) > SHARED && n >= 16 * SLAB {
            return self.slabs(&blocks);
        }
        // Taken, not borrowed: this thread may compute other products while it waits.
        let mut packed = SHARED_LINES.take();
        // As many blocks as are packed at once.
        let mut left = &blocks[..];
        while let Some((first, _)) = left.split_first() {
            let each = self.lines(n) * self.depth(first.len());
            let (now, later) = left.split_at((SHARED / LANES / each).clamp(1, left.len()));
            let parts = self.pack(now, 0..n, small, &mut packed);
            self.rows(m, &parts, small);
            left = later;
        }
        SHARED_LINES.set(packed);
    }

    /// How many cells numbers along k have.
    fn depth(&self, k: usize) -> usize {
        k.div_ceil(self.how.0.per_cell())
    }

    /// How many lines a cell of `n` columns takes.
    fn lines(&self, n: usize) -> usize {
        n.div_ceil(LANES)
    }

    /// Packs columns of the right operand for these blocks along k.
    fn pack<'a>(
        &self,
        blocks: &[Range<usize>],
        columns: Range<usize>,
        alone: bool,
        lines: &'a mut Vec<Line>,
    ) -> Vec<Packed<'a>> {
        let width = self.lines(columns.len());
        let needed: usize = blocks.iter().map(|along| width * self.depth(along.len())).sum();
        if lines.len() < needed {
            lines.resize(needed, Line([0; LANES]));
        }
        let (mut groups, mut rest) = (Vec::new(), &mut lines[..needed]);
        for along in blocks {
            // Some neighbours at a time, which lie side by side in memory.
            for start in columns.clone().step_by(TOGETHER * COLUMNS) {
                let end = columns.end.min(start + TOGETHER * COLUMNS);
                let mut parts = Vec::with_capacity(TOGETHER);
                for start in (start..end).step_by(COLUMNS) {
                    let columns = start..end.min(start + COLUMNS);
                    let count = self.lines(columns.len()) * self.depth(along.len());
                    let (part, later) = rest.split_at_mut(count);
                    parts.push((columns, part));
                    rest = later;
                }
                groups.push((along.clone(), parts));
            }
        }
        let right = self.right.transposed();
        let fill = |(along, parts): &mut (Range<usize>, Vec<Part>)| {
            pack::lines(&right, self.how, parts, along.clone());
        };
        if alone {
            groups.iter_mut().for_each(fill);
        } else {
            groups.par_iter_mut().for_each(fill);
        }
        let mut packed = Vec::new();
        for (along, parts) in groups {
            for (columns, lines) in parts {
                packed.push(Packed { columns, along: along.clone(), lines });
            }
        }
        packed
    }

    /// Some rows after the others, of what is packed.
    fn rows(&self, m: usize, parts: &[Packed], alone: bool) {
        if alone {
            return self.some_rows(0..m, parts);
        }
        let tiles = m.div_ceil(ROWS);
        // A few pieces for each thread, so that all are busy to the end.
        let pieces = tiles.div_ceil(TILES).max((4 * rayon::current_num_threads()).min(tiles));
        (0..pieces).into_par_iter().for_each(|i| {
            self.some_rows(m * i / pieces..m * (i + 1) / pieces, parts);
        });
    }

    /// Columns after columns, each packed by the thread that multiplies them.
    fn slabs(&self, blocks: &[Range<usize>]) {
        let ((m, _), n) = (self.left.shape(), self.right.shape().1);
        (0..n.div_ceil(SLAB)).into_par_iter().for_each(|i| {
            let columns = i * SLAB..n.min((i + 1) * SLAB);
            RIGHT.with_borrow_mut(|lines| {
                for block in blocks {
                    let parts =
                        self.pack(std::slice::from_ref(block), columns.clone(), true, lines);
                    let pieces = m.div_ceil(ROWS * TILES);
                    for i in 0..pieces {
                        self.some_rows(m * i / pieces..m * (i + 1) / pieces, &parts);
                    }
                }
            });
        });
    }

    /// These rows of the result, for what is packed.
    fn some_rows(&self, rows: Range<usize>, parts: &[Packed]) {
        let tiles: Vec<Range<usize>> = blocks(rows.len(), ROWS)
            .into_iter()
            .map(|tile| rows.start + tile.start..rows.start + tile.end)
            .collect();
        LEFT.with_borrow_mut(|buffer| {
            for parts in parts.chunk_by(|a, b| a.along == b.along) {
                let along = parts[0].along.clone();
                let left = self.left_tiles(&tiles, &along, buffer);
                for part in parts {
                    for (tile, left) in tiles.iter().zip(&left) {
                        self.tile(tile, *left, part);
                    }
                }
            }
        });
    }

    /// Where each tile of the left operand lies, with the steps from row to row and along k: where it
    /// is or, if it has to be rounded or turned, in the buffer.
    fn left_tiles(
        &self,
        tiles: &[Range<usize>],
        along: &Range<usize>,
        buffer: &mut Vec<Line>,
    ) -> Vec<(*const u32, usize, usize)> {
        let (down, by) = self.left.steps();
        let crowded = down % CROWDED == 0 && tiles.len() > 1;
        if self.how.0 == Precision::F32 && down != 1 && !crowded {
            let place = |tile: &Range<usize>| {
                (self.left.place(tile.start, along.start).cast::<u32>(), down, by)
            };
            return tiles.iter().map(place).collect();
        }
        let cells = self.depth(along.len());
        // A line holds the rows of a tile.
        if buffer.len() < tiles.len() * cells {
            buffer.resize(tiles.len() * cells, Line([0; LANES]));
        }
        if down == 1 {
            let mut parts: Vec<_> = tiles.iter().cloned().zip(buffer.chunks_mut(cells)).collect();
            pack::lines(&self.left, self.how, &mut parts, along.clone());
            let place = |(_, lines): &Part| lines.as_ptr().cast::<u32>();
            return parts.iter().map(|part| (place(part), 1, LANES)).collect();
        }
        let fill = |(tile, lines): (&Range<usize>, &mut [Line])| {
            let room = &mut flat(lines)[..tile.len() * cells];
            pack::rows(&self.left, self.how, tile.clone(), along.clone(), room);
            (room.as_ptr(), cells, 1)
        };
        tiles.iter().zip(buffer.chunks_mut(cells)).map(fill).collect()
    }

    fn tile(&self, rows: &Range<usize>, left: (*const u32, usize, usize), part: &Packed) {
        let (left, left_row, left_step) = left;
        let (down, along) = self.steps;
        let vectors = self.lines(part.columns.len());
        let tile = Tile {
            cells: self.depth(part.along.len()),
            left,
            left_row,
            left_step,
            right: part.lines.as_ptr().cast(),
            out: self.out.0.wrapping_add(rows.start * down + part.columns.start * along),
            out_row: down,
            out_column: along,
            columns: part.columns.len(),
            add: self.add || part.along.start > 0,
        };
        // SAFETY: rows, columns and k are parts of the operands, whose shapes were compared with each
        // other and with the result; the right one is packed on lines for all of its columns. Threads
        // have different rows or different columns, and the result is borrowed to be changed.
        // `fast` is only set where the processor has the instructions.
        unsafe { tile::run(self.how, rows.len(), vectors, &tile) };
    }
}

thread_local! {
    static SHARED_LINES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static LEFT: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
    static RIGHT: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// The cells of some lines.
fn flat(lines: &mut [Line]) -> &mut [u32] {
    // SAFETY: a line is sixteen cells and nothing else.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * LANES) }
}

/// 0..n in pieces of at most `most`, as equal as can be.
fn blocks(n: usize, most: usize) -> Vec<Range<usize>> {
    let count = n.div_ceil(most);
    (0..count).map(|i| n * i / count..n * (i + 1) / count).collect()
}
