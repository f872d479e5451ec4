(** * What the Rust functions compute on rows is what the propositions are about

    [computed.v] holds the terms that the functions of the crate `operators` write down when
    they run on symbols. Here each is proved equal to the definition, for any model whose states
    and actions the numbers name, and for any anchors. *)

From Bellman Require Export tracing.
From BellmanTraces Require Export computed.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section TracedValues.

Variables (S A : finType) (state : nat -> S) (action : nat -> A) (anchor : nat -> R).
Notation cells := (cells state action).
Notation listed := (listed action).

(** ** soft_value: log Σ exp Q over the set *)

Section SoftValue.

Variables (B : S -> {set A}) (Q : S -> A -> R).
Notation V := (soft_value B Q).

Theorem soft_value_1_traced :
  listed B (state 0) [:: 0]%N -> soft_value_1 (cells Q) anchor = [:: V (state 0)].
Proof. by move=> H; rewrite /soft_value_1 (row_soft_value H Q (anchor 0)); unroll. Qed.

Theorem soft_value_11_traced :
  listed B (state 0) [:: 0; 1]%N -> soft_value_11 (cells Q) anchor = [:: V (state 0)].
Proof. by move=> H; rewrite /soft_value_11 (row_soft_value H Q (anchor 0)); unroll. Qed.

Theorem soft_value_101_traced :
  listed B (state 0) [:: 0; 2]%N -> soft_value_101 (cells Q) anchor = [:: V (state 0)].
Proof. by move=> H; rewrite /soft_value_101 (row_soft_value H Q (anchor 0)); unroll. Qed.

Theorem soft_value_011_10_traced :
  listed B (state 0) [:: 1; 2]%N -> listed B (state 1) [:: 0]%N ->
  soft_value_011_10 (cells Q) anchor = [:: V (state 0); V (state 1)].
Proof.
move=> H0 H1; rewrite /soft_value_011_10.
by rewrite (row_soft_value H0 Q (anchor 0)) (row_soft_value H1 Q (anchor 1)); unroll.
Qed.

End SoftValue.

(** ** log_policy: log π_Q on the set *)

Section LogPolicy.

Variables (B : S -> {set A}) (Q : S -> A -> R).
Notation log_pi i j := (ln (boltzmann B Q (state i) (action j))).

Theorem log_policy_1_traced :
  listed B (state 0) [:: 0]%N -> log_policy_1 (cells Q) anchor = [:: log_pi 0 0].
Proof. by move=> H; rewrite /log_policy_1 (row_log_policy Q H (anchor 0)); unroll. Qed.

Theorem log_policy_11_traced :
  listed B (state 0) [:: 0; 1]%N -> log_policy_11 (cells Q) anchor = [:: log_pi 0 0; log_pi 0 1].
Proof. by move=> H; rewrite /log_policy_11 !(row_log_policy Q H (anchor 0)); unroll. Qed.

Theorem log_policy_101_traced :
  listed B (state 0) [:: 0; 2]%N -> log_policy_101 (cells Q) anchor = [:: log_pi 0 0; log_pi 0 2].
Proof. by move=> H; rewrite /log_policy_101 !(row_log_policy Q H (anchor 0)); unroll. Qed.

Theorem log_policy_011_10_traced :
  listed B (state 0) [:: 1; 2]%N -> listed B (state 1) [:: 0]%N ->
  log_policy_011_10 (cells Q) anchor = [:: log_pi 0 1; log_pi 0 2; log_pi 1 0].
Proof.
move=> H0 H1; rewrite /log_policy_011_10.
by rewrite !(row_log_policy Q H0 (anchor 0)) !(row_log_policy Q H1 (anchor 1)); unroll.
Qed.

End LogPolicy.

(** ** projection: proj_p π_Q, and its logarithm on the set *)

Section Projection.

Variables (B C : S -> {set A}) (Q : S -> A -> R).
Notation proj i j := (projection B (boltzmann C Q) (state i) (action j)).

