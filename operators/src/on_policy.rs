//! [`OnPolicy`]: reverse KL by policy gradient, on responses in whose sampling a teacher joins.

use crate::{
    Cells, Dense, Discount, Dual, NextPosition, NumberSystem, OperatorError, Projection, RowLayout,
    Rows, Scalar, Successor, backup, kl_divergence,
};
use nalgebra::DVector;

/// The numbers of MiniLLM: with q the student and π\* the teacher, responses are drawn from
///
/// ```text
/// p̃ = α π* + (1 − α) q
/// ```
///
/// and the gradient of KL(q ‖ π\*) over whole responses is estimated by
///
/// ```text
/// Σ_t [ ρ_t ∇ KL(q_t ‖ π*_t)  −  ρ_t R_{t+1} ∇ log q(y_t) ],    ρ_t = q(y_t) / p̃(y_t)
/// r_t = log π*(y_t) − log q(y_t),    R_{t+1} = Σ_{t' > t} r_{t'}
/// ```
///
/// The first part is the single step, exact over the vocabulary; the second what a token leads to.
/// ρ_t stands for the product of the ratios up to t. Normalised by length, R_{t+1} is a mean. Clipped,
/// a term of the second part is left out where ρ_t R_{t+1} is more than with ρ_t in [1 − ε, 1 + ε].
///
/// Law: for α = 0, without clipping and without normalisation, the expectation is the gradient.
/// Source: Gu, Dong, Wei and Huang, MiniLLM, arXiv 2306.08543; the clipping is that of PPO.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnPolicy {
    mix: f64,
    clip: f64,
    by_length: bool,
}

/// The constants that multiply what has a gradient, one of each for a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// ρ_t, of the divergence of the single step.
    pub single: Vec<f64>,
    /// ρ_t R_{t+1}, of log q(y_t); 0 where it is clipped.
    pub long: Vec<f64>,
}

impl OnPolicy {
    /// α in [0, 1), the published value being 0.2; ε above 0, published 0.2, infinite for no
    /// clipping; and whether returns are normalised by length, as published.
    ///
    /// # Errors
    /// [`OperatorError::TeacherMix`], [`OperatorError::ClipRatio`].
    pub fn new(mix: f64, clip: f64, by_length: bool) -> Result<Self, OperatorError> {
        if !(0.0..1.0).contains(&mix) {
            return Err(OperatorError::TeacherMix { value: mix });
        }
        // Written so that a NaN fails.
        if !(clip > 0.0) {
            return Err(OperatorError::ClipRatio { value: clip });
        }
        Ok(Self { mix, clip, by_length })
    }

    /// α.
    pub fn mix(&self) -> f64 {
        self.mix
    }

    /// log p̃ of a token from the logarithms of its probabilities, in nats.
    pub fn log_mixture<T: Scalar>(&self, log_student: T, log_teacher: T) -> T {
        if self.mix == 0.0 {
            return log_student;
        }
        let most = log_student.max(log_teacher);
        let part = |share: f64, log: T| T::from_f64(share) * (log - most).exp();
        most + (part(self.mix, log_teacher) + part(1.0 - self.mix, log_student)).ln()
    }

    /// The factors at the positions of responses, from log q(y_t) and log π\*(y_t), in nats.
    ///
    /// # Errors
    /// [`OperatorError::Length`] unless there is one of each for every position.
    pub fn factors(
        &self,
        log_student: &[f64],
        log_teacher: &[f64],
        next: &NextPosition,
    ) -> Result<Factors, OperatorError> {
        let (single, later) = self.ratios_and_returns(log_student, log_teacher, next)?;
        let long = |(&ratio, &later): (&f64, &f64)| {
            // Along log q, a ratio is its own slope.
            let ratio = Dual { value: ratio, derivative: [ratio] };
            self.surrogate(ratio, Dual::from_f64(later)).derivative[0]
        };
        let long = single.iter().zip(&later).map(long).collect();
        Ok(Factors { single, long })
    }

