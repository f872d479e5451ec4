//! [`Statistics`]: how the gaps of a campaign spread, with confidence intervals.
//!
//! The intervals speak of the generator that drew the instances: "another campaign of this kind
//! would find …". They say nothing about MDPs drawn in another way, and they are no part of any
//! verdict.

use crate::Sample;
use serde::Serialize;
use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, StudentsT};
use tabular::Family;

/// The confidence of every interval in a report.
pub const CONFIDENCE: f64 = 0.95;

/// The quantiles of a [`Distribution`].
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// A [`Distribution`] counts the instances at or below each of these.
pub const THRESHOLDS: [f64; 3] = [0.01, 0.1, 0.5];

/// A bound below this is rounding: no ratio is taken to it.
const SMALLEST_BOUND: f64 = 1e-9;

/// An estimate with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// What the data say.
    pub value: f64,
    /// The lower end; none when the data are too few to have one.
    pub lower: Option<f64>,
    /// The upper end, likewise.
    pub upper: Option<f64>,
    /// How often such an interval covers the truth.
    pub confidence: f64,
    /// From how many instances.
    pub n: u64,
}

/// An estimate that belongs to a probability or a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct At {
    /// The probability of a quantile, or the threshold of a share.
    pub at: f64,
    /// The quantile, or the share of instances at or below the threshold.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// How one figure spreads over instances.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    /// How many instances have the figure.
    pub n: u64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The mean, with Student's t interval.
    pub mean: Estimate,
    /// At [`QUANTILES`], with intervals between order statistics.
    pub quantiles: Vec<At>,
    /// The share at or below each of [`THRESHOLDS`], with Clopper and Pearson's interval.
    pub shares: Vec<At>,
}

impl Distribution {
    /// The distribution of `values`; none when there are none.
    pub fn of(mut values: Vec<f64>, confidence: f64) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let share = |at| {
            let below = values.iter().take_while(|&&v| v <= at).count() as u64;
            At { at, estimate: share(below, values.len() as u64, confidence) }
        };
        Some(Self {
            n: values.len() as u64,
            min,
            max,
            mean: mean(&values, confidence),
            quantiles: QUANTILES
                .map(|at| At { at, estimate: quantile(&values, at, confidence) })
                .to_vec(),
            shares: THRESHOLDS.map(share).to_vec(),
        })
    }
}

/// The gaps of a family against their bounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The family, or the file.
    pub name: String,
    /// How many instances were sampled. Those whose bound is zero or infinite have no ratio.
    pub instances: u64,
    /// sup D / κ(p).
    pub gap_over_kappa: Option<Distribution>,
    /// sup D over the bound from the instance's own largest leak.
    pub gap_over_instance_bound: Option<Distribution>,
}

impl Group {
    fn of<'a>(name: &str, samples: impl Iterator<Item = &'a Sample> + Clone) -> Self {
        let spread = |bound: fn(&Sample) -> f64| {
            let ratios = samples.clone().filter_map(|s| ratio(s.gap, bound(s))).collect();
            Distribution::of(ratios, CONFIDENCE)
        };
        Self {
            name: name.to_string(),
            instances: samples.clone().count() as u64,
            gap_over_kappa: spread(|s| s.kappa),
            gap_over_instance_bound: spread(|s| s.instance_kappa),
        }
    }
}

/// The gaps of a campaign, overall and by family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// The confidence of every interval.
    pub confidence: f64,
    /// All instances together.
    pub overall: Group,
    /// A family each, in the order of [`names`].
    pub families: Vec<Group>,
}

impl Statistics {
    /// Reads them off the samples of a campaign.
    pub fn of(samples: &[Sample]) -> Self {
        let group = |name| Group::of(name, samples.iter().filter(move |s| s.name == name));
        Self {
            confidence: CONFIDENCE,
            overall: Group::of("all", samples.iter()),
            families: names(samples).into_iter().map(group).collect(),
        }
    }
}

/// The families of the samples, each once: the random ones in their order, then whatever else
/// there is in the order in which it first appears.
pub fn names(samples: &[Sample]) -> Vec<&str> {
    let mut names = Vec::new();
    for sample in samples {
        if !names.contains(&sample.name.as_str()) {
            names.push(sample.name.as_str());
        }
    }
    let place = |name: &&str| Family::ALL.iter().position(|f| f.to_string() == **name);
    names.sort_by_key(|name| place(name).unwrap_or(Family::ALL.len()));
    names
}

