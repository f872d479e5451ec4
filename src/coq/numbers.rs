//! Numbers as Coq reads them: doubles exactly, ends of enclosures as decimals.

use num_bigint::BigInt;
use rounding::Enclosure;

/// (m, e) with x = m·2^e, m odd, or (0, 0).
pub fn parts(x: f64) -> (i64, i64) {
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    if mantissa == 0 {
        return (0, 0);
    }
    let even = i64::from(mantissa.trailing_zeros());
    let mantissa = mantissa >> even;
    (if x < 0.0 { -mantissa } else { mantissa }, exponent + even)
}

/// A double, as the library writes m·2^e.
pub fn dyadic(x: f64) -> String {
    let (m, e) = parts(x);
    format!("dy {} {}", integer(m), integer(e))
}

fn integer(z: i64) -> String {
    if z < 0 { format!("({z})") } else { z.to_string() }
}

/// Positive doubles in proportion, as whole numbers without a common power of two.
pub fn proportions(weights: &[f64]) -> Vec<BigInt> {
    let parts: Vec<(i64, i64)> = weights.iter().map(|&w| parts(w)).collect();
    let least = parts.iter().map(|&(_, e)| e).min().unwrap_or(0);
    parts.iter().map(|&(m, e)| BigInt::from(m) << (e - least)).collect()
}

/// How many digits after the point show an enclosure of this width, at most 9; `None` when it is
/// not a number.
pub fn digits(width: f64) -> Option<u32> {
    (0..=9)
        .rev()
        .find(|&k| width <= 10f64.powi(-k))
        .map_or_else(|| width.is_finite().then_some(1), |k| Some((k as u32).max(1)))
}

/// Decimals on both sides of an enclosure, one unit of the last place further out than need be:
/// the proof is computed in another order.
pub fn around(x: Enclosure, digits: u32) -> [String; 2] {
    [decimal(floor(x.lo(), digits) - 1, digits), decimal(-floor(-x.hi(), digits) + 1, digits)]
}

/// ⌊x·10^digits⌋, exactly.
fn floor(x: f64, digits: u32) -> BigInt {
    let (m, e) = parts(x);
    let scaled = BigInt::from(m) * BigInt::from(10).pow(digits);
    // Shifts to the right round down, negative numbers included.
    if e < 0 { scaled >> e.unsigned_abs() } else { scaled << e }
}

fn decimal(units: BigInt, digits: u32) -> String {
    let sign = if units < BigInt::from(0) { "-" } else { "" };
    let text = format!("{:0>width$}", units.magnitude().to_string(), width = digits as usize + 1);
    let (whole, fraction) = text.split_at(text.len() - digits as usize);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_exactly() {
        assert_eq!(dyadic(0.0), "dy 0 0");
        assert_eq!(dyadic(-0.0), "dy 0 0");
        assert_eq!(dyadic(1.21875), "dy 39 (-5)");
        assert_eq!(dyadic(-12.0), "dy (-3) 2");
        assert_eq!(dyadic(0.9), "dy 8106479329266893 (-53)");
        assert_eq!(dyadic(f64::from_bits(1)), "dy 1 (-1074)");
        assert_eq!(dyadic(f64::MAX), "dy 9007199254740991 971");
        for x in [0.1, -1e-300, 3.5e200, f64::MIN_POSITIVE] {
            let (m, e) = parts(x);
            // Two steps: 2^e itself may be out of range.
            assert_eq!(m as f64 * 2f64.powi((e / 2) as i32) * 2f64.powi((e - e / 2) as i32), x);
        }
    }

    #[test]
    fn weights_keep_their_proportions() {
        let text = |w: &[f64]| proportions(w).iter().map(BigInt::to_string).collect::<Vec<_>>();
        assert_eq!(text(&[0.375, 0.265625, 0.359375]), ["24", "17", "23"]);
        assert_eq!(text(&[4.0]), ["1"]);
        assert_eq!(text(&[2f64.powi(70), 1.0]), ["1180591620717411303424", "1"]);
    }

    #[test]
    fn decimals_lie_outside() {
        let enclosure = |lo, hi| Enclosure::new(lo, hi).unwrap();
        assert_eq!(around(enclosure(0.0, 0.0), 2), ["-0.01", "0.01"]);
        assert_eq!(around(enclosure(1.25, 1.375), 1), ["1.1", "1.5"]);
        assert_eq!(around(enclosure(-0.004, -0.001), 2), ["-0.02", "0.01"]);
        assert_eq!(around(enclosure(1e20, 1e20), 1)[0], "99999999999999999999.9");
        assert_eq!(around(enclosure(-123.5, -123.0), 3), ["-123.501", "-122.999"]);
    }

    #[test]
    fn digits_follow_the_width() {
        assert_eq!(digits(0.0), Some(9));
        assert_eq!(digits(1e-7), Some(7));
        assert_eq!(digits(2e-7), Some(6));
        assert_eq!(digits(30.0), Some(1));
        assert_eq!(digits(f64::INFINITY), None);
        assert_eq!(digits(f64::NAN), None);
    }
}
