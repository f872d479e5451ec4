//! Derivatives by dual numbers, against the calculus and against finite differences.

mod common;

use common::*;
use operators::*;
use proptest::prelude::*;

/// Cells of a random table, each its own direction: the q first, then the other logits.
const N: usize = 36;

fn duals(values: &[f64], from: usize) -> Vec<Dual<N>> {
    values.iter().enumerate().map(|(i, &x)| Dual::variable(x, from + i)).collect()
}

fn number(value: f64, derivative: [f64; 2]) -> Dual<2> {
    Dual { value, derivative }
}

#[test]
fn the_four_rules_of_differentiation() {
    let (x, y) = (Dual::<2>::variable(3.0, 0), Dual::<2>::variable(4.0, 1));
    assert_eq!(x + y, number(7.0, [1.0, 1.0]));
    assert_eq!(x - y, number(-1.0, [1.0, -1.0]));
    assert_eq!(x * y, number(12.0, [4.0, 3.0]));
    assert_eq!(x / y, number(0.75, [0.25, -0.1875]));
    let constant = Dual::<2>::from_f64(5.0);
    assert_eq!(constant, number(5.0, [0.0; 2]));
    assert_eq!(constant, Dual::variable(5.0, 2));
    assert_eq!(x * x * y, number(36.0, [24.0, 9.0]));
}

#[test]
fn the_chain_rule_of_exp_ln_and_abs() {
    let x = number(2.0, [3.0, -1.0]);
    let e = 2f64.exp();
    assert_eq!(x.exp(), number(e, [3.0 * e, -e]));
    assert_eq!(x.ln(), number(2f64.ln(), [1.5, -0.5]));
    assert_eq!(x.abs(), x);
    assert_eq!(number(-2.0, [3.0, -1.0]).abs(), number(2.0, [-3.0, 1.0]));
    // Where |x| has none, the derivative from above.
    assert_eq!(number(0.0, [3.0, -1.0]).abs(), number(0.0, [3.0, -1.0]));
    assert_eq!(x.center(), 2.0);
}

#[test]
fn the_larger_of_two_keeps_its_derivative_and_the_first_wins_a_tie() {
    let (x, y) = (number(1.0, [1.0, 0.0]), number(2.0, [0.0, 1.0]));
    assert_eq!((x.max(y), y.max(x)), (y, y));
    let tie = number(1.0, [0.0, 7.0]);
    assert_eq!((x.max(tie), tie.max(x)), (x, tie));
    let nan = number(f64::NAN, [0.0; 2]);
    assert!(x.max(nan).value.is_nan() && nan.max(x).value.is_nan());
    let (f, g) = (f64::NAN.max_of(1.0), 1.0.max_of(f64::NAN));
    assert!(f.is_nan() && g.is_nan());
}

/// `Scalar::max`, which an inherent method of `f64` hides.
trait MaxOf {
    fn max_of(self, other: Self) -> Self;
}

impl MaxOf for f64 {
    fn max_of(self, other: f64) -> f64 {
        Scalar::max(self, other)
    }
}

#[test]
fn no_gradient_passes_an_active_floor() {
    let n = Dense::<Dual<2>>::new(&RowLayout::uniform(1, 3).expect("layout"));
    let q = [number(-11.0, [1.0, 0.0]), number(-10.0, [1.0, 0.0]), number(-9.0, [0.0, 1.0])];
    let floored = n.floor(&nalgebra::DVector::from_column_slice(&q), -10.0).expect("floor");
    assert_eq!(floored.as_slice(), [number(-10.0, [0.0; 2]), number(-10.0, [0.0; 2]), q[2]]);
}

