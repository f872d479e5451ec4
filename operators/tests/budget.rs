//! The adaptive rule along trajectories, and the mass that a bound calls for.

use operators::{Budget, Discount, GapBound, TopP};
use proptest::prelude::*;

fn discount(gamma: f64) -> Discount {
    Discount::new(gamma).unwrap()
}

proptest! {
    /// Sets leak some of their share, or nothing: a state's set is rarely as small as it may be.
    #[test]
    fn no_trajectory_leaks_more_than_the_budget_and_no_share_falls(
        epsilon in 0.01f64..20.0,
        gamma in prop_oneof![Just(0.99), Just(0.9), 0.1f64..1.0],
        spent in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), 0.0f64..1.0], 1..300),
        ends in any::<bool>(),
    ) {
        let mut budget = Budget::new(epsilon, discount(gamma));
        if ends {
            budget = budget.within(spent.len());
        }
        let (mut leaked, mut weight, mut share) = (0.0, 1.0, 0.0);
        for part in &spent {
            // At most 300 steps; rounding is worst at γ = 0.1, where a tenth of the rest is left.
            prop_assert!(budget.allowance() >= share * (1.0 - 1e-12));
            share = budget.allowance();
            let leak = part * share;
            // The logarithm may be off by an ulp.
            prop_assert!(budget.mass().leak() <= share * (1.0 + f64::EPSILON));
            prop_assert!(leak <= budget.rest());
            leaked += weight * leak;
            weight *= gamma;
            budget.spend(leak);
        }
        prop_assert!(leaked <= epsilon * (1.0 + 1e-12), "{leaked} of {epsilon}");
        // Everything is spent where every share is and the end comes.
        if ends && spent.iter().all(|&part| part == 1.0) {
            prop_assert!(leaked >= epsilon * (1.0 - 1e-12), "{leaked} of {epsilon}");
        }
    }

    #[test]
    fn the_mass_for_a_bound_meets_it_and_hardly_more(
        epsilon in 1e-3f64..30.0,
        gamma in 0.05f64..0.999,
        horizon in prop_oneof![Just(None), (2usize..200).prop_map(Some)],
    ) {
        let bound = match horizon {
            None => GapBound::endless(discount(gamma)),
            Some(horizon) => GapBound::within(discount(gamma), horizon),
        };
        let p = bound.mass_for(epsilon);
        prop_assert!(p.get() > 0.0 && p.get() <= 1.0);
        // Without the smallest doubles, whose relative distance is large.
        if p.get() > f64::MIN_POSITIVE {
            let of_one = bound.of_leak(1.0);
            // p is rounded by an ulp or two, which moves its leak by so much.
            let slack = 2.0 * f64::EPSILON * of_one + 1e-12 * epsilon;
            let met = bound.of_leak(p.leak());
            prop_assert!(met <= epsilon + slack && met >= epsilon - slack, "{met} {epsilon}");
        }
    }
}

#[test]
fn the_published_setting_needs_nearly_all_the_mass_for_a_gap_of_one() {
    let bound = GapBound::endless(discount(0.99));
    assert!((bound.mass_for(1.0).get() - (-0.01f64 / 0.99).exp()).abs() < 1e-15);
    assert!((bound.of_leak(TopP::new(0.8).unwrap().leak()) - 22.0912).abs() < 1e-4);
}

#[test]
fn where_nothing_later_counts_every_set_will_do() {
    for bound in [GapBound::endless(discount(0.0)), GapBound::within(discount(0.9), 1)] {
        assert_eq!(bound.mass_for(0.1).get(), f64::from_bits(1));
    }
    // And without a discount or an end none but the full one.
    assert_eq!(GapBound::endless(discount(1.0)).mass_for(5.0).get(), 1.0);
    assert_eq!(Budget::new(5.0, discount(1.0)).mass().get(), 1.0);
}

#[test]
fn a_budget_that_is_overspent_asks_for_full_sets() {
    let mut budget = Budget::new(0.1, discount(0.9));
    budget.spend(0.2);
    assert_eq!((budget.rest(), budget.mass().get()), (0.0, 1.0));
}
