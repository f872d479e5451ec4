//! What a student's logits over the whole vocabulary come to, a few rows at a time: no tensor of
//! all rows and the whole vocabulary ever exists.

use crate::LlmError;
use crate::compute::Compute;
use crate::flat::{is_flat, lend, product};
use crate::simd::{exp, largest, sum, wide};
use candle_core::{CpuStorage, CustomOp2, D, DType, Device, Layout, Shape, Tensor};
use rayon::prelude::*;

/// How many rows have their logits in memory at once.
const CHUNK: usize = 512;

/// What the logits of one row come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Survey {
    /// The most likely token, the lower id on a tie.
    pub best: u32,
    /// log Σ_a exp z(a) over the whole vocabulary, in nats.
    pub log_normaliser: f64,
}

/// A survey of every row, without gradients.
///
/// Shapes: hidden [R, E], head [V, E] → \[R\].
///
/// # Errors
/// [`LlmError::Tensor`]; [`operators::OperatorError::NotFinite`] for logits that are no numbers.
pub fn survey(hidden_re: &Tensor, head_ve: &Tensor) -> Result<Vec<Survey>, LlmError> {
    let (hidden_re, head_ev) = (hidden_re.detach(), head_ve.detach().t()?);
    let (rows, precision) = (hidden_re.dim(0)?, Compute::precision());
    let mut surveys = Vec::with_capacity(rows);
    for start in (0..rows).step_by(CHUNK) {
        let part_ce = hidden_re.narrow(0, start, CHUNK.min(rows - start))?;
        let width = head_ev.dim(1)?;
        let flat = if is_flat(&part_ce) && is_flat(head_ve) {
            let product = product(lend(&part_ce).whole()?, lend(&head_ev).whole()?, precision)?;
            Tensor::from_vec(product, part_ce.dim(0)? * width, &Device::Cpu)?
        } else {
            Compute::times(&part_ce, &head_ev)?.flatten_all()?
        };
        let of = |(i, row): (usize, Result<Survey, (usize, f64)>)| {
            let wrong = |(slot, value)| {
                LlmError::from(operators::OperatorError::NotFinite { row: start + i, slot, value })
            };
            row.map_err(wrong)
        };
        let part: Vec<_> = if flat.dtype() == DType::F64 {
            let exp = |z, largest| f64::exp(z - largest);
            flat.to_vec1::<f64>()?.par_chunks(width).map(|row| of_row(row, exp)).collect()
        } else {
            let flat = flat.to_dtype(DType::F32)?.to_device(&Device::Cpu)?;
            let flat = lend(&flat);
            flat.values()?.par_chunks(width).map(|row| wide(|| of_short_row(row))).collect()
        };
        for survey in part.into_iter().enumerate().map(of) {
            surveys.push(survey?);
        }
    }
    Ok(surveys)
}

/// The survey of one row, or the first entry that is no number.
///
/// `exp` gives exp(z − largest), in the precision of the logits.
fn of_row<T: Copy + Into<f64> + PartialOrd>(
    row: &[T],
    exp: impl Fn(T, T) -> f64,
) -> Result<Survey, (usize, f64)> {
    if let Some(slot) = row.iter().position(|&z| !z.into().is_finite()) {
        return Err((slot, row[slot].into()));
    }
    let better = |best: usize, i: usize| if row[i] > row[best] { i } else { best };
    let best = (1..row.len()).fold(0, better);
    let total: f64 = row.iter().map(|&z| exp(z, row[best])).sum();
    Ok(Survey { best: best as u32, log_normaliser: row[best].into() + total.ln() })
}

/// The same in f32, in vector instructions.
#[inline(always)]
fn of_short_row(row: &[f32]) -> Result<Survey, (usize, f64)> {
    // No loop that ends early, which would go number by number.
    let finite = row.iter().fold(true, |finite, z| finite & z.is_finite());
    if !finite {
        return of_row(row, |z, largest| f64::from(f32::exp(z - largest)));
    }
    let most = largest(row);
    let total = sum(row, |z| exp(z - most));
    // There is one: the largest is one of them.
    let best = row.iter().position(|&z| z == most).unwrap_or_default();
    Ok(Survey { best: best as u32, log_normaliser: f64::from(most) + total.ln() })
}

/// log Σ_a exp z(a) of every row with its gradient; on processors without a tensor of all rows.
///
/// ```text
/// ∂/∂z(a) = π(a), so ∂/∂h = Σ_a π(a) w_a and ∂/∂w_a = Σ_rows π(a) h
/// ```
///
/// The probabilities are computed a second time when the gradient is asked for. The definition is
/// [`operators::soft_value`] over the whole vocabulary.
/// Shapes: hidden [R, E], head [V, E] → \[R\]. Units: nats.
///
/// # Errors
/// Those of [`survey`].
pub fn log_normaliser(hidden_re: &Tensor, head_ve: &Tensor) -> Result<Tensor, LlmError> {
    if !hidden_re.device().is_cpu() {
        // candle's own differentiable one, which keeps the logits.
        return Ok(Compute::times(hidden_re, &head_ve.t()?)?.log_sum_exp(D::Minus1)?);
    }
    let values = survey(hidden_re, head_ve)?.iter().map(|s| s.log_normaliser).collect();
    Ok(hidden_re.apply_op2(head_ve, LogNormaliser { values })?)
}

