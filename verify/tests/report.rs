//! The report: complete in itself, well formed, harmless whatever files are called.
#![cfg(feature = "report")]

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use verify::report::{Page, render, write};
use verify::{Mutation, Plan, Sample, Theory, Watch, campaign, propositions};

fn plan(mdps: u64, mutation: Option<Mutation>) -> Plan {
    let theory = Theory { mutation };
    Plan { mdps, propositions: propositions::all(), theory, ..Plan::new(0) }
}

fn page(plan: &Plan, sample_every: u64, files: &[PathBuf]) -> Page {
    let watch = Watch { advanced: &|| {}, stop: &AtomicBool::new(false), sample_every };
    let outcome = campaign::run(plan, &watch);
    Page::of(plan, &outcome, files).with_command(["bellman", "verify"].map(String::from))
}

fn sample(name: &str, gamma: f64, gap: f64, kappa: f64) -> Sample {
    let (name, p, contraction) = (name.to_string(), 0.8, 0.5);
    Sample {
        index: 1,
        name,
        gamma,
        p,
        gap,
        kappa,
        instance_kappa: kappa,
        horizon_bound: None,
        contraction,
        kept: 1.0,
    }
}

/// The values of an attribute.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let opening = format!(" {attribute}=\"");
    let ends = |rest: &'a str| rest.split('"').next().unwrap();
    html.split(opening.as_str()).skip(1).map(ends).collect()
}

/// The names of elements, checked to nest.
fn elements(html: &str) -> Vec<String> {
    const EMPTY: [&str; 4] = ["meta", "br", "input", "!DOCTYPE"];
    let (mut open, mut seen) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<'), "a tag inside a tag: {tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of {tag}");
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap().to_string();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            if !tag.ends_with('/') && !EMPTY.contains(&name.as_str()) {
                open.push(name.clone());
            }
            seen.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    seen
}

fn count(html: &str, element: &str) -> usize {
    elements(html).iter().filter(|name| *name == element).count()
}

#[test]
fn a_page_loads_nothing_and_runs_nothing() {
    let html = render(&page(&plan(140, None), 1, &[])).unwrap();
    for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "onload"] {
        assert!(!html.contains(outside), "{outside}");
    }
    let names = elements(&html);
    for loading in ["script", "link", "img", "iframe", "object", "embed", "image", "use"] {
        assert!(!names.iter().any(|n| n == loading), "{loading}");
    }
}

#[test]
fn a_page_is_well_formed_and_says_what_its_pictures_show() {
    let html = render(&page(&plan(140, None), 1, &[])).unwrap();
    let names = elements(&html);
    // Four plots, a small one and a swatch for each of seven families.
    assert_eq!(names.iter().filter(|n| *n == "svg").count(), 4 + 7 + 7);
    assert_eq!(values(&html, "role").iter().filter(|r| **r == "img").count(), 4 + 7);
    assert_eq!(values(&html, "aria-label").iter().filter(|l| l.is_empty()).count(), 0);
    assert_eq!(count(&html, "table"), count(&html, "caption"));
    let mut ids = values(&html, "id");
    for target in values(&html, "aria-labelledby") {
        assert!(ids.contains(&target), "{target}");
    }
    let before = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), before, "an id stands twice");
}

#[test]
fn the_verdict_comes_first_and_every_proposition_has_its_row() {
    let html = render(&page(&plan(140, None), 1, &[])).unwrap();
    assert!(html.contains("<h1>12 propositions on 140 MDPs: nothing violated.</h1>"));
    for proposition in propositions::all() {
        assert!(html.contains(&format!("<code>{}</code>", proposition.name)));
    }
    assert!(html.contains("B<sub>p</sub><sup>π</sup>"));
}

#[test]
fn the_same_campaign_gives_the_same_page() {
    let plan = plan(70, None);
    assert_eq!(render(&page(&plan, 1, &[])).unwrap(), render(&page(&plan, 1, &[])).unwrap());
}

