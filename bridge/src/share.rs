//! [`Share`]: the mean of a share over rollouts, with an interval.

use operators::BoundedMean;
use serde::Serialize;

/// The mean over rollouts of a share of their positions, each rollout counting the same.
///
/// Given the prompts, rollouts are independent and each of these shares lies in [0, 1]: so the interval
/// holds for any number of rollouts. It is for these prompts, and for what a rollout shows before it is
/// cut off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// The mean.
    pub value: f64,
    /// The lower end: the better one of Hoeffding's and the empirical Bernstein inequality.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
    /// How often such an interval covers the expectation, at least.
    pub confidence: f64,
    /// Rollouts.
    pub n: usize,
}

impl Share {
    /// The mean of `values`, of which `group` at a time belong to one prompt.
    ///
    /// # Panics
    /// Unless there are values, in whole groups.
    pub fn new(values: &[f64], group: usize, confidence: f64) -> Self {
        let mean = BoundedMean::new(values, group, 1.0);
        let radius = mean.radius((1.0 - confidence) / 2.0);
        let value = mean.mean();
        let (lower, upper) = ((value - radius).max(0.0), (value + radius).min(1.0));
        Self { value, lower, upper, confidence, n: values.len() }
    }
}
