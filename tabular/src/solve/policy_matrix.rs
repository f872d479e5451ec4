//! I − γ P_π for large models, as a map on vectors over states.

use super::parallel::{Chunks, split_at_all};
use crate::Mdp;

/// A matrix A, given by D A for a positive diagonal D that makes it easier to solve with.
pub(super) trait ScaledMatrix: Sync {
    /// y := (D A x)(s) for a run of states from `first` on.
    fn apply(&self, first: usize, x: &[f64], y: &mut [f64]);

    /// D; `None` for the identity.
    fn scale(&self) -> Option<&[f64]>;

    /// γ/(1−γ) if a constant c added to x takes (1−γ) c from b − A x, else 0.
    fn shift_gain(&self) -> f64;
}

/// Compressed rows: (D A x)(s) = d(s) (x(s) − Σ entry · x(column)).
#[derive(Debug, Clone, Default)]
pub(super) struct SparseRows {
    offsets: Vec<usize>,
    columns: Vec<u32>,
    entries: Vec<f64>,
    scale: Vec<f64>,
    shift_gain: f64,
}

impl ScaledMatrix for SparseRows {
    fn apply(&self, first: usize, x: &[f64], y: &mut [f64]) {
        let scale = &self.scale[first..first + y.len()];
        let ends = &self.offsets[first + 1..first + 1 + y.len()];
        let mut start = self.offsets[first];
        for (((y, &own), &scale), &end) in y.iter_mut().zip(&x[first..]).zip(scale).zip(ends) {
            let mut sum = 0.0;
            for (&column, &entry) in self.columns[start..end].iter().zip(&self.entries[start..end])
            {
                sum += entry * x[column as usize];
            }
            *y = scale * (own - sum);
            start = end;
        }
    }

    fn scale(&self) -> Option<&[f64]> {
        Some(&self.scale)
    }

    fn shift_gain(&self) -> f64 {
        self.shift_gain
    }
}

/// I − γ P_π of one model for one policy after another. Terminal states have a unit row: nothing
/// follows them.
pub(super) struct PolicyMatrix<'a> {
    mdp: &'a Mdp,
    gamma: f64,
    terminals: Vec<usize>,
    shift_gain: f64,
    /// γ π(a|s) / (total of the row), for every pair.
    shares: Vec<f64>,
    merged: Option<Merged>,
}

/// One row a state instead of one a pair: pays where the actions of a state share successors.
struct Merged {
    rows: SparseRows,
    /// Which entry of its state's row each transition adds to.
    slots: Vec<u16>,
}

/// Merged rows are used when they have at most this share of the model's transitions.
const WORTHWHILE: f64 = 0.6;
/// How many states are looked at to find out.
const SAMPLE: usize = 256;

impl<'a> PolicyMatrix<'a> {
    pub(super) fn new(mdp: &'a Mdp, gamma: f64) -> Self {
        let terminals: Vec<_> = (0..mdp.states()).filter(|&s| mdp.is_terminal(s)).collect();
        // Terminal states hold their value at 0.
        let may_shift = terminals.is_empty() && gamma < 1.0;
        let shift_gain = if may_shift { gamma / (1.0 - gamma) } else { 0.0 };
        let mut merged = Merged::pays(mdp).then(|| Merged::new(mdp)).flatten();
        if let Some(merged) = &mut merged {
            merged.rows.shift_gain = shift_gain;
        }
        Self { mdp, gamma, terminals, shift_gain, shares: vec![0.0; mdp.pairs()], merged }
    }

    /// Takes over another policy.
    pub(super) fn fill(&mut self, chunks: &Chunks, policy: &[f64]) {
        match self.mdp.nearest_totals() {
            None => self.shares.iter_mut().zip(policy).for_each(|(x, p)| *x = self.gamma * p),
            Some(totals) => {
                let terms = self.shares.iter_mut().zip(policy).zip(totals);
                terms.for_each(|((x, p), total)| *x = self.gamma * p / total);
            }
        }
        for &state in &self.terminals {
            self.shares[self.mdp.pairs_of(state).start] = 0.0;
        }
        if let Some(merged) = &mut self.merged {
            merged.fill(self.mdp, chunks, &self.shares);
        }
    }

    /// The merged rows, where they pay, else the map that goes over the pairs.
    pub(super) fn with<R>(&self, user: impl MatrixUser<R>) -> R {
        match &self.merged {
            Some(merged) => user.call(&merged.rows),
            None => user.call(self),
        }
    }

