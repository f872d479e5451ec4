//! [`Enclosure`]: two doubles with a real number between them.

use crate::directed::*;
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A real number known to lie in `[lo, hi]`.
///
/// Law (inclusion): if x ∈ X and y ∈ Y then x ∘ y ∈ X ∘ Y for every operation ∘ below.
/// An end may be infinite, which says that nothing is known on that side: `lo` is never +∞ and
/// `hi` never −∞, so that there is always a real number inside. An end is never NaN.
#[derive(Clone, Copy, PartialEq)]
pub struct Enclosure {
    lo: f64,
    hi: f64,
}

impl Enclosure {
    /// Everything: nothing is known.
    pub const ENTIRE: Self = Self { lo: f64::NEG_INFINITY, hi: f64::INFINITY };
    /// Exactly zero.
    pub const ZERO: Self = Self { lo: 0.0, hi: 0.0 };
    /// Exactly one.
    pub const ONE: Self = Self { lo: 1.0, hi: 1.0 };

    /// The enclosure `[lo, hi]`, or `None` when no real number lies between: `lo > hi`, an end is
    /// NaN, or both are the same infinity.
    pub fn new(lo: f64, hi: f64) -> Option<Self> {
        (lo <= hi && lo < f64::INFINITY && hi > f64::NEG_INFINITY).then_some(Self { lo, hi })
    }

    /// The double `x` itself, as an exact real number; [`Enclosure::ENTIRE`] when it is not one
    /// (NaN, infinities).
    #[inline]
    pub fn exact(x: f64) -> Self {
        if x.is_finite() { Self { lo: x, hi: x } } else { Self::ENTIRE }
    }

    /// Ends that were computed by directed rounding; an end that became NaN (∞ − ∞, 0 · ∞)
    /// says that nothing is known.
    #[inline]
    fn from_ends(lo: f64, hi: f64) -> Self {
        if lo <= hi { Self { lo, hi } } else { Self::ENTIRE }
    }

    /// The lower end.
    #[inline]
    pub fn lo(self) -> f64 {
        self.lo
    }

    /// The upper end.
    #[inline]
    pub fn hi(self) -> f64 {
        self.hi
    }

    /// A double ≥ `hi − lo`.
    pub fn width(self) -> f64 {
        sub_up(self.hi, self.lo)
    }

    /// A double inside, about the middle (an end when the other is infinite).
    pub fn midpoint(self) -> f64 {
        let middle = 0.5 * self.lo + 0.5 * self.hi;
        if middle.is_finite() {
            middle.clamp(self.lo, self.hi)
        } else if self.lo.is_finite() {
            self.lo
        } else if self.hi.is_finite() {
            self.hi
        } else {
            0.0
        }
    }

    /// Whether both ends are finite.
    pub fn is_bounded(self) -> bool {
        self.lo.is_finite() && self.hi.is_finite()
    }

    /// Whether the double `x` lies inside.
    pub fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }

    /// Whether the two share a point.
    pub fn intersects(self, other: Self) -> bool {
        self.lo <= other.hi && other.lo <= self.hi
    }

    /// The smallest enclosure that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// The enclosure widened by `[below, above]`: every x + y with x inside and
    /// `below ≤ y ≤ above`.
    pub fn widen(self, below: f64, above: f64) -> Self {
        Self::from_ends(add_down(self.lo, below), add_up(self.hi, above))
    }

    /// `exp`.
    #[inline]
    pub fn exp(self) -> Self {
        Self::from_ends(exp_down(self.lo), exp_up(self.hi))
    }

    /// Natural logarithm of the positive part; unbounded below when `lo ≤ 0`, and
    /// [`Enclosure::ENTIRE`] when nothing positive lies inside.
    #[inline]
    pub fn ln(self) -> Self {
        if self.hi <= 0.0 {
            return Self::ENTIRE;
        }
        Self::from_ends(ln_down(self.lo), ln_up(self.hi))
    }

    /// `|x|`.
    pub fn abs(self) -> Self {
        if self.lo >= 0.0 {
            self
        } else if self.hi <= 0.0 {
            -self
        } else {
            Self { lo: 0.0, hi: self.hi.max(-self.lo) }
        }
    }

    /// The larger of two real numbers.
    #[inline]
    pub fn max(self, other: Self) -> Self {
        Self { lo: self.lo.max(other.lo), hi: self.hi.max(other.hi) }
    }

    /// `x²`, tighter than `x · x` when zero lies inside.
    pub fn square(self) -> Self {
        let magnitude = self.abs();
        magnitude * magnitude
    }

    /// Whether x ≤ y for all x in `self`, y in `other`: `Some(true)`; x > y for all:
    /// `Some(false)`; otherwise `None`.
    pub fn at_most(self, other: Self) -> Option<bool> {
        if self.hi <= other.lo {
            Some(true)
        } else if self.lo > other.hi {
            Some(false)
        } else {
            None
        }
    }
}

impl From<f64> for Enclosure {
    fn from(x: f64) -> Self {
        Self::exact(x)
    }
}

impl fmt::Debug for Enclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{:?}, {:?}]", self.lo, self.hi)
    }
}

impl fmt::Display for Enclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.lo, self.hi)
    }
}

impl Neg for Enclosure {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo }
    }
}

impl Add for Enclosure {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::from_ends(add_down(self.lo, other.lo), add_up(self.hi, other.hi))
    }
}

impl Sub for Enclosure {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        self + (-other)
    }
}

impl Mul for Enclosure {
    type Output = Self;
    #[inline]
    fn mul(self, other: Self) -> Self {
        if self.lo >= 0.0 && other.lo >= 0.0 {
            return Self::from_ends(mul_down(self.lo, other.lo), mul_up(self.hi, other.hi));
        }
        let pairs =
            [(self.lo, other.lo), (self.lo, other.hi), (self.hi, other.lo), (self.hi, other.hi)];
        let mut lo = f64::INFINITY;
        let mut hi = f64::NEG_INFINITY;
        for (a, b) in pairs {
            let (down, up) = (mul_down(a, b), mul_up(a, b));
            // Both are NaN or neither is.
            if down.is_nan() {
                return Self::ENTIRE;
            }
            lo = lo.min(down);
            hi = hi.max(up);
        }
        Self::from_ends(lo, hi)
    }
}

impl Div for Enclosure {
    type Output = Self;
    /// [`Enclosure::ENTIRE`] when zero lies in the divisor.
    #[inline]
    fn div(self, other: Self) -> Self {
        if other.lo <= 0.0 && other.hi >= 0.0 {
            return Self::ENTIRE;
        }
        let pairs =
            [(self.lo, other.lo), (self.lo, other.hi), (self.hi, other.lo), (self.hi, other.hi)];
        let mut lo = f64::INFINITY;
        let mut hi = f64::NEG_INFINITY;
        for (a, b) in pairs {
            let (down, up) = (div_down(a, b), div_up(a, b));
            // Both are NaN or neither is.
            if down.is_nan() {
                return Self::ENTIRE;
            }
            lo = lo.min(down);
            hi = hi.max(up);
        }
        Self::from_ends(lo, hi)
    }
}
