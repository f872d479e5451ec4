//! Models that certainly end: one pass from the end backwards is exact.

use super::sweep::Kernel;
use crate::Mdp;

/// V of the fixed point, given each state's [`Mdp::horizons`]: every successor has a smaller one,
/// so that in order of their horizons each state is computed once. Terminal states have value 0.
pub(super) fn backward_induction(mdp: &Mdp, kernel: &Kernel<'_>, horizons: &[usize]) -> Vec<f64> {
    let mut order: Vec<u32> = (0..mdp.states() as u32).collect();
    order.sort_by_key(|&state| horizons[state as usize]);
    let mut v = vec![0.0; mdp.states()];
    let mut policy = Vec::new();
    for state in order.into_iter().map(|state| state as usize) {
        if horizons[state] > 0 {
            policy.resize(mdp.pairs_of(state).len(), 0.0);
            v[state] = kernel.image(state, &v, &mut policy);
        }
    }
    v
}