    /// The transposed matrix.
    pub(super) fn transposed(&self) -> SparseRows {
        let mdp = self.mdp;
        let states = mdp.states();
        let mut offsets = vec![0usize; states + 1];
        for &next in mdp.successors() {
            offsets[next as usize + 1] += 1;
        }
        for state in 0..states {
            offsets[state + 1] += offsets[state];
        }
        let mut free = offsets.clone();
        let mut columns = vec![0u32; mdp.transitions()];
        let mut entries = vec![0.0; mdp.transitions()];
        for (state, pairs) in mdp.layout().iter().enumerate() {
            for pair in pairs {
                for (next, weight) in mdp.row(pair).iter() {
                    columns[free[next]] = state as u32;
                    entries[free[next]] = self.shares[pair] * weight;
                    free[next] += 1;
                }
            }
        }
        SparseRows { offsets, columns, entries, scale: vec![1.0; states], shift_gain: 0.0 }
    }
}

/// Something to be done with a matrix of either kind, compiled for each.
pub(super) trait MatrixUser<R> {
    fn call(self, matrix: &impl ScaledMatrix) -> R;
}

impl ScaledMatrix for PolicyMatrix<'_> {
    fn apply(&self, first: usize, x: &[f64], y: &mut [f64]) {
        for (state, y) in (first..).zip(y) {
            let mut sum = 0.0;
            for pair in self.mdp.pairs_of(state) {
                let share = self.shares[pair];
                if share != 0.0 {
                    let mut mean = 0.0;
                    for (next, weight) in self.mdp.row(pair).iter() {
                        mean += weight * x[next];
                    }
                    sum += share * mean;
                }
            }
            *y = x[state] - sum;
        }
    }

    fn scale(&self) -> Option<&[f64]> {
        None
    }

    fn shift_gain(&self) -> f64 {
        self.shift_gain
    }
}

impl Merged {
    fn pays(mdp: &Mdp) -> bool {
        let mut union = Vec::new();
        let (mut merged, mut all) = (0, 0);
        let step = (mdp.states() / SAMPLE).max(1);
        for state in (0..mdp.states()).step_by(step) {
            all += collect_union(mdp, state, &mut union);
            merged += union.len();
        }
        merged as f64 <= WORTHWHILE * all as f64
    }

    /// `None` when a state has too many successors to number.
    fn new(mdp: &Mdp) -> Option<Self> {
        let mut rows = SparseRows { offsets: vec![0], ..Default::default() };
        let mut slots = Vec::with_capacity(mdp.transitions());
        let mut union = Vec::new();
        for state in 0..mdp.states() {
            collect_union(mdp, state, &mut union);
            if union.len() > usize::from(u16::MAX) {
                return None;
            }
            for pair in mdp.pairs_of(state) {
                let mut slot = 0;
                for successor in mdp.row(pair).successors {
                    // Both rise, so the search goes on where it was.
                    slot += union[slot..].iter().take_while(|s| *s < successor).count();
                    slots.push(slot as u16);
                }
            }
            rows.columns.extend_from_slice(&union);
            rows.offsets.push(rows.columns.len());
        }
        rows.entries = vec![0.0; rows.columns.len()];
        rows.scale = vec![1.0; mdp.states()];
        Some(Self { rows, slots })
    }

    fn fill(&mut self, mdp: &Mdp, chunks: &Chunks, shares: &[f64]) {
        let SparseRows { offsets, columns, entries, scale, .. } = &mut self.rows;
        let (offsets, columns, slots) = (&*offsets, &*columns, &*self.slots);
        let lengths = chunks.ranges().map(|r| offsets[r.end] - offsets[r.start]);
        let parts = split_at_all(entries, lengths).into_iter().zip(chunks.split(scale)).collect();
        chunks.map(parts, |states, (entries, scale)| {
            let base = offsets[states.start];
            for (state, scale) in states.zip(scale) {
                let row = offsets[state]..offsets[state + 1];
                let own = &mut entries[row.start - base..row.end - base];
                own.fill(0.0);
                for pair in mdp.pairs_of(state) {
                    let transitions = mdp.row_offsets()[pair]..mdp.row_offsets()[pair + 1];
                    let weights = &mdp.weights()[transitions.clone()];
                    for (&weight, &slot) in weights.iter().zip(&slots[transitions]) {
                        own[usize::from(slot)] += shares[pair] * weight;
                    }
                }
                // Jacobi's scaling: states that mostly stay would slow the iteration down.
                let stay = columns[row].binary_search(&(state as u32)).map_or(0.0, |i| own[i]);
                *scale = if stay < 1.0 { 1.0 / (1.0 - stay) } else { 1.0 };
            }
        });
    }
}

/// The successors of a state under any action, rising; how many there are with repetitions.
fn collect_union(mdp: &Mdp, state: usize, union: &mut Vec<u32>) -> usize {
    let pairs = mdp.pairs_of(state);
    let all = mdp.row_offsets()[pairs.start]..mdp.row_offsets()[pairs.end];
    union.clear();
    union.extend_from_slice(&mdp.successors()[all]);
    let count = union.len();
    union.sort_unstable();
    union.dedup();
    count
}
