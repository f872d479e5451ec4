//! Exact Newton steps for models on which Krylov methods stall: states are eliminated one by one.

use crate::Mdp;
use operators::Discount;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// (I − γ P_π)⁻¹ as the states in the order of their elimination.
///
/// To eliminate a state is to put its equation into those of the states that lead to it. What is
/// kept of a row are its entries off the diagonal and what leaks out of it, 1 − γ at first: the
/// diagonal is their sum. So nothing is ever subtracted, and the factors are accurate however
/// near to one γ is.
///
/// Source: Grassmann, Taksar and Heyman, Regenerative analysis and steady state distributions for
/// Markov chains, Operations Research 33 (1985); the order is Markowitz's, cheapest state first.
#[derive(Debug, Clone, Default)]
pub(super) struct Elimination {
    steps: Vec<Step>,
}

/// One eliminated state: x(state) = share · b(state) + Σ ahead · x, for the b that it then had.
#[derive(Debug, Clone)]
struct Step {
    state: u32,
    /// 1 over the diagonal.
    share: f64,
    /// The states that its row still led to, entries over the diagonal.
    ahead: Vec<(u32, f64)>,
    /// The states whose rows still led here.
    behind: Vec<(u32, f64)>,
}

/// The rows of the states that are left.
struct Remainder {
    rows: Vec<Vec<(u32, f64)>>,
    leaks: Vec<f64>,
    /// Which rows lead to a state; rows of eliminated states are not taken out.
    sources: Vec<Vec<u32>>,
    /// How many of `sources` are left.
    in_degree: Vec<usize>,
    gone: Vec<bool>,
    /// Where a state stands in the row that is being changed.
    slots: Vec<usize>,
    queue: BinaryHeap<Reverse<(usize, u32)>>,
    /// Entries of all rows that are left.
    entries: usize,
}

const NOWHERE: usize = usize::MAX;

/// The most entries that the factors of a model may have: where there are more, elimination
/// costs more than it is worth.
pub(super) fn most_entries(states: usize) -> usize {
    (1 << 22) + 16 * states
}

impl Elimination {
    /// Eliminates all states; `None` when the factors fill up with more entries than `most`.
    pub(super) fn of(mdp: &Mdp, gamma: Discount, policy: &[f64], most: usize) -> Option<Self> {
        let mut left = Remainder::new(mdp, gamma.get(), policy);
        let mut steps = Vec::with_capacity(mdp.states());
        let mut kept = 0;
        while let Some(state) = left.cheapest() {
            let step = left.eliminate(state);
            kept += step.ahead.len() + step.behind.len();
            if kept + left.entries > most {
                return None;
            }
            steps.push(step);
        }
        Some(Self { steps })
    }

    /// b := (I − γ P_π)⁻¹ b.
    pub(super) fn solve(&self, b: &mut [f64]) {
        for Step { state, share, behind, .. } in &self.steps {
            b[*state as usize] *= share;
            let x = b[*state as usize];
            behind.iter().for_each(|&(source, entry)| b[source as usize] += entry * x);
        }
        for Step { state, ahead, .. } in self.steps.iter().rev() {
            let x = ahead.iter().fold(0.0, |sum, &(next, entry)| sum + entry * b[next as usize]);
            b[*state as usize] += x;
        }
    }
}

impl Remainder {
    fn new(mdp: &Mdp, gamma: f64, policy: &[f64]) -> Self {
        let states = mdp.states();
        let mut left = Self {
            rows: vec![Vec::new(); states],
            leaks: vec![1.0 - gamma; states],
            sources: vec![Vec::new(); states],
            in_degree: vec![0; states],
            gone: vec![false; states],
            slots: vec![NOWHERE; states],
            queue: BinaryHeap::new(),
            entries: 0,
        };
        let totals = mdp.nearest_totals();
        for (state, pairs) in mdp.layout().iter().enumerate() {
            if mdp.is_terminal(state) {
                // Nothing follows it.
                left.leaks[state] = 1.0;
                continue;
            }
            let transitions = pairs.flat_map(|pair| {
                let share = policy[pair] * totals.map_or(gamma, |t| gamma / t[pair]);
                let row = mdp.row(pair);
                row.successors.iter().zip(row.weights).map(move |(&s, &weight)| (s, share * weight))
            });
            left.add(state, transitions.filter(|&(_, entry)| entry > 0.0));
        }
        (0..states).for_each(|state| left.enqueue(state));
        left
    }

