//! [`MdpBuilder`]: the one way to make an [`Mdp`], with every check.

use crate::mdp::{Mdp, Totals};
use crate::{Adjustments, ModelError};
use operators::RowLayout;
use rounding::Expansion;
use rounding::directed::two_sum;

/// How far the exact sum of a row's probabilities may be from one and still be taken for
/// rounding of the input.
pub const LARGEST_ROUNDING_DEFECT: f64 = 1e-9;

/// The most states of a model: numbers of states and of steps fit 32 bits, here and in the checker
/// of certificates.
pub const MOST_STATES: usize = u32::MAX as usize - 1;

/// Whether the rows of the input may be adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowPolicy {
    /// Rows within [`LARGEST_ROUNDING_DEFECT`] of one are normalised, and
    /// [`Adjustments`] says by how much.
    #[default]
    Normalise,
    /// Any adjustment is an error: the numbers given must be the model.
    Exact,
}

/// Collects rows and turns them into an [`Mdp`].
///
/// # Example
/// ```
/// use tabular::MdpBuilder;
/// let mut builder = MdpBuilder::new(2);
/// builder.action(0, 0, 1.5, &[(0, 0.25), (1, 0.75)])?;
/// builder.terminal(1)?;
/// let (mdp, adjustments) = builder.build()?;
/// assert_eq!((mdp.states(), mdp.pairs(), mdp.transitions()), (2, 2, 3));
/// assert!(mdp.is_terminal(1) && adjustments.is_none());
/// # Ok::<(), tabular::ModelError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MdpBuilder {
    states: usize,
    policy: RowPolicy,
    rows: Vec<PendingRow>,
    successors: Vec<u32>,
    weights: Vec<f64>,
    totals: Vec<Option<Expansion>>,
    scratch: Vec<(u32, f64)>,
    adjustments: Adjustments,
}

#[derive(Debug, Clone, Copy)]
struct PendingRow {
    state: u32,
    action: u32,
    reward: f64,
    start: usize,
    len: usize,
}

impl MdpBuilder {
    /// A model of `states` states, without actions so far.
    pub fn new(states: usize) -> Self {
        Self {
            states,
            policy: RowPolicy::default(),
            rows: Vec::new(),
            successors: Vec::new(),
            weights: Vec::new(),
            totals: Vec::new(),
            scratch: Vec::new(),
            adjustments: Adjustments::default(),
        }
    }

    /// The same with another [`RowPolicy`].
    pub fn with_policy(mut self, policy: RowPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The number of states.
    pub fn states(&self) -> usize {
        self.states
    }

    /// Offers an action: its number within the state, its reward, and (next state, probability)
    /// in any order. Duplicate successors are merged, zero probabilities dropped.
    ///
    /// # Errors
    /// [`ModelError`], naming the state and the action, when a number is out of range or the row
    /// does not sum to one.
    pub fn action(
        &mut self,
        state: usize,
        action: u32,
        reward: f64,
        transitions: &[(usize, f64)],
    ) -> Result<(), ModelError> {
        if state >= self.states {
            return Err(ModelError::StateOutOfRange { state, states: self.states });
        }
        if !reward.is_finite() {
            return Err(ModelError::Reward { state, action, value: reward });
        }
        self.sort_row(state, action, transitions)?;
        let start = self.successors.len();
        self.merge_row(state, action)?;
        let total = self.check_total(state, action, start)?;
        let row = PendingRow {
            // In range: `build` refuses more than MOST_STATES before any index is used.
            state: state as u32,
            action,
            reward,
            start,
            len: self.successors.len() - start,
        };
        self.rows.push(row);
        self.totals.push(total);
        Ok(())
    }

    /// Offers the one action of a terminal state: action 0, no reward, staying for ever.
    ///
    /// # Errors
    /// As [`MdpBuilder::action`].
    pub fn terminal(&mut self, state: usize) -> Result<(), ModelError> {
        self.action(state, 0, 0.0, &[(state, 1.0)])
    }

    /// Notes that a reader had to round a reward (an expectation over next states).
    ///
    /// # Errors
    /// [`ModelError::Adjusted`] under [`RowPolicy::Exact`].
    pub fn note_rounded_reward(&mut self, state: usize, action: u32) -> Result<(), ModelError> {
        self.adjustments.rounded_rewards += 1;
        self.refuse_if_exact(state, action, "its expected reward is not a double")
    }

    /// The model, and what was changed on the way.
    ///
    /// # Errors
    /// [`ModelError`] when there is no state or more than [`MOST_STATES`], a state offers no action
    /// or offers one twice.
    pub fn build(mut self) -> Result<(Mdp, Adjustments), ModelError> {
        if self.states == 0 {
            return Err(ModelError::NoStates);
        }
        if self.states > MOST_STATES {
            return Err(ModelError::TooManyStates { states: self.states });
        }
        self.sort_rows()?;
        let layout = self.layout()?;
        let mut row_offsets = Vec::with_capacity(self.rows.len() + 1);
        row_offsets.push(0);
        row_offsets.extend(self.rows.iter().map(|row| row.start + row.len));
        let mdp = Mdp {
            layout,
            actions: self.rows.iter().map(|row| row.action).collect(),
            rewards: self.rows.iter().map(|row| row.reward).collect(),
            row_offsets,
            totals: collect_totals(self.totals),
            successors: self.successors,
            weights: self.weights,
        };
        Ok((mdp, self.adjustments))
    }

    /// Fills `scratch` with the checked transitions in order of their next state.
    fn sort_row(
        &mut self,
        state: usize,
        action: u32,
        transitions: &[(usize, f64)],
    ) -> Result<(), ModelError> {
        self.scratch.clear();
        for &(successor, weight) in transitions {
            if successor >= self.states {
                let states = self.states;
                return Err(ModelError::SuccessorOutOfRange { state, action, successor, states });
            }
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(ModelError::Probability { state, action, successor, value: weight });
            }
            if weight > 0.0 {
                self.scratch.push((successor as u32, weight));
            } else {
                self.adjustments.dropped_zeros += 1;
            }
        }
        if self.scratch.is_empty() {
            return Err(ModelError::NoTransition { state, action });
        }
        self.scratch.sort_by_key(|&(successor, _)| successor);
        Ok(())
    }

