//! Where a policy goes: how often it visits each state and takes each action.
//!
//! ```text
//! d(s) ∝ Σ_{t≥0} γ^t P(s_t = s),   μ(s,a) = d(s) π(a|s)
//! ```
//!
//! Only transitions that count are weighed: a terminal state's stay-for-ever loop is not a
//! decision, as nothing follows an end-of-sequence token in a text. Terminal states therefore
//! have weight 0 and the rest sums to one. The factor (1 − γ) of the usual definition cancels in
//! that normalisation, so γ = 1 works as long as the policy certainly ends: d is then the share
//! of each state among all positions of all finished texts, which is what a mean over response
//! tokens samples. Without terminal states d(s) = (1−γ) Σ_t γ^t P(s_t = s) to the letter.

use crate::Mdp;
use crate::solve::{TablePolicy, resolvent_transposed};
use operators::{CandidateSets, Dense, Discount, NumberSystem, OperatorError, RowLayout};
use std::collections::VecDeque;

/// Where rollouts start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start<'a> {
    /// Every state that is not terminal, equally often.
    Uniform,
    /// One state.
    State(usize),
    /// Non-negative weights over all states; they need not sum to one.
    Weights(&'a [f64]),
}

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour<'a> {
    /// The Boltzmann policy of these Q-values: with Q* the teacher π*.
    Boltzmann(&'a [f64]),
    /// The same, restricted to candidate sets: with Q* the projected teacher proj_p π*.
    Projected(&'a [f64], &'a CandidateSets),
    /// π(a|s) for every pair.
    Given(&'a [f64]),
}

/// How often states and actions occur.
#[derive(Debug, Clone, PartialEq)]
pub struct Occupancy {
    /// d(s); 0 at terminal states, sums to one.
    pub state: Vec<f64>,
    /// μ(s,a) = d(s) π(a|s) for every pair; sums to one.
    pub pair: Vec<f64>,
    /// Σ_t γ^t P(s_t is not terminal): the discounted number of transitions that count, which is
    /// 1/(1−γ) if no state is terminal and the mean length of a rollout at γ = 1.
    pub visits: f64,
}

/// An occupancy that does not exist.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OccupancyError {
    /// Start weights that are no distribution.
    #[error(
        "the start weight of state {state} is {value}; give non-negative, finite numbers with a \
         positive sum"
    )]
    Start {
        /// The state.
        state: usize,
        /// The weight.
        value: f64,
    },
    /// A start in a state that does not exist.
    #[error("the start state {state} does not exist: states run from 0 to {}", states - 1)]
    StartOutOfRange {
        /// The state named.
        state: usize,
        /// How many there are.
        states: usize,
    },
    /// A row that is no distribution over actions.
    #[error("the probabilities of state {state} sum to {sum}, not to one")]
    Policy {
        /// The state.
        state: usize,
        /// The sum of its row.
        sum: f64,
    },
    /// All rollouts start in terminal states, or the start weights are all zero.
    #[error("no transition counts: the start gives no weight to a state that is not terminal")]
    NothingCounts,
    /// γ = 1 and a rollout that never ends.
    #[error("at γ = 1 rollouts must end, but from state {state} no end can be reached; take γ < 1")]
    Endless {
        /// A state from which no terminal state can be reached.
        state: usize,
    },
    /// Arrays that do not fit.
    #[error(transparent)]
    Operator(#[from] OperatorError),
}

impl Behaviour<'_> {
    /// π(a|s) for every pair.
    ///
    /// # Errors
    /// [`OccupancyError::Policy`] for given probabilities that are negative or do not sum to one
    /// within 1e-9; [`OccupancyError::Operator`] for arrays that do not fit the model.
    pub fn probabilities(self, mdp: &Mdp) -> Result<Vec<f64>, OccupancyError> {
        let layout = mdp.layout();
        match self {
            Self::Boltzmann(q) => Ok(projected(q, &CandidateSets::full(layout))?.probability),
            Self::Projected(q, sets) => Ok(projected(q, sets)?.probability),
            Self::Given(policy) => check_policy(layout, policy).map(|()| policy.to_vec()),
        }
    }
}

