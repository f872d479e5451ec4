//! The plots: gap over p, gap against its own bound and that of the certain end, contraction, and how
//! gaps spread.

use super::ReportError;
use super::canvas::{Axis, Chart, Frame, Trouble, draw};
use super::figures::power_of_ten;
use super::palette::{INK, family};
use crate::Sample;
use crate::statistics::{names, ratio};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use serde::Serialize;

/// Everything smaller is drawn at the lower edge of a logarithmic axis.
const FLOOR: f64 = -5.0;

/// How opaque a point is: many of them lie on top of each other.
const OPACITY: f64 = 0.6;

/// A plot for the page.
#[derive(Debug, Clone, Serialize)]
pub struct Plot {
    /// A name for people and for those who listen to the page.
    pub title: String,
    /// Width in its own units.
    pub width: u32,
    /// Height, likewise.
    pub height: u32,
    /// The elements inside `<svg>`.
    pub svg: String,
    /// How many instances it shows.
    pub shown: usize,
    /// How many it leaves out, because their bound is zero or infinite.
    pub left_out: usize,
}

/// A point with the number of its family.
type Point = (f64, f64, usize);

/// Samples with the number of their family, as [`names`] orders them.
pub struct Sampled<'a> {
    /// The families.
    pub names: Vec<&'a str>,
    samples: &'a [Sample],
}

impl<'a> Sampled<'a> {
    /// Numbers the families.
    pub fn new(samples: &'a [Sample]) -> Self {
        Self { names: names(samples), samples }
    }

    fn points(&self, place: impl Fn(&Sample, usize) -> Option<(f64, f64)>) -> Vec<Point> {
        let number = |s: &Sample| self.names.iter().position(|n| *n == s.name).unwrap_or(0);
        let point = |s: &Sample| {
            let (x, y) = place(s, number(s))?;
            (x.is_finite() && y.is_finite()).then_some((x, y, number(s)))
        };
        self.samples.iter().filter_map(point).collect()
    }

    /// Where a family stands in a column that is one wide: from −0.5 to 0.5. Instances are
    /// spread a little further by their number, which is reproducible and looks random enough.
    fn dodge(&self, number: usize, index: u64) -> f64 {
        if self.samples.len() < 2 {
            return 0.0;
        }
        let golden = 0.618_033_988_749_895;
        let jitter = (index as f64 * golden).fract();
        (number as f64 + 0.15 + 0.7 * jitter) / self.names.len() as f64 - 0.5
    }

    fn plot(&self, title: &str, frame: Frame, svg: String, shown: usize) -> Plot {
        let left_out = self.samples.len() - shown;
        let Frame { width, height, .. } = frame;
        Plot { title: title.to_string(), width, height, svg, shown, left_out }
    }

    /// sup D (1 − γ)/γ over p, where −log p is the bound whatever γ.
    pub fn gap_over_p(&self) -> Result<Plot, ReportError> {
        let title = "Gap against κ(p), over p";
        let points = self.points(|s, number| {
            let leak = s.kappa * (1.0 - s.gamma) / s.gamma;
            let p = (-leak).exp();
            // Families stand side by side along the bound: a point keeps its ratio to it.
            let beside = p + 0.036 * self.dodge(number, s.index);
            Some((beside, floored(ratio(s.gap, s.kappa)? * -beside.ln())))
        });
        let low = lowest(&points);
        let labels = [0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0];
        let x =
            Axis::new("mass p of the candidate sets", 0.0..1.0, labels.map(|p| (p, p.to_string())));
        let y = decades("largest gap per step, sup D · (1 − γ)/γ", low, 1.0);
        let svg = draw(title, Frame::WIDE, (&x, &y), |chart| {
            // From the right: −log p grows by equal steps on this axis.
            let bound = (0..=200).map(|i| low + (1.0 - low) * f64::from(i) / 200.0);
            let bound = bound.map(|y| ((-10f64.powf(y)).exp(), y));
            scatter(chart, &points)?;
            chart.draw_series(LineSeries::new(bound, INK.stroke_width(4)))?;
            note(chart, (0.985, 0.62), "bound −log p: nothing above it")
        })?;
        Ok(self.plot(title, Frame::WIDE, svg, points.len()))
    }

