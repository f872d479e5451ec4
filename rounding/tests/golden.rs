//! exp and ln against vectors computed at 80 digits (`golden/generate.py`).

use rounding::Enclosure;
use rounding::directed::{exp_down, exp_up, ln_down, ln_up};

/// The double nearest to the real f(x), and the side of it on which f(x) lies.
struct Vector {
    x: f64,
    nearest: f64,
    /// −1: f(x) < nearest, 0: equal, 1: f(x) > nearest.
    side: i8,
}

impl Vector {
    /// Whether the real f(x) is at least the double d.
    fn is_at_least(&self, d: f64) -> bool {
        d < self.nearest || (d == self.nearest && self.side >= 0)
    }

    /// Whether the real f(x) is at most the double d.
    fn is_at_most(&self, d: f64) -> bool {
        d > self.nearest || (d == self.nearest && self.side <= 0)
    }
}

fn parse(text: &str) -> Vec<Vector> {
    let bits = |s: &str| f64::from_bits(u64::from_str_radix(s, 16).expect("bits"));
    let vector = |line: &str| {
        let fields: Vec<_> = line.split(' ').collect();
        let side = match fields[2] {
            "-" => -1,
            "0" => 0,
            "+" => 1,
            other => panic!("{other}"),
        };
        Vector { x: bits(fields[0]), nearest: bits(fields[1]), side }
    };
    text.lines().map(vector).collect()
}

fn exp_vectors() -> Vec<Vector> {
    parse(include_str!("golden/exp.txt"))
}

fn ln_vectors() -> Vec<Vector> {
    parse(include_str!("golden/ln.txt"))
}

#[test]
fn the_vectors_cover_subnormal_results_both_ends_of_the_range_and_exact_cases() {
    let exp = exp_vectors();
    assert!(exp.len() >= 1000);
    assert!(exp.iter().filter(|v| v.nearest.is_subnormal()).count() >= 100);
    assert!(exp.iter().any(|v| v.nearest == 0.0) && exp.iter().any(|v| v.nearest.is_infinite()));
    assert!(exp.iter().all(|v| (v.side == 0) == (v.x == 0.0)));
    let ln = ln_vectors();
    assert!(ln.len() >= 1000);
    assert!(ln.iter().filter(|v| v.x.is_subnormal()).count() >= 50);
    assert!(ln.iter().all(|v| (v.side == 0) == (v.x == 1.0)));
    assert!(ln.iter().any(|v| v.side == 0));
}

#[test]
fn core_math_rounds_exp_and_ln_correctly() {
    for v in exp_vectors() {
        assert_eq!(core_math::exp(v.x).to_bits(), v.nearest.to_bits(), "exp({:e})", v.x);
    }
    for v in ln_vectors() {
        assert_eq!(core_math::log(v.x).to_bits(), v.nearest.to_bits(), "ln({:e})", v.x);
    }
}

#[test]
fn the_real_exp_lies_between_exp_down_and_exp_up() {
    for v in exp_vectors() {
        assert!(v.is_at_least(exp_down(v.x)) && v.is_at_most(exp_up(v.x)), "exp({:e})", v.x);
        assert!(exp_down(v.x) >= 0.0);
    }
}

#[test]
fn the_real_ln_lies_between_ln_down_and_ln_up() {
    for v in ln_vectors() {
        assert!(v.is_at_least(ln_down(v.x)) && v.is_at_most(ln_up(v.x)), "ln({:e})", v.x);
    }
}

#[test]
fn the_ends_are_the_neighbours_of_the_nearest_double_so_at_most_two_ulps_apart() {
    for v in exp_vectors().into_iter().filter(|v| v.side != 0) {
        // The exact value exp(0) = 1 bounds both sides.
        let (down, up) = if v.x > 0.0 { (1.0, f64::INFINITY) } else { (0.0, 1.0) };
        assert_eq!(exp_down(v.x), v.nearest.next_down().max(down), "exp({:e})", v.x);
        assert_eq!(exp_up(v.x), v.nearest.next_up().min(up), "exp({:e})", v.x);
    }
    for v in ln_vectors().into_iter().filter(|v| v.side != 0) {
        assert_eq!(ln_down(v.x), v.nearest.next_down(), "ln({:e})", v.x);
        assert_eq!(ln_up(v.x), v.nearest.next_up(), "ln({:e})", v.x);
    }
}

#[test]
fn exp_of_zero_and_ln_of_one_are_exact() {
    for zero in [0.0, -0.0] {
        assert_eq!(Enclosure::exact(zero).exp(), Enclosure::ONE);
    }
    assert_eq!(Enclosure::ONE.ln(), Enclosure::ZERO);
}

#[test]
fn exp_of_a_number_next_to_zero_does_not_cross_one() {
    for x in [5e-324, 1e-300, 1e-17] {
        assert_eq!((exp_down(x), exp_up(x)), (1.0, 1f64.next_up()));
        assert_eq!((exp_down(-x), exp_up(-x)), (1f64.next_down(), 1.0));
    }
}

#[test]
fn exp_and_ln_of_infinite_ends_stay_on_their_side() {
    assert_eq!(exp_down(f64::NEG_INFINITY), 0.0);
    assert!(exp_up(f64::NEG_INFINITY) > 0.0);
    assert_eq!(exp_up(f64::INFINITY), f64::INFINITY);
    assert_eq!(exp_down(1000.0), f64::MAX);
    assert_eq!(ln_up(f64::INFINITY), f64::INFINITY);
    for x in [0.0, -0.0, -1.0, f64::NEG_INFINITY] {
        assert_eq!((ln_down(x), ln_up(x)), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    }
    assert!(exp_up(f64::NAN).is_nan() && ln_down(f64::NAN).is_nan() && ln_up(f64::NAN).is_nan());
}

#[test]
fn an_interval_of_exp_or_ln_holds_the_value_of_every_vector_inside() {
    for (vectors, f) in [
        (exp_vectors(), Enclosure::exp as fn(Enclosure) -> Enclosure),
        (ln_vectors(), Enclosure::ln as fn(Enclosure) -> Enclosure),
    ] {
        for pair in vectors.windows(2) {
            let (a, b) = (pair[0].x, pair[1].x);
            let image = f(Enclosure::new(a.min(b), a.max(b)).expect("ordered"));
            for v in pair {
                assert!(v.is_at_least(image.lo()) && v.is_at_most(image.hi()), "{:e}", v.x);
            }
        }
    }
}