/// The Boltzmann policy of `q` on candidate sets as plain numbers: [`operators::projection()`] on
/// doubles.
///
/// # Errors
/// [`OperatorError::Length`] when `q` does not fit the sets.
pub fn projected(q: &[f64], sets: &CandidateSets) -> Result<TablePolicy, OperatorError> {
    let n = Dense::<f64>::new(sets.layout());
    Ok(TablePolicy::new(&operators::projection(&n, &n.cells(q)?, &n.mask(sets))?))
}

fn check_policy(layout: &RowLayout, policy: &[f64]) -> Result<(), OccupancyError> {
    let (found, expected) = (policy.len(), layout.cells());
    if found != expected {
        return Err(OperatorError::Length { what: "the policy", found, expected }.into());
    }
    for (state, row) in layout.iter().enumerate() {
        let sum: f64 = policy[row.clone()].iter().sum();
        // Written so that NaN fails.
        if !((sum - 1.0).abs() <= 1e-9 && policy[row].iter().all(|&x| x >= 0.0)) {
            return Err(OccupancyError::Policy { state, sum });
        }
    }
    Ok(())
}

impl Start<'_> {
    /// The start distribution over all states.
    ///
    /// # Errors
    /// [`OccupancyError`] when it is none.
    pub fn distribution(self, mdp: &Mdp) -> Result<Vec<f64>, OccupancyError> {
        let states = mdp.states();
        let mut weights = match self {
            Self::Uniform => {
                (0..states).map(|s| if mdp.is_terminal(s) { 0.0 } else { 1.0 }).collect()
            }
            Self::State(state) if state >= states => {
                return Err(OccupancyError::StartOutOfRange { state, states });
            }
            Self::State(state) => {
                let mut weights = vec![0.0; states];
                weights[state] = 1.0;
                weights
            }
            Self::Weights(weights) => weights.to_vec(),
        };
        if weights.len() != states {
            let (found, expected) = (weights.len(), states);
            return Err(OperatorError::Length { what: "the start", found, expected }.into());
        }
        if let Some(state) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            return Err(OccupancyError::Start { state, value: weights[state] });
        }
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(OccupancyError::NothingCounts);
        }
        weights.iter_mut().for_each(|w| *w /= total);
        Ok(weights)
    }
}

/// The discounted occupancy of a policy, by one linear solve.
///
/// The discount here says how transitions are weighed; it need not be the γ of the Bellman
/// equation. Training on whole responses weighs them with 1.
///
/// # Errors
/// [`OccupancyError`] when the start or the policy is no distribution, when nothing counts, or
/// when γ = 1 and rollouts need not end.
///
/// # Example
/// ```
/// use operators::Discount;
/// use tabular::{MdpBuilder, occupancy::{Behaviour, Start, occupancy}};
/// // Two tokens in a row, then the end.
/// let mut builder = MdpBuilder::new(3);
/// builder.action(0, 0, 0.0, &[(1, 1.0)])?;
/// builder.action(1, 0, 0.0, &[(2, 1.0)])?;
/// builder.terminal(2)?;
/// let (mdp, _) = builder.build()?;
/// let always = Behaviour::Given(&[1.0, 1.0, 1.0]);
/// let o = occupancy(&mdp, Discount::new(1.0)?, always, Start::State(0))?;
/// assert_eq!((o.state, o.visits), (vec![0.5, 0.5, 0.0], 2.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn occupancy(
    mdp: &Mdp,
    gamma: Discount,
    behaviour: Behaviour<'_>,
    start: Start<'_>,
) -> Result<Occupancy, OccupancyError> {
    let mut policy = behaviour.probabilities(mdp)?;
    let mut state = start.distribution(mdp)?;
    let reached = reachable(mdp, &policy, &state);
    if !gamma.is_contracting() {
        expect_end(mdp, &policy, &reached)?;
    }
    // Elsewhere nothing happens: a loop that no rollout enters must not make the system singular.
    for (pairs, _) in mdp.layout().iter().zip(&reached).filter(|&(_, &reached)| !reached) {
        policy[pairs].fill(0.0);
    }
    resolvent_transposed(mdp, gamma, &policy, &mut state);
    for (s, d) in state.iter_mut().enumerate() {
        // Rounding may leave a state that is never visited just below zero.
        *d = if mdp.is_terminal(s) { 0.0 } else { d.max(0.0) };
    }
    let visits: f64 = state.iter().sum();
    if visits == 0.0 {
        return Err(OccupancyError::NothingCounts);
    }
    state.iter_mut().for_each(|d| *d /= visits);
    let n = Dense::<f64>::new(mdp.layout());
    let pair = n.mul(&n.spread(&n.rows(&state)?.0)?, &n.cells(&policy)?.0)?;
    Ok(Occupancy { state, pair: pair.as_slice().to_vec(), visits })
}

