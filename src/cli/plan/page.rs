//! The outcome for people: tables, and a page with plots.

use super::super::output::{command, number, say, table};
use super::cost::Cost;
use super::measured::{Adaptive, Sets};
use super::outcome::{Line, Outcome};
use llm::gap::Estimate;
use operators::{Discount, GapBound, TopP};
use verify::report::{Curve, Figure, Scale, Section, Sheet, figure as short};

impl Outcome {
    /// Prints the tables.
    pub fn print(&self) {
        let mut answers = table(&[&format!("a gap of {} at γ = {}", self.target, self.gamma), "p"]);
        answers.add_rows(self.answers());
        let mut masses = table(&HEADER);
        masses.add_rows(self.table.iter().map(Line::cells));
        say!("{answers}\n{masses}");
        if self.table.iter().any(|line| line.cost.is_some()) {
            say!(
                "head: a logit for each candidate; in brackets with those that vocab_max looks at"
            );
        }
        for line in self.adaptive.iter().map(Adaptive::words) {
            say!("{line}");
        }
    }

    /// The masses that are called for.
    fn answers(&self) -> Vec<[String; 2]> {
        let mut answers = vec![["by κ".to_owned(), number(self.p_kappa)]];
        if let (Some(horizon), Some(p)) = (self.horizon, self.p_horizon) {
            answers.push([format!("by the end after {horizon} tokens"), number(p)]);
        }
        if self.table.iter().any(|line| line.gap.is_some()) {
            let none = || "none of those measured".into();
            let what = format!("by measuring, {} % for all", 100.0 * self.confidence);
            answers.push([what, self.p_measured.map_or_else(none, number)]);
        }
        answers
    }

    /// The page.
    pub fn sheet(&self, gamma: Discount) -> Sheet {
        let horizon = self.p_horizon.map(|p| format!(", {} where text certainly ends", short(p)));
        Sheet {
            kicker: "bellman plan".into(),
            title: format!(
                "A gap of {} at γ = {} is guaranteed by p = {}{}",
                self.target,
                self.gamma,
                number(self.p_kappa),
                horizon.unwrap_or_default()
            ),
            remarks: self.adaptive.iter().map(Adaptive::words).collect(),
            sections: vec![
                Section {
                    heading: "What is called for".into(),
                    rows: self.answers().into_iter().map(Vec::from).collect(),
                    ..Section::default()
                },
                Section {
                    heading: "Over p".into(),
                    text: "A gap is measured at the p that responses were sampled at and nowhere else. Set \
                           sizes at other p are those along the responses named in the last column."
                        .into(),
                    figures: self.figures(gamma),
                    header: HEADER.map(String::from).into(),
                    rows: self.table.iter().map(|line| line.cells().into()).collect(),
                },
            ],
            command: command(),
        }
    }

    fn figures(&self, gamma: Discount) -> Vec<Figure> {
        let mut curves = vec![bound_curve("κ(p)", GapBound::endless(gamma))];
        if let Some(horizon) = self.horizon {
            let bound = GapBound::within(gamma, horizon as usize);
            curves.push(bound_curve("horizon bound", bound));
        }
        curves.push(Curve {
            name: "target".into(),
            points: vec![(0.0, self.target), (1.0, self.target)],
            dots: false,
            intervals: Vec::new(),
        });
        let gaps = self.table.iter().filter_map(|line| Some((line.p, line.gap.as_ref()?)));
        let (points, intervals): (Vec<_>, Vec<_>) =
            gaps.map(|(p, gap)| ((p, gap.value), (p, gap.lower, gap.upper))).unzip();
        if !points.is_empty() {
            curves.push(Curve { name: "measured gap".into(), points, dots: true, intervals });
        }
        let x = || Scale::linear("mass p of the candidate sets").showing([0.0, 1.0]);
        let bounds = Figure {
            title: "Bound and measured gap over p".into(),
            caption:
                "The target is met where a curve is below it; points are measured, with their \
                      intervals."
                    .into(),
            x: x(),
            y: Scale::logarithmic("nats"),
            curves,
        };
        let sizes = self.curve("mean set size", |line| Some(line.sets.as_ref()?.sizes.mean));
        if sizes.points.is_empty() {
            return vec![bounds];
        }
        let large = self.curve("99 % within", |line| Some(line.sets.as_ref()?.sizes.p99.into()));
        let bytes = self.curve("bytes a position", |line| Some(line.sets.as_ref()?.bytes_per_step));
        let cost = Figure {
            title: "Set size and cost per position over p".into(),
            caption: "A student computes a logit for each candidate; a cache stores 8 bytes for each and \
                      16 beside them, before compression."
                .into(),
            x: x(),
            y: Scale::logarithmic("tokens, or bytes").showing([1.0]),
            curves: vec![sizes, large, bytes],
        };
        let mut figures = vec![bounds, cost];
        let share = self.curve("candidates", |line| Some(100.0 * line.cost?.share));
        if !share.points.is_empty() {
            let survey = |line: &Line| Some(100.0 * line.cost?.share_with_survey);
            figures.push(Figure {
                title: "The head's share of a step over p".into(),
                caption: "Of the multiplications of a position with weights, forwards and backwards. The \
                          shift vocab_max goes through the vocabulary once more, forwards."
                    .into(),
                x: x(),
                y: Scale::logarithmic("%"),
                curves: vec![share, self.curve("with vocab_max", survey)],
            });
        }
        figures
    }