    /// Adds entries to the row of a state; those on the diagonal are dropped.
    fn add(&mut self, state: usize, entries: impl Iterator<Item = (u32, f64)>) {
        let mut row = std::mem::take(&mut self.rows[state]);
        for (slot, &(next, _)) in row.iter().enumerate() {
            self.slots[next as usize] = slot;
        }
        let before = row.len();
        for (next, entry) in entries.filter(|&(next, _)| next as usize != state) {
            let slot = &mut self.slots[next as usize];
            if *slot == NOWHERE {
                *slot = row.len();
                row.push((next, entry));
                self.sources[next as usize].push(state as u32);
                self.in_degree[next as usize] += 1;
            } else {
                row[*slot].1 += entry;
            }
        }
        self.entries += row.len() - before;
        row.iter().for_each(|&(next, _)| self.slots[next as usize] = NOWHERE);
        self.rows[state] = row;
    }

    /// How many entries the elimination of a state touches.
    fn cost(&self, state: usize) -> usize {
        self.rows[state].len() * self.in_degree[state]
    }

    fn enqueue(&mut self, state: usize) {
        self.queue.push(Reverse((self.cost(state), state as u32)));
    }

    fn cheapest(&mut self) -> Option<usize> {
        while let Some(Reverse((cost, state))) = self.queue.pop() {
            let state = state as usize;
            // Whatever changed a cost has queued the state again.
            if !self.gone[state] && cost == self.cost(state) {
                return Some(state);
            }
        }
        None
    }

    fn eliminate(&mut self, state: usize) -> Step {
        self.gone[state] = true;
        let mut ahead = std::mem::take(&mut self.rows[state]);
        let leak = self.leaks[state];
        let share = 1.0 / ahead.iter().fold(leak, |sum, &(_, entry)| sum + entry);
        self.entries -= ahead.len();
        for (next, entry) in &mut ahead {
            *entry *= share;
            self.in_degree[*next as usize] -= 1;
        }
        let mut behind = Vec::with_capacity(self.in_degree[state]);
        for source in std::mem::take(&mut self.sources[state]) {
            let row = &mut self.rows[source as usize];
            let Some(slot) = row.iter().position(|&(next, _)| next as usize == state) else {
                // Eliminated before.
                continue;
            };
            let (_, entry) = row.swap_remove(slot);
            self.entries -= 1;
            self.leaks[source as usize] += entry * share * leak;
            self.add(source as usize, ahead.iter().map(|&(next, share)| (next, entry * share)));
            behind.push((source, entry));
        }
        for &(other, _) in behind.iter().chain(&ahead) {
            self.enqueue(other as usize);
        }
        Step { state: state as u32, share, ahead, behind }
    }
}

#[cfg(test)]
mod tests {
    use super::{Elimination, most_entries};
    use crate::random::Source;
    use crate::solve::dense::Lu;
    use crate::{Family, Instance, Size};
    use operators::{Discount, TopP};

    fn instances(gamma: f64) -> impl Iterator<Item = Instance> {
        let size = Size { states: 40, actions: 3, branching: 3 };
        let (gamma, p) = (Discount::new(gamma).unwrap(), TopP::new(0.8).unwrap());
        Family::ALL
            .into_iter()
            .map(move |family| family.instance(size, gamma, p, &mut Source::new(8, 0)).unwrap())
    }

    /// The same share for every action of a state.
    fn uniform(instance: &Instance) -> Vec<f64> {
        let rows = instance.mdp.layout().iter();
        rows.flat_map(|row| vec![1.0 / row.len() as f64; row.len()]).collect()
    }

    #[test]
    fn elimination_solves_what_lu_solves() {
        for discount in [0.0, 0.5, 0.99] {
            for instance in instances(discount) {
                let Instance { name, mdp, gamma, .. } = &instance;
                let policy = uniform(&instance);
                let mut source = Source::new(8, 1);
                let b: Vec<f64> = (0..mdp.states()).map(|_| source.signed(1.0)).collect();
                let (mut x, mut y) = (b.clone(), b);
                let most = most_entries(mdp.states());
                Elimination::of(mdp, *gamma, &policy, most).unwrap().solve(&mut x);
                let mut lu = Lu::default();
                lu.factor(mdp, *gamma, &policy);
                lu.solve(&mut y);
                let apart = x.iter().zip(&y).fold(0.0f64, |m, (x, y)| m.max((x - y).abs()));
                assert!(apart < 1e-11, "{name}, γ = {discount}: {apart}");
            }
        }
    }

    #[test]
    fn factors_that_fill_up_are_given_up() {
        let full = instances(0.9).nth(1).unwrap();
        assert_eq!(full.name, "dense");
        let policy = uniform(&full);
        // A full matrix of 40 states has 40 · 39 entries off the diagonal, and gains none.
        let of = |most| Elimination::of(&full.mdp, full.gamma, &policy, most);
        assert!(of(40 * 39 - 1).is_none() && of(40 * 39).is_some());
    }
}
