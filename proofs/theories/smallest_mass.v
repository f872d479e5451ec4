(** * The smallest mass

    In every bound p may be replaced by the smallest mass that a candidate set carries, which is
    at least p. So there are bounds for any candidate sets at all. *)

From Bellman Require Export leak.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section SmallestMass.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Implicit Types (s : S) (a : A) (p : R).

(** min_s m(s). *)

Definition smallest_mass pi := \big[Rmin/1]_s mass B pi s.

(** It is the largest p ≤ 1 that the sets carry. *)

Lemma carries_smallest_mass pi : carries (smallest_mass pi) B pi.
Proof.
move=> s; rewrite /smallest_mass; have := mem_index_enum s; elim: (index_enum S) => // x r IH.
rewrite inE big_cons => /orP[/eqP <-|/IH]; first exact: Rmin_l.
by move=> le_s; apply: Rle_trans (Rmin_r _ _) le_s.
Qed.

Lemma smallest_mass_ge pi p : p <= 1 -> carries p B pi -> p <= smallest_mass pi.
Proof.
by move=> p_le1 B_mass; rewrite /smallest_mass; elim/big_rec: _ => // s x _; apply: Rmin_glb.
Qed.

Lemma smallest_mass_bounds : 0 < smallest_mass (teacher M) <= 1.
Proof.
rewrite /smallest_mass; elim/big_rec: _ => [|s x _ [x_gt0 x_le1]]; first lra.
split; last by apply: Rle_trans (Rmin_r _ _) x_le1.
by apply: Rmin_glb_lt => //; case: (teacher_projectable B_ok s).
Qed.

(** The main theorem and the bound on the gap, with min_s m(s) in place of p. *)

Theorem smallest_mass_main :
  supported_norm B (Q_star M \- Q_p_star M B) <= kappa M (smallest_mass (teacher M)).
Proof. by apply: main_theorem => //; [apply: smallest_mass_bounds|apply: carries_smallest_mass]. Qed.

Theorem smallest_mass_gap s a : 0 <= gap M B s a <= kappa M (smallest_mass (teacher M)).
Proof. by apply: gap_bounds => //; [apply: smallest_mass_bounds|apply: carries_smallest_mass]. Qed.

(** This is never worse: κ falls as p grows. *)

Lemma kappa_le p p' : 0 < p -> p <= p' -> kappa M p' <= kappa M p.
Proof.
move=> p_gt0 le_p; have := ln_le _ _ p_gt0 le_p; have g_lt1 := gamma_lt1 M => le_ln.
apply: Rmult_le_compat_r; first by apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
by have := Rmult_le_compat_l _ _ _ (gamma_ge0 M) le_ln; lra.
Qed.

Theorem smallest_mass_best p :
  0 < p <= 1 -> carries p B (teacher M) -> kappa M (smallest_mass (teacher M)) <= kappa M p.
Proof. by case=> p_gt0 p_le1 B_mass; apply: kappa_le => //; apply: smallest_mass_ge. Qed.

End SmallestMass.
