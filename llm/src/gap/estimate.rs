//! [`Estimate`]: the mean gap of a sample, with an interval.

use super::{GapProblem, Rollout};
use operators::{BoundedMean, GapBound, TopP};
use serde::Serialize;

/// How far a captured mass in `f32` may move its leak: |log(m̃/m)| ≤ 2⁻²⁴ (1 + 2⁻²³) for m̃ = m
/// rounded, of which this is almost twice. The rest is for logarithms and sums in `f64`, whose
/// errors are smaller by seven digits.
pub(super) const LEAK_ROUNDING: f64 = f32::EPSILON as f64;

/// The mean over prompts of the gap of the projected teacher, from responses to them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean of Σ_{t≥1} γ^t ℓ(s_t) over what was seen: unbiased if no response was cut off, too
    /// small on average otherwise.
    pub value: f64,
    /// The same with what responses that were cut off may lack: too large on average, if anything.
    pub widened: f64,
    /// The lower end: the better of the two below, which share the failure probability.
    pub lower: f64,
    /// The upper end, in the same way.
    pub upper: f64,
    /// How often such intervals cover what they estimate, at least.
    pub confidence: f64,
    /// How many responses there are.
    pub n: usize,
    /// What no gap exceeds: κ(p), or the bound for a certain end.
    pub bound: f64,
    /// The interval of Hoeffding's inequality alone.
    pub hoeffding: Interval,
    /// The interval of the empirical Bernstein inequality alone.
    pub empirical_bernstein: Interval,
}

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

impl Estimate {
    /// The estimate from rollouts of at most `most` tokens, of which `group` at a time belong to one
    /// prompt.
    ///
    /// Given the prompts, responses are independent: each sum lies in [0, B_n] as seen and in
    /// [0, B] with what it may lack, B_n the bound for `most` tokens and B that of `bound`. The
    /// expectation of the first is at most the gap, that of the second at least. So the lower end
    /// comes from the first and the upper end from the second; each end of each inequality is
    /// allowed a quarter of the failure probability, in an interval of one inequality alone half.
    /// Both ends are moved by what captured masses in `f32` may have been rounded.
    ///
    /// # Errors
    /// [`GapProblem::NoResponses`]; [`GapProblem::Confidence`] unless 0 < confidence < 1.
    ///
    /// # Panics
    /// Unless rollouts come in whole groups.
    pub fn new(
        rollouts: &[Rollout],
        group: usize,
        most: usize,
        p: TopP,
        bound: GapBound,
        confidence: f64,
    ) -> Result<Self, GapProblem> {
        if rollouts.is_empty() {
            return Err(GapProblem::NoResponses);
        }
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(GapProblem::Confidence { value: confidence });
        }
        let (leak, within) = (p.leak(), GapBound::within(bound.gamma(), most));
        let (all, seen_most) = (bound.of_leak(leak), bound.of_leak(leak).min(within.of_leak(leak)));
        let seen: Vec<f64> = rollouts.iter().map(|rollout| rollout.leaked).collect();
        let whole = |rollout: &Rollout| (rollout.leaked + rollout.unseen(bound, leak)).min(all);
        let whole: Vec<f64> = rollouts.iter().map(whole).collect();
        let seen = BoundedMean::new(&seen, group, seen_most);
        let whole = BoundedMean::new(&whole, group, all);
        let rounding = within.of_leak(LEAK_ROUNDING);
        let interval = |radius: &dyn Fn(&BoundedMean) -> f64| Interval {
            lower: (seen.mean() - radius(&seen) - rounding).max(0.0),
            upper: (whole.mean() + radius(&whole) + rounding).min(all),
        };
        let side = (1.0 - confidence) / 2.0;
        let Interval { lower, upper } = interval(&|mean| mean.radius(side));
        Ok(Self {
            value: seen.mean(),
            widened: whole.mean(),
            lower,
            upper,
            confidence,
            n: rollouts.len(),
            bound: all,
            hoeffding: interval(&|mean| mean.hoeffding(side)),
            empirical_bernstein: interval(&|mean| mean.empirical_bernstein(side)),
        })
    }
}