    /// ρ_t and R_{t+1}, a mean where returns are normalised by length, at the positions of responses.
    ///
    /// # Errors
    /// Those of [`Self::factors`].
    pub fn ratios_and_returns<T: Scalar>(
        &self,
        log_student: &[T],
        log_teacher: &[T],
        next: &NextPosition,
    ) -> Result<(Vec<T>, Vec<T>), OperatorError> {
        let n = Dense::<T>::new(&RowLayout::uniform(next.rows(), 1)?);
        let row = |logs: &[T]| DVector::from_column_slice(logs);
        let reward = n.sub(&row(log_teacher), &row(log_student))?;
        let returns = returns_to_go(&n, &Rows(reward), next)?;
        let later = Successor::<Dense<T>>::expected(next, &n, &returns)?.0;
        let pairs = log_student.iter().zip(log_teacher);
        let ratio = |(&q, &p): (&T, &T)| (q - self.log_mixture(q, p)).exp();
        let mean = |(&later, following): (&T, usize)| {
            // Where nothing follows the return is 0.
            let count = if self.by_length { following.max(1) } else { 1 };
            later * T::from_f64(1.0 / count as f64)
        };
        let later = later.iter().zip(next.following()).map(mean).collect();
        Ok((pairs.map(ratio).collect(), later))
    }

    /// min(ρ R, clip(ρ) R), with ρ clipped to [1 − ε, 1 + ε]: its slope along log q is ρ R, or 0.
    pub fn surrogate<T: Scalar>(&self, ratio: T, later: T) -> T {
        // With 1 − ∞ a number that carries bounds would have none.
        if self.clip.is_infinite() {
            return ratio * later;
        }
        let zero = T::from_f64(0.0);
        let min = |a: T, b: T| zero - (zero - a).max(zero - b);
        // Ties keep the slope of what is not clipped.
        let within = ratio.max(T::from_f64(1.0 - self.clip));
        let within = min(within, T::from_f64(1.0 + self.clip));
        min(ratio * later, within * later)
    }
}

/// What is still to come at each position, this one included: R_t = Σ_{t' ≥ t} r_{t'}.
///
/// The Bellman backup at γ = 1, as often as a response is long.
/// Shapes: reward \[rows\] → \[rows\].
///
/// # Errors
/// Only those of the number system.
///
/// # Example
/// ```
/// use operators::{Dense, NextPosition, RowLayout, returns_to_go};
/// let n = Dense::<f64>::new(&RowLayout::uniform(3, 1)?);
/// // A response of two tokens, and one of a single token.
/// let next = NextPosition::of_lengths(&[2, 1]);
/// let returns = returns_to_go(&n, &n.rows(&[1.0, 2.0, 4.0])?, &next)?;
/// assert_eq!(returns.0.as_slice(), [3.0, 2.0, 4.0]);
/// # Ok::<(), operators::OperatorError>(())
/// ```
pub fn returns_to_go<N: NumberSystem>(
    n: &N,
    reward: &Rows<N>,
    next: &NextPosition,
) -> Result<Rows<N>, N::Error>
where
    NextPosition: Successor<N>,
{
    let mut returns = reward.clone();
    for _ in 0..next.following().into_iter().max().unwrap_or(0) {
        let reward = Cells(reward.0.clone());
        returns = Rows(backup(n, &reward, Discount::ONE, next, &returns)?.0);
    }
    Ok(returns)
}

/// The loss whose gradient is the estimate of [`OnPolicy`]:
///
/// ```text
/// Σ_t w_t [ single_t KL(q_t ‖ π*_t) − long_t log q(y_t) ]
/// ```
///
/// Shapes: policies [rows, K], slots, weights and factors \[rows\] → one number. Units: nats. Its
/// value means nothing, its gradient everything.
///
/// # Errors
/// Only those of the number system.
pub fn on_policy_loss<N: NumberSystem>(
    n: &N,
    (student, teacher): (&Projection<N>, &Projection<N>),
    full: &N::Mask,
    slots: &N::Slots,
    (single, long): (&Rows<N>, &Rows<N>),
    weights: &Rows<N>,
) -> Result<N::Scalar, N::Error> {
    let step = n.mul(&single.0, &kl_divergence(n, student, teacher, full)?.0)?;
    let taken = n.mul(&long.0, &n.pick(&student.log_probability.0, slots)?)?;
    n.dot(&weights.0, &n.sub(&step, &taken)?)
}