/// How far apart instances are sampled, so that of `instances` at most `most` are and every one
/// of `families`, which a campaign takes in turn, has its share.
pub fn stride(instances: u64, families: u64, most: u64) -> u64 {
    let common = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let least = instances.div_ceil(most.max(1)).max(1);
    // A stride that shares a factor with the number of families would pass some of them by.
    (least..).find(|&stride| common(stride, families.max(1)) == 1).unwrap_or(1)
}

/// gap / bound; none where the bound is infinite or no more than rounding.
pub fn ratio(gap: f64, bound: f64) -> Option<f64> {
    (gap.is_finite() && bound.is_finite() && bound > SMALLEST_BOUND).then(|| gap / bound)
}

/// The mean with Student's t interval, mean ± t · s/√n; no interval for fewer than two values.
pub fn mean(values: &[f64], confidence: f64) -> Estimate {
    let n = values.len() as f64;
    let value = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - value).powi(2)).sum();
    let half = StudentsT::new(0.0, 1.0, n - 1.0).ok().map(|t| {
        let deviation = (squares / (n - 1.0)).sqrt();
        t.inverse_cdf(0.5 + confidence / 2.0) * deviation / n.sqrt()
    });
    Estimate {
        value,
        lower: half.map(|h| value - h),
        upper: half.map(|h| value + h),
        confidence,
        n: values.len() as u64,
    }
}

/// The share `hits / n` with Clopper and Pearson's exact interval.
pub fn share(hits: u64, n: u64, confidence: f64) -> Estimate {
    let tail = (1.0 - confidence) / 2.0;
    Estimate {
        value: hits as f64 / n as f64,
        lower: (n > 0).then(|| beta_quantile(hits, n - hits + 1, tail)),
        upper: (n > 0).then(|| beta_quantile(hits + 1, n - hits, 1.0 - tail)),
        confidence,
        n,
    }
}

/// The rate that `hits` of `n` do not rule out: Clopper and Pearson's one-sided upper bound.
///
/// With no hits it is 1 − (1 − confidence)^{1/n}, about 3/n at 95 %: the rule of three.
/// One when `n` is zero.
pub fn rate_at_most(hits: u64, n: u64, confidence: f64) -> f64 {
    if hits == 0 && n > 0 {
        return -((1.0 - confidence).ln() / n as f64).exp_m1();
    }
    beta_quantile(hits + 1, n.saturating_sub(hits), confidence)
}

/// The quantile of Beta(a, b), which is 0 for a = 0 and 1 for b = 0.
fn beta_quantile(a: u64, b: u64, probability: f64) -> f64 {
    match Beta::new(a as f64, b as f64) {
        Ok(beta) => beta.inverse_cdf(probability),
        Err(_) if a == 0 => 0.0,
        Err(_) => 1.0,
    }
}

/// A quantile of sorted values, with the interval between order statistics that covers it
/// whatever the distribution.
///
/// The number of values below the true quantile is binomial: with B ~ Bin(n, q), the l-th and the
/// u-th smallest value enclose it with probability P(l ≤ B < u). The value is interpolated
/// linearly between neighbours. An end is missing when even the extreme value is not far enough
/// out.
pub fn quantile(sorted: &[f64], q: f64, confidence: f64) -> Estimate {
    let n = sorted.len();
    let position = q * (n.max(1) - 1) as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    let value = match (sorted.get(below), sorted.get(above)) {
        (Some(&a), Some(&b)) if a < b => a + (position - below as f64) * (b - a),
        (Some(&a), _) => a,
        _ => f64::NAN,
    };
    let tail = (1.0 - confidence) / 2.0;
    // The order statistics count from one, the slice from zero.
    let ends = Binomial::new(q, n as u64).ok().map(|b| {
        let lower = b.inverse_cdf(tail) as usize;
        let upper = b.inverse_cdf(1.0 - tail) as usize + 1;
        (lower.checked_sub(1), upper - 1)
    });
    Estimate {
        value,
        lower: ends.and_then(|(lower, _)| sorted.get(lower?).copied()),
        upper: ends.and_then(|(_, upper)| sorted.get(upper).copied()),
        confidence,
        n: n as u64,
    }
}
