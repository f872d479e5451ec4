(** * The leak identity

    The gap of the projected teacher, D = Q* − Q̄^{proj_p π*}, is known exactly: it is the
    discounted sum of the leaks ℓ(s_t) = −log m(s_t) that the projected teacher meets,
      D(s,a) = E[ Σ_{t ≥ 1} γ^t ℓ(s_t) ]. *)

From Bellman Require Export rollout bounds.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Leak.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Implicit Types (s : S) (a : A) (f : S -> A -> R) (t n : nat).

Let B0 s : B s != set0 := candidates_some s B_ok.
Let pi_ok : projectable B (teacher M) := teacher_projectable B_ok.

(** The projected teacher proj_p π*, and its gap D. *)

Definition projected_teacher := projection B (teacher M).

Definition gap s a := Q_star M s a - Q_projected M B (teacher M) s a.

(** The gap of Q̄_p* lies between 0 and D at every pair: what bounds D bounds both. *)

Theorem p_star_gap_le s a : 0 <= Q_star M s a - Q_p_star M B s a <= gap s a.
Proof.
have le_star : Q_p_star M B s a <= Q_star M s a.
  rewrite -Q_p_star_eq //; apply: Rle_trans (T_p_Q_star_le B_ok s a).
  by apply: T_p_monotone => //; apply: Q_p_star_le_Q_star.
have ge_proj : Q_projected M B (teacher M) s a <= Q_p_star M B s a.
  rewrite -Q_projected_eq // -Q_p_star_eq //; apply: Rle_trans (B_p_le_T_p B_ok pi_ok _ s a).
  by apply: B_p_monotone => //; apply: Q_projected_le_Q_p_star.
by rewrite /gap; lra.
Qed.

(** In formulas, ℓ(s) and the mean over the actions of the projected teacher. *)

Local Notation ell := (leak B (teacher M)).
Local Notation mean := (policy_mean B projected_teacher).
Local Notation expected_after := (expected_at M B projected_teacher).

Let projected_on : policy_on B projected_teacher := projection_policy pi_ok.

Lemma teacher_leak_ge0 s : 0 <= ell s.
Proof.
apply: leak_ge0 => //; first by move=> ?; apply: teacher_policy.
by case: (pi_ok s).
Qed.

(** V* falls short of the value of any table f under the projected teacher by the leak, and by
    the mean difference. *)

Lemma leak_step f s :
  V_star M s - policy_value B projected_teacher f s =
  ell s + mean (Q_star M \- f) s.
Proof.
rewrite /policy_mean -policy_value_sub.
by rewrite policy_value_projection // soft_value_leak //; ring.
Qed.

