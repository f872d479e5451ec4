//! Frames and axes: everything about a plot except its marks.

use super::ReportError;
use super::palette::{GRID, INK, SOFT};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{
    KeyPointHint, KeyPointWeight, NoDefaultFormatting, ValueFormatter,
};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

/// What marks are drawn on.
pub type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// What may go wrong while drawing.
pub type Trouble = DrawingAreaErrorKind<std::io::Error>;

/// An axis in the coordinates of the plot; logarithms are taken before.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it measures.
    pub title: String,
    /// From where to where.
    pub range: Range<f64>,
    /// Where labels and grid lines stand.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis with its ticks; those outside the range are dropped.
    pub fn new(
        title: &str,
        range: Range<f64>,
        ticks: impl IntoIterator<Item = (f64, String)>,
    ) -> Self {
        let ticks = ticks.into_iter().filter(|(at, _)| (range.start..=range.end).contains(at));
        Self { title: title.to_string(), ticks: ticks.collect(), range }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        first + (f64::from(last - first) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match hint.weight() {
            KeyPointWeight::Bold => self.ticks.iter().map(|(at, _)| *at).collect(),
            // No lines between the labels.
            KeyPointWeight::Any => Vec::new(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, at: &f64) -> String {
        self.ticks.iter().find(|(tick, _)| tick == at).map(|(_, l)| l.clone()).unwrap_or_default()
    }
}

/// The size of a plot in its own units, of which a page shows about two to a pixel.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Room for the labels of the vertical axis.
    pub left: u32,
    /// The height of letters.
    pub text: u32,
}

impl Frame {
    /// A plot that fills half the width of a page.
    pub const WIDE: Self = Self { width: 1000, height: 760, left: 116, text: 28 };
    /// One of several small ones.
    pub const SMALL: Self = Self { width: 520, height: 212, left: 116, text: 30 };

    /// The style of text at this size.
    pub fn style(&self, colour: &RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
        // The library divides by 1.24 what it calls a size.
        let size = f64::from(self.text) * 1.24;
        ("sans-serif", size).into_font().color(colour).pos(Pos::new(h, v))
    }
}

/// Draws axes and then marks; returns what belongs between `<svg>` and `</svg>`.
pub fn draw(
    name: &str,
    frame: Frame,
    (x, y): (&Axis, &Axis),
    marks: impl FnOnce(&mut Chart<'_, '_>) -> Result<(), Trouble>,
) -> Result<String, ReportError> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (frame.width, frame.height)).into_drawing_area();
    let drawn = draw_on(&area, frame, (x, y), marks).and_then(|()| area.present());
    drop(area);
    match drawn {
        Ok(()) => Ok(inner(&svg)),
        Err(e) => Err(ReportError::Draw { plot: name.to_string(), reason: e.to_string() }),
    }
}

fn draw_on<'b>(
    area: &DrawingArea<SVGBackend<'b>, Shift>,
    frame: Frame,
    (x, y): (&Axis, &Axis),
    marks: impl FnOnce(&mut Chart<'_, 'b>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    // The title of the vertical axis stands above it, where it can be read without tilting.
    area.draw_text(&y.title, &frame.style(&INK, HPos::Left, VPos::Top), (4, 4))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(frame.text * 2)
        .margin_right(frame.text)
        .x_label_area_size(if x.title.is_empty() { frame.text * 2 } else { frame.text * 3 })
        .y_label_area_size(frame.left)
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart
        .configure_mesh()
        .axis_style(INK.stroke_width(2))
        .bold_line_style(GRID.stroke_width(2))
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(8)
        .label_style(frame.style(&SOFT, HPos::Center, VPos::Center))
        .axis_desc_style(frame.style(&INK, HPos::Center, VPos::Center))
        .x_desc(x.title.clone())
        .draw()?;
    marks(&mut chart)
}

/// Drops the outer element, which the page writes itself, and attributes that say nothing.
fn inner(svg: &str) -> String {
    let body = svg.split_once('>').map_or("", |(_, rest)| rest);
    body.trim_end()
        .trim_end_matches("</svg>")
        .replace(" stroke=\"none\" stroke-width=\"1\"", "")
        .trim()
        .to_string()
}
