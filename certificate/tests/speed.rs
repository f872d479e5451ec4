//! How long a sweep takes: `cargo test --release -p bellman-certificate --test speed -- --ignored
//! --nocapture`.

mod common;

use certificate::{Operator, bound};
use common::{Arrays, Pair};
use std::time::{Duration, Instant};

/// 100,000 states × 4 actions × 5 successors, from a fixed linear congruential generator.
fn large(weight: impl Fn(u64) -> f64) -> Arrays {
    const STATES: u64 = 100_000;
    let mut seed = 1u64;
    let mut next = move |n: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % n
    };
    let mut pair = || -> Pair {
        let mut row: Vec<(u32, f64)> =
            (0..5).map(|i| ((STATES / 5 * i + next(STATES / 5)) as u32, weight(i))).collect();
        row.sort_by_key(|t| t.0);
        (next(1000) as f64 / 1000.0, row)
    };
    let states: Vec<Vec<Pair>> = (0..STATES).map(|_| (0..4).map(|_| pair()).collect()).collect();
    Arrays::new(&states)
}

fn best(name: &str, f: impl Fn()) {
    let timed = |_| {
        let start = Instant::now();
        f();
        start.elapsed()
    };
    let best: Duration = (0..5).map(timed).min().expect("five runs");
    println!("{name:36} {:8.1} ms", best.as_secs_f64() * 1e3);
}

#[test]
#[ignore = "a measurement, in release builds only"]
fn sweep_of_two_million_transitions() {
    let binary = large(|i| [0.5, 0.25, 0.125, 0.0625, 0.0625][i as usize]);
    let tenths = large(|i| [0.3, 0.1, 0.2, 0.2, 0.2][i as usize]);
    for (name, arrays) in [("binary weights", &binary), ("decimal weights", &tenths)] {
        println!("{name}");
        let model = arrays.model();
        let v: Vec<f64> = (0..model.states()).map(|s| 180.0 + (s % 97) as f64 / 97.0).collect();
        best("  Model::new", || _ = std::hint::black_box(arrays.model()));
        best("  Model::hash", || _ = std::hint::black_box(model.hash()));
        best("  bound, optimal", || {
            _ = std::hint::black_box(bound(&model, 0.99, &v, &Operator::Optimal))
        });
    }
}
