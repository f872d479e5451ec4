//! [`Dual`]: a number with its derivative along `N` directions.

use crate::Scalar;
use std::ops::{Add, Div, Mul, Sub};

/// x + Σ_i d_i ε_i with ε_i ε_j = 0: forward-mode derivatives of whatever is computed with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<const N: usize> {
    /// The value.
    pub value: f64,
    /// Its derivatives.
    pub derivative: [f64; N],
}

impl<const N: usize> Dual<N> {
    /// The variable `x` along direction `i`; a constant when `i ≥ N`.
    pub fn variable(x: f64, i: usize) -> Self {
        let mut derivative = [0.0; N];
        if let Some(d) = derivative.get_mut(i) {
            *d = 1.0;
        }
        Self { value: x, derivative }
    }

    /// f(x) where f has this value and slope.
    fn chain(self, value: f64, slope: f64) -> Self {
        Self { value, derivative: self.derivative.map(|d| slope * d) }
    }

    /// f(x, y) where f has this value and these partial derivatives.
    fn chain2(self, other: Self, value: f64, by_self: f64, by_other: f64) -> Self {
        let mut derivative = self.derivative;
        for (d, e) in derivative.iter_mut().zip(other.derivative) {
            *d = by_self * *d + by_other * e;
        }
        Self { value, derivative }
    }
}

impl<const N: usize> Add for Dual<N> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        self.chain2(o, self.value + o.value, 1.0, 1.0)
    }
}

impl<const N: usize> Sub for Dual<N> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self.chain2(o, self.value - o.value, 1.0, -1.0)
    }
}

impl<const N: usize> Mul for Dual<N> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        self.chain2(o, self.value * o.value, o.value, self.value)
    }
}

impl<const N: usize> Div for Dual<N> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let quotient = self.value / o.value;
        self.chain2(o, quotient, 1.0 / o.value, -quotient / o.value)
    }
}

impl<const N: usize> Scalar for Dual<N> {
    fn from_f64(x: f64) -> Self {
        Self { value: x, derivative: [0.0; N] }
    }
    fn exp(self) -> Self {
        let e = self.value.exp();
        self.chain(e, e)
    }
    fn ln(self) -> Self {
        self.chain(self.value.ln(), 1.0 / self.value)
    }
    fn abs(self) -> Self {
        self.chain(self.value.abs(), if self.value < 0.0 { -1.0 } else { 1.0 })
    }
    fn max(self, other: Self) -> Self {
        if self.value >= other.value || self.value.is_nan() { self } else { other }
    }
    fn center(self) -> f64 {
        self.value
    }
}