/// P(s_t = s) after exactly `depth` transitions, terminal states included: they keep what
/// arrives.
///
/// # Errors
/// As [`occupancy`].
pub fn occupancy_at(
    mdp: &Mdp,
    behaviour: Behaviour<'_>,
    start: Start<'_>,
    depth: usize,
) -> Result<Vec<f64>, OccupancyError> {
    let policy = behaviour.probabilities(mdp)?;
    let mut state = start.distribution(mdp)?;
    for _ in 0..depth {
        let mut next = vec![0.0; state.len()];
        for (pairs, &d) in mdp.layout().iter().zip(&state).filter(|&(_, &d)| d > 0.0) {
            for pair in pairs.filter(|&pair| policy[pair] > 0.0) {
                for (successor, probability) in mdp.probabilities(pair) {
                    next[successor] += d * policy[pair] * probability;
                }
            }
        }
        state = next;
    }
    Ok(state)
}

/// Which states the policy reaches from where `start` is positive.
pub(crate) fn reachable(mdp: &Mdp, policy: &[f64], start: &[f64]) -> Vec<bool> {
    let mut reached: Vec<bool> = start.iter().map(|&w| w > 0.0).collect();
    let mut open: VecDeque<usize> = (0..mdp.states()).filter(|&s| reached[s]).collect();
    while let Some(state) = open.pop_front() {
        for pair in mdp.pairs_of(state).filter(|&pair| policy[pair] > 0.0) {
            for (next, _) in mdp.row(pair).iter() {
                if !std::mem::replace(&mut reached[next], true) {
                    open.push_back(next);
                }
            }
        }
    }
    reached
}

/// Whether every state of `among` leads to a terminal state with positive probability, which on
/// a finite model means that rollouts end with probability one.
pub(crate) fn expect_end(mdp: &Mdp, policy: &[f64], among: &[bool]) -> Result<(), OccupancyError> {
    let mut ends: Vec<bool> = (0..mdp.states()).map(|s| mdp.is_terminal(s)).collect();
    let leads = |state: usize, ends: &[bool]| {
        let mut pairs = mdp.pairs_of(state).filter(|&pair| policy[pair] > 0.0);
        pairs.any(|pair| mdp.row(pair).iter().any(|(next, _)| ends[next]))
    };
    // Backwards by repeated sweeps: at most as many as the longest way to an end.
    loop {
        let mut changed = false;
        for state in (0..mdp.states()).rev() {
            if !ends[state] && leads(state, &ends) {
                ends[state] = true;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    match (0..mdp.states()).find(|&state| among[state] && !ends[state]) {
        Some(state) => Err(OccupancyError::Endless { state }),
        None => Ok(()),
    }
}
