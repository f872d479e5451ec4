//! [`Outcome`]: what an audit found, for programs and as tables.

use super::super::output::{number, say, table};
use bridge::{Compounding, Proven, RolloutAudit, Share, Spread, StateAudit, TableAudit};
use serde::Serialize;

/// The outcome, as others read it.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub p: f64,
    pub gamma: f64,
    pub depth: usize,
    pub top: usize,
    /// A table for each prompt: every number is a theorem about the doubles of both models.
    pub theorems: Vec<Theorem>,
    /// Averages over what was sampled.
    pub estimates: RolloutAudit,
}

#[derive(Debug, Serialize)]
pub struct Theorem {
    pub name: String,
    #[serde(flatten)]
    pub audit: TableAudit,
}

/// A figure over prompts or positions, in words.
pub type Row = [String; 4];

impl Outcome {
    /// Prints the tables.
    pub fn print(&self) {
        let mut figures = table(&["", "mean", "largest", "what it is"]);
        figures.add_rows(self.figures());
        say!("{}\n{figures}", self.counts());
        let mut shares = table(&["mean over rollouts", "value", "interval"]);
        shares.add_rows(self.shares());
        say!(
            "{shares}\nnone for residuals, leak and KL: no bound on a position is known beforehand"
        );
        let mut drift = table(&DRIFT);
        drift.add_rows(self.drift());
        say!("{drift}\ntexts that are not followed count as one: theirs are no less apart");
        let floored = 100.0 * self.estimates.each.floored;
        say!("candidates at the student's floor {floored:.2} %");
    }

    /// How much was looked at.
    pub fn counts(&self) -> String {
        let tree: usize = self.theorems.iter().map(|theorem| theorem.audit.states).sum();
        let RolloutAudit { rollouts, positions, .. } = self.estimates;
        let prompts = self.theorems.len();
        format!(
            "{prompts} prompts: {tree} states of trees, {positions} positions of {rollouts} rollouts"
        )
    }

    /// All figures without an interval, with what they are.
    pub fn figures(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut row = |what: String, spread: Spread, kind: &str| {
            rows.push([what, number(spread.mean), number(spread.largest), kind.into()]);
        };
        let theorem = "theorem, over prompts";
        let of = |figure: &dyn Fn(&TableAudit) -> f64| {
            Spread::of(self.theorems.iter().map(|theorem| figure(&theorem.audit)))
        };
        type Of = fn(&TableAudit) -> Proven;
        let top_p: (&str, Of) = ("Q̄_p*", |a| a.top_p);
        let projected: (&str, Of) = ("Q̄ of the projected teacher", |a| a.projected);
        for (name, proven) in [top_p, projected] {
            row(format!("residual towards {name}"), of(&|a| proven(a).residual), theorem);
            row(format!("‖Q − {name}‖ is at least"), of(&|a| proven(a).at_least), theorem);
            row(format!("‖Q − {name}‖"), of(&|a| proven(a).distance), theorem);
            row(format!("‖Q − {name}‖ is at most"), of(&|a| proven(a).at_most), theorem);
        }
        let estimate = "estimate, over transitions";
        row("|T_p Q − Q| along rollouts".into(), self.estimates.top_p, estimate);
        row("|B_p Q − Q| along rollouts".into(), self.estimates.projected, estimate);
        let StateAudit { outside, leak, divergence, .. } = self.estimates.each;
        let estimate = "estimate, over positions";
        row("student's mass outside the sets".into(), outside, estimate);
        row("student's leak".into(), leak, estimate);
        row("KL on the sets".into(), divergence, estimate);
        rows
    }

    /// What has an interval.
    pub fn shares(&self) -> Vec<[String; 3]> {
        let RolloutAudit { outside, agreement, .. } = &self.estimates;
        let row = |what: &str, share: &Share| {
            let range = format!("{} to {}", number(share.lower), number(share.upper));
            let percent = 100.0 * share.confidence;
            [what.into(), number(share.value), format!("{range} ({percent} %, n = {})", share.n)]
        };
        vec![
            row("student's mass outside the sets", outside),
            row("most likely candidate the same", agreement),
        ]
    }

    /// How far texts are apart by their length.
    pub fn drift(&self) -> Vec<[String; 6]> {
        let depths = self.theorems.iter().map(|t| t.audit.texts.apart.len()).max().unwrap_or(0);
        let row = |t: usize| {
            let of = |of: fn(&TableAudit) -> &Compounding| self.apart(of, t);
            let (sets, texts) = (of(|a| &a.texts_of_sets), of(|a| &a.texts));
            [
                (t + 1).to_string(),
                number(sets.apart.mean),
                number(sets.apart.largest),
                number(sets.at_most.mean),
                number(texts.apart.mean),
                number(texts.at_most.mean),
            ]
        };
        (0..depths).map(row).collect()
    }

    /// The distances after t + 1 tokens, over the prompts that have texts so long.
    pub fn apart(&self, of: fn(&TableAudit) -> &Compounding, t: usize) -> Apart {
        let all = || self.theorems.iter().map(|theorem| of(&theorem.audit));
        Apart {
            apart: Spread::of(all().filter_map(|drift| drift.apart.get(t).copied())),
            at_most: Spread::of(all().filter_map(|drift| drift.at_most.get(t).copied())),
        }
    }
}

/// How far the texts of both models are apart after some tokens, over prompts.
pub struct Apart {
    pub apart: Spread,
    pub at_most: Spread,
}

/// The columns of the table of drift.
pub const DRIFT: [&str; 6] = [
    "texts apart after",
    "of the sets, mean",
    "largest",
    "at most, mean",
    "of all tokens, mean",
    "at most, mean",
];
