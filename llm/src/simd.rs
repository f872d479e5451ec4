//! Loops over f32 in vector instructions of the processor at hand, which is found out when they
//! run. Which it is changes no bit of a result: lanes are fixed here, and nothing is contracted.

use pulp::{Arch, NullaryFnOnce};

/// Runs `f`, whose loops the compiler writes in the widest instructions there are. What `f` calls
/// has to be `#[inline(always)]`.
#[inline(always)]
pub(crate) fn wide<R>(f: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(f)
}

/// The same for what the compiler would not inline by itself, as it does with short closures.
pub(crate) fn wide_call<F: NullaryFnOnce>(f: F) -> F::Output {
    Arch::new().dispatch(f)
}

/// How many numbers are worked on side by side.
const LANES: usize = 16;

/// How many times in f32, before the sum goes on in f64.
const BLOCK: usize = 64;

/// eˣ to less than two roundings of f32; 0 below e^−86.9, 2^−125, where it would lose digits.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2²³ leaves a whole number in the last bits.
    const ROUNDER: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const LEAST: f32 = -86.9;
    // A NaN passes both comparisons.
    let bounded = if x > 89.0 { 89.0 } else { x };
    let bounded = if bounded < LEAST { LEAST } else { bounded };
    let shifted = bounded * std::f32::consts::LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    // |r| ≤ ln 2 / 2, without cancellation: whole · LN_2_HIGH is exact.
    let r = bounded - whole * LN_2_HIGH - whole * LN_2_LOW;
    // Cephes' polynomial for (eʳ − 1 − r) / r².
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let fraction = p * (r * r) + r + 1.0;
    // 2^(whole − 1), so that the largest results do not overflow on the way.
    let half_power = f32::from_bits(shifted.to_bits().wrapping_add(126) << 23);
    let result = fraction * half_power * 2.0;
    if x < LEAST { 0.0 } else { result }
}

/// eˣ of a double to within 4 ε of itself, for x ≤ 0; 0 below −700.
#[inline(always)]
pub(crate) fn exp_double(x: f64) -> f64 {
    // Adding 1.5 · 2⁵² leaves a whole number in the last bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const LEAST: f64 = -700.0;
    // A NaN passes the comparison.
    let bounded = if x < LEAST { LEAST } else { x };
    let shifted = bounded * std::f64::consts::LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    // |r| ≤ ln 2 / 2, of which whole · LN_2_HIGH loses nothing: it has 32 bits.
    let r = (bounded - whole * LN_2_HIGH) - whole * LN_2_LOW;
    // Taylor's series to r¹³: what is left out is less than (ln 2 / 2)¹⁴ / 14! < 5e-18.
    let mut p = 1.0 / 6_227_020_800.0;
    for divisor in [
        479_001_600.0,
        39_916_800.0,
        3_628_800.0,
        362_880.0,
        40_320.0,
        5_040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0,
    ] {
        p = p * r + 1.0 / divisor;
    }
    let fraction = p * r + 1.0;
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x < LEAST { 0.0 } else { fraction * power }
}

/// Σ exp(xᵢ − most) in f64, for `most` no less than any of them.
#[inline(always)]
pub(crate) fn sum_exp(x: &[f32], most: f32) -> f64 {
    const WIDTH: usize = 8;
    let most = f64::from(most);
    let (chunks, rest) = x.as_chunks::<WIDTH>();
    let mut lanes = [0.0f64; WIDTH];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += exp_double(f64::from(x) - most);
        }
    }
    let rest: f64 = rest.iter().map(|&x| exp_double(f64::from(x) - most)).sum();
    lanes.iter().sum::<f64>() + rest
}

/// Σ exp(xᵢ − most) over those within each depth below `most`, roughly: 2, 4, 8 and 16.
#[inline(always)]
pub(crate) fn shares(x: &[f32], most: f32) -> [f64; 4] {
    const DEPTHS: [f32; 4] = [2.0, 4.0, 8.0, 16.0];
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [[0.0f32; LANES]; DEPTHS.len()];
    for chunk in chunks {
        let mut weights = *chunk;
        weights.iter_mut().for_each(|x| *x = exp(*x - most));
        for (lanes, depth) in lanes.iter_mut().zip(DEPTHS) {
            for ((lane, &x), &weight) in lanes.iter_mut().zip(chunk).zip(&weights) {
                *lane += if most - x <= depth { weight } else { 0.0 };
            }
        }
    }
    let mut sums = lanes.map(|lanes| added(&lanes));
    for &x in rest {
        for (sum, depth) in sums.iter_mut().zip(DEPTHS) {
            *sum += if most - x <= depth { f64::from(exp(x - most)) } else { 0.0 };
        }
    }
    sums
}

/// The largest of some numbers, −∞ of none; NaN is passed over.
#[inline(always)]
pub(crate) fn largest(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = if x > *lane { x } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |m, &x| if x > m { x } else { m })
}

/// Σ f(x) in f32 within a block of 1,024 numbers, in f64 over the blocks.
#[inline(always)]
pub(crate) fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    sum2(x, x, |x, _| f(x))
}

