//! What log-probabilities of fewer bits would cost: the bounds of the page on the teacher cache.

use candle_core::{DType, Device, Tensor};
use operators::candidates::shortest_prefix;
use operators::*;
use proptest::prelude::*;

/// A type of numbers with the bound e(x) on |x̂ − x|: the larger of a share of |x| and of a number.
#[derive(Debug, Clone, Copy)]
struct Precision {
    dtype: DType,
    relative: f64,
    absolute: f64,
}

/// 11 significant bits, and steps of 2⁻²⁴ next to 0.
fn half() -> Precision {
    Precision { dtype: DType::F16, relative: 2f64.powi(-11), absolute: 2f64.powi(-25) }
}

/// 24 significant bits, and steps of 2⁻¹⁴⁹ next to 0.
fn single() -> Precision {
    Precision { dtype: DType::F32, relative: 2f64.powi(-24), absolute: 2f64.powi(-150) }
}

impl Precision {
    fn bound(&self, x: f64) -> f64 {
        (self.relative * x.abs()).max(self.absolute)
    }

    /// The nearest numbers of the type.
    fn round(&self, values: &[f64]) -> Vec<f64> {
        let exact = Tensor::from_slice(values, values.len(), &Device::Cpu).expect("a tensor");
        let rounded = exact.to_dtype(self.dtype).and_then(|x| x.to_dtype(DType::F64));
        rounded.and_then(|x| x.to_vec1()).expect("numbers")
    }
}

/// The log-probabilities of a row in falling order.
fn log_probabilities(logits: &[f64]) -> Vec<f64> {
    let layout = RowLayout::uniform(1, logits.len()).expect("a row");
    let n = Dense::<f64>::new(&layout);
    let full = n.mask(&CandidateSets::full(&layout));
    let log = log_policy(&n, &n.cells(logits).expect("logits"), &full).expect("a policy");
    let mut log: Vec<f64> = log.0.iter().copied().collect();
    log.sort_by(|a, b| b.total_cmp(a));
    log
}

/// Logits near and far, so that probabilities are near 1 and near 0.
fn rows() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec(-3.0..3.0f64, 2..80),
        prop::collection::vec(-200.0..20.0f64, 2..80),
    ]
}

proptest! {
    #[test]
    fn a_number_is_off_by_no_more_than_half_a_step(
        x in prop_oneof![-65504.0..0.0f64, -20.0..0.0f64, -1e-4..0.0f64, -1e-8..0.0f64],
    ) {
        for precision in [half(), single()] {
            let rounded = precision.round(&[x])[0];
            prop_assert!((rounded - x).abs() <= precision.bound(x), "{precision:?}: {rounded} {x}");
        }
    }

    #[test]
    fn the_mass_of_every_prefix_is_off_by_no_more_than_its_entropy_allows(
        logits in rows(),
        share in 0.01..1.0f64,
    ) {
        let log = log_probabilities(&logits);
        // Sums of at most 80 numbers that sum to 1, and their exponentials.
        let float = 200.0 * f64::EPSILON;
        for precision in [half(), single()] {
            let rounded = precision.round(&log);
            let (mut exact, mut found, mut entropy, mut most) = (0.0, 0.0, 0.0, 0.0f64);
            let mut near = false;
            for (x, y) in log.iter().zip(&rounded) {
                (exact, found) = (exact + x.exp(), found + y.exp());
                (entropy, most) = (entropy - x.exp() * x, most.max(precision.bound(*x)));
                let bound = most.exp() * (precision.relative * entropy + precision.absolute * exact);
                prop_assert!((found - exact).abs() <= bound + float, "{precision:?}: {found} {exact}");
                near |= (exact - share).abs() <= bound + float;
            }
            // Sets at a smaller p differ only where a prefix comes that close to it.
            let p = TopP::new(share).expect("a mass");
            let size = |log: &[f64]| shortest_prefix(log.iter().map(|x| x.exp()), 1.0, p);
            prop_assert!(near || size(&log) == size(&rounded), "{precision:?}");
        }
    }

    #[test]
    fn a_term_of_a_divergence_is_off_by_no_more_than_its_slope_allows(
        x in prop_oneof![-60.0..0.0f64, -1.0..0.0f64, -1e-4..0.0f64],
        s in -60.0..0.0f64,
    ) {
        let term = |x: f64| x.exp() * (x - s);
        for precision in [half(), single()] {
            let (y, e) = (precision.round(&[x])[0], precision.bound(x));
            let bound = e * (x + e).exp() * (1.0 + (x - s).abs() + e);
            // Two terms below 60 in size, of a few roundings each.
            let float = 60.0 * 8.0 * f64::EPSILON;
            prop_assert!((term(y) - term(x)).abs() <= bound + float, "{precision:?}: {x} {s}");
        }
    }
}

#[test]
fn the_bound_on_a_number_cannot_be_halved() {
    for precision in [half(), single()] {
        // Half a step beyond 1: as far from a number of the type as one can get.
        let x = -(1.0 + precision.relative);
        let off = (precision.round(&[x])[0] - x).abs();
        assert!(off > 0.99 * precision.bound(x), "{precision:?}: {off}");
    }
}

#[test]
fn the_example_of_the_page_is_below_a_thousandth() {
    let (precision, entropy, least) = (half(), 2.0, 1e-6f64);
    let most = precision.bound(least.ln());
    assert!(most.exp() * (precision.relative * entropy + precision.absolute) < 1e-3);
}
