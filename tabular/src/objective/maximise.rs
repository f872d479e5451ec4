//! The maximiser of the objective over all logits, and how far it is from the teacher.

use super::bfgs::{self, SearchSettings};
use super::{ObjectiveError, TableObjective};
use crate::occupancy::projected;
use crate::random::Source;
use crate::solve::{Method, Operator, Settings, TablePolicy, action_values, solve};
use operators::{CandidateSets, Dense, NumberSystem, OperatorError, Shift, supported_norm};

/// How to look for the maximiser.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaximiseSettings {
    /// How long to search from each start.
    pub search: SearchSettings,
    /// Random starts besides the four named ones.
    pub random_starts: usize,
    /// The seed of the random starts.
    pub seed: u64,
    /// Values within this of the best, times 1 + |J|, count as the same.
    pub agreement: f64,
}

impl Default for MaximiseSettings {
    fn default() -> Self {
        Self { search: SearchSettings::default(), random_starts: 4, seed: 0, agreement: 1e-8 }
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

/// How far two policies are apart, in total variation ½ Σ_a |π(a|s) − π'(a|s)|.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyDistance {
    /// Averaged over states by their weight in the objective.
    pub mean: f64,
    /// The largest over states with weight.
    pub largest: f64,
}

/// Where the maximiser lies in relation to the theory's Q-functions and policies.
///
/// Q-functions are compared as they are: shifts per state count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distances {
    /// From π*.
    pub teacher: PolicyDistance,
    /// From proj_p π*.
    pub projected: PolicyDistance,
    /// max |Q − Q*| over candidate pairs with weight.
    pub q_star: f64,
    /// max |Q − Q̄_p*| over candidate pairs with weight.
    pub q_bar_optimal: f64,
}

/// The best point found.
#[derive(Debug, Clone, PartialEq)]
pub struct Maximum {
    /// The logits.
    pub z: Vec<f64>,
    /// Q = shift(z).
    pub q: Vec<f64>,
    /// J.
    pub value: f64,
    /// The largest entry of the gradient. With [`Shift::VocabMax`] the maximum may be a kink,
    /// where this need not vanish; see [`Maximum::stationarity`].
    pub gradient_norm: f64,
    /// How far the first-order conditions of a local maximum are from holding, kinks included.
    pub stationarity: f64,
    /// The states with weight in which several actions share the largest logit: kinks.
    pub tied_states: usize,
    /// The student's policy on the candidate sets, proj_p π_Q.
    pub policy: TablePolicy,
    /// How far it is from the theory's quantities.
    pub distances: Distances,
    /// Every search, in order.
    pub runs: Vec<Run>,
    /// How many searches ended at the best value.
    pub agreed: usize,
}