/// What an operation gives whose values are known already, in the type of what it is given.
pub(super) fn known(values: &[f64], like: &CpuStorage) -> (CpuStorage, Shape) {
    let storage = match like {
        CpuStorage::F64(_) => CpuStorage::F64(values.to_vec()),
        _ => CpuStorage::F32(values.iter().map(|&x| x as f32).collect()),
    };
    (storage, values.len().into())
}

/// The values are known; the gradient is still to come.
struct LogNormaliser {
    values: Vec<f64>,
}

impl CustomOp2 for LogNormaliser {
    fn name(&self) -> &'static str {
        "log-normaliser"
    }

    fn cpu_fwd(
        &self,
        hidden: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        Ok(known(&self.values, hidden))
    }

    fn bwd(
        &self,
        hidden_re: &Tensor,
        head_ve: &Tensor,
        value_r: &Tensor,
        gradient_r: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let (hidden_re, head_ve, value_r) =
            (hidden_re.detach(), head_ve.detach(), value_r.detach());
        let rows = hidden_re.dim(0)?;
        let (mut of_hidden, mut of_head) = (Vec::new(), head_ve.zeros_like()?);
        for start in (0..rows).step_by(CHUNK) {
            let count = CHUNK.min(rows - start);
            let hidden_ce = hidden_re.narrow(0, start, count)?;
            let value_c1 = value_r.narrow(0, start, count)?.unsqueeze(1)?;
            let gradient_c1 = gradient_r.narrow(0, start, count)?.unsqueeze(1)?;
            let logits_cv = hidden_ce.matmul(&head_ve.t()?)?;
            let policy_cv = logits_cv.broadcast_sub(&value_c1)?.exp()?;
            let weighted_cv = policy_cv.broadcast_mul(&gradient_c1)?;
            of_hidden.push(weighted_cv.matmul(&head_ve)?);
            of_head = (of_head + weighted_cv.t()?.matmul(&hidden_ce)?)?;
        }
        Ok((Some(Tensor::cat(&of_hidden, 0)?), Some(of_head)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensors;
    use candle_core::Var;
    use operators::{RowLayout, soft_value};

    const CPU: Device = Device::Cpu;

    /// More rows than one chunk.
    const R: usize = CHUNK + 7;
    const V: usize = 11;

    fn variables() -> (Var, Var) {
        let hidden = Tensor::randn(0f64, 1.0, (R, 3), &CPU).unwrap();
        let head = Tensor::randn(0f64, 1.0, (V, 3), &CPU).unwrap();
        (Var::from_tensor(&hidden).unwrap(), Var::from_tensor(&head).unwrap())
    }

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        let largest = a.sub(b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        largest.to_scalar::<f64>().unwrap()
    }

    #[test]
    fn the_log_normaliser_is_the_soft_value_of_the_whole_vocabulary() {
        let (hidden, head) = variables();
        let n = Tensors::new(&RowLayout::uniform(R, V).unwrap(), DType::F64, &CPU).unwrap();
        let logits = hidden.matmul(&head.t().unwrap()).unwrap();
        let defined = soft_value(&n, &n.cells_of(&logits).unwrap(), &n.full()).unwrap().0;
        let streamed = log_normaliser(&hidden, &head).unwrap();
        assert!(distance(&streamed, &defined) < 1e-13);

        let weights = Tensor::randn(0f64, 1.0, R, &CPU).unwrap();
        let loss = |value: &Tensor| value.mul(&weights).unwrap().sum_all().unwrap();
        let expected = loss(&defined).backward().unwrap();
        let found = loss(&streamed).backward().unwrap();
        for variable in [&hidden, &head] {
            let (e, f) = (expected.get(variable).unwrap(), found.get(variable).unwrap());
            assert!(distance(f, e) < 1e-12);
        }
    }

    #[test]
    fn the_best_token_has_the_largest_logit_and_the_lower_id_on_a_tie() {
        let double = |row: &[f32]| {
            let row: Vec<f64> = row.iter().map(|&z| f64::from(z)).collect();
            of_row(&row, |z, largest| f64::exp(z - largest))
        };
        for survey in [&double as &dyn Fn(&[f32]) -> _, &|row: &[f32]| of_short_row(row)] {
            let best = |row: &[f32]| survey(row).unwrap().best;
            assert_eq!(best(&[1.0, 3.0, 2.0, 3.0]), 1);
            assert_eq!(best(&[-0.0, 0.0]), 0);
            assert_eq!(survey(&[0.0, f32::INFINITY]), Err((1, f64::INFINITY)));
            assert_eq!(survey(&[0.0, 1.0, f32::NEG_INFINITY]), Err((2, f64::NEG_INFINITY)));
        }
    }

    #[test]
    fn a_survey_in_f32_is_that_in_f64() {
        let row: Vec<f32> = (0..3001).map(|i| (i as f32 * 0.7).sin() * 9.0).collect();
        let wide: Vec<f64> = row.iter().map(|&z| f64::from(z)).collect();
        let exact = of_row(&wide, |z, largest| f64::exp(z - largest)).unwrap();
        let short = of_short_row(&row).unwrap();
        assert_eq!(short.best, exact.best);
        // Summands and differences of two roundings each, 80 of them added in f32.
        let distance = (short.log_normaliser - exact.log_normaliser).abs();
        assert!(distance <= 84.0 * f64::from(f32::EPSILON), "{distance}");
    }
}
