//! [`Mdp`]: a finite Markov decision process whose rows are exactly stochastic.

use crate::ModelError;
use nalgebra::DVector;
use operators::{Cells, Dense, OperatorError, RowLayout, Rows, Scalar, Successor};
use rounding::Expansion;
use std::collections::BTreeMap;

/// A finite MDP in which every state offers one or more actions.
///
/// A *pair* is an offered (state, action), numbered state by state; rewards and transition rows
/// belong to pairs. A row stores weights, and its total is their exact real sum, so that
/// P(s'|s,a) = weight / total sums to exactly one whatever doubles were given. Rows list their
/// successors in rising order without duplicates and without zero weights.
///
/// Built by [`crate::MdpBuilder`], which validates; a value of this type is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Mdp {
    pub(crate) layout: RowLayout,
    pub(crate) actions: Vec<u32>,
    pub(crate) rewards: Vec<f64>,
    pub(crate) row_offsets: Vec<usize>,
    pub(crate) successors: Vec<u32>,
    pub(crate) weights: Vec<f64>,
    pub(crate) totals: Totals,
}

/// The exact totals of all rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Totals {
    /// The nearest double to each total; empty when every total is exactly one.
    pub nearest: Vec<f64>,
    /// The totals that are not doubles.
    pub inexact: BTreeMap<usize, Expansion>,
}

/// The transition row of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// Next states, rising.
    pub successors: &'a [u32],
    /// Their positive weights; the probability is weight / total.
    pub weights: &'a [f64],
}

impl Row<'_> {
    /// (next state, weight), in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, f64)> + '_ {
        self.successors.iter().zip(self.weights).map(|(&s, &w)| (s as usize, w))
    }
}

impl Mdp {
    /// The number of states.
    pub fn states(&self) -> usize {
        self.layout.rows()
    }

    /// The number of offered (state, action) pairs.
    pub fn pairs(&self) -> usize {
        self.layout.cells()
    }

    /// The number of stored transitions.
    pub fn transitions(&self) -> usize {
        self.successors.len()
    }

    /// Which pairs belong to which state.
    pub fn layout(&self) -> &RowLayout {
        &self.layout
    }

    /// The pairs of a state.
    pub fn pairs_of(&self, state: usize) -> std::ops::Range<usize> {
        self.layout.row(state)
    }

    /// The action number of every pair.
    pub fn actions(&self) -> &[u32] {
        &self.actions
    }

    /// r(s,a) for every pair, in nats.
    pub fn rewards(&self) -> &[f64] {
        &self.rewards
    }

    /// The same states and transitions with other rewards, one for each pair.
    ///
    /// # Errors
    /// [`ModelError::Shape`] unless there is one for each pair, [`ModelError::Reward`] when one is not
    /// finite.
    pub fn with_rewards(mut self, rewards: &[f64]) -> Result<Self, ModelError> {
        let (found, expected) = (rewards.len(), self.pairs());
        if found != expected {
            return Err(ModelError::Shape { what: "rewards", found, expected });
        }
        for (state, pairs) in self.layout.iter().enumerate() {
            if let Some(pair) = pairs.into_iter().find(|&pair| !rewards[pair].is_finite()) {
                let (action, value) = (self.actions[pair], rewards[pair]);
                return Err(ModelError::Reward { state, action, value });
            }
        }
        self.rewards.copy_from_slice(rewards);
        Ok(self)
    }

    /// Where each pair's transitions start in [`Mdp::successors`] and [`Mdp::weights`].
    pub fn row_offsets(&self) -> &[usize] {
        &self.row_offsets
    }

    /// Next states of all pairs, row after row.
    pub fn successors(&self) -> &[u32] {
        &self.successors
    }

