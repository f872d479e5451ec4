(** * Propositions 2 to 4: what top-p costs

    If the candidate sets carry the mass p under the teacher π* in every state, then on their
    support
      0 ≤ Q* − Q̄^{proj_p π*} ≤ κ(p),   Q̄^{proj_p π*} ≤ Q̄_p* ≤ Q*,   ‖Q* − Q̄_p*‖ ≤ κ(p).
    The paper takes sets of mass exactly p. Any sets with at least that mass will do: top-p,
    top-k, min-p, whatever their order and ties. *)

From Bellman Require Export fixed_points nucleus.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Bounds.

Variables (S A : finType) (M : mdp S A) (p : R) (B : S -> {set A}).
Hypotheses (B_ok : candidates M B) (p_bounds : 0 < p <= 1) (B_mass : carries p B (teacher M)).
Implicit Types (s : S) (a : A).

Let B0 s : B s != set0 := candidates_some s B_ok.
Let pi_ok : projectable B (teacher M) := teacher_projectable B_ok.

(** The soft value of Q* over a set is V* minus the leak, and the leak is at most −log p. *)

Lemma soft_value_leak s : soft_value B (Q_star M) s = V_star M s - leak B (teacher M) s.
Proof. by rewrite leak_boltzmann // /V_star; ring. Qed.

Lemma leak_le_log s : leak B (teacher M) s <= - ln p.
Proof. by apply: leak_le => //; case: p_bounds. Qed.

(** T_p Q* ≤ Q*: dropping actions loses value, *)

Lemma T_p_Q_star_le s a : T_p M B (Q_star M) s a <= Q_star M s a.
Proof. by rewrite -[X in _ <= X]Q_star_eq; apply: T_p_le_T. Qed.

(** but one step loses at most γ (−log p), and Q* − κ(p) is raised by T_p. *)

Lemma T_p_Q_star_ge s a : Q_star M s a <= T_p M B (Q_star M) s a + gamma M * - ln p.
Proof.
rewrite {1}Q_star_V; apply: Rle_trans (@backup_shift _ _ M (soft_value B (Q_star M)) s a _ _).
  by apply: backup_le => s'; rewrite soft_value_leak; have := leak_le_log s'; lra.
by case: p_bounds => p_gt0 p_le1; have := ln_le _ _ p_gt0 p_le1; rewrite ln_1; lra.
Qed.

(** Proposition 2. The projected teacher is worth at most Q*, and at most κ(p) less. *)

Lemma Q_projected_le_Q_star : below B (Q_projected M B (teacher M)) (Q_star M).
Proof.
apply: Q_projected_le => //.
by move=> s a _; rewrite B_p_boltzmann //; apply: T_p_Q_star_le.
Qed.

Lemma Q_star_le_Q_projected :
  below B (Q_star M) (fun s a => Q_projected M B (teacher M) s a + kappa M p).
Proof.
pose low s a := Q_star M s a + - kappa M p.
suff low_le : below B low (Q_projected M B (teacher M)).
  by move=> s a aB; have := low_le s a aB; rewrite /low; lra.
apply: Q_projected_ge => //.
move=> s a _; have := @B_p_discounting _ _ M _ _ pi_ok low _ (kappa_ge0 M p_bounds) s a.
have -> : B_p M B (teacher M) (fun s a => low s a + kappa M p) s a = T_p M B (Q_star M) s a.
  rewrite -(B_p_boltzmann B_ok (offers M)); apply: (monotone_ext (@B_p_monotone _ _ M _ _ pi_ok)).
  by move=> s' a' _; rewrite /low; ring.
by have := T_p_Q_star_ge s a; have := kappa_step M p; rewrite {2}/low; lra.
Qed.

Theorem proposition_2 s a :
  a \in B s -> 0 <= Q_star M s a - Q_projected M B (teacher M) s a <= kappa M p.
Proof.
by move=> aB; have := Q_projected_le_Q_star aB; have := Q_star_le_Q_projected aB; lra.
Qed.

(** Proposition 3. Q̄^{proj_p π*} ≤ Q̄_p* ≤ Q*, for the teacher and indeed for any policy. *)

Lemma Q_projected_le_Q_p_star pi :
  projectable B pi -> below B (Q_projected M B pi) (Q_p_star M B).
Proof.
move=> ok; apply: Q_projected_le => //.
by move=> s a _; rewrite -[X in _ <= X]Q_p_star_eq //; apply: B_p_le_T_p.
Qed.

Lemma Q_p_star_le_Q_star : below B (Q_p_star M B) (Q_star M).
Proof.
apply: Q_p_star_le => //.
by move=> s a _; apply: T_p_Q_star_le.
Qed.

Theorem proposition_3 s a :
  a \in B s -> Q_projected M B (teacher M) s a <= Q_p_star M B s a <= Q_star M s a.
Proof.
by move=> aB; split; [apply: Q_projected_le_Q_p_star|apply: Q_p_star_le_Q_star].
Qed.

(** Proposition 4, the main theorem. *)