/// Logits this close are taken as tied.
const TIE: f64 = 1e-7;

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
            let search = bfgs::maximise(|z| self.gradient(z), &z, settings.search)?;
            let value = search.value;
            if !value.is_finite() {
                return Err(ObjectiveError::NotFinite { start, value });
            }
            let gradient_norm = largest(search.gradient.iter().copied());
            runs.push(Run { start, value, gradient_norm, steps: search.steps });
            if best.as_ref().is_none_or(|best| value > best.value) {
                best = Some(search);
            }
        }
        let near = |value: f64, best: f64| best - value <= settings.agreement * (1.0 + best.abs());
        let best = best.expect("there are four named starts");
        let agreed = runs.iter().filter(|run| near(run.value, best.value)).count();
        self.describe(best, q_star, runs, agreed)
    }

    fn describe(
        &self,
        best: bfgs::Search,
        q_star: &[f64],
        runs: Vec<Run>,
        agreed: usize,
    ) -> Result<Maximum, ObjectiveError> {
        let n = Dense::<f64>::new(self.mdp.layout());
        let q = self.q(&n.cells(&best.point)?)?.0.as_slice().to_vec();
        let (stationarity, tied_states) = self.stationarity(&best)?;
        let policy = projected(&q, self.sets)?;
        Ok(Maximum {
            distances: self.distances(&q, &policy, q_star)?,
            gradient_norm: largest(best.gradient.iter().copied()),
            value: best.value,
            z: best.point,
            q,
            stationarity,
            tied_states,
            policy,
            runs,
            agreed,
        })
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

    /// How far a point is from the first-order conditions of a local maximum, and the states
    /// with weight that are tied.
    ///
    /// Without kinks that is the gradient. With [`Shift::VocabMax`], J is a function of Q with
    /// max_a Q(s,a) = 0. If one action attains that maximum, the derivatives with respect to the
    /// others must vanish. If several do, each of them can only be lowered while another stays,
    /// so its derivative must not be negative.
    fn stationarity(&self, at: &bfgs::Search) -> Result<(f64, usize), ObjectiveError> {
        if self.variant.shift != Shift::VocabMax {
            return Ok((largest(at.gradient.iter().copied()), 0));
        }
        let n = Dense::<f64>::new(self.mdp.layout());
        let mut of_q = self.clone();
        of_q.variant.shift = Shift::Zero;
        let q = self.q(&n.cells(&at.point)?)?.0;
        let (_, slopes) = of_q.gradient(q.as_slice())?;
        let (mut violation, mut tied_states) = (0.0_f64, 0);
        for row in self.mdp.layout().iter() {
            let top = row.clone().filter(|&pair| q[pair] >= -TIE).count();
            let weighed = row.clone().any(|pair| self.weights[pair] > 0.0);
            tied_states += usize::from(top > 1 && weighed);
            for pair in row {
                let violated = match (q[pair] >= -TIE, top) {
                    (true, 1) => 0.0,
                    (true, _) => (-slopes[pair]).max(0.0),
                    (false, _) => slopes[pair].abs(),
                };
                violation = violation.max(violated);
            }
        }
        Ok((violation, tied_states))
    }

    fn distances(
        &self,
        q: &[f64],
        policy: &TablePolicy,
        q_star: &[f64],
    ) -> Result<Distances, ObjectiveError> {
        let (mdp, gamma) = (self.mdp, self.gamma);
        let operator = Operator::TopP(self.sets);
        let settings = Settings::default();
        let v_bar = solve(mdp, gamma, operator, Method::default(), settings, None).v;
        let q_bar = action_values(mdp, gamma, &v_bar);
        let teacher = projected(q_star, &CandidateSets::full(mdp.layout()))?;
        Ok(Distances {
            teacher: self.policy_distance(policy, &teacher),
            projected: self.policy_distance(policy, &projected(q_star, self.sets)?),
            q_star: self.q_distance(q, q_star)?,
            q_bar_optimal: self.q_distance(q, &q_bar)?,
        })
    }

    fn policy_distance(&self, left: &TablePolicy, right: &TablePolicy) -> PolicyDistance {
        let mut distance = PolicyDistance { mean: 0.0, largest: 0.0 };
        for row in self.mdp.layout().iter() {
            let weight: f64 = self.weights[row.clone()].iter().sum();
            let apart = row.map(|pair| (left.probability[pair] - right.probability[pair]).abs());
            let variation = 0.5 * apart.sum::<f64>();
            if weight > 0.0 {
                distance.mean += weight * variation;
                distance.largest = distance.largest.max(variation);
            }
        }
        distance
    }

    fn q_distance(&self, left: &[f64], right: &[f64]) -> Result<f64, OperatorError> {
        let n = Dense::<f64>::new(self.mdp.layout());
        let difference = n.sub(&n.cells(left)?.0, &n.cells(right)?.0)?;
        let weighed = self.weights.iter().zip(self.sets.kept()).map(|(&w, &k)| k && w > 0.0);
        supported_norm(&n, &operators::Cells(difference), &weighed.collect())
    }
}

/// The largest absolute value.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |largest, x| x.abs().max(largest))
}
