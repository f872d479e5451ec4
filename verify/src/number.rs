//! [`Number`]: a scalar that can be compared, honestly.

use crate::{Verdict, Witness};
use operators::Scalar;
use rounding::Enclosure;

/// A [`Scalar`] that answers comparisons with yes, no, or neither.
pub trait Number: Scalar {
    /// Whether a yes is a theorem.
    const RIGOROUS: bool;
    /// Whether `self ≤ other`, where floats may be off by `slack` (which enclosures ignore: they
    /// carry their own).
    fn at_most(self, other: Self, slack: f64) -> Option<bool>;
    /// Whether `self = other`, likewise; for enclosures: they share a point.
    fn equals(self, other: Self, slack: f64) -> bool;
    /// How far apart the two may be: the width within which an equality is known.
    fn apart(self, other: Self) -> f64;
    /// Whether a yes within `slack` of this bound says anything.
    fn outweighs(self, slack: f64) -> bool;
    /// The same number, known only to within `by`; floats keep that in their slack.
    fn widened(self, by: f64) -> Self;
    /// The verdict for yes.
    fn yes() -> Verdict {
        if Self::RIGOROUS { Verdict::Proved } else { Verdict::Held }
    }
    /// The verdict for no.
    fn no(witness: Witness) -> Verdict {
        if Self::RIGOROUS { Verdict::Refuted(witness) } else { Verdict::Violated(witness) }
    }
}

impl Number for f64 {
    const RIGOROUS: bool = false;

    fn at_most(self, other: Self, slack: f64) -> Option<bool> {
        // A NaN compares as no: a check must not pass because a number is missing.
        Some(self <= other + slack)
    }

    fn equals(self, other: Self, slack: f64) -> bool {
        (self - other).abs() <= slack
    }

    fn apart(self, other: Self) -> f64 {
        (self - other).abs()
    }

    fn outweighs(self, slack: f64) -> bool {
        // Within a slack that is larger than the bound anything would pass. Bounds below one nat
        // are as good as one nat: κ is often zero. NaN says nothing.
        slack <= self.abs().max(1.0)
    }

    fn widened(self, _by: f64) -> Self {
        self
    }
}

impl Number for Enclosure {
    const RIGOROUS: bool = true;

    fn at_most(self, other: Self, _slack: f64) -> Option<bool> {
        Enclosure::at_most(self, other)
    }

    fn equals(self, other: Self, _slack: f64) -> bool {
        self.intersects(other)
    }

    fn apart(self, other: Self) -> f64 {
        let difference = (self - other).abs();
        difference.hi()
    }

    fn outweighs(self, _slack: f64) -> bool {
        true
    }

    fn widened(self, by: f64) -> Self {
        self.widen(-by, by)
    }
}
