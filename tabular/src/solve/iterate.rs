//! The loop that all methods share: sweep, look at the residual, step.

use super::dense::DenseNewton;
use super::ending::backward_induction;
use super::newton::KrylovNewton;
use super::parallel::Chunks;
use super::sweep::discounted_step;
use super::sweep::{Ends, Kernel};
use super::{LARGEST_DENSE, Method, Settings, Solution, SweepRounding};
use crate::Mdp;
use operators::Discount;

/// A fixed point to be found.
pub(super) struct Run<'a> {
    pub(super) mdp: &'a Mdp,
    pub(super) gamma: Discount,
    pub(super) kernel: Kernel<'a>,
    /// Whether the operator is linear: the policy is the same in every step.
    pub(super) fixed_policy: bool,
    pub(super) chunks: Chunks,
    pub(super) settings: Settings,
}

/// A method with its work space.
enum Stepper<'a> {
    Neumann { extra: usize, scratch: Vec<f64> },
    Dense(DenseNewton),
    Krylov(Box<KrylovNewton<'a>>),
}

impl Stepper<'_> {
    fn is_newton(&self) -> bool {
        !matches!(self, Self::Neumann { .. })
    }
}

/// Where an iteration stands.
struct State {
    v: Vec<f64>,
    /// TV − V.
    residual: Vec<f64>,
    ends: Ends,
    /// The policy that attains TV.
    policy: Vec<f64>,
}

impl Run<'_> {
    pub(super) fn solve(&self, method: Method, start: Option<&[f64]>) -> Solution {
        let states = self.mdp.states();
        let is_large = states > LARGEST_DENSE;
        let krylov = || KrylovNewton::new(self.mdp, self.gamma, &self.chunks, self.fixed_policy);
        let neumann = |extra| Stepper::Neumann { extra, scratch: vec![0.0; states] };
        let stepper = match method {
            Method::ValueIteration => neumann(0),
            Method::ModifiedPolicyIteration { sweeps } => neumann(sweeps),
            Method::NewtonKrylov => Stepper::Krylov(Box::new(krylov())),
            Method::PolicyIteration if !is_large => Stepper::Dense(DenseNewton::new()),
            Method::PolicyIteration => {
                if let Some(horizons) = self.mdp.horizons() {
                    let v = backward_induction(self.mdp, &self.kernel, &horizons);
                    return self.iterate(neumann(0), v);
                }
                Stepper::Krylov(Box::new(krylov()))
            }
        };
        self.iterate(stepper, start.map_or_else(|| vec![0.0; states], <[f64]>::to_vec))
    }

    fn iterate(&self, mut stepper: Stepper<'_>, v: Vec<f64>) -> Solution {
        let rounding = SweepRounding::new(self.mdp);
        let wanted = self.settings.tolerance * (1.0 - self.gamma.get());
        let (residual, policy) = (vec![0.0; v.len()], vec![0.0; self.mdp.pairs()]);
        let mut state = State { v, residual, ends: Ends::over([]), policy };
        let (mut best, mut best_norm) = (Solution::unknown(state.v.len()), f64::INFINITY);
        let mut sweeps = 0;
        loop {
            state.ends = self.kernel.residuals(
                &self.chunks,
                &state.v,
                &mut state.residual,
                &mut state.policy,
            );
            sweeps += 1;
            let norm = state.ends.magnitude();
            let floor = rounding.bound(&state.v);
            let improved = norm < best_norm;
            // At the floor a Newton step may still gain digits; it ends when one gains nothing.
            let at_floor = best_norm <= floor && !(improved && stepper.is_newton());
            if improved {
                best_norm = norm;
                best.keep(&state.v, state.ends);
            }
            if norm <= wanted || at_floor || sweeps >= self.settings.max_sweeps || !norm.is_finite()
            {
                return Solution { sweeps, ..best };
            }
            sweeps += self.advance(&mut stepper, &mut state, floor, wanted);
        }
    }

    /// One step of the method: adds its part of the Neumann series of TV − V to V; the sweeps
    /// that it cost.
    fn advance(
        &self,
        stepper: &mut Stepper<'_>,
        State { v, residual, ends, policy }: &mut State,
        floor: f64,
        wanted: f64,
    ) -> usize {
        let (mdp, gamma, norm) = (self.mdp, self.gamma, ends.magnitude());
        match stepper {
            Stepper::Neumann { extra, scratch } => {
                add(v, residual);
                for _ in 0..*extra {
                    discounted_step(mdp, gamma, policy, residual, scratch);
                    residual.copy_from_slice(scratch);
                    add(v, residual);
                }
                *extra
            }
            Stepper::Dense(newton) => {
                newton.advance(mdp, gamma, policy, self.fixed_policy, (norm, floor), residual);
                add(v, residual);
                1
            }
            Stepper::Krylov(newton) => {
                // A constant c added to V takes (1 − γ) c from the residual.
                let spread = 0.5 * (ends.hi - ends.lo);
                if spread <= wanted && newton.may_shift() {
                    let shift = (0.5 * ends.lo + 0.5 * ends.hi) / (1.0 - gamma.get());
                    v.iter_mut().for_each(|v| *v += shift);
                    return 0;
                }
                newton.advance(policy, residual, (norm, wanted.max(0.1 * floor)), v)
            }
        }
    }
}

impl Solution {
    fn unknown(states: usize) -> Self {
        let residual = f64::INFINITY;
        let v = Vec::with_capacity(states);
        Self { v, residual_lo: -residual, residual_hi: residual, sweeps: 0 }
    }

    fn keep(&mut self, v: &[f64], ends: Ends) {
        self.v.clear();
        self.v.extend_from_slice(v);
        (self.residual_lo, self.residual_hi) = (ends.lo, ends.hi);
    }
}

fn add(v: &mut [f64], step: &[f64]) {
    for (v, d) in v.iter_mut().zip(step) {
        *v += d;
    }
}
