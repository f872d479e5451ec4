//! [`MdpBuilder`]: the one way to make an [`Mdp`], with every check.

use crate::pending::PendingRows;
use crate::{Adjustments, Mdp, ModelError};
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
    rows: PendingRows,
    scratch: Vec<(u32, f64)>,
    adjustments: Adjustments,
}

impl MdpBuilder {
    /// A model of `states` states, without actions so far.
    pub fn new(states: usize) -> Self {
        Self {
            states,
            policy: RowPolicy::default(),
            rows: PendingRows::default(),
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
        let start = self.rows.transitions();
        let before = self.adjustments.clone();
        let row = self.add_row(state, action, transitions);
        let total = row.inspect_err(|_| {
            // A refused row leaves nothing behind: the next one would take it for its own.
            self.rows.truncate(start);
            self.adjustments = before;
        })?;
        // In range: `build` refuses more than MOST_STATES before any index is used.
        self.rows.close(state as u32, action, reward, start, total);
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
    pub fn build(self) -> Result<(Mdp, Adjustments), ModelError> {
        if self.states == 0 {
            return Err(ModelError::NoStates);
        }
        if self.states > MOST_STATES {
            return Err(ModelError::TooManyStates { states: self.states });
        }
        let mdp = self.rows.into_mdp(self.states)?;
        Ok((mdp, self.adjustments))
    }

    /// Adds the transitions of a row, and gives their total unless it is one.
    fn add_row(
        &mut self,
        state: usize,
        action: u32,
        transitions: &[(usize, f64)],
    ) -> Result<Option<Expansion>, ModelError> {
        self.sort_row(state, action, transitions)?;
        let start = self.rows.transitions();
        self.merge_row(state, action)?;
        self.check_total(state, action, start)
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
        let start = self.rows.transitions();
        let scratch = std::mem::take(&mut self.scratch);
        for &(successor, weight) in &scratch {
            let Some(error) = self.rows.add(start, successor, weight) else { continue };
            self.adjustments.merged_duplicates += 1;
            if error != 0.0 {
                self.adjustments.rounded_merges += 1;
                self.refuse_if_exact(state, action, "merging duplicate successors rounds")?;
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
        let weights = self.rows.weights_from(start);
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
