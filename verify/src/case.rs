//! [`Case`]: an instance with everything the propositions speak of, in one number type.

use crate::{Judge, Number, Place, Theory};
use operators::{
    CandidateSets, Cells, Dense, Discount, NumberSystem, OperatorError, Projection, Rows,
    Selection, soft_value,
};
use std::sync::OnceLock;
use tabular::solve::SweepRounding;
use tabular::{Instance, Mdp};

/// An instance, its teacher, the candidate sets and the three fixed points.
pub struct Case<'a, T: Number> {
    /// The model with γ and p.
    pub instance: &'a Instance,
    /// The operators.
    pub theory: Theory,
    /// How the candidate sets were chosen, unless the instance has its own.
    pub selection: Selection,
    /// The number system over the pairs.
    pub n: Dense<T>,
    /// r.
    pub reward: Cells<Dense<T>>,
    /// A_p(s).
    pub sets: CandidateSets,
    /// The pairs in their candidate sets.
    pub set: Vec<bool>,
    /// All pairs.
    pub full: Vec<bool>,
    /// Q*.
    pub q_star: Cells<Dense<T>>,
    /// V*.
    pub v_star: Rows<Dense<T>>,
    /// proj_p π*.
    pub teacher: Projection<Dense<T>>,
    /// ℓ(s).
    pub leak: Rows<Dense<T>>,
    /// Q̄^{proj_p π*}.
    pub q_projected: Cells<Dense<T>>,
    /// Q̄_p*.
    pub q_top_p: Cells<Dense<T>>,
    /// V near V*, as the solver left it.
    pub v_optimal: Vec<f64>,
    /// V near the value of the projected teacher, likewise.
    pub v_projected: Vec<f64>,
    /// V near the top-p optimal value, likewise.
    pub v_top_p: Vec<f64>,
    /// [`Case::coincidence`], once somebody asked.
    pub(crate) coincidence: OnceLock<Coincidence>,
    /// The largest number of transitions to the end, where it is certain.
    pub horizons: Option<Vec<usize>>,
    /// Floats: how far one operator application can be off, residuals of the fixed points
    /// included. 0 for enclosures.
    pub step_slack: f64,
    /// Floats: how far a fixed point can be off. 0 for enclosures.
    pub value_slack: f64,
    /// Floats: rounding of one application to other numbers.
    pub rounding: SweepRounding,
}

impl<T: Number> Case<'_, T> {
    /// The model.
    pub fn mdp(&self) -> &Mdp {
        &self.instance.mdp
    }

    /// γ.
    pub fn gamma(&self) -> Discount {
        self.instance.gamma
    }

    /// What is equal by the shape of the candidate sets alone; found on first use, as enclosures
    /// only need it.
    pub fn coincidence(&self) -> &Coincidence {
        self.coincidence.get_or_init(|| Coincidence::new(self.mdp(), &self.sets))
    }

    /// D = Q* − Q̄^{proj_p π*}.
    ///
    /// # Errors
    /// When shapes do not fit, as with all operators below.
    pub fn gap(&self) -> Result<Cells<Dense<T>>, OperatorError> {
        Ok(Cells(self.n.sub(&self.q_star.0, &self.q_projected.0)?))
    }

    /// B_p^{π*} Q.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn projected_backup(&self, q: &Cells<Dense<T>>) -> Result<Cells<Dense<T>>, OperatorError> {
        let value = self.theory.policy_value(&self.n, q, &self.teacher, &self.set)?;
        self.theory.backup(&self.n, self.mdp(), &self.reward, self.gamma(), &value)
    }

    /// T_p Q.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn top_p_backup(&self, q: &Cells<Dense<T>>) -> Result<Cells<Dense<T>>, OperatorError> {
        let value = self.theory.top_p_value(&self.n, q, &self.set)?;
        self.theory.backup(&self.n, self.mdp(), &self.reward, self.gamma(), &value)
    }

    /// T Q.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn optimal_backup(&self, q: &Cells<Dense<T>>) -> Result<Cells<Dense<T>>, OperatorError> {
        let value = soft_value(&self.n, q, &self.full)?;
        self.theory.backup(&self.n, self.mdp(), &self.reward, self.gamma(), &value)
    }

    /// The rule that chose the candidate sets; none where they came with the instance.
    pub fn rule(&self) -> Option<Selection> {
        self.instance.sets.is_none().then_some(self.selection)
    }

    /// The largest leak of any state.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn largest_leak(&self) -> Result<T, OperatorError> {
        self.n.largest(&self.leak.0, &vec![true; self.mdp().states()])
    }

    /// The leak that the mass of the sets allows: −log p for top-p sets, otherwise the largest
    /// leak of any state. Sets that came with the instance are taken to carry p, which counts
    /// where they do, and the largest leak where one of them does not.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn allowed_leak(&self) -> Result<T, OperatorError> {
        match self.rule() {
            Some(Selection::TopP(p)) => Ok(self.theory.leak_of_p(p)),
            Some(_) => self.largest_leak(),
            None => Ok(self.theory.leak_of_p::<T>(self.instance.p).max(self.largest_leak()?)),
        }
    }

    /// κ for [`Case::allowed_leak`].
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn kappa(&self) -> Result<T, OperatorError> {
        let leak = Rows(nalgebra::DVector::from_element(1, self.allowed_leak()?));
        Ok(self.theory.kappa(&self.n, self.gamma(), &leak)?.0[0])
    }

    /// Visits every pair: (state, pair, where it is).
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize, Place)> + '_ {
        let actions = self.mdp().actions();
        self.mdp().layout().iter().enumerate().flat_map(move |(state, pairs)| {
            pairs.map(move |pair| (state, pair, Place { state, action: Some(actions[pair]) }))
        })
    }

    /// Visits the pairs of the candidate sets.
    pub fn support(&self) -> impl Iterator<Item = (usize, usize, Place)> + '_ {
        self.pairs().filter(|&(_, pair, _)| self.set[pair])
    }

    /// `value ≤ bound` on every pair of the support.
    pub fn judge_at_most(
        &self,
        judge: &mut Judge,
        claim: &'static str,
        value: &Cells<Dense<T>>,
        bound: &Cells<Dense<T>>,
        slack: f64,
    ) {
        for (_, pair, place) in self.support() {
            judge.at_most(claim, place, value.0[pair], bound.0[pair], slack);
        }
    }
}

