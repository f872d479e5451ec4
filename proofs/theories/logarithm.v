(** * The logarithm

    Three facts that the standard library leaves out. *)

From Coq Require Import Reals Lra.
From mathcomp Require Import ssreflect.

Open Scope R_scope.

Lemma ln_le x y : 0 < x -> x <= y -> ln x <= ln y.
Proof.
by move=> x_gt0 [lt_xy|->]; [apply: Rlt_le; apply: ln_increasing|apply: Rle_refl].
Qed.

(** The line that touches the logarithm at 1 lies above it, *)

Lemma ln_le_sub1 x : 0 < x -> ln x <= x - 1.
Proof.
by move=> x_gt0; have := exp_ineq1_le (ln x); rewrite exp_ln // => ?; lra.
Qed.

(** and touches it nowhere else. *)

Lemma ln_lt_sub1 x : 0 < x -> x <> 1 -> ln x < x - 1.
Proof.
move=> x_gt0 x_neq1; have ln_neq0: ln x <> 0.
  by move=> ln0; apply: x_neq1; rewrite -[x]exp_ln // ln0 exp_0.
by have := exp_ineq1 (ln x) ln_neq0; rewrite exp_ln // => ?; lra.
Qed.
