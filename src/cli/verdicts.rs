//! What `bellman verify` says of a campaign: a table for people, JSON for programs.

use super::output::{number, say, table};
use serde::Serialize;
use std::path::PathBuf;
use verify::statistics::Statistics;
use verify::{Failure, Outcome, Plan, Proposition, Sample, Tally};

/// So many undecided instances of a proposition are few enough to name each.
const FEW: u64 = 3;

/// The JSON that others rely on.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    seed: u64,
    mdps: u64,
    mode: &'static str,
    propositions: Vec<Entry<'a>>,
    counterexamples: &'a [PathBuf],
    /// The models that were given, with their figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<Model<'a>>,
    statistics: Statistics,
}

/// The gap of a model that was given, beside its bounds.
#[derive(Debug, Serialize)]
struct Model<'a> {
    name: &'a str,
    states: usize,
    gap: f64,
    bound_from_own_leak: f64,
    horizon_bound: Option<f64>,
    /// Infinite, and so null in JSON, at γ = 1.
    kappa: f64,
}

/// The models that were given and checked.
fn models<'a>(plan: &'a Plan, outcome: &Outcome) -> Vec<Model<'a>> {
    let model = |sample: &Sample| {
        let instance = plan.given.get(sample.index as usize)?;
        Some(Model {
            name: &instance.name,
            states: instance.mdp.states(),
            gap: sample.gap,
            bound_from_own_leak: sample.instance_kappa,
            horizon_bound: sample.horizon_bound,
            kappa: sample.kappa,
        })
    };
    outcome.samples.iter().filter_map(model).collect()
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    name: &'a str,
    checked: u64,
    held: u64,
    proved: u64,
    violated: u64,
    refuted: u64,
    undecided: u64,
    worst_ratio: Option<f64>,
    /// Equalities are proved to within this much.
    within: Option<f64>,
    /// The first undecided instances.
    doubts: Vec<Doubt>,
}

/// An instance on which a proposition stays undecided.
#[derive(Debug, Serialize)]
struct Doubt {
    instance: u64,
    what: String,
}

/// The verdicts as JSON.
pub fn summary<'a>(
    plan: &'a Plan,
    outcome: &Outcome,
    counterexamples: &'a [PathBuf],
) -> Report<'a> {
    let doubt = |doubt: &Failure| Doubt { instance: doubt.index, what: doubt.witness.doubt() };
    let entry = |(proposition, tally): (&'a Proposition, &Tally)| Entry {
        name: proposition.name,
        checked: tally.checked,
        held: tally.held,
        proved: tally.proved,
        violated: tally.violated,
        refuted: tally.refuted,
        undecided: tally.undecided,
        worst_ratio: tally.worst_ratio,
        within: tally.width,
        doubts: tally.doubts.iter().map(doubt).collect(),
    };
    Report {
        seed: plan.seed,
        mdps: outcome.mdps,
        mode: if plan.rigorous { "rigorous" } else { "float" },
        propositions: plan.propositions.iter().zip(&outcome.tallies).map(entry).collect(),
        counterexamples,
        models: models(plan, outcome),
        statistics: Statistics::of(&outcome.samples),
    }
}

/// The gaps of several models that were given, beside their bounds.
pub fn print_gaps(plan: &Plan, outcome: &Outcome) {
    let models = models(plan, outcome);
    if models.len() < 2 {
        return;
    }
    let mut table = table(&["", "mean", "largest"]);
    let mut row = |what: &str, figure: fn(&Model<'_>) -> Option<f64>| {
        let all: Vec<f64> = models.iter().filter_map(figure).collect();
        if !all.is_empty() {
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            let largest = all.into_iter().fold(f64::NEG_INFINITY, f64::max);
            table.add_row([what.to_string(), number(mean), number(largest)]);
        }
    };
    row("gap of the projected teacher", |m| Some(m.gap));
    row("bound from the model's own leak", |m| Some(m.bound_from_own_leak));
    row("horizon bound", |m| m.horizon_bound);
    row("κ(p)", |m| Some(m.kappa));
    say!("{table}");
}

/// The verdicts as a table, then failures and doubts one by one: doubts only where they are few
/// or `strict` makes them matter.
pub fn print_table(plan: &Plan, outcome: &Outcome, strict: bool) {
    let no = if plan.rigorous { "refuted" } else { "violated" };
    let mut header =
        vec!["proposition", "checked", "held", no, "undecided", "worst ratio", "to within"];
    if plan.rigorous {
        header.insert(2, "proved");
    }
    let mut table = table(&header);
    for (proposition, tally) in plan.propositions.iter().zip(&outcome.tallies) {
        let mut row = vec![
            proposition.name.to_string(),
            tally.checked.to_string(),
            tally.held.to_string(),
            (tally.violated + tally.refuted).to_string(),
            tally.undecided.to_string(),
            tally.worst_ratio.map_or("–".into(), number),
            tally.width.map_or("–".into(), |w| format!("{w:.1e}")),
        ];
        if plan.rigorous {
            row.insert(2, tally.proved.to_string());
        }
        table.add_row(row);
    }
    say!("{table}");
    for (proposition, tally) in plan.propositions.iter().zip(&outcome.tallies) {
        if tally.checked == 0 && !proposition.hypotheses.is_empty() {
            say!("{}: not checked, for it needs that {}", proposition.name, proposition.hypotheses);
        }
        for failure in &tally.failures {
            say!("{}: instance {}: {}", proposition.name, failure.index, failure.witness);
        }
        if strict || tally.undecided <= FEW {
            for doubt in &tally.doubts {
                let what = doubt.witness.doubt();
                say!("{}: instance {}: {what}", proposition.name, doubt.index);
            }
        }
    }
}
