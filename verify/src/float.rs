//! [`Case`] in plain floats: fast solvers, with slack derived from their residuals.

use crate::{Case, CaseError, Theory};
use operators::{Cells, Dense, OperatorError, Selection, soft_value};
use std::sync::OnceLock;
use tabular::Instance;
use tabular::solve::{
    Method, Operator, Settings, Solution, SweepRounding, TablePolicy, action_values, amplification,
    solve,
};

impl<'a> Case<'a, f64> {
    /// Solves the instance in `f64`; its own candidate sets, where it has some, take the place of
    /// those of `selection`.
    ///
    /// # Errors
    /// [`CaseError::Infinite`] when the values overflow or the model does not end at γ = 1.
    pub fn solve(
        instance: &'a Instance,
        selection: Selection,
        theory: Theory,
    ) -> Result<Self, CaseError> {
        let (mdp, gamma) = (&instance.mdp, instance.gamma);
        let run = |operator, start: Option<&[f64]>| {
            solve(mdp, gamma, operator, Method::PolicyIteration, Settings::default(), start)
        };
        let n = Dense::<f64>::new(mdp.layout());
        let optimal = run(Operator::Optimal, None);
        let q_star = action_values(mdp, gamma, &optimal.v);
        let sets = match &instance.sets {
            Some(own) => own.clone(),
            None => theory.sets(mdp.layout(), &q_star, selection)?,
        };
        let set = n.mask(&sets);
        let full = vec![true; mdp.pairs()];
        let q_star = n.cells(&q_star)?;
        let teacher = theory.projection(&n, &q_star, &set)?;
        let policy = TablePolicy::new(&teacher);
        let projected = run(Operator::Projected(&policy), Some(&optimal.v));
        let top_p = run(Operator::TopP(&sets), Some(&projected.v));
        let horizons = mdp.horizons();
        let solutions = [&optimal, &projected, &top_p];
        let horizon = horizons.as_ref().and_then(|h| h.iter().max().copied());
        let factor = amplification(gamma, horizon);
        if !solutions.iter().all(|s| s.error(factor).is_finite()) {
            return Err(CaseError::Infinite);
        }
        let step_slack = slack(solutions);
        let mut case = Case {
            instance,
            theory,
            selection,
            reward: n.cells(mdp.rewards())?,
            v_star: soft_value(&n, &q_star, &full)?,
            leak: theory.leak(&n, &q_star, &set)?,
            q_projected: n.cells(&action_values(mdp, gamma, &projected.v))?,
            q_top_p: n.cells(&action_values(mdp, gamma, &top_p.v))?,
            v_optimal: optimal.v,
            v_projected: projected.v,
            v_top_p: top_p.v,
            coincidence: OnceLock::new(),
            horizons,
            step_slack,
            value_slack: step_slack * factor,
            rounding: SweepRounding::new(mdp),
            n,
            sets,
            set,
            full,
            q_star,
            teacher,
        };
        if theory.mutation.is_some() {
            case.iterate_to_the_theorys_fixed_points()?;
        }
        Ok(case)
    }

    /// The fast solvers know the right operators only; under a mutation its fixed points are
    /// found by applying it again and again.
    fn iterate_to_the_theorys_fixed_points(&mut self) -> Result<(), OperatorError> {
        let iterate = |start: &Cells<Dense<f64>>,
                       step: &dyn Fn(&Cells<Dense<f64>>) -> Result<_, OperatorError>|
         -> Result<Cells<Dense<f64>>, OperatorError> {
            let mut q = start.clone();
            for _ in 0..2000 {
                let next: Cells<Dense<f64>> = step(&q)?;
                let change = (&next.0 - &q.0).amax();
                q = next;
                // Written so that NaN ends the loop.
                if !(change > 1e-12 * (1.0 + q.0.amax())) || q.0.amax() > 1e12 {
                    break;
                }
            }
            Ok(q)
        };
        let q_projected = iterate(&self.q_projected, &|q| self.projected_backup(q))?;
        let q_top_p = iterate(&self.q_top_p, &|q| self.top_p_backup(q))?;
        (self.q_projected, self.q_top_p) = (q_projected, q_top_p);
        Ok(())
    }
}

/// What one step can be off: the residual that each solution was left with, and the rounding of
/// computing with it.
fn slack(solutions: [&Solution; 3]) -> f64 {
    solutions.iter().map(|s| s.residual() + 2.0 * s.rounding).sum()
}
