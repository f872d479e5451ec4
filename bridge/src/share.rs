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

#[cfg(test)]
mod tests {
    use super::*;
    use tabular::random::Source;

    #[test]
    fn intervals_cover_the_mean_over_prompts_and_say_something() {
        let (mut covered, mut width) = (0, 0.0);
        for stream in 0..1000 {
            let source = &mut Source::new(43, stream);
            // Ten prompts with a share of their own, twenty rollouts each.
            let prompts: Vec<f64> = (0..10).map(|_| source.unit()).collect();
            let draw = |share: f64, source: &mut Source| f64::from(u8::from(source.unit() < share));
            let values: Vec<f64> =
                prompts.iter().flat_map(|&share| [share; 20]).map(|s| draw(s, source)).collect();
            let truth = prompts.iter().sum::<f64>() / 10.0;
            let found = Share::new(&values, 20, 0.99);
            covered += usize::from(found.lower <= truth && truth <= found.upper);
            width += (found.upper - found.lower) / 1000.0;
            assert_eq!(found.n, 200);
        }
        assert!(covered >= 985 && width < 0.3, "{covered} {width}");
    }
}
