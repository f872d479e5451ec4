//! Running a plan: every proposition on every instance, in parallel, reproducibly.

use crate::{
    Case, CaseError, Check, Finding, Number, Plan, Proposition, Sample, Theory, Verdict, Witness,
};
use operators::{OperatorError, Selection};
use ranks::{Ranks, RanksError};
use rayon::prelude::*;
use rounding::Enclosure;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use tabular::Instance;
use tabular::random::Source;

/// The most failures and undecided cases kept for each proposition.
const KEPT: usize = 3;

/// Counts for one proposition.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Instances that met the hypotheses.
    pub checked: u64,
    /// Held in floats.
    pub held: u64,
    /// Proved.
    pub proved: u64,
    /// Violated in floats.
    pub violated: u64,
    /// Refuted.
    pub refuted: u64,
    /// Undecided.
    pub undecided: u64,
    /// Instances outside the hypotheses.
    pub outside: u64,
    /// The largest value / bound.
    pub worst_ratio: Option<f64>,
    /// For equalities: known to within this much.
    pub width: Option<f64>,
    /// The first failures, by number of the instance.
    pub failures: Vec<Failure>,
    /// The first undecided instances.
    pub doubts: Vec<Failure>,
}

/// An instance at which a proposition fails or stays undecided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Its number in the campaign.
    pub index: u64,
    /// Where it fails.
    pub witness: Witness,
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        _ => a.or(b),
    }
}

impl Tally {
    fn record(&mut self, index: u64, finding: &Finding) {
        let failure = |witness: &Witness| Failure { index, witness: witness.clone() };
        match &finding.verdict {
            Verdict::Outside(_) => {
                self.outside += 1;
                return;
            }
            Verdict::Held => self.held += 1,
            Verdict::Proved => self.proved += 1,
            Verdict::Violated(witness) => {
                self.violated += 1;
                self.failures.push(failure(witness));
            }
            Verdict::Refuted(witness) => {
                self.refuted += 1;
                self.failures.push(failure(witness));
            }
            Verdict::Undecided(witness) => {
                self.undecided += 1;
                self.doubts.push(failure(witness));
            }
        }
        self.checked += 1;
        self.worst_ratio = larger(self.worst_ratio, finding.worst_ratio);
        self.width = larger(self.width, finding.width);
    }

    fn merge(&mut self, other: Self) {
        self.checked += other.checked;
        self.held += other.held;
        self.proved += other.proved;
        self.violated += other.violated;
        self.refuted += other.refuted;
        self.undecided += other.undecided;
        self.outside += other.outside;
        self.worst_ratio = larger(self.worst_ratio, other.worst_ratio);
        self.width = larger(self.width, other.width);
        for (mine, theirs) in
            [(&mut self.failures, other.failures), (&mut self.doubts, other.doubts)]
        {
            mine.extend(theirs);
            mine.sort_by_key(|f| f.index);
            mine.truncate(KEPT);
        }
    }
}

/// What a campaign found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// A tally for each proposition of the plan, in its order.
    pub tallies: Vec<Tally>,
    /// Figures of the instances, for statistics and plots, by number.
    pub samples: Vec<Sample>,
    /// How many instances were checked (fewer than planned when interrupted).
    pub mdps: u64,
}

impl Outcome {
    fn empty(propositions: usize) -> Self {
        Self { tallies: vec![Tally::default(); propositions], samples: Vec::new(), mdps: 0 }
    }

    fn merge(mut self, other: Self) -> Self {
        for (mine, theirs) in self.tallies.iter_mut().zip(other.tallies) {
            mine.merge(theirs);
        }
        self.samples.extend(other.samples);
        self.mdps += other.mdps;
        self
    }
}

/// What watches a campaign.
pub struct Watch<'a> {
    /// Called after each instance.
    pub advanced: &'a (dyn Fn() + Sync),
    /// Ends the campaign early when it becomes true.
    pub stop: &'a AtomicBool,
    /// Keep a [`Sample`] of every n-th instance; 0 keeps none.
    pub sample_every: u64,
}

/// Runs the plan on rayon's current thread pool.
pub fn run(plan: &Plan, watch: &Watch<'_>) -> Outcome {
    let mut outcome = some(plan, watch, (0..plan.len()).into_par_iter());
    outcome.samples.sort_by_key(|s| s.index);
    outcome
}

/// How many instances a rank checks before all agree whether to go on.
const ROUND: u64 = 1024;

