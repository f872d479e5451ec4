//! A campaign by several ranks is the campaign of one.

mod common;

use common::{plan, sampled};
use ranks::{RanksError, threads};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use verify::{Mutation, Outcome, Plan, Theory, Watch, campaign};

/// What each of `size` ranks finds.
fn over(plan: &Plan, size: usize, stop: &AtomicBool) -> Vec<Result<Outcome, RanksError>> {
    thread::scope(|scope| {
        let found = threads(size).into_iter().map(|ranks| {
            scope.spawn(move || {
                let never = AtomicBool::new(false);
                let stop = if ranks.is_first() { stop } else { &never };
                let watch = Watch { advanced: &|| (), stop, sample_every: 3 };
                campaign::run_over(&ranks, plan, &watch)
            })
        });
        found.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn several_ranks_find_what_one_finds_failures_and_doubts_included() {
    let theory = Theory { mutation: Some(Mutation::KappaHalved) };
    // More than one round of two ranks, which take 1,024 instances each.
    for plan in [Plan { theory, ..plan(2100) }, Plan { rigorous: true, ..plan(60) }] {
        let alone = sampled(&plan, 3);
        let kept =
            |outcome: &Outcome| outcome.tallies.iter().map(|t| t.failures.len()).sum::<usize>();
        assert!(plan.rigorous || kept(&alone) > 0);
        for size in [1, 2, 3] {
            for found in over(&plan, size, &AtomicBool::new(false)) {
                // As text, for undecided instances hold NaN.
                assert_eq!(format!("{:?}", found.unwrap()), format!("{alone:?}"), "{size} ranks");
            }
        }
    }
}

#[test]
fn what_stops_one_rank_stops_all() {
    let stop = AtomicBool::new(false);
    stop.store(true, Ordering::Relaxed);
    let plan = plan(1 << 20);
    for found in over(&plan, 2, &stop) {
        // The round of the rank that was not asked.
        assert_eq!(found.unwrap().mdps, 1024);
    }
}
