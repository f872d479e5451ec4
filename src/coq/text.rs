//! The file: definitions, numbers, statements, and one line of proof each.

use super::CoqError;
use super::facts::Facts;
use super::numbers::{around, digits, dyadic, proportions};
use certificate::{Certificate, Restricted};
use rounding::Enclosure;
use tabular::Mdp;

/// What a file is written from.
pub struct File<'a> {
    pub certificate: &'a Certificate,
    pub restricted: &'a Restricted,
    pub mdp: &'a Mdp,
    /// How many actions are numbered.
    pub actions: usize,
    pub facts: &'a Facts,
    pub name: &'a str,
}

const PROJECTED: &str = "Q_projected M A_p (teacher M)";

impl File<'_> {
    /// The text.
    pub fn write(&self) -> Result<String, CoqError> {
        Ok([
            self.header(),
            self.model(),
            self.sets(),
            self.values(),
            self.enclosures()?,
            self.mass(),
            self.gaps()?,
            footer(self.facts.nuclei),
        ]
        .join("\n"))
    }

    fn header(&self) -> String {
        let Certificate { model_hash, gamma, p, .. } = self.certificate;
        format!(
            "\
(** * What top-p costs in one model: {name}

    γ = {gamma:?}, p = {p:?}, both exactly these doubles.
    Model {model_hash}.

    Written by `bellman certify --coq`. Compiling this file proves every theorem in it:

      coqc -Q proofs/theories Bellman FILE.v

    [dy m e] is m·2^e and [#k] is number k, counted from 0. *)

Set Warnings \"-notation-overridden,-ambiguous-paths\".
From Bellman Require Import concrete_nucleus.
",
            name = plain(self.name),
        )
    }

    fn model(&self) -> String {
        let states = (0..self.mdp.states()).map(|state| {
            let choices: Vec<String> =
                self.mdp.pairs_of(state).map(|pair| self.choice(pair)).collect();
            format!("  (* state {state} *) [::\n    {}]", choices.join(";\n    "))
        });
        let states: Vec<String> = states.collect();
        format!(
            "\
(** ** The model

    The discount; then for each state the actions it offers, each with its reward and its next
    states, whose weights are proportional to their probabilities. *)

Definition D : table {n} {m} := Table ({gamma}) [::
{states}].

Lemma D_ok : well_formed D. Proof. by vm_compute. Qed.

Definition M := model D D_ok.
",
            n = self.mdp.states(),
            m = self.actions,
            gamma = dyadic(self.certificate.gamma),
            states = states.join(";\n"),
        )
    }

    /// One action on offer.
    fn choice(&self, pair: usize) -> String {
        let row = self.mdp.row(pair);
        let weights = proportions(row.weights);
        let edges = row.successors.iter().zip(weights).map(|(s, w)| format!("to #{s} {w}"));
        format!(
            "offer #{} ({}) [:: {}]",
            self.mdp.actions()[pair],
            dyadic(self.mdp.rewards()[pair]),
            edges.collect::<Vec<_>>().join("; ")
        )
    }

    /// The action numbers that a state keeps.
    fn kept(&self, state: usize) -> impl Iterator<Item = u32> + '_ {
        let pairs = self.mdp.pairs_of(state).filter(|&pair| self.facts.sets.keeps(pair));
        pairs.map(|pair| self.mdp.actions()[pair])
    }

    fn sets(&self) -> String {
        let set = |state| {
            let actions: Vec<String> = self.kept(state).map(|a| format!("#{a}")).collect();
            format!("[:: {}]", actions.join("; "))
        };
        let sets: Vec<String> = (0..self.mdp.states()).map(set).collect();
        format!(
            "\
(** ** The candidate sets: for each state the actions it keeps *)

Definition kept : seq (seq 'I_{m}) := [::
  {sets}].

Definition A_p : 'I_{n} -> {{set 'I_{m}}} := sets kept.

