//! What a student's logits over the whole vocabulary come to, a few rows at a time: no tensor of
//! all rows and the whole vocabulary ever exists.

use super::stream::{self, Backward, Streamed};
use crate::flat::lend;
use crate::simd::{exp, largest, sum, wide};
use crate::{Compute, LlmError};
use candle_core::{D, DType, Tensor};
use kernels::Precision;
use rayon::prelude::*;
use std::ops::Range;

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
    let mut surveys = Vec::with_capacity(hidden_re.dim(0)?);
    for rows in stream::parts(hidden_re.dim(0)?, CHUNK) {
        let hidden_ce = stream::part(hidden_re, &rows)?;
        let logits_cv = stream::logits(&hidden_ce, head_ve, Compute::precision())?;
        let part = match (logits_cv.device().is_cpu(), logits_cv.dtype()) {
            (false, _) => there(&logits_cv)?,
            (true, DType::F64) => here(&logits_cv.flatten_all()?.to_vec1()?, &logits_cv, |row| {
                of_row::<f64>(row, |z, largest| f64::exp(z - largest))
            })?,
            (true, _) => {
                let flat = logits_cv.to_dtype(DType::F32)?;
                here(lend(&flat).values()?, &flat, |row| wide(|| of_short_row(row)))?
            }
        };
        for (survey, row) in part.into_iter().zip(rows) {
            let wrong = |(slot, value)| operators::OperatorError::NotFinite { row, slot, value };
            surveys.push(survey.map_err(wrong)?);
        }
    }
    Ok(surveys)
}

/// What came of a row: its survey, or an entry that is no number and where it is.
type Surveyed = Result<Survey, (usize, f64)>;

/// The surveys of rows that lie in main memory.
fn here<T: Sync>(
    values: &[T],
    logits_cv: &Tensor,
    of: impl Fn(&[T]) -> Surveyed + Send + Sync,
) -> candle_core::Result<Vec<Surveyed>> {
    Ok(values.par_chunks(logits_cv.dim(1)?).map(of).collect())
}

/// The surveys of rows that lie elsewhere: what leaves the device is three numbers a row. On a tie
/// the best token is any of them.
fn there(logits_cv: &Tensor) -> candle_core::Result<Vec<Surveyed>> {
    let logits_cv = logits_cv.to_dtype(DType::F32)?;
    let best = logits_cv.argmax(D::Minus1)?.to_vec1::<u32>()?;
    let normalisers = logits_cv.log_sum_exp(D::Minus1)?.to_vec1::<f32>()?;
    let least = logits_cv.min(D::Minus1)?.to_vec1::<f32>()?;
    let of = |(row, best): (usize, u32)| {
        if normalisers[row].is_finite() && least[row].is_finite() {
            return Ok(Ok(Survey { best, log_normaliser: normalisers[row].into() }));
        }
        // Rare: the row is looked through for what is wrong with it.
        let row = logits_cv.get(row)?.to_vec1::<f32>()?;
        Ok(of_row(&row, |z, largest| f64::from(z - largest).exp()))
    };
    best.into_iter().enumerate().map(of).collect()
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

/// log Σ_a exp z(a) of every row with its gradient.
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
    surveyed_normaliser(hidden_re, head_ve, &survey(hidden_re, head_ve)?)
}

/// The same of rows that were surveyed before.
pub(super) fn surveyed_normaliser(
    hidden_re: &Tensor,
    head_ve: &Tensor,
    surveys: &[Survey],
) -> Result<Tensor, LlmError> {
    let values: Vec<f64> = surveys.iter().map(|s| s.log_normaliser).collect();
    let value = stream::known(&values, hidden_re)?;
    let backward = Policy { precision: Compute::precision() };
    Ok(Streamed { value: value.clone(), backward }.of(hidden_re, head_ve, &value)?)
}

/// The gradient of the log-normaliser: the policy. The numbers of the rows do not enter.
struct Policy {
    precision: Precision,
}

