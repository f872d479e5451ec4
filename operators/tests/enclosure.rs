//! Inclusion: every operator on enclosures holds its value at every point inside.

mod common;

use common::*;
use nalgebra::DVector;
use operators::*;
use proptest::prelude::*;
use rounding::Enclosure;
use serde_json::Value;

type Table64 = Dense<Enclosure>;

fn interval(lo: f64, hi: f64) -> Enclosure {
    Enclosure::new(lo, hi).expect("ordered")
}

fn one_row(k: usize) -> Table64 {
    Dense::new(&RowLayout::uniform(1, k).expect("layout"))
}

fn cells(values: &[Enclosure]) -> Cells<Table64> {
    Cells(DVector::from_column_slice(values))
}

/// The values as boxes of random size around them, and points inside these.
fn boxes(values: &[f64], widths: &[f64], places: &[f64]) -> (Vec<Enclosure>, Vec<f64>) {
    let ends = |i: usize| (values[i] - widths[i], values[i] + widths[i]);
    let all = 0..values.len();
    let boxes = all.clone().map(|i| interval(ends(i).0, ends(i).1)).collect();
    let points = all.map(|i| (ends(i).0 + 2.0 * widths[i] * places[i]).clamp(ends(i).0, ends(i).1));
    (boxes, points.collect())
}