#[test]
fn counterexamples_stand_with_witness_and_file() {
    let plan = plan(70, Some(Mutation::KappaHalved));
    let files = [PathBuf::from("counterexamples/projected-teacher-1.json")];
    let page = page(&plan, 1, &files);
    let html = render(&page).unwrap();
    assert!(html.contains("class=\"verdict bad\""));
    assert!(html.contains("kappa-halved"));
    assert!(html.contains("projected-teacher-1.json"));
    assert_eq!(page.exhibits[0].file.as_ref(), Some(&files[0]));
    assert!(page.exhibits[1..].iter().all(|e| e.file.is_none()));
    let no: usize = page.entries.iter().map(|e| e.tally.failures.len()).sum();
    assert_eq!(page.exhibits.len(), no);
    elements(&html);
}

#[test]
fn what_comes_from_files_and_command_lines_is_escaped() {
    let plan = plan(14, Some(Mutation::KappaHalved));
    let hostile = "\"><script>alert('x')</script>&";
    let mut page = page(&plan, 1, &[PathBuf::from(format!("{hostile}.json"))])
        .with_command(["bellman", hostile].map(String::from));
    page.settings.push(("Model".to_string(), hostile.to_string()));
    page.entries[0].statement = hostile.to_string();
    for sample in &mut page.samples {
        sample.name = hostile.to_string();
    }
    let html = render(&page).unwrap();
    assert!(!html.contains("<script") && !html.contains("alert('x')"));
    assert!(html.matches("&lt;script&gt;").count() >= 4);
    elements(&html);
}

#[test]
fn without_samples_there_are_no_plots() {
    let html = render(&page(&plan(14, None), 0, &[])).unwrap();
    assert_eq!(count(&html, "svg"), 0);
    assert!(!html.contains("Statistics"));
    elements(&html);
}

#[test]
fn an_empty_campaign_still_gives_a_page() {
    let nothing = Plan { propositions: Vec::new(), ..plan(0, None) };
    let html = render(&page(&nothing, 1, &[])).unwrap();
    assert!(html.contains("0 propositions on 0 MDPs"));
}

#[test]
fn instances_without_a_finite_bound_are_counted_and_left_out() {
    let mut page = page(&plan(7, None), 0, &[]);
    page.samples = vec![
        sample("endless", 1.0, 0.3, f64::INFINITY),
        sample("endless", 0.0, 0.0, 0.0),
        sample("endless", 1.0, f64::NAN, f64::NAN),
    ];
    let html = render(&page).unwrap();
    assert!(html.contains("3 instances with a bound of zero"));
    assert!(!html.contains("NaN") && !html.contains("inf"), "a number that is none");
    elements(&html);
}

#[test]
fn points_stay_inside_the_picture() {
    let mut page = page(&plan(7, None), 0, &[]);
    page.samples = vec![sample("a", 0.9, 1e-300, 2.0), sample("a", 0.999, 1e9, 1e9)];
    let html = render(&page).unwrap();
    for (attribute, most) in [("cx", 1000.0), ("cy", 760.0)] {
        for value in values(&html, attribute) {
            let at: f64 = value.parse().unwrap();
            assert!((0.0..=most).contains(&at), "{attribute} = {at}");
        }
    }
}

#[test]
fn a_page_is_written_where_it_is_asked_for_and_replaces_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new").join("out");
    let page = page(&plan(7, None), 1, &[]);
    for _ in 0..2 {
        let path = write(&dir, &page).unwrap();
        assert_eq!(path, dir.join("index.html"));
    }
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "nothing is left behind");
    let html = std::fs::read_to_string(dir.join("index.html")).unwrap();
    assert_eq!(html, render(&page).unwrap());
}

#[test]
fn a_folder_that_cannot_be_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let page = page(&plan(7, None), 0, &[]);
    let error = write(&file.path().join("out"), &page).unwrap_err();
    assert!(error.to_string().starts_with("cannot write"));
}
