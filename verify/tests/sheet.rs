//! Pages of tables and curves.
#![cfg(feature = "report")]

use verify::report::{Curve, Figure, Scale, Section, Sheet};

fn curve(points: &[(f64, f64)]) -> Curve {
    Curve { name: "a curve".into(), points: points.into(), dots: false, intervals: Vec::new() }
}

fn figure(y: Scale, curves: Vec<Curve>) -> Figure {
    let (title, caption) = ("a figure".into(), "how to read it".into());
    Figure { title, caption, x: Scale::linear("x"), y, curves }
}

fn page(figures: Vec<Figure>) -> String {
    let section = Section {
        heading: "Results & more".into(),
        text: "less < more".into(),
        figures,
        header: vec!["what".into(), "figure".into()],
        rows: vec![vec!["<b>".into(), "1".into()]],
    };
    let sheet = Sheet {
        kicker: "bellman test".into(),
        title: "A title".into(),
        remarks: vec!["A remark".into()],
        sections: vec![section],
        command: vec!["bellman".into(), "it's".into()],
    };
    sheet.render().unwrap()
}

#[test]
fn words_stay_words_and_nothing_is_loaded() {
    let html = page(vec![figure(Scale::linear("y"), vec![curve(&[(0.0, 0.0), (1.0, 3.0)])])]);
    for words in ["Results &amp; more", "less &lt; more", "&lt;b&gt;", "<polyline"] {
        assert!(html.contains(words), "{words}");
    }
    for outside in ["http:", "https:", "<script", "<link", "src="] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("bellman"));
    assert_eq!(
        html,
        page(vec![figure(Scale::linear("y"), vec![curve(&[(0.0, 0.0), (1.0, 3.0)])])])
    );
}

#[test]
fn labels_have_as_many_decimals_as_their_step() {
    let labels = |y: Scale, points: &[(f64, f64)]| page(vec![figure(y, vec![curve(points)])]);
    let html = labels(Scale::linear("y"), &[(0.0, 0.0), (1.0, 1.0)]);
    assert!(html.contains("0.2\n") && !html.contains("0.20\n"), "{html}");
    let html = labels(Scale::linear("y"), &[(-100.0, -2.0), (100.0, 2.0)]);
    assert!(html.contains("−100\n") && html.contains("−2\n"));
    let html = labels(Scale::logarithmic("y"), &[(0.0, 1e-3), (1.0, 1e2)]);
    assert!(html.contains("10⁻³") && html.contains("10²"));
}

#[test]
fn what_an_axis_cannot_show_is_left_out_and_nothing_at_all_is_an_empty_frame() {
    let strange = [(0.0, 0.0), (0.5, -1.0), (1.0, f64::NAN), (1.5, f64::INFINITY)];
    for y in [Scale::linear("y"), Scale::logarithmic("y")] {
        for points in [&strange[..], &[], &[(3.0, 3.0)]] {
            let mut curve = curve(points);
            curve.intervals = vec![(0.5, 0.0, 2.0)];
            curve.dots = true;
            let html = page(vec![figure(y.clone(), vec![curve])]);
            assert!(!html.contains("NaN") && html.contains("<polyline"));
        }
        assert!(page(vec![figure(y, Vec::new())]).contains("</svg>"));
    }
}