Theorem projection_1_traced :
  listed B (state 0) [:: 0]%N -> projection_1 (cells Q) anchor = [:: proj 0 0].
Proof. by move=> H; rewrite /projection_1 (row_share C Q H (anchor 0)) //; unroll. Qed.

Theorem projection_11_traced :
  listed B (state 0) [:: 0; 1]%N -> projection_11 (cells Q) anchor = [:: proj 0 0; proj 0 1].
Proof. by move=> H; rewrite /projection_11 !(row_share C Q H (anchor 0)) //; unroll. Qed.

Theorem projection_101_traced :
  listed B (state 0) [:: 0; 2]%N -> action 1 \notin B (state 0) ->
  projection_101 (cells Q) anchor = [:: proj 0 0; proj 0 1; proj 0 2].
Proof.
move=> H out; rewrite /projection_101.
rewrite (row_dropped C Q (weights action (state 0) [:: 0; 2]%N Q (anchor 0)) out).
by rewrite !(row_share C Q H (anchor 0)) //; unroll.
Qed.

Theorem projection_011_10_traced :
  listed B (state 0) [:: 1; 2]%N -> listed B (state 1) [:: 0]%N ->
  action 0 \notin B (state 0) -> action 1 \notin B (state 1) ->
  projection_011_10 (cells Q) anchor = [:: proj 0 0; proj 0 1; proj 0 2; proj 1 0; proj 1 1].
Proof.
move=> H0 H1 out0 out1; rewrite /projection_011_10.
rewrite (row_dropped C Q (weights action (state 0) [:: 1; 2]%N Q (anchor 0)) out0).
rewrite (row_dropped C Q (weights action (state 1) [:: 0]%N Q (anchor 1)) out1).
by rewrite !(row_share C Q H0 (anchor 0)) // !(row_share C Q H1 (anchor 1)) //; unroll.
Qed.

Theorem log_projection_1_traced :
  listed B (state 0) [:: 0]%N -> log_projection_1 (cells Q) anchor = [:: ln (proj 0 0)].
Proof. by move=> H; rewrite /log_projection_1 (row_log_share C Q H (anchor 1)) //; unroll. Qed.

Theorem log_projection_11_traced :
  listed B (state 0) [:: 0; 1]%N ->
  log_projection_11 (cells Q) anchor = [:: ln (proj 0 0); ln (proj 0 1)].
Proof. by move=> H; rewrite /log_projection_11 !(row_log_share C Q H (anchor 1)) //; unroll. Qed.

Theorem log_projection_101_traced :
  listed B (state 0) [:: 0; 2]%N ->
  log_projection_101 (cells Q) anchor = [:: ln (proj 0 0); ln (proj 0 2)].
Proof. by move=> H; rewrite /log_projection_101 !(row_log_share C Q H (anchor 1)) //; unroll. Qed.

Theorem log_projection_011_10_traced :
  listed B (state 0) [:: 1; 2]%N -> listed B (state 1) [:: 0]%N ->
  log_projection_011_10 (cells Q) anchor = [:: ln (proj 0 1); ln (proj 0 2); ln (proj 1 0)].
Proof.
move=> H0 H1; rewrite /log_projection_011_10.
by rewrite !(row_log_share C Q H0 (anchor 2)) // !(row_log_share C Q H1 (anchor 3)) //; unroll.
Qed.

End Projection.

(** ** leak: −log of the mass that the set captures *)

Section Leak.

Variables (B C : S -> {set A}) (Q : S -> A -> R).
Notation loss := (leak B (boltzmann C Q)).

Ltac total H := rewrite (sum_listed _ H); unroll; ring.

Theorem leak_1_traced :
  listed B (state 0) [:: 0]%N -> listed C (state 0) [:: 0]%N ->
  leak_1 (cells Q) anchor = [:: loss (state 0)].
Proof.
move=> H HC; rewrite /leak_1 (row_leak (c := anchor 0) (outside := 0) H _ (listed_some HC)).
  by unroll.
by total HC.
Qed.

