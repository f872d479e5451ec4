(** * The operators T, T_p and B_p^π, as they are computed

    What [computed.v] says of the backup, its inverse, the operators, the norm and the bounds. *)

From Bellman Require Export tracing.
From BellmanTraces Require Export computed.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section TracedOperators.

Variables (S A : finType) (M : mdp S A).
Variables (state : nat -> S) (action : nat -> A) (anchor : nat -> R).
Variables (B : S -> {set A}) (Q U : S -> A -> R) (v : S -> R).
Notation cells := (cells state action).
Notation listed := (listed action).
Notation all_states := (all_states state).
Notation r := (cells (reward M)).
Notation P := (probabilities M state action).
Notation g := (gamma M).
Notation cell f i j := (f (state i) (action j)).

Ltac step H := rewrite /backup /expected !(sum_states _ H) /probabilities.

(** ** backup: r + γ E v *)

Theorem backup_1_traced :
  all_states [:: 0]%N -> backup_1 r (fun i => v (state i)) P g = [:: cell (backup M v) 0 0].
Proof. by move=> H; rewrite /backup_1; step H; unroll; congr [:: _]; ring. Qed.

Theorem backup_10_1_traced :
  all_states [:: 0; 1]%N ->
  backup_10_1 r (fun i => v (state i)) P g =
  [:: cell (backup M v) 0 0; cell (backup M v) 0 1; cell (backup M v) 1 0].
Proof. by move=> H; rewrite /backup_10_1; step H; unroll; congr [:: _; _; _]; ring. Qed.

(** ** implied_reward: Q − γ E v, the inverse of the backup *)

Notation implied i j := (Q (state i) (action j) - g * expected M v (state i) (action j)).

Theorem implied_reward_1_traced :
  all_states [:: 0]%N -> implied_reward_1 (cells Q) (fun i => v (state i)) P g = [:: implied 0 0].
Proof. by move=> H; rewrite /implied_reward_1; step H; unroll; congr [:: _]; ring. Qed.

Theorem implied_reward_10_1_traced :
  all_states [:: 0; 1]%N ->
  implied_reward_10_1 (cells Q) (fun i => v (state i)) P g =
  [:: implied 0 0; implied 0 1; implied 1 0].
Proof. by move=> H; rewrite /implied_reward_10_1; step H; unroll; congr [:: _; _; _]; ring. Qed.

(** ** T: the soft optimality operator *)

Theorem T_1_traced :
  all_states [:: 0]%N -> listed (offers M) (state 0) [:: 0]%N ->
  T_1 (cells Q) r anchor P g = [:: cell (T M Q) 0 0].
Proof.
move=> H H0; rewrite /T_1 /T; step H; rewrite !big_cons !big_nil.
by rewrite (row_soft_value H0 Q (anchor 0)); unroll; congr [:: _]; ring.
Qed.

Theorem T_10_1_traced :
  all_states [:: 0; 1]%N ->
  listed (offers M) (state 0) [:: 0; 1]%N -> listed (offers M) (state 1) [:: 0]%N ->
  T_10_1 (cells Q) r anchor P g = [:: cell (T M Q) 0 0; cell (T M Q) 0 1; cell (T M Q) 1 0].
Proof.
move=> H H0 H1; rewrite /T_10_1 /T; step H; rewrite !big_cons !big_nil.
rewrite (row_soft_value H0 Q (anchor 0)) (row_soft_value H1 Q (anchor 1)).
by unroll; congr [:: _; _; _]; ring.
Qed.

(** ** T_p: the same over candidate sets *)

Theorem T_p_1_traced :
  all_states [:: 0]%N -> listed B (state 0) [:: 0]%N ->
  T_p_1 (cells Q) r anchor P g = [:: cell (T_p M B Q) 0 0].
Proof.
move=> H H0; rewrite /T_p_1 /T_p; step H; rewrite !big_cons !big_nil.
by rewrite (row_soft_value H0 Q (anchor 0)); unroll; congr [:: _]; ring.
Qed.

Theorem T_p_10_1_traced :
  all_states [:: 0; 1]%N -> listed B (state 0) [:: 0]%N -> listed B (state 1) [:: 0]%N ->
  T_p_10_1 (cells Q) r anchor P g =
  [:: cell (T_p M B Q) 0 0; cell (T_p M B Q) 0 1; cell (T_p M B Q) 1 0].
Proof.
move=> H H0 H1; rewrite /T_p_10_1 /T_p; step H; rewrite !big_cons !big_nil.
rewrite (row_soft_value H0 Q (anchor 0)) (row_soft_value H1 Q (anchor 1)).
by unroll; congr [:: _; _; _]; ring.
Qed.

(** ** B_p^π: the top-p Bellman operator, of the Boltzmann policy π of a table U *)

