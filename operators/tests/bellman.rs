//! Laws of the backup, its inverse, the norm and the bounds.

mod common;

use common::*;
use operators::*;
use proptest::prelude::*;
use rounding::Enclosure;

type Table64 = Dense<f64>;

fn discount(gamma: f64) -> Discount {
    Discount::new(gamma).expect("γ")
}

#[test]
fn a_backup_adds_the_discounted_expectation_to_the_reward() {
    let n = Table64::new(&RowLayout::new(vec![0, 2, 3]).expect("layout"));
    let kernel = Kernel(vec![vec![1.0, 0.0], vec![0.25, 0.75], vec![0.0, 1.0]]);
    let (r, v) = (n.cells(&[1.0, 2.0, 3.0]).expect("r"), n.rows(&[4.0, 8.0]).expect("v"));
    let q = backup(&n, &r, discount(0.5), &kernel, &v).expect("backup");
    assert_eq!(q.0.as_slice(), [3.0, 5.5, 7.0]);
    let back = implied_reward(&n, &q, discount(0.5), &kernel, &v).expect("reward");
    assert_eq!(back.0.as_slice(), r.0.as_slice());
    let undiscounted = backup(&n, &r, discount(1.0), &kernel, &v).expect("backup");
    assert_eq!(undiscounted.0.as_slice(), [5.0, 9.0, 11.0]);
    let myopic = backup(&n, &r, discount(0.0), &kernel, &v).expect("backup");
    assert_eq!(myopic.0.as_slice(), r.0.as_slice());
    assert_eq!(v.clone().0.as_slice(), [4.0, 8.0]);
}

#[test]
fn the_norm_is_the_largest_magnitude_on_the_sets() {
    let n = Table64::new(&RowLayout::new(vec![0, 2, 4]).expect("layout"));
    let f = n.cells(&[-2.0, 7.0, 1.5, -9.0]).expect("f");
    let norm = |kept: [bool; 4]| supported_norm(&n, &f, &kept.to_vec()).expect("norm");
    assert_eq!(norm([true, false, true, false]), 2.0);
    assert_eq!(norm([true, true, true, false]), 7.0);
    assert_eq!(norm([true; 4]), 9.0);
}

#[test]
fn the_norm_of_a_table_with_a_nan_on_its_set_is_nan() {
    let n = Table64::new(&RowLayout::uniform(1, 3).expect("layout"));
    for cells in [[f64::NAN, 1.0, 2.0], [1.0, f64::NAN, 2.0], [2.0, 1.0, f64::NAN]] {
        let f = n.cells(&cells).expect("f");
        assert!(supported_norm(&n, &f, &vec![true; 3]).expect("norm").is_nan());
    }
    let f = n.cells(&[f64::NAN, 1.0, 2.0]).expect("f");
    assert_eq!(supported_norm(&n, &f, &vec![false, true, true]), Ok(2.0));
}

#[test]
fn the_horizon_bound_sums_the_powers_of_gamma_from_one_to_horizon_minus_one() {
    let n = Table64::new(&RowLayout::uniform(2, 1).expect("layout"));
    let leak = n.rows(&[0.0, 0.25]).expect("leak");
    let bound = |gamma, horizon| {
        horizon_bound(&n, discount(gamma), &leak, horizon).expect("bound").0.as_slice().to_vec()
    };
    assert_eq!(bound(0.5, 0), [0.0, 0.0]);
    assert_eq!(bound(0.5, 1), [0.0, 0.0]);
    assert_eq!(bound(0.5, 2), [0.0, 0.125]);
    assert_eq!(bound(0.5, 4), [0.0, 0.25 * (0.5 + 0.25 + 0.125)]);
    assert_eq!(bound(1.0, 9), [0.0, 2.0]);
}

#[test]
fn kappa_at_the_published_settings_is_22_1() {
    let n = Table64::new(&RowLayout::uniform(1, 1).expect("layout"));
    let leak = n.rows(&[-(0.8f64.ln())]).expect("leak");
    let k = kappa(&n, discount(0.99), &leak).expect("kappa").0[0];
    // 99 · 0.22314355131420976 for the decimals; 1 − γ amplifies the rounding of 0.99, at most
    // 2^-54, a hundredfold.
    assert!((k - 22.091211580106766).abs() <= 22.1 * (100.0 * 2f64.powi(-54) + 4.0 * f64::EPSILON));
    assert_eq!(kappa(&n, discount(0.5), &leak).expect("kappa").0[0], leak.0[0]);
    assert_eq!(kappa(&n, discount(0.0), &leak).expect("kappa").0[0], 0.0);
    assert_eq!(kappa(&n, discount(1.0), &leak).expect("kappa").0[0], f64::INFINITY);
}

#[test]
fn kappa_in_enclosures_says_nothing_at_gamma_one() {
    let n = Dense::<Enclosure>::new(&RowLayout::uniform(1, 1).expect("layout"));
    let leak = n.rows(&[0.25]).expect("leak");
    assert_eq!(kappa(&n, discount(1.0), &leak).expect("kappa").0[0], Enclosure::ENTIRE);
}

fn gammas() -> impl Strategy<Value = f64> {
    prop_oneof![0.0..0.999f64, Just(0.0), Just(0.5), Just(0.99)]
}

