//! Attention of one sequence: rotary positions, scores, softmax and mixture.
//!
//! A block of queries of one key-value head at a time: its scores stay in the processor's cache, and
//! none of them is kept. The backward pass computes them again. With scaled queries q, weights P and
//! mixture o = P v,
//!
//! ```text
//! ∂v = Pᵀ ∂o     ∂P = ∂o vᵀ     ∂s = P · (∂P − Σ_keys P ∂P)     ∂q = ∂s k     ∂k = ∂sᵀ q
//! ```

use super::Attend;
use super::softmax::softmax_row;
use super::turn::{turn_back_row, turn_row};
use crate::flat::product;
use crate::simd::{sum2, wide};
use candle_core::{CpuStorage, Layout, Result};
use kernels::Precision;
use std::ops::Range;

/// How many positions a block of queries has.
const BLOCK: usize = 128;

/// What one sequence sees: its bias [T, T], and cosines and sines [T, D/2].
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) bias: &'a [f32],
    pub(super) angles: Option<(&'a [f32], &'a [f32])>,
}

/// Some heads of some positions among all heads of a sequence.
#[derive(Clone)]
struct Part {
    heads: Range<usize>,
    of: usize,
    positions: Range<usize>,
}

impl Attend {
    fn keys(&self, group: usize) -> Part {
        Part { heads: group..group + 1, of: self.groups, positions: 0..self.time }
    }

    /// The queries of a group, block by block.
    fn queries(&self, group: usize) -> impl Iterator<Item = Part> + '_ {
        let share = self.heads / self.groups;
        let heads = group * share..(group + 1) * share;
        (0..self.time).step_by(BLOCK).map(move |start| Part {
            heads: heads.clone(),
            of: self.heads,
            positions: start..self.time.min(start + BLOCK),
        })
    }

    /// The rows of a part, one head after the other.
    fn gather(&self, from: &[f32], part: &Part) -> Vec<f32> {
        let mut rows = Vec::with_capacity(part.heads.len() * part.positions.len() * self.width);
        for head in part.heads.clone() {
            for t in part.positions.clone() {
                rows.extend_from_slice(&from[(t * part.of + head) * self.width..][..self.width]);
            }
        }
        rows
    }

    /// Puts rows back to where they were gathered from.
    fn scatter(&self, rows: &[f32], part: &Part, to: &mut [f32]) {
        let mut rows = rows.chunks_exact(self.width);
        for head in part.heads.clone() {
            for (t, row) in part.positions.clone().zip(&mut rows) {
                to[(t * part.of + head) * self.width..][..self.width].copy_from_slice(row);
            }
        }
    }

    /// `turn` of each row of a part with the angles of its position.
    fn turned(
        &self,
        mut rows: Vec<f32>,
        part: &Part,
        view: View,
        turn: fn(&mut [f32], &[f32], &[f32]),
    ) -> Vec<f32> {
        let Some((cos, sin)) = view.angles else { return rows };
        let half = self.width / 2;
        let positions = part.heads.clone().flat_map(|_| part.positions.clone());
        for (row, t) in rows.chunks_exact_mut(self.width).zip(positions) {
            turn(row, &cos[t * half..][..half], &sin[t * half..][..half]);
        }
        rows
    }

    fn scaled(&self, mut rows: Vec<f32>) -> Vec<f32> {
        let scale = (self.width as f32).sqrt().recip();
        rows.iter_mut().for_each(|x| *x *= scale);
        rows
    }

    /// How much each query of a part takes of each key up to the part's last position.
    fn weights(&self, q: &CpuStorage, k: &CpuStorage, part: &Part, view: View) -> Result<Vec<f32>> {
        let seen = part.positions.end;
        let rows = part.heads.len() * part.positions.len();
        let mut scores = times(q, k, [rows, seen, self.width])?;
        let positions = part.heads.clone().flat_map(|_| part.positions.clone());
        wide(|| {
            for (row, t) in scores.chunks_exact_mut(seen).zip(positions) {
                softmax_row(row, &view.bias[t * self.time..][..seen]);
            }
        });
        Ok(scores)
    }

    /// The mixtures of one sequence, whose rows these are.
    pub(super) fn forward(
        &self,
        [q, k, v]: [&[f32]; 3],
        view: View,
        mixed: &mut [f32],
    ) -> Result<()> {
        for group in 0..self.groups {
            let keys = self.keys(group);
            let k = CpuStorage::F32(self.turned(self.gather(k, &keys), &keys, view, turn_row));
            let v = CpuStorage::F32(self.gather(v, &keys));
            for part in self.queries(group) {
                let q = self.scaled(self.turned(self.gather(q, &part), &part, view, turn_row));
                let weights = self.weights(&CpuStorage::F32(q), &k, &part, view)?;
                let (rows, seen) = (weights.len() / part.positions.end, part.positions.end);
                let of_part = over(&CpuStorage::F32(weights), &v, [rows, seen, self.width])?;
                self.scatter(&of_part, &part, mixed);
            }
        }
        Ok(())
    }

    /// The gradients of one sequence, whose rows these are.
    pub(super) fn backward(
        &self,
        [q, k, v]: [&[f32]; 3],
        slope: &[f32],
        view: View,
        [dq, dk, dv]: [&mut [f32]; 3],
    ) -> Result<()> {
        let width = self.width;
        for group in 0..self.groups {
            let keys = self.keys(group);
            let k = CpuStorage::F32(self.turned(self.gather(k, &keys), &keys, view, turn_row));
            let v = CpuStorage::F32(self.gather(v, &keys));
            let mut k_slope = vec![0.0; self.time * width];
            let mut v_slope = k_slope.clone();
            for part in self.queries(group) {
                let seen = part.positions.end;
                let q = self.scaled(self.turned(self.gather(q, &part), &part, view, turn_row));
                let q = CpuStorage::F32(q);
                let mixed_slope = CpuStorage::F32(self.gather(slope, &part));
                let weights = self.weights(&q, &k, &part, view)?;
                let rows = weights.len() / seen;
                let mut score_slope = times(&mixed_slope, &v, [rows, seen, width])?;
                wide(|| {
                    let pairs = score_slope.chunks_exact_mut(seen).zip(weights.chunks_exact(seen));
                    pairs.for_each(|(slope, weights)| score_slope_row(slope, weights));
                });
                let score_slope = CpuStorage::F32(score_slope);
                let q_slope = self.scaled(over(&score_slope, &k, [rows, seen, width])?);
                let q_slope = self.turned(q_slope, &part, view, turn_back_row);
                self.scatter(&q_slope, &part, dq);
                add(&mut k_slope, &under(&score_slope, &q, [rows, seen, width])?);
                let weights = CpuStorage::F32(weights);
                add(&mut v_slope, &under(&weights, &mixed_slope, [rows, seen, width])?);
            }
            self.scatter(&self.turned(k_slope, &keys, view, turn_back_row), &keys, dk);
            self.scatter(&v_slope, &keys, dv);
        }
        Ok(())
    }
}