    /// Weights of all transitions, row after row.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The transition row of a pair.
    #[inline]
    pub fn row(&self, pair: usize) -> Row<'_> {
        let range = self.row_offsets[pair]..self.row_offsets[pair + 1];
        Row { successors: &self.successors[range.clone()], weights: &self.weights[range] }
    }

    /// The double nearest to the total of each row, or `None` when all totals are exactly one.
    pub fn nearest_totals(&self) -> Option<&[f64]> {
        (!self.totals.nearest.is_empty()).then_some(self.totals.nearest.as_slice())
    }

    /// The exact total of a row.
    pub fn total(&self, pair: usize) -> Expansion {
        match (self.totals.inexact.get(&pair), self.totals.nearest.get(pair)) {
            (Some(total), _) => total.clone(),
            // Validation keeps totals finite, so a single term always adds up.
            (None, nearest) => {
                Expansion::sum([nearest.copied().unwrap_or(1.0)]).unwrap_or_default()
            }
        }
    }

    /// P(s'|s,a) of the transitions of a pair, rounded to the nearest double.
    pub fn probabilities(&self, pair: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let total = self.totals.nearest.get(pair).copied().unwrap_or(1.0);
        let row = self.row(pair);
        row.successors.iter().zip(row.weights).map(move |(&s, &w)| (s as usize, w / total))
    }

    /// Whether a state is terminal: one action, at no reward, that certainly stays.
    pub fn is_terminal(&self, state: usize) -> bool {
        let pairs = self.pairs_of(state);
        pairs.len() == 1
            && self.rewards[pairs.start] == 0.0
            && self.row(pairs.start).successors == [state as u32]
    }

    /// The largest number of transitions before a terminal state is reached, from any state and
    /// under any policy; `None` when some path never ends.
    pub fn horizon(&self) -> Option<usize> {
        self.horizons().map(|h| h.into_iter().max().unwrap_or(0))
    }

    /// [`Mdp::horizon`] from each state; 0 for terminal states.
    pub fn horizons(&self) -> Option<Vec<usize>> {
        let mut horizon = vec![usize::MAX; self.states()];
        let mut open = vec![false; self.states()];
        // An explicit stack: (state, next transition to look at, longest so far).
        let mut stack: Vec<(usize, usize, usize)> = Vec::new();
        for root in 0..self.states() {
            if horizon[root] != usize::MAX {
                continue;
            }
            stack.push((root, self.first_transition(root), 0));
            open[root] = true;
            while let Some((state, next, longest)) = stack.pop() {
                let end = self.row_offsets[self.pairs_of(state).end];
                if self.is_terminal(state) || next == end {
                    horizon[state] = longest;
                    open[state] = false;
                    continue;
                }
                let child = self.successors[next] as usize;
                if open[child] {
                    return None;
                }
                if horizon[child] == usize::MAX {
                    stack.push((state, next, longest));
                    stack.push((child, self.first_transition(child), 0));
                    open[child] = true;
                } else {
                    stack.push((state, next + 1, longest.max(horizon[child] + 1)));
                }
            }
        }
        Some(horizon)
    }

    fn first_transition(&self, state: usize) -> usize {
        self.row_offsets[self.pairs_of(state).start]
    }
}

impl<T: Scalar> Successor<Dense<T>> for Mdp {
    fn expected(
        &self,
        _n: &Dense<T>,
        v: &Rows<Dense<T>>,
    ) -> Result<Cells<Dense<T>>, OperatorError> {
        let (found, expected) = (v.0.len(), self.states());
        if found != expected {
            return Err(OperatorError::Length { what: "the state values", found, expected });
        }
        let expectation = |pair: usize| {
            let sum = self
                .row(pair)
                .iter()
                .fold(T::from_f64(0.0), |sum, (s, w)| sum + T::from_f64(w) * v.0[s]);
            if self.totals.nearest.get(pair).is_none_or(|&total| total == 1.0)
                && !self.totals.inexact.contains_key(&pair)
            {
                return sum;
            }
            let total = self.total(pair);
            let terms = total.terms().iter();
            sum / terms.fold(T::from_f64(0.0), |sum, &t| sum + T::from_f64(t))
        };
        Ok(Cells(DVector::from_iterator(self.pairs(), (0..self.pairs()).map(expectation))))
    }
}
