//! What the χ² objective converges to: the exact maximiser, over α, γ and the shift.
//!
//! ```text
//! cargo run --release --example objective_maximiser
//! ```
//!
//! For two teachers, one with two actions and a token tree, Markdown tables of the probability
//! that the maximiser gives to the teacher's favourite first action and, in brackets, of its
//! mean total variation distance from the (projected) teacher. A number behind `--` sets how
//! many random starts are tried besides the named ones.

use bellman_distill::operators::{CandidateSets, Discount, Phi, Selection, Shift, TopP};
use bellman_distill::tabular::objective::{MaximiseSettings, Maximum, TableObjective, Variant};
use bellman_distill::tabular::occupancy::{Behaviour, Occupancy, Start, occupancy};
use bellman_distill::tabular::{Mdp, MdpBuilder};
use std::error::Error;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ALPHAS: [f64; 6] = [0.05, 0.1, 0.5, 1.0, 10.0, 100.0];
const GAMMAS: [f64; 4] = [0.0, 0.5, 0.9, 0.99];
const SHIFTS: [(Shift, &str); 3] =
    [(Shift::Zero, "none"), (Shift::VocabMax, "vocab_max"), (Shift::LogSoftmax, "log_softmax")];

/// A teacher on a model: rewards are log π*, so that Q* = log π* and V* = 0 whatever γ is.
struct Teacher {
    name: &'static str,
    mdp: Mdp,
    q_star: Vec<f64>,
    sets: CandidateSets,
    data: Occupancy,
}

/// What a whole table has to say about its searches.
#[derive(Default)]
struct Searches {
    stationarity: f64,
    tied: usize,
    /// Settings with several local maxima, and settings, for each shift.
    several: [(usize, usize); 3],
}

fn main() -> Outcome<()> {
    let random_starts = std::env::args().nth(1).map_or(Ok(4), |starts| starts.parse())?;
    for teacher in [two_actions()?, token_tree(1.0)?, token_tree(0.8)?] {
        teacher.print(random_starts)?;
    }
    Ok(())
}

/// One state, a self loop, and the policy (0.9, 0.1).
fn two_actions() -> Outcome<Teacher> {
    let mut builder = MdpBuilder::new(1);
    let q_star = vec![0.9f64.ln(), 0.1f64.ln()];
    for (action, &reward) in (0..).zip(&q_star) {
        builder.action(0, action, reward, &[(0, 1.0)])?;
    }
    let name = "Two actions, one state with a self loop, teacher (0.9, 0.1), p = 1";
    // Every discount gives a single state the same weight.
    Teacher::new(name, builder.build()?.0, q_star, 1.0, Discount::new(0.5)?)
}

/// Texts of at most three tokens from {a, b, end}; state 7 is the end.
fn token_tree(p: f64) -> Outcome<Teacher> {
    // The next state after a and after b, and the probabilities of a, b and end.
    let states: [([usize; 2], [f64; 3]); 7] = [
        ([1, 2], [0.7, 0.2, 0.1]),
        ([3, 4], [0.5, 0.4, 0.1]),
        ([5, 6], [0.15, 0.8, 0.05]),
        ([7, 7], [0.25, 0.1, 0.65]),
        ([7, 7], [0.45, 0.35, 0.2]),
        ([7, 7], [0.05, 0.05, 0.9]),
        ([7, 7], [0.6, 0.3, 0.1]),
    ];
    let mut builder = MdpBuilder::new(8);
    let mut q_star = Vec::new();
    for (state, (next, policy)) in states.into_iter().enumerate() {
        for (action, (next, share)) in (0..).zip([next[0], next[1], 7].into_iter().zip(policy)) {
            builder.action(state, action, share.ln(), &[(next, 1.0)])?;
            q_star.push(share.ln());
        }
    }
    builder.terminal(7)?;
    q_star.push(0.0);
    let name = if p == 1.0 {
        "A token tree, texts of at most three tokens, p = 1"
    } else {
        "The same tree, p = 0.8: the sets and the data are those of top-p sampling"
    };
    // Every position of every text counts the same, as in training.
    Teacher::new(name, builder.build()?.0, q_star, p, Discount::new(1.0)?)
}

impl Teacher {
    fn new(
        name: &'static str,
        mdp: Mdp,
        q_star: Vec<f64>,
        p: f64,
        weighed_by: Discount,
    ) -> Outcome<Self> {
        let selection = Selection::TopP(TopP::new(p)?);
        let sets = CandidateSets::select(mdp.layout(), &q_star, selection)?;
        let behaviour = Behaviour::Projected(&q_star, &sets);
        let data = occupancy(&mdp, weighed_by, behaviour, Start::State(0))?;
        Ok(Self { name, mdp, q_star, sets, data })
    }

    fn maximum(
        &self,
        gamma: f64,
        phi: Phi,
        shift: Shift,
        random_starts: usize,
    ) -> Outcome<Maximum> {
        let variant = Variant::new(phi, shift);
        // Without a shift there is one maximum; with one, try every action in the lead.
        let leader_rounds = if shift == Shift::Zero { 0 } else { 10 };
        let settings =
            MaximiseSettings { random_starts, leader_rounds, ..MaximiseSettings::default() };
        let gamma = Discount::new(gamma)?;
        let objective = TableObjective::new(&self.mdp, gamma, &self.sets, &self.data, variant)?;
        Ok(objective.maximise(&self.q_star, settings)?)
    }

    /// A table with a row for each shift and γ and a column for each α.
    fn print(&self, random_starts: usize) -> Outcome<()> {
        println!("### {}\n", self.name);
        println!("The (projected) teacher gives {:.3}.\n", self.first(&self.data.pair));
        let columns: Vec<String> = ALPHAS.iter().map(|alpha| format!("α = {alpha}")).collect();
        println!("| shift | γ | {} | φ = id |", columns.join(" | "));
        println!("|---|---|{}---|", "---|".repeat(ALPHAS.len()));
        let mut searches = Searches::default();
        for (row, (shift, name)) in SHIFTS.into_iter().enumerate() {
            for gamma in GAMMAS {
                print!("| {name} | {gamma} |");
                let chi2: Result<Vec<Phi>, _> = ALPHAS.into_iter().map(Phi::chi2).collect();
                for phi in chi2?.into_iter().chain([Phi::Identity]) {
                    let maximum = self.maximum(gamma, phi, shift, random_starts)?;
                    let share = self.first(&maximum.policy.probability);
                    print!(" {share:.3} ({:.3}) |", maximum.distances.projected.mean);
                    searches.note(row, &maximum);
                }
                println!();
            }
        }
        searches.print();
        Ok(())
    }

    /// The share of the teacher's favourite action in the first state.
    fn first(&self, weights: &[f64]) -> f64 {
        let row = &weights[self.mdp.pairs_of(0)];
        row[0] / row.iter().sum::<f64>()
    }
}

impl Searches {
    fn note(&mut self, shift: usize, maximum: &Maximum) {
        self.stationarity = self.stationarity.max(maximum.stationarity);
        self.tied += usize::from(maximum.tied_states > 0);
        self.several[shift].0 += usize::from(maximum.agreed < maximum.runs.len());
        self.several[shift].1 += 1;
    }

    fn print(&self) {
        println!("\nSettings in which searches ended at different values:\n");
        for ((several, all), (_, name)) in self.several.iter().zip(SHIFTS) {
            println!("- {name}: {several} of {all}");
        }
        println!(
            "\nBest points at a kink (tied largest logits): {}. Largest violation of the \
             first-order conditions of a maximum: {:.0e}.\n",
            self.tied, self.stationarity
        );
    }
}
