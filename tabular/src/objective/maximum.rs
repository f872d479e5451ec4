//! What was found: the best point, whether it is a maximum, how far it is from the teacher.

use super::bfgs::Search;
use super::maximise::{Run, largest};
use super::{ObjectiveError, TableObjective};
use crate::occupancy::projected;
use crate::solve::{Method, Operator, Settings, TablePolicy, action_values, solve};
use operators::{CandidateSets, Cells, Dense, NumberSystem, OperatorError, Shift, supported_norm};

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
    /// The best point with everything there is to say about it.
    pub(super) fn describe(
        &self,
        best: Search,
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

    /// How far a point is from the first-order conditions of a local maximum, and the states
    /// with weight that are tied.
    ///
    /// Without kinks that is the gradient. With [`Shift::VocabMax`], J is a function of Q with
    /// max_a Q(s,a) = 0. If one action attains that maximum, the derivatives with respect to the
    /// others must vanish. If several do, each of them can only be lowered while another stays,
    /// so its derivative must not be negative.
    fn stationarity(&self, at: &Search) -> Result<(f64, usize), ObjectiveError> {
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
        supported_norm(&n, &Cells(difference), &weighed.collect())
    }
}
