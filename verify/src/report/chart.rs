//! [`Figure`]: curves and points over one axis.

use super::ReportError;
use super::canvas::{Axis, Chart, Frame, Trouble, draw};
use super::figures::power_of_ten;
use super::palette::{INK, css, family};
use plotters::prelude::*;
use serde::Serialize;

/// A plot with its words.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// The horizontal axis.
    pub x: Scale,
    /// The vertical axis.
    pub y: Scale,
    /// The curves; points outside positive numbers are left out on a logarithmic axis.
    pub curves: Vec<Curve>,
}

/// An axis before its range is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// What it measures.
    pub title: String,
    /// Whether equal steps are equal ratios.
    pub logarithmic: bool,
    /// Values that it shows whether or not there is a point.
    pub shows: Vec<f64>,
}

/// A line through points, or points with intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What it is.
    pub name: String,
    /// Its points (x, y), from left to right.
    pub points: Vec<(f64, f64)>,
    /// Whether it is drawn as points, not as a line.
    pub dots: bool,
    /// Vertical intervals (x, low, high).
    pub intervals: Vec<(f64, f64, f64)>,
}

/// A figure as the template sees it.
#[derive(Debug, Serialize)]
pub(super) struct Drawn<'a> {
    title: &'a str,
    caption: &'a str,
    width: u32,
    height: u32,
    svg: String,
    keys: Vec<Key<'a>>,
}

/// An entry of the legend.
#[derive(Debug, Serialize)]
struct Key<'a> {
    name: &'a str,
    colour: String,
}

impl Scale {
    /// Equal steps are equal differences.
    pub fn linear(title: &str) -> Self {
        Self { title: title.into(), logarithmic: false, shows: Vec::new() }
    }

    /// Equal steps are equal ratios.
    pub fn logarithmic(title: &str) -> Self {
        Self { logarithmic: true, ..Self::linear(title) }
    }

    /// The same axis, which shows these values in any case.
    #[must_use]
    pub fn showing(self, values: impl IntoIterator<Item = f64>) -> Self {
        Self { shows: values.into_iter().collect(), ..self }
    }

    /// Where a value lies; nowhere when the axis cannot show it.
    fn at(&self, value: f64) -> Option<f64> {
        let place = if self.logarithmic { value.log10() } else { value };
        place.is_finite().then_some(place)
    }

    fn axis(&self, values: impl Iterator<Item = f64>) -> Axis {
        let places = values.chain(self.shows.iter().copied()).filter_map(|value| self.at(value));
        let (low, high) = places
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        // Nothing to show is shown between 0 and 1.
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        if self.logarithmic { self.decades(low, high) } else { self.steps(low, high) }
    }

    fn decades(&self, low: f64, high: f64) -> Axis {
        let (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
        let ticks = (low as i32..=high as i32).map(|e| (f64::from(e), power_of_ten(e)));
        Axis::new(&self.title, low..high, ticks)
    }

    /// About five labels at multiples of 1, 2 or 5 times a power of ten.
    fn steps(&self, low: f64, high: f64) -> Axis {
        let span = if high > low { high - low } else { high.abs().max(1.0) };
        let raw = span / 5.0;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
        let step = step.into_iter().find(|&step| step >= raw).unwrap_or(raw);
        let (first, last) = ((low / step).floor(), (low + span) / step);
        let last = last.ceil().max(first + 1.0);
        // As many decimals as the step has.
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let ticks = (0..=(last - first) as i32).map(|i| (first + f64::from(i)) * step);
        let label = |x: f64| (x, format!("{x:.decimals$}").replace('-', "−"));
        Axis::new(&self.title, first * step..last * step, ticks.map(label))
    }
}

impl Figure {
    /// Draws it.
    pub(super) fn draw(&self) -> Result<Drawn<'_>, ReportError> {
        let points = || self.curves.iter().flat_map(|curve| curve.points.iter().copied());
        let intervals = || self.curves.iter().flat_map(|curve| curve.intervals.iter().copied());
        let ends = intervals().flat_map(|(_, low, high)| [low, high]);
        let x = self.x.axis(points().map(|(x, _)| x).chain(intervals().map(|(x, ..)| x)));
        let y = self.y.axis(points().map(|(_, y)| y).chain(ends));
        let Frame { width, height, .. } = Frame::WIDE;
        let svg = draw(&self.title, Frame::WIDE, (&x, &y), |chart| {
            self.curves.iter().enumerate().try_for_each(|(i, curve)| self.mark(chart, i, curve))
        })?;
        let keys = self.curves.iter().enumerate();
        let keys = keys.map(|(i, curve)| Key { name: &curve.name, colour: css(colour(i)) });
        Ok(Drawn {
            title: &self.title,
            caption: &self.caption,
            width,
            height,
            svg,
            keys: keys.collect(),
        })
    }

    fn mark(&self, chart: &mut Chart<'_, '_>, i: usize, curve: &Curve) -> Result<(), Trouble> {
        let at = |&(x, y): &(f64, f64)| Some((self.x.at(x)?, self.y.at(y)?));
        let places: Vec<(f64, f64)> = curve.points.iter().filter_map(at).collect();
        for &(x, low, high) in &curve.intervals {
            // What a logarithmic axis cannot show ends at its edge.
            let low = self.y.at(low).unwrap_or(chart.as_coord_spec().get_y_range().start);
            if let (Some(x), Some(high)) = (self.x.at(x), self.y.at(high)) {
                let line = [(x, low), (x, high)];
                chart.draw_series(LineSeries::new(line, colour(i).stroke_width(5)))?;
            }
        }
        if curve.dots {
            let dot = |&place: &(f64, f64)| Circle::new(place, 9, colour(i).filled());
            chart.draw_series(places.iter().map(dot)).map(drop)
        } else {
            chart.draw_series(LineSeries::new(places, colour(i).stroke_width(4))).map(drop)
        }
    }
}

/// The colour of a curve: that of text for the first, which is a bound as a rule.
fn colour(number: usize) -> RGBColor {
    number.checked_sub(1).map_or(INK, family)
}
