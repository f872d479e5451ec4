(** * The objective on text, as it is computed

    What [computed.v] says of the shift, the floor, the mask and the objective: for a text of two
    tokens that ended, one with a token outside its set, and one that was cut off. *)

From Bellman Require Export tracing text.
From BellmanTraces Require Export computed.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section TracedText.

Variables (S A : finType) (M : mdp S A).
Variables (state : nat -> S) (action : nat -> A) (anchor : nat -> R).
Variables (B : S -> {set A}) (z : S -> A -> R) (w : nat -> R) (alpha q_min : R).
Implicit Types (Q : S -> A -> R).
Notation cells := (cells state action).
Notation listed := (listed action).
Notation g := (gamma M).
Notation cell f i j := (f (state i) (action j)).

(** ** From logits to Q-values *)

Lemma largest_of_two s i j :
  listed (offers M) s [:: i; j] -> largest M z s (Rmax (z s (action i)) (z s (action j))).
Proof.
move=> H; split.
  rewrite /Rmax; case: Rle_dec => _; [exists (action j)|exists (action i)] => //.
    by apply: listed_in H _; rewrite !inE eqxx orbT.
  by apply: listed_in H _; rewrite !inE eqxx.
move=> a; case: H => _ _ ->; rewrite !inE => /orP[]/eqP->; [exact: Rmax_l|exact: Rmax_r].
Qed.

Theorem shift_by_max_11_traced c :
  listed (offers M) (state 0) [:: 0; 1]%N -> largest M z (state 0) c ->
  shift_by_max_11 (cells z) = [:: cell z 0 0 - c; cell z 0 1 - c].
Proof. by move=> H /(largest_unique (largest_of_two H)) <-. Qed.

Theorem shift_by_soft_value_11_traced :
  listed (offers M) (state 0) [:: 0; 1]%N ->
  shift_by_soft_value_11 (cells z) anchor =
  [:: ln (cell (boltzmann (offers M) z) 0 0); ln (cell (boltzmann (offers M) z) 0 1)].
Proof.
move=> H; rewrite /shift_by_soft_value_11 !(row_log_policy z H (anchor 0)).
by unroll; congr [:: _; _]; ring.
Qed.

Theorem no_shift_11_traced : no_shift_11 (cells z) = [:: cell z 0 0; cell z 0 1].
Proof. by []. Qed.

Theorem student_q_11_traced c :
  listed (offers M) (state 0) [:: 0; 1]%N -> largest M z (state 0) (c (state 0)) ->
  student_q_11 (cells z) q_min =
  [:: cell (student_q c q_min z) 0 0; cell (student_q c q_min z) 0 1].
Proof. by move=> H /(largest_unique (largest_of_two H)); rewrite /student_q => <-. Qed.

(** ** The objective of a text of two tokens, s_0 y_0 s_1 y_1 *)

Definition first_step := (w 0%N, (state 0, action 1, Some (state 1))).
Definition last_step (weight : R) slot : R * (S * A * option S) :=
  (weight, (state 1, action slot, None)).

Hypotheses (H0 : listed B (state 0) [:: 0; 1]%N) (H1 : listed B (state 1) [:: 0]%N).

Lemma in_00 : action 0 \in B (state 0). Proof. exact: listed_in H0 _. Qed.
Lemma in_01 : action 1 \in B (state 0). Proof. exact: listed_in H0 _. Qed.
Lemma in_10 : action 0 \in B (state 1). Proof. exact: listed_in H1 _. Qed.

Ltac objective :=
  rewrite /text_objective !big_cons big_nil /= /masked ?in_01 ?in_10 /next_value
    (row_soft_value H0 _ (anchor 0)) (row_soft_value H1 _ (anchor 1)) /identity /chi2 /Rdiv;
  unroll; congr [:: _]; ring.

Theorem J_identity_11_10_traced Q :
  J_identity_11_10 (cells Q) w anchor g =
  [:: text_objective M identity q_min B Q [:: first_step; last_step (w 1) 0]].
Proof. by rewrite /J_identity_11_10; objective. Qed.

Theorem J_chi2_11_10_traced Q :
  J_chi2_11_10 (cells Q) w anchor g (4 * alpha) =
  [:: text_objective M (chi2 alpha) q_min B Q [:: first_step; last_step (w 1) 0]].
Proof. by rewrite /J_chi2_11_10; objective. Qed.

(** A token outside its set counts as the floor, *)

Theorem J_outside_11_10_traced Q :
  action 1 \notin B (state 1) ->
  J_outside_11_10 (cells Q) w anchor g (4 * alpha) q_min =
  [:: text_objective M (chi2 alpha) q_min B Q [:: first_step; last_step (w 1) 1]].
Proof.
move=> /negbTE out; rewrite /J_outside_11_10 /text_objective !big_cons big_nil /= /masked in_01 out.
rewrite /next_value (row_soft_value H0 _ (anchor 0)) (row_soft_value H1 _ (anchor 1)) /chi2 /Rdiv.
by unroll; congr [:: _]; ring.
Qed.

(** and the last step of a text that was cut off does not count. *)

Theorem J_cut_off_11_10_traced Q :
  J_cut_off_11_10 (cells Q) w anchor g (4 * alpha) =
  [:: text_objective M (chi2 alpha) q_min B Q [:: first_step]].
Proof.
rewrite /J_cut_off_11_10 /text_objective !big_cons big_nil /= /masked in_01 /next_value.
rewrite (row_soft_value H0 _ (anchor 0)) (row_soft_value H1 _ (anchor 1)) /chi2 /Rdiv.
by unroll; rewrite ?Rmult_0_l ?Rplus_0_r; congr [:: _]; ring.
Qed.

(** From the logits to the objective in one go. *)

Theorem J_of_logits_11_10_traced c :
  listed (offers M) (state 0) [:: 0; 1]%N -> listed (offers M) (state 1) [:: 0; 1]%N ->
  (forall s, largest M z s (c s)) ->
  J_of_logits_11_10 (cells z) w anchor g (4 * alpha) q_min =
  [:: text_objective M (chi2 alpha) q_min B (student_q c q_min z)
        [:: first_step; last_step (w 1) 0]].
Proof.
move=> O0 O1 c_max; rewrite -J_chi2_11_10_traced.
have E0 := largest_unique (largest_of_two O0) (c_max (state 0)).
have E1 := largest_unique (largest_of_two O1) (c_max (state 1)).
by rewrite /J_of_logits_11_10 /J_chi2_11_10 /tracing.cells /student_q E0 E1.
Qed.

End TracedText.
