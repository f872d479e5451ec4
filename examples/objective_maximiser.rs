//! What the χ² objective converges to: the exact maximiser, over α, γ and the shift.
//!
//! ```text
//! cargo run --release --example objective_maximiser
//! ```
//!
//! One state with a self loop and two actions, of which the teacher takes the first with
//! probability 0.9. The table gives the probability that the maximiser of the objective takes it.

use bellman_distill::operators::{CandidateSets, Discount, Phi, Shift};
use bellman_distill::tabular::MdpBuilder;
use bellman_distill::tabular::objective::{MaximiseSettings, TableObjective, Variant};
use bellman_distill::tabular::occupancy::{Behaviour, Start, occupancy};
use std::error::Error;

const ALPHAS: [f64; 6] = [0.05, 0.1, 0.5, 1.0, 10.0, 100.0];
const GAMMAS: [f64; 4] = [0.0, 0.5, 0.9, 0.99];
const SHIFTS: [(&str, Shift); 3] =
    [("none", Shift::Zero), ("vocab_max", Shift::VocabMax), ("log_softmax", Shift::LogSoftmax)];

fn main() -> Result<(), Box<dyn Error>> {
    // r = log π makes Q* = log π at every γ.
    let teacher = [0.9f64, 0.1];
    let q_star = teacher.map(f64::ln);
    let mut builder = MdpBuilder::new(1);
    for (action, reward) in q_star.iter().enumerate() {
        builder.action(0, action as u32, *reward, &[(0, 1.0)])?;
    }
    let (mdp, _) = builder.build()?;
    let sets = CandidateSets::full(mdp.layout());
    println!("| shift | γ | {} | φ = id |", ALPHAS.map(|a| format!("α = {a}")).join(" | "));
    println!("|---|---|{}---|", "---|".repeat(ALPHAS.len()));
    for (name, shift) in SHIFTS {
        for gamma in GAMMAS {
            let discount = Discount::new(gamma)?;
            let data = occupancy(&mdp, discount, Behaviour::Boltzmann(&q_star), Start::Uniform)?;
            let probability = |phi: Phi| -> Result<String, Box<dyn Error>> {
                let variant = Variant::new(phi, shift);
                let objective = TableObjective::new(&mdp, discount, &sets, &data, variant)?;
                let maximum = objective.maximise(&q_star, MaximiseSettings::default())?;
                Ok(format!("{:.3}", maximum.policy.probability[0]))
            };
            let mut row = Vec::new();
            for alpha in ALPHAS {
                row.push(probability(Phi::chi2(alpha)?)?);
            }
            row.push(probability(Phi::Identity)?);
            println!("| {name} | {gamma} | {} |", row.join(" | "));
        }
    }
    Ok(())
}
