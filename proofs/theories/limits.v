(** * Limits of real sequences

    A limit as a number rather than a relation, and sequences that close in geometrically. *)

From Coq Require Import ClassicalDedekindReals Classical_Prop.
From Coq Require Export Reals Lra.
From mathcomp Require Import all_ssreflect.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Open Scope R_scope.

Definition decide (P : Prop) : {P} + {~ P} :=
  match sig_not_dec P with
  | left nnP => left (NNPP P nnP)
  | right nP => right nP
  end.

(** The limit of a sequence of reals, 0 if it has none. *)

Definition limit (u : nat -> R) : R :=
  match decide (Cauchy_crit u) with
  | left cauchy => sval (R_complete u cauchy)
  | right _ => 0
  end.

Lemma limit_cv u : Cauchy_crit u -> Un_cv u (limit u).
Proof. by rewrite /limit; case: (decide _) => // cauchy _; case: (R_complete u cauchy). Qed.

(** Powers of g < 1 become as small as one likes. *)

Lemma pow_small g c eps : 0 <= g < 1 -> 0 <= c -> 0 < eps -> exists n, g ^ n * c < eps.
Proof.
move=> [g_ge0 g_lt1] c_ge0 eps_gt0.
have e_gt0 : 0 < eps / (c + 1) by apply: Rdiv_lt_0_compat; lra.
have abs_lt1 : Rabs g < 1 by rewrite Rabs_pos_eq.
have [n small] := pow_lt_1_zero g abs_lt1 _ e_gt0; exists n.
have := small n (le_n n); rewrite Rabs_pos_eq; last exact: pow_le.
move=> /(Rmult_lt_compat_r (c + 1)); have -> : eps / (c + 1) * (c + 1) = eps by field; lra.
by have := pow_le g n g_ge0; nra.
Qed.

(** What is at most g^n c for every n is at most 0. *)

Lemma pow_squeeze g c x : 0 <= g < 1 -> 0 <= c -> (forall n, x <= g ^ n * c) -> x <= 0.
Proof.
move=> g_bounds c_ge0 x_le; apply: Rnot_lt_le => x_gt0.
by have [n] := pow_small g_bounds c_ge0 x_gt0; have := x_le n; lra.
Qed.

(** A sequence whose later terms are all within g^n c of the n-th converges, and its limit is
    within g^n c too. *)

Section Geometric.

Variables (u : nat -> R) (g c : R).
Hypotheses (g_bounds : 0 <= g < 1) (c_ge0 : 0 <= c).
Hypothesis close : forall n m, Rabs (u (n + m)%N - u n) <= g ^ n * c.

Lemma geometric_cauchy : Cauchy_crit u.
Proof.
move=> eps eps_gt0; have half_gt0 : 0 < eps / 2 by lra.
have [N small] := pow_small g_bounds c_ge0 half_gt0.
exists N => n m /leP leNn /leP leNm; rewrite /R_dist.
have := close N (n - N); have := close N (m - N); rewrite !subnKC //.
have -> : u n - u m = (u n - u N) + - (u m - u N) by ring.
by have := Rabs_triang (u n - u N) (- (u m - u N)); rewrite Rabs_Ropp; lra.
Qed.

Lemma geometric_limit n : Rabs (limit u - u n) <= g ^ n * c.
Proof.
have cv := limit_cv geometric_cauchy; apply: Rnot_lt_le => far.
pose eps := Rabs (limit u - u n) - g ^ n * c; have eps_gt0 : eps > 0 by rewrite /eps; lra.
have [N near] := cv eps eps_gt0; have /leP le_N : (N <= n + N)%N by rewrite leq_addl.
have near_n := near _ le_N; rewrite /R_dist Rabs_minus_sym /eps in near_n.
have := Rabs_triang (limit u - u (n + N)%N) (u (n + N)%N - u n).
have -> : limit u - u (n + N)%N + (u (n + N)%N - u n) = limit u - u n by ring.
by have := close n N; lra.
Qed.

End Geometric.
