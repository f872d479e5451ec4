(** * Models that end

    Where every rollout has come to its end after at most H transitions, the gap is a finite sum
    of leaks, and its bound has no factor 1 / (1 − γ):
      D ≤ −log p Σ_{t=1}^{H−1} γ^t. *)

From Bellman Require Export leak.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** −log p Σ_{t=1}^{H−1} γ^t. *)

Definition horizon_bound S A (M : mdp S A) p H := - ln p * \sum_(1 <= t < H) gamma M ^ t.

Section Horizon.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Implicit Types (s : S) (a : A) (p : R) (n H : nat).

Local Notation ell := (leak B (teacher M)).
Local Notation pi_p := (projected_teacher M B).

(** A state is absorbing if it offers one action, which leads nowhere else: back to the state,
    or to the end. The reward does not matter. *)

Definition absorbing s :=
  exists2 a, offers M s = [set a] & forall s', s' != s -> step M s a s' = 0.

Lemma absorbing_sets s a : offers M s = [set a] -> B s = [set a].
Proof.
move=> one; have [B0] := B_ok s; rewrite one subset1 => /orP[/eqP//|].
by rewrite (negPf B0).
Qed.

(** Nothing leaks there, now or later. *)

Lemma absorbing_leak s : absorbing s -> ell s = 0.
Proof.
case=> a one _; rewrite /leak /mass (absorbing_sets one) big_set1.
by have [_] := teacher_policy M s; rewrite one big_set1 => ->; rewrite ln_1; ring.
Qed.

Lemma absorbing_gap s : absorbing s -> policy_mean B pi_p (gap M B) s = 0.
Proof.
move=> abs; have [a one stays] := abs; have B1 := absorbing_sets one.
have mean : policy_mean B pi_p (gap M B) s = gap M B s a.
  have [_] := projection_policy (teacher_projectable B_ok) s; rewrite /policy_mean B1 !big_set1.
  by rewrite /projected_teacher => ->; ring.
have := leak_identity B_ok s a; rewrite /expected (bigD1 s) //= big1 => [|s' neq]; last first.
  by rewrite stays //; ring.
rewrite absorbing_leak // mean; set q := step M s a s.
have q_le1 : q <= 1.
  apply: Rle_trans (step_total M s a).
  by apply: (@sum_ge_term S xpredT (step M s a) s) => // s' _; apply: step_ge0.
have := step_ge0 M s a s; have := discount_bounds M; rewrite -/q => g_bounds q_ge0 eq_gap.
have : (1 - gamma M * q) * gap M B s a = 0 by lra.
by case/Rmult_integral => //; nra.
Qed.

(** If the rollouts of the projected teacher from (s,a) are in an absorbing state, or have
    ended, after H transitions, then D(s,a) is a finite sum of leaks, *)

Theorem absorbed_gap H s a :
  (0 < H)%N ->
  (forall s', 0 < visit M B pi_p H s a s' -> absorbing s') ->
  gap M B s a =
  \sum_(1 <= t < H) gamma M ^ t * expected_at M B pi_p t ell s a.
Proof.
move=> H_gt0 end_H; rewrite (leak_expansion B_ok s a H_gt0) /discounted_leak /tail.
have on := projection_policy (teacher_projectable B_ok).
have at_end v : (forall s', absorbing s' -> v s' = 0) ->
    expected_at M B pi_p H v s a = 0.
  move=> v0; rewrite (expected_at_reached on (w := fun=> 0)) => [|s' /end_H/v0] //.
  by rewrite /expected_at big1 // => s' _; ring.
rewrite big_nat_recr //= !at_end; [ring|exact: absorbing_gap|exact: absorbing_leak].
Qed.

(** and at most −log p Σ_{t=1}^{H−1} γ^t, and so is the gap of Q̄_p*. *)

Theorem absorbed_bound p H s a :
  0 < p <= 1 -> carries p B (teacher M) -> (0 < H)%N ->
  (forall s', 0 < visit M B pi_p H s a s' -> absorbing s') ->
  0 <= gap M B s a <= horizon_bound M p H.
Proof.
move=> p_bounds B_mass H_gt0 end_H; split.
  by case: (gap_bounds B_ok p_bounds B_mass s a).
rewrite (absorbed_gap H_gt0 end_H) /horizon_bound -sum_scale; apply: sum_le => t _.
have on := projection_policy (teacher_projectable B_ok).
have l_ge0 : 0 <= - ln p by case: p_bounds => p_gt0 /(ln_le _ _ p_gt0); rewrite ln_1; lra.
rewrite Rmult_comm; apply: Rmult_le_compat_r; first by apply: pow_le; apply: gamma_ge0.
apply: Rle_trans (expected_at_const_le M on t s a l_ge0).
by apply: expected_at_le => // s'; apply: leak_le_log.
Qed.

Corollary absorbed_p_star_bound p H s a :
  0 < p <= 1 -> carries p B (teacher M) -> (0 < H)%N ->
  (forall s', 0 < visit M B pi_p H s a s' -> absorbing s') ->
  0 <= Q_star M s a - Q_p_star M B s a <= horizon_bound M p H.
Proof.
move=> p_bounds B_mass H_gt0 end_H.
have := absorbed_bound p_bounds B_mass H_gt0 end_H; have := p_star_gap_le B_ok s a; lra.
Qed.

End Horizon.