/// Pairs behind which the candidate sets alone make fixed points equal, whatever the numbers.
///
/// Enclosures of two equal numbers overlap and decide nothing, so equality by definition has to
/// be seen in the sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Coincidence {
    /// Every state that kept actions can reach keeps all its actions: there nothing leaks, and
    /// Q* = Q̄_p* = Q̄^{proj π*}.
    pub full: Vec<bool>,
    /// In every state that kept actions can reach, either one action is kept, so that T_p and
    /// B_p^π are the same function, or nothing leaks behind any kept action, so that proj_p π* is
    /// the Boltzmann policy of Q̄_p* itself: Q̄_p* = Q̄^{proj π*}.
    pub same: Vec<bool>,
}

impl Coincidence {
    /// Reads them off the sets.
    pub fn new(mdp: &Mdp, sets: &CandidateSets) -> Self {
        let ahead =
            |good: &[bool], pair: usize| mdp.row(pair).successors.iter().all(|&s| good[s as usize]);
        let kept = |state| mdp.pairs_of(state).filter(|&pair| sets.kept()[pair]);
        let predecessors = Predecessors::new(mdp, sets);
        let leakless = closure(&predecessors, |state, good| {
            sets.size(state) == mdp.pairs_of(state).len() && kept(state).all(|p| ahead(good, p))
        });
        let full: Vec<bool> = (0..mdp.pairs()).map(|pair| ahead(&leakless, pair)).collect();
        let agreeing = closure(&predecessors, |state, good| {
            kept(state).all(|pair| full[pair])
                || (sets.size(state) == 1 && kept(state).all(|pair| ahead(good, pair)))
        });
        let same = (0..mdp.pairs()).map(|pair| ahead(&agreeing, pair)).collect();
        Self { full, same }
    }
}

/// The states that lead to a state by an action that they keep.
struct Predecessors {
    offsets: Vec<usize>,
    states: Vec<u32>,
}

impl Predecessors {
    fn new(mdp: &Mdp, sets: &CandidateSets) -> Self {
        let kept = |state: usize| mdp.pairs_of(state).filter(|&pair| sets.kept()[pair]);
        let ahead = |state: usize| kept(state).flat_map(|pair| mdp.row(pair).successors);
        let mut offsets = vec![0; mdp.states() + 1];
        for &next in (0..mdp.states()).flat_map(ahead) {
            offsets[next as usize + 1] += 1;
        }
        for state in 0..mdp.states() {
            offsets[state + 1] += offsets[state];
        }
        let mut free = offsets.clone();
        let mut states = vec![0; offsets[mdp.states()]];
        for state in 0..mdp.states() {
            for &next in ahead(state) {
                states[free[next as usize]] = state as u32;
                free[next as usize] += 1;
            }
        }
        Self { offsets, states }
    }

    fn of(&self, state: usize) -> impl Iterator<Item = usize> + '_ {
        self.states[self.offsets[state]..self.offsets[state + 1]].iter().map(|&s| s as usize)
    }
}

/// The largest set of states in which each `holds`, given that the others of the set do. What
/// holds in a state may depend on the states that its kept actions lead to.
///
/// A state is looked at again when one that it leads to drops out, which each does once: the work
/// is proportional to the number of transitions.
fn closure(predecessors: &Predecessors, holds: impl Fn(usize, &[bool]) -> bool) -> Vec<bool> {
    let states = predecessors.offsets.len() - 1;
    let mut good = vec![true; states];
    let mut open: Vec<usize> = (0..states).collect();
    while let Some(state) = open.pop() {
        if good[state] && !holds(state, &good) {
            good[state] = false;
            open.extend(predecessors.of(state));
        }
    }
    good
}

#[cfg(test)]
mod tests {
    use super::Coincidence;
    use operators::CandidateSets;
    use std::time::{Duration, Instant};
    use tabular::MdpBuilder;

    /// 0 → 1 → … → n, where only the last state drops an action: passes over all states would see
    /// that in one more state each.
    #[test]
    fn long_chains_take_one_pass() {
        let states = 200_000;
        let mut builder = MdpBuilder::new(states);
        for state in 0..states - 1 {
            builder.action(state, 0, 0.0, &[(state + 1, 1.0)]).unwrap();
        }
        builder.action(states - 1, 0, 0.0, &[(states - 1, 1.0)]).unwrap();
        builder.action(states - 1, 1, 0.0, &[(states - 1, 1.0)]).unwrap();
        let mdp = builder.build().unwrap().0;
        let mut kept = vec![true; mdp.pairs()];
        kept[mdp.pairs() - 1] = false;
        let sets = CandidateSets::from_kept(mdp.layout(), kept).unwrap();
        let start = Instant::now();
        let coincidence = Coincidence::new(&mdp, &sets);
        // Milliseconds, but for a machine that is busy.
        assert!(start.elapsed() < Duration::from_secs(10));
        assert!(coincidence.full.iter().all(|full| !full));
        // One action is kept everywhere, so T_p and B_p^π are the same.
        assert!(coincidence.same.iter().all(|&same| same));
    }
}