    /// sup D against κ from the instance's own largest leak.
    pub fn gap_over_instance_bound(&self) -> Result<Plot, ReportError> {
        let title = "Gap against the bound from the instance’s own leak";
        let axis = "bound κ from the instance’s smallest captured mass";
        self.gap_over(title, axis, |s| Some(s.instance_kappa))
    }

    /// sup D against −log p Σ_{t=1}^{H−1} γ^t where the end is certain; nothing where it never is.
    pub fn gap_over_horizon_bound(&self) -> Result<Option<Plot>, ReportError> {
        if self.samples.iter().all(|s| s.horizon_bound.is_none()) {
            return Ok(None);
        }
        let title = "Gap against the bound of the certain end";
        let axis = "bound −log p Σ γᵗ until the end";
        self.gap_over(title, axis, |s| s.horizon_bound).map(Some)
    }

    /// sup D against a bound, on the same scale.
    fn gap_over(
        &self,
        title: &str,
        axis: &str,
        bound: impl Fn(&Sample) -> Option<f64>,
    ) -> Result<Plot, ReportError> {
        let points = self.points(|s, _| {
            let bound = bound(s)?;
            ratio(s.gap, bound)?;
            Some((floored(bound), floored(s.gap)))
        });
        let low = lowest(&points);
        let high = points.iter().map(|p| p.0.max(p.1)).fold(0.0, f64::max).ceil();
        let x = decades(axis, low, high);
        let y = decades("largest gap, sup D", low, high);
        let svg = draw(title, Frame::WIDE, (&x, &y), |chart| {
            scatter(chart, &points)?;
            let diagonal = [(low, low), (high, high)];
            chart.draw_series(LineSeries::new(diagonal, INK.stroke_width(4)))?;
            note(chart, (low + 0.86 * (high - low), high - 0.1 * (high - low)), "gap = bound")
        })?;
        Ok(self.plot(title, Frame::WIDE, svg, points.len()))
    }

