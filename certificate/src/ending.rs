//! How far a residual can travel: 1/(1−γ), or less where the model certainly ends.

use crate::Model;
use rounding::Enclosure;
use rounding::directed::{add_up, div_up, mul_up, sub_down};

/// The largest number of transitions from each state before a terminal state is reached, under
/// any policy and whatever happens; 0 for terminal states. `None` when some path never ends.
///
/// Depth first with an explicit stack, so that a deep model cannot exhaust the call stack.
pub fn horizons(model: &Model<'_>) -> Option<Vec<u32>> {
    const UNSEEN: u32 = u32::MAX;
    const OPEN: u32 = u32::MAX - 1;
    let first = |state| model.row_offsets[model.pairs_of(state).start];
    let end = |state| model.row_offsets[model.pairs_of(state).end];
    let mut horizon = vec![UNSEEN; model.states()];
    // (state, its next transition to look at, the longest continuation so far)
    let mut stack: Vec<(usize, usize, u32)> = Vec::new();
    for root in 0..model.states() {
        if horizon[root] == UNSEEN {
            horizon[root] = OPEN;
            stack.push((root, first(root), 0));
        }
        while let Some((state, next, longest)) = stack.pop() {
            if model.is_terminal(state) || next == end(state) {
                horizon[state] = longest;
                continue;
            }
            let child = model.successors[next] as usize;
            match horizon[child] {
                OPEN => return None,
                UNSEEN => {
                    horizon[child] = OPEN;
                    stack.push((state, next, longest));
                    stack.push((child, first(child), 0));
                }
                known => stack.push((state, next + 1, longest.max(known + 1))),
            }
        }
    }
    Some(horizon)
}

/// An upper bound, for each state, on Σ γ^t over the steps during which a residual can count.
#[derive(Debug, Clone)]
pub enum Growth {
    /// 1/(1−γ), for γ < 1 and any model.
    Discounted(f64),
    /// Σ_{t<h} γ^t with h the state's horizon, for values that are 0 in terminal states.
    Ending {
        /// The horizon of each state.
        horizons: Vec<u32>,
        /// Σ_{t<h} γ^t, rounded up, for h = 0, 1, ….
        sums: Vec<f64>,
    },
}

impl Growth {
    /// The factor for a model whose paths may be endless; infinite for γ = 1.
    pub fn discounted(gamma: f64) -> Self {
        let gap = sub_down(1.0, gamma);
        Self::Discounted(if gap > 0.0 { div_up(1.0, gap) } else { f64::INFINITY })
    }

    /// The factor for a model that certainly ends.
    pub fn ending(gamma: f64, horizons: &[u32]) -> Self {
        let longest = horizons.iter().copied().max().unwrap_or(0);
        let mut sums = vec![0.0];
        for h in 0..longest as usize {
            // Σ_{t<h+1} γ^t = 1 + γ Σ_{t<h} γ^t
            sums.push(add_up(1.0, mul_up(gamma, sums[h])));
        }
        Self::Ending { horizons: horizons.to_vec(), sums }
    }

    /// The factor of a state.
    #[inline]
    pub fn factor(&self, state: usize) -> f64 {
        match self {
            Self::Discounted(factor) => *factor,
            Self::Ending { horizons, sums } => sums[horizons[state] as usize],
        }
    }
}

/// Σ_{t=1}^{h−1} γ^t, how often a leak can count before an ending of at most h transitions.
pub fn leak_sum(gamma: f64, h: u32) -> Enclosure {
    let gamma = Enclosure::exact(gamma);
    (1..h).fold(Enclosure::ZERO, |sum, _| gamma * (Enclosure::ONE + sum))
}
