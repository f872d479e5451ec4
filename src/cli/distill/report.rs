//! The page of a run, from its log: curves, checks, settings.

use super::options::Options;
use crate::cli::CliError;
use llm::LlmError;
use serde_json::Value;
use std::path::Path;
use verify::report::{Curve, Figure, Scale, Section, Sheet, figure as short};

/// The most points that a curve has; longer ones are drawn by means of neighbours.
const POINTS: usize = 400;

/// The page of the run in a folder, as HTML.
pub fn page(folder: &Path, options: &Options) -> Result<String, CliError> {
    let path = folder.join("log.jsonl");
    let text = std::fs::read_to_string(&path)
        .map_err(|source| LlmError::File { path: path.clone(), source })?;
    // A line that is no JSON is one that is just being written.
    let entries: Vec<Value> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let mut names: Vec<&str> = Vec::new();
    for name in entries.iter().filter_map(|entry| entry["phase"].as_str()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let phases: Vec<PhaseLog> =
        names.into_iter().map(|name| PhaseLog::of(name, &entries)).collect();
    Ok(sheet(folder, &phases, options)?.render()?)
}

/// What the log says of a phase.
struct PhaseLog<'a> {
    name: &'a str,
    steps: Vec<&'a Value>,
    scores: Vec<&'a Value>,
    checks: Vec<&'a Value>,
}

impl<'a> PhaseLog<'a> {
    fn of(name: &'a str, entries: &'a [Value]) -> Self {
        let of = |event: &str| {
            entries.iter().filter(|e| e["phase"] == name && e["event"] == event).collect()
        };
        Self { name, steps: of("step"), scores: of("score"), checks: of("check") }
    }

    /// The points (step, field) of the steps that have the field.
    fn points(&self, field: &str) -> Vec<(f64, f64)> {
        points(&self.steps, field)
    }

    fn best(&self) -> Option<(f64, f64)> {
        let better = |a: (f64, f64), b: (f64, f64)| if b.1 > a.1 { b } else { a };
        points(&self.scores, "rouge_l").into_iter().reduce(better)
    }

    /// The row of the table of phases.
    fn row(&self) -> Vec<String> {
        let sum = |field: &str| self.points(field).iter().map(|(_, x)| x).sum::<f64>();
        let (tokens, seconds) = (sum("tokens"), sum("seconds"));
        let losses = self.points("loss");
        let loss = |point: Option<&(f64, f64)>| point.map_or("–".into(), |(_, x)| short(*x));
        let best = |(step, score): (f64, f64)| format!("{score:.2} after {step:.0}");
        vec![
            self.name.to_owned(),
            losses.len().to_string(),
            format!("{tokens:.0}"),
            format!("{:.0}", tokens / seconds.max(f64::MIN_POSITIVE)),
            loss(losses.first()),
            loss(losses.last()),
            self.best().map_or("–".into(), best),
        ]
    }

    fn section(&self) -> Section {
        let drawn = [
            self.figure("Loss", LOSS, Scale::linear("nats"), &[("loss", "loss")]),
            self.figure(
                "Loss on plain text",
                TEXT,
                Scale::linear("nats"),
                &[("text", "text_loss")],
            ),
            self.scores(),
            self.figure(
                "Captured mass",
                MASS,
                Scale::linear("mass in the candidate sets").showing([1.0]),
                &[("teacher", "teacher_mass"), ("student", "student_mass")],
            ),
            self.figure(
                "Bellman residual",
                RESIDUAL,
                Scale::linear("nats").showing([0.0]),
                &[("residual", "residual")],
            ),
            self.figure(
                "At the floor, and outside",
                SHARES,
                Scale::linear("share").showing([0.0]),
                &[
                    ("Q at the floor", "floored"),
                    ("tokens outside their set", "outside"),
                    ("student's best token outside", "best_outside"),
                ],
            ),
            self.figure(
                "Gradient",
                "The norm before it is shortened.",
                Scale::logarithmic("norm"),
                &[("norm", "gradient_norm")],
            ),
            self.figure(
                "Learning rate",
                "",
                Scale::linear("").showing([0.0]),
                &[("rate", "learning_rate")],
            ),
        ];
        Section {
            heading: format!("Phase {}", self.name),
            figures: drawn.into_iter().flatten().collect(),
            ..Section::default()
        }
    }

    /// A figure of the fields that are in the log; nothing when none is.
    fn figure(
        &self,
        title: &str,
        caption: &str,
        y: Scale,
        fields: &[(&str, &str)],
    ) -> Option<Figure> {
        let curve = |&(name, field): &(&str, &str)| Curve {
            name: name.into(),
            points: thinned(self.points(field)),
            dots: false,
            intervals: Vec::new(),
        };
        let curves: Vec<Curve> =
            fields.iter().map(curve).filter(|curve| !curve.points.is_empty()).collect();
        self.framed(title, caption, y, curves)
    }

