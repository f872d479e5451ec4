//! [`Sets`]: the candidate sets a certificate speaks about, and what can be proved of them.

use crate::model::expect_length;
use crate::sweep::all_but_one;
use crate::{CertificateError, Model};
use rounding::Enclosure;
use rounding::directed::{mul_down, mul_up, sub_down, sub_up};

/// A candidate set for every state of a model, checked: none is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Sets {
    kept: Vec<bool>,
}

impl Sets {
    /// The sets that name, for each state, the slots kept: positions among the state's pairs.
    ///
    /// # Errors
    /// [`CertificateError::Length`] unless there is a set for each state;
    /// [`CertificateError::Kept`] for a set that is empty, does not rise strictly or names a slot
    /// that the state does not have.
    pub fn new(model: &Model<'_>, kept: &[Vec<u32>]) -> Result<Self, CertificateError> {
        expect_length("candidate sets", kept.len(), model.states())?;
        let mut flags = vec![false; model.pairs()];
        for (state, slots) in kept.iter().enumerate() {
            let pairs = model.pairs_of(state);
            let rising = slots.windows(2).all(|w| w[0] < w[1]);
            match slots.last() {
                Some(&last) if rising && (last as usize) < pairs.len() => {
                    slots.iter().for_each(|&slot| flags[pairs.start + slot as usize] = true);
                }
                _ => return Err(CertificateError::Kept { state }),
            }
        }
        Ok(Self { kept: flags })
    }

    /// Whether a pair belongs to its state's set.
    #[inline]
    pub fn keeps(&self, pair: usize) -> bool {
        self.kept[pair]
    }
}

/// What arithmetic on enclosures says of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is true.
    Proved,
    /// It is false.
    Refuted,
    /// The enclosures are too wide to tell. An exact tie can be told from points only.
    Undecided,
}

impl Decision {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refuted, _) | (_, Self::Refuted) => Self::Refuted,
            (Self::Proved, Self::Proved) => Self::Proved,
            _ => Self::Undecided,
        }
    }
}

/// What is known of one state's candidate set A under the teacher π*.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SetFacts {
    /// m = Σ_{a ∈ A} π*(a|s), the captured mass.
    pub mass: Enclosure,
    /// −log m.
    pub leak: Enclosure,
    /// Whether m ≥ p.
    pub mass_at_least_p: Decision,
    /// Whether A is the nucleus: the smallest set of most likely actions with mass ≥ p, where of
    /// equally likely actions the one with the lower slot comes first.
    pub nucleus: Decision,
}

/// An action of a state, for [`set_facts`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Action {
    /// Its position among the state's pairs; of equally likely actions the lower one comes first.
    pub slot: usize,
    /// Q* lies in here.
    pub q: Enclosure,
}

/// What can be proved of the set that keeps `kept` and drops `dropped`.
pub fn set_facts(p: f64, kept: &[Action], dropped: &[Action]) -> SetFacts {
    let all = kept.iter().chain(dropped);
    let largest = all.fold(f64::NEG_INFINITY, |best, action| best.max(action.q.hi()));
    // Any real number is a correct anchor; infinity is none.
    let anchor = Enclosure::exact(if largest.is_finite() { largest } else { 0.0 });
    let weights = |a: &[Action]| a.iter().map(|a| (a.q - anchor).exp()).collect::<Vec<_>>();
    let sum = |weights: &[Enclosure]| weights.iter().fold(Enclosure::ZERO, |sum, &w| sum + w);
    let kept_weights = weights(kept);
    let (inside, outside) = (sum(&kept_weights), sum(&weights(dropped)));
    // Kept and dropped actions are different variables, so m = 1/(1 + odds) counts each once.
    // Odds are never negative, even where nothing else is known of them.
    let one_plus_odds = Enclosure::ONE + (outside / inside).max(Enclosure::ZERO);
    let mass_at_least_p = if dropped.is_empty() {
        Decision::Proved
    } else if p == 1.0 {
        // Every action has positive probability, however small.
        Decision::Refuted
    } else {
        mass_at_least(p, inside, outside)
    };
    SetFacts {
        mass: Enclosure::ONE / one_plus_odds,
        leak: one_plus_odds.ln(),
        mass_at_least_p,
        nucleus: mass_at_least_p.and(most_likely(kept, dropped)).and(smallest(
            p,
            &kept_weights,
            outside,
        )),
    }
}

/// Whether inside/(inside + outside) ≥ p, as p · outside ≤ (1 − p) · inside.
fn mass_at_least(p: f64, inside: Enclosure, outside: Enclosure) -> Decision {
    if mul_up(p, outside.hi()) <= mul_down(sub_down(1.0, p), inside.lo()) {
        Decision::Proved
    } else if mul_down(p, outside.lo()) > mul_up(sub_up(1.0, p), inside.hi()) {
        Decision::Refuted
    } else {
        Decision::Undecided
    }
}

/// Where an action stands: at an end of the enclosure of its Q*, with its slot.
type Place = (f64, usize);

/// Whether `a` comes first in the order of falling Q*, ties by the lower slot.
fn before(a: Place, b: Place) -> bool {
    a.0 > b.0 || (a.0 == b.0 && a.1 < b.1)
}

/// Whether every kept action comes before every dropped one.
///
/// It is so for certain if the last kept action at lower ends does before the first dropped one
/// at upper ends, and not so if a dropped one at lower ends is before a kept one at upper ends.
fn most_likely(kept: &[Action], dropped: &[Action]) -> Decision {
    let at = |actions: &[Action], end: fn(Enclosure) -> f64, choose: fn(Place, Place) -> Place| {
        actions.iter().map(|a| (end(a.q), a.slot)).reduce(choose)
    };
    let last = |end| at(kept, end, |a, b| if before(a, b) { b } else { a });
    let first = |end| at(dropped, end, |a, b| if before(a, b) { a } else { b });
    let in_order = |a: Option<Place>, b: Option<Place>| a.zip(b).map(|(a, b)| before(a, b));
    // Without a dropped action there is nothing to be in order with.
    if in_order(last(Enclosure::lo), first(Enclosure::hi)) != Some(false) {
        Decision::Proved
    } else if in_order(first(Enclosure::lo), last(Enclosure::hi)) == Some(true) {
        Decision::Refuted
    } else {
        Decision::Undecided
    }
}

/// Whether no smaller set of most likely actions carries mass p: that the set has less than p
/// without its least likely action. As it has even less without any other one, which of them is
/// the least likely need not be known. One action is always kept.
fn smallest(p: f64, weights: &[Enclosure], outside: Enclosure) -> Decision {
    if weights.len() == 1 {
        return Decision::Proved;
    }
    let mut decision = Decision::Proved;
    for (&weight, others) in weights.iter().zip(all_but_one(weights)) {
        match mass_at_least(p, others, outside + weight) {
            Decision::Refuted => {}
            // Even without this action the mass is p, and the least likely one weighs no more.
            Decision::Proved => return Decision::Refuted,
            Decision::Undecided => decision = Decision::Undecided,
        }
    }
    decision
}