/// Σ f(x, y) over two rows of one length, added up as in [`sum`].
#[inline(always)]
pub(crate) fn sum2(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f64 {
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut total = 0.0;
    for (xs, ys) in xs.chunks(BLOCK).zip(ys.chunks(BLOCK)) {
        let mut lanes = [0.0; LANES];
        for (x, y) in xs.iter().zip(ys) {
            for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
                *lane += f(x, y);
            }
        }
        total += added(&lanes);
    }
    x_rest.iter().zip(y_rest).fold(total, |total, (&x, &y)| total + f64::from(f(x, y)))
}

/// Puts the first of f(x, y) in place of x; the sum of the second, added up as in [`sum`].
#[inline(always)]
pub(crate) fn map_sum2(x: &mut [f32], y: &[f32], f: impl Fn(f32, f32) -> (f32, f32)) -> f64 {
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks_mut::<LANES>(), y.as_chunks::<LANES>());
    let mut total = 0.0;
    for (xs, ys) in xs.chunks_mut(BLOCK).zip(ys.chunks(BLOCK)) {
        let mut lanes = [0.0; LANES];
        for (x, y) in xs.iter_mut().zip(ys) {
            for ((lane, x), &y) in lanes.iter_mut().zip(x).zip(y) {
                let (new, summand) = f(*x, y);
                *x = new;
                *lane += summand;
            }
        }
        total += added(&lanes);
    }
    for (x, &y) in x_rest.iter_mut().zip(y_rest) {
        let (new, summand) = f(*x, y);
        *x = new;
        total += f64::from(summand);
    }
    total
}

/// The same over one row.
#[inline(always)]
pub(crate) fn map_sum(x: &mut [f32], f: impl Fn(f32) -> f32) -> f64 {
    let (xs, rest) = x.as_chunks_mut::<LANES>();
    let mut total = 0.0;
    for xs in xs.chunks_mut(BLOCK) {
        let mut lanes = [0.0; LANES];
        for x in xs {
            for (lane, x) in lanes.iter_mut().zip(x) {
                *x = f(*x);
                *lane += *x;
            }
        }
        total += added(&lanes);
    }
    for x in rest {
        *x = f(*x);
        total += f64::from(*x);
    }
    total
}

#[inline(always)]
fn added(lanes: &[f32; LANES]) -> f64 {
    lanes.iter().map(|&x| f64::from(x)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_the_exponential_to_two_roundings() {
        let mut x = -86.9f32;
        while x < 88.8 {
            let (found, exact) = (f64::from(exp(x)), f64::from(x).exp());
            let fits = exact < f64::from(f32::MAX);
            let close = (found / exact - 1.0).abs() <= f64::from(f32::EPSILON);
            assert!(if fits { close } else { found.is_infinite() }, "{x}: {found} is not {exact}");
            x += 0.000_731;
        }
    }

    #[test]
    fn the_exponential_of_doubles_is_the_exponential_to_four_roundings() {
        let mut x = -699.9f64;
        while x <= 0.0 {
            let exact = x.exp();
            let distance = (exp_double(x) / exact - 1.0).abs();
            assert!(distance <= 4.0 * f64::EPSILON, "{x}: {distance}");
            x += 0.007_31;
        }
        assert_eq!(exp_double(0.0), 1.0);
        assert_eq!(exp_double(-701.0), 0.0);
        assert_eq!(exp_double(f64::NEG_INFINITY), 0.0);
        assert!(exp_double(f64::NAN).is_nan());
        let row: Vec<f32> = (0..1003).map(|i| -((i * 7919 % 503) as f32) * 0.11).collect();
        let exact: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        let found = wide(|| sum_exp(&row, 0.0));
        assert!((found / exact - 1.0).abs() <= 1010.0 * f64::EPSILON);
    }

    #[test]
    fn the_exponential_of_what_is_far_off_or_no_number() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(-87.0), 0.0);
        assert_eq!(exp(-1e30), 0.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(89.1), f32::INFINITY);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sums_and_maxima_take_every_number_once() {
        for n in [0, 1, 15, 16, 17, 1023, 1024, 1025, 3000] {
            let x: Vec<f32> = (0..n).map(|i| ((i * 7919) % 101) as f32 - 50.0).collect();
            let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
            // Whole numbers below 2²⁴ add up exactly.
            assert_eq!(wide(|| sum(&x, |x| x)), exact);
            assert_eq!(wide(|| sum2(&x, &x, |x, y| 2.0 * x + y)), 3.0 * exact);
            let mut y = x.clone();
            assert_eq!(wide(|| map_sum2(&mut y, &x, |y, x| (y + x, 3.0 * x))), 3.0 * exact);
            assert_eq!(wide(|| map_sum(&mut y, |y| y + 1.0)), 2.0 * exact + n as f64);
            assert!(y.iter().zip(&x).all(|(y, x)| *y == 2.0 * x + 1.0));
            let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(wide(|| largest(&x)), max);
        }
    }
}
