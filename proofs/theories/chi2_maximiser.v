(** * What the χ² objective's maximiser is

    A policy, started from w, has a γ-discounted occupancy ρ(s) π(a|s). If the policy of a table
    with the implied reward δ has the occupancy μ (1 − δ/(2α)), then that table maximises J over
    all tables: the student leaves the data by as much as the reward it implies tells it to. The
    teacher's occupancy is μ itself, and δ is not 0: so it is not the teacher (chi2_teacher.v). *)

From Bellman Require Export chi2_concave.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Maximiser.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Variables (mu : S -> A -> R) (alpha : R).
Hypotheses (mu_in : inside B mu) (alpha_gt0 : 0 < alpha).
Implicit Types (pi Q : S -> A -> R) (rho : S -> R) (s : S) (a : A).

Let B0 s : B s != set0 := candidates_some s B_ok.

(** ρ is the γ-discounted occupancy of the states under π, from the starts w of the data. *)

Definition occupancy pi rho :=
  (forall s, 0 <= rho s) /\
  forall s', rho s' = start_weight M mu s'
    + gamma M * \sum_s \sum_(a in B s) rho s * pi s a * step M s a s'.

(** The condition on Q: μ (1 − δ/(2α)) is the occupancy of its policy. *)

Definition stationary_table Q :=
  exists rho, occupancy (boltzmann B Q) rho /\
    forall s a, a \in B s -> mu s a * (1 - implied_reward M B Q s a / (2 * alpha))
      = rho s * boltzmann B Q s a.

(** Seen from the starts, a table Q' is worth at least as much more than Q as the rewards that
    it implies are worth more to the policy of Q. *)

Lemma occupancy_values Q Q' rho :
  occupancy (boltzmann B Q) rho ->
  \sum_s \sum_(a in B s)
    rho s * boltzmann B Q s a * (implied_reward M B Q' s a - implied_reward M B Q s a) <=
  \sum_s start_weight M mu s * (soft_value B Q' s - soft_value B Q s).
Proof.
move=> [rho_ge0 flow]; pose f s := soft_value B Q' s - soft_value B Q s; pose pi := boltzmann B Q.
have pi_on : policy_on B pi := boltzmann_policy Q B0.
have -> : \sum_s start_weight M mu s * (soft_value B Q' s - soft_value B Q s) =
    \sum_s rho s * f s - \sum_s \sum_(a in B s) rho s * pi s a * (gamma M * expected M f s a).
  transitivity (\sum_s' (rho s' - gamma M * \sum_s \sum_(a in B s) rho s * pi s a * step M s a s') * f s').
    by apply: eq_bigr => s _; rewrite (flow s) -/pi -/(f s); ring.
  rewrite [LHS](eq_bigr (fun s' => rho s' * f s' -
    \sum_s \sum_(a in B s) rho s * pi s a * (gamma M * (step M s a s' * f s')))); last first.
    move=> s' _; rewrite Rmult_minus_distr_r; congr (_ - _).
    rewrite Rmult_assoc -sum_scale_r -sum_scale; apply: eq_bigr => s _.
    by rewrite -sum_scale_r -sum_scale; apply: eq_bigr => a _; ring.
  rewrite sum_sub; congr (_ - _); rewrite exchange_big; apply: eq_bigr => s _ /=.
  rewrite exchange_big; apply: eq_bigr => a _ /=.
  by rewrite /expected -!sum_scale.
rewrite -sum_sub; apply: sum_le => s _.
have f_ge : \sum_(a in B s) pi s a * (Q' s a - Q s a) <= f s.
  rewrite -policy_value_sub /f.
  have := policy_value_le_soft_value Q' (B0 s) pi_on; have := policy_value_boltzmann Q (B0 s).
  by rewrite -/pi; lra.
have := Rmult_le_compat_l _ _ _ (rho_ge0 s) f_ge.
suff -> : \sum_(a in B s) rho s * pi s a * (implied_reward M B Q' s a - implied_reward M B Q s a) =
    rho s * (\sum_(a in B s) pi s a * (Q' s a - Q s a)) -
    \sum_(a in B s) rho s * pi s a * (gamma M * expected M f s a) by lra.
rewrite -sum_scale -sum_sub; apply: eq_bigr => a _.
by rewrite /f expected_sub /implied_reward /discounted_next; ring.
Qed.

(** How much J loses away from such a table, *)

Theorem stationary_table_gap Q Q' :
  stationary_table Q ->
  objective M (chi2 alpha) B mu Q' <=
  objective M (chi2 alpha) B mu Q
  - \sum_s \sum_(a in offers M s)
      mu s a * ((implied_reward M B Q' s a - implied_reward M B Q s a)
                * (implied_reward M B Q' s a - implied_reward M B Q s a) / (4 * alpha)).
Proof.
move=> [rho [occ stat]]; have := occupancy_values Q' occ.
pose x := implied_reward M B Q; pose y := implied_reward M B Q'; rewrite -/x -/y.
have row s (g : A -> R) : \sum_(a in B s) mu s a * g a = \sum_(a in offers M s) mu s a * g a.
  rewrite [RHS](sum_setID _ (B s)) [X in _ + X]big1 ?Rplus_0_r => [|a]; last first.
    by rewrite inE => /andP[aN _]; rewrite mu_in // Rmult_0_l.
  by have /setIidPr -> : B s \subset offers M s by case: (B_ok s).
have -> : \sum_s \sum_(a in B s) rho s * boltzmann B Q s a * (y s a - x s a) =
    \sum_s \sum_(a in offers M s) mu s a * ((1 - x s a / (2 * alpha)) * (y s a - x s a)).
  by apply: eq_bigr => s _; rewrite -row; apply: eq_bigr => a aB; rewrite -stat // -/x; ring.
have -> : \sum_s start_weight M mu s * (soft_value B Q' s - soft_value B Q s) =
    \sum_s start_weight M mu s * soft_value B Q' s - \sum_s start_weight M mu s * soft_value B Q s.
  by rewrite -sum_sub; apply: eq_bigr => s _; ring.
rewrite !objective_reward -/x -/y => values.
suff -> : \sum_s \sum_(a in offers M s) mu s a * chi2 alpha (y s a) =
    \sum_s \sum_(a in offers M s) mu s a * chi2 alpha (x s a)
    + \sum_s \sum_(a in offers M s) mu s a * ((1 - x s a / (2 * alpha)) * (y s a - x s a))
    - \sum_s \sum_(a in offers M s) mu s a * ((y s a - x s a) * (y s a - x s a) / (4 * alpha)) by lra.
rewrite -sum_add -sum_sub; apply: eq_bigr => s _; rewrite -sum_add -sum_sub; apply: eq_bigr => a _.
by rewrite (chi2_tangent (x s a) (y s a)) //; ring.
Qed.

(** so it is a maximiser. *)

Theorem stationary_table_maximum Q Q' :
  (forall s a, 0 <= mu s a) -> stationary_table Q ->
  objective M (chi2 alpha) B mu Q' <= objective M (chi2 alpha) B mu Q.
Proof.
move=> mu_ge0 /(stationary_table_gap Q'); set loss := \sum_s _.
suff : 0 <= loss by lra.
apply: sum_ge0 => s _; apply: sum_ge0 => a _; apply: Rmult_le_pos => //.
by apply: Rmult_le_pos; [apply: Rle_0_sqr|apply: Rlt_le; apply: Rinv_0_lt_compat; lra].
Qed.

End Maximiser.

(** That the condition is necessary, too, is in chi2_stationarity.v; that a maximiser exists
    where the data cover the sets, in chi2_existence.v.

    What is open:

    - The maximiser in closed form, and, in general, how far it is from the teacher at a given α.
    - The objective with a shift of the logits, their maximum or their log-sum-exp, or with a
      floor. Nothing is proved about it but the case φ = id, which does not see the shift.
    - How far a student trained with a given α is from Q̄_p*: chi2_limit.v bounds the distance of
      its policy from the projected teacher's, by a constant over α that says little at the
      published α = 0.1. *)
