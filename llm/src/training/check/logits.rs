//! [`Logits`]: those of the whole vocabulary in f64, some rows at a time, with their derivatives
//! along a [`Direction`] and with what a product of less precision may be off by.

use super::slope::{Rounded, Slope, roundings};
use crate::LlmError;
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A direction in hidden states and head that raises the logits of the tokens taken, y.
///
/// ```text
/// dH_r = c_r w_y(r) / ‖w_y(r)‖²
/// dW_a = Σ_{r: y(r) = a} c_r h_r / ‖h_r‖²  +  α_a h̄ / mean ‖h‖²
/// ```
///
/// with c_r at random ½ or 1 and α_a at random ± ¼, so that no two rows and no two tokens are alike.
/// Random signs alone would all but miss the gradient of a large model, and the derivative along
/// them would drown in its bound.
#[derive(Debug)]
pub(super) struct Direction {
    hidden_re: Tensor,
    head_ve: Tensor,
}

impl Direction {
    /// Shapes: hidden [R, E], head [V, E], a token for each row; one that the head does not have
    /// stands for another.
    pub(super) fn new(
        hidden_re: &Tensor,
        head_ve: &Tensor,
        chosen: &[u32],
        seed: u64,
    ) -> Result<Self, LlmError> {
        let (hidden_re, head_ve) = (exact(hidden_re)?, exact(head_ve)?);
        let (rows, vocabulary) = (hidden_re.dim(0)?, head_ve.dim(0)?);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut column = |n: usize, of: [f64; 2]| {
            let values = (0..n).map(|_| of[(random.next_u32() & 1) as usize]).collect::<Vec<f64>>();
            Tensor::from_vec(values, (n, 1), &Device::Cpu)
        };
        let (c_r1, a_v1) = (column(rows, [0.5, 1.0])?, column(vocabulary, [-0.25, 0.25])?);
        let tokens = chosen.iter().map(|&token| token % vocabulary as u32);
        let tokens = Tensor::from_iter(tokens, &Device::Cpu)?;
        // A row of zeros has no direction, and is divided by something.
        let squares = |x: &Tensor| x.sqr()?.sum_keepdim(1)?.maximum(f64::MIN_POSITIVE);
        let along = |x: &Tensor| x.broadcast_mul(&c_r1.div(&squares(x)?)?);
        let mean =
            hidden_re.mean_keepdim(0)?.broadcast_div(&squares(&hidden_re)?.mean_keepdim(0)?)?;
        let to_head = a_v1.matmul(&mean)?.index_add(&tokens, &along(&hidden_re)?, 0)?;
        Ok(Self { hidden_re: along(&head_ve.index_select(&tokens, 0)?)?, head_ve: to_head })
    }

    /// The derivative along it of something with these gradients to hidden states and head.
    pub(super) fn derivative(
        &self,
        of_hidden_re: Option<&Tensor>,
        of_head_ve: Option<&Tensor>,
    ) -> Result<f64, LlmError> {
        let part = |gradient: Option<&Tensor>, direction: &Tensor| {
            let Some(gradient) = gradient else { return Ok(0.0) };
            let rows = exact(gradient)?.mul(direction)?.sum(1)?.to_vec1::<f64>()?;
            Ok::<_, LlmError>(rows.iter().sum::<f64>())
        };
        Ok(part(of_hidden_re, &self.hidden_re)? + part(of_head_ve, &self.head_ve)?)
    }
}

/// The logits of rows of hidden states.
#[derive(Debug)]
pub(super) struct Logits {
    state: Factors,
    along: Option<Factors>,
}

/// Hidden states and head, or their derivatives, with the norms of their rows.
#[derive(Debug)]
struct Factors {
    hidden_re: Tensor,
    head_ev: Tensor,
    rows: Vec<f64>,
    tokens: Vec<f64>,
}

impl Factors {
    fn new(hidden_re: &Tensor, head_ve: &Tensor) -> Result<Self, LlmError> {
        let norms = |x: &Tensor| x.sqr()?.sum(1)?.sqrt()?.to_vec1::<f64>();
        let (rows, tokens) = (norms(hidden_re)?, norms(head_ve)?);
        Ok(Self { hidden_re: hidden_re.clone(), head_ev: head_ve.t()?, rows, tokens })
    }
}

/// The products of some rows of one with all tokens of another.
fn products(
    hidden_re: &Tensor,
    head_ev: &Tensor,
    (start, count): (usize, usize),
) -> Result<Vec<f64>, LlmError> {
    Ok(hidden_re.narrow(0, start, count)?.matmul(head_ev)?.flatten_all()?.to_vec1()?)
}

impl Logits {
    /// Shapes: hidden [R, E], head [V, E], of any type, taken as they are; of a direction with more
    /// tokens the first ones.
    pub(super) fn new(
        hidden_re: &Tensor,
        head_ve: &Tensor,
        direction: Option<&Direction>,
    ) -> Result<Self, LlmError> {
        let state = Factors::new(&exact(hidden_re)?, &exact(head_ve)?)?;
        let of = |d: &Direction| {
            Factors::new(&d.hidden_re, &d.head_ve.narrow(0, 0, state.tokens.len())?)
        };
        let along = direction.map(of).transpose()?;
        Ok(Self { state, along })
    }

    /// The number of tokens.
    pub(super) fn vocabulary(&self) -> usize {
        self.state.tokens.len()
    }

    /// The logits of the rows `start..start + count`, one row after the other, where the gradient of
    /// a hidden state is a sum over `terms` tokens. That of a token is one over all rows.
    ///
    /// A sum of n products, in any order, is off by at most [`roundings`] of Σ|h||w| ≤ ‖h‖ ‖w‖.
    pub(super) fn of_rows<const BITS: u32>(
        &self,
        start: usize,
        count: usize,
        terms: usize,
    ) -> Result<Vec<Slope<BITS>>, LlmError> {
        let Self { state, along } = self;
        let width = state.hidden_re.dim(1)?;
        let off = |n: usize| roundings(n) * Rounded::<BITS>::UNIT;
        let values = products(&state.hidden_re, &state.head_ev, (start, count))?;
        let place = |i: usize| (start + i / self.vocabulary(), i % self.vocabulary());
        let at = |i: usize| {
            let (row, token) = place(i);
            let error = off(width) * state.rows[row] * state.tokens[token];
            Rounded { value: values[i], error }
        };
        let Some(along) = along else {
            let constant = |i| Slope { at: at(i), slope: Rounded::exact(0.0) };
            return Ok((0..values.len()).map(constant).collect());
        };
        let of_hidden = products(&along.hidden_re, &state.head_ev, (start, count))?;
        let of_head = products(&state.hidden_re, &along.head_ev, (start, count))?;
        let (by_hidden, by_head) = (off(width.max(terms)), off(width.max(state.rows.len())));
        let cell = |i: usize| {
            let (row, token) = place(i);
            let error = by_hidden * along.rows[row] * state.tokens[token]
                + by_head * state.rows[row] * along.tokens[token];
            Slope { at: at(i), slope: Rounded { value: of_hidden[i] + of_head[i], error } }
        };
        Ok((0..values.len()).map(cell).collect())
    }
}

/// A tensor in f64 in main memory, without gradients.
fn exact(x: &Tensor) -> Result<Tensor, LlmError> {
    Ok(x.detach().to_device(&Device::Cpu)?.to_dtype(DType::F64)?)
}
