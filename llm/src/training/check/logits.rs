//! [`Logits`]: those of the whole vocabulary in f64, some rows at a time, with their derivatives
//! along a direction and with what a product of less precision may be off by.

use super::slope::{Rounded, Slope, roundings};
use crate::LlmError;
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A direction in hidden states and head: a matrix of signs for each, of rank one.
///
/// ```text
/// dH_re = c_r d_e     dW_ae = a_a b_e
/// ```
#[derive(Debug)]
pub(super) struct Direction {
    c_r: Vec<f64>,
    d_e: Tensor,
    a_v: Vec<f64>,
    b_e: Tensor,
}

impl Direction {
    /// Random signs.
    pub(super) fn new(hidden_re: &Tensor, head_ve: &Tensor, seed: u64) -> Result<Self, LlmError> {
        let ((rows, width), vocabulary) = (hidden_re.dims2()?, head_ve.dim(0)?);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut signs = |n: usize| -> Vec<f64> {
            (0..n).map(|_| if random.next_u32() & 1 == 0 { 1.0 } else { -1.0 }).collect()
        };
        let (c_r, a_v) = (signs(rows), signs(vocabulary));
        let mut column = || Tensor::from_vec(signs(width), (width, 1), &Device::Cpu);
        Ok(Self { c_r, d_e: column()?, a_v, b_e: column()? })
    }

    /// The derivative along it of something with these gradients to hidden states and head.
    pub(super) fn derivative(
        &self,
        of_hidden_re: Option<&Tensor>,
        of_head_ve: Option<&Tensor>,
    ) -> Result<f64, LlmError> {
        let part = |gradient: Option<&Tensor>, right: &Tensor, left: &[f64]| {
            let Some(gradient) = gradient else { return Ok(0.0) };
            let products = column(&exact(gradient)?, right)?;
            Ok::<_, LlmError>(products.iter().zip(left).map(|(x, sign)| x * sign).sum::<f64>())
        };
        let of_head = part(of_head_ve, &self.b_e, &self.a_v)?;
        Ok(part(of_hidden_re, &self.d_e, &self.c_r)? + of_head)
    }
}

/// The logits of rows of hidden states.
#[derive(Debug)]
pub(super) struct Logits {
    hidden_re: Tensor,
    head_ev: Tensor,
    rows: Vec<Sizes>,
    tokens: Vec<Sizes>,
    along: Option<Along>,
}

/// The norm of a row of a matrix, and the sum of its entries without signs.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    norm: f64,
    sum: f64,
}

/// The parts of a derivative: c_r (w_a · d) + a_a (h_r · b).
#[derive(Debug)]
struct Along {
    c_r: Vec<f64>,
    hb_r: Vec<f64>,
    a_v: Vec<f64>,
    wd_v: Vec<f64>,
}

impl Logits {
    /// Shapes: hidden [R, E], head [V, E], of any type, taken as they are.
    pub(super) fn new(
        hidden_re: &Tensor,
        head_ve: &Tensor,
        direction: Option<&Direction>,
    ) -> Result<Self, LlmError> {
        let (hidden_re, head_ve) = (exact(hidden_re)?, exact(head_ve)?);
        let along = |direction: &Direction| {
            let Direction { c_r, d_e, a_v, b_e } = direction;
            let (hb_r, wd_v) = (column(&hidden_re, b_e)?, column(&head_ve, d_e)?);
            Ok::<_, LlmError>(Along { c_r: c_r.clone(), hb_r, a_v: a_v.clone(), wd_v })
        };
        let along = direction.map(along).transpose()?;
        let (rows, tokens) = (sizes(&hidden_re)?, sizes(&head_ve)?);
        Ok(Self { hidden_re, head_ev: head_ve.t()?, rows, tokens, along })
    }

    /// The number of tokens.
    pub(super) fn vocabulary(&self) -> usize {
        self.tokens.len()
    }

    /// The logits of the rows `start..start + count`, one row after the other. A gradient that
    /// belongs to them is a sum of at most `terms` terms.
    ///
    /// A sum of n products, in any order, is off by at most [`roundings`] of Σ|h||w| ≤ ‖h‖ ‖w‖.
    pub(super) fn of_rows<const BITS: u32>(
        &self,
        start: usize,
        count: usize,
        terms: usize,
    ) -> Result<Vec<Slope<BITS>>, LlmError> {
        let width = self.hidden_re.dim(1)?;
        let part = self.hidden_re.narrow(0, start, count)?.matmul(&self.head_ev)?;
        let values = part.flatten_all()?.to_vec1::<f64>()?;
        let [of_value, of_slope] =
            [width, width.max(terms)].map(|n| roundings(n) * Rounded::<BITS>::UNIT);
        let cell = |(i, value): (usize, f64)| {
            let (row, token) = (start + i / self.vocabulary(), i % self.vocabulary());
            let (h, w) = (self.rows[row], self.tokens[token]);
            let slope = self.along.as_ref().map_or(Rounded::exact(0.0), |along| Rounded {
                value: along.c_r[row] * along.wd_v[token] + along.a_v[token] * along.hb_r[row],
                error: of_slope * (h.sum + w.sum),
            });
            Slope { at: Rounded { value, error: of_value * h.norm * w.norm }, slope }
        };
        Ok(values.into_iter().enumerate().map(cell).collect())
    }
}

/// A tensor in f64 in main memory, without gradients.
fn exact(x: &Tensor) -> Result<Tensor, LlmError> {
    Ok(x.detach().to_device(&Device::Cpu)?.to_dtype(DType::F64)?)
}

/// The product with a column.
fn column(x: &Tensor, column: &Tensor) -> Result<Vec<f64>, LlmError> {
    Ok(x.contiguous()?.matmul(column)?.flatten_all()?.to_vec1()?)
}

fn sizes(x: &Tensor) -> Result<Vec<Sizes>, LlmError> {
    let norms = x.sqr()?.sum(1)?.sqrt()?.to_vec1::<f64>()?;
    let sums = x.abs()?.sum(1)?.to_vec1::<f64>()?;
    Ok(norms.into_iter().zip(sums).map(|(norm, sum)| Sizes { norm, sum }).collect())
}
