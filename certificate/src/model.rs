//! [`Model`]: the checker's own view of a finite MDP, and its exact row totals.

use crate::CertificateError;
use rounding::directed::two_sum;
use rounding::{Enclosure, Expansion};
use std::ops::Range;

/// A finite MDP, borrowed from whoever built it and checked in full.
///
/// A *pair* is an offered (state, action), numbered state by state. The transition probability
/// is weight / (exact real sum of the row's weights), so every row is exactly stochastic whatever
/// doubles were given.
#[derive(Debug, Clone)]
pub struct Model<'a> {
    pub(crate) state_offsets: &'a [usize],
    pub(crate) actions: &'a [u32],
    pub(crate) rewards: &'a [f64],
    pub(crate) row_offsets: &'a [usize],
    pub(crate) successors: &'a [u32],
    pub(crate) weights: &'a [f64],
    /// An enclosure of each row's total; `None` when every total is exactly one.
    totals: Option<Vec<Enclosure>>,
}

impl<'a> Model<'a> {
    /// The model with these arrays, each checked against the others.
    ///
    /// State s owns the pairs `state_offsets[s]..state_offsets[s + 1]`; a pair has an action
    /// number, a reward, and the transitions `row_offsets[pair]..row_offsets[pair + 1]`.
    ///
    /// # Errors
    /// The first thing wrong with them: offsets that are not a partition into parts with one or
    /// more members, lengths that disagree, a reward or weight that is not finite, a weight that
    /// is not positive, successors that do not exist or do not rise strictly within a row.
    pub fn new(
        state_offsets: &'a [usize],
        actions: &'a [u32],
        rewards: &'a [f64],
        row_offsets: &'a [usize],
        successors: &'a [u32],
        weights: &'a [f64],
    ) -> Result<Self, CertificateError> {
        let states = check_offsets("pairs of states", state_offsets, rewards.len())?;
        check_offsets("transitions of pairs", row_offsets, successors.len())?;
        expect_length("rows", row_offsets.len() - 1, rewards.len())?;
        expect_length("actions", actions.len(), rewards.len())?;
        expect_length("weights", weights.len(), successors.len())?;
        if states >= u32::MAX as usize {
            return Err(CertificateError::TooManyStates { states });
        }
        if let Some(pair) = rewards.iter().position(|r| !r.is_finite()) {
            return Err(CertificateError::Reward { pair, value: rewards[pair] });
        }
        if let Some(transition) = weights.iter().position(|&w| !(w > 0.0 && w.is_finite())) {
            return Err(CertificateError::Weight { transition, value: weights[transition] });
        }
        let mut model = Self {
            state_offsets,
            actions,
            rewards,
            row_offsets,
            successors,
            weights,
            totals: None,
        };
        model.check_successors()?;
        model.totals = model.row_totals()?;
        Ok(model)
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.state_offsets.len() - 1
    }

    /// The number of offered (state, action) pairs.
    pub fn pairs(&self) -> usize {
        self.rewards.len()
    }

    /// The number of transitions.
    pub fn transitions(&self) -> usize {
        self.weights.len()
    }

    /// The pairs of a state.
    #[inline]
    pub fn pairs_of(&self, state: usize) -> Range<usize> {
        self.state_offsets[state]..self.state_offsets[state + 1]
    }

    /// r(s,a), in nats.
    #[inline]
    pub fn reward(&self, pair: usize) -> f64 {
        self.rewards[pair]
    }

    /// The next states of a pair and their weights.
    #[inline]
    pub fn row(&self, pair: usize) -> (&'a [u32], &'a [f64]) {
        let row = self.row_offsets[pair]..self.row_offsets[pair + 1];
        (&self.successors[row.clone()], &self.weights[row])
    }

    /// The exact total of a row's weights lies in here; `None` says that it is exactly one.
    #[inline]
    pub fn total(&self, pair: usize) -> Option<Enclosure> {
        self.totals.as_ref().map(|totals| totals[pair])
    }

    /// Whether a state is terminal: one pair, at no reward, that certainly stays.
    pub fn is_terminal(&self, state: usize) -> bool {
        let pairs = self.pairs_of(state);
        pairs.len() == 1
            && self.rewards[pairs.start] == 0.0
            && self.row(pairs.start).0 == [state as u32]
    }

    fn check_successors(&self) -> Result<(), CertificateError> {
        for pair in 0..self.pairs() {
            let mut least = 0;
            for &successor in self.row(pair).0 {
                if (successor as usize) < least || successor as usize >= self.states() {
                    return Err(CertificateError::Successor { pair, successor });
                }
                least = successor as usize + 1;
            }
        }
        Ok(())
    }

    fn row_totals(&self) -> Result<Option<Vec<Enclosure>>, CertificateError> {
        let mut totals = Vec::new();
        for pair in 0..self.pairs() {
            let total = row_total(self.row(pair).1).ok_or(CertificateError::Total { pair })?;
            if total != Enclosure::ONE && totals.is_empty() {
                totals = vec![Enclosure::ONE; self.pairs()];
            }
            if let Some(entry) = totals.get_mut(pair) {
                *entry = total;
            }
        }
        Ok((!totals.is_empty()).then_some(totals))
    }
}

/// The exact sum of the weights: a point when it is found to be a double; `None` on overflow.
fn row_total(weights: &[f64]) -> Option<Enclosure> {
    let mut sum = 0.0;
    for &weight in weights {
        let (next, error) = two_sum(sum, weight);
        // Not exact, or NaN after an overflow: hold the sum without rounding instead.
        if error != 0.0 {
            let total = Expansion::sum(weights.iter().copied())?.enclosure();
            return total.is_bounded().then_some(total);
        }
        sum = next;
    }
    sum.is_finite().then_some(Enclosure::exact(sum))
}

/// Offsets that cut `length` things into one or more parts, none empty; gives how many parts.
fn check_offsets(
    what: &'static str,
    offsets: &[usize],
    length: usize,
) -> Result<usize, CertificateError> {
    let error = |reason| CertificateError::Layout { what, reason };
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
        return Err(error("there are no offsets"));
    };
    if offsets.len() < 2 {
        return Err(error("there must be one or more"));
    }
    if first != 0 {
        return Err(error("offsets start at 0"));
    }
    if offsets.windows(2).any(|w| w[0] >= w[1]) {
        return Err(error("offsets rise strictly: nothing may be empty"));
    }
    expect_length(what, length, last)?;
    Ok(offsets.len() - 1)
}

/// Whether an array is as long as it must be.
pub(crate) fn expect_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), CertificateError> {
    if found == expected { Ok(()) } else { Err(CertificateError::Length { what, found, expected }) }
}
