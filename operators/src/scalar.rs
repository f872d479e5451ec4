//! [`Scalar`]: what a [`crate::Dense`] table is filled with.

use rounding::Enclosure;
use std::ops::{Add, Div, Mul, Sub};

/// A number of a dense table: a double, an [`Enclosure`], or a [`crate::Dual`].
pub trait Scalar:
    Copy
    + PartialEq
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// The exact double.
    fn from_f64(x: f64) -> Self;
    /// e^x.
    fn exp(self) -> Self;
    /// ln x.
    fn ln(self) -> Self;
    /// |x|.
    fn abs(self) -> Self;
    /// The larger of two, the first on a tie; what is no number is passed on, never hidden.
    fn max(self, other: Self) -> Self;
    /// A double near the value, without derivative.
    fn center(self) -> f64;
    /// The sum, from the first to the last.
    fn sum(terms: impl Iterator<Item = Self>) -> Self {
        terms.fold(Self::from_f64(0.0), |sum, x| sum + x)
    }
    /// Each of the non-negative `cells` over their positive total, in place.
    fn share(cells: &mut [Self]) {
        let total = Self::sum(cells.iter().copied());
        for cell in cells {
            *cell = *cell / total;
        }
    }
    /// Each of the cells less log Σ exp of those of the mask, in place.
    fn log_share(cells: &mut [Self], mask: &[bool]) {
        let anchor = Self::from_f64(anchor(cells, mask));
        let kept = cells.iter().zip(mask).filter(|(_, kept)| **kept);
        let log_total = Self::sum(kept.map(|(&x, _)| (x - anchor).exp())).ln();
        for cell in cells {
            // Not cell − (anchor + ln total), which rounds in units of the anchor.
            *cell = (*cell - anchor) - log_total;
        }
    }
}

/// The largest center among the cells of the mask.
fn anchor<T: Scalar>(cells: &[T], mask: &[bool]) -> f64 {
    let kept = cells.iter().zip(mask).filter(|(_, kept)| **kept);
    kept.map(|(x, _)| x.center()).fold(f64::NEG_INFINITY, f64::max)
}

impl Scalar for f64 {
    #[inline]
    fn from_f64(x: f64) -> Self {
        x
    }
    #[inline]
    fn exp(self) -> Self {
        f64::exp(self)
    }
    #[inline]
    fn ln(self) -> Self {
        f64::ln(self)
    }
    #[inline]
    fn abs(self) -> Self {
        f64::abs(self)
    }
    #[inline]
    fn max(self, other: Self) -> Self {
        // Not `f64::max`, which drops a NaN: the norm of a table with a NaN is NaN.
        if self >= other || self.is_nan() { self } else { other }
    }
    #[inline]
    fn center(self) -> f64 {
        self
    }
}

impl Scalar for Enclosure {
    #[inline]
    fn from_f64(x: f64) -> Self {
        Enclosure::exact(x)
    }
    #[inline]
    fn exp(self) -> Self {
        Enclosure::exp(self)
    }
    #[inline]
    fn ln(self) -> Self {
        Enclosure::ln(self)
    }
    #[inline]
    fn abs(self) -> Self {
        Enclosure::abs(self)
    }
    #[inline]
    fn max(self, other: Self) -> Self {
        Enclosure::max(self, other)
    }
    #[inline]
    fn center(self) -> f64 {
        self.midpoint()
    }

    /// Leave-one-out: log share of x = −log(1 + Σ_{y ≠ x} exp(y − x)), in which x counts against
    /// each y once; exactly 0 for the only cell. Where that overflows, x − log Σ exp.
    fn log_share(cells: &mut [Self], mask: &[bool]) {
        let all = cells.to_vec();
        let anchor = Enclosure::exact(anchor(&all, mask));
        let sum = |of: &dyn Fn(Enclosure) -> Enclosure, but: usize| {
            let others = (0..all.len()).filter(|&j| mask[j] && j != but);
            others.fold(Enclosure::ZERO, |sum, j| sum + of(all[j]).exp())
        };
        for (i, cell) in cells.iter_mut().enumerate().filter(|&(i, _)| mask[i]) {
            let x = all[i];
            let tight = minus_ln_one_plus(sum(&|y| y - x, i));
            *cell = if tight.is_bounded() {
                tight
            } else {
                x - anchor - sum(&|y| y - anchor, all.len()).ln()
            };
        }
    }

    /// Leave-one-out: x / (x + rest) rises in x and falls in the rest, so its ends are attained
    /// at opposite ends of the two; x / total would count the width of x twice.
    fn share(cells: &mut [Self]) {
        // Totals of everything before and after each cell, so that the rest is one addition.
        let n = cells.len();
        let mut after = vec![Enclosure::ZERO; n + 1];
        for i in (0..n).rev() {
            after[i] = after[i + 1] + cells[i];
        }
        let mut before = Enclosure::ZERO;
        for i in 0..n {
            let x = cells[i];
            let rest = before + after[i + 1];
            before = before + x;
            cells[i] = one_over_one_plus_odds(x, rest);
        }
    }
}

/// −ln(1 + odds) for odds ≥ 0.
fn minus_ln_one_plus(odds: Enclosure) -> Enclosure {
    -(Enclosure::ONE + odds).ln()
}

/// x / (x + rest) for x, rest ≥ 0.
fn one_over_one_plus_odds(x: Enclosure, rest: Enclosure) -> Enclosure {
    use rounding::directed::{add_down, add_up, div_down, div_up};
    let lo = if x.lo() > 0.0 { div_down(x.lo(), add_up(x.lo(), rest.hi())) } else { 0.0 };
    let total = add_down(x.hi(), rest.lo());
    let hi = if total > 0.0 { div_up(x.hi(), total).min(1.0) } else { 1.0 };
    // A cell that is exactly zero has share exactly 0, whatever the rest.
    let hi = if x.hi() == 0.0 { 0.0 } else { hi };
    // A row of one cell has share exactly 1, whatever the cell.
    let lo = if rest.hi() == 0.0 && x.lo() > 0.0 { 1.0 } else { lo.max(0.0) };
    Enclosure::new(lo, hi).unwrap_or(Enclosure::ENTIRE)
}
