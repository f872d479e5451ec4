//! One large model, solved and certified: time, certified width, memory beyond the model.
//!
//! ```text
//! cargo bench --bench large            # the two models of the stated limits
//! cargo bench --bench large -- growth  # and how time grows up to ten million transitions
//! ```

use bellman_distill::certificate::{Certificate, Verdict, check};
use bellman_distill::operators::{Discount, TopP};
use bellman_distill::tabular::families::grid;
use bellman_distill::tabular::random::Source;
use bellman_distill::tabular::solve::{Method, Operator, Settings, solve};
use bellman_distill::tabular::{Family, Mdp, Size};
use bellman_distill::verify::view;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Counts live bytes, so that memory beyond the model is measured and not guessed.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// The one unsafe block of this benchmark: it forwards every call unchanged to the system's
// allocator and only adds up the sizes that it is given.
#[allow(unsafe_code, reason = "counting needs a global allocator")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's obligations are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above; the pointer came from `alloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const GAMMA: f64 = 0.99;
const WIDTH: f64 = 1e-8;

fn garnet(states: usize) -> Mdp {
    let size = Size { states, actions: 4, branching: 5 };
    let gamma = Discount::new(GAMMA).expect("in range");
    let p = TopP::new(0.8).expect("in range");
    let mut source = Source::new(1, 0);
    Family::Garnet.instance(size, gamma, p, &mut source).expect("a valid size").mdp
}

/// The best of several runs, since other work on the machine only adds.
fn measure(name: &str, mdp: &Mdp, runs: usize, limit: Option<f64>) {
    let gamma = Discount::new(GAMMA).expect("in range");
    // Residuals reach both ways, so that just under half the width leaves room for rounding.
    let settings = Settings { tolerance: 0.45 * WIDTH, ..Settings::default() };
    let (mut solving, mut certifying) = (f64::INFINITY, f64::INFINITY);
    let (mut width, mut peak, mut sweeps) = (f64::INFINITY, 0, 0);
    for _ in 0..runs {
        let before = LIVE.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let start = Instant::now();
        let solution = solve(mdp, gamma, Operator::Optimal, Method::NewtonKrylov, settings, None);
        let solved = start.elapsed().as_secs_f64();
        let model = view(mdp).expect("a valid model");
        let certificate =
            Certificate::for_values(&model, GAMMA, 0.8, solution.v, None).expect("finite values");
        let certified = start.elapsed().as_secs_f64() - solved;
        peak = peak.max(PEAK.load(Ordering::Relaxed) - before);
        if solved + certified < solving + certifying {
            (solving, certifying) = (solved, certified);
        }
        sweeps = solution.sweeps;
        // Checked outside the clock: whoever doubts the certificate pays this again.
        match check(&certificate, &model) {
            Verdict::Accepted(facts) => width = facts.width,
            Verdict::Refused(reason) => panic!("refused: {reason}"),
        }
    }
    let total = solving + certifying;
    let against =
        limit.map_or(String::new(), |l| format!("  {:>5.2} of the limit {l} s", total / l));
    println!(
        "{name:<24} {:>9} transitions  solve {solving:.3} s ({sweeps} sweeps)  certify \
         {certifying:.3} s  total {total:.3} s{against}  width {width:.1e}  beyond the model \
         {:.1} MiB  {:.0} ns/transition",
        mdp.transitions(),
        peak as f64 / (1 << 20) as f64,
        1e9 * total / mdp.transitions() as f64,
    );
}

fn main() {
    let growth = std::env::args().any(|a| a == "growth");
    println!("γ = {GAMMA}, wanted width {WIDTH:e}");
    measure("garnet 100,000 × 4 × 5", &garnet(100_000), 5, Some(0.3));
    measure("grid 316 × 316", &grid(316, 316, 0.05).expect("a valid size"), 5, Some(1.5));
    if growth {
        for states in [5_000, 50_000, 500_000] {
            measure(&format!("garnet {states} × 4 × 5"), &garnet(states), 3, None);
        }
    }
}
