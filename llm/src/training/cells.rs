//! Logits of some tokens of each row, for f32 in main memory.

use crate::flat::{lend, values};
use crate::simd::{sum2, wide};
use crate::sums;
use candle_core::{CpuStorage, CustomOp2, Device, Layout, Result, Shape, Tensor};
use operators::RowLayout;
use rayon::prelude::*;
use std::sync::Arc;

/// The products of hidden states with the rows of a head that belong to the tokens of their cells.
///
/// ```text
/// z_c = h_{r(c)} · w_{a(c)}     ∂h_r = Σ_{c in r} ∂z_c w_{a(c)}     ∂w_a = Σ_{a(c) = a} ∂z_c h_{r(c)}
/// ```
///
/// Sets are small and differ from row to row: a product of all rows with all tokens that occur
/// somewhere computes a hundred numbers for one that is used.
#[derive(Debug, Clone)]
pub(super) struct CellLogits(Arc<Cells>);

/// Which cells there are.
#[derive(Debug)]
pub(super) struct Cells {
    /// Which cells belong to which row.
    pub(super) layout: RowLayout,
    /// The token of each cell, each less than V.
    pub(super) tokens: Vec<u32>,
}

impl Cells {
    /// Shapes: hidden [R, E], head [V, E] → \[cells\].
    pub(super) fn of(self, hidden_re: &Tensor, head_ve: &Tensor) -> Result<Tensor> {
        hidden_re.apply_op2(head_ve, CellLogits(Arc::new(self)))
    }

    /// The row of the head that belongs to a cell.
    #[inline(always)]
    fn weights<'a>(&self, head: &'a [f32], width: usize, cell: usize) -> &'a [f32] {
        &head[self.tokens[cell] as usize * width..][..width]
    }

    fn hidden_slopes(&self, head: &[f32], slope: &[f32], width: usize) -> Vec<f32> {
        let mut sums = vec![0.0; self.layout.rows() * width];
        sums.par_chunks_mut(width).enumerate().for_each(|(row, sum)| {
            wide(|| {
                for cell in self.layout.row(row) {
                    add_times(sum, slope[cell], self.weights(head, width, cell));
                }
            });
        });
        sums
    }

    /// Adds to the gradient of the head.
    fn add_head_slopes(&self, sums: &mut [f32], hidden: &[f32], slope: &[f32], width: usize) {
        let mut row_of = vec![0; self.tokens.len()];
        for (row, cells) in self.layout.iter().enumerate() {
            row_of[cells].fill(row);
        }
        // The cells of each token, in their order.
        let mut order: Vec<usize> = (0..self.tokens.len()).collect();
        order.sort_by_key(|&cell| self.tokens[cell]);
        let start = |token: usize| order.partition_point(|&c| (self.tokens[c] as usize) < token);
        sums.par_chunks_mut(width).enumerate().for_each(|(token, sum)| {
            wide(|| {
                for &cell in &order[start(token)..start(token + 1)] {
                    add_times(sum, slope[cell], &hidden[row_of[cell] * width..][..width]);
                }
            });
        });
    }
}

/// Adds c x.
#[inline(always)]
fn add_times(sum: &mut [f32], c: f32, x: &[f32]) {
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += c * x);
}

impl CustomOp2 for CellLogits {
    fn name(&self) -> &'static str {
        "logits of cells"
    }

    fn cpu_fwd(
        &self,
        hidden: &CpuStorage,
        hidden_shape: &Layout,
        head: &CpuStorage,
        head_shape: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let width = head_shape.shape().dims2()?.1;
        let (hidden, head) = (values(hidden, hidden_shape)?, values(head, head_shape)?);
        let of_row = |row: usize| -> Vec<f32> {
            let h = &hidden[row * width..][..width];
            let cells = self.0.layout.row(row);
            wide(|| {
                let product =
                    |cell| sum2(h, self.0.weights(head, width, cell), |h, w| h * w) as f32;
                cells.map(product).collect()
            })
        };
        let rows: Vec<Vec<f32>> = (0..self.0.layout.rows()).into_par_iter().map(of_row).collect();
        Ok((CpuStorage::F32(rows.concat()), self.0.tokens.len().into()))
    }

    fn bwd(
        &self,
        hidden: &Tensor,
        head: &Tensor,
        _: &Tensor,
        slope: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let slope = slope.contiguous()?;
        let of_hidden = || {
            let (head, given) = (lend(head), lend(&slope));
            let width = hidden.dims2()?.1;
            let slopes = self.0.hidden_slopes(head.values()?, given.values()?, width);
            Tensor::from_vec(slopes, hidden.shape(), &Device::Cpu)
        };
        let of_hidden = hidden.track_op().then(of_hidden).transpose()?;
        if !head.track_op() {
            return Ok((of_hidden, None));
        }
        // As large as the head, which is the largest of all: it waits until other memory is free.
        let (cells, of, to, by) = (self.clone(), hidden.clone(), head.clone(), slope.clone());
        let work = move || cells.head_gradient(&of, &to, &by).map(|_| ());
        if sums::later(head, work) {
            return Ok((of_hidden, None));
        }
        Ok((of_hidden, self.head_gradient(hidden, head, &slope)?))
    }
}

impl CellLogits {
    /// The gradient of the head, unless there is a sum that it was added to.
    fn head_gradient(
        &self,
        hidden: &Tensor,
        head: &Tensor,
        slope: &Tensor,
    ) -> Result<Option<Tensor>> {
        let (hidden, slope, width) = (lend(hidden), lend(slope), head.dims2()?.1);
        let (hidden, slope) = (hidden.values()?, slope.values()?);
        let first = || {
            let mut sums = vec![0.0; head.elem_count()];
            self.0.add_head_slopes(&mut sums, hidden, slope, width);
            Ok(sums)
        };
        sums::add(head, first, |sums| {
            self.0.add_head_slopes(sums, hidden, slope, width);
            Ok(())
        })
    }
}