/// The same, by several ranks, each on rayon's current thread pool: they take turns at the instances,
/// and all find what one would find alone. What ends one of them early ends all. Collective.
///
/// # Errors
/// Those of every collective call.
pub fn run_over(ranks: &Ranks, plan: &Plan, watch: &Watch<'_>) -> Result<Outcome, RanksError> {
    let (rank, size) = (ranks.rank() as u64, ranks.size() as u64);
    let mut outcome = Outcome::empty(plan.propositions.len());
    let mut next = 0;
    while next < plan.len() {
        let end = plan.len().min(next.saturating_add(ROUND.saturating_mul(size)));
        let mine = (next..end).into_par_iter().filter(|index| index % size == rank);
        outcome = outcome.merge(some(plan, watch, mine));
        next = end;
        if ranks.any(watch.stop.load(Ordering::Relaxed))? {
            break;
        }
    }
    let all = ranks.gather(&outcome)?.into_iter();
    let mut outcome = all.fold(Outcome::empty(plan.propositions.len()), Outcome::merge);
    outcome.samples.sort_by_key(|s| s.index);
    Ok(outcome)
}

/// What these instances show; samples in whatever order.
fn some(plan: &Plan, watch: &Watch<'_>, instances: impl ParallelIterator<Item = u64>) -> Outcome {
    let empty = || Outcome::empty(plan.propositions.len());
    let step = |mut outcome: Outcome, index: u64| {
        if watch.stop.load(Ordering::Relaxed) {
            return outcome;
        }
        let wanted = watch.sample_every > 0 && index.is_multiple_of(watch.sample_every);
        let (findings, sample) = check_index(plan, index, wanted);
        for (tally, finding) in outcome.tallies.iter_mut().zip(&findings) {
            tally.record(index, finding);
        }
        outcome.samples.extend(sample);
        outcome.mdps += 1;
        (watch.advanced)();
        outcome
    };
    instances.fold(empty, step).reduce(empty, Outcome::merge)
}

fn check_index(plan: &Plan, index: u64, wanted: bool) -> (Vec<Finding>, Option<Sample>) {
    let trouble = |error: &dyn std::fmt::Display| {
        // Sizes and parameters are checked before a campaign starts; what is left are numbers
        // that overflow or cannot be certified, about which nothing can be said. The families
        // have none at the discounts of a plan that names none.
        let usual = plan.theory.mutation.is_none() && plan.given.is_empty() && plan.gamma.is_none();
        debug_assert!(!usual, "instance {index}: {error}");
        vec![unsolved(error); plan.propositions.len()]
    };
    let (instance, sets) = match plan.instance(index) {
        Ok(both) => both,
        Err(error) => return (trouble(&error), None),
    };
    let selection = sets.selection(&instance);
    let sampled = wanted.then_some(index);
    let study = Study { instance: &instance, selection, theory: plan.theory, sampled };
    study
        .run(&plan.propositions, plan.rigorous, plan.probes(index))
        .unwrap_or_else(|error| (trouble(&error), None))
}

/// Checks one proposition on one instance.
pub fn check(
    proposition: &Proposition,
    instance: &Instance,
    selection: Selection,
    theory: Theory,
    rigorous: bool,
    probes: Source,
) -> Finding {
    let study = Study { instance, selection, theory, sampled: None };
    let findings = study.run(std::slice::from_ref(proposition), rigorous, probes);
    match findings {
        // One proposition, one finding.
        Ok((mut one, _)) => one.remove(0),
        Err(error) => unsolved(&error),
    }
}

/// One instance, about to be solved and checked.
struct Study<'a> {
    instance: &'a Instance,
    selection: Selection,
    theory: Theory,
    /// The number under which to keep its figures, if they are wanted.
    sampled: Option<u64>,
}

impl Study<'_> {
    fn run(
        &self,
        propositions: &[Proposition],
        rigorous: bool,
        probes: Source,
    ) -> Result<(Vec<Finding>, Option<Sample>), CaseError> {
        let Self { instance, selection, theory, .. } = *self;
        Ok(if rigorous {
            let case = Case::<Enclosure>::enclose(instance, selection, theory)?;
            self.examine(&case, propositions.iter().map(|p| p.rigorous), probes)?
        } else {
            let case = Case::<f64>::solve(instance, selection, theory)?;
            self.examine(&case, propositions.iter().map(|p| p.float), probes)?
        })
    }

    fn examine<T: Number>(
        &self,
        case: &Case<'_, T>,
        checks: impl Iterator<Item = Check<T>>,
        mut probes: Source,
    ) -> Result<(Vec<Finding>, Option<Sample>), OperatorError> {
        // Each proposition gets the same probes whatever else is checked.
        let findings =
            checks.map(|check| check(case, &mut probes.clone())).collect::<Result<Vec<_>, _>>()?;
        let sample = self.sampled.map(|index| Sample::of(case, index, &mut probes)).transpose()?;
        Ok((findings, sample))
    }
}

fn unsolved(error: &dyn std::fmt::Display) -> Finding {
    let witness = Witness::unexamined("the instance can be examined", error.to_string());
    Finding { verdict: Verdict::Undecided(witness), worst_ratio: None, width: None }
}