    fn scores(&self) -> Option<Figure> {
        let points = points(&self.scores, "rouge_l");
        let line = |name: &str, dots, points| Curve {
            name: name.into(),
            points,
            dots,
            intervals: Vec::new(),
        };
        let best: Vec<(f64, f64)> = self.best().into_iter().collect();
        let curves = vec![line("Rouge-L", false, points), line("the best", true, best)];
        let curves = curves.into_iter().filter(|curve| !curve.points.is_empty()).collect();
        self.framed("Rouge-L on dev", SCORES, Scale::linear("Rouge-L × 100"), curves)
    }

    fn framed(&self, title: &str, caption: &str, y: Scale, curves: Vec<Curve>) -> Option<Figure> {
        let x = Scale::linear("steps").showing([0.0]);
        let (title, caption) = (title.to_owned(), caption.to_owned());
        (!curves.is_empty()).then_some(Figure { title, caption, x, y, curves })
    }
}

const LOSS: &str = "Of the batch, before the step.";
const TEXT: &str = "It joins the other with its weight.";
const SCORES: &str = "By it the student is chosen. What the phase starts from is scored too.";
const MASS: &str = "Nothing in the objective holds the student's mass but `--mass-weight`.";
const RESIDUAL: &str =
    "Mean distance of the implied reward from that of the teacher's own Q-values.";
const SHARES: &str = "No gradient flows at the floor; a token outside its set costs the floor.";

/// The points (step, field) of the entries that have the field as a number.
fn points(entries: &[&Value], field: &str) -> Vec<(f64, f64)> {
    let point = |entry: &&Value| Some((entry["step"].as_f64()?, entry[field].as_f64()?));
    entries.iter().filter_map(point).collect()
}

/// At most [`POINTS`] points, each the mean of some neighbours.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let count = points.len().div_ceil(POINTS).max(1);
    let mean = |chunk: &[(f64, f64)]| {
        let sum = chunk.iter().fold((0.0, 0.0), |(x, y), (dx, dy)| (x + dx, y + dy));
        (sum.0 / chunk.len() as f64, sum.1 / chunk.len() as f64)
    };
    points.chunks(count).map(mean).collect()
}

fn sheet(folder: &Path, phases: &[PhaseLog], options: &Options) -> Result<Sheet, CliError> {
    let header = ["phase", "steps", "tokens", "tokens/s", "first loss", "last loss", "best on dev"];
    let table = Section {
        heading: "Phases".into(),
        header: header.map(String::from).into(),
        rows: phases.iter().map(PhaseLog::row).collect(),
        ..Section::default()
    };
    let mut sections = vec![table];
    sections.extend(phases.iter().map(PhaseLog::section));
    sections.extend(checks(phases));
    sections.push(Section {
        heading: "Settings".into(),
        text: "Those of config.toml; what is not there follows from the data.".into(),
        rows: options.rows()?,
        ..Section::default()
    });
    let steps: usize = phases.iter().map(|phase| phase.steps.len()).sum();
    let best = phases.last().and_then(PhaseLog::best);
    let best = best.map_or(String::new(), |(step, score)| {
        format!(", best on dev {score:.2} after step {step:.0} of the last phase")
    });
    let again = folder.join("config.toml").display().to_string();
    let command = ["bellman", "distill", "--config", &again, "--out", "again"];
    Ok(Sheet {
        kicker: "bellman distill".into(),
        title: format!("{}: {steps} steps{best}", folder.display()),
        remarks: Vec::new(),
        sections,
        command: command.map(String::from).into(),
    })
}

/// What was checked, a row for each statement of each phase; nothing when nothing was.
fn checks(phases: &[PhaseLog]) -> Option<Section> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for phase in phases {
        let of = |entry: &&'_ Value| entry["checked"].as_array().cloned().unwrap_or_default();
        let all: Vec<Value> = phase.checks.iter().flat_map(of).collect();
        let mut names: Vec<&str> = all.iter().filter_map(|c| c["statement"].as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let missed = all.iter().filter(|c| c["statement"] == name);
            let share = |c: &Value| Some(c["missed"].as_f64()?.max(0.0) / c["bound"].as_f64()?);
            // What is no number is a failure.
            let shares: Vec<f64> = missed.map(|c| share(c).unwrap_or(f64::INFINITY)).collect();
            let largest = shares.iter().copied().fold(0.0, f64::max);
            let failed = shares.iter().filter(|share| !(**share <= 1.0)).count();
            rows.push(vec![
                name.to_owned(),
                phase.name.to_owned(),
                shares.len().to_string(),
                failed.to_string(),
                short(largest),
            ]);
        }
    }
    let header = ["statement", "phase", "checked", "failed", "largest share of its bound"];
    (!rows.is_empty()).then(|| Section {
        heading: "Checks".into(),
        text: "Of each check the instance that uses up most of what rounding explains.".into(),
        header: header.map(String::from).into(),
        rows,
        ..Section::default()
    })
}