proptest! {
    #[test]
    fn the_enclosure_of_a_box_holds_every_operator_at_the_points_inside(
        table in tables(),
        widths in proptest::collection::vec(prop_oneof![Just(0.0), 1e-9..1e-6f64, 0.0..2.0f64], 36),
        places in proptest::collection::vec(prop_oneof![Just(0.0), Just(1.0), 0.0..1.0f64], 36),
    ) {
        let (q, q_inside) = boxes(&table.q, &widths, &places);
        let (other, other_inside) = boxes(&table.other, &widths[18..], &places[18..]);
        let wide = everything(&table, q, other);
        // The enclosure of exact points holds the real value at these, so the two must meet.
        let exact = |v: &[f64]| v.iter().map(|&x| Enclosure::exact(x)).collect();
        let narrow = everything(&table, exact(&q_inside), exact(&other_inside));
        let double = everything(&table, q_inside, other_inside);
        for (((name, wide), (_, narrow)), (_, x)) in wide.iter().zip(&narrow).zip(&double) {
            prop_assert!(wide.intersects(*narrow), "{}: {:?} {:?}", name, wide, narrow);
            // What f64 rounds is of the order of what the enclosure of exact points rounds outwards.
            let slack = 8.0 * narrow.width() + 16.0 * f64::EPSILON;
            prop_assert!(wide.widen(-slack, slack).contains(*x), "{}: {:?} {}", name, wide, x);
        }
    }

    #[test]
    fn exact_inputs_have_narrow_enclosures(table in tables()) {
        for (name, e) in everything_exact::<Enclosure>(&table) {
            // Some 60 roundings of numbers below 64; κ divides by 1/16, φ squares.
            let size = 64.0 * (1.0 + e.midpoint().abs());
            prop_assert!(e.width() <= 64.0 * size * f64::EPSILON, "{}: {:?}", name, e);
        }
    }

    #[test]
    fn numbers_far_apart_keep_their_inclusion(table in tables_of(extreme())) {
        let double = everything_exact::<f64>(&table);
        for ((name, e), (_, x)) in everything_exact::<Enclosure>(&table).iter().zip(double) {
            let slack = 16.0 * f64::EPSILON * (1.0 + x.abs().min(f64::MAX));
            let holds = e.widen(-slack, slack).contains(x);
            prop_assert!(holds, "{}: {:?} {}", name, e, x);
        }
    }

    #[test]
    fn a_full_set_leaks_exactly_nothing(
        table in tables(), widths in proptest::collection::vec(prop_oneof![Just(0.0), 0.0..50.0f64], 18),
    ) {
        let n = Table64::new(&table.layout);
        let (q, _) = boxes(&table.q, &widths, &[0.0; 18]);
        let full = table.full();
        let l = leak(&n, &cells(&q), &full, &full).expect("leak").0;
        prop_assert!(l.iter().all(|l| *l == Enclosure::ZERO), "{:?}", l);
        let gamma = Discount::new(0.99).expect("γ");
        let k = kappa(&n, gamma, &Rows(l)).expect("kappa").0;
        prop_assert!(k.iter().all(|k| *k == Enclosure::ZERO), "{:?}", k);
    }

    #[test]
    fn a_leak_is_never_negative(table in tables_of(extreme())) {
        for (name, e) in everything_exact::<Enclosure>(&table) {
            if name == "leak" && e != Enclosure::ENTIRE {
                prop_assert!(e.lo() >= 0.0, "{:?}", e);
            }
        }
    }

    #[test]
    fn a_projection_is_exactly_zero_outside_between_zero_and_one_inside_and_sums_to_one(
        table in tables(), widths in proptest::collection::vec(prop_oneof![Just(0.0), 0.0..400.0f64], 18),
    ) {
        let n = Table64::new(&table.layout);
        let (q, _) = boxes(&table.q, &widths, &[0.0; 18]);
        let pi = projection(&n, &cells(&q), &table.kept).expect("projection").probability;
        for (p, kept) in pi.0.iter().zip(&table.kept) {
            prop_assert!(0.0 <= p.lo() && p.hi() <= 1.0);
            prop_assert!(*kept || *p == Enclosure::ZERO, "{:?}", p);
        }
        for (row, sum) in n.row_sum(&pi.0).expect("sum").iter().enumerate() {
            prop_assert!(sum.contains(1.0));
            if table.kept_cells()[row].len() == 1 {
                prop_assert_eq!(*sum, Enclosure::ONE);
            }
        }
    }

    #[test]
    fn shares_of_exact_numbers_are_a_few_ulps_wide(
        weights in proptest::collection::vec(prop_oneof![1e-9..1.0f64, 1e-300..1e-290f64, 1.0..1e9f64], 1..9),
    ) {
        let n = one_row(weights.len());
        let shares = n.row_share(&n.cells(&weights).expect("weights").0).expect("shares");
        // k − 1 sums of positive numbers and a quotient, each off by at most one ulp on each side.
        let bound = (2 * weights.len() + 2) as f64 * f64::EPSILON;
        let total: f64 = weights.iter().sum();
        for (share, w) in shares.iter().zip(&weights) {
            prop_assert!(share.width() <= bound * share.hi(), "{:?}", share);
            prop_assert!(share.widen(-bound, bound).contains(w / total));
        }
    }

    #[test]
    fn shares_of_uncertain_numbers_are_the_tightest_up_to_rounding(
        lows in proptest::collection::vec(0.0..10.0f64, 2..6), widths in proptest::collection::vec(0.0..10.0f64, 6),
    ) {
        let n = one_row(lows.len());
        let weights: Vec<_> = lows.iter().zip(&widths).map(|(l, w)| interval(*l, l + w)).collect();
        let shares = n.row_share(&cells(&weights).0).expect("shares");
        for (i, share) in shares.iter().enumerate() {
            let rest = |end: fn(Enclosure) -> f64| -> f64 {
                weights.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, w)| end(*w)).sum()
            };
            let (lo, hi) = (weights[i].lo(), weights[i].hi());
            let (least, most) = (lo / (lo + rest(Enclosure::hi)), hi / (hi + rest(Enclosure::lo)));
            let slack = 16.0 * f64::EPSILON;
            prop_assert!(least - slack <= share.lo() && share.lo() <= least + slack, "{:?}", share);
            prop_assert!(most - slack <= share.hi() && share.hi() <= most + slack, "{:?}", share);
        }
    }
}

#[test]
fn the_share_of_the_only_cell_is_exactly_one() {
    let n = one_row(1);
    for x in [interval(1.0, 1.0), interval(5e-324, 1.0), interval(1.0, f64::INFINITY)] {
        assert_eq!(n.row_share(&cells(&[x]).0).expect("share")[0], Enclosure::ONE);
    }
    // Of a cell that may be zero, all that is known is that it is all there is.
    let unknown = n.row_share(&cells(&[interval(0.0, 1.0)]).0).expect("share")[0];
    assert_eq!(unknown, interval(0.0, 1.0));
}

