(** * A budget on the leak

    The adaptive rule gives each state of a trajectory a share of what is left of a budget ε:
      b_0 = ε,   ℓ(s_t) ≤ b_t,   γ b_{t+1} = b_t − ℓ(s_t).
    Then Σ γ^t ℓ(s_t) ≤ ε along every trajectory, and so the gap is at most ε. *)

From Bellman Require Export smallest_mass.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** ** Along one trajectory *)

Section Trajectory.

Variables (g : R) (b l : nat -> R).
Hypothesis g_ge0 : 0 <= g.
Hypothesis b0_ge0 : 0 <= b 0%N.
Hypothesis within : forall t, l t <= b t.
Hypothesis rest : forall t, g * b t.+1 = b t - l t.
Implicit Types t n : nat.

(** What is not spent is left. *)

Lemma budget_left n : \sum_(0 <= t < n) g ^ t * l t = b 0%N - g ^ n * b n.
Proof.
elim: n => [|n IH]; first by rewrite big_nil /=; ring.
rewrite big_nat_recr //= IH.
have -> : g * g ^ n * b n.+1 = g ^ n * (g * b n.+1) by ring.
by rewrite rest; ring.
Qed.

Lemma budget_left_ge0 n : 0 <= g ^ n * b n.
Proof.
case: n => [|n]; first by rewrite /=; lra.
have -> : g ^ n.+1 * b n.+1 = g ^ n * (g * b n.+1) by rewrite /=; ring.
by rewrite rest; apply: Rmult_le_pos; [apply: pow_le|have := within n; lra].
Qed.

Theorem budget_spent n : \sum_(0 <= t < n) g ^ t * l t <= b 0%N.
Proof. by rewrite budget_left; have := budget_left_ge0 n; lra. Qed.

(** Whoever spends at most the share 1 − γ never has less: the sets need not grow. *)

Lemma budget_share t : 0 < g -> l t <= (1 - g) * b t -> b t <= b t.+1.
Proof.
move=> g_gt0 le_share; apply: (Rmult_le_reg_l g) => //.
by rewrite rest; lra.
Qed.

End Trajectory.

(** ** No mass above the fixed one

    w_t = 1 + γ w_{t+1} is what the states to come weigh together: 1/(1−γ) without an end,
    Σ_{k<H−t} γ^k before one. Whoever leaks at most the share b_t / w_t has at least that share in
    the next state, so that the mass exp(−b_t / w_t) asked for is never above the first one, which is
    the fixed p with the same guarantee. *)

Section Shares.

Variables (g : R) (b l w : nat -> R) (H : nat).
Hypothesis g_gt0 : 0 < g.
Hypothesis w_gt0 : forall t, (t <= H)%N -> 0 < w t.
Hypothesis weights : forall t, (t < H)%N -> w t = 1 + g * w t.+1.
Hypothesis within : forall t, (t < H)%N -> l t <= b t / w t.
Hypothesis rest : forall t, g * b t.+1 = b t - l t.

Lemma budget_share_next t : (t < H)%N -> b t / w t <= b t.+1 / w t.+1.
Proof.
move=> lt_t; have := rest t; have := within lt_t; have := weights lt_t.
have := w_gt0 lt_t; have := w_gt0 (ltnW lt_t).
set wt := w t; set wn := w t.+1 => wt_gt0 wn_gt0 eq_w le_l eq_b.
have eq_bt : b t = b t / wt + g * wn * (b t / wt).
  have -> : b t / wt + g * wn * (b t / wt) = b t / wt * (1 + g * wn) by ring.
  by rewrite -eq_w; field; lra.
apply: (Rmult_le_reg_l (g * wn)); first exact: Rmult_lt_0_compat.
have -> : g * wn * (b t.+1 / wn) = g * b t.+1 by field; lra.
by rewrite eq_b; lra.
Qed.

Theorem budget_share_grows t : (t <= H)%N -> b 0%N / w 0%N <= b t / w t.
Proof.
elim: t => [|t IH] le_t; first exact: Rle_refl.
by apply: Rle_trans (IH (ltnW le_t)) (budget_share_next le_t).
Qed.

Theorem budget_mass t : (t <= H)%N -> exp (- (b t / w t)) <= exp (- (b 0%N / w 0%N)).
Proof.
move=> le_t; have := budget_share_grows le_t.
case=> [lt_share|->]; last exact: Rle_refl.
by apply: Rlt_le; apply: exp_increasing; lra.
Qed.

End Shares.

(** ** On a model whose states know what is left, as histories do *)

Section States.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Implicit Types (s : S) (a : A) (n : nat).

Local Notation ell := (leak B (teacher M)).
Local Notation mean := (policy_mean B (projected_teacher M B)).

