//! Losses over the whole vocabulary, a few rows of logits at a time.

mod definition;
mod link;
mod short;

use crate::LlmError;
use crate::flat::is_flat;
use candle_core::Tensor;
use link::Gradients;

/// What the student's distribution over the vocabulary is compared with, row by row.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// One token a row: −log π(y), the cross entropy.
    Tokens(&'a [u32]),
    /// A teacher's hidden states [R, E'] and head [V, E']: KL(teacher‖student).
    Forward {
        /// Hidden states.
        hidden: &'a Tensor,
        /// The head.
        head: &'a Tensor,
    },
    /// The same: KL(student‖teacher).
    Reverse {
        /// Hidden states.
        hidden: &'a Tensor,
        /// The head.
        head: &'a Tensor,
    },
}

/// The number of logits in memory at once.
const CELLS: usize = 1 << 25;

/// Σ_r w_r ℓ_r over rows of hidden states, with ℓ_r the cross entropy or the KL divergence of the
/// distributions softmax(hidden · headᵀ) over the whole vocabulary.
///
/// Shapes: hidden [R, E], head [V, E], weights \[R\] → one number, in nats. It has gradients to
/// hidden states and head of the student; none flows to a teacher.
///
/// Gradients are computed together with the value, from a few rows of logits at a time: nothing of
/// size R × V is kept, one gradient of the size of the head is. For f32 in main memory that is done
/// by hand; the definition, [`operators::cross_entropy`] and [`operators::kl_divergence`], serves
/// everything else.
///
/// # Errors
/// [`LlmError::Length`] when the target or the weights do not fit the rows, or the teacher's head
/// the vocabulary; [`LlmError::UnknownToken`]; [`LlmError::Tensor`].
pub fn vocabulary_loss(
    hidden_re: &Tensor,
    head_ve: &Tensor,
    target: &Target,
    weights: &[f64],
) -> Result<Tensor, LlmError> {
    let rows = check(hidden_re, head_ve, target, weights)?;
    // Vocabularies of more than 2²⁵ tokens have one row at a time.
    let chunk = (CELLS / head_ve.dim(0)?).clamp(1, rows.max(1));
    let given = [hidden_re, head_ve].into_iter().chain(target.tensors());
    let (loss, gradients) = if given.into_iter().all(is_flat) {
        short::loss(hidden_re, head_ve, target, weights, chunk)?
    } else {
        definition::loss(hidden_re, head_ve, target, weights, chunk)?
    };
    Ok(link::join(hidden_re, head_ve, loss, gradients)?)
}

impl Target<'_> {
    /// The tensors of a teacher, if there is one.
    fn tensors(&self) -> Vec<&Tensor> {
        match self {
            Self::Tokens(_) => Vec::new(),
            Self::Forward { hidden, head } | Self::Reverse { hidden, head } => vec![hidden, head],
        }
    }
}