proptest! {
    #[test]
    fn kappa_is_the_fixed_point_of_the_step_of_the_horizon_bound(l in 0.0..5.0f64, gamma in gammas()) {
        // κ = γ (ℓ + κ), in enclosures: both sides hold the same real number.
        let n = Dense::<Enclosure>::new(&RowLayout::uniform(1, 1).expect("layout"));
        let leak = n.rows(&[l]).expect("leak");
        let k = kappa(&n, discount(gamma), &leak).expect("kappa").0[0];
        let step = (Enclosure::exact(l) + k) * Enclosure::exact(gamma);
        prop_assert!(step.intersects(k));
        // 1 − γ is exact for γ ≥ 1/2 and one ulp wide otherwise; a product and a quotient follow.
        prop_assert!(k.width() <= 8.0 * ulp(k.hi()));
    }

    #[test]
    fn the_horizon_bound_rises_to_kappa(l in 0.0..5.0f64, gamma in gammas(), horizon in 0usize..40) {
        let n = Dense::<Enclosure>::new(&RowLayout::uniform(1, 1).expect("layout"));
        let leak = n.rows(&[l]).expect("leak");
        let at = |h| horizon_bound(&n, discount(gamma), &leak, h).expect("bound").0[0];
        let k = kappa(&n, discount(gamma), &leak).expect("kappa").0[0];
        prop_assert!(at(horizon).lo() <= at(horizon + 1).hi());
        prop_assert!(at(horizon).lo() <= k.hi());
        // κ − bound(H) = γ^{H−1} κ.
        let steps = horizon.max(1) - 1;
        let rest = (0..steps).fold(k, |rest, _| rest * Enclosure::exact(gamma));
        prop_assert!((at(horizon) + rest).intersects(k));
    }

    #[test]
    fn implied_reward_undoes_the_backup(table in tables_of(dyadic()), v in proptest::collection::vec(dyadic(), 4)) {
        // γ = 15/16, halves of sums of dyadic numbers: nothing is rounded.
        let n = Table64::new(&table.layout);
        let (r, v) = (n.cells(&table.q).expect("r"), n.rows(&v[..table.layout.rows()]).expect("v"));
        let q = backup(&n, &r, discount(GAMMA), &coin(&table), &v).expect("backup");
        let back = implied_reward(&n, &q, discount(GAMMA), &coin(&table), &v).expect("reward");
        prop_assert_eq!(back.0.as_slice(), r.0.as_slice());
    }

    #[test]
    fn implied_reward_of_a_backup_encloses_the_reward(table in tables(), gamma in gammas()) {
        let n = Dense::<Enclosure>::new(&table.layout);
        let (r, q) = (n.cells(&table.q).expect("r"), n.cells(&table.other).expect("q"));
        let v = soft_value(&n, &q, &table.kept).expect("value");
        let q = backup(&n, &r, discount(gamma), &coin(&table), &v).expect("backup");
        let back = implied_reward(&n, &q, discount(gamma), &coin(&table), &v).expect("reward");
        for (e, r) in back.0.iter().zip(&table.q) {
            prop_assert!(e.contains(*r));
        }
    }

    #[test]
    fn a_backup_is_monotone_and_moves_by_gamma_times_a_shift(
        table in tables_of(dyadic()), v in proptest::collection::vec(dyadic(), 4), c in 0i32..4096,
    ) {
        let n = Table64::new(&table.layout);
        let c = f64::from(c) / 1024.0;
        let v = &v[..table.layout.rows()];
        let shifted: Vec<f64> = v.iter().map(|v| v + c).collect();
        let r = n.cells(&table.q).expect("r");
        let of = |v: &[f64]| {
            backup(&n, &r, discount(GAMMA), &coin(&table), &n.rows(v).expect("v")).expect("backup").0
        };
        for (low, high) in of(v).iter().zip(&of(&shifted)) {
            prop_assert!(low <= high);
            prop_assert_eq!(*high, low + GAMMA * c);
        }
    }

    #[test]
    fn the_top_p_operator_contracts_by_gamma_in_the_supported_norm(table in tables()) {
        // ‖T_p Q − T_p Q'‖ ≤ γ ‖Q − Q'‖ on the sets, decided in enclosures.
        let n = Dense::<Enclosure>::new(&table.layout);
        let (a, b) = (n.cells(&table.q).expect("q"), n.cells(&table.other).expect("q"));
        let zero = n.cells(&vec![0.0; table.q.len()]).expect("r");
        let step = |q| {
            let v = soft_value(&n, q, &table.kept).expect("value");
            backup(&n, &zero, discount(GAMMA), &coin(&table), &v).expect("backup").0
        };
        let norm = |f| supported_norm(&n, &Cells(f), &table.kept).expect("norm");
        let after = norm(n.sub(&step(&a), &step(&b)).expect("difference"));
        let before = norm(n.sub(&a.0, &b.0).expect("difference"));
        prop_assert_ne!(after.at_most(before * Enclosure::exact(GAMMA)), Some(false));
    }

    #[test]
    fn the_norm_ignores_dropped_cells(table in tables(), junk in proptest::sample::select(
        &[1e300, f64::INFINITY, f64::NAN, 0.0][..],
    )) {
        let n = Table64::new(&table.layout);
        let mut f = table.q.clone();
        for (x, kept) in f.iter_mut().zip(&table.kept) {
            if !kept {
                *x = junk;
            }
        }
        let norm = |f: &[f64]| supported_norm(&n, &n.cells(f).expect("f"), &table.kept).expect("norm");
        let by_hand = table.kept_cells().concat().iter().map(|&i| table.q[i].abs()).fold(0.0, f64::max);
        prop_assert_eq!(norm(&f), by_hand);
        prop_assert_eq!(norm(&table.q), by_hand);
    }
}
