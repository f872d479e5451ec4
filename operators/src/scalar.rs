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
    /// The larger of two.
    fn max(self, other: Self) -> Self;
    /// A double near the value, without derivative.
    fn center(self) -> f64;
    /// Each of the non-negative `cells` over their positive total, in place.
    fn share(cells: &mut [Self]) {
        let total = cells.iter().fold(Self::from_f64(0.0), |sum, &x| sum + x);
        for cell in cells {
            *cell = *cell / total;
        }
    }
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
        f64::max(self, other)
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

/// x / (x + rest) for x, rest ≥ 0.
fn one_over_one_plus_odds(x: Enclosure, rest: Enclosure) -> Enclosure {
    use rounding::directed::{add_down, add_up, div_down, div_up};
    let lo = if x.lo() > 0.0 { div_down(x.lo(), add_up(x.lo(), rest.hi())) } else { 0.0 };
    let total = add_down(x.hi(), rest.lo());
    let hi = if total > 0.0 { div_up(x.hi(), total).min(1.0) } else { 1.0 };
    // A row of one cell has share exactly 1, whatever the cell.
    let lo = if rest.hi() == 0.0 && x.lo() > 0.0 { 1.0 } else { lo.max(0.0) };
    Enclosure::new(lo, hi).unwrap_or(Enclosure::ENTIRE)
}