/// P · (∂P − Σ P ∂P) in place of ∂P.
#[inline(always)]
fn score_slope_row(slope: &mut [f32], weights: &[f32]) {
    let mean = sum2(slope, weights, |s, w| s * w) as f32;
    slope.iter_mut().zip(weights).for_each(|(s, w)| *s = w * (*s - mean));
}

fn add(sum: &mut [f32], x: &[f32]) {
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
}

/// a [rows, width] · bᵀ, of which b has at least `seen` rows.
fn times(a: &CpuStorage, b: &CpuStorage, [rows, seen, width]: [usize; 3]) -> Result<Vec<f32>> {
    let (a_shape, b_shape) = (Layout::contiguous((rows, width)), Layout::contiguous((seen, width)));
    product((a, &a_shape), (b, &b_shape.transpose(0, 1)?), Precision::F32)
}

/// a [rows, seen] · b, of which b has at least `seen` rows.
fn over(a: &CpuStorage, b: &CpuStorage, [rows, seen, width]: [usize; 3]) -> Result<Vec<f32>> {
    let (a_shape, b_shape) = (Layout::contiguous((rows, seen)), Layout::contiguous((seen, width)));
    product((a, &a_shape), (b, &b_shape), Precision::F32)
}

/// aᵀ [seen, rows] · b [rows, width].
fn under(a: &CpuStorage, b: &CpuStorage, [rows, seen, width]: [usize; 3]) -> Result<Vec<f32>> {
    let (a_shape, b_shape) = (Layout::contiguous((rows, seen)), Layout::contiguous((rows, width)));
    product((a, &a_shape.transpose(0, 1)?), (b, &b_shape), Precision::F32)
}
