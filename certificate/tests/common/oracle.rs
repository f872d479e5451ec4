//! exp and log to 60 digits in fixed point, for judging directed rounding in the last place.

use num_bigint::{BigInt, Sign};
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Binary digits behind the point.
const BITS: usize = 224;

fn fixed(x: &BigRational) -> BigInt {
    (x.numer() << BITS) / x.denom()
}

fn rational(x: BigInt) -> BigRational {
    BigRational::new(x, BigInt::one() << BITS)
}

/// e^x, off by less than 2^-200 or so for |x| < 50.
pub fn exp(x: &BigRational) -> BigRational {
    // e^x = (e^(x / 2^k))^(2^k) with a small argument for the series.
    const HALVINGS: usize = 12;
    let small = fixed(x) >> HALVINGS;
    let (mut term, mut sum) = (BigInt::one() << BITS, BigInt::zero());
    for n in 1.. {
        sum += &term;
        term = ((term * &small) >> BITS) / n;
        if term.is_zero() || (term.sign() == Sign::Minus && -&term <= BigInt::one()) {
            break;
        }
    }
    for _ in 0..HALVINGS {
        sum = (&sum * &sum) >> BITS;
    }
    rational(sum)
}

/// ln x for x > 0 within the range of doubles.
pub fn ln(x: &BigRational) -> BigRational {
    let start = x.to_f64().expect("a double").ln();
    let mut y = BigRational::from_float(start).expect("finite");
    for _ in 0..4 {
        // Newton: each step doubles the digits.
        y = rational(fixed(&(&y + x / exp(&y) - BigRational::one())));
    }
    y
}

pub fn log_sum_exp(q: &[BigRational]) -> BigRational {
    ln(&q.iter().map(exp).sum())
}

/// Σ w (q̄ − log w) with w the Boltzmann policy of q.
pub fn projected_value(q: &[BigRational], q_bar: &[BigRational]) -> BigRational {
    let total = log_sum_exp(q);
    let term = |(q, bar): (&BigRational, &BigRational)| {
        let log_w = q - &total;
        exp(&log_w) * (bar - log_w)
    };
    q.iter().zip(q_bar).map(term).sum()
}

/// |x − y| ≤ 10^-40.
pub fn near(x: &BigRational, y: &BigRational) -> bool {
    (x - y).abs() < BigRational::new(BigInt::one(), BigInt::from(10).pow(40))
}

#[test]
fn the_oracle_knows_e_and_ln_2() {
    let e = super::decimal("2.71828182845904523536028747135266249775724709369996");
    let ln_2 = super::decimal("0.69314718055994530941723212145817656807550013436026");
    assert!(near(&exp(&BigRational::one()), &e));
    assert!(near(&ln(&BigRational::from(BigInt::from(2))), &ln_2));
    assert!(near(&exp(&-BigRational::one()), &e.recip()));
}
