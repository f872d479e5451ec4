//! How large random models may get.

use super::CliError;
use tabular::{Family, Size};

/// The most transitions that a random model may have: about 1 GiB of model.
const MOST_TRANSITIONS: u128 = 50_000_000;

/// Refuses sizes that would not fit into memory, before anything is built.
pub fn within_limit(family: Family, size: Size) -> Result<(), CliError> {
    let actions = match family {
        // Rounded up to a power of two.
        Family::WorstCase => 2 * size.actions as u128,
        _ => size.actions as u128,
    };
    let row = if family == Family::Dense { size.states } else { size.branching };
    let pairs = size.states as u128 * actions;
    let transitions = pairs.saturating_mul(row.max(1) as u128);
    if transitions <= MOST_TRANSITIONS {
        return Ok(());
    }
    Err(CliError::argument(
        format!("{transitions} transitions of family {family} are more than {MOST_TRANSITIONS}"),
        "choose fewer states, actions or successors",
    ))
}
