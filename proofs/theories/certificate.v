(** * Proposition 8: certificates

    How far a table is from a fixed point can be read off from one application of the operator.
    Three forms: tables that the operator lowers or raises; the norm of the residual; and, for
    values V, bounds on the residual of one sweep. The last is what certificate files hold. *)

From Bellman Require Export value_bounds fixed_points.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Tables.

Variables (S A : finType) (M : mdp S A).
Implicit Types (Q Q_lo Q_hi pi : S -> A -> R) (B : S -> {set A}).

(** T Q_hi ≤ Q_hi and Q_lo ≤ T Q_lo enclose Q*, and likewise for the other operators. *)

Theorem Q_star_enclosed Q_lo Q_hi :
  below (offers M) Q_lo (T M Q_lo) -> below (offers M) (T M Q_hi) Q_hi ->
  forall s a, a \in offers M s -> Q_lo s a <= Q_star M s a <= Q_hi s a.
Proof. by move=> lo hi s a aB; split; [apply: Q_star_ge | apply: Q_star_le]. Qed.

Theorem Q_p_star_enclosed B Q_lo Q_hi :
  candidates M B -> below B Q_lo (T_p M B Q_lo) -> below B (T_p M B Q_hi) Q_hi ->
  forall s a, a \in B s -> Q_lo s a <= Q_p_star M B s a <= Q_hi s a.
Proof. by move=> B_ok lo hi s a aB; split; [apply: Q_p_star_ge | apply: Q_p_star_le]. Qed.

Theorem Q_projected_enclosed B pi Q_lo Q_hi :
  candidates M B -> projectable B pi ->
  below B Q_lo (B_p M B pi Q_lo) -> below B (B_p M B pi Q_hi) Q_hi ->
  forall s a, a \in B s -> Q_lo s a <= Q_projected M B pi s a <= Q_hi s a.
Proof.
by move=> B_ok pi_ok lo hi s a aB; split; [apply: Q_projected_ge | apply: Q_projected_le].
Qed.

(** ‖Q − Q'‖ ≤ ‖F Q − Q‖/(1−γ) where Q' solves Q' = F Q'. *)

