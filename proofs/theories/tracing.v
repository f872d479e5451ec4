(** * Rows, as they are computed

    Log-sum-exp, shares, leak and the value of a policy, computed on the cells of one row with
    an anchor taken out of the exponentials, so that they do not overflow, and added back. Any
    anchor gives the same. Numbers index rows and cells; [state] and [action] say what they
    stand for. *)

From Bellman Require Export operators.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Tracing.

Variables (S A : finType) (M : mdp S A).
Variables (state : nat -> S) (action : nat -> A).
Implicit Types (B C : S -> {set A}) (Q U : S -> A -> R) (s : S) (l : seq nat) (c : R).

(** [listed B s l]: the set B(s) consists of the actions that the numbers of l name. *)

Definition listed B s l :=
  [/\ l != [::], uniq [seq action i | i <- l] & B s = [set a in [seq action i | i <- l]]].

(** [all_states l]: the numbers of l name every state once. *)

Definition all_states l := uniq [seq state i | i <- l] /\ forall s, s \in [seq state i | i <- l].

(** A table, by number. *)

Definition cells Q i j := Q (state i) (action j).
Definition probabilities i j k := step M (state i) (action j) (state k).

Lemma sum_listed B s l (f : A -> R) :
  listed B s l -> \sum_(a in B s) f a = \sum_(i <- l | true) f (action i).
Proof.
case=> _ Ul ->; rewrite -(big_map action xpredT f) (big_uniq _ Ul) /=.
by apply: eq_bigl => a; rewrite inE.
Qed.

Lemma sum_states l (f : S -> R) : all_states l -> \sum_s f s = \sum_(i <- l | true) f (state i).
Proof.
case=> Ul all_l; rewrite -(big_map state xpredT f) (big_uniq _ Ul) /=.
by apply: eq_bigl => s; rewrite all_l.
Qed.

Lemma listed_some B s l : listed B s l -> B s != set0.
Proof.
case; case: l => // i l _ _ ->; apply/set0Pn; exists (action i).
by rewrite inE /= mem_head.
Qed.

Lemma listed_in B s l i : listed B s l -> i \in l -> action i \in B s.
Proof. by case=> _ _ -> il; rewrite inE map_f. Qed.

Section Rows.

Variables (B C : S -> {set A}) (Q U : S -> A -> R) (s : S) (l : seq nat).
Hypothesis B_l : listed B s l.
Implicit Types (i : nat).

Definition weight Q' c i := exp (Q' s (action i) - c).
Definition weights Q' c := \sum_(i <- l | true) weight Q' c i.

Lemma weights_gt0 Q' c : 0 < weights Q' c.
Proof.
rewrite /weights -(sum_listed (fun a => exp (Q' s a - c)) B_l).
exact: sum_exp_gt0 (listed_some B_l).
Qed.

Lemma row_soft_value Q' c : soft_value B Q' s = ln (weights Q' c) + c.
Proof.
rewrite /weights -(sum_listed (fun a => exp (Q' s a - c)) B_l).
have := lse_shift (Q' s) (- c) (listed_some B_l); rewrite /soft_value {1}/lse /Rminus => ->; ring.
Qed.

Lemma row_log_policy c i : ln (boltzmann B Q s (action i)) = Q s (action i) - c - ln (weights Q c).
Proof. by rewrite ln_boltzmann (row_soft_value Q c); ring. Qed.

Lemma row_share c i :
  i \in l -> projection B (boltzmann C Q) s (action i) = weight Q c i / weights Q c.
Proof.
move=> i_l; rewrite projection_boltzmann ?(listed_some B_l) ?(listed_in B_l) //.
rewrite /boltzmann (row_soft_value Q c) /weight.
have -> : Q s (action i) - (ln (weights Q c) + c) = (Q s (action i) - c) + - ln (weights Q c) by ring.
by rewrite exp_plus exp_Ropp exp_ln //; apply: weights_gt0.
Qed.

Lemma row_log_share c i :
  i \in l -> ln (projection B (boltzmann C Q) s (action i)) = Q s (action i) - c - ln (weights Q c).
Proof.
move=> i_l; rewrite projection_boltzmann ?(listed_some B_l) ?(listed_in B_l) //.
exact: row_log_policy.
Qed.

Lemma row_leak c (outside : R) :
  weights Q c + outside = \sum_(a in C s) exp (Q s a - c) -> C s != set0 ->
  leak B (boltzmann C Q) s = ln (1 + outside / weights Q c).
Proof.
move=> total C0; rewrite leak_boltzmann ?(listed_some B_l) // (row_soft_value Q c).
have B_gt0 := weights_gt0 Q c.
have C_gt0 : 0 < \sum_(a in C s) exp (Q s a - c) by apply: sum_exp_gt0.
have -> : 1 + outside / weights Q c = (\sum_(a in C s) exp (Q s a - c)) * / weights Q c.
  by rewrite -total; field; lra.
rewrite ln_mult ?ln_Rinv //; last exact: Rinv_0_lt_compat.
have := lse_shift (Q s) (- c) C0; rewrite /soft_value {1}/lse /Rminus => ->; ring.
Qed.

(** Σ_a w(a) (Q(a) − log w(a) − c) + c, where w is the projected policy of U. *)

Lemma row_policy_value c :
  policy_value B (projection B (boltzmann C U)) Q s =
  \sum_(i <- l | true) projection B (boltzmann C U) s (action i) *
    (Q s (action i) - ln (projection B (boltzmann C U) s (action i)) - c) + c.
Proof.
set w := projection B (boltzmann C U).
rewrite -(sum_listed (fun a => w s a * (Q s a - ln (w s a) - c)) B_l).
have B0 := listed_some B_l; have [_ w1] := boltzmann_distribution (U s) B0.
have w_eq a : a \in B s -> w s a = exp (U s a - lse (B s) (U s)).
  by move=> aB; rewrite /w projection_boltzmann.
transitivity (\sum_(a in B s) w s a * (Q s a - ln (w s a)) - \sum_(a in B s) w s a * c + c).
  by rewrite sum_scale_r (eq_bigr _ w_eq) w1 /policy_value; ring.
by congr (_ + c); rewrite -sum_sub; apply: eq_bigr => a _; ring.
Qed.

End Rows.

(** An action that is not kept has share 0, computed as 0 / Σ. *)

Lemma row_dropped B C Q s a (x : R) : a \notin B s -> projection B (boltzmann C Q) s a = 0 / x.
Proof. by move=> /negbTE aB; rewrite /projection aB /Rdiv Rmult_0_l. Qed.

End Tracing.

(** [unroll] writes sums over listed actions and states out, and drops the zeros that masks leave
    behind. *)

Ltac unroll :=
  rewrite /weights /weight ?big_cons ?big_nil /cells ?Rplus_0_l ?Rplus_0_r ?Rmult_0_r
    ?Rplus_0_l ?Rplus_0_r.
