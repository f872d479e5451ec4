//! The nucleus of one row of logits, without sorting the vocabulary.

use crate::LlmError;
use crate::simd::{largest, shares, sum_exp, wide, wide_call};
use operators::candidates::shortest_prefix;
use operators::{CandidateSets, OperatorError, RowLayout, Selection, TopP};
use pulp::NullaryFnOnce;
use std::cmp::Ordering;

/// A candidate set and what a softmax over the whole row needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Nucleus {
    /// The actions, the most likely first, ties by the lower.
    pub actions: Vec<usize>,
    /// The share of the mass that they carry.
    pub mass: f64,
    /// V, the soft value of the row: log π = logit − V.
    pub soft_value: f64,
}

/// How far below the largest logit the first look goes; each further look goes twice as far.
const FIRST_DEPTH: f64 = 2.0;

/// The nucleus of a row of logits: what [`CandidateSets::select`] gives, in falling order.
///
/// Only logits near the largest are sorted. The sum over all is added up in another order than the
/// definition adds it, so both ends of what rounding can make of it are tried: the size of the set
/// never falls when the sum grows, and where the ends agree the definition says the same. Where
/// they do not, the definition is asked.
///
/// # Errors
/// [`OperatorError::NotFinite`], with 0 as the row.
pub fn nucleus(logits: &[f64], p: TopP) -> Result<Nucleus, LlmError> {
    if let Some(slot) = logits.iter().position(|x| !x.is_finite()) {
        return Err(OperatorError::NotFinite { row: 0, slot, value: logits[slot] }.into());
    }
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|q| (q - max).exp()).sum();
    found(logits, Row { max, total, depth: FIRST_DEPTH }, p)
}

/// The same of a row in f32, with the sum over all in vector instructions.
///
/// # Errors
/// [`OperatorError::NotFinite`], with 0 as the row.
pub fn nucleus_of_f32(logits: &[f32], p: TopP) -> Result<Nucleus, LlmError> {
    // No loop that ends early, which would go number by number.
    let finite = wide(|| logits.iter().fold(true, |finite, x| finite & x.is_finite()));
    if let Some(slot) = logits.iter().position(|x| !finite && !x.is_finite()) {
        let value = f64::from(logits[slot]);
        return Err(OperatorError::NotFinite { row: 0, slot, value }.into());
    }
    let (max, total, shares) = wide_call(Look(logits));
    // Where the set most likely is to be found at the first look.
    let looks = shares.iter().take_while(|&&share| share <= p.get() * total).count() as i32;
    let depth = FIRST_DEPTH * 2f64.powi(looks);
    found(logits, Row { max: f64::from(max), total, depth }, p)
}

/// The largest of a row in f32, the sum over all and the shares of those near the largest.
struct Look<'a>(&'a [f32]);

impl NullaryFnOnce for Look<'_> {
    type Output = (f32, f64, [f64; 4]);

    #[inline(always)]
    fn call(self) -> Self::Output {
        let max = largest(self.0);
        (max, sum_exp(self.0, max), shares(self.0, max))
    }
}

/// What was found out about a row.
struct Row {
    max: f64,
    /// Σ exp(logit − max), in any order, by exponentials good to four ε.
    total: f64,
    /// How far the first look goes.
    depth: f64,
}

fn found<T: Copy + Into<f64>>(logits: &[T], row: Row, p: TopP) -> Result<Nucleus, LlmError> {
    let Row { max, total, .. } = row;
    let weight = |&action: &usize| (logits[action].into() - max).exp();
    let actions = match quick(logits, &row, p) {
        Some(actions) => actions,
        None => {
            let logits: Vec<f64> = logits.iter().map(|&x| x.into()).collect();
            by_definition(&logits, p)?
        }
    };
    let mass = actions.iter().map(weight).sum::<f64>() / total;
    Ok(Nucleus { actions, mass: mass.min(1.0), soft_value: max + total.ln() })
}

/// The nucleus where rounding cannot change it.
fn quick<T: Copy + Into<f64>>(logits: &[T], row: &Row, p: TopP) -> Option<Vec<usize>> {
    if p.get() == 1.0 {
        return None;
    }
    let Row { max, total, mut depth } = *row;
    // Two sums of n positive numbers in different orders differ by less than 2n roundings of u =
    // ε/2 each; 8ε for their exponentials, and 2ε for the two products.
    let slack = (logits.len() as f64 + 10.0) * f64::EPSILON;
    loop {
        let least = max - depth;
        let near = logits.iter().enumerate().filter(|&(_, &q)| q.into() >= least);
        let mut near: Vec<(usize, f64)> = near.map(|(action, &q)| (action, q.into())).collect();
        near.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let size = |total| {
            let weights = near.iter().map(|&(_, q)| (q - max).exp());
            shortest_prefix(weights, total, p)
        };
        match (size(total * (1.0 - slack)), size(total * (1.0 + slack))) {
            (Some(least), Some(most)) if least == most => {
                near.truncate(least);
                return Some(near.into_iter().map(|(action, _)| action).collect());
            }
            (Some(_), Some(_)) => return None,
            _ if near.len() == logits.len() => return None,
            _ => depth *= 2.0,
        }
    }
}

