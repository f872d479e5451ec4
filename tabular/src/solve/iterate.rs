//! The loop that all methods share: sweep, look at the residual, step.

use super::dense::DenseNewton;
use super::ending::backward_induction;
use super::newton::KrylovNewton;
use super::parallel::Chunks;
use super::sparse::{Elimination, most_entries};
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

/// Newton steps in a row that may lower no residual, beyond one a state: more say that rounding
/// rules. On a slow model a better policy may spread by a state a step, and the residual stays
/// large until it has reached the last one.
const PATIENCE: usize = 50;

/// A method with its work space.
enum Stepper<'a> {
    Neumann {
        extra: usize,
        scratch: Vec<f64>,
    },
    Dense(DenseNewton),
    Krylov(Box<KrylovNewton<'a>>),
    /// Newton with exact steps, where a Krylov method stalls.
    Exact,
}

impl Stepper<'_> {
    fn is_newton(&self) -> bool {
        !matches!(self, Self::Neumann { .. })
    }

    /// Whether another method should take over from a residual of this magnitude.
    fn is_stuck(&self, norm: f64) -> bool {
        matches!(self, Self::Krylov(newton) if newton.is_stuck() || newton.may_give_up() && !norm.is_finite())
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

impl<'a> Run<'a> {
    pub(super) fn solve(&self, method: Method, start: Option<&[f64]>) -> Solution {
        let states = self.mdp.states();
        let is_large = states > LARGEST_DENSE;
        let neumann = |extra| Stepper::Neumann { extra, scratch: vec![0.0; states] };
        let stepper = match method {
            Method::ValueIteration => neumann(0),
            Method::ModifiedPolicyIteration { sweeps } => neumann(sweeps),
            Method::NewtonKrylov => self.krylov(true),
            Method::PolicyIteration if !is_large => Stepper::Dense(DenseNewton::new()),
            Method::PolicyIteration => {
                if let Some(horizons) = self.mdp.horizons() {
                    let v = backward_induction(self.mdp, &self.kernel, &horizons);
                    return self.iterate(neumann(0), v);
                }
                self.krylov(true)
            }
        };
        self.iterate(stepper, start.map_or_else(|| vec![0.0; states], <[f64]>::to_vec))
    }

    /// Krylov steps, with or without giving up when they stall.
    fn krylov(&self, may_give_up: bool) -> Stepper<'_> {
        let Self { mdp, gamma, chunks, fixed_policy, .. } = self;
        let newton = KrylovNewton::new(mdp, *gamma, chunks, *fixed_policy, may_give_up);
        Stepper::Krylov(Box::new(newton))
    }

    fn iterate<'s>(&'s self, mut stepper: Stepper<'s>, v: Vec<f64>) -> Solution {
        let rounding = SweepRounding::new(self.mdp);
        let wanted = self.settings.tolerance * (1.0 - self.gamma.get());
        let mut best = Solution::unknown(v.clone());
        let (residual, policy) = (vec![0.0; v.len()], vec![0.0; self.mdp.pairs()]);
        let mut state = State { v, residual, ends: Ends::over([]), policy };
        let (mut sweeps, mut idle) = (0, 0);
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
            let improved = norm < best.residual();
            // At the floor a Newton step may still gain digits; it ends when one gains nothing.
            let at_floor = best.residual() <= floor && !(improved && stepper.is_newton());
            idle += 1;
            if improved {
                best.keep(&state.v, state.ends, floor);
                idle = 0;
            }
            let stuck = stepper.is_stuck(norm);
            if norm <= wanted
                || at_floor
                || (stepper.is_newton() && idle > PATIENCE + state.v.len())
                || sweeps >= self.settings.max_sweeps
                || !(stuck || norm.is_finite())
            {
                return Solution { sweeps, ..best };
            }
            if stuck {
                stepper = Stepper::Exact;
                state.v.copy_from_slice(&best.v);
            } else {
                sweeps += self.advance(&mut stepper, &mut state, floor, wanted);
            }
        }
    }

    /// One step of the method: adds its part of the Neumann series of TV − V to V; the sweeps
    /// that it cost.
    fn advance<'s>(
        &'s self,
        stepper: &mut Stepper<'s>,
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
            Stepper::Exact => {
                match Elimination::of(mdp, gamma, policy, most_entries(mdp.states())) {
                    Some(elimination) => {
                        elimination.solve(residual);
                        add(v, residual);
                    }
                    // Too dense to eliminate: slow steps are all there is.
                    None => *stepper = self.krylov(false),
                }
                1
            }
        }
    }
}

impl Solution {
    /// Values of which nothing is known yet.
    fn unknown(v: Vec<f64>) -> Self {
        let residual = f64::INFINITY;
        Self { v, residual_lo: -residual, residual_hi: residual, rounding: residual, sweeps: 0 }
    }

    fn keep(&mut self, v: &[f64], ends: Ends, rounding: f64) {
        self.v.copy_from_slice(v);
        (self.residual_lo, self.residual_hi) = (ends.lo, ends.hi);
        self.rounding = rounding;
    }
}

fn add(v: &mut [f64], step: &[f64]) {
    for (v, d) in v.iter_mut().zip(step) {
        *v += d;
    }
}