Notation B_pi := (B_p M B (boltzmann (offers M) U) Q).

Theorem B_p_1_traced :
  all_states [:: 0]%N -> listed B (state 0) [:: 0]%N ->
  B_p_1 (cells Q) (cells U) r anchor P g = [:: cell B_pi 0 0].
Proof.
move=> H H0; rewrite /B_p_1 /B_p; step H; rewrite !big_cons !big_nil.
rewrite (row_policy_value (offers M) Q U H0 (anchor 2)) !big_cons !big_nil.
rewrite (row_log_share (offers M) U H0 (anchor 1)) // (row_share (offers M) U H0 (anchor 0)) //.
by unroll; congr [:: _]; ring.
Qed.

Theorem B_p_10_1_traced :
  all_states [:: 0; 1]%N -> listed B (state 0) [:: 0]%N -> listed B (state 1) [:: 0]%N ->
  B_p_10_1 (cells Q) (cells U) r anchor P g =
  [:: cell B_pi 0 0; cell B_pi 0 1; cell B_pi 1 0].
Proof.
move=> H H0 H1; rewrite /B_p_10_1 /B_p; step H; rewrite !big_cons !big_nil.
rewrite (row_policy_value (offers M) Q U H0 (anchor 4)) (row_policy_value (offers M) Q U H1 (anchor 5)).
rewrite !big_cons !big_nil.
rewrite !(row_log_share (offers M) U H0 (anchor 2)) // !(row_share (offers M) U H0 (anchor 0)) //.
rewrite !(row_log_share (offers M) U H1 (anchor 3)) // !(row_share (offers M) U H1 (anchor 1)) //.
by unroll; congr [:: _; _; _]; ring.
Qed.

(** ** supported_norm: the largest |f| on the sets *)

Lemma in_listed (C : S -> {set A}) s l a :
  listed C s l -> a \in C s -> exists2 i, i \in l & a = action i.
Proof. by case=> _ _ ->; rewrite inE => /mapP[i]; exists i. Qed.

Theorem supported_norm_1_traced :
  all_states [:: 0]%N -> listed B (state 0) [:: 0]%N ->
  supported_norm_1 (cells Q) = [:: supported_norm B Q].
Proof.
move=> [_ all_s] H0; congr [:: _]; apply: Rle_antisym; first exact: supported_norm_ge (listed_in H0 _).
apply: supported_norm_le; first exact: Rabs_pos.
move=> s a; have:= all_s s; rewrite inE => /eqP -> aB.
by have [i] := in_listed H0 aB; rewrite inE => /eqP -> ->; apply: Rle_refl.
Qed.

Theorem supported_norm_10_1_traced :
  all_states [:: 0; 1]%N -> listed B (state 0) [:: 0]%N -> listed B (state 1) [:: 0]%N ->
  supported_norm_10_1 (cells Q) = [:: supported_norm B Q].
Proof.
move=> [_ all_s] H0 H1; congr [:: _]; apply: Rle_antisym.
  by apply: Rmax_lub; apply: supported_norm_ge; [apply: listed_in H0 _|apply: listed_in H1 _].
apply: supported_norm_le; first exact: Rle_trans (Rabs_pos _) (Rmax_l _ _).
move=> s a; have:= all_s s; rewrite !inE => /orP[]/eqP -> aB.
  by have [i] := in_listed H0 aB; rewrite inE => /eqP -> ->; apply: Rmax_l.
by have [i] := in_listed H1 aB; rewrite inE => /eqP -> ->; apply: Rmax_r.
Qed.

(** ** kappa and horizon_bound: a leak of −log p per step, forever and for H − 1 steps *)

Variable p : R.
Notation leak := (fun=> - ln p).

Theorem kappa_1_traced : kappa_1 leak g = [:: kappa M p].
Proof. by congr [:: _]; rewrite /kappa; field; have := gamma_lt1 M; lra. Qed.

(** −log p · Σ_{t=1}^{H−1} γ^t. *)

Notation horizon_bound H := (- ln p * \sum_(1 <= t < H) g ^ t).

Theorem horizon_bound_1_1_traced : horizon_bound_1_1 = [:: horizon_bound 1].
Proof. by congr [:: _]; rewrite big_geq //; ring. Qed.

Theorem horizon_bound_2_1_traced : horizon_bound_2_1 leak g = [:: horizon_bound 2].
Proof. by congr [:: _]; rewrite big_nat1 /=; ring. Qed.

Theorem horizon_bound_4_1_traced : horizon_bound_4_1 leak g = [:: horizon_bound 4].
Proof. by congr [:: _]; do 2!rewrite big_nat_recl //; rewrite big_nat1 /=; ring. Qed.

End TracedOperators.
