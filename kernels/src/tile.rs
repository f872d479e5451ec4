//! Some rows times some columns, with sums in registers.

use crate::Precision;

/// How many numbers a register holds.
pub(crate) const LANES: usize = 16;

/// The most rows of a tile.
pub(crate) const ROWS: usize = 14;

/// The most registers of a row of a tile: 14 · 2 sums, two for the right operand and one for the
/// left fill the 32 that there are.
pub(crate) const VECTORS: usize = 2;

/// A tile of a product: where its operands and its result lie.
///
/// A cell is a number, or two of half the width that follow each other along k.
pub(crate) struct Tile {
    /// How many cells each sum has.
    pub(crate) cells: usize,
    /// The left operand: cell c of row m is at m · row + c · step.
    pub(crate) left: *const u32,
    pub(crate) left_row: usize,
    pub(crate) left_step: usize,
    /// The right operand, packed: cell c of the columns one after the other, on a line of 64 bytes.
    pub(crate) right: *const u32,
    pub(crate) out: *mut f32,
    pub(crate) out_row: usize,
    pub(crate) out_column: usize,
    /// How many columns there are; others of the tile are not written.
    pub(crate) columns: usize,
    /// Whether sums are added to what is there.
    pub(crate) add: bool,
}

impl Tile {
    /// Writes the sums of row m and register v.
    ///
    /// # Safety
    /// Row m and the columns of register v below `columns` lie in memory that this thread alone
    /// writes.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, m: usize, v: usize, sums: &[f32; LANES]) {
        let columns = self.columns.saturating_sub(v * LANES).min(LANES);
        for (lane, sum) in sums.iter().enumerate().take(columns) {
            let at = m * self.out_row + (v * LANES + lane) * self.out_column;
            // SAFETY: the caller's.
            unsafe {
                let out = self.out.add(at);
                *out = if self.add { *out + sum } else { *sum };
            }
        }
    }
}

/// Computes a tile of 1 to [`ROWS`] rows and 1 to [`VECTORS`] registers of columns.
///
/// # Safety
/// The operands have `cells` cells for each of the rows and for `vectors` registers of columns where
/// the tile says, and `right` lies on a line of 64 bytes; the result has `rows` rows and `columns`
/// columns, at most `vectors` registers of them, that no other thread reads or writes. With `fast`
/// the processor has AVX-512F, for bf16 AVX512-BF16 too.
pub(crate) unsafe fn run(
    (precision, fast): (Precision, bool),
    rows: usize,
    vectors: usize,
    tile: &Tile,
) {
    #[cfg(target_arch = "x86_64")]
    if fast {
        // SAFETY: the caller's.
        return unsafe { vector::run(precision, rows, vectors, tile) };
    }
    let _ = fast;
    // SAFETY: the caller's.
    unsafe { crate::plain::run(precision, rows, vectors, tile) }
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use super::{LANES, Precision, Tile};
    use std::arch::x86_64::*;

    /// Calls the function for a number of rows that is known when it is compiled.
    macro_rules! for_rows {
        ($rows:expr, $f:ident, $vectors:literal, $tile:expr, $($n:literal)*) => {
            match $rows {
                // SAFETY: the caller's.
                $($n => unsafe { $f::<$n, $vectors>($tile) },)*
                rows => unreachable!("a tile has no {rows} rows"),
            }
        };
    }

    /// # Safety
    /// That of [`super::run`] with `fast`.
    pub(super) unsafe fn run(precision: Precision, rows: usize, vectors: usize, tile: &Tile) {
        match (precision, vectors) {
            (Precision::F32, 1) => for_rows!(rows, f32, 1, tile, 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
            (Precision::F32, _) => for_rows!(rows, f32, 2, tile, 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
            (_, 1) => for_rows!(rows, bf16, 1, tile, 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
            (_, _) => for_rows!(rows, bf16, 2, tile, 1 2 3 4 5 6 7 8 9 10 11 12 13 14),
        }
    }

    /// # Safety
    /// That of [`super::run`], for f32.
    #[target_feature(enable = "avx512f")]
    unsafe fn f32<const M: usize, const V: usize>(tile: &Tile) {
        let mut sums = [[_mm512_setzero_ps(); V]; M];
        let (mut left, mut right) = (tile.left.cast::<f32>(), tile.right.cast::<f32>());
        for _ in 0..tile.cells {
            // SAFETY: there are `cells` cells of each, the right ones on lines.
            unsafe {
                let mut columns = [_mm512_setzero_ps(); V];
                for (v, columns) in columns.iter_mut().enumerate() {
                    *columns = _mm512_load_ps(right.add(v * LANES));
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let row = _mm512_set1_ps(*left.add(m * tile.left_row));
                    for (sum, columns) in sums.iter_mut().zip(columns) {
                        *sum = _mm512_fmadd_ps(row, columns, *sum);
                    }
                }
            }
            left = left.wrapping_add(tile.left_step);
            right = right.wrapping_add(V * LANES);
        }
        // SAFETY: the caller's.
        unsafe { put(tile, &sums) };
    }

    /// # Safety
    /// That of [`super::run`], for bf16.
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn bf16<const M: usize, const V: usize>(tile: &Tile) {
        let mut sums = [[_mm512_setzero_ps(); V]; M];
        let (mut left, mut right) = (tile.left, tile.right);
        for _ in 0..tile.cells {
            // SAFETY: there are `cells` cells of each, the right ones on lines. Registers of pairs
            // and of integers have the same bits.
            unsafe {
                let mut columns = [_mm512_setzero_si512(); V];
                for (v, columns) in columns.iter_mut().enumerate() {
                    *columns = _mm512_load_si512(right.add(v * LANES).cast());
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let row = _mm512_set1_epi32(*left.add(m * tile.left_row) as i32);
                    for (sum, columns) in sums.iter_mut().zip(columns) {
                        let row = std::mem::transmute::<__m512i, __m512bh>(row);
                        let columns = std::mem::transmute::<__m512i, __m512bh>(columns);
                        *sum = _mm512_dpbf16_ps(*sum, row, columns);
                    }
                }
            }
            left = left.wrapping_add(tile.left_step);
            right = right.wrapping_add(V * LANES);
        }
        // SAFETY: the caller's.
        unsafe { put(tile, &sums) };
    }

    /// Writes all sums.
    ///
    /// # Safety
    /// That of [`Tile::put`], for all rows and registers.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn put<const M: usize, const V: usize>(tile: &Tile, sums: &[[__m512; V]; M]) {
        for (m, sums) in sums.iter().enumerate() {
            for (v, &sum) in sums.iter().enumerate() {
                if tile.out_column != 1 {
                    let mut lanes = [0.0; LANES];
                    // SAFETY: there are sixteen; the rest is the caller's.
                    unsafe {
                        _mm512_storeu_ps(lanes.as_mut_ptr(), sum);
                        tile.put(m, v, &lanes);
                    }
                    continue;
                }
                let columns = tile.columns.saturating_sub(v * LANES).min(LANES);
                let mask = ((1u32 << columns) - 1) as __mmask16;
                // SAFETY: only columns that are there are read and written.
                unsafe {
                    let out = tile.out.add(m * tile.out_row).wrapping_add(v * LANES);
                    let before = if tile.add {
                        _mm512_maskz_loadu_ps(mask, out)
                    } else {
                        _mm512_setzero_ps()
                    };
                    _mm512_mask_storeu_ps(out, mask, _mm512_add_ps(before, sum));
                }
            }
        }
    }
}