    fn curve(&self, name: &str, of: impl Fn(&Line) -> Option<f64>) -> Curve {
        let points = self.table.iter().filter_map(|line| Some((line.p, of(line)?)));
        Curve { name: name.into(), points: points.collect(), dots: false, intervals: Vec::new() }
    }
}

/// A bound over p; at p = 1 it is 0, which a logarithmic axis does not reach.
fn bound_curve(name: &str, bound: GapBound) -> Curve {
    let masses = (1..200).map(|i| f64::from(i) / 200.0);
    let of = |p: f64| Some((p, bound.of_leak(TopP::new(p).ok()?.leak())));
    let points = masses.filter_map(of).collect();
    Curve { name: name.into(), points, dots: false, intervals: Vec::new() }
}

/// The columns of the table.
const HEADER: [&str; 9] = [
    "p",
    "κ",
    "horizon bound",
    "measured gap",
    "mean set",
    "99 % within",
    "bytes a position",
    "head, % of a step",
    "along",
];

impl Line {
    fn cells(&self) -> [String; 9] {
        let (gap, sets) = (self.gap.as_ref(), self.sets.as_ref());
        let measured = |gap: &Estimate| {
            format!("{} ({} to {})", short(gap.value), short(gap.lower), short(gap.upper))
        };
        let of = |figure: &dyn Fn(&Sets) -> String| sets.map(figure).unwrap_or_default();
        [
            number(self.p),
            number(self.kappa),
            self.horizon_bound.map(number).unwrap_or_default(),
            gap.map(measured).unwrap_or_default(),
            of(&|sets| format!("{:.2}", sets.sizes.mean)),
            of(&|sets| sets.sizes.p99.to_string()),
            of(&|sets| format!("{:.0}", sets.bytes_per_step)),
            self.cost.map(|cost| cost.words()).unwrap_or_default(),
            of(&|sets| sets.sampled_at.to_string()),
        ]
    }
}

impl Cost {
    fn words(&self) -> String {
        format!("{:.2} ({:.1})", 100.0 * self.share, 100.0 * self.share_with_survey)
    }
}

impl Adaptive {
    fn words(&self) -> String {
        let Sets { sampled_at, sizes, captured_mass, .. } = &self.sets;
        let lacking = match self.short_sets {
            0 => String::new(),
            lacking => format!(
                " {lacking} sets would have to be larger than those at hand: the budget is not kept."
            ),
        };
        let fixed = self.fixed.as_ref().map(|fixed| {
            format!(", where the fixed p = {} takes {:.2}", short(self.p_fixed), fixed.sizes.mean)
        });
        format!(
            "The adaptive rule along the responses sampled at {sampled_at}: mean set size {:.2}{}, mean \
             captured mass {captured_mass:.4}.{lacking}",
            sizes.mean,
            fixed.unwrap_or_default()
        )
    }
}
