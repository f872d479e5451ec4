//! [`Verdict`]: what a check says.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Where and by how much a proposition fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// The state at which it fails.
    pub state: usize,
    /// The action, where the claim is about one.
    pub action: Option<u32>,
    /// What should be at most (or equal to) `bound`.
    pub value: f64,
    /// What bounds it.
    pub bound: f64,
    /// The claim in symbols.
    pub claim: Cow<'static, str>,
    /// Why the instance could not be examined at all, where that is so: then there is no place.
    pub reason: Option<String>,
}

impl Witness {
    /// Of an instance that could not be examined.
    pub fn unexamined(claim: &'static str, reason: String) -> Self {
        let (value, bound) = (f64::NAN, f64::NAN);
        Self { state: 0, action: None, value, bound, claim: claim.into(), reason: Some(reason) }
    }

    /// What stays open: the text for an undecided claim, as [`fmt::Display`] is for one that
    /// fails.
    pub fn doubt(&self) -> String {
        self.describe("is undecided")
    }

    fn describe(&self, verdict: &str) -> String {
        let Self { state, action, value, bound, claim, reason } = self;
        if let Some(reason) = reason {
            return format!("{claim} {verdict}: {reason}");
        }
        let action = action.map(|action| format!(", action {action}")).unwrap_or_default();
        let mut text = format!("{claim} {verdict} at state {state}{action}");
        if !(value.is_nan() && bound.is_nan()) {
            text += &format!(": {value} against {bound}");
        }
        text
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe("fails"))
    }
}

/// The answer to "does this proposition hold on this instance".
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// A theorem about the given doubles (rigorous arithmetic).
    Proved,
    /// Held in plain floats, up to a derived bound on their rounding.
    Held,
    /// False, and a theorem that it is.
    Refuted(Witness),
    /// Failed in plain floats, by more than rounding explains.
    Violated(Witness),
    /// The enclosures overlap, or floats are off by more than what is compared: nothing is said.
    Undecided(Witness),
    /// A hypothesis is not met, so there is nothing to check.
    Outside(&'static str),
}

impl Verdict {
    /// Whether the answer is no.
    pub fn is_no(&self) -> bool {
        matches!(self, Self::Refuted(_) | Self::Violated(_))
    }

    /// Where it fails or stays undecided.
    pub fn witness(&self) -> Option<&Witness> {
        match self {
            Self::Refuted(w) | Self::Violated(w) | Self::Undecided(w) => Some(w),
            _ => None,
        }
    }
}

/// A verdict with its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The answer.
    pub verdict: Verdict,
    /// The largest value / bound met; where an inequality holds at most one, in floats up to
    /// their slack.
    pub worst_ratio: Option<f64>,
    /// For an equality: it is known to within this much.
    pub width: Option<f64>,
}

impl Finding {
    /// Nothing to check, because `hypothesis` is not met.
    pub fn outside(hypothesis: &'static str) -> Self {
        Self { verdict: Verdict::Outside(hypothesis), worst_ratio: None, width: None }
    }
}