(** D(s,a) = γ E_{s'} [ ℓ(s') + Σ_{a'} proj_p π*(a'|s') D(s',a') ], at every pair. *)

Theorem leak_identity s a :
  gap s a =
  gamma M * expected M (fun s' => ell s' + mean gap s') s a.
Proof.
rewrite /gap Q_star_V -Q_projected_eq // backup_sub; congr (_ * _).
by apply: expected_ext => s'; apply: leak_step.
Qed.

(** D is the only solution of that equation. *)

Theorem leak_unique f :
  (forall s a, a \in B s ->
     f s a = gamma M * expected M (fun s' => ell s' + mean f s') s a) ->
  forall s a, a \in B s -> f s a = gap s a.
Proof.
move=> f_eq s a aB; pose Q := Q_star M \- f.
suff fixQ : solves B (B_p M B (teacher M)) Q.
  by rewrite /gap -(Q_projected_unique pi_ok fixQ aB) /Q /table_sub; ring.
move=> s' a' a'B.
have -> : Q s' a' = backup M (V_star M) s' a' - f s' a' by rewrite -Q_star_V.
rewrite (f_eq s' a' a'B).
have := backup_sub M (V_star M) (policy_value B projected_teacher Q) s' a'.
rewrite (@expected_ext _ _ M _ (fun x => ell x + mean f x)).
  by rewrite /B_p -/projected_teacher; lra.
move=> x; rewrite leak_step; congr (_ + _); apply: eq_bigr => b _.
by rewrite /Q /table_sub; ring.
Qed.

(** ** The gap along a rollout of the projected teacher *)

(** Σ_{t=1}^{n} γ^t E ℓ(s_t). *)

Definition discounted_leak n s a :=
  \sum_(1 <= t < n.+1) gamma M ^ t * expected_after t ell s a.

(** What is left after n steps: γ^n E D(s_n, a_n). *)

Definition tail n s a := gamma M ^ n * expected_after n (mean gap) s a.

Theorem leak_expansion n s a : (0 < n)%N -> gap s a = discounted_leak n s a + tail n s a.
Proof.
elim: n => // -[|n] IH _.
  rewrite /discounted_leak /tail big_nat1 !expected_at1 leak_identity expected_add; ring.
rewrite (IH isT) /discounted_leak [in RHS]big_nat_recr //= Rplus_assoc; congr (_ + _).
rewrite /tail [X in _ * X = _](@expected_at_ext _ _ _ _ _ _ _
  (fun x => gamma M * mean (expected M (fun s' => ell s' + mean gap s')) x)).
  rewrite expected_at_scale -expected_atS // expected_at_add /=; ring.
move=> x; rewrite /policy_mean -sum_scale; apply: eq_bigr => b _.
by have -> := leak_identity x b; rewrite /policy_mean; ring.
Qed.

Section Mass.

Variable p : R.
Hypotheses (p_bounds : 0 < p <= 1) (B_mass : carries p B (teacher M)).

(** The gap lies between 0 and κ(p) at every pair, in the support or not: only the states that
    come after matter. *)

Lemma mean_gap_bounds s : 0 <= mean gap s <= kappa M p.
Proof.
have [proj_ge0 total1] := projected_on s; split.
  apply: sum_ge0 => a aB; apply: Rmult_le_pos (proj_ge0 a aB) _.
  by case: (proposition_2 B_ok p_bounds B_mass aB).
have <- : (\sum_(a in B s) projected_teacher s a) * kappa M p = kappa M p.
  by rewrite total1; ring.
rewrite -sum_scale_r; apply: sum_le => a aB; apply: Rmult_le_compat_l (proj_ge0 a aB) _.
by case: (proposition_2 B_ok p_bounds B_mass aB).
Qed.

Theorem gap_bounds s a : 0 <= gap s a <= kappa M p.
Proof.
rewrite leak_identity; have g_ge0 := gamma_ge0 M; split.
  apply: Rmult_le_pos => //; apply: expected_ge0 => s'.
  by have := teacher_leak_ge0 s'; have := mean_gap_bounds s'; lra.
rewrite kappa_step; apply: Rmult_le_compat_l => //.
have k_ge0 := kappa_ge0 M p_bounds.
have l_ge0 : 0 <= - ln p by case: p_bounds => p_gt0 /(ln_le _ _ p_gt0); rewrite ln_1; lra.
apply: Rle_trans (@expected_const_le _ _ M (- ln p + kappa M p) s a _); last by lra.
apply: expected_le => s'.
by have := leak_le_log p_bounds B_mass s'; have := mean_gap_bounds s'; lra.
Qed.

(** The finite-horizon bound: n steps of a rollout miss at most γ^n κ(p). *)

Theorem tail_bounds n s a : 0 <= tail n s a <= gamma M ^ n * kappa M p.
Proof.
have g_ge0 : 0 <= gamma M ^ n by apply: pow_le; apply: gamma_ge0.
split.
  by apply: Rmult_le_pos => //; apply: expected_at_ge0 => // s'; case: (mean_gap_bounds s').
apply: Rmult_le_compat_l => //.
apply: Rle_trans (expected_at_const_le M projected_on n s a (kappa_ge0 M p_bounds)).
by apply: expected_at_le => // s'; case: (mean_gap_bounds s').
Qed.

Corollary finite_horizon_bound n s a :
  (0 < n)%N -> discounted_leak n s a <= gap s a <= discounted_leak n s a + gamma M ^ n * kappa M p.
Proof. by move=> n_gt0; rewrite (leak_expansion s a n_gt0); have := tail_bounds n s a; lra. Qed.

(** D(s,a) = Σ_{t ≥ 1} γ^t E ℓ(s_t). *)

Theorem leak_series s a : Un_cv (fun n => discounted_leak n s a) (gap s a).
Proof.
move=> eps eps_gt0.
have [N small] := pow_small (discount_bounds M) (kappa_ge0 M p_bounds) eps_gt0.
exists N.+1 => n /leP lt_Nn; rewrite /R_dist Rabs_minus_sym Rabs_pos_eq; last first.
  by have := @finite_horizon_bound n s a (leq_ltn_trans (leq0n N) lt_Nn); lra.
have := @finite_horizon_bound n s a (leq_ltn_trans (leq0n N) lt_Nn).
have : gamma M ^ n <= gamma M ^ N.
  rewrite -(subnKC (ltnW lt_Nn)) pow_add.
  have := pow_le _ N (gamma_ge0 M); have := pow_incr (gamma M) 1 (n - N)%N.
  by rewrite pow1; have := discount_bounds M; nra.
by have := kappa_ge0 M p_bounds; nra.
Qed.

End Mass.

End Leak.
