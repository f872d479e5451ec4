//! One large model, solved and certified: time, certified width, memory beyond the model.
//!
//! ```text
//! cargo bench --bench large            # the two models of the stated limits
//! cargo bench --bench large -- growth  # and how time grows up to ten million transitions
//! ```
//!
//! For `benches/peers`, `export FOLDER` writes the two models, and `json RUNS` prints what they cost.

use bellman_distill::certificate::{Certificate, Verdict, check};
use bellman_distill::operators::{Discount, TopP};
use bellman_distill::tabular::families::grid;
use bellman_distill::tabular::formats::{self, Contents, Format};
use bellman_distill::tabular::random::Source;
use bellman_distill::tabular::solve::{Method, Operator, Settings, solve};
use bellman_distill::tabular::{Family, Mdp, Size};
use bellman_distill::verify::view;
use serde_json::json;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::path::Path;
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

/// What solving and certifying one model cost.
struct Cost {
    /// Seconds to solve and to certify, of each run.
    runs: Vec<(f64, f64)>,
    sweeps: usize,
    width: f64,
    /// Bytes.
    beyond_model: usize,
    v: Vec<f64>,
}

impl Cost {
    /// The best run, since other work on the machine only adds.
    fn best(&self) -> (f64, f64) {
        self.runs.iter().copied().min_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1))).expect("a run")
    }
}

fn measure(mdp: &Mdp, runs: usize) -> Cost {
    let gamma = Discount::new(GAMMA).expect("in range");
    // Residuals reach both ways, so that just under half the width leaves room for rounding.
    let settings = Settings { tolerance: 0.45 * WIDTH, ..Settings::default() };
    let mut cost =
        Cost { runs: Vec::new(), sweeps: 0, width: f64::INFINITY, beyond_model: 0, v: Vec::new() };
    for _ in 0..runs {
        // The values of the run before are not to count.
        cost.v = Vec::new();
        let before = LIVE.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let start = Instant::now();
        let solution = solve(mdp, gamma, Operator::Optimal, Method::NewtonKrylov, settings, None);
        let solved = start.elapsed().as_secs_f64();
        let model = view(mdp).expect("a valid model");
        let certificate =
            Certificate::for_values(&model, GAMMA, 0.8, solution.v, None).expect("finite values");
        cost.runs.push((solved, start.elapsed().as_secs_f64() - solved));
        cost.beyond_model = cost.beyond_model.max(PEAK.load(Ordering::Relaxed) - before);
        cost.sweeps = solution.sweeps;
        // Checked outside the clock: whoever doubts the certificate pays this again.
        match check(&certificate, &model) {
            Verdict::Accepted(facts) => cost.width = facts.width,
            Verdict::Refused(reason) => panic!("refused: {reason}"),
        }
        cost.v = certificate.optimal.v;
    }
    cost
}

fn report(name: &str, mdp: &Mdp, runs: usize, limit: Option<f64>) {
    let cost = measure(mdp, runs);
    let (solving, certifying) = cost.best();
    let total = solving + certifying;
    let against =
        limit.map_or(String::new(), |l| format!("  {:>5.2} of the limit {l} s", total / l));
    println!(
        "{name:<24} {:>9} transitions  solve {solving:.3} s ({} sweeps)  certify \
         {certifying:.3} s  total {total:.3} s{against}  width {:.1e}  beyond the model \
         {:.1} MiB  {:.0} + {:.0} ns/transition  gather {:.2} ns/transition",
        mdp.transitions(),
        cost.sweeps,
        cost.width,
        cost.beyond_model as f64 / (1 << 20) as f64,
        1e9 * solving / mdp.transitions() as f64,
        1e9 * certifying / mdp.transitions() as f64,
        gathering(mdp, &cost.v),
    );
}

/// Nanoseconds a transition of Σ w v(s') in one thread: what every sweep has to read, with next to
/// nothing computed.
fn gathering(mdp: &Mdp, v: &[f64]) -> f64 {
    let gather = || {
        let start = Instant::now();
        let terms = mdp.successors().iter().zip(mdp.weights()).map(|(&s, w)| w * v[s as usize]);
        black_box(terms.sum::<f64>());
        start.elapsed().as_secs_f64()
    };
    let best = (0..10).map(|_| gather()).fold(f64::INFINITY, f64::min);
    1e9 * best / mdp.transitions() as f64
}

/// The model as files that others read.
fn export(folder: &Path, name: &str, mdp: &Mdp) {
    let gamma = Discount::new(GAMMA).ok();
    let contents = Contents { name, mdp, gamma, p: None, sets: None, extra: None };
    for (format, extension) in [(Format::Json, "json"), (Format::Drn, "drn")] {
        let path = folder.join(name).with_extension(extension);
        formats::write(&path, format, &contents).expect("a folder to write to");
    }
}

/// Prints a line of JSON: the cost of each run, and the values found.
fn print_json(name: &str, mdp: &Mdp, runs: usize) {
    // The first run warms up.
    let Cost { runs, width, beyond_model, v, .. } = measure(mdp, runs + 1);
    let (solve, certify): (Vec<f64>, Vec<f64>) = runs.into_iter().skip(1).unzip();
    println!(
        "{}",
        json!({
            "name": name, "solve": solve, "certify": certify, "width": width,
            "beyond_model": beyond_model, "v": v,
        })
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |word: &str| arguments.iter().any(|a| a == word);
    // What follows such a word.
    let given = |word: &str| arguments.iter().skip_while(|a| *a != word).nth(1);
    let garnet_model = garnet(100_000);
    let grid_model = grid(316, 316, 0.05).expect("a valid size");
    if let Some(folder) = given("export") {
        export(Path::new(folder), "garnet", &garnet_model);
        export(Path::new(folder), "grid", &grid_model);
    } else if let Some(runs) = given("json") {
        let runs = runs.parse().expect("json RUNS");
        print_json("garnet", &garnet_model, runs);
        print_json("grid", &grid_model, runs);
    } else {
        println!("γ = {GAMMA}, wanted width {WIDTH:e}");
        report("garnet 100,000 × 4 × 5", &garnet_model, 5, Some(0.3));
        report("grid 316 × 316", &grid_model, 5, Some(1.5));
        if asked("growth") {
            for states in [5_000, 50_000, 500_000] {
                report(&format!("garnet {states} × 4 × 5"), &garnet(states), 3, None);
            }
        }
    }
}