    /// How much one application of T_p shrinks the distance of a random pair, against γ.
    pub fn contraction(&self) -> Result<Plot, ReportError> {
        let title = "Contraction against γ";
        let contracting = self.samples.iter().map(|s| s.gamma).filter(|g| *g < 1.0);
        let last = contracting.map(horizon).fold(0.5, f64::max);
        // Horizons grow without end; γ = 1 stands a little apart.
        let at = |gamma: f64| if gamma < 1.0 { horizon(gamma) } else { last + 0.7 };
        let points = self.points(|s, number| {
            // Beside its γ, moved with the bound so that the distance to it stays.
            Some((at(s.gamma) + 0.24 * self.dodge(number, s.index), s.contraction))
        });
        let labels = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1.0];
        let undiscounted = self.samples.iter().any(|s| s.gamma >= 1.0);
        let right = if undiscounted { at(1.0) } else { last } + 0.2;
        let x = Axis::new(
            "discount γ, spaced by log 1/(1 − γ)",
            -0.2..right,
            labels.map(|g| (at(g), g.to_string())),
        );
        let top = points.iter().map(|p| p.1).fold(1.0, f64::max) + 0.05;
        let y = Axis::new(
            "‖TₚQ₁ − TₚQ₂‖ / ‖Q₁ − Q₂‖",
            0.0..top,
            [0.0, 0.2, 0.4, 0.6, 0.8, 1.0].map(|r| (r, r.to_string())),
        );
        let svg = draw(title, Frame::WIDE, (&x, &y), |chart| {
            scatter(chart, &points)?;
            let mut gammas: Vec<_> = self.samples.iter().map(|s| s.gamma).collect();
            gammas.sort_by(f64::total_cmp);
            gammas.dedup();
            for gamma in gammas {
                let step = [(at(gamma) - 0.13, gamma), (at(gamma) + 0.13, gamma)];
                chart.draw_series(LineSeries::new(step, INK.stroke_width(4)))?;
            }
            Ok(())
        })?;
        Ok(self.plot(title, Frame::WIDE, svg, points.len()))
    }

    /// How gap / κ(p) spreads, a small plot for each family.
    pub fn spread(&self) -> Result<Vec<Plot>, ReportError> {
        let bars: Vec<_> = (0..self.names.len()).map(|number| self.bars(number)).collect();
        let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|r| (r, r.to_string()));
        let x = Axis::new("", 0.0..1.0 + BIN, ticks);
        let mut plots = Vec::new();
        for (number, (bars, shown)) in bars.iter().enumerate() {
            let tallest = bars.iter().copied().fold(0.0, f64::max);
            let top = (tallest * 20.0 - 1e-9).ceil().max(1.0) / 20.0;
            let ticks = [0.0, top].map(|s| (s, format!("{:.0} %", 100.0 * s)));
            let y = Axis::new(self.names[number], 0.0..top, ticks);
            let svg = draw(self.names[number], Frame::SMALL, (&x, &y), |chart| {
                let bar = |(i, share): (usize, &f64)| {
                    let left = i as f64 * BIN;
                    let corners = [(left + 0.004, 0.0), (left + BIN - 0.004, *share)];
                    Rectangle::new(corners, family(number).filled())
                };
                let visible = bars.iter().enumerate().filter(|(_, share)| **share > 0.0);
                chart.draw_series(visible.map(bar)).map(drop)
            })?;
            let total = self.samples.iter().filter(|s| s.name == self.names[number]).count();
            let Frame { width, height, .. } = Frame::SMALL;
            let title = format!("Gap over κ(p), {}", self.names[number]);
            plots.push(Plot { title, width, height, svg, shown: *shown, left_out: total - shown });
        }
        Ok(plots)
    }

    /// The shares of a family in each bin, the last for ratios above one, and how many there are.
    fn bars(&self, number: usize) -> (Vec<f64>, usize) {
        let last = (1.0 / BIN).round() as usize;
        let mut bars = vec![0.0; last + 1];
        let ratios: Vec<f64> = (self.samples.iter())
            .filter(|s| s.name == self.names[number])
            .filter_map(|s| ratio(s.gap, s.kappa))
            .collect();
        for r in &ratios {
            // One belongs to the bin below it, and so does one plus rounding.
            let bin = if *r > 1.0 + 1e-6 { last } else { ((r / BIN) as usize).min(last - 1) };
            bars[bin] += 1.0 / ratios.len() as f64;
        }
        (bars, ratios.len())
    }
}

/// The width of a bar.
const BIN: f64 = 0.05;

fn horizon(gamma: f64) -> f64 {
    -(1.0 - gamma).log10()
}

fn floored(x: f64) -> f64 {
    x.log10().max(FLOOR)
}

fn lowest(points: &[Point]) -> f64 {
    points.iter().map(|p| p.0.min(p.1)).fold(-1.0, f64::min).floor()
}

fn decades(title: &str, low: f64, high: f64) -> Axis {
    let label = |e: i32| {
        let below = if f64::from(e) <= FLOOR { "≤ " } else { "" };
        (f64::from(e), format!("{below}{}", power_of_ten(e)))
    };
    // More labels than this run into each other.
    let step = if high - low > 8.0 { 2 } else { 1 };
    Axis::new(title, low..high, (low as i32..=high as i32).step_by(step).map(label))
}

fn scatter(chart: &mut Chart<'_, '_>, points: &[Point]) -> Result<(), Trouble> {
    // A few points have to be seen, many not to cover each other.
    let size = if points.len() > 400 { 5 } else { 8 };
    let circle =
        |&(x, y, number): &Point| Circle::new((x, y), size, family(number).mix(OPACITY).filled());
    chart.draw_series(points.iter().map(circle)).map(drop)
}

fn note(chart: &mut Chart<'_, '_>, at: (f64, f64), text: &str) -> Result<(), Trouble> {
    let style = Frame::WIDE.style(&INK, HPos::Right, VPos::Bottom);
    chart.draw_series([Text::new(text.to_string(), at, style)]).map(drop)
}