Lemma kept_fits : kept_ok D kept. Proof. by vm_compute. Qed.
",
            n = self.mdp.states(),
            m = self.actions,
            sets = sets.join(";\n  "),
        )
    }

    fn values(&self) -> String {
        let list = |values: &[f64]| {
            let values: Vec<String> = values.iter().map(|&v| dyadic(v)).collect();
            values.join(";\n  ")
        };
        format!(
            "\
(** ** Values from a solver

    Near V*, near the values of Q̄_p* and near those of the projected teacher. Nothing is assumed
    of them: how near they are follows from one sweep each, which the kernel does. *)

Definition v_star : seq dyadic := [::
  {}].
Definition v_top_p : seq dyadic := [::
  {}].
Definition v_projected : seq dyadic := [::
  {}].
",
            list(&self.certificate.optimal.v),
            list(&self.restricted.top_p.v),
            list(&self.restricted.projected.v),
        )
    }

    fn enclosures(&self) -> Result<String, CoqError> {
        let Facts { q_star, q_top_p, q_projected, .. } = self.facts;
        Ok([
            "(** ** Enclosures: Q* of every action, both Q̄ on the support *)\n".to_owned(),
            self.theorem("Q_star_enclosed", "Q_star M", q_star, false, "Q_star_lines D_ok v_star")?,
            self.theorem(
                "Q_p_star_enclosed",
                "Q_p_star M A_p",
                q_top_p,
                true,
                "Q_p_star_lines D_ok kept_fits v_top_p",
            )?,
            self.theorem(
                "Q_projected_enclosed",
                PROJECTED,
                q_projected,
                true,
                "Q_projected_lines D_ok kept_fits v_star v_projected",
            )?,
        ]
        .join("\n"))
    }

    /// A line for each pair, or for each pair on the support.
    fn theorem(
        &self,
        name: &str,
        table: &'static str,
        q: &[Enclosure],
        on_support: bool,
        lemma: &str,
    ) -> Result<String, CoqError> {
        let states = 0..self.mdp.states();
        let pairs = states.flat_map(|s| self.mdp.pairs_of(s).map(move |pair| (s, pair)));
        let pairs: Vec<(usize, usize)> =
            pairs.filter(|&(_, pair)| !on_support || self.facts.sets.keeps(pair)).collect();
        let widest = pairs.iter().fold(0.0, |w: f64, &(_, pair)| w.max(q[pair].width()));
        let digits = digits(widest).ok_or(CoqError::Wide { what: table })?;
        let line = |&(state, pair): &(usize, usize)| {
            let [lo, hi] = around(q[pair], digits);
            format!("  {lo} <= {table} #{state} #{} <= {hi}", self.mdp.actions()[pair])
        };
        let lines: Vec<String> = pairs.iter().map(line).collect();
        Ok(format!(
            "Theorem {name} :\n{}.\nProof. enclosed ({lemma}). Qed.\n",
            lines.join(" /\\\n")
        ))
    }

    fn mass(&self) -> String {
        let (p, Facts { mass, nuclei, .. }) = (self.certificate.p, self.facts);
        let what = if *mass == p {
            "Each set carries the mass p.".to_owned()
        } else {
            format!(
                "That each set carries {p:?} is not shown: some set has less, or too little more \
                 to tell.\n    What all of them are shown to carry is {mass:?}."
            )
        };
        let smallest = if *nuclei {
            "

(** They are the paper's sets: the smallest of most likely actions that carry p. *)

Theorem A_p_is_nucleus : forall s, A_p s = top_p M (value p) (teacher M) s.
Proof. computed (sets_are_nuclei D_ok kept_fits v_star A_p_carries _). Qed."
        } else {
            "

(** That they are the smallest such sets is not shown. No bound below needs it. *)"
        };
        format!(
            "\
(** ** The mass of the sets under the teacher

    {what} *)

Definition p : dyadic := {}.

Theorem A_p_carries : carries (value p) A_p (teacher M).
Proof. computed (sets_carry D_ok kept_fits p v_star _). Qed.{smallest}
",
            dyadic(*mass)
        )
    }

    fn gaps(&self) -> Result<String, CoqError> {
        let Facts { gap_top_p, gap_projected, kappa, .. } = self.facts;
        let between = |what: &'static str, x: Enclosure| {
            let digits = digits(x.width()).ok_or(CoqError::Wide { what })?;
            Ok::<_, CoqError>(around(x, digits))
        };
        let [top_p_lo, top_p_hi] = between("gap of the top-p optimum", *gap_top_p)?;
        let [proj_lo, proj_hi] = between("gap of the projected teacher", *gap_projected)?;
        let [kappa_lo, kappa_hi] = between("κ(p)", *kappa)?;
        Ok(format!(
            "\
(** ** The largest gaps on the support, and the bound κ(p) *)

Theorem gap :
  {top_p_lo} <= supported_norm A_p (Q_star M \\- Q_p_star M A_p) <= {top_p_hi}.
Proof. computed (gap_between D_ok kept_fits v_star v_top_p _). Qed.

Theorem projected_gap :
  {proj_lo} <= supported_norm A_p (Q_star M \\- {PROJECTED}) <= {proj_hi}.
Proof. computed (projected_gap_between D_ok kept_fits v_star v_projected _). Qed.

Theorem kappa_enclosed : {kappa_lo} <= kappa M (value p) <= {kappa_hi}.
Proof. computed (kappa_between D_ok p _). Qed.

Theorem gap_bounded :
  supported_norm A_p (Q_star M \\- Q_p_star M A_p) <= kappa M (value p).
Proof. computed (gap_at_most_kappa D_ok kept_fits A_p_carries _). Qed.

Theorem projected_gap_bounded :
  supported_norm A_p (Q_star M \\- {PROJECTED}) <= kappa M (value p).
Proof. computed (projected_gap_at_most_kappa D_ok kept_fits A_p_carries _). Qed.
"
        ))
    }
}

fn footer(nuclei: bool) -> String {
    let nucleus = if nuclei { "A_p_is_nucleus, " } else { "" };
    format!(
        "\
(** What all this rests on: the axioms of the standard library's real numbers, nothing else. *)

Definition everything :=
  (A_p_carries, {nucleus}gap, projected_gap, kappa_enclosed,
   gap_bounded, projected_gap_bounded, Q_star_enclosed, Q_p_star_enclosed,
   Q_projected_enclosed).

Print Assumptions everything.
"
    )
}

/// A name that can stand in a comment, whatever somebody called the model.
fn plain(name: &str) -> String {
    let fine = |c: char| c.is_alphanumeric() || " -_.".contains(c);
    name.chars().map(|c| if fine(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_name_ends_the_comment() {
        assert_eq!(super::plain("lake 4x4_v1.0"), "lake 4x4_v1.0");
        assert_eq!(super::plain("*) Check (* \"\n"), "?? Check ?? ??");
    }
}
