//! One step of the Bellman equation, forwards and backwards.

use crate::{Cells, Discount, NumberSystem, Rows};

/// Where an action leads: the expectation over the next state.
pub trait Successor<N: NumberSystem> {
    /// E_{s' ~ P(·|s,a)} v(s') for every cell (s, a).
    ///
    /// # Errors
    /// Those of the number system.
    fn expected(&self, n: &N, v: &Rows<N>) -> Result<Cells<N>, N::Error>;
}

/// The Bellman backup of next-state values.
///
/// ```text
/// Q(s,a) = r(s,a) + γ E_{s'} v(s')
/// ```
///
/// With v = the soft value this is T Q; over candidate sets T_p Q; with v = the value of the
/// projected policy it is B_p^π Q. Shapes: reward [rows, K], v \[rows\] → [rows, K]. Units: nats.
/// Laws: monotone in v; a shift of v by c moves the result by γ c.
/// Proved: `backup_le`, `backup_shift`.
/// Source: arXiv 2505.20335, top-p Bellman operator.
///
/// # Errors
/// Only those of the number system.
pub fn backup<N: NumberSystem>(
    n: &N,
    reward: &Cells<N>,
    gamma: Discount,
    successor: &impl Successor<N>,
    v: &Rows<N>,
) -> Result<Cells<N>, N::Error> {
    let next = successor.expected(n, v)?;
    Ok(Cells(n.add(&reward.0, &n.scale(&next.0, gamma.get())?)?))
}

/// The inverse Bellman operator: the reward that makes Q consistent with the values v.
///
/// ```text
/// r(s,a) = Q(s,a) − γ E_{s'} v(s')
/// ```
///
/// Shapes: q [rows, K], v \[rows\] → [rows, K]. Units: nats.
/// Law: `implied_reward(backup(r, v), v) = r` in exact arithmetic.
/// Proved: `implied_reward_fixed`.
/// Source: arXiv 2505.20335, inverse soft Q-learning.
///
/// # Errors
/// Only those of the number system.
pub fn implied_reward<N: NumberSystem>(
    n: &N,
    q: &Cells<N>,
    gamma: Discount,
    successor: &impl Successor<N>,
    v: &Rows<N>,
) -> Result<Cells<N>, N::Error> {
    let next = successor.expected(n, v)?;
    Ok(Cells(n.sub(&q.0, &n.scale(&next.0, gamma.get())?)?))
}
