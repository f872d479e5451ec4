(** * Proposition 1: monotone contractions

    T, T_p and B_p^π are monotone, and γ-contractions in the supported sup-norm. Both follow
    from two facts (Blackwell): a larger table gives a larger result, and adding c ≥ 0 to the
    table adds at most γ c. From the same two facts follows the comparison principle, by which
    every later bound is proved: a table that T raises lies below one that T lowers. *)

From Bellman Require Export operators.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Blackwell.

Variables (S A : finType) (B : S -> {set A}) (g : R).
Hypothesis g_bounds : 0 <= g < 1.
Implicit Types (Q : S -> A -> R) (F : (S -> A -> R) -> S -> A -> R).

(** Q ≤ Q' on the support. *)

Definition below Q Q' := forall s a, a \in B s -> Q s a <= Q' s a.

Definition monotone F := forall Q Q', below Q Q' -> forall s a, F Q s a <= F Q' s a.

Definition discounting F :=
  forall Q c, 0 <= c -> forall s a, F (fun s a => Q s a + c) s a <= F Q s a + g * c.

Definition contraction F :=
  forall Q Q', supported_norm B (F Q \- F Q') <= g * supported_norm B (Q \- Q').

Variable F : (S -> A -> R) -> S -> A -> R.
Hypotheses (F_mono : monotone F) (F_disc : discounting F).

(** What F writes depends on Q only through its values on the support. *)

Lemma monotone_ext Q Q' :
  (forall s a, a \in B s -> Q s a = Q' s a) -> forall s a, F Q s a = F Q' s a.
Proof.
move=> eqQ s a; apply: Rle_antisym; apply: F_mono => s' a' aB; rewrite eqQ //; exact: Rle_refl.
Qed.

Lemma blackwell_le Q Q' s a : F Q s a <= F Q' s a + g * supported_norm B (Q \- Q').
Proof.
apply: Rle_trans (F_disc Q' (supported_norm_ge0 _ _) s a).
by apply: F_mono => s' a' aB; apply: supported_norm_sub_le.
Qed.

(** The contraction holds at every pair, inside the sets or not. *)

Lemma blackwell_everywhere Q Q' s a :
  Rabs (F Q s a - F Q' s a) <= g * supported_norm B (Q \- Q').
Proof.
have le1 := blackwell_le Q Q' s a; have := blackwell_le Q' Q s a.
by rewrite supported_norm_sym => le2; apply: Rabs_le; lra.
Qed.

Lemma blackwell_contraction : contraction F.
Proof.
move=> Q Q'; apply: supported_norm_le => [|s a _]; last exact: blackwell_everywhere.
by apply: Rmult_le_pos; [lra|apply: supported_norm_ge0].
Qed.

(** The comparison principle: if F Q ≤ Q and Q' ≤ F Q' on the support, then Q' ≤ Q there.
    Let c be the largest excess of Q' over Q, 0 if there is none. Then
    Q' ≤ F Q' ≤ F (Q + c) ≤ F Q + γ c ≤ Q + γ c, so c ≤ γ c. *)

Lemma comparison Q Q' : below (F Q) Q -> below Q' (F Q') -> below Q' Q.
Proof.
move=> super sub.
pose f s a := Rmax 0 (Q' s a - Q s a); pose c := supported_norm B f.
have c_ge0 : 0 <= c := supported_norm_ge0 B f.
have excess s a : a \in B s -> Q' s a <= Q s a + c.
  move=> aB; have := Rle_abs (f s a); have := supported_norm_ge f aB.
  by rewrite -/c /f; have := Rmax_r 0 (Q' s a - Q s a); lra.
have step s a : a \in B s -> Q' s a <= Q s a + g * c.
  move=> aB; have := sub s a aB; have := super s a aB.
  have := F_disc Q c_ge0 s a; have := F_mono (excess : below Q' (fun s a => Q s a + c)) s a.
  lra.
have gc_ge0 : 0 <= g * c by apply: Rmult_le_pos; lra.
have c_le : c <= g * c.
  apply: supported_norm_le => // s a aB; rewrite /f; have := step s a aB.
  by move=> ?; apply: Rabs_le; split; [have := Rmax_l 0 (Q' s a - Q s a); lra|apply: Rmax_lub; lra].
have c0 : c <= 0.
  by have := Rmult_le_compat_l (1 - g) 0 c; nra.
by move=> s a aB; have := excess s a aB; lra.
Qed.

(** Hence a fixed point on the support is the only one. *)

Lemma solution_unique Q Q' :
  (forall s a, a \in B s -> F Q s a = Q s a) -> (forall s a, a \in B s -> F Q' s a = Q' s a) ->
  forall s a, a \in B s -> Q s a = Q' s a.
Proof.
move=> fixQ fixQ' s a aB.
by apply: Rle_antisym; apply: comparison aB => ? ? ?; rewrite ?fixQ ?fixQ' //; apply: Rle_refl.
Qed.

End Blackwell.

Section Proposition1.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.

Let B0 s : B s != set0 := candidates_some s B_ok.

Lemma discount_bounds : 0 <= gamma M < 1.
Proof. by split; [apply: gamma_ge0|apply: gamma_lt1]. Qed.

Lemma T_p_monotone : monotone B (T_p M B).
Proof.
by move=> Q Q' le_Q s a; apply: backup_le => s'; apply: soft_value_le => // a'; apply: le_Q.
Qed.

Lemma T_p_discounting : discounting (gamma M) (T_p M B).
Proof.
move=> Q c c_ge0 s a; rewrite /T_p (@backup_ext _ _ _ _ (fun s' => soft_value B Q s' + c)).
  exact: backup_shift.
by move=> s'; apply: soft_value_shift.
Qed.

Theorem T_p_contraction : contraction B (gamma M) (T_p M B).
Proof. exact: (blackwell_contraction discount_bounds (@T_p_monotone) (@T_p_discounting)). Qed.

Variable pi : S -> A -> R.
Hypothesis pi_ok : projectable B pi.

Let proj_ok : policy_on B (projection B pi) := projection_policy pi_ok.

Lemma B_p_monotone : monotone B (B_p M B pi).
Proof.
by move=> Q Q' le_Q s a; apply: backup_le => s'; apply: policy_value_le => // a'; apply: le_Q.
Qed.

Lemma B_p_discounting : discounting (gamma M) (B_p M B pi).
Proof.
move=> Q c c_ge0 s a.
rewrite /B_p (@backup_ext _ _ _ _ (fun s' => policy_value B (projection B pi) Q s' + c)).
  exact: backup_shift.
by move=> s'; apply: policy_value_shift.
Qed.

Theorem B_p_contraction : contraction B (gamma M) (B_p M B pi).
Proof. exact: (blackwell_contraction discount_bounds (@B_p_monotone) (@B_p_discounting)). Qed.

(** B_p^π Q ≤ T_p Q, with equality for the Boltzmann policy of Q, *)

Lemma B_p_le_T_p Q s a : B_p M B pi Q s a <= T_p M B Q s a.
Proof. by apply: backup_le => s'; apply: policy_value_le_soft_value. Qed.

Lemma B_p_boltzmann C Q s a : B_p M B (boltzmann C Q) Q s a = T_p M B Q s a.
Proof. by apply: backup_ext => s'; apply: policy_value_projection. Qed.

(** and T_p Q ≤ T Q. *)

Lemma T_p_le_T Q s a : T_p M B Q s a <= T M Q s a.
Proof. by apply: backup_le => s'; apply: soft_value_subset => //; case: (B_ok s'). Qed.

End Proposition1.

(** T is T_p with the sets of all offered actions. *)

Theorem T_contraction S A (M : mdp S A) : contraction (offers M) (gamma M) (T M).
Proof. exact: T_p_contraction (candidates_offers M). Qed.

Lemma T_monotone S A (M : mdp S A) : monotone (offers M) (T M).
Proof. exact: T_p_monotone (candidates_offers M). Qed.

Lemma T_discounting S A (M : mdp S A) : discounting (gamma M) (T M).
Proof. exact: T_p_discounting (candidates_offers M). Qed.

(** Larger sets, larger operator. *)

Lemma T_p_subset S A (M : mdp S A) (B C : S -> {set A}) Q s a :
  candidates M B -> (forall s, B s \subset C s) -> T_p M B Q s a <= T_p M C Q s a.
Proof. by move=> B_ok sBC; apply: backup_le => s'; apply: soft_value_subset; case: (B_ok s'). Qed.
