//! [`Verdict`]: what a check says.

use serde::Serialize;
use std::fmt;

/// Where and by how much a proposition fails.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    pub claim: &'static str,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fails at state {}", self.claim, self.state)?;
        if let Some(action) = self.action {
            write!(f, ", action {action}")?;
        }
        if self.value.is_nan() && self.bound.is_nan() {
            return Ok(());
        }
        write!(f, ": {} against {}", self.value, self.bound)
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
    /// The enclosures overlap: nothing is said.
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
    /// The largest value / bound met; at most one where an inequality holds.
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
