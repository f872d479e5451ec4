(** * Log-sum-exp

    One row of Q-values at a time: [q a] is Q(s,a) for one state s, and [B] a set of actions.
    Log-sum-exp is monotone, moves with a shift, and is the largest value that a policy can
    reach when its entropy counts (Gibbs). *)

From Bellman Require Export logarithm bigops.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section LogSumExp.

Variable A : finType.
Implicit Types (B C : {set A}) (q r w : A -> R) (c : R) (a : A).

(** log Σ_{a ∈ B} exp q(a). *)

Definition lse B q := ln (\sum_(a in B) exp (q a)).

(** Σ_a w(a) (q(a) − log w(a)), the mean of q under w plus the entropy of w. *)

Definition entropy_value B w q := \sum_(a in B) w a * (q a - ln (w a)).

(** w is a distribution on B. *)

Definition distribution B w := (forall a, a \in B -> 0 <= w a) /\ \sum_(a in B) w a = 1.

Lemma sum_exp_gt0 B q : B != set0 -> 0 < \sum_(a in B) exp (q a).
Proof.
case/set0Pn=> a aB; apply: (sum_gt0 aB) => [b _|]; last exact: exp_pos.
exact: Rlt_le (exp_pos _).
Qed.

Lemma exp_lse B q : B != set0 -> exp (lse B q) = \sum_(a in B) exp (q a).
Proof. by move=> B0; rewrite /lse exp_ln //; apply: sum_exp_gt0. Qed.

Lemma lse_ext B q r : (forall a, a \in B -> q a = r a) -> lse B q = lse B r.
Proof. by move=> qr; rewrite /lse (@eq_bigr _ _ _ _ _ _ _ (fun a => exp (r a))) // => a /qr ->. Qed.

(** Monotone in q, *)

Lemma lse_le B q r : B != set0 -> (forall a, a \in B -> q a <= r a) -> lse B q <= lse B r.
Proof.
move=> B0 le_qr; apply: ln_le; first exact: sum_exp_gt0.
by apply: sum_le => a /le_qr [/exp_increasing/Rlt_le|->] //; apply: Rle_refl.
Qed.

(** and in the set; *)

Lemma lse_subset B C q : B != set0 -> B \subset C -> lse B q <= lse C q.
Proof.
move=> B0 sBC; apply: ln_le; first exact: sum_exp_gt0.
by apply: sum_subset => // a _; apply: Rlt_le (exp_pos _).
Qed.

(** a shift of q shifts it by the same; *)

Lemma lse_shift B q c : B != set0 -> lse B (fun a => q a + c) = lse B q + c.
Proof.
move=> B0; rewrite /lse.
rewrite (@eq_bigr _ _ _ _ _ _ _ (fun a => exp (q a) * exp c)); last by move=> a _; apply: exp_plus.
by rewrite sum_scale_r ln_mult ?ln_exp //; [apply: sum_exp_gt0|apply: exp_pos].
Qed.

(** a change of q by at most c changes it by at most c. *)

Lemma lse_lipschitz B q r c :
  B != set0 -> (forall a, a \in B -> Rabs (q a - r a) <= c) -> Rabs (lse B q - lse B r) <= c.
Proof.
move=> B0 close.
have q_le : lse B q <= lse B r + c.
  rewrite -lse_shift //; apply: lse_le => // a /close le_c.
  by have := Rle_abs (q a - r a); lra.
have r_le : lse B r <= lse B q + c.
  rewrite -lse_shift //; apply: lse_le => // a /close; rewrite Rabs_minus_sym => le_c.
  by have := Rle_abs (r a - q a); lra.
by apply: Rabs_le; lra.
Qed.

(** It is at least each entry, and exactly the entry of a single action. *)

Lemma lse_ge B q a : a \in B -> q a <= lse B q.
Proof.
move=> aB; rewrite -[X in X <= _]ln_exp; apply: ln_le; first exact: exp_pos.
by apply: (@sum_ge_term A (mem B) (fun a => exp (q a))) => // b _; apply: Rlt_le (exp_pos _).
Qed.

Lemma lse1 a q : lse [set a] q = q a.
Proof. by rewrite /lse big_set1 ln_exp. Qed.

(** The Boltzmann weights exp(q − lse q) are a distribution. *)

Lemma boltzmann_distribution B q : B != set0 -> distribution B (fun a => exp (q a - lse B q)).
Proof.
move=> B0; split=> [a _|]; first exact: Rlt_le (exp_pos _).
rewrite (@eq_bigr _ _ _ _ _ _ _ (fun a => exp (q a) * exp (- lse B q))); last first.
  by move=> a _; rewrite -exp_plus.
by rewrite sum_scale_r exp_Ropp exp_lse //; apply: Rinv_r; apply: Rgt_not_eq; apply: sum_exp_gt0.
Qed.

(** Gibbs, one action at a time: u (x − log u) lies below its tangent at u = exp x. *)

