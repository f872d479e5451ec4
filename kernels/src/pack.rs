//! Operands in the order in which tiles read them.

use crate::rounded::pair;
use crate::tile::LANES;
use crate::{Matrix, Precision};
use std::ops::Range;

/// Sixteen cells on a line of the processor's cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u32; LANES]);

/// Rows of an operand, and the lines that they are packed into.
pub(crate) type Part<'a> = (Range<usize>, &'a mut [Line]);

/// The numbers of an operand along k as cells: the cell of number `k` of row or column `i`.
#[inline(always)]
fn cell(x: &Matrix, precision: Precision, i: usize, k: usize, end: usize) -> u32 {
    match precision {
        Precision::F32 => x.at(i, k).to_bits(),
        // The last number may have no partner.
        Precision::Bf16 => pair(x.at(i, k), if k + 1 < end { x.at(i, k + 1) } else { 0.0 }),
    }
}

/// Packs some rows of an operand [rows, k] into lines, and others into others: for each cell along k
/// the rows one after the other, zero beyond the last one. A part has as many lines for a cell as its
/// length is a multiple of the number of cells.
///
/// This is how the right operand is read, given transposed, and where rows lie side by side the left
/// one too. Ranges lie inside `x`.
pub(crate) fn lines(
    x: &Matrix,
    (precision, fast): (Precision, bool),
    parts: &mut [Part],
    along: Range<usize>,
) {
    let cells = along.len().div_ceil(precision.per_cell());
    if cells == 0 {
        return;
    }
    for (rows, lines) in parts.iter() {
        assert!(rows.end <= x.shape().0 && along.end <= x.shape().1);
        assert!(!rows.is_empty() && rows.len() <= lines.len() / cells * LANES);
        assert!(lines.len().is_multiple_of(cells));
    }
    #[cfg(target_arch = "x86_64")]
    if fast && x.steps().0 == 1 {
        // SAFETY: the processor has the instructions where `fast` is set; ranges and lengths were
        // compared just now.
        return unsafe { vector::side_by_side(x, precision, parts, (along, cells)) };
    }
    for (rows, lines) in parts {
        let (rows, width) = (rows.clone(), lines.len() / cells);
        #[cfg(target_arch = "x86_64")]
        if fast && x.steps().1 == 1 {
            // SAFETY: as above.
            unsafe { vector::turned(x, precision, rows, along.clone(), (width, lines)) };
            continue;
        }
        for (c, line) in lines.chunks_mut(width).enumerate() {
            for (i, Line(part)) in line.iter_mut().enumerate() {
                for (lane, place) in part.iter_mut().enumerate() {
                    let row = rows.start + i * LANES + lane;
                    let k = along.start + c * precision.per_cell();
                    *place = if row < rows.end { cell(x, precision, row, k, along.end) } else { 0 };
                }
            }
        }
    }
    let _ = fast;
}