#[test]
fn the_share_of_a_zero_cell_is_exactly_zero_and_leaves_one_to_the_other() {
    let n = one_row(3);
    let row = [Enclosure::ZERO, interval(1.0, 2.0), Enclosure::ZERO];
    let shares = n.row_share(&cells(&row).0).expect("shares");
    assert_eq!(shares.as_slice(), [Enclosure::ZERO, Enclosure::ONE, Enclosure::ZERO]);
    let row = [Enclosure::ZERO, interval(0.0, 2.0), interval(0.0, 2.0)];
    assert_eq!(n.row_share(&cells(&row).0).expect("shares")[0], Enclosure::ZERO);
}

#[test]
fn a_share_counts_its_own_width_once() {
    // x/(x + y) with both in [1, 2] lies in [1/3, 2/3]; x over the total would give [1/4, 1].
    let n = one_row(2);
    let shares = n.row_share(&cells(&[interval(1.0, 2.0); 2]).0).expect("shares");
    for share in shares.iter() {
        assert!(share.contains(1.0 / 3.0) && share.contains(2.0 / 3.0));
        assert!(share.width() <= 1.0 / 3.0 + 4.0 * f64::EPSILON);
    }
}

#[test]
fn the_log_share_of_the_only_cell_is_exactly_zero_however_wide() {
    let n = one_row(3);
    let q = cells(&[interval(-5.0, 900.0), Enclosure::ENTIRE, Enclosure::ONE]);
    let log = log_policy(&n, &q, &vec![true, false, false]).expect("log policy").0;
    assert_eq!(log[0], Enclosure::ZERO);
}

#[test]
fn a_log_share_counts_its_own_width_once() {
    // −ln(1 + exp(y − x)) with both in [0, 1]: from −ln(1 + e) to −ln(1 + 1/e).
    let n = one_row(2);
    let log = log_policy(&n, &cells(&[interval(0.0, 1.0); 2]), &vec![true; 2]).expect("log").0;
    let (least, most) = (-(1.0 + 1f64.exp()).ln(), -(1.0 + (-1f64).exp()).ln());
    for log in log.iter() {
        assert!((log.lo() - least).abs() <= 8.0 * f64::EPSILON, "{log:?}");
        assert!((log.hi() - most).abs() <= 8.0 * f64::EPSILON, "{log:?}");
    }
}

#[test]
fn a_log_share_whose_odds_overflow_is_bounded_all_the_same() {
    let n = one_row(3);
    let q = n.cells(&[0.0, 1000.0, 1000.0]).expect("q");
    let log = log_policy(&n, &q, &vec![true, true, false]).expect("log").0;
    assert!(log[0].contains(-1000.0) && log[0].width() <= 4.0 * ulp(1000.0), "{:?}", log[0]);
    assert!(
        log[1].contains(0.0) && log[1].hi() <= 0.0 && log[1].width() <= 1e-300 + 4.0 * f64::EPSILON
    );
    let log = log_policy(&n, &q, &vec![true; 3]).expect("log").0;
    assert!(log[0].contains(-1000.0 - 2f64.ln()) && log[0].width() <= 8.0 * ulp(1000.0));
}

#[test]
fn an_enclosure_that_knows_nothing_is_no_obstacle_outside_the_set() {
    let n = one_row(3);
    let q = cells(&[Enclosure::ONE, Enclosure::ENTIRE, Enclosure::ONE]);
    let set = vec![true, false, true];
    let v = soft_value(&n, &q, &set).expect("value").0[0];
    assert!(v.contains(1.0 + 2f64.ln()) && v.width() <= 4.0 * ulp(2.0));
    assert_eq!(projection(&n, &q, &set).expect("policy").probability.0[1], Enclosure::ZERO);
}

// --- golden rows ---

/// The double nearest to a real number, and its side of it.
struct Real {
    nearest: f64,
    side: i8,
}

impl Real {
    fn parse(v: &Value) -> Self {
        let (bits, side) = v.as_str().expect("text").split_once(' ').expect("two fields");
        let side = match side {
            "-" => -1,
            "0" => 0,
            "+" => 1,
            other => panic!("{other}"),
        };
        Self { nearest: double(bits), side }
    }