#[test]
fn the_gradient_of_a_row_maximum_goes_to_its_first_largest_cell_and_an_anchor_has_none() {
    let n = Dense::<Dual<3>>::new(&RowLayout::uniform(1, 3).expect("layout"));
    let z = [1.0, 2.0, 2.0].iter().enumerate().map(|(i, &x)| Dual::variable(x, i));
    let z = nalgebra::DVector::from_iterator(3, z);
    let max = n.row_max(&z, &vec![true; 3]).expect("max")[0];
    assert_eq!(max, Dual { value: 2.0, derivative: [0.0, 1.0, 0.0] });
    let masked = n.row_max(&z, &vec![true, false, false]).expect("max")[0];
    assert_eq!(masked, Dual { value: 1.0, derivative: [1.0, 0.0, 0.0] });
    let anchor = n.row_anchor(&z, &vec![true; 3]).expect("anchor")[0];
    assert_eq!(anchor, Dual { value: 2.0, derivative: [0.0; 3] });
}

proptest! {
    #[test]
    fn the_gradient_of_the_soft_value_is_the_projected_policy(table in tables()) {
        let n = Dense::<Dual<N>>::new(&table.layout);
        let q = Cells(nalgebra::DVector::from_vec(duals(&table.q, 0)));
        let value = soft_value(&n, &q, &table.kept).expect("value").0;
        let f = Dense::<f64>::new(&table.layout);
        let pi = projection(&f, &f.cells(&table.q).expect("q"), &table.kept).expect("policy").probability.0;
        for (row, cells) in table.layout.iter().enumerate() {
            for i in 0..table.q.len() {
                let expected = if cells.contains(&i) { pi[i] } else { 0.0 };
                // weight · (1/total) against weight / total, and sums of zeros.
                prop_assert!((value[row].derivative[i] - expected).abs() <= 3.0 * ulp(expected));
            }
        }
    }

    #[test]
    fn duals_carry_the_values_of_doubles(table in tables()) {
        let duals = everything(&table, duals(&table.q, 0), duals(&table.other, 18));
        for ((name, d), (_, x)) in duals.iter().zip(everything_exact::<f64>(&table)) {
            prop_assert_eq!(d.value, x, "{}", name);
        }
    }

    #[test]
    fn derivatives_of_every_operator_are_limits_of_differences(table in tables_of(-3.0..3.0f64)) {
        let derivatives = everything(&table, duals(&table.q, 0), duals(&table.other, 18));
        let h = 2f64.powi(-17);
        for direction in (0..table.q.len()).chain(18..18 + table.other.len()) {
            let at = |step: f64| {
                let (mut q, mut other) = (table.q.clone(), table.other.clone());
                match direction.checked_sub(18) {
                    Some(i) => other[i] += step,
                    None => q[direction] += step,
                }
                everything(&table, q, other)
            };
            let (above, below) = (at(h), at(-h));
            for (((name, d), (_, a)), (_, b)) in derivatives.iter().zip(&above).zip(&below) {
                let slope = (a - b) / (2.0 * h);
                let exact = d.derivative[direction];
                // Kinks of max, floor and abs closer than h are left out: there the two sides differ.
                let curvature = (a - 2.0 * d.value + b) / h;
                if curvature.abs() > 0.01 {
                    continue;
                }
                // f''' h²/6 with f''' ≤ 1000 (κ multiplies third derivatives of a logarithm of a sum
                // by 15, φ squares them), and 64 roundings of numbers of the size of f over h.
                let size = 1.0 + d.value.abs();
                let slack = 1000.0 * h * h / 6.0 * size + 64.0 * f64::EPSILON * size / h;
                prop_assert!((slope - exact).abs() <= slack, "{} {}: {} {}", name, direction, slope, exact);
            }
        }
    }

    #[test]
    fn derivatives_stay_finite_far_apart(table in tables_of(extreme())) {
        let n = Dense::<Dual<N>>::new(&table.layout);
        let q = Cells(nalgebra::DVector::from_vec(duals(&table.q, 0)));
        let other = Cells(nalgebra::DVector::from_vec(duals(&table.other, 18)));
        let policy = projection(&n, &other, &table.kept).expect("policy");
        let values = [
            soft_value(&n, &q, &table.kept).expect("value").0,
            policy_value(&n, &q, &policy, &table.kept).expect("value").0,
            policy.probability.0.clone(),
        ];
        for x in values.iter().flat_map(|v| v.iter()) {
            prop_assert!(x.derivative.iter().all(|d| d.is_finite()));
        }
    }
}
