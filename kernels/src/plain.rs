//! Tiles without vector instructions of our own.

use crate::Precision;
use crate::rounded::wide;
use crate::tile::{LANES, Tile};

/// Computes a tile of `rows` rows and `vectors` times sixteen columns.
///
/// For bf16 the order is that of the instruction: of the two products of a cell the second is added
/// first. Products are exact in f32, so that adding one is what a fused operation does: the bits are
/// the same, except where a sum is less than 2⁻¹²⁶, which the instruction makes zero.
///
/// # Safety
/// That of [`crate::tile::run`].
pub(crate) unsafe fn run(precision: Precision, rows: usize, vectors: usize, tile: &Tile) {
    for m in 0..rows {
        for v in 0..vectors {
            let mut sums = [0.0f32; LANES];
            for c in 0..tile.cells {
                // SAFETY: the caller vouches for cells of both operands at these places.
                let (left, right) = unsafe {
                    let left = *tile.left.add(m * tile.left_row + c * tile.left_step);
                    (left, &*tile.right.add((c * vectors + v) * LANES).cast::<[u32; LANES]>())
                };
                match precision {
                    Precision::F32 => {
                        let left = f32::from_bits(left);
                        let cells = sums.iter_mut().zip(right);
                        cells.for_each(|(sum, &r)| *sum += left * f32::from_bits(r));
                    }
                    Precision::Bf16 => {
                        let (first, second) = (wide(left as u16), wide((left >> 16) as u16));
                        for (sum, &r) in sums.iter_mut().zip(right) {
                            *sum += second * wide((r >> 16) as u16);
                            *sum += first * wide(r as u16);
                        }
                    }
                }
            }
            // SAFETY: as above, for the numbers of the result.
            unsafe { tile.put(m, v, &sums) };
        }
    }
}
