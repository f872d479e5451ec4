//! The page of an audit.

use super::super::output::command;
use super::outcome::{DRIFT, Outcome};
use bridge::{Compounding, TableAudit};
use verify::report::{Curve, Figure, Scale, Section, Sheet, figure as short};

/// The columns of the figures.
const FIGURES: [&str; 4] = ["", "mean", "largest", "what it is"];

/// The columns of what has an interval.
const SHARES: [&str; 3] = ["mean over rollouts", "value", "interval"];

impl Outcome {
    /// The page.
    pub fn sheet(&self) -> Sheet {
        let distances = self.theorems.iter().map(|theorem| theorem.audit.top_p.distance);
        let largest = distances.fold(0.0, f64::max);
        Sheet {
            kicker: "bellman audit".into(),
            title: format!(
                "On MDPs carved from its teacher the student is within {} of Q̄_p*, at p = {}, γ = {}",
                short(largest),
                self.p,
                self.gamma
            ),
            remarks: vec![
                self.counts(),
                "Theorems are about the doubles of both models and hold on these trees; estimates are \
                 averages over what was sampled."
                    .into(),
            ],
            sections: vec![
                Section {
                    heading: "Figures".into(),
                    header: FIGURES.map(String::from).into(),
                    rows: self.figures().into_iter().map(Vec::from).collect(),
                    ..Section::default()
                },
                Section {
                    heading: "With an interval".into(),
                    text: "Shares lie between 0 and 1, so their means have an interval. Residuals, leak \
                           and KL have none: no bound on what a position may show is known beforehand."
                        .into(),
                    header: SHARES.map(String::from).into(),
                    rows: self.shares().into_iter().map(Vec::from).collect(),
                    ..Section::default()
                },
                Section {
                    heading: "How errors compound".into(),
                    text: "The total variation between the texts of teacher and student after each number \
                           of tokens, exact on the trees. Texts that a tree does not follow count as one, \
                           so that the texts themselves are no less apart."
                        .into(),
                    figures: vec![self.drift_figure()],
                    header: DRIFT.map(String::from).into(),
                    rows: self.drift().into_iter().map(Vec::from).collect(),
                },
            ],
            command: command(),
        }
    }

    fn drift_figure(&self) -> Figure {
        let depths = self.drift().len();
        let curve = |name: &str, of: &dyn Fn(usize) -> f64| Curve {
            name: name.into(),
            points: (0..depths).map(|t| ((t + 1) as f64, of(t))).collect(),
            dots: true,
            intervals: Vec::new(),
        };
        let sets: fn(&TableAudit) -> &Compounding = |audit| &audit.texts_of_sets;
        let all: fn(&TableAudit) -> &Compounding = |audit| &audit.texts;
        Figure {
            title: "Texts of student and teacher apart".into(),
            caption: "Means over prompts. What it is at most: the differences of the next token along the \
                      teacher's texts, added up."
                .into(),
            x: Scale::linear("tokens").showing([0.0]),
            y: Scale::linear("total variation").showing([0.0]),
            curves: vec![
                curve("from the sets", &|t| self.apart(sets, t).apart.mean),
                curve("from the sets, at most", &|t| self.apart(sets, t).at_most.mean),
                curve("from all tokens", &|t| self.apart(all, t).apart.mean),
            ],
        }
    }
}
