//! Results of directed operations for the proofs to replay (`proofs/theories/checker/vectors.v`).
//!
//! With `UPDATE_EXPECTED=1` in the environment the file is written instead of compared.

use rounding::directed::*;
use std::fmt::Write;
use std::path::Path;

/// Zeros, neighbours, subnormal and huge numbers, infinities, NaN, and what overflows TwoSum.
fn specials() -> Vec<f64> {
    let overflows = -3.0 * 2f64.powi(970);
    vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        1f64.next_up(),
        0.1,
        -1.0 / 3.0,
        5e-324,
        -f64::MIN_POSITIVE,
        overflows,
        f64::MAX,
        -f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ]
}

/// Pairs of every kind, the last ones with exponents some places apart.
fn pairs() -> Vec<(f64, f64)> {
    let specials = specials();
    let mut pairs: Vec<_> =
        specials.iter().flat_map(|&a| specials.iter().map(move |&b| (a, b))).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state
    };
    for i in 0..75u64 {
        let mantissa = |bits: u64| bits >> 12;
        let a = f64::from_bits((1023 << 52) | mantissa(random()));
        let b = f64::from_bits(((1023 - i) << 52) | mantissa(random()));
        pairs.push((a, if i % 2 == 0 { b } else { -b }));
    }
    pairs
}

/// A NaN is a NaN: which one, IEEE 754 leaves open.
fn bits(x: f64) -> String {
    format!("0x{:x}", if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() })
}

fn list(rows: &[String]) -> String {
    format!("[{}]", rows.join(";\n   "))
}

fn text() -> String {
    let row = |(a, b): (f64, f64)| {
        let (s, e) = two_sum(a, b);
        let results = [
            s,
            e,
            add_down(a, b),
            add_up(a, b),
            sub_down(a, b),
            sub_up(a, b),
            mul_down(a, b),
            mul_up(a, b),
            div_down(a, b),
            div_up(a, b),
        ];
        format!("({}, {}, [{}])", bits(a), bits(b), results.map(bits).join("; "))
    };
    let elementary = |x: f64, nearest: f64, down: f64, up: f64| {
        format!("({}, {}, {}, {})", bits(x), bits(nearest), bits(down), bits(up))
    };
    let mut arguments = specials();
    arguments.extend([1e-17, -1e-17, 0.5, -2.5, 700.0, -745.0, 709.9, 1e300]);
    let exp = |&x: &f64| elementary(x, core_math::exp(x), exp_down(x), exp_up(x));
    let ln = |&x: &f64| elementary(x, core_math::log(x), ln_down(x), ln_up(x));
    let mut text = String::from(
        "(* Written by rounding/tests/coq_vectors.rs: bits of doubles. *)\n\n\
         From Coq Require Import ZArith List.\nImport ListNotations.\nOpen Scope Z_scope.\n",
    );
    let pairs: Vec<_> = pairs().into_iter().map(row).collect();
    let exps: Vec<_> = arguments.iter().map(exp).collect();
    let lns: Vec<_> = arguments.iter().map(ln).collect();
    let comment = "a, b, and two_sum, add, sub, mul and div of them, down before up";
    write!(
        text,
        "\n(* {comment} *)\n\n\
         Definition operations : list (Z * Z * list Z) :=\n  {}.\n\n\
         (* x, the nearest double, and both ends *)\n\n\
         Definition exponentials : list (Z * Z * Z * Z) :=\n  {}.\n\n\
         Definition logarithms : list (Z * Z * Z * Z) :=\n  {}.\n",
        list(&pairs),
        list(&exps),
        list(&lns)
    )
    .expect("a string");
    text
}

#[test]
fn the_vectors_that_the_proofs_replay_are_those_of_this_crate() {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../proofs/theories/checker/directed_vectors.v");
    let found = text();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, &found).expect("written");
    }
    let expected = std::fs::read_to_string(&file).expect("the vectors");
    assert!(found == expected, "{} is out of date: UPDATE_EXPECTED=1 writes it", file.display());
}
