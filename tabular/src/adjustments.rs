//! [`Adjustments`]: what was changed between the numbers given and the model.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a reader or builder changed so that the numbers given form an MDP.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Adjustments {
    /// Transitions that were added to an earlier one with the same next state.
    pub merged_duplicates: usize,
    /// How many of those additions rounded.
    pub rounded_merges: usize,
    /// Transitions of probability zero that were dropped.
    pub dropped_zeros: usize,
    /// Expected rewards that are not doubles and were rounded to one.
    pub rounded_rewards: usize,
    /// Rows whose exact sum was not one and that were normalised.
    pub normalised_rows: usize,
    /// The largest |sum − 1| among them.
    pub largest_defect: f64,
    /// Where it occurred: (state, action).
    pub largest_defect_at: Option<(usize, u32)>,
    /// States that were added (the absorbing state behind `terminated`).
    pub added_states: usize,
}

impl Adjustments {
    /// Whether the model is the numbers given (merging and dropping zeros change nothing).
    pub fn is_none(&self) -> bool {
        self.rounded_merges == 0 && self.rounded_rewards == 0 && self.normalised_rows == 0
    }

    pub(crate) fn record_defect(&mut self, state: usize, action: u32, defect: f64) {
        self.normalised_rows += 1;
        if defect.abs() > self.largest_defect {
            self.largest_defect = defect.abs();
            self.largest_defect_at = Some((state, action));
        }
    }
}

impl fmt::Display for Adjustments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some((state, action)) = self.largest_defect_at {
            parts.push(format!(
                "{} rows did not sum to exactly one and were normalised (largest defect {:e}, \
                 state {state}, action {action})",
                self.normalised_rows, self.largest_defect
            ));
        }
        if self.merged_duplicates > 0 {
            parts.push(format!(
                "{} duplicate successors were merged ({} with rounding)",
                self.merged_duplicates, self.rounded_merges
            ));
        }
        if self.rounded_rewards > 0 {
            parts.push(format!("{} expected rewards were rounded", self.rounded_rewards));
        }
        if self.dropped_zeros > 0 {
            parts.push(format!("{} transitions of probability zero dropped", self.dropped_zeros));
        }
        if self.added_states > 0 {
            parts.push(format!("{} absorbing state appended", self.added_states));
        }
        if parts.is_empty() {
            return f.write_str("nothing was changed");
        }
        f.write_str(&parts.join("; "))
    }
}
