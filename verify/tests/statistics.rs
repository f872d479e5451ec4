//! Statistics against values worked out by hand or taken from tables.

use verify::Sample;
use verify::statistics::{
    Distribution, Statistics, mean, quantile, rate_at_most, ratio, share, stride,
};

fn close(a: f64, b: f64, to: f64) {
    assert!((a - b).abs() <= to, "{a} is not {b} to within {to}");
}

fn sample(index: u64, name: &str, gap: f64, kappa: f64) -> Sample {
    let (gamma, p, contraction) = (0.9, 0.5, 0.4);
    let name = name.to_string();
    Sample {
        index,
        name,
        gamma,
        p,
        gap,
        kappa,
        instance_kappa: kappa,
        horizon_bound: None,
        contraction,
        kept: 0.5,
    }
}

#[test]
fn the_mean_of_one_to_five_has_the_t_interval_of_the_textbook() {
    // s = √2.5, t(0.975; 4) = 2.776445105, half = t · s/√5 = 1.963243.
    let estimate = mean(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95);
    assert_eq!((estimate.value, estimate.n), (3.0, 5));
    close(estimate.lower.unwrap(), 3.0 - 1.963_243_161, 1e-8);
    close(estimate.upper.unwrap(), 3.0 + 1.963_243_161, 1e-8);
}

#[test]
fn one_value_has_a_mean_but_no_interval() {
    let estimate = mean(&[7.0], 0.95);
    assert_eq!((estimate.value, estimate.lower, estimate.upper), (7.0, None, None));
}

#[test]
fn equal_values_have_an_interval_of_width_zero() {
    let estimate = mean(&[0.25; 9], 0.95);
    assert_eq!((estimate.lower, estimate.upper), (Some(0.25), Some(0.25)));
}

#[test]
fn shares_have_the_clopper_pearson_interval_of_the_tables() {
    let one_in_ten = share(1, 10, 0.95);
    close(one_in_ten.lower.unwrap(), 0.002_528_579, 1e-8);
    close(one_in_ten.upper.unwrap(), 0.445_016_117, 1e-8);
    let five_in_ten = share(5, 10, 0.95);
    close(five_in_ten.lower.unwrap(), 0.187_086_028, 1e-8);
    close(five_in_ten.upper.unwrap(), 0.812_913_972, 1e-8);
}

#[test]
fn shares_of_none_and_all_have_closed_forms() {
    let edge = 1.0 - 0.025_f64.powf(0.1);
    let none = share(0, 10, 0.95);
    assert_eq!((none.value, none.lower), (0.0, Some(0.0)));
    close(none.upper.unwrap(), edge, 1e-12);
    let all = share(10, 10, 0.95);
    assert_eq!((all.value, all.upper), (1.0, Some(1.0)));
    close(all.lower.unwrap(), 1.0 - edge, 1e-12);
}

#[test]
fn nothing_found_among_n_leaves_the_rule_of_three() {
    close(rate_at_most(0, 10, 0.95), 1.0 - 0.05_f64.powf(0.1), 1e-15);
    close(rate_at_most(0, 10_000, 0.95) * 10_000.0, 2.995_283_597_766, 1e-11);
    // Exact for any n: (1 − bound)^n = 5 %.
    for n in [1_u64, 7, 1_000_000] {
        close((1.0 - rate_at_most(0, n, 0.95)).powf(n as f64), 0.05, 1e-9);
    }
}

#[test]
fn rates_with_hits_are_one_sided_and_nothing_checked_rules_out_nothing() {
    close(rate_at_most(1, 10, 0.95), 0.394_163_3, 1e-6);
    assert_eq!(rate_at_most(0, 0, 0.95), 1.0);
    assert_eq!(rate_at_most(3, 3, 0.95), 1.0);
}

#[test]
fn the_median_of_ten_lies_between_the_second_and_the_ninth() {
    // P(B ≤ 1) = 11/1024 ≤ 2.5 % < P(B ≤ 2) = 56/1024 for B ~ Bin(10, ½).
    let values: Vec<f64> = (1..=10).map(f64::from).collect();
    let median = quantile(&values, 0.5, 0.95);
    assert_eq!((median.value, median.lower, median.upper), (5.5, Some(2.0), Some(9.0)));
}