Variable b : S -> R.
Hypothesis within : forall s, ell s <= b s.
Hypothesis rest :
  forall s a s', a \in B s -> 0 < step M s a s' -> gamma M * b s' <= b s - ell s.

Let p := smallest_mass B (teacher M).
Let c := - ln p + kappa M p.

Lemma expected_budget f x s a :
  0 <= x -> a \in B s -> (forall s', f s' <= b s' + x) ->
  gamma M * expected M f s a <= b s - ell s + gamma M * x.
Proof.
move=> x_ge0 aB le_f; have g_ge0 := gamma_ge0 M; have left_ge0 := within s.
apply: Rle_trans (Rmult_le_compat_l _ _ _ g_ge0 (expected_le M s a le_f)) _.
rewrite expected_add Rmult_plus_distr_l.
have le_b : gamma M * expected M b s a <= b s - ell s.
  rewrite -expected_scale.
  apply: Rle_trans (@expected_const_le _ _ M (b s - ell s) s a _); last lra.
  apply: sum_le => s' _; case: (step_ge0 M s a s') => [step_gt0|<-]; last lra.
  by apply: Rmult_le_compat_l (Rlt_le _ _ step_gt0) (rest aB step_gt0).
by have := Rmult_le_compat_l _ _ _ g_ge0 (expected_const_le M s a x_ge0); lra.
Qed.

Lemma projected_mean_le f x s : (forall a, a \in B s -> f s a <= x) -> mean f s <= x.
Proof.
move=> le_f; have [pi_ge0 total] := projection_policy (teacher_projectable B_ok) s.
have <- : (\sum_(a in B s) projected_teacher M B s a) * x = x by rewrite total; ring.
rewrite -sum_scale_r; apply: sum_le => a aB; apply: Rmult_le_compat_l (pi_ge0 a aB) (le_f a aB).
Qed.

Lemma budget_iterate n s : ell s + mean (gap M B) s <= b s + gamma M ^ n * c.
Proof.
have p_ok : 0 < p <= 1 := smallest_mass_bounds B_ok.
have k_ge0 : 0 <= kappa M p := kappa_ge0 M p_ok.
have p_mass : carries p B (teacher M) by apply: carries_smallest_mass.
have l_ge0 : 0 <= - ln p by case: p_ok => p_gt0 /(ln_le _ _ p_gt0); rewrite ln_1; lra.
elim: n s => [|n IH] s.
  have := leak_le_log p_ok p_mass s; have := within s; have := teacher_leak_ge0 B_ok s.
  by have := mean_gap_bounds B_ok p_ok p_mass s; rewrite /c /=; lra.
have x_ge0 : 0 <= gamma M ^ n * c.
  by apply: Rmult_le_pos; [apply: pow_le; apply: gamma_ge0|rewrite /c; lra].
have : mean (gap M B) s <= b s - ell s + gamma M * (gamma M ^ n * c).
  by apply: projected_mean_le => a aB; rewrite leak_identity //; apply: expected_budget.
by rewrite /=; lra.
Qed.

(** The gap in V is at most what is left at the state, *)

Theorem budget_value_gap s : 0 <= ell s + mean (gap M B) s <= b s.
Proof.
have p_ok : 0 < p <= 1 := smallest_mass_bounds B_ok.
have p_mass : carries p B (teacher M) by apply: carries_smallest_mass.
have k_ge0 : 0 <= kappa M p := kappa_ge0 M p_ok.
have l_ge0 : 0 <= - ln p by case: p_ok => p_gt0 /(ln_le _ _ p_gt0); rewrite ln_1; lra.
split.
  by have := teacher_leak_ge0 B_ok s; have := mean_gap_bounds B_ok p_ok p_mass s; lra.
apply: Rnot_gt_le => gt_b.
have c_ge0 : 0 <= c by rewrite /c; lra.
have eps_gt0 : 0 < ell s + mean (gap M B) s - b s by lra.
have [n small] := pow_small (discount_bounds M) c_ge0 eps_gt0.
by have := budget_iterate n s; lra.
Qed.

(** and in Q what is left after its leak; so is that of Q̄_p*. *)

Theorem budget_gap s a : a \in B s -> 0 <= gap M B s a <= b s - ell s.
Proof.
move=> aB; split; first by case: (smallest_mass_gap B_ok s a).
have le_V s' : ell s' + mean (gap M B) s' <= b s' + 0.
  by have := budget_value_gap s'; lra.
by rewrite leak_identity //; have := expected_budget (Rle_refl 0) aB le_V; lra.
Qed.

Corollary budget_p_star_gap s a :
  a \in B s -> 0 <= Q_star M s a - Q_p_star M B s a <= b s - ell s.
Proof. by move=> aB; have := budget_gap aB; have := p_star_gap_le B_ok s a; lra. Qed.

End States.
