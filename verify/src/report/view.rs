//! [`View`]: a page as the template sees it, every number already in words.

use super::figures::{NONE, count, figure, math, percent, ratio, scientific, shell};
use super::palette::{css, family};
use super::plots::{Plot, Sampled};
use super::{Entry, Exhibit, Page, ReportError};
use crate::statistics::{CONFIDENCE, Distribution, Estimate, Group, Statistics, rate_at_most};
use crate::{Sample, Witness};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct View {
    verdict: String,
    good: bool,
    remarks: Vec<String>,
    no: &'static str,
    rigorous: bool,
    confidence: String,
    rows: Vec<Row>,
    exhibits: Vec<Shown>,
    doubts: Vec<Shown>,
    families: Vec<Key>,
    models: Vec<Model>,
    plots: Option<Plots>,
    tables: Vec<Table>,
    command: String,
    settings: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    statement: String,
    hypotheses: String,
    source: String,
    checked: String,
    outside: String,
    proved: String,
    held: String,
    no: String,
    undecided: String,
    worst: String,
    width: String,
    rate: String,
    failed: bool,
    open: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    proposition: String,
    index: String,
    witness: String,
    file: Option<String>,
}

/// The gap of a given model beside its bounds.
#[derive(Debug, Serialize)]
struct Model {
    name: String,
    gap: String,
    own_bound: String,
    horizon_bound: String,
    kappa: String,
}

/// An entry of the legend.
#[derive(Debug, Serialize)]
struct Key {
    name: String,
    colour: String,
}

#[derive(Debug, Serialize)]
struct Plots {
    over_p: Plot,
    own_bound: Plot,
    horizon_bound: Option<Plot>,
    contraction: Plot,
    spread: Vec<Plot>,
}

/// Statistics of one ratio.
#[derive(Debug, Serialize)]
struct Table {
    caption: &'static str,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    n: String,
    cells: Vec<Cell>,
}

/// A number with its interval under it.
#[derive(Debug, Serialize)]
struct Cell {
    value: String,
    interval: Option<String>,
}

/// The quantiles that the page has room for.
const SHOWN: [f64; 2] = [0.5, 0.95];

impl View {
    pub fn of(page: &Page) -> Result<Self, ReportError> {
        let statistics = Statistics::of(&page.samples);
        let sampled = Sampled::new(&page.samples);
        let keys = sampled
            .names
            .iter()
            .enumerate()
            .map(|(number, name)| Key { name: name.to_string(), colour: css(family(number)) });
        let plots = |sampled: &Sampled<'_>| -> Result<Plots, ReportError> {
            Ok(Plots {
                over_p: sampled.gap_over_p()?,
                own_bound: sampled.gap_over_instance_bound()?,
                horizon_bound: sampled.gap_over_horizon_bound()?,
                contraction: sampled.contraction()?,
                spread: if page.samples.len() > 1 { sampled.spread()? } else { Vec::new() },
            })
        };
        let (no, title) =
            if page.rigorous { ("refuted", "Refuted") } else { ("violated", "Violated") };
        Ok(Self {
            verdict: verdict(page, no),
            good: page.exhibits.is_empty(),
            remarks: remarks(page, title),
            no,
            rigorous: page.rigorous,
            confidence: format!("{:.0} %", 100.0 * CONFIDENCE),
            rows: page.entries.iter().map(row).collect(),
            exhibits: page.exhibits.iter().map(|e| shown(e, Witness::to_string)).collect(),
            doubts: page.doubts.iter().map(|e| shown(e, Witness::doubt)).collect(),
            families: keys.collect(),
            models: page.models.iter().map(model).collect(),
            plots: if page.samples.is_empty() { None } else { Some(plots(&sampled)?) },
            tables: tables(&statistics),
            command: shell(&page.command),
            settings: settings(page),
        })
    }
}

fn model((name, sample): &(String, Sample)) -> Model {
    Model {
        name: name.clone(),
        gap: figure(sample.gap),
        own_bound: figure(sample.instance_kappa),
        horizon_bound: sample.horizon_bound.map_or(NONE.to_string(), figure),
        kappa: figure(sample.kappa),
    }
}