    fn lies_in(&self, e: Enclosure) -> bool {
        let above_lo = e.lo() < self.nearest || (e.lo() == self.nearest && self.side >= 0);
        let below_hi = e.hi() > self.nearest || (e.hi() == self.nearest && self.side <= 0);
        above_lo && below_hi
    }
}

fn double(bits: &str) -> f64 {
    f64::from_bits(u64::from_str_radix(bits, 16).expect("bits"))
}

fn doubles(v: &Value) -> Vec<f64> {
    v.as_array().expect("list").iter().map(|x| double(x.as_str().expect("bits"))).collect()
}

/// All results of the golden file on one row, in one number system.
fn golden_results<T: Scalar>(file: &Value, row: &Value) -> Vec<(String, T)> {
    let (q, teacher) = (doubles(&row["q"]), doubles(&row["teacher"]));
    let flags = row["kept"].as_array().expect("flags").iter();
    let set: Vec<bool> = flags.map(|k| k.as_bool().expect("flag")).collect();
    let n = Dense::<T>::new(&RowLayout::uniform(1, q.len()).expect("layout"));
    let full = vec![true; q.len()];
    let gamma = Discount::new(double(file["gamma"].as_str().expect("γ"))).expect("γ");
    let alpha = double(file["alpha"].as_str().expect("α"));
    let horizon = file["horizon"].as_u64().expect("horizon") as usize;
    let (q, teacher) = (n.cells(&q).expect("q"), n.cells(&teacher).expect("teacher"));

    let lost = leak(&n, &q, &set, &full).expect("leak");
    let policy = projection(&n, &teacher, &set).expect("policy");
    let mut results = vec![
        ("soft_value".into(), soft_value(&n, &q, &set).expect("value").0[0]),
        ("policy_value".into(), policy_value(&n, &q, &policy, &set).expect("value").0[0]),
        ("leak".into(), lost.0[0]),
        ("kappa".into(), kappa(&n, gamma, &lost).expect("kappa").0[0]),
        ("horizon_bound".into(), horizon_bound(&n, gamma, &lost, horizon).expect("bound").0[0]),
    ];
    let of_q = projection(&n, &q, &set).expect("policy");
    let chi2 = phi(&n, Phi::chi2(alpha).expect("α"), &q.0).expect("phi");
    for a in 0..set.len() {
        results.push((format!("projection/{a}"), of_q.probability.0[a]));
        results.push((format!("chi2/{a}"), chi2[a]));
        if set[a] {
            results.push((format!("log_policy/{a}"), of_q.log_probability.0[a]));
        }
    }
    results
}

/// Calls `check` with the name of every golden result, its real value, and what we compute.
fn for_each_golden<T: Scalar>(check: impl Fn(&str, &Value, Real, T)) {
    let file: Value = serde_json::from_str(include_str!("golden/rows.json")).expect("JSON");
    let rows = file["rows"].as_array().expect("rows");
    assert!(rows.len() >= 50);
    for row in rows {
        for (name, x) in golden_results(&file, row) {
            let real = Real::parse(row.pointer(&format!("/{name}")).expect("value"));
            check(&name, row, real, x);
        }
    }
}

#[test]
fn enclosures_hold_the_values_computed_at_1000_digits() {
    for_each_golden(|name, row, real, e: Enclosure| {
        assert!(real.lies_in(e), "{name} = {:e} not in {e:?}: {row}", real.nearest);
        // Numbers up to |q| = 1000 and some 30 roundings; κ multiplies by 99, χ² squares over 0.4.
        let size = 1.0 + real.nearest.abs();
        assert!(e.width() <= 100.0 * 32.0 * 64.0 * size * f64::EPSILON, "{name}: {e:?}");
    });
}

#[test]
fn doubles_are_near_the_values_computed_at_1000_digits() {
    for_each_golden(|name, row, real, x: f64| {
        let size = 1.0 + real.nearest.abs();
        let slack = 100.0 * 32.0 * 64.0 * size * f64::EPSILON;
        assert!((x - real.nearest).abs() <= slack, "{name} = {x:e}, {:e}: {row}", real.nearest);
    });
}
