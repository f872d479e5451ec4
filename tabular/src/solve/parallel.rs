//! Work shared among threads so that their number changes no bit of the result.

use crate::Mdp;
use rayon::prelude::*;
use std::ops::Range;

/// Transitions in a chunk: enough to outweigh handing it to a thread.
const CHUNK: usize = 1 << 15;

/// Consecutive runs of states with about as many transitions each.
///
/// The cuts depend on the model only, and whatever is added up over chunks is added in their
/// order: one thread and many compute the same.
#[derive(Debug, Clone)]
pub(super) struct Chunks {
    /// States: 0, …, the number of states.
    cuts: Vec<usize>,
}

impl Chunks {
    pub(super) fn new(mdp: &Mdp) -> Self {
        let first = |state: usize| mdp.row_offsets()[mdp.pairs_of(state).start];
        let count = (mdp.transitions() / CHUNK).clamp(1, mdp.states());
        let mut cuts = Vec::with_capacity(count + 1);
        cuts.push(0);
        for i in 1..count {
            let wanted = mdp.transitions() / count * i;
            let (mut lo, mut hi) = (cuts[i - 1], mdp.states());
            while lo < hi {
                let middle = lo.midpoint(hi);
                if first(middle) < wanted { lo = middle + 1 } else { hi = middle }
            }
            cuts.push(lo);
        }
        cuts.push(mdp.states());
        Self { cuts }
    }

    /// Whether there is nothing to share.
    pub(super) fn is_single(&self) -> bool {
        self.cuts.len() == 2
    }

    pub(super) fn ranges(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.cuts.windows(2).map(|w| w[0]..w[1])
    }

    /// A slice with one entry a state, cut into chunks.
    pub(super) fn split<'a, T>(&self, slice: &'a mut [T]) -> Vec<&'a mut [T]> {
        split_at_all(slice, self.ranges().map(|r| r.len()))
    }

    /// A slice with one entry a pair, cut into chunks.
    pub(super) fn split_pairs<'a, T>(&self, mdp: &Mdp, slice: &'a mut [T]) -> Vec<&'a mut [T]> {
        let pairs = |r: Range<usize>| mdp.pairs_of(r.end - 1).end - mdp.pairs_of(r.start).start;
        split_at_all(slice, self.ranges().map(|r| if r.is_empty() { 0 } else { pairs(r) }))
    }

    /// `f(states, part)` of every chunk, in their order.
    pub(super) fn map<P: Send, R: Send>(
        &self,
        parts: Vec<P>,
        f: impl Fn(Range<usize>, P) -> R + Sync,
    ) -> Vec<R> {
        let ranges: Vec<_> = self.ranges().collect();
        ranges.into_par_iter().zip(parts).map(|(range, part)| f(range, part)).collect()
    }
}

/// Slices of the given lengths, one behind the other.
pub(super) fn split_at_all<T>(
    mut rest: &mut [T],
    lengths: impl Iterator<Item = usize>,
) -> Vec<&mut [T]> {
    let mut parts = Vec::with_capacity(lengths.size_hint().0);
    for length in lengths {
        let (part, behind) = rest.split_at_mut(length);
        parts.push(part);
        rest = behind;
    }
    parts
}