fn by_definition(logits: &[f64], p: TopP) -> Result<Vec<usize>, LlmError> {
    let layout = RowLayout::uniform(1, logits.len())?;
    let sets = CandidateSets::select(&layout, logits, Selection::TopP(p))?;
    let mut actions: Vec<usize> = sets.slots(0).collect();
    actions.sort_by(|&a, &b| falling(logits, a, b));
    Ok(actions)
}

/// The `count` largest of finite logits, all when there are fewer, the largest first, ties by the
/// lower.
pub fn leading(logits: &[f64], count: usize) -> Vec<usize> {
    let mut actions: Vec<usize> = (0..logits.len()).collect();
    if count < actions.len() {
        actions.select_nth_unstable_by(count, |&a, &b| falling(logits, a, b));
        actions.truncate(count);
    }
    actions.sort_by(|&a, &b| falling(logits, a, b));
    actions
}

fn falling(logits: &[f64], a: usize, b: usize) -> Ordering {
    logits[b].partial_cmp(&logits[a]).unwrap_or(Ordering::Equal).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use operators::{Dense, log_policy, soft_value};
    use proptest::prelude::*;

    /// Any, fractions that equal actions carry exactly, and those that need the tail.
    fn masses() -> impl Strategy<Value = f64> {
        let fraction = |(a, b): (u32, u32)| f64::from(a.min(b)) / f64::from(a.max(b));
        prop_oneof![
            0.01..=1.0,
            (1u32..40, 1u32..40).prop_map(fraction),
            (1i32..15).prop_map(|digits| 1.0 - 10f64.powi(-digits)),
        ]
    }

    proptest! {
        /// Logits from a coarse grid have ties, those of a wide range long tails.
        #[test]
        fn the_quick_nucleus_is_that_of_the_definition(
            logits in prop_oneof![
                prop::collection::vec((-6i8..6).prop_map(|x| f64::from(x) * 4.0), 1..300),
                prop::collection::vec(-30f64..30.0, 1..300),
                prop::collection::vec(-0.01f64..0.01, 1..300),
                (1usize..40).prop_map(|n| vec![0.0; n]),
            ],
            p in masses(),
        ) {
            let p = TopP::new(p)?;
            let found = nucleus(&logits, p).unwrap();
            prop_assert_eq!(&found.actions, &by_definition(&logits, p).unwrap());
            prop_assert_eq!(&found.actions, &leading(&logits, found.actions.len()));

            let narrow: Vec<f32> = logits.iter().map(|&x| x as f32).collect();
            let exact: Vec<f64> = narrow.iter().map(|&x| f64::from(x)).collect();
            let (short, long) = (nucleus_of_f32(&narrow, p).unwrap(), nucleus(&exact, p).unwrap());
            prop_assert_eq!(&short.actions, &long.actions);
            // Two orders of adding up at most 300 weights, and their exponentials.
            prop_assert!((short.mass - long.mass).abs() <= 320.0 * f64::EPSILON);
            prop_assert!((short.soft_value - long.soft_value).abs() <= 400.0 * f64::EPSILON);

            let layout = RowLayout::uniform(1, logits.len())?;
            let n = Dense::<f64>::new(&layout);
            let (q, full) = (n.cells(&logits)?, n.mask(&CandidateSets::full(&layout)));
            let v = soft_value(&n, &q, &full)?.0[0];
            // Two orders of adding up at most 300 weights, and a few roundings of a number ≤ 36.
            let slack = 302.0 * f64::EPSILON + 4.0 * 36.0 * f64::EPSILON;
            prop_assert!((found.soft_value - v).abs() <= slack, "{} {v}", found.soft_value);
            let log = log_policy(&n, &q, &full)?.0;
            let mass: f64 = found.actions.iter().map(|&a| log[a].exp()).sum();
            prop_assert!((found.mass - mass).abs() <= 4.0 * slack + 300.0 * f64::EPSILON);
        }
    }

    #[test]
    fn four_of_five_equal_actions_do_not_carry_the_double_above_four_fifths() {
        let found = nucleus(&[1.0; 5], TopP::new(0.8).unwrap()).unwrap();
        assert_eq!(found.actions, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_logit_that_is_no_number_is_refused() {
        let p = TopP::new(0.8).unwrap();
        let short = nucleus_of_f32(&[0.0, f32::NEG_INFINITY, 1.0], p).unwrap_err();
        assert!(matches!(
            short,
            LlmError::Operator(OperatorError::NotFinite { row: 0, slot: 1, .. })
        ));
        let error = nucleus(&[0.0, f64::NAN], p).unwrap_err();
        assert!(matches!(
            error,
            LlmError::Operator(OperatorError::NotFinite { row: 0, slot: 1, .. })
        ));
    }
}
