(** * The bound is tight

    For every p in (0,1) and every discount there is a model, with genuine top-p sets, in which
    both gaps equal κ(p) everywhere: one state with a self loop, whose teacher gives one action
    the probability p and every other one less. *)

From Bellman Require Export nucleus loop.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** A nucleus of one action: the most likely one, if it carries p alone. *)

Lemma nucleus_single (A : finType) (O : {set A}) (w : A -> R) p a :
  a \in O -> (forall b, b \in O -> 0 <= w b) -> (forall b, b \in O -> b != a -> w b < w a) ->
  0 < p * (\sum_(b in O) w b) <= w a -> nucleus p O w = [set a].
Proof.
move=> aO w_ge0 w_lt [p_gt0 p_le]; apply/setP => b; rewrite !inE.
have [->|bNa] := eqVneq b a.
  rewrite aO /= big_pred0; first by case: Rlt_dec.
  move=> c /=; apply/negbTE/negP; rewrite inE => /andP[cO]; rewrite /before.
  have [->|cNa] := eqVneq c a; last first.
    by have := w_lt c cO cNa; case: Rlt_dec => ? ?; [lra|case: Req_EM_T => // ?; lra].
  by case: Rlt_dec => ?; [lra|case: Req_EM_T => // ?; rewrite ltnn].
apply/negbTE; rewrite negb_and; have [bO|//] := boolP (b \in O); rewrite /=.
case: Rlt_dec => // lt_p.
have: w a <= \sum_(c in predecessors w O b) w c.
  apply: (@sum_ge_term A (mem (predecessors w O b)) w) => [|c /=]; last first.
    by rewrite inE => /andP[/w_ge0].
  by rewrite /= inE aO /before; case: Rlt_dec => // ?; have := w_lt b bO bNa; lra.
lra.
Qed.

Section Witness.

Variables (A : finType) (w : A -> R) (g p : R) (top : A).
Hypotheses (w_gt0 : forall a, 0 < w a) (w_total : \sum_a w a = 1) (g_bounds : 0 <= g < 1).
Hypotheses (top_p_mass : w top = p) (rest_below : forall a, a != top -> w a < p).

Let M := loop w_total g_bounds.
Let B := top_p M p (teacher M).

Lemma witness_sets s : B s = [set top].
Proof.
have total1 : \sum_(b in offers M s) teacher M s b = 1.
  rewrite (eq_bigl xpredT) => [|a]; last by rewrite inE.
  by rewrite -w_total; apply: eq_bigr => a _; apply: teacher_loop.
apply: nucleus_single => [|b _|b _ bN|]; first by rewrite inE.
- exact: Rlt_le (teacher_gt0 _ _ _).
- by rewrite !teacher_loop // top_p_mass; apply: rest_below.
- by rewrite total1 teacher_loop // top_p_mass; have := w_gt0 top; rewrite top_p_mass; lra.
Qed.

Lemma witness_candidates : candidates M B.
Proof. by apply: loop_candidates; rewrite witness_sets; apply/set0Pn; exists top; rewrite inE. Qed.

Lemma witness_mass s : mass B (teacher M) s = p.
Proof. by rewrite /mass witness_sets big_set1 teacher_loop. Qed.

Lemma kappa_witness : kappa M p = - g * (ln p / (1 - g)).
Proof. by rewrite /kappa /=; field; lra. Qed.

(** With only the best action left, both operators are r + γ Q(top). *)

Lemma witness_gap Q :
  (forall a, ln (w a) + g * Q tt top = Q tt a) -> forall s a, Q_star M s a - Q s a = kappa M p.
Proof.
move=> Q_eq [] a; rewrite Q_star_loop // -Q_eq kappa_witness.
have <- : Q tt top = ln p / (1 - g); last by ring.
have := Q_eq top; rewrite top_p_mass => eq_top.
by apply: (Rmult_eq_reg_r (1 - g)); [field_simplify; lra|lra].
Qed.

Lemma witness_tight_p_star s a : Q_star M s a - Q_p_star M B s a = kappa M p.
Proof.
apply: witness_gap => b; rewrite -[RHS](Q_p_star_eq witness_candidates) /T_p /backup.
by rewrite expected_loop /soft_value witness_sets lse1.
Qed.

Lemma witness_tight_projected s a : Q_star M s a - Q_projected M B (teacher M) s a = kappa M p.
Proof.
have proj_ok := teacher_projectable witness_candidates.
apply: witness_gap => b; rewrite -[RHS](Q_projected_eq M proj_ok) /B_p /backup expected_loop.
rewrite /policy_value witness_sets big_set1 /projection witness_sets inE eqxx.
rewrite witness_mass teacher_loop // top_p_mass.
have -> : p / p = 1 by field; have := w_gt0 top; lra.
by rewrite ln_1 /=; ring.
Qed.

End Witness.

(** The weights: p for the first of n + 1 actions, (1 − p)/n for each of the others. *)

Definition weights (p : R) (n : nat) (a : 'I_n.+1) : R := if a == ord0 then p else (1 - p) / INR n.

Lemma weights_total p n : (0 < n)%N -> \sum_a @weights p n a = 1.
Proof.
have sum_n c m : iter m (Rplus c) 0 = INR m * c.
  by elim: m => [|m IH]; rewrite ?Rmult_0_l // iterS IH S_INR; ring.
move=> n_gt0; rewrite big_ord_recl /= (eq_bigr (fun=> (1 - p) / INR n)) //.
rewrite big_const_ord sum_n /weights eqxx; field.
by apply: not_0_INR; case: n n_gt0.
Qed.

(** Proposition 5: tightness. *)

Theorem tightness p g :
  0 < p < 1 -> 0 <= g < 1 ->
  exists (A : finType) (M : mdp [finType of unit] A),
    let B := top_p M p (teacher M) in
    gamma M = g /\ stochastic M /\ (forall s, mass B (teacher M) s = p) /\
    (forall s a, Q_star M s a - Q_projected M B (teacher M) s a = kappa M p) /\
    (forall s a, Q_star M s a - Q_p_star M B s a = kappa M p) /\
    supported_norm B (Q_star M \- Q_projected M B (teacher M)) = kappa M p /\
    supported_norm B (Q_star M \- Q_p_star M B) = kappa M p.
Proof.
move=> p_bounds g_bounds.
have [n [n_gt0 small]] : exists n, (0 < n)%N /\ (1 - p) / INR n < p.
  have [n [n_large n_pos]] := archimed_cor1 p (proj1 p_bounds).
  exists n; split; first exact/ltP.
  have inv_gt0 : 0 < / INR n by apply: Rinv_0_lt_compat; apply: lt_0_INR.
  by rewrite /Rdiv; nra.
have rest_gt0 : 0 < (1 - p) / INR n by apply: Rdiv_lt_0_compat; [lra|apply: lt_0_INR; apply/leP].
have w_gt0 (a : 'I_n.+1) : 0 < weights p a by rewrite /weights; case: (a == ord0); lra.
have rest (a : 'I_n.+1) : a != ord0 -> weights p a < p by rewrite /weights => /negbTE ->.
have top_mass : weights p (@ord0 n) = p by rewrite /weights eqxx.
pose M := loop (weights_total p n_gt0) g_bounds.
exists [finType of 'I_n.+1], M => B.
have gap1 := witness_tight_projected w_gt0 (weights_total p n_gt0) g_bounds top_mass rest.
have gap2 := witness_tight_p_star w_gt0 (weights_total p n_gt0) g_bounds top_mass rest.
have norm Q : (forall s a, Q_star M s a - Q s a = kappa M p) ->
    supported_norm B (Q_star M \- Q) = kappa M p.
  move=> gap; have k_ge0 : 0 <= kappa M p by apply: kappa_ge0; lra.
  apply: Rle_antisym.
    by apply: supported_norm_le => // s a _; rewrite /table_sub gap Rabs_pos_eq //; apply: Rle_refl.
  have top_in : (@ord0 n) \in B tt by rewrite /B (@witness_sets _ _ _ _ ord0) ?inE.
  by have := supported_norm_ge (Q_star M \- Q) top_in; rewrite /table_sub gap Rabs_pos_eq.
do !split=> //; try exact: norm.
- exact: loop_stochastic.
- by move=> s; apply: (@witness_mass _ _ _ _ ord0).
Qed.
