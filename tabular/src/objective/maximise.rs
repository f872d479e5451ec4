//! The search for the maximiser of the objective over all logits.

use super::bfgs::{self, SearchSettings};
use super::{Maximum, ObjectiveError, TableObjective};
use crate::occupancy::projected;
use crate::random::Source;
use operators::CandidateSets;
use std::ops::Range;

/// How to look for the maximiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaximiseSettings {
    /// How long to search from each start.
    pub search: SearchSettings,
    /// Random starts besides the four named ones.
    pub random_starts: usize,
    /// The seed of the random starts.
    pub seed: u64,
    /// Rounds of local search from the best point, with one action of one state put on top; a
    /// round takes a search for each pair, and the last one finds nothing better.
    pub leader_rounds: usize,
    /// Values within this of the best, times 1 + |J|, count as the same.
    pub agreement: f64,
}

impl Default for MaximiseSettings {
    fn default() -> Self {
        Self {
            search: SearchSettings::default(),
            random_starts: 4,
            seed: 0,
            leader_rounds: 0,
            agreement: 1e-8,
        }
    }
}

/// One search.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Where it started.
    pub start: String,
    /// J where it ended.
    pub value: f64,
    /// The largest entry of the gradient there.
    pub gradient_norm: f64,
    /// Steps taken.
    pub steps: usize,
}

impl TableObjective<'_> {
    /// The best of several searches: from Q*, log π*, zeros, the behaviour-cloning solution and
    /// random points.
    ///
    /// Several, because the objective is not concave in the logits when φ is curved; how many
    /// agree is evidence, not proof, that the best is the global maximum.
    ///
    /// # Errors
    /// [`ObjectiveError::NotFinite`] when J is no number at a start;
    /// [`ObjectiveError::Operator`] when `q_star` does not fit the model.
    pub fn maximise(
        &self,
        q_star: &[f64],
        settings: MaximiseSettings,
    ) -> Result<Maximum, ObjectiveError> {
        let mut runs = Vec::new();
        let mut best: Option<bfgs::Search> = None;
        for (start, z) in self.starts(q_star, settings)? {
            let search = self.search(start, &z, settings, &mut runs)?;
            if best.as_ref().is_none_or(|best| search.value > best.value) {
                best = Some(search);
            }
        }
        // `starts` always returns the four named ones, and each search replaces `None`.
        let mut best = best.expect("there are four named starts");
        for _ in 0..settings.leader_rounds {
            if !self.try_other_leaders(&mut best, settings, &mut runs)? {
                break;
            }
        }
        let near = |value: f64, best: f64| best - value <= settings.agreement * (1.0 + best.abs());
        let agreed = runs.iter().filter(|run| near(run.value, best.value)).count();
        self.describe(best, q_star, runs, agreed)
    }

    /// Climbs from one start and notes where that ended.
    fn search(
        &self,
        start: String,
        z: &[f64],
        settings: MaximiseSettings,
        runs: &mut Vec<Run>,
    ) -> Result<bfgs::Search, ObjectiveError> {
        let search = bfgs::maximise(|z| self.gradient(z), z, settings.search)?;
        let value = search.value;
        if !value.is_finite() {
            return Err(ObjectiveError::NotFinite { start, value });
        }
        let gradient_norm = largest(search.gradient.iter().copied());
        runs.push(Run { start, value, gradient_norm, steps: search.steps });
        Ok(search)
    }

    /// Searches again with each action of each state with weight put on top of its row, dropped
    /// ones included: which action leads is what the local maxima of a shifted objective differ
    /// in. Whether anything better was found.
    fn try_other_leaders(
        &self,
        best: &mut bfgs::Search,
        settings: MaximiseSettings,
        runs: &mut Vec<Run>,
    ) -> Result<bool, ObjectiveError> {
        let mut improved = false;
        let weighed = |row: &Range<usize>| self.weights[row.clone()].iter().any(|&w| w > 0.0);
        for row in self.mdp.layout().iter().filter(weighed) {
            for pair in row.clone() {
                let mut z = best.point.clone();
                let top = z[row.clone()].iter().copied().fold(f64::NEG_INFINITY, f64::max);
                z[pair] = top + 1.0;
                let search = self.search(format!("pair {pair} on top"), &z, settings, runs)?;
                if search.value > best.value + settings.agreement * (1.0 + best.value.abs()) {
                    *best = search;
                    improved = true;
                }
            }
        }
        Ok(improved)
    }

    /// The named starts and the random ones.
    fn starts(
        &self,
        q_star: &[f64],
        settings: MaximiseSettings,
    ) -> Result<Vec<(String, Vec<f64>)>, ObjectiveError> {
        let full = CandidateSets::full(self.mdp.layout());
        let mut starts = vec![
            ("Q*".into(), q_star.to_vec()),
            ("log π*".into(), projected(q_star, &full)?.log_probability),
            ("zeros".into(), vec![0.0; q_star.len()]),
            ("behaviour cloning".into(), self.behaviour_cloning()),
        ];
        for i in 0..settings.random_starts {
            let mut source = Source::new(settings.seed, i as u64);
            let z = q_star.iter().map(|_| source.signed(3.0)).collect();
            starts.push((format!("random {i}"), z));
        }
        Ok(starts)
    }

    /// log of the data's own policy: what φ = identity is maximised by. Actions never taken get
    /// −10 in place of −∞.
    fn behaviour_cloning(&self) -> Vec<f64> {
        let mut z = vec![0.0; self.weights.len()];
        for row in self.mdp.layout().iter() {
            let total: f64 = self.weights[row.clone()].iter().sum();
            for pair in row.filter(|_| total > 0.0) {
                z[pair] = (self.weights[pair] / total).ln().max(-10.0);
            }
        }
        z
    }
}

/// The largest absolute value.
pub(super) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |largest, x| x.abs().max(largest))
}
