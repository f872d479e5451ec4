//! Ranges `A..B` on the command line, both ends included.

use std::ops::RangeInclusive;

/// Reads `A..B` or a single number; both ends are included and at least one.
pub fn parse_range(text: &str) -> Result<RangeInclusive<usize>, String> {
    let number = |part: &str| {
        part.trim().parse::<usize>().map_err(|_| format!("`{part}` is not a whole number"))
    };
    let (low, high) = match text.split_once("..") {
        Some((low, high)) => (number(low)?, number(high.trim_start_matches('='))?),
        None => (number(text)?, number(text)?),
    };
    if low == 0 {
        return Err("a range starts at 1 or above".into());
    }
    if low > high {
        return Err(format!("{low}..{high} is empty: write the smaller number first"));
    }
    Ok(low..=high)
}
