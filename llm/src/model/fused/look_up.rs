//! Rows of a table.

use crate::flat::{lend, values};
use crate::sums;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// The rows of these numbers.
struct LookUp {
    rows: Vec<u32>,
}

/// Rows of a table [V, H], all of which it has → [M, H].
pub(in crate::model) fn look_up(table: &Tensor, rows: &[u32]) -> Result<Tensor> {
    table.apply_op1(LookUp { rows: rows.to_vec() })
}

impl LookUp {
    /// Adds each row of the slope to the row that it was looked up in, in order.
    fn add(&self, sum: &mut [f32], slope: &[f32], width: usize) {
        for (&row, slope) in self.rows.iter().zip(slope.chunks_exact(width)) {
            let sum = &mut sum[row as usize * width..][..width];
            sum.iter_mut().zip(slope).for_each(|(sum, x)| *sum += x);
        }
    }
}

impl CustomOp1 for LookUp {
    fn name(&self) -> &'static str {
        "look up"
    }

    fn cpu_fwd(&self, table: &CpuStorage, shape: &Layout) -> Result<(CpuStorage, Shape)> {
        let (height, width) = shape.shape().dims2()?;
        let table = values(table, shape)?;
        let mut found = Vec::with_capacity(self.rows.len() * width);
        for &row in &self.rows {
            if row as usize >= height {
                candle_core::bail!("row {row} of a table of {height}");
            }
            found.extend_from_slice(&table[row as usize * width..][..width]);
        }
        Ok((CpuStorage::F32(found), (self.rows.len(), width).into()))
    }

    fn bwd(&self, table: &Tensor, _: &Tensor, slope: &Tensor) -> Result<Option<Tensor>> {
        let (slope, width) = (slope.contiguous()?, table.dims2()?.1);
        let slope = lend(&slope);
        let slope = slope.values()?;
        let first = || {
            let mut sum = vec![0.0; table.elem_count()];
            self.add(&mut sum, slope, width);
            Ok(sum)
        };
        sums::add(table, first, |sum| {
            self.add(sum, slope, width);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CPU, assert_same, random};
    use super::*;

    #[test]
    fn the_short_look_up_is_the_look_up() {
        let rows = [3u32, 0, 3, 6, 3];
        let index = Tensor::from_slice(&rows, rows.len(), &CPU).unwrap();
        // Sums of up to three numbers.
        assert_same(
            &[random((7, 5))],
            3.0,
            |x| look_up(&x[0], &rows),
            |x| x[0].index_select(&index, 0),
        );
        assert!(look_up(&random((7, 5)), &[7]).is_err());
    }
}
