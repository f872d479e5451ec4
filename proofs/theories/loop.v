(** * One state with a self loop

    The smallest model in which the teacher can be any policy w: with the rewards log w(a) the
    soft value is 0, whatever the discount. The witnesses of tightness and the counterexamples
    to the curved objective are of this kind. *)

From Bellman Require Export fixed_points.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Loop.

Variables (A : finType) (w : A -> R) (g : R).
Hypotheses (w_gt0 : forall a, 0 < w a) (w_total : \sum_a w a = 1) (g_bounds : 0 <= g < 1).

Lemma loop_offers_some : [set: A] != set0.
Proof.
apply/set0Pn; case: (pickP A) => [a _|none]; first by exists a; rewrite inE.
by have := w_total; rewrite big_pred0 //; lra.
Qed.

Lemma loop_step_ge0 (s : unit) (a : A) (s' : unit) : 0 <= 1. Proof. lra. Qed.

Lemma sum_unit (f : unit -> R) : \sum_s f s = f tt.
Proof. by rewrite (bigD1 tt) //= big1 ?Rplus_0_r // => -[]. Qed.

Lemma loop_step_total (s : unit) (a : A) : \big[Rplus/0]_(s' : unit) 1 <= 1.
Proof. by rewrite sum_unit; lra. Qed.

Definition loop : mdp [finType of unit] A :=
  @Mdp [finType of unit] A (fun _ => [set: A]) (fun _ _ _ => 1) (fun _ a => ln (w a)) g
    (fun _ => loop_offers_some) loop_step_ge0 loop_step_total (proj1 g_bounds) (proj2 g_bounds).

Lemma loop_stochastic : stochastic loop.
Proof. by move=> s a _; rewrite sum_unit. Qed.

Lemma expected_loop v s a : expected loop v s a = v tt.
Proof. by rewrite /expected sum_unit /=; ring. Qed.

Lemma loop_candidates (B : unit -> {set A}) : B tt != set0 -> candidates loop B.
Proof. by move=> B0 -[]; split=> //; apply: subsetT. Qed.

(** Its Q* is log w, and its teacher w. *)

Lemma soft_value_loop : soft_value (offers loop) (fun _ a => ln (w a)) tt = 0.
Proof.
rewrite /soft_value /lse /= (eq_bigl xpredT) => [|a]; last by rewrite inE.
by rewrite (eq_bigr w) ?w_total ?ln_1 // => a _; apply: exp_ln.
Qed.

Lemma Q_star_loop s a : Q_star loop s a = ln (w a).
Proof.
case: s; rewrite -(@Q_star_unique _ _ loop (fun _ a => ln (w a))) ?inE // => -[] b _.
by rewrite /T /backup expected_loop soft_value_loop /=; ring.
Qed.

Lemma teacher_loop s a : teacher loop s a = w a.
Proof.
have eqV : soft_value (offers loop) (Q_star loop) tt = 0.
  by rewrite -soft_value_loop; apply: lse_ext => b _; apply: Q_star_loop.
by case: s; rewrite /teacher /boltzmann Q_star_loop eqV Rminus_0_r exp_ln.
Qed.

End Loop.
