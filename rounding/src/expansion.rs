//! [`Expansion`]: the exact sum of doubles.

use crate::Enclosure;
use crate::directed::two_sum;
use std::cmp::Ordering;

/// A real number held as an unevaluated sum of doubles, without any rounding (Shewchuk 1997,
/// "Adaptive Precision Floating-Point Arithmetic").
///
/// The terms do not overlap and grow in magnitude; there is no zero among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expansion {
    terms: Vec<f64>,
}

impl Expansion {
    /// The exact sum of `values`, or `None` when one is not finite or the sum overflows.
    pub fn sum(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut total = Self::default();
        for value in values {
            total.add(value)?;
        }
        Some(total)
    }

    /// Adds one double exactly (Grow-Expansion); `None` when the sum is not finite, after which
    /// the terms mean nothing.
    pub fn add(&mut self, value: f64) -> Option<()> {
        if !value.is_finite() {
            return None;
        }
        let mut carry = value;
        let mut kept = 0;
        for i in 0..self.terms.len() {
            let (sum, error) = two_sum(carry, self.terms[i]);
            if !sum.is_finite() {
                return None;
            }
            carry = sum;
            if error != 0.0 {
                self.terms[kept] = error;
                kept += 1;
            }
        }
        self.terms.truncate(kept);
        if carry != 0.0 {
            self.terms.push(carry);
        }
        Some(())
    }

    /// The terms, smallest magnitude first; their exact sum is the value.
    pub fn terms(&self) -> &[f64] {
        &self.terms
    }

    /// The nearest double, up to one unit in the last place.
    pub fn approximate(&self) -> f64 {
        // Not `sum()`, which starts at −0: an empty expansion is 0.
        self.terms.iter().fold(0.0, |sum, t| sum + t)
    }

    /// The double that equals the value, if one does.
    pub fn as_f64(&self) -> Option<f64> {
        let nearest = self.approximate();
        let mut rest = self.clone();
        rest.add(-nearest)?;
        (rest.sign() == Ordering::Equal).then_some(nearest)
    }

    /// The sign of the value: that of the largest term, as the terms do not overlap.
    pub fn sign(&self) -> Ordering {
        self.terms.last().map_or(Ordering::Equal, |t| t.total_cmp(&0.0))
    }

    /// The value between two doubles: exact when it is one, otherwise a summation with
    /// directed rounding, smallest terms first.
    pub fn enclosure(&self) -> Enclosure {
        self.terms.iter().fold(Enclosure::ZERO, |sum, &t| sum + Enclosure::exact(t))
    }
}
