//! [`Judge`]: gathers the comparisons of one check into a [`Finding`].

use crate::{Finding, Number, Verdict, Witness};

/// Where a comparison takes place.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The state.
    pub state: usize,
    /// The action number, where there is one.
    pub action: Option<u32>,
}

/// Collects comparisons: one clear no makes the answer no, one undecided makes it undecided.
///
/// In floats a yes counts only where the slack is not larger than what is compared.
#[derive(Debug, Clone)]
pub struct Judge {
    no: Option<Verdict>,
    undecided: Option<Witness>,
    worst_ratio: Option<f64>,
    width: Option<f64>,
}

impl Default for Judge {
    fn default() -> Self {
        Self::new()
    }
}

impl Judge {
    /// A judge who has heard nothing.
    pub fn new() -> Self {
        Self { no: None, undecided: None, worst_ratio: None, width: None }
    }

    /// `value ≤ bound` for a bound whose tightness is of interest: records value / bound when
    /// the bound is clearly positive.
    pub fn bounded<T: Number>(
        &mut self,
        claim: &'static str,
        place: Place,
        value: T,
        bound: T,
        slack: f64,
    ) {
        let (v, b) = (value.center(), bound.center());
        // A ratio of numbers that drown in their own uncertainty says nothing.
        if b > 1e-9 && b > 100.0 * (slack + value.apart(value)) && b.is_finite() {
            self.worst_ratio = Some(self.worst_ratio.map_or(v / b, |r: f64| r.max(v / b)));
        }
        self.at_most(claim, place, value, bound, slack);
    }

    /// `lower ≤ upper`, with `slack` for the rounding of floats.
    pub fn at_most<T: Number>(
        &mut self,
        claim: &'static str,
        place: Place,
        lower: T,
        upper: T,
        slack: f64,
    ) {
        let (value, bound) = (lower.center(), upper.center());
        let answer = lower.at_most(upper, slack).filter(|&yes| !yes || upper.outweighs(slack));
        self.note::<T>(answer, claim, place, value, bound);
    }

    /// Keeps the first no and the first doubt.
    fn note<T: Number>(
        &mut self,
        answer: Option<bool>,
        claim: &'static str,
        Place { state, action }: Place,
        value: f64,
        bound: f64,
    ) {
        let witness = || Witness { state, action, value, bound, claim: claim.into(), reason: None };
        match answer {
            Some(false) if self.no.is_none() => self.no = Some(T::no(witness())),
            None if self.undecided.is_none() => self.undecided = Some(witness()),
            _ => {}
        }
    }

    /// `value = expected`, within `slack` for floats; for enclosures, that they overlap, which
    /// shows equality to within the width that is recorded.
    pub fn equal<T: Number>(
        &mut self,
        claim: &'static str,
        place: Place,
        value: T,
        expected: T,
        slack: f64,
    ) {
        let apart = value.apart(expected);
        self.width = Some(self.width.map_or(apart, |w: f64| w.max(apart)));
        let answer = match value.equals(expected, slack) {
            false => Some(false),
            true => (apart.is_finite() && expected.outweighs(slack)).then_some(true),
        };
        self.note::<T>(answer, claim, place, value.center(), expected.center());
    }

    /// A claim that is true or false without numbers to compare.
    pub fn holds<T: Number>(&mut self, claim: &'static str, place: Place, answer: Option<bool>) {
        self.note::<T>(answer, claim, place, f64::NAN, f64::NAN);
    }

    /// What comes of it.
    pub fn finish<T: Number>(self) -> Finding {
        let verdict = match (self.no, self.undecided) {
            (Some(no), _) => no,
            (None, Some(witness)) => Verdict::Undecided(witness),
            (None, None) => T::yes(),
        };
        Finding { verdict, worst_ratio: self.worst_ratio, width: self.width }
    }
}

#[cfg(test)]
mod tests {
    use super::{Judge, Place};
    use crate::Verdict;

    const HERE: Place = Place { state: 0, action: None };

    #[test]
    fn a_slack_beyond_the_bound_decides_nothing() {
        let verdict = |value: f64, slack: f64| {
            let mut judge = Judge::new();
            judge.at_most("value ≤ 2", HERE, value, 2.0, slack);
            judge.finish::<f64>().verdict
        };
        assert_eq!(verdict(1.0, 2.0), Verdict::Held);
        assert!(matches!(verdict(1.0, 3.0), Verdict::Undecided(_)));
        assert!(matches!(verdict(1.0, f64::INFINITY), Verdict::Undecided(_)));
        // A no beyond the slack stays a no.
        assert!(verdict(6.0, 3.0).is_no());
        let mut judge = Judge::new();
        judge.equal("8 = 2", HERE, 8.0, 2.0, 7.0);
        assert!(matches!(judge.finish::<f64>().verdict, Verdict::Undecided(_)));
    }
}