Theorem leak_11_traced :
  listed B (state 0) [:: 0; 1]%N -> listed C (state 0) [:: 0; 1]%N ->
  leak_11 (cells Q) anchor = [:: loss (state 0)].
Proof.
move=> H HC; rewrite /leak_11 (row_leak (c := anchor 0) (outside := 0) H _ (listed_some HC)).
  by unroll.
by total HC.
Qed.

Theorem leak_101_traced :
  listed B (state 0) [:: 0; 2]%N -> listed C (state 0) [:: 0; 1; 2]%N ->
  leak_101 (cells Q) anchor = [:: loss (state 0)].
Proof.
move=> H HC; rewrite /leak_101.
rewrite (row_leak (c := anchor 0) (outside := exp (cells Q 0 1 - anchor 0)) H _ (listed_some HC)).
  by unroll.
by total HC.
Qed.

Theorem leak_011_10_traced :
  listed B (state 0) [:: 1; 2]%N -> listed C (state 0) [:: 0; 1; 2]%N ->
  listed B (state 1) [:: 0]%N -> listed C (state 1) [:: 0; 1]%N ->
  leak_011_10 (cells Q) anchor = [:: loss (state 0); loss (state 1)].
Proof.
move=> H0 C0 H1 C1; rewrite /leak_011_10.
rewrite (row_leak (c := anchor 0) (outside := exp (cells Q 0 0 - anchor 0)) H0 _ (listed_some C0)).
  rewrite (row_leak (c := anchor 1) (outside := exp (cells Q 1 1 - anchor 1)) H1 _ (listed_some C1)).
    by unroll.
  by total C1.
by total C0.
Qed.

End Leak.

(** ** policy_value: Σ π (Q − log π), for the projected policy π of a table U *)

Section PolicyValue.

Variables (B C : S -> {set A}) (Q U : S -> A -> R).
Notation value := (policy_value B (projection B (boltzmann C U)) Q).

Theorem policy_value_1_traced :
  listed B (state 0) [:: 0]%N -> policy_value_1 (cells Q) (cells U) anchor = [:: value (state 0)].
Proof.
move=> H; rewrite /policy_value_1 (row_policy_value C Q U H (anchor 2)) !big_cons !big_nil.
by rewrite (row_log_share C U H (anchor 1)) // (row_share C U H (anchor 0)) //; unroll.
Qed.

Theorem policy_value_11_traced :
  listed B (state 0) [:: 0; 1]%N -> policy_value_11 (cells Q) (cells U) anchor = [:: value (state 0)].
Proof.
move=> H; rewrite /policy_value_11 (row_policy_value C Q U H (anchor 2)) !big_cons !big_nil.
by rewrite !(row_log_share C U H (anchor 1)) // !(row_share C U H (anchor 0)) //; unroll.
Qed.

Theorem policy_value_101_traced :
  listed B (state 0) [:: 0; 2]%N -> policy_value_101 (cells Q) (cells U) anchor = [:: value (state 0)].
Proof.
move=> H; rewrite /policy_value_101 (row_policy_value C Q U H (anchor 2)) !big_cons !big_nil.
by rewrite !(row_log_share C U H (anchor 1)) // !(row_share C U H (anchor 0)) //; unroll.
Qed.

Theorem policy_value_011_10_traced :
  listed B (state 0) [:: 1; 2]%N -> listed B (state 1) [:: 0]%N ->
  policy_value_011_10 (cells Q) (cells U) anchor = [:: value (state 0); value (state 1)].
Proof.
move=> H0 H1; rewrite /policy_value_011_10.
rewrite (row_policy_value C Q U H0 (anchor 4)) (row_policy_value C Q U H1 (anchor 5)).
rewrite !big_cons !big_nil !(row_log_share C U H0 (anchor 2)) // !(row_share C U H0 (anchor 0)) //.
by rewrite !(row_log_share C U H1 (anchor 3)) // !(row_share C U H1 (anchor 1)) //; unroll.
Qed.

End PolicyValue.

End TracedValues.
