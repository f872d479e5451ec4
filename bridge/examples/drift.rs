//! How errors compound: texts of students apart from those of their teacher, by behaviour cloning and by
//! Bellman Distill, exactly, on two models that are small enough. Writes a table and a page with plots:
//!
//! ```sh
//! cargo run --release -p bellman-bridge --example drift -- DIR
//! ```

#[path = "../tests/common/problem.rs"]
mod problem;

use bridge::Compounding;
use operators::{OperatorError, Phi};
use problem::{Problem, SHIFTS};
use std::path::PathBuf;
use verify::report::{Curve, Figure, ReportError, Scale, Section, Sheet, prepare};

/// A student: what it is called, its φ and which of [`SHIFTS`] it was trained with.
fn students() -> Result<Vec<(&'static str, Phi, usize)>, OperatorError> {
    Ok(vec![
        ("behaviour cloning", Phi::Identity, 0),
        ("χ², α = 0.1, no shift", Phi::chi2(0.1)?, 0),
        ("χ², α = 0.1, vocab_max", Phi::chi2(0.1)?, 1),
    ])
}

fn figure(title: &str, steps: usize, found: &[(&str, Compounding)]) -> Figure {
    let curve = |(name, drift): &(&str, Compounding)| Curve {
        name: (*name).into(),
        points: (1..=steps).map(|t| (t as f64, drift.apart[t - 1])).collect(),
        dots: true,
        intervals: Vec::new(),
    };
    Figure {
        title: title.into(),
        caption: "Both sampled from the teacher's candidate sets.".into(),
        x: Scale::linear("tokens").showing([0.0]),
        y: Scale::linear("total variation").showing([0.0]),
        curves: found.iter().map(curve).collect(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "drift".into()));
    prepare(&dir)?;
    let (mut figures, mut rows) = (Vec::new(), Vec::new());
    type Make = fn((operators::Shift, llm::training::SparseShift), u64) -> Problem;
    let models: [(&str, Make, usize); 2] =
        [("bigram model", Problem::bigram, 6), ("Llama, three tokens deep", Problem::carved, 2)];
    for (model, make, steps) in models {
        let mut found = Vec::new();
        for (name, phi, by) in students()? {
            let problem = make(SHIFTS[by], 1);
            let drift = problem.drift(&problem.train(phi, (800, 0.03), 1).z);
            let cells = drift.apart[..steps].iter().map(|apart| format!("{apart:.3}"));
            let row: Vec<String> = [format!("{model}: {name}")].into_iter().chain(cells).collect();
            println!("{}", row.join("  "));
            rows.push(row);
            found.push((name, drift));
        }
        figures.push(figure(&format!("Texts apart: {model}"), steps, &found));
    }
    let sheet = Sheet {
        kicker: "how errors compound".into(),
        title:
            "A student of Bellman Distill drifts from its teacher; one of behaviour cloning hardly"
                .into(),
        remarks: vec![
            "The total variation between the texts of student and teacher, computed exactly."
                .into(),
        ],
        sections: vec![Section {
            heading: "Texts apart after 1, 2, … tokens".into(),
            figures,
            rows,
            ..Section::default()
        }],
        command: std::env::args().collect(),
    };
    let page: Result<PathBuf, ReportError> = sheet.write(&dir);
    println!("wrote {}", page?.display());
    Ok(())
}
