//! The nucleus of one row without sorting the whole vocabulary.

use operators::{CandidateSets, OperatorError, RowLayout, Selection, TopP};
use std::cmp::Ordering;

/// How many of the most likely tokens are sorted first.
const FIRST: usize = 64;

/// The tokens, rising, of the nucleus of `q` at mass `p`: those of [`CandidateSets::select`].
///
/// `weights` are exp(q − max q). Where the mass of a prefix is so near p that the order of
/// summation could decide, the definition itself is asked.
///
/// # Errors
/// [`OperatorError::NotFinite`].
pub(super) fn nucleus(q: &[f64], weights: &[f64], p: TopP) -> Result<Vec<usize>, OperatorError> {
    if p.get() == 1.0 {
        return Ok((0..q.len()).collect());
    }
    let total: f64 = weights.iter().sum();
    // A sum of n positive numbers is off by less than n·ε of itself, in whichever order; twice
    // that for two orders, of the total and of the mass, and the products with p.
    let doubt = 4.0 * (q.len() as f64 + 1.0) * f64::EPSILON * total;
    let falling =
        |&a: &usize, &b: &usize| q[b].partial_cmp(&q[a]).unwrap_or(Ordering::Equal).then(a.cmp(&b));
    let mut order: Vec<usize> = (0..q.len()).collect();
    let (mut mass, mut sorted) = (0.0, 0);
    while sorted < order.len() {
        let rest = &mut order[sorted..];
        let next = FIRST.max(3 * sorted).min(rest.len());
        if next < rest.len() {
            rest.select_nth_unstable_by(next, falling);
        }
        rest[..next].sort_unstable_by(falling);
        for i in sorted..sorted + next {
            mass += weights[order[i]];
            let missing = p.get() * total - mass;
            // NaN is a doubt too.
            if !(missing.abs() > doubt) {
                return defined(q, p);
            }
            if missing < 0.0 {
                order.truncate(i + 1);
                order.sort_unstable();
                return Ok(order);
            }
        }
        sorted += next;
    }
    defined(q, p)
}

/// The definition.
fn defined(q: &[f64], p: TopP) -> Result<Vec<usize>, OperatorError> {
    let layout = RowLayout::uniform(1, q.len())?;
    Ok(CandidateSets::select(&layout, q, Selection::TopP(p))?.slots(0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights(q: &[f64]) -> Vec<f64> {
        let largest = q.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        q.iter().map(|x| (x - largest).exp()).collect()
    }

    proptest! {
        #[test]
        fn a_nucleus_found_fast_is_the_nucleus(
            // Steps of a quarter, so that there are ties.
            q in prop::collection::vec((-40i32..8).prop_map(|x| f64::from(x) / 4.0), 1..700),
            p in 1e-3f64..=1.0,
        ) {
            let p = TopP::new(p).expect("a probability");
            prop_assert_eq!(nucleus(&q, &weights(&q), p)?, defined(&q, p)?);
        }

        #[test]
        fn equal_tokens_at_an_exact_mass_are_the_nucleus(n in 1usize..300, k in 1usize..300) {
            let (q, p) = (vec![0.0; n], TopP::new(k.min(n) as f64 / n as f64).expect("p"));
            prop_assert_eq!(nucleus(&q, &weights(&q), p)?, defined(&q, p)?);
        }
    }
}