Lemma residual_norm B g F Q Q' :
    0 <= g < 1 -> contraction B g F -> solves B F Q' ->
  supported_norm B (Q \- Q') <= supported_norm B (F Q \- Q) / (1 - g).
Proof.
move=> g_bounds F_contracts fixed.
have le_sum : supported_norm B (Q \- Q') <=
    supported_norm B (F Q \- Q) + supported_norm B (F Q \- F Q').
  apply: supported_norm_le => [|s a aB].
    by apply: Rplus_le_le_0_compat; apply: supported_norm_ge0.
  have := supported_norm_ge (F Q \- Q) aB; have := supported_norm_ge (F Q \- F Q') aB.
  rewrite /table_sub fixed // => le_next le_residual.
  have -> : Q s a - Q' s a = - (F Q s a - Q s a) + (F Q s a - Q' s a) by ring.
  by apply: Rle_trans (Rabs_triang _ _) _; rewrite Rabs_Ropp; lra.
have := F_contracts Q Q'; set n := supported_norm B (Q \- Q') in le_sum *.
move=> contracted; apply: (Rmult_le_reg_r (1 - g)); first lra.
have -> : supported_norm B (F Q \- Q) / (1 - g) * (1 - g) = supported_norm B (F Q \- Q).
  by field; lra.
lra.
Qed.

Theorem Q_star_residual Q :
  supported_norm (offers M) (Q \- Q_star M) <=
  supported_norm (offers M) (T M Q \- Q) / (1 - gamma M).
Proof.
apply: residual_norm => [||s a _]; [exact: discount_bounds | exact: T_contraction |].
exact: Q_star_eq.
Qed.

Theorem Q_p_star_residual B Q :
  candidates M B ->
  supported_norm B (Q \- Q_p_star M B) <= supported_norm B (T_p M B Q \- Q) / (1 - gamma M).
Proof.
move=> B_ok; apply: residual_norm => [||s a _];
  [exact: discount_bounds | exact: T_p_contraction |].
exact: Q_p_star_eq.
Qed.

Theorem Q_projected_residual B pi Q :
  candidates M B -> projectable B pi ->
  supported_norm B (Q \- Q_projected M B pi) <=
  supported_norm B (B_p M B pi Q \- Q) / (1 - gamma M).
Proof.
move=> B_ok pi_ok; apply: residual_norm => [||s a _];
  [exact: discount_bounds | exact: B_p_contraction |].
exact: Q_projected_eq.
Qed.

End Tables.

(** ** One sweep over values

    The operators for values: the value that follows from the backup of values. *)

Section Values.

Variables (S A : finType) (M : mdp S A).
Implicit Types (V W : S -> R) (pi : S -> A -> R) (B : S -> {set A}) (s : S).

(** (T V)(s) = log Σ_a exp (r + γ E V), over all actions or over candidate sets, *)

Definition soft_sweep B V s := soft_value B (backup M V) s.

(** and (B_p^π V)(s) = Σ_a w(a|s) (r + γ E V − log w(a|s)), w = proj_p π. *)

Definition policy_sweep B pi V s := policy_value B (projection B pi) (backup M V) s.

(** Values of the fixed points. *)

Definition V_p_star B : S -> R := soft_value B (Q_p_star M B).
Definition V_projected B pi : S -> R :=
  policy_value B (projection B pi) (Q_projected M B pi).

Lemma V_star_fixed s : soft_sweep (offers M) (V_star M) s = V_star M s.
Proof. by apply: lse_ext => a _; rewrite -Q_star_V. Qed.

Lemma V_p_star_fixed B s : candidates M B -> soft_sweep B (V_p_star B) s = V_p_star B s.
Proof. by move=> B_ok; apply: lse_ext => a _; apply: Q_p_star_eq. Qed.

Lemma V_projected_fixed B pi s :
  candidates M B -> projectable B pi -> policy_sweep B pi (V_projected B pi) s = V_projected B pi s.
Proof.
move=> B_ok pi_ok; apply: eq_bigr => a _.
by congr (_ * (_ - _)); apply: Q_projected_eq.
Qed.

(** Each sweep passes on at most γ times what is added to the values. *)

Lemma backup_discounts V W c :
  0 <= c -> (forall s, s \in enum S -> V s <= W s + c) ->
  forall s a, backup M V s a <= backup M W s a + gamma M * c.
Proof.
move=> c0 le_VW s a; apply: Rle_trans (@backup_shift _ _ M W s a c c0).
by apply: backup_le => s'; apply: le_VW; rewrite mem_enum.
Qed.

Lemma soft_sweep_discounts B V W c :
    candidates M B -> 0 <= c -> (forall s, s \in enum S -> V s <= W s + c) ->
  forall s, s \in enum S -> soft_sweep B V s <= soft_sweep B W s + gamma M * c.
Proof.
move=> B_ok c0 le_VW s _; have B0 := candidates_some s B_ok.
rewrite /soft_sweep -soft_value_shift //; apply: soft_value_le => // a _.
exact: backup_discounts.
Qed.

Lemma policy_sweep_discounts B pi V W c :
    projectable B pi -> 0 <= c -> (forall s, s \in enum S -> V s <= W s + c) ->
  forall s, s \in enum S -> policy_sweep B pi V s <= policy_sweep B pi W s + gamma M * c.
Proof.
move=> pi_ok c0 le_VW s _; have w_ok := projection_policy pi_ok.
rewrite /policy_sweep -policy_value_shift //; apply: policy_value_le => // a _.
exact: backup_discounts.
Qed.

(** c_lo ≤ F V − V ≤ c_hi in one sweep, hence
    fixed point ∈ V + [min(c_lo, 0), max(c_hi, 0)]/(1−γ). *)

Theorem V_star_certified V lo hi :
    (forall s, lo <= soft_sweep (offers M) V s - V s <= hi) ->
  forall s, V s + Rmin lo 0 / (1 - gamma M) <= V_star M s <= V s + Rmax hi 0 / (1 - gamma M).
Proof.
move=> residual s; apply: (@residual_encloses _ (enum S) _ (soft_sweep (offers M))).
- exact: discount_bounds.
- by move=> *; apply: soft_sweep_discounts => //; apply: candidates_offers.
- by move=> s' _; apply: V_star_fixed.
- by move=> s' _.
- by rewrite mem_enum.
Qed.

Theorem V_p_star_certified B V lo hi :
    candidates M B -> (forall s, lo <= soft_sweep B V s - V s <= hi) ->
  forall s, V s + Rmin lo 0 / (1 - gamma M) <= V_p_star B s <= V s + Rmax hi 0 / (1 - gamma M).
Proof.
move=> B_ok residual s; apply: (@residual_encloses _ (enum S) _ (soft_sweep B)).
- exact: discount_bounds.
- by move=> *; apply: soft_sweep_discounts.
- by move=> s' _; apply: V_p_star_fixed.
- by move=> s' _.
- by rewrite mem_enum.
Qed.

Theorem V_projected_certified B pi V lo hi :
    candidates M B -> projectable B pi -> (forall s, lo <= policy_sweep B pi V s - V s <= hi) ->
  forall s,
    V s + Rmin lo 0 / (1 - gamma M) <= V_projected B pi s <= V s + Rmax hi 0 / (1 - gamma M).
Proof.
move=> B_ok pi_ok residual s; apply: (@residual_encloses _ (enum S) _ (policy_sweep B pi)).
- exact: discount_bounds.
- by move=> *; apply: policy_sweep_discounts.
- by move=> s' _; apply: V_projected_fixed.
- by move=> s' _.
- by rewrite mem_enum.
Qed.

End Values.
