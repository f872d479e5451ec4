//! [`Slope`]: a number with its derivative along a direction, and how far arithmetic of some
//! precision may be from both.

use operators::Scalar;
use std::ops::{Add, Div, Mul, Sub};

/// A number, computed in f64, and a bound on the distance of the same number computed with `BITS`
/// bits of precision.
///
/// Every operation carries the bounds of its operands on and adds its own rounding: two of those
/// of `BITS` bits, since a backward pass has a product and a sum for each operation of the forward
/// pass, and one of f64. Sums count the sizes of what is added, not of the result, so that the
/// order in which somebody else adds makes no difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounded<const BITS: u32> {
    /// The number.
    pub value: f64,
    /// The bound.
    pub error: f64,
}

impl<const BITS: u32> Rounded<BITS> {
    /// What an operation may add to its result, as a share of it: 2 · 2⁻ᴮᴵᵀˢ, and 2⁻⁵² for our own.
    pub const UNIT: f64 = f64::from_bits(((1024 - BITS) as u64) << 52) + f64::EPSILON;

    /// Below this `BITS` bits of f32 and bf16 have no digits.
    const LEAST: f64 = f32::MIN_POSITIVE as f64;

    /// An exact number.
    pub fn exact(value: f64) -> Self {
        Self { value, error: 0.0 }
    }

    /// A result with what its operands bring and the size that its rounding is a share of.
    fn of(value: f64, carried: f64, size: f64) -> Self {
        Self { value, error: carried + Self::UNIT * size }
    }

    /// A sum in any order, off by at most [`roundings`] of the sizes of its terms. Adding the same
    /// number over and over may round alike each time: repetitions count in full. Zeros do not.
    fn sum(terms: impl Iterator<Item = Self>) -> Self {
        let (mut sum, mut size, mut before) = (Self::exact(0.0), 0.0, 0.0);
        let (mut count, mut repeated) = (0, 0);
        for Self { value, error } in terms {
            sum = Self { value: sum.value + value, error: sum.error + error };
            size += value.abs();
            match value {
                0.0 => {}
                _ if value == before => repeated += 1,
                _ => count += 1,
            }
            before = value;
        }
        Self::of(sum.value, sum.error, (roundings(count) + f64::from(repeated)) * size)
    }

    fn exp(self) -> Self {
        let value = self.value.exp();
        let carried = value * self.error.exp_m1();
        Self { value, error: carried + Self::UNIT * (value + carried) + Self::LEAST }
    }

    fn ln(self) -> Self {
        let value = self.value.ln();
        // log(x − e) is the farther end; nowhere when x may be 0.
        let carried = if self.error < self.value {
            -(-self.error / self.value).ln_1p()
        } else {
            f64::INFINITY
        };
        Self::of(value, carried, value.abs())
    }
}

impl<const BITS: u32> Add for Rounded<BITS> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self::of(self.value + o.value, self.error + o.error, self.value.abs() + o.value.abs())
    }
}

impl<const BITS: u32> Sub for Rounded<BITS> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self::of(self.value - o.value, self.error + o.error, self.value.abs() + o.value.abs())
    }
}

impl<const BITS: u32> Mul for Rounded<BITS> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let carried =
            self.value.abs() * o.error + self.error * o.value.abs() + self.error * o.error;
        let value = self.value * o.value;
        Self::of(value, carried, value.abs())
    }
}

impl<const BITS: u32> Div for Rounded<BITS> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let value = self.value / o.value;
        let room = o.value.abs() - o.error;
        let carried =
            if room > 0.0 { (self.error + value.abs() * o.error) / room } else { f64::INFINITY };
        Self::of(value, carried, value.abs())
    }
}

/// How many roundings a sum of n terms is off by, each a share of their sizes: n whatever they are,
/// and no more than 8 √n where they are as good as independent, which long sums miss with a
/// probability of n in 10¹³ at most.
///
/// Source: Higham and Mary, *A New Approach to Probabilistic Rounding Error Analysis*, SIAM J. Sci.
/// Comput. 41 (2019), with λ = 8.
pub(super) fn roundings(n: usize) -> f64 {
    let n = n as f64;
    n.min(8.0 * n.sqrt())
}

/// A [`Rounded`] number with its derivative along one direction: [`operators::Dual`] with bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope<const BITS: u32> {
    /// The number.
    pub at: Rounded<BITS>,
    /// Its derivative.
    pub slope: Rounded<BITS>,
}

impl<const BITS: u32> Add for Slope<BITS> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self { at: self.at + o.at, slope: self.slope + o.slope }
    }
}

impl<const BITS: u32> Sub for Slope<BITS> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self { at: self.at - o.at, slope: self.slope - o.slope }
    }
}

impl<const BITS: u32> Mul for Slope<BITS> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self { at: self.at * o.at, slope: self.slope * o.at + self.at * o.slope }
    }
}

impl<const BITS: u32> Div for Slope<BITS> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let at = self.at / o.at;
        Self { at, slope: (self.slope - at * o.slope) / o.at }
    }
}

impl<const BITS: u32> Scalar for Slope<BITS> {
    fn from_f64(x: f64) -> Self {
        Self { at: Rounded::exact(x), slope: Rounded::exact(0.0) }
    }

