//! The propositions of the paper and what goes beyond them, a file per subject.

mod bounds;
mod certificates;
mod cloning;
mod contraction;
mod leak;
mod shaping;
mod solvers;

use crate::{Proposition, proposition};
use bounds::{horizon, main_bound, projected_teacher, sandwich, tightness};
use certificates::certificate;
use cloning::behaviour_cloning;
use contraction::{contraction, monotonicity};
use leak::leak_identity;
use shaping::shaping;
use solvers::solvers;

const PAPER: &str = "arXiv 2505.20335";

/// Every proposition that ships, in the order of the report.
pub fn all() -> Vec<Proposition> {
    vec![
        proposition!(
            "contraction",
            "‖B Q₁ − B Q₂‖ ≤ γ ‖Q₁ − Q₂‖ on the support, for B_p^π and T_p",
            "arXiv 2505.20335, Proposition 1",
            contraction,
        ),
        proposition!(
            "monotonicity",
            "Q₁ ≤ Q₂ implies B Q₁ ≤ B Q₂, for B_p^π and T_p",
            "arXiv 2505.20335, Proposition 1",
            monotonicity,
        ),
        proposition!(
            "projected-teacher",
            "0 ≤ Q* − Q̄^{proj π*} ≤ κ(p) on the support",
            "arXiv 2505.20335, Proposition 2",
            projected_teacher,
        ),
        proposition!(
            "sandwich",
            "Q̄^{proj π*} ≤ Q̄_p* ≤ Q* on the support",
            "arXiv 2505.20335, Proposition 3",
            sandwich,
        ),
        proposition!(
            "main-bound",
            "‖Q* − Q̄_p*‖ ≤ κ(p) on the support",
            "arXiv 2505.20335, Proposition 4",
            main_bound,
            if bounds::NEEDS_CONTRACTION,
        ),
        proposition!(
            "tightness",
            "the gap is κ(p), and so is that of Q̄_p*",
            "beyond the paper",
            tightness,
            if bounds::NEEDS_EXACT_MASS,
        ),
        proposition!(
            "leak-identity",
            "D = γ E[ℓ(s') + Σ proj π*(a'|s') D(s',a')]",
            "beyond the paper",
            leak_identity,
        ),
        proposition!(
            "horizon",
            "D ≤ −log p · Σ_{t=1}^{H−1} γ^t when the end comes within H transitions",
            "beyond the paper",
            horizon,
            if bounds::NEEDS_AN_END,
        ),
        proposition!(
            "behaviour-cloning",
            "with φ = id, J is the mean of log proj_p π_Q",
            "beyond the paper",
            behaviour_cloning,
        ),
        proposition!(
            "shaping",
            "Q + c(s) shapes the reward by a potential and changes no policy and no gap",
            "beyond the paper",
            shaping,
        ),
        proposition!(
            "certificate",
            "an accepted certificate encloses the fixed points, and the sets are the nucleus",
            "beyond the paper",
            certificate,
        ),
        proposition!(
            "solvers",
            "value, policy and modified policy iteration agree within their own error bounds",
            "implementation",
            solvers,
        ),
    ]
}

/// The propositions named, each once, or all of them when none is.
///
/// # Errors
/// The name that does not exist, with those that do.
pub fn named(names: &[String]) -> Result<Vec<Proposition>, String> {
    let all = all();
    if names.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        all.iter().find(|p| p.name == name).copied().ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|p| p.name).collect();
            format!("there is no proposition `{name}`; they are {}", known.join(", "))
        })
    };
    let first = |&(i, name): &(usize, &String)| !names[..i].contains(name);
    names.iter().enumerate().filter(first).map(|(_, name)| find(name)).collect()
}

/// The four propositions of the paper, by name.
pub fn of_the_paper() -> Vec<Proposition> {
    all().into_iter().filter(|p| p.source.starts_with(PAPER)).collect()
}
