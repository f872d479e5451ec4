//! Random MDPs checked per second: 10 states, 5 actions, all cores.
//!
//! ```text
//! cargo bench --bench throughput
//! ```
//!
//! `items/s` is MDPs a second. `listed` are the four propositions of the paper with monotonicity,
//! the leak identity, the horizon bound and behaviour cloning; `full` is everything that
//! `bellman verify` checks.

use bellman_distill::operators::Discount;
use bellman_distill::verify::{Plan, Sets, Watch, campaign, propositions};
use divan::counter::ItemsCount;
use std::sync::atomic::AtomicBool;

const LISTED: [&str; 8] = [
    "contraction",
    "monotonicity",
    "projected-teacher",
    "sandwich",
    "main-bound",
    "leak-identity",
    "horizon",
    "behaviour-cloning",
];

fn main() {
    divan::main();
}

fn plan(gamma: f64, names: &[&str], rigorous: bool, mdps: u64) -> Plan {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Plan {
        mdps,
        states: 10..=10,
        actions: 5..=5,
        gamma: Some(Discount::new(gamma).expect("a constant in [0, 1]")),
        sets: Some(Sets::TopP),
        propositions: propositions::named(&names).expect("names that exist"),
        rigorous,
        ..Plan::new(0)
    }
}

fn check(bencher: divan::Bencher<'_, '_>, plan: &Plan) {
    let watch = Watch { advanced: &|| (), stop: &AtomicBool::new(false), sample_every: 0 };
    bencher.counter(ItemsCount::new(plan.mdps)).bench(|| campaign::run(plan, &watch));
}

#[divan::bench(args = [0.9, 0.99, 0.9999], sample_count = 10, sample_size = 1)]
fn float_listed(bencher: divan::Bencher<'_, '_>, gamma: f64) {
    check(bencher, &plan(gamma, &LISTED, false, 10_000));
}

#[divan::bench(args = [0.9, 0.99], sample_count = 5, sample_size = 1)]
fn float_full(bencher: divan::Bencher<'_, '_>, gamma: f64) {
    check(bencher, &plan(gamma, &[], false, 5_000));
}

#[divan::bench(args = [0.9, 0.99], sample_count = 5, sample_size = 1)]
fn rigorous_listed(bencher: divan::Bencher<'_, '_>, gamma: f64) {
    check(bencher, &plan(gamma, &LISTED, true, 2_000));
}

#[divan::bench(args = [0.9, 0.99], sample_count = 5, sample_size = 1)]
fn rigorous_full(bencher: divan::Bencher<'_, '_>, gamma: f64) {
    check(bencher, &plan(gamma, &[], true, 1_000));
}
