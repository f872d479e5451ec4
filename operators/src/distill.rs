//! The Bellman Distill objective of a language model, put together from the operators.

use crate::{
    Cells, Discount, NumberSystem, Phi, Responses, Rows, Shift, Successor, floor, implied_reward,
    objective, shift, soft_value, top_p_mask,
};

/// The numbers that the objective depends on, besides the candidate sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BellmanDistill {
    /// γ; published value 0.99.
    pub gamma: Discount,
    /// φ; published choice χ² with α = 0.1.
    pub phi: Phi,
    /// What is taken from the logits to make them Q-values.
    pub shift: Shift,
    /// The floor under the Q-values; published value −10.
    pub q_min: f64,
}

/// The objective with its parts.
pub struct Evaluation<N: NumberSystem> {
    /// The soft value V_t of each position.
    pub value: Rows<N>,
    /// The implied reward δ_t of each position.
    pub reward: Rows<N>,
    /// J, to be maximised: the loss is −J.
    pub objective: N::Scalar,
}

/// The student's Q-values: its logits, shifted and floored.
///
/// ```text
/// Q_t(a) = max(z_t(a) − c_t, Q_min)
/// ```
///
/// Shapes: z [rows, K] → [rows, K]; `full` names every action of the row.
///
/// # Errors
/// Only those of the number system.
pub fn student_q<N: NumberSystem>(
    n: &N,
    z: &Cells<N>,
    full: &N::Mask,
    settings: &BellmanDistill,
) -> Result<Cells<N>, N::Error> {
    floor(n, &shift(n, z, settings.shift, full)?, settings.q_min)
}

/// The Bellman Distill objective over positions of responses.
///
/// ```text
/// V_t = log Σ_{a ∈ A_t} exp Q_t(a)
/// δ_t = (F Q)_t − γ V_{t+1}
/// J   = Σ_t w_t [ φ(δ_t) − (V_t − γ V_{t+1}) ]
/// ```
///
/// Shapes: q [rows, K], chosen \[rows\] (the Q-value of the token taken). Units: nats.
/// Law: with φ = identity and every token inside its set, J is the mean of log proj_p π_Q.
/// Source: arXiv 2505.20335, final objective.
///
/// # Errors
/// Only those of the number system.
pub fn bellman_distill<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    chosen: &Rows<N>,
    responses: &Responses<N>,
    settings: &BellmanDistill,
) -> Result<Evaluation<N>, N::Error>
where
    crate::NextPosition: Successor<N>,
{
    let value = soft_value(n, q, &responses.set)?;
    over_transitions(n, value, chosen, responses, settings)
}

/// The objective, the soft values being known: what [`bellman_distill`] is after V.
///
/// For sets that nobody wants to list, as those of p = 1 are, V is computed elsewhere.
/// Shapes: value \[rows\], chosen \[rows\] (the Q-value of the token taken). Units: nats.
///
/// # Errors
/// Only those of the number system.
pub fn over_transitions<N: NumberSystem>(
    n: &N,
    value: Rows<N>,
    chosen: &Rows<N>,
    responses: &Responses<N>,
    settings: &BellmanDistill,
) -> Result<Evaluation<N>, N::Error>
where
    crate::NextPosition: Successor<N>,
{
    // A transition is a row with one cell, the token that was taken.
    let n = &n.one_cell_per_row();
    let next = &responses.next;
    let taken = Cells(top_p_mask(n, chosen, &responses.inside, settings.q_min)?.0);
    let reward = implied_reward(n, &taken, settings.gamma, next, &value)?.0;
    let discounted = n.scale(&next.expected(n, &value)?.0, settings.gamma.get())?;
    let weights = &responses.weights.0;
    let objective = objective(n, settings.phi, &reward, &value.0, &discounted, weights)?;
    Ok(Evaluation { value, reward: Rows(reward), objective })
}