    fn exp(self) -> Self {
        let at = self.at.exp();
        Self { at, slope: at * self.slope }
    }

    fn ln(self) -> Self {
        Self { at: self.at.ln(), slope: self.slope / self.at }
    }

    fn abs(self) -> Self {
        Self::max(self, Self::from_f64(0.0) - self)
    }

    /// Where the two cannot be told apart, the bounds are for either.
    fn max(self, o: Self) -> Self {
        let mut larger =
            if self.at.value >= o.at.value || self.at.value.is_nan() { self } else { o };
        if (self.at.value - o.at.value).abs() <= self.at.error + o.at.error {
            larger.at.error = self.at.error.max(o.at.error);
            let apart = (self.slope.value - o.slope.value).abs();
            larger.slope.error = apart + self.slope.error + o.slope.error;
        }
        larger
    }

    fn center(self) -> f64 {
        self.at.value
    }

    fn sum(terms: impl Iterator<Item = Self>) -> Self {
        let (at, slopes): (Vec<_>, Vec<_>) = terms.map(|x| (x.at, x.slope)).unzip();
        Self { at: Rounded::sum(at.into_iter()), slope: Rounded::sum(slopes.into_iter()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Single = Slope<24>;

    fn variable(x: f64) -> Single {
        Slope { at: Rounded::exact(x), slope: Rounded::exact(1.0) }
    }

    #[test]
    fn a_unit_is_two_roundings() {
        assert_eq!(Rounded::<24>::UNIT, f64::from(f32::EPSILON) + f64::EPSILON);
        assert_eq!(Rounded::<53>::UNIT, 2.0 * f64::EPSILON);
        assert_eq!(Rounded::<8>::UNIT, 2f64.powi(-7) + f64::EPSILON);
    }

    #[test]
    fn values_and_slopes_are_those_of_dual_numbers() {
        use operators::Dual;
        fn f<T: Scalar>(x: T, y: T) -> T {
            let z = (x * y + x.exp()) / (y - T::from_f64(0.25));
            Scalar::max(z.abs().ln() - x, y * y).exp()
        }
        for (x, y) in [(0.3, 1.7), (-2.0, 0.5), (1.5, -3.0)] {
            let found = f(variable(x), Slope::from_f64(y));
            let expected = f(Dual::<1>::variable(x, 0), Dual::from_f64(y));
            assert_eq!(found.at.value, expected.value);
            assert_eq!(found.slope.value, expected.derivative[0]);
        }
    }

    #[test]
    fn single_precision_stays_within_the_bounds_and_they_are_not_wide() {
        // −log Σ exp of numbers that do not fit into f32, in f32 and with bounds.
        let numbers: Vec<f64> = (0..200).map(|i| f64::from(i).sin() * 7.0 + 1e-3).collect();
        let single = numbers.iter().map(|&x| (x as f32).exp()).sum::<f32>().ln();
        let rounded = |&x: &f64| Slope::<24> {
            at: Rounded { value: x, error: x.abs() * f64::from(f32::EPSILON) / 2.0 },
            slope: Rounded::exact(0.0),
        };
        let sum = numbers.iter().map(rounded).map(Scalar::exp);
        let found = sum.reduce(|a, b| a + b).unwrap().ln().at;
        let distance = (found.value - f64::from(single)).abs();
        assert!(distance <= found.error, "{distance} beyond {found:?}");
        assert!(found.error < 1e-4, "{found:?}");
    }

    #[test]
    fn long_sums_in_single_precision_stay_within_their_bounds() {
        let sum = |numbers: &[f32]| {
            let exact = |&x: &f32| Single::from_f64(f64::from(x));
            let found = <Single as Scalar>::sum(numbers.iter().map(exact)).at;
            let single = f64::from(numbers.iter().fold(0.0, |sum, x| sum + x));
            ((found.value - single).abs(), found)
        };
        // One number over and over, whose roundings are alike; numbers that differ.
        let (off, same) = sum(&[0.1; 50_000]);
        assert!(off <= same.error && off > roundings(50_000) * Rounded::<24>::UNIT * 100.0);
        let numbers: Vec<f32> = (1..=50_000).map(|i| (i as f32).sin() + 1.0).collect();
        let (off, other) = sum(&numbers);
        assert!(off <= other.error, "{off} beyond {other:?}");
        assert!(other.error < 1e-3 * other.value, "{other:?}");
        let zeros = <Single as Scalar>::sum([0.0, 1.0, 0.0, 0.0].map(Single::from_f64).into_iter());
        assert_eq!(zeros.at, Rounded { value: 1.0, error: Rounded::<24>::UNIT });
    }

    #[test]
    fn a_tie_has_the_slopes_of_both() {
        let near = Slope { at: Rounded { value: 1.0, error: 1e-6 }, ..variable(1.0) };
        let tie = Scalar::max(Slope::from_f64(1.0 + 5e-7), near);
        assert_eq!((tie.slope.value, tie.slope.error), (0.0, 1.0));
        let clear = Scalar::max(Slope::from_f64(1.1), near);
        assert_eq!(clear.slope, Rounded::exact(0.0));
    }
}