    /// Moves `scratch` to the flat arrays, merging duplicates.
    fn merge_row(&mut self, state: usize, action: u32) -> Result<(), ModelError> {
        let start = self.successors.len();
        let scratch = std::mem::take(&mut self.scratch);
        for &(successor, weight) in &scratch {
            if self.successors.len() > start && self.successors.last() == Some(&successor) {
                let last = self.weights.len() - 1;
                let (sum, error) = two_sum(self.weights[last], weight);
                self.weights[last] = sum;
                self.adjustments.merged_duplicates += 1;
                if error != 0.0 {
                    self.adjustments.rounded_merges += 1;
                    self.refuse_if_exact(state, action, "merging duplicate successors rounds")?;
                }
            } else {
                self.successors.push(successor);
                self.weights.push(weight);
            }
        }
        self.scratch = scratch;
        Ok(())
    }

    /// `None` for a row, the last one, whose exact total is one, otherwise the total, recorded.
    fn check_total(
        &mut self,
        state: usize,
        action: u32,
        start: usize,
    ) -> Result<Option<Expansion>, ModelError> {
        let weights = &self.weights[start..];
        if sums_to_one(weights) {
            return Ok(None);
        }
        let sum = f64::INFINITY;
        let total = Expansion::sum(weights.iter().copied()).ok_or(ModelError::RowSum {
            state,
            action,
            sum,
            defect: sum,
        })?;
        let mut excess = total.clone();
        let defect = excess.add(-1.0).map_or(f64::INFINITY, |()| excess.approximate());
        if defect == 0.0 {
            return Ok(None);
        }
        if defect.abs() > LARGEST_ROUNDING_DEFECT {
            return Err(ModelError::RowSum { state, action, sum: total.approximate(), defect });
        }
        self.adjustments.record_defect(state, action, defect);
        self.refuse_if_exact(state, action, "its probabilities do not sum to exactly one")?;
        Ok(Some(total))
    }

    fn refuse_if_exact(
        &self,
        state: usize,
        action: u32,
        reason: &'static str,
    ) -> Result<(), ModelError> {
        match self.policy {
            RowPolicy::Normalise => Ok(()),
            RowPolicy::Exact => Err(ModelError::Adjusted { state, action, reason }),
        }
    }

    /// Puts rows in order of (state, action), moving their transitions along.
    fn sort_rows(&mut self) -> Result<(), ModelError> {
        let key = |row: &PendingRow| (row.state, row.action);
        if !self.rows.is_sorted_by_key(key) {
            let mut order: Vec<usize> = (0..self.rows.len()).collect();
            order.sort_by_key(|&i| key(&self.rows[i]));
            let (mut successors, mut weights) = (Vec::new(), Vec::new());
            let mut rows = Vec::with_capacity(order.len());
            for &i in &order {
                let row = self.rows[i];
                let range = row.start..row.start + row.len;
                rows.push(PendingRow { start: successors.len(), ..row });
                successors.extend_from_slice(&self.successors[range.clone()]);
                weights.extend_from_slice(&self.weights[range]);
            }
            self.totals = order.iter().map(|&i| self.totals[i].take()).collect();
            (self.rows, self.successors, self.weights) = (rows, successors, weights);
        }
        match self.rows.windows(2).find(|w| key(&w[0]) == key(&w[1])) {
            Some(w) => {
                Err(ModelError::DuplicateAction { state: w[0].state as usize, action: w[0].action })
            }
            None => Ok(()),
        }
    }

    fn layout(&self) -> Result<RowLayout, ModelError> {
        let mut counts = vec![0usize; self.states + 1];
        for row in &self.rows {
            counts[row.state as usize + 1] += 1;
        }
        if let Some(state) = counts[1..].iter().position(|&c| c == 0) {
            return Err(ModelError::NoAction { state });
        }
        for state in 0..self.states {
            counts[state + 1] += counts[state];
        }
        // Every state has an action, so no row is empty.
        RowLayout::new(counts).map_err(|_| ModelError::NoStates)
    }
}

/// Whether adding up without a single rounding gives one: the quick answer for most rows; `false`
/// leaves the question open.
fn sums_to_one(weights: &[f64]) -> bool {
    let mut sum = 0.0;
    for &weight in weights {
        let (next, error) = two_sum(sum, weight);
        if error != 0.0 {
            return false;
        }
        sum = next;
    }
    sum == 1.0
}

fn collect_totals(totals: Vec<Option<Expansion>>) -> Totals {
    if totals.iter().all(Option::is_none) {
        return Totals::default();
    }
    let nearest = totals.iter().map(|t| t.as_ref().map_or(1.0, Expansion::approximate)).collect();
    let inexact = totals
        .into_iter()
        .enumerate()
        .filter_map(|(pair, total)| total.filter(|t| t.as_f64().is_none()).map(|t| (pair, t)))
        .collect();
    Totals { nearest, inexact }
}
