//! The objective as the authors' released code computes it, to compare with; never the default.

use crate::{
    BellmanDistill, Cells, Evaluation, NextPosition, NumberSystem, OperatorError, Phi, Projection,
    Responses, Rows, Successor, TopP, objective, phi, policy_value, projection,
};

/// What the released objective depends on besides the numbers of the published one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Released {
    /// γ, φ, the shift and the floor; the released code has χ² with α = 0.1, the largest logit
    /// and −10.
    pub settings: BellmanDistill,
    p: TopP,
    epsilon: f64,
}

impl Released {
    /// With the mass p of the candidate sets and the ε that the code adds to probabilities; its
    /// published value is not known, 1e-8 is usual.
    ///
    /// # Errors
    /// [`OperatorError::Epsilon`] unless ε is positive and finite: its logarithm is taken.
    pub fn new(settings: BellmanDistill, p: TopP, epsilon: f64) -> Result<Self, OperatorError> {
        if epsilon > 0.0 && epsilon.is_finite() {
            Ok(Self { settings, p, epsilon })
        } else {
            Err(OperatorError::Epsilon { value: epsilon })
        }
    }
}

/// The objective of the authors' released code over positions of responses.
///
/// ```text
/// π̄_t(a) ∝ π_Q(a)·1[a ∈ A_t]/p + ε                   over the whole vocabulary
/// V_t    = Σ_a π̄_t(a) (Q_t(a) − log π̄_t(a))          over the whole vocabulary
/// x_t(a) = 1[a ∈ A_t]·Q_t(a) − γ V_{t+1}             for every token of it
/// J      = Σ_t w_t [ mean_a φ(x_t(a)) − (V_t − γ V_{t+1}) ]
/// ```
///
/// It is not the objective of the paper ([`crate::bellman_distill`]): the token taken does not
/// enter; outside its set an action counts with Q = 0, the largest value there is, and not with
/// the floor; and as most of a vocabulary is outside, mean_a x is close to −γ V_{t+1}. With
/// φ = identity every V_{t+1} cancels: −J is the mean of V_t − mean_a 1\[a ∈ A_t\] Q_t(a).
///
/// Two properties of that code are not formulas, and are the caller's: it recognises padding by
/// token, so that with an end-of-sequence token that doubles as padding no state is terminal
/// (here: treat each response as cut off), and it selects checkpoints on the test prompts.
///
/// Shapes: q [rows, K] (of [`crate::student_q`], whole vocabulary), `full` all of it. The reward
/// returned is mean_a x_t(a). Units: nats.
///
/// # Errors
/// Only those of the number system.
pub fn bellman_distill_released<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    full: &N::Mask,
    responses: &Responses<N>,
    released: &Released,
) -> Result<Evaluation<N>, N::Error>
where
    NextPosition: Successor<N>,
{
    let value = released_value(n, q, full, &responses.set, released)?;
    let next = responses.next.expected(&n.one_cell_per_row(), &value)?.0;
    let discounted = Rows(n.scale(&next, released.settings.gamma.get())?);
    released_over_rows(n, q, (value, &discounted), &responses.set, &responses.weights, released)
}

/// V_t of [`bellman_distill_released`], of which each row needs its own logits only.
///
/// Shapes: q [rows, K] → \[rows\]. Units: nats.
///
/// # Errors
/// Only those of the number system.
pub fn released_value<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    full: &N::Mask,
    set: &N::Mask,
    released: &Released,
) -> Result<Rows<N>, N::Error> {
    policy_value(n, q, &smoothed(n, q, full, set, released)?, full)
}

/// What these rows add to J of [`bellman_distill_released`], given V_t and γ V_{t+1} of each.
///
/// # Errors
/// Only those of the number system.
pub fn released_over_rows<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    (value, discounted_next): (Rows<N>, &Rows<N>),
    set: &N::Mask,
    weights: &Rows<N>,
    released: &Released,
) -> Result<Evaluation<N>, N::Error> {
    let x = n.sub(&n.keep(&q.0, set, 0.0)?, &n.spread(&discounted_next.0)?)?;
    let reward = row_mean(n, &x)?;
    let regularised = row_mean(n, &phi(n, released.settings.phi, &x)?)?;
    let following = &discounted_next.0;
    let j = objective(n, Phi::Identity, &regularised, &value.0, following, &weights.0)?;
    Ok(Evaluation { value, reward: Rows(reward), objective: j })
}

/// π̄: the policy on the sets, divided by p, with ε added everywhere, and normalised.
fn smoothed<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    full: &N::Mask,
    set: &N::Mask,
    released: &Released,
) -> Result<Projection<N>, N::Error> {
    let policy = n.keep(&projection(n, q, full)?.probability.0, set, 0.0)?;
    let policy = n.divide(&policy, released.p.get())?;
    let probability = n.row_share(&n.add(&policy, &n.constant(&policy, released.epsilon)?)?)?;
    let log_probability = Cells(n.ln(&probability)?);
    Ok(Projection { probability: Cells(probability), log_probability })
}

/// The mean over the cells of each row.
fn row_mean<N: NumberSystem>(n: &N, cells: &N::Array) -> Result<N::Array, N::Error> {
    n.div(&n.row_sum(cells)?, &n.row_sum(&n.constant(cells, 1.0)?)?)
}