/// Packs one row after the other, each as its cells along k: how the left operand is read in bf16.
pub(crate) fn rows(
    x: &Matrix,
    (precision, fast): (Precision, bool),
    rows: Range<usize>,
    along: Range<usize>,
    cells: &mut [u32],
) {
    let each = along.len().div_ceil(precision.per_cell());
    assert!(rows.end <= x.shape().0 && along.end <= x.shape().1);
    assert!(cells.len() == rows.len() * each);
    #[cfg(target_arch = "x86_64")]
    if fast && x.steps().1 == 1 {
        for (row, cells) in rows.zip(cells.chunks_mut(each.max(1))) {
            // SAFETY: the processor has the instructions where `fast` is set; the row has the
            // numbers, and room for its cells.
            unsafe { vector::row(x.place(row, along.start), along.len(), precision, cells) };
        }
        return;
    }
    let _ = fast;
    for (row, cells) in rows.zip(cells.chunks_mut(each.max(1))) {
        for (c, place) in cells.iter_mut().enumerate() {
            *place = cell(x, precision, row, along.start + c * precision.per_cell(), along.end);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use super::{LANES, Line, Matrix, Part, Precision, Range};
    use std::arch::x86_64::*;

    /// A mask of the first `count` of sixteen.
    #[inline(always)]
    fn first(count: usize) -> __mmask16 {
        if count >= LANES { !0 } else { ((1u32 << count) - 1) as __mmask16 }
    }

    /// Up to sixteen cells from `count` numbers that lie one after the other.
    ///
    /// # Safety
    /// There are that many numbers. The processor has AVX-512F, for bf16 AVX512-BF16.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn cells_bf16(from: *const f32, count: usize) -> __m512i {
        // SAFETY: masked off where there is nothing. Registers of any kind have the same bits.
        unsafe {
            let low = _mm512_maskz_loadu_ps(first(count), from);
            let rest = first(count.saturating_sub(LANES));
            let high = _mm512_maskz_loadu_ps(rest, from.wrapping_add(LANES));
            std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low))
        }
    }

    /// The cells of one row.
    ///
    /// # Safety
    /// `count` numbers lie at `from`; the processor has AVX-512F, for bf16 AVX512-BF16.
    pub(super) unsafe fn row(
        from: *const f32,
        count: usize,
        precision: Precision,
        cells: &mut [u32],
    ) {
        // SAFETY: the caller's.
        unsafe {
            match precision {
                Precision::F32 => {
                    let numbers = std::slice::from_raw_parts(from.cast::<u32>(), count);
                    cells.copy_from_slice(numbers);
                }
                Precision::Bf16 => row_bf16(from, count, cells),
            }
        }
    }

    /// # Safety
    /// That of [`row`].
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn row_bf16(from: *const f32, count: usize, cells: &mut [u32]) {
        for (i, part) in cells.chunks_mut(LANES).enumerate() {
            let start = 2 * LANES * i;
            // SAFETY: the numbers from `start` to `count` are there; the part is as long as the mask.
            unsafe {
                let made = cells_bf16(from.wrapping_add(start), count - start);
                _mm512_mask_storeu_epi32(part.as_mut_ptr().cast(), first(part.len()), made);
            }
        }
    }

    /// Rows that lie side by side: number k of all of them is one piece, and all parts take theirs
    /// before the next one comes.
    ///
    /// # Safety
    /// The ranges lie in `x`, whose row step is 1; each part has the same number of lines for each of
    /// `cells` cells, enough for its rows. The processor has AVX-512F, for bf16 AVX512-BF16.
    pub(super) unsafe fn side_by_side(
        x: &Matrix,
        precision: Precision,
        parts: &mut [Part],
        (along, cells): (Range<usize>, usize),
    ) {
        for (c, k) in along.clone().step_by(precision.per_cell()).enumerate() {
            for (rows, lines) in parts.iter_mut() {
                let width = lines.len() / cells;
                let from = x.place(rows.start, k);
                // SAFETY: the caller's.
                unsafe {
                    let lines = lines.get_unchecked_mut(c * width..(c + 1) * width);
                    match precision {
                        Precision::F32 => side_f32(from, rows.len(), lines),
                        Precision::Bf16 if k + 1 < along.end => {
                            side_bf16([from, x.place(rows.start, k + 1)], rows.len(), lines);
                        }
                        Precision::Bf16 => side_bf16([from, std::ptr::null()], rows.len(), lines),
                    }
                }
            }
        }
    }

    /// # Safety
    /// `count` numbers lie at `from`, as many lines as they need at `lines`; AVX-512F.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn side_f32(from: *const f32, count: usize, lines: &mut [Line]) {
        for (i, line) in lines.iter_mut().enumerate() {
            let mask = first(count.saturating_sub(i * LANES));
            // SAFETY: masked off beyond the last row; a line is sixteen cells.
            unsafe {
                let numbers = _mm512_maskz_loadu_ps(mask, from.wrapping_add(i * LANES));
                _mm512_store_ps(line.0.as_mut_ptr().cast(), numbers);
            }
        }
    }

    /// # Safety
    /// That of [`side_f32`], for both pieces or, where it is null, without the second; AVX512-BF16.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn side_bf16([from, next]: [*const f32; 2], count: usize, lines: &mut [Line]) {
        for (i, line) in lines.iter_mut().enumerate() {
            let mask = first(count.saturating_sub(i * LANES));
            let second_mask = if next.is_null() { 0 } else { mask };
            // SAFETY: masked off beyond the last row and where there is no partner. Registers of any
            // kind have the same bits.
            unsafe {
                let low = _mm512_maskz_loadu_ps(mask, from.wrapping_add(i * LANES));
                let high = _mm512_maskz_loadu_ps(second_mask, next.wrapping_add(i * LANES));
                let halves = |x| std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(x));
                let low = _mm512_cvtepu16_epi32(halves(low));
                let high = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves(high)));
                _mm512_store_si512(line.0.as_mut_ptr().cast(), _mm512_or_si512(low, high));
            }
        }
    }

    /// Rows whose numbers lie one after the other, turned sixteen by sixteen.
    ///
    /// # Safety
    /// The ranges lie in `x`, whose column step is 1; `width` lines hold the rows, and there are so
    /// many for each cell. The processor has AVX-512F, for bf16 AVX512-BF16.
    pub(super) unsafe fn turned(
        x: &Matrix,
        precision: Precision,
        rows: Range<usize>,
        along: Range<usize>,
        packed: (usize, &mut [Line]),
    ) {
        // SAFETY: the caller's.
        unsafe {
            match precision {
                Precision::F32 => turned_f32(x, rows, along, packed),
                Precision::Bf16 => turned_bf16(x, rows, along, packed),
            }
        }
    }

    /// # Safety
    /// That of [`turned`].
    #[target_feature(enable = "avx512f")]
    unsafe fn turned_f32(
        x: &Matrix,
        rows: Range<usize>,
        along: Range<usize>,
        (width, lines): (usize, &mut [Line]),
    ) {
        for (block, lines) in lines.chunks_mut(LANES * width).enumerate() {
            let k = along.start + block * LANES;
            let mask = first(along.end - k);
            for i in 0..width {
                let mut square = [_mm512_setzero_si512(); LANES];
                for (lane, cells) in square.iter_mut().enumerate() {
                    let row = rows.start + i * LANES + lane;
                    if row < rows.end {
                        // SAFETY: masked off beyond the end of the row.
                        let numbers = unsafe { _mm512_maskz_loadu_ps(mask, x.place(row, k)) };
                        *cells = _mm512_castps_si512(numbers);
                    }
                }
                put_turned(square, lines, (i, width));
            }
        }
    }

    /// # Safety
    /// That of [`turned`].
    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn turned_bf16(
        x: &Matrix,
        rows: Range<usize>,
        along: Range<usize>,
        (width, lines): (usize, &mut [Line]),
    ) {
        for (block, lines) in lines.chunks_mut(LANES * width).enumerate() {
            let k = along.start + block * 2 * LANES;
            for i in 0..width {
                let mut square = [_mm512_setzero_si512(); LANES];
                for (lane, cells) in square.iter_mut().enumerate() {
                    let row = rows.start + i * LANES + lane;
                    if row < rows.end {
                        // SAFETY: so many numbers are left of the row.
                        *cells = unsafe { cells_bf16(x.place(row, k), along.end - k) };
                    }
                }
                put_turned(square, lines, (i, width));
            }
        }
    }

    /// Writes the columns of a square as the i-th lines of its cells, as far as there are any.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn put_turned(square: [__m512i; LANES], lines: &mut [Line], (i, width): (usize, usize)) {
        let turned = turn(square);
        for (cells, lines) in turned.into_iter().zip(lines.chunks_mut(width)) {
            // SAFETY: a line is sixteen cells on a boundary of 64 bytes.
            unsafe { _mm512_store_si512(lines[i].0.as_mut_ptr().cast(), cells) };
        }
    }

    /// The transpose of sixteen rows of sixteen cells.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn turn(x: [__m512i; LANES]) -> [__m512i; LANES] {
        let zero = _mm512_setzero_si512();
        // Pairs of rows, then fours: within each quarter of a register.
        let mut pairs = [zero; LANES];
        for i in 0..LANES / 2 {
            pairs[2 * i] = _mm512_unpacklo_epi32(x[2 * i], x[2 * i + 1]);
            pairs[2 * i + 1] = _mm512_unpackhi_epi32(x[2 * i], x[2 * i + 1]);
        }
        let mut fours = [zero; LANES];
        for i in 0..LANES / 4 {
            let [a, b, c, d] = [pairs[4 * i], pairs[4 * i + 1], pairs[4 * i + 2], pairs[4 * i + 3]];
            // Columns 0, 1, 2, 3 of the four rows in each quarter.
            fours[4 * i] = _mm512_unpacklo_epi64(a, c);
            fours[4 * i + 1] = _mm512_unpackhi_epi64(a, c);
            fours[4 * i + 2] = _mm512_unpacklo_epi64(b, d);
            fours[4 * i + 3] = _mm512_unpackhi_epi64(b, d);
        }
        // Quarters to where they belong: of column j of each quarter, from four fours.
        let mut turned = [zero; LANES];
        for j in 0..4 {
            let [a, b, c, d] = [fours[j], fours[4 + j], fours[8 + j], fours[12 + j]];
            let (ab_even, ab_odd) = (
                _mm512_shuffle_i32x4::<0b10_00_10_00>(a, b),
                _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b),
            );
            let (cd_even, cd_odd) = (
                _mm512_shuffle_i32x4::<0b10_00_10_00>(c, d),
                _mm512_shuffle_i32x4::<0b11_01_11_01>(c, d),
            );
            turned[j] = _mm512_shuffle_i32x4::<0b10_00_10_00>(ab_even, cd_even);
            turned[4 + j] = _mm512_shuffle_i32x4::<0b10_00_10_00>(ab_odd, cd_odd);
            turned[8 + j] = _mm512_shuffle_i32x4::<0b11_01_11_01>(ab_even, cd_even);
            turned[12 + j] = _mm512_shuffle_i32x4::<0b11_01_11_01>(ab_odd, cd_odd);
        }
        turned
    }
}