fn plural(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// The propositions that fail, each once.
fn failed(page: &Page) -> Vec<&str> {
    let mut names: Vec<&str> = page.exhibits.iter().map(|e| e.proposition.as_str()).collect();
    names.dedup();
    names
}

fn verdict(page: &Page, no: &str) -> String {
    let subject = plural(page.entries.len() as u64, "proposition");
    let instances = plural(page.mdps, "MDP");
    let outcome = match failed(page).len() {
        0 => "nothing".to_string(),
        n => count(n as u64),
    };
    format!("{subject} on {instances}: {outcome} {no}")
}

fn remarks(page: &Page, no: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    if !page.exhibits.is_empty() {
        remarks.push(format!("{no}: {}.", failed(page).join(", ")));
    }
    if let Some(mutation) = page.mutation {
        remarks.push(format!(
            "A mistake was put into the operators on purpose ({mutation}), to see which \
             propositions notice. This is a test of the checks, not of the theory."
        ));
    }
    if page.mdps < page.planned {
        let (done, planned) = (count(page.mdps), plural(page.planned, "MDP"));
        remarks.push(format!("The campaign was interrupted: {done} of {planned} were checked."));
    }
    let undecided: u64 = page.entries.iter().map(|e| e.tally.undecided).sum();
    if undecided > 0 {
        let checks = plural(undecided, "check");
        remarks.push(format!("{checks} stayed undecided: about these nothing is said."));
    }
    remarks
}

fn row(entry: &Entry) -> Row {
    let tally = &entry.tally;
    let no = tally.violated + tally.refuted;
    let yes = tally.held + tally.proved;
    let rate = (yes + no > 1).then(|| rate_at_most(no, yes + no, CONFIDENCE));
    Row {
        name: entry.name.clone(),
        statement: math(&entry.statement),
        hypotheses: math(&entry.hypotheses),
        source: entry.source.clone(),
        checked: count(tally.checked),
        outside: count(tally.outside),
        proved: count(tally.proved),
        held: count(tally.held),
        no: count(no),
        undecided: count(tally.undecided),
        worst: tally.worst_ratio.map_or(NONE.to_string(), ratio),
        width: tally.width.map_or(NONE.to_string(), scientific),
        rate: rate.map_or(NONE.to_string(), |r| format!("{:.3} %", 100.0 * r)),
        failed: no > 0,
        open: tally.undecided > 0,
    }
}

fn shown(exhibit: &Exhibit, text: fn(&Witness) -> String) -> Shown {
    Shown {
        proposition: exhibit.proposition.clone(),
        index: count(exhibit.failure.index),
        witness: math(&text(&exhibit.failure.witness)),
        file: exhibit.file.as_ref().map(|f| f.display().to_string()),
    }
}

fn tables(statistics: &Statistics) -> Vec<Table> {
    // One instance has no spread, and one family is all there is.
    let overall = (statistics.families.len() > 1).then_some(&statistics.overall);
    let groups = || overall.into_iter().chain(&statistics.families);
    let table = |caption, spread: fn(&Group) -> Option<&Distribution>| Table {
        caption,
        lines: groups().filter_map(|g| Some(line(&g.name, spread(g)?))).collect(),
    };
    let tables = [
        table("Largest gap over κ(p)", |g| g.gap_over_kappa.as_ref()),
        table("Largest gap over the bound from the instance’s own leak", |g| {
            g.gap_over_instance_bound.as_ref()
        }),
    ];
    let several = statistics.overall.instances > 1;
    tables.into_iter().filter(|t| several && !t.lines.is_empty()).collect()
}

fn line(name: &str, spread: &Distribution) -> Line {
    let plain = |x: f64| Cell { value: fixed(x), interval: None };
    let quantiles = spread.quantiles.iter().filter(|q| SHOWN.contains(&q.at));
    let mut cells = vec![cell(&spread.mean, fixed), plain(spread.min)];
    cells.extend(quantiles.map(|q| cell(&q.estimate, fixed)));
    cells.push(plain(spread.max));
    cells.extend(spread.shares.iter().map(|s| cell(&s.estimate, percent)));
    Line { name: name.to_string(), n: count(spread.n), cells }
}

fn cell(estimate: &Estimate, show: fn(f64) -> String) -> Cell {
    let interval = match (estimate.lower, estimate.upper) {
        (None, None) => None,
        (lower, upper) => {
            let end = |end: Option<f64>| {
                end.map_or(NONE.to_string(), |x| show(x).trim_end_matches(" %").to_string())
            };
            Some(format!("{} to {}", end(lower), end(upper)))
        }
    };
    Cell { value: show(estimate.value), interval }
}

/// Three decimals, so that columns line up.
fn fixed(x: f64) -> String {
    if x > 0.0 && x < 5e-4 {
        "< 0.001".to_string()
    } else if x.abs() < 1e4 {
        format!("{x:.3}").replace('-', "−")
    } else {
        figure(x)
    }
}

fn settings(page: &Page) -> Vec<(String, String)> {
    let arithmetic = if page.rigorous {
        "rigorous: outward-rounded intervals, certified fixed points"
    } else {
        "floating point, with a bound on its rounding"
    };
    let mut settings = vec![
        ("Version".to_string(), format!("bellman-distill {}", page.version)),
        ("Seed".to_string(), page.seed.to_string()),
        ("MDPs".to_string(), count(page.planned)),
        ("Arithmetic".to_string(), arithmetic.to_string()),
    ];
    settings.extend(page.settings.iter().cloned());
    settings.push(("Instances in the plots".to_string(), count(page.samples.len() as u64)));
    settings
}