Theorem main_theorem : supported_norm B (Q_star M \- Q_p_star M B) <= kappa M p.
Proof.
apply: supported_norm_le => [|s a aB]; first exact: kappa_ge0.
have := proposition_2 aB; have := proposition_3 aB; rewrite /table_sub => bounds gap.
by rewrite Rabs_pos_eq; lra.
Qed.

(** ** Values

    For V in place of Q the constant has no leading γ, for the choice in the state itself leaks
    too: −log p + κ(p) = −log p / (1 − γ). *)

Lemma value_constant : - ln p + kappa M p = - ln p / (1 - gamma M).
Proof. by rewrite /kappa; field; have := gamma_lt1 M; lra. Qed.

Theorem value_bound s :
  0 <= V_star M s - soft_value B (Q_p_star M B) s <= - ln p / (1 - gamma M).
Proof.
have le_sets : soft_value B (Q_star M) s <= V_star M s.
  by apply: soft_value_subset => //; case: (B_ok s).
have le_Q : soft_value B (Q_p_star M B) s <= soft_value B (Q_star M) s.
  by apply: soft_value_le => // a aB; apply: Q_p_star_le_Q_star.
have ge_Q : soft_value B (Q_star M) s <= soft_value B (Q_p_star M B) s + kappa M p.
  rewrite -soft_value_shift //; apply: soft_value_le => // a aB.
  by have := proposition_2 aB; have := proposition_3 aB; lra.
rewrite -value_constant; have := soft_value_leak s; have := leak_le_log s; lra.
Qed.

Theorem projected_value_bound s :
  0 <= V_star M s - policy_value B (projection B (teacher M)) (Q_projected M B (teacher M)) s
    <= - ln p / (1 - gamma M).
Proof.
have proj_ok := projection_policy pi_ok; pose V' Q := policy_value B (projection B (teacher M)) Q s.
have at_Q_star : V' (Q_star M) = soft_value B (Q_star M) s by apply: policy_value_projection.
have le_Q : V' (Q_projected M B (teacher M)) <= V' (Q_star M).
  by apply: policy_value_le => // a aB; apply: Q_projected_le_Q_star.
have ge_Q : V' (Q_star M) <= V' (Q_projected M B (teacher M)) + kappa M p.
  rewrite /V' -policy_value_shift //; apply: policy_value_le => // a aB.
  exact: Q_star_le_Q_projected.
have le_sets : soft_value B (Q_star M) s <= V_star M s.
  by apply: soft_value_subset => //; case: (B_ok s).
rewrite -value_constant -/(V' _); have := soft_value_leak s; have := leak_le_log s; lra.
Qed.

End Bounds.

Section Corollaries.

Variables (S A : finType) (M : mdp S A).
Implicit Types (B C : S -> {set A}) (Q : S -> A -> R) (p : R).

(** The main theorem for tables that solve the equations on the support, however found. *)

Corollary main_theorem_solutions p B Q Q_p :
  candidates M B -> 0 < p <= 1 -> carries p B (boltzmann (offers M) Q) ->
  solves (offers M) (T M) Q -> solves B (T_p M B) Q_p ->
  supported_norm B (Q \- Q_p) <= kappa M p.
Proof.
move=> B_ok p_bounds B_mass fixQ fixQ_p.
have eqQ s a : a \in offers M s -> Q s a = Q_star M s a by exact: Q_star_unique.
have eqQ_p s a : a \in B s -> Q_p s a = Q_p_star M B s a by exact: Q_p_star_unique.
have eqV s : soft_value (offers M) Q s = V_star M s by apply: lse_ext => a /eqQ.
have mass_star : carries p B (teacher M).
  move=> s; have := B_mass s; rewrite /mass (@eq_bigr _ _ _ _ _ _ _ (teacher M s)) // => a aB.
  by rewrite /boltzmann eqV eqQ //; apply: candidates_sub aB.
apply: Rle_trans (main_theorem B_ok p_bounds mass_star).
apply: supported_norm_le => [|s a aB]; first exact: supported_norm_ge0.
rewrite /table_sub eqQ ?eqQ_p //; last exact: candidates_sub aB.
exact: (supported_norm_ge (Q_star M \- Q_p_star M B) aB).
Qed.

(** With every offered action nothing is lost. *)

Corollary full_sets s a : Q_p_star M (offers M) s a = Q_star M s a.
Proof. by []. Qed.

(** Larger sets are worth more, so they cost less. *)

Theorem Q_p_star_subset B C :
  candidates M B -> candidates M C -> (forall s, B s \subset C s) ->
  below B (Q_p_star M B) (Q_p_star M C).
Proof.
move=> B_ok C_ok sBC; apply: Q_p_star_le => // s a _.
by rewrite -[X in _ <= X]Q_p_star_eq //; apply: T_p_subset.
Qed.

Corollary gap_subset B C s a :
  candidates M B -> candidates M C -> (forall s, B s \subset C s) -> a \in B s ->
  0 <= Q_star M s a - Q_p_star M C s a <= Q_star M s a - Q_p_star M B s a.
Proof.
move=> B_ok C_ok sBC aB; have := Q_p_star_subset B_ok C_ok sBC aB.
by have := Q_p_star_le_Q_star C_ok (subsetP (sBC s) a aB); lra.
Qed.

End Corollaries.