#[test]
fn a_far_quantile_of_few_values_has_no_upper_end() {
    // 0.95¹⁰ = 60 % of samples lie below the true 95 % quantile altogether.
    let values: Vec<f64> = (1..=10).map(f64::from).collect();
    let high = quantile(&values, 0.95, 0.95);
    close(high.value, 9.55, 1e-12);
    assert_eq!((high.lower, high.upper), (Some(8.0), None));
}

#[test]
fn quantile_intervals_cover_at_least_as_often_as_they_say() {
    // The chance that the interval between order statistics encloses the quantile is a sum of
    // binomial probabilities, added up here term by term.
    for n in [8_u32, 20, 61] {
        for q in [0.25, 0.5, 0.75] {
            let values: Vec<f64> = (1..=n).map(f64::from).collect();
            let interval = quantile(&values, q, 0.95);
            let (Some(low), Some(high)) = (interval.lower, interval.upper) else { continue };
            let mut weight = (1.0 - q).powi(n as i32);
            let mut covered = 0.0;
            for below in 0..=n {
                if (low..high).contains(&f64::from(below)) {
                    covered += weight;
                }
                weight *= f64::from(n - below) / f64::from(below + 1) * q / (1.0 - q);
            }
            assert!(covered >= 0.95, "{covered} for n = {n}, q = {q}");
        }
    }
}

#[test]
fn a_distribution_of_one_is_that_one_and_of_none_is_none() {
    let spread = Distribution::of(vec![0.3], 0.95).unwrap();
    assert_eq!((spread.n, spread.min, spread.max, spread.mean.value), (1, 0.3, 0.3, 0.3));
    assert!(spread.quantiles.iter().all(|q| q.estimate.value == 0.3));
    assert_eq!(Distribution::of(Vec::new(), 0.95), None);
}

#[test]
fn only_positive_finite_bounds_have_a_ratio() {
    assert_eq!(ratio(1.0, 4.0), Some(0.25));
    assert_eq!(ratio(1.0, f64::INFINITY), None);
    assert_eq!(ratio(0.0, 0.0), None);
    assert_eq!(ratio(f64::NAN, 1.0), None);
}

#[test]
fn sampling_passes_no_family_by() {
    assert_eq!(stride(10_000, 7, 4_000), 3);
    // Every seventh of seven families would be one family only.
    assert_eq!(stride(28_000, 7, 4_000), 8);
    assert_eq!([stride(0, 7, 4_000), stride(4_000, 7, 4_000), stride(1, 1, 4_000)], [1, 1, 1]);
    for instances in [1_u64, 3_999, 4_001, 27_999, 1_000_000] {
        for families in 1..=7 {
            let stride = stride(instances, families, 4_000);
            assert!(instances.div_ceil(stride) <= 4_000);
            let met: std::collections::BTreeSet<_> =
                (0..families).map(|i| i * stride % families).collect();
            assert_eq!(met.len() as u64, families, "{instances} of {families}");
        }
    }
}

#[test]
fn families_stand_in_their_order_and_files_after_them() {
    let samples = [
        sample(4, "mine", 1.0, 2.0),
        sample(0, "ring", 1.0, 2.0),
        sample(1, "dense", 1.0, 4.0),
        sample(2, "ring", 2.0, 2.0),
        sample(3, "dense", 1.0, f64::INFINITY),
    ];
    let statistics = Statistics::of(&samples);
    let names: Vec<_> = statistics.families.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["dense", "ring", "mine"]);
    assert_eq!(statistics.overall.instances, 5);
    assert_eq!(statistics.overall.gap_over_kappa.as_ref().unwrap().n, 4);
    let dense = &statistics.families[0];
    assert_eq!(dense.instances, 2);
    assert_eq!(dense.gap_over_kappa.as_ref().unwrap().mean.value, 0.25);
}

#[test]
fn shares_count_what_is_at_or_below_the_threshold() {
    let spread = Distribution::of(vec![0.01, 0.1, 0.5, 0.9], 0.95).unwrap();
    let shares: Vec<_> = spread.shares.iter().map(|s| s.estimate.value).collect();
    assert_eq!(shares, [0.25, 0.5, 0.75]);
}

#[test]
fn missing_ends_are_null_in_json() {
    let json = serde_json::to_value(Statistics::of(&[sample(0, "ring", 1.0, 2.0)])).unwrap();
    let spread = &json["families"][0]["gap_over_kappa"];
    assert_eq!(spread["mean"]["value"], 0.5);
    assert!(spread["mean"]["upper"].is_null());
    assert_eq!(spread["quantiles"][2]["at"], 0.5);
}