Lemma entropy_term_le u x : 0 <= u -> u * (x - ln u) <= exp x - u.
Proof.
case=> [u_gt0|<-]; last by have := exp_pos x; lra.
have e_gt0 := exp_pos x; have iu_gt0 := Rinv_0_lt_compat _ u_gt0.
have: ln (exp x * / u) <= exp x * / u - 1 by apply: ln_le_sub1; apply: Rmult_lt_0_compat.
rewrite ln_mult // ln_exp ln_Rinv // => le_line.
have := Rmult_le_compat_l u _ _ (Rlt_le _ _ u_gt0) le_line.
have -> : u * (exp x * / u - 1) = exp x - u by field; lra.
by have -> : u * (x + - ln u) = u * (x - ln u) by ring.
Qed.

Lemma entropy_term_lt u x : 0 <= u -> u <> exp x -> u * (x - ln u) < exp x - u.
Proof.
case=> [u_gt0|<-] u_neq; last by have := exp_pos x; lra.
have e_gt0 := exp_pos x; have iu_gt0 := Rinv_0_lt_compat _ u_gt0.
have: ln (exp x * / u) < exp x * / u - 1.
  apply: ln_lt_sub1; first exact: Rmult_lt_0_compat.
  by move=> eq1; apply: u_neq; rewrite -[LHS]Rmult_1_r -eq1; field; lra.
rewrite ln_mult // ln_exp ln_Rinv // => lt_line.
have := Rmult_lt_compat_l u _ _ u_gt0 lt_line.
have -> : u * (exp x * / u - 1) = exp x - u by field; lra.
by have -> : u * (x + - ln u) = u * (x - ln u) by ring.
Qed.

Lemma entropy_value_shift B w q c :
  distribution B w -> entropy_value B w (fun a => q a + c) = entropy_value B w q + c.
Proof.
case=> _ w1; transitivity (entropy_value B w q + c * \sum_(a in B) w a); last by rewrite w1; ring.
by rewrite -sum_scale -sum_add; apply: eq_bigr => a _; ring.
Qed.

Lemma entropy_value_le B w q r :
  distribution B w -> (forall a, a \in B -> q a <= r a) ->
  entropy_value B w q <= entropy_value B w r.
Proof.
case=> w_ge0 _ le_qr; apply: sum_le => a aB; apply: Rmult_le_compat_l; first exact: w_ge0.
by have := le_qr a aB; lra.
Qed.

Lemma gibbs_gap B w q :
  B != set0 -> distribution B w ->
  lse B q - entropy_value B w q =
  \sum_(a in B) (exp (q a - lse B q) - w a - w a * (q a - lse B q - ln (w a))).
Proof.
move=> B0 w_ok; have [_ e1] := boltzmann_distribution q B0.
rewrite !sum_sub e1 (proj2 w_ok).
rewrite -/(entropy_value B w (fun a => q a + - lse B q)) entropy_value_shift //; ring.
Qed.

(** Gibbs: no distribution reaches more than log-sum-exp, *)

Lemma gibbs B w q : B != set0 -> distribution B w -> entropy_value B w q <= lse B q.
Proof.
move=> B0 w_ok; have := gibbs_gap q B0 w_ok.
suff: 0 <= \sum_(a in B) (exp (q a - lse B q) - w a - w a * (q a - lse B q - ln (w a))) by lra.
apply: sum_ge0 => a aB; have := @entropy_term_le (w a) (q a - lse B q) (proj1 w_ok a aB); lra.
Qed.

(** the Boltzmann weights reach it, *)

Lemma gibbs_boltzmann B q :
  B != set0 -> entropy_value B (fun a => exp (q a - lse B q)) q = lse B q.
Proof.
move=> B0; have [_ e1] := boltzmann_distribution q B0.
transitivity ((\sum_(a in B) exp (q a - lse B q)) * lse B q); last by rewrite e1; ring.
by rewrite -sum_scale_r; apply: eq_bigr => a _; rewrite ln_exp; ring.
Qed.

(** and nothing else does. *)

Lemma gibbs_unique B w q :
  B != set0 -> distribution B w -> entropy_value B w q = lse B q ->
  forall a, a \in B -> w a = exp (q a - lse B q).
Proof.
move=> B0 w_ok eq_lse a aB; have := gibbs_gap q B0 w_ok; rewrite eq_lse => sum0.
have w_ge0 := proj1 w_ok.
have [//|w_neq] := Req_dec (w a) (exp (q a - lse B q)).
have lt0 := entropy_term_lt (w_ge0 a aB) w_neq.
have ge0 b : b \in B -> 0 <= exp (q b - lse B q) - w b - w b * (q b - lse B q - ln (w b)).
  by move=> bB; have := @entropy_term_le (w b) (q b - lse B q) (w_ge0 b bB); lra.
have := @sum_eq0 A (mem B) _ ge0 _ a aB; rewrite -sum0 => /(_ _)/=; lra.
Qed.

End LogSumExp.