impl Backward for Policy {
    const NAME: &'static str = "log-normaliser";

    fn gradients(
        &self,
        [hidden_re, head_ve, _]: [&Tensor; 3],
        value_r: &Tensor,
        slope_r: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (value_r1, slope_r1) = (value_r.unsqueeze(1)?, slope_r.unsqueeze(1)?);
        let slopes = |logits_cv: &Tensor, rows: &Range<usize>| {
            let policy_cv = logits_cv.broadcast_sub(&stream::part(&value_r1, rows)?)?.exp()?;
            policy_cv.broadcast_mul(&stream::part(&slope_r1, rows)?)
        };
        let (of_hidden, of_head) =
            stream::gradients(hidden_re, head_ve, self.precision, CHUNK, slopes)?;
        Ok((Some(of_hidden), Some(of_head), None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensors;
    use candle_core::{Device, Var};
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
    fn a_survey_on_a_device_is_that_in_main_memory() {
        let logits = Tensor::randn(0f32, 3.0, (R, V), &CPU).unwrap();
        let one = Tensor::eye(V, DType::F32, &CPU).unwrap();
        let expected = survey(&logits, &one).unwrap();
        for (found, expected) in there(&logits).unwrap().into_iter().zip(&expected) {
            let found = found.unwrap();
            assert_eq!(found.best, expected.best);
            // Eleven summands in f32, at most 20 nats.
            let distance = (found.log_normaliser - expected.log_normaliser).abs();
            assert!(distance < 40.0 * f64::from(f32::EPSILON), "{distance}");
        }
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let row = Tensor::from_vec(vec![0.0, 1.0, wrong], (1, 3), &CPU).unwrap();
            let (slot, value) = there(&row).unwrap()[0].unwrap_err();
            assert!(slot == 2 && !value.is_finite());
        }
    }

    #[test]
    fn of_bf16_weights_values_are_wide_and_gradients_are_theirs() {
        let short = |x: &Var| x.to_dtype(DType::BF16).unwrap();
        let (hidden, head) = variables();
        let (hidden, head) = (short(&hidden), short(&head));
        let run = |dtype| {
            let of = |x: &Tensor| Var::from_tensor(&x.to_dtype(dtype).unwrap()).unwrap();
            let (hidden, head) = (of(&hidden), of(&head));
            let value = log_normaliser(&hidden, &head).unwrap();
            let store = value.sum_all().unwrap().backward().unwrap();
            [value, store.get(&hidden).unwrap().clone(), store.get(&head).unwrap().clone()]
        };
        let found = run(DType::BF16);
        assert_eq!(found.each_ref().map(Tensor::dtype), [DType::F32, DType::BF16, DType::BF16]);
        for (found, exact) in found.iter().zip(run(DType::F64)) {
            let size = distance(&exact, &exact.zeros_like().unwrap());
            // Logits of up to 16, with eight bits.
            assert!(distance(&found.to_dtype(DType::F64).unwrap(), &exact) < 0.1 * size);
        }
    }

    #[test]
    fn in_bf16_the_gradient_of_the_log_normaliser_is_that_of_its_value() {
        // One state, so that the gradient of its hidden state is the mean of the head's rows under
        // the policy, and that of the head has the policy's mass.
        let hidden = Var::from_tensor(&Tensor::full(1f32, (1, 1), &CPU).unwrap()).unwrap();
        let rows: Vec<f32> = (0..V).map(|i| 20.0 + 0.03 * i as f32).collect();
        let head = Var::from_tensor(&Tensor::from_vec(rows, (V, 1), &CPU).unwrap()).unwrap();
        let store = Compute::Bf16
            .run(|| log_normaliser(&hidden, &head).unwrap().sum_all().unwrap().backward().unwrap());
        let mass = store.get(&head).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        // The policy is rounded to bf16 in the product; logits of f32 would put it off by 0.05.
        assert!((mass - 1.0).abs() < 2f32.powi(-8), "{mass}");
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
