//! How a theorist tests a conjecture: write it as a check, let a campaign look for a
//! counterexample, and read the small one that it finds.
//!
//! ```text
//! cargo run --release --example conjecture
//! ```
//!
//! Two conjectures. The first is false: that the gap of the projected teacher is at most κ(p)/2.
//! The second is true: the gap is at most κ with the smallest captured mass in place of p.

use bellman_distill::operators::{NumberSystem, OperatorError, Rows};
use bellman_distill::tabular::formats::to_json;
use bellman_distill::tabular::random::Source;
use bellman_distill::verify::{
    Case, Counterexample, Finding, Judge, Number, Plan, Proposition, Watch, campaign, proposition,
};
use std::error::Error;
use std::sync::atomic::AtomicBool;

/// D ≤ κ(p)/2 on the support. Tempting: on most random models it holds.
fn half_of_kappa<T: Number>(case: &Case<'_, T>, _: &mut Source) -> Result<Finding, OperatorError> {
    if !case.gamma().is_contracting() {
        return Ok(Finding::outside("γ < 1"));
    }
    let mut judge = Judge::new();
    let gap = case.gap()?;
    let half = case.kappa()? / T::from_f64(2.0);
    for (_, pair, place) in case.support() {
        judge.bounded("D ≤ κ(p)/2", place, gap.0[pair], half, case.value_slack);
    }
    Ok(judge.finish::<T>())
}

/// D ≤ −γ log(min m)/(1−γ), with the smallest mass that any set captures.
fn smallest_mass<T: Number>(case: &Case<'_, T>, _: &mut Source) -> Result<Finding, OperatorError> {
    if !case.gamma().is_contracting() {
        return Ok(Finding::outside("γ < 1"));
    }
    let mut judge = Judge::new();
    let worst = case.n.largest(&case.leak.0, &vec![true; case.mdp().states()])?;
    let worst = Rows(nalgebra::DVector::from_element(1, worst));
    let bound = case.theory.kappa(&case.n, case.gamma(), &worst)?.0[0];
    let gap = case.gap()?;
    for (_, pair, place) in case.support() {
        judge.bounded("D ≤ κ(min m)", place, gap.0[pair], bound, case.value_slack);
    }
    Ok(judge.finish::<T>())
}

fn main() -> Result<(), Box<dyn Error>> {
    let conjectures: [Proposition; 2] = [
        proposition!("half-of-kappa", "D ≤ κ(p)/2", "a conjecture", half_of_kappa),
        proposition!("smallest-mass", "D ≤ κ(min m)", "leak identity", smallest_mass),
    ];
    let plan = Plan { mdps: 20_000, propositions: conjectures.to_vec(), ..Plan::new(1) };
    let watch = Watch { advanced: &|| (), stop: &AtomicBool::new(false), sample_every: 0 };
    let outcome = campaign::run(&plan, &watch);
    for (conjecture, tally) in conjectures.iter().zip(&outcome.tallies) {
        println!(
            "{}: {} on {} instances, violated on {}, largest value / bound {:.6}",
            conjecture.name,
            conjecture.statement,
            tally.checked,
            tally.violated,
            tally.worst_ratio.unwrap_or(0.0),
        );
        if let Some(failure) = tally.failures.first() {
            let found = Counterexample::shrink(&plan, conjecture, failure)?;
            println!("a counterexample from which nothing can be taken away:");
            println!("{}", to_json(&found.instance));
            if let Some(witness) = found.finding.verdict.witness() {
                println!("{witness}");
            }
        }
    }
    Ok(())
}