/// The number of rows, if everything fits.
fn check(
    hidden: &Tensor,
    head: &Tensor,
    target: &Target,
    weights: &[f64],
) -> Result<usize, LlmError> {
    let ((rows, _), (vocabulary, _)) = (hidden.dims2()?, head.dims2()?);
    let fits = |what, found, expected| {
        if found == expected { Ok(()) } else { Err(LlmError::Length { what, found, expected }) }
    };
    fits("the list of weights", weights.len(), rows)?;
    match target {
        Target::Tokens(tokens) => {
            fits("the list of tokens", tokens.len(), rows)?;
            if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
                return Err(LlmError::UnknownToken { token, vocabulary });
            }
        }
        Target::Forward { hidden, head } | Target::Reverse { hidden, head } => {
            fits("the teacher's hidden states", hidden.dims2()?.0, rows)?;
            fits("the teacher's head", head.dims2()?.0, vocabulary)?;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Var};

    const CPU: Device = Device::Cpu;

    fn random(rows: usize, columns: usize, scale: f64) -> Tensor {
        Tensor::randn(0f64, scale, (rows, columns), &CPU).unwrap()
    }

    fn doubles(x: &Tensor) -> Vec<f64> {
        let flat = x.flatten_all().and_then(|x| x.to_dtype(DType::F64));
        flat.and_then(|x| x.to_vec1()).unwrap()
    }

    /// Hidden states and head of a student and of a teacher of another width, tokens and weights.
    struct Case {
        student: [Tensor; 2],
        teacher: [Tensor; 2],
        tokens: Vec<u32>,
        weights: Vec<f64>,
    }

    impl Case {
        fn new(rows: usize, vocabulary: usize) -> Self {
            Self {
                student: [random(rows, 5, 1.0), random(vocabulary, 5, 2.0)],
                teacher: [random(rows, 7, 1.0), random(vocabulary, 7, 1.0)],
                tokens: (0..rows).map(|i| ((i * 7919 + 1) % vocabulary) as u32).collect(),
                weights: (0..rows).map(|i| 0.25 * (i % 5) as f64).collect(),
            }
        }

        /// The loss with its gradients to hidden states and head, by `f`.
        fn measured(
            &self,
            kind: usize,
            dtype: DType,
            f: impl Fn(&Tensor, &Tensor, &Target) -> Tensor,
        ) -> [Vec<f64>; 3] {
            let of = |x: &Tensor| x.to_dtype(dtype).unwrap();
            let [hidden, head] = self.student.each_ref().map(|x| Var::from_tensor(&of(x)).unwrap());
            let teacher = self.teacher.each_ref().map(of);
            let target = match kind {
                0 => Target::Tokens(&self.tokens),
                1 => Target::Forward { hidden: &teacher[0], head: &teacher[1] },
                _ => Target::Reverse { hidden: &teacher[0], head: &teacher[1] },
            };
            let loss = f(&hidden, &head, &target);
            // Not 1, so that the slope from above counts.
            let store = loss.affine(-0.5, 0.0).unwrap().backward().unwrap();
            [
                doubles(&loss),
                doubles(store.get(&hidden).unwrap()),
                doubles(store.get(&head).unwrap()),
            ]
        }
    }

    fn assert_close(found: &[Vec<f64>; 3], expected: &[Vec<f64>; 3], slack: f64, what: &str) {
        for (part, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert_eq!(found.len(), expected.len());
            let scale = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (i, (f, e)) in found.iter().zip(expected).enumerate() {
                let close = (f - e).abs() <= slack * scale;
                assert!(close, "{what}, part {part}, entry {i}: {f} is not {e}");
            }
        }
    }

    #[test]
    fn rows_in_chunks_with_gradients_by_hand_are_all_rows_with_backpropagation() {
        // More tokens than a product for the head's gradient has; the last chunk is shorter.
        for (rows, vocabulary) in [(7, 11), (10, 2 * 4096 + 5)] {
            let case = Case::new(rows, vocabulary);
            for kind in 0..3 {
                let whole = case.measured(kind, DType::F64, |hidden, head, target| {
                    definition::of_rows(hidden, head, target, &case.weights, 0).unwrap()
                });
                for (dtype, roundings) in
                    [(DType::F64, f64::EPSILON), (DType::F32, f64::from(f32::EPSILON))]
                {
                    let chunks = case.measured(kind, dtype, |hidden, head, target| {
                        let (loss, gradients) = match dtype {
                            DType::F64 => definition::loss(hidden, head, target, &case.weights, 3),
                            _ => short::loss(hidden, head, target, &case.weights, 3),
                        }
                        .unwrap();
                        link::join(hidden, head, loss, gradients).unwrap()
                    });
                    // Logits up to about 16 with seven roundings each, which exp turns into relative
                    // errors of probabilities; sums of up to ten rows and of the vocabulary.
                    let slack = (16.0 * 7.0 + 64.0) * roundings;
                    assert_close(
                        &chunks,
                        &whole,
                        slack,
                        &format!("{rows} rows, {dtype:?}, {kind}"),
                    );
                }
            }
        }
    }

    #[test]
    fn the_public_way_is_the_same_and_takes_other_types() {
        let case = Case::new(4, 9);
        let of = |dtype| {
            case.measured(1, dtype, |hidden, head, target| {
                vocabulary_loss(hidden, head, target, &case.weights).unwrap()
            })
        };
        assert_close(&of(DType::F32), &of(DType::F64), 1e-4, "f32");
    }

    #[test]
    fn what_is_frozen_gets_no_gradient() {
        let case = Case::new(4, 9);
        let [hidden, head] = case.student.each_ref().map(|x| x.to_dtype(DType::F32).unwrap());
        let hidden = Var::from_tensor(&hidden).unwrap();
        let loss = vocabulary_loss(&hidden, &head, &Target::Tokens(&case.tokens), &case.weights);
        let store = loss.unwrap().backward().unwrap();
        assert!(store.get(&hidden).is_some() && store.get(&head).is_none());
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_says_so() {
        let case = Case::new(4, 9);
        let [hidden, head] = &case.student;
        let loss = |target: &Target, weights: &[f64]| {
            vocabulary_loss(hidden, head, target, weights).unwrap_err().to_string()
        };
        let tokens = Target::Tokens(&case.tokens);
        assert_eq!(loss(&tokens, &[1.0]), "the list of weights has 1 entries where 4 are needed");
        let short = Target::Tokens(&[1, 2]);
        assert_eq!(
            loss(&short, &case.weights),
            "the list of tokens has 2 entries where 4 are needed"
        );
        let beyond = loss(&Target::Tokens(&[0, 1, 9, 2]), &case.weights);
        assert_eq!(beyond, "token 9 is not one of the 9 that the model knows");
        let [teacher, _] = &case.teacher;
        let narrow = random(8, 7, 1.0);
        let narrow = loss(&Target::Reverse { hidden: teacher, head: &narrow }, &case.weights);
        assert_eq!(narrow, "the teacher's head has 8 entries where 9 are needed");
    }
}
