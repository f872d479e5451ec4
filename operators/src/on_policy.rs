//! [`OnPolicy`]: reverse KL by policy gradient, on responses in whose sampling a teacher joins.

use crate::{
    Cells, Dense, Discount, NextPosition, NumberSystem, OperatorError, Projection, RowLayout, Rows,
    Successor, backup, kl_divergence,
};

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
    pub fn log_mixture(&self, log_student: f64, log_teacher: f64) -> f64 {
        if self.mix == 0.0 {
            return log_student;
        }
        let most = log_student.max(log_teacher);
        let [student, teacher] = [log_student, log_teacher].map(|log| (log - most).exp());
        most + (self.mix * teacher + (1.0 - self.mix) * student).ln()
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
        let n = Dense::<f64>::new(&RowLayout::uniform(next.rows(), 1)?);
        let reward = n.sub(&n.rows(log_teacher)?.0, &n.rows(log_student)?.0)?;
        let returns = returns_to_go(&n, &Rows(reward), next)?;
        let later = Successor::<Dense<f64>>::expected(next, &n, &returns)?.0;
        let following = next.following();
        let pairs = log_student.iter().zip(log_teacher);
        let ratio = |(&q, &p): (&f64, &f64)| (q - self.log_mixture(q, p)).exp();
        let single: Vec<f64> = pairs.map(ratio).collect();
        let long = |(&ratio, (&later, following)): (&f64, (&f64, usize))| {
            // Where nothing follows the return is 0.
            let share = if self.by_length { 1.0 / following.max(1) as f64 } else { 1.0 };
            self.clipped(ratio, later * share)
        };
        let long = single.iter().zip(later.iter().zip(following)).map(long).collect();
        Ok(Factors { single, long })
    }

    /// The slope of min(ρ R, clip(ρ) R) along log q, which is that of ρ: ρ R, or 0.
    fn clipped(&self, ratio: f64, later: f64) -> f64 {
        let within = ratio.clamp(1.0 - self.clip, 1.0 + self.clip);
        if ratio * later <= within * later { ratio * later } else { 0.0 }
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
