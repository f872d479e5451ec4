//! [`Adjustments`]: what was changed between the numbers given and the model.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a reader or builder changed so that the numbers given form an MDP.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The temperature that rewards were divided by, and how many of the quotients rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<(f64, usize)>,
}

impl Adjustments {
    /// Whether there is nothing to say: the model is what was given, entry by entry.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the model has other numbers than those given. Merging without rounding, dropping
    /// zeros and adding an absorbing state write the same model in another way.
    pub fn changes_numbers(&self) -> bool {
        !self.of_numbers().is_none()
    }

    /// The part of it that changes numbers: what two files with the same numbers have in common.
    pub fn of_numbers(&self) -> Self {
        Self { merged_duplicates: 0, dropped_zeros: 0, added_states: 0, ..self.clone() }
    }

    pub(crate) fn record_defect(&mut self, state: usize, action: u32, defect: f64) {
        self.normalised_rows += 1;
        if defect.abs() > self.largest_defect {
            self.largest_defect = defect.abs();
            self.largest_defect_at = Some((state, action));
        }
    }

    fn divided(&self) -> Option<String> {
        let (temperature, rounded) = self.temperature?;
        Some(format!(
            "rewards were divided by the temperature {temperature:?} ({rounded} with rounding)"
        ))
    }

    fn normalised(&self) -> Option<String> {
        let (state, action) = self.largest_defect_at?;
        let rows = counted(
            self.normalised_rows,
            "row did not sum to exactly one and was normalised",
            "rows did not sum to exactly one and were normalised",
        )?;
        let defect = self.largest_defect;
        Some(format!("{rows} (largest defect {defect:e}, state {state}, action {action})"))
    }

    fn merged(&self) -> Option<String> {
        let one = "duplicate successor was merged";
        let many = "duplicate successors were merged";
        let merged = counted(self.merged_duplicates, one, many)?;
        Some(format!("{merged} ({} with rounding)", self.rounded_merges))
    }

    fn dropped(&self) -> Option<String> {
        let one = "transition of probability zero was dropped";
        let many = "transitions of probability zero were dropped";
        counted(self.dropped_zeros, one, many)
    }
}

impl fmt::Display for Adjustments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rewards = counted(
            self.rounded_rewards,
            "expected reward was rounded",
            "expected rewards were rounded",
        );
        let added =
            counted(self.added_states, "absorbing state appended", "absorbing states appended");
        let divided = self.divided();
        let parts = [self.normalised(), self.merged(), rewards, divided, self.dropped(), added];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return f.write_str("nothing was changed");
        }
        f.write_str(&parts.join("; "))
    }
}

/// The count with the words for one or for many; `None` for none.
fn counted(count: usize, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Adjustments;

    #[test]
    fn one_and_many_have_their_own_words() {
        let one = Adjustments {
            merged_duplicates: 1,
            dropped_zeros: 1,
            rounded_rewards: 1,
            normalised_rows: 1,
            largest_defect: 0.5,
            largest_defect_at: Some((0, 3)),
            ..Adjustments::default()
        };
        assert_eq!(
            one.to_string(),
            "1 row did not sum to exactly one and was normalised (largest defect 5e-1, state 0, \
             action 3); 1 duplicate successor was merged (0 with rounding); 1 expected reward was \
             rounded; 1 transition of probability zero was dropped"
        );
        let many = Adjustments { dropped_zeros: 2, added_states: 1, ..Adjustments::default() };
        assert_eq!(
            many.to_string(),
            "2 transitions of probability zero were dropped; 1 absorbing state appended"
        );
        assert_eq!(Adjustments::default().to_string(), "nothing was changed");
        let scaled = Adjustments { temperature: Some((0.5, 0)), ..Adjustments::default() };
        let words = "rewards were divided by the temperature 0.5 (0 with rounding)";
        assert_eq!(scaled.to_string(), words);
        assert!(scaled.changes_numbers());
    }

    #[test]
    fn what_is_said_is_more_than_what_changes_numbers() {
        let another_way = Adjustments {
            merged_duplicates: 2,
            dropped_zeros: 1,
            added_states: 1,
            ..Default::default()
        };
        assert!(!another_way.is_none() && !another_way.changes_numbers());
        let rounded = Adjustments { rounded_merges: 1, ..another_way };
        assert!(rounded.changes_numbers());
        assert_eq!(rounded.of_numbers(), Adjustments { rounded_merges: 1, ..Default::default() });
    }
}
