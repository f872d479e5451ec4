//! What several test files need to make instances and to check them.
#![allow(dead_code)] // each test binary uses a part

use operators::{Discount, OperatorError, Selection, TopP};
use std::sync::atomic::AtomicBool;
use tabular::random::Source;
use tabular::{Instance, MdpBuilder};
use verify::{Case, Finding, Judge, Number, Outcome, Plan, Proposition, Tally, Theory, Watch};
use verify::{campaign, probes, proposition, propositions};

pub fn gamma(x: f64) -> Discount {
    Discount::new(x).expect("a discount")
}

pub fn top_p(x: f64) -> TopP {
    TopP::new(x).expect("a mass")
}

/// An action: its reward and where it leads.
pub type Action<'a> = (f64, &'a [(usize, f64)]);

/// A model by the actions of its states; a state without any is terminal.
pub fn model(discount: f64, p: f64, states: &[&[Action<'_>]]) -> Instance {
    let mut builder = MdpBuilder::new(states.len());
    for (state, actions) in states.iter().enumerate() {
        for (action, (reward, row)) in actions.iter().enumerate() {
            builder.action(state, action as u32, *reward, row).expect("a row");
        }
        if actions.is_empty() {
            builder.terminal(state).expect("a state");
        }
    }
    let (mdp, adjustments) = builder.build().expect("a model");
    assert!(adjustments.is_none(), "a model by hand is exact");
    Instance::new("by hand", mdp, gamma(discount), top_p(p))
}

/// A campaign about every proposition.
pub fn plan(mdps: u64) -> Plan {
    Plan { mdps, propositions: propositions::all(), ..Plan::new(0) }
}

/// Runs a campaign.
pub fn run(plan: &Plan) -> Outcome {
    sampled(plan, 0)
}

/// Runs a campaign, with the figures of every n-th instance.
pub fn sampled(plan: &Plan, sample_every: u64) -> Outcome {
    let watch = Watch { advanced: &|| (), stop: &AtomicBool::new(false), sample_every };
    campaign::run(plan, &watch)
}

/// What a campaign counts for each proposition.
pub fn tallies(plan: &Plan) -> Vec<(Proposition, Tally)> {
    plan.propositions.iter().copied().zip(run(plan).tallies).collect()
}

/// The proposition of this name.
pub fn named(name: &str) -> Proposition {
    propositions::named(&[name.into()]).expect("a proposition").remove(0)
}

/// What a proposition says of an instance under top-p sets.
pub fn check(proposition: &Proposition, instance: &Instance, rigorous: bool) -> Finding {
    let selection = Selection::TopP(instance.p);
    let theory = Theory::default();
    campaign::check(proposition, instance, selection, theory, rigorous, probes(0, 0))
}

/// A false conjecture: no gap is above half of κ(p).
pub fn half_the_bound() -> Proposition {
    fn check<T: Number>(case: &Case<'_, T>, _: &mut Source) -> Result<Finding, OperatorError> {
        let mut judge = Judge::new();
        let (gap, kappa) = (case.gap()?, case.kappa()?);
        let half = kappa / T::from_f64(2.0);
        for (_, pair, place) in case.support() {
            judge.bounded("D ≤ κ(p)/2", place, gap.0[pair], half, case.value_slack);
        }
        Ok(judge.finish::<T>())
    }
    proposition!("half-the-bound", "D ≤ κ(p)/2 on the support", "a guess", check)
}
