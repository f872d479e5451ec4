(** * The objective is concave in the implied reward

    In Q it is not (chi2_example.v). But without a shift or a floor Q and the implied reward δ
    determine each other, and
      J = Σ_{s,a} μ(s,a) φ(δ(s,a)) − Σ_s w(s) V(s),
      w(s') = Σ_a μ(s',a) − γ Σ_{s,a} μ(s,a) P(s'|s,a),
    where V is a convex function of δ. If no w(s) is negative, as for the γ-discounted
    occupancy of some policy, J is therefore concave in δ for every concave φ, and with χ² its
    maximiser implies one reward only. *)

From Bellman Require Export fixed_points objective.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** Log-sum-exp is convex: it is a maximum of what is linear. *)

Lemma lse_convex (A : finType) (B : {set A}) (q r : A -> R) t :
  B != set0 -> 0 <= t <= 1 ->
  lse B (fun a => t * q a + (1 - t) * r a) <= t * lse B q + (1 - t) * lse B r.
Proof.
move=> B0 t_bounds; set z := fun a => _; pose w a := exp (z a - lse B z).
have w_ok : distribution B w := boltzmann_distribution z B0.
rewrite -(gibbs_boltzmann z B0) -/w.
have -> : entropy_value B w z = t * entropy_value B w q + (1 - t) * entropy_value B w r.
  by rewrite -!sum_scale -sum_add; apply: eq_bigr => a _; rewrite /z; ring.
have := gibbs q B0 w_ok; have := gibbs r B0 w_ok => le_r le_q.
by apply: Rplus_le_compat; apply: Rmult_le_compat_l => //; lra.
Qed.

Section Concave.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Implicit Types (mu Q x y : S -> A -> R) (s : S) (a : A) (t alpha : R) (phi : R -> R).

(** ** Q and δ determine each other *)

Definition with_reward x : mdp S A :=
  Mdp x (offers_some M) (step_ge0 M) (step_total M) (gamma_ge0 M) (gamma_lt1 M).

(** The table that implies the reward x: the solution of the model with that reward. *)

Definition table_of x := Q_p_star (with_reward x) B.

Lemma table_of_eq x s a : table_of x s a = x s a + discounted_next M B (table_of x) s a.
Proof. by rewrite -[LHS](@Q_p_star_eq _ _ (with_reward x) B). Qed.

Theorem reward_of_table x s a : implied_reward M B (table_of x) s a = x s a.
Proof. by rewrite /implied_reward table_of_eq; ring. Qed.

Theorem table_of_reward Q s a : a \in B s -> table_of (implied_reward M B Q) s a = Q s a.
Proof.
move=> aB; symmetry; apply: (@Q_p_star_unique _ _ (with_reward _) B) aB => // s' a' _.
by rewrite /T_p /backup /= /implied_reward /discounted_next /expected /=; ring.
Qed.

Lemma value_of_reward Q s : soft_value B (table_of (implied_reward M B Q)) s = soft_value B Q s.
Proof. by apply: lse_ext => a; apply: table_of_reward. Qed.

(** ** V is convex in δ *)

Definition mix t x y : S -> A -> R := fun s a => t * x s a + (1 - t) * y s a.

Theorem value_convex t x y s :
  0 <= t <= 1 ->
  soft_value B (table_of (mix t x y)) s <=
  t * soft_value B (table_of x) s + (1 - t) * soft_value B (table_of y) s.
Proof.
move=> t_bounds; pose Q := mix t (table_of x) (table_of y).
have V_le s' : soft_value B Q s' <=
    t * soft_value B (table_of x) s' + (1 - t) * soft_value B (table_of y) s'.
  by apply: lse_convex => //; apply: candidates_some B_ok.
have Q_le : below B (table_of (mix t x y)) Q.
  apply: Q_p_star_le => // s' a' _.
  apply: Rle_trans (@backup_le _ _ (with_reward (mix t x y)) _ _ s' a' V_le) _; apply: Req_le.
  rewrite /Q {2}/mix !table_of_eq /discounted_next; set Vx := soft_value B _; set Vy := soft_value B _.
  transitivity (mix t x y s' a' + gamma M * (t * expected M Vx s' a' + (1 - t) * expected M Vy s' a')).
    by rewrite -!expected_scale -expected_add.
  by rewrite /mix; ring.
apply: Rle_trans (V_le s); apply: soft_value_le => [|a aB]; first exact: candidates_some B_ok.
exact: Q_le.
Qed.

(** ** J in terms of δ *)

Definition start_weight mu s' :=
  \sum_(a in offers M s') mu s' a - gamma M * \sum_s \sum_(a in offers M s) mu s a * step M s a s'.

Theorem objective_reward phi mu Q :
  objective M phi B mu Q =
  \sum_s \sum_(a in offers M s) mu s a * phi (implied_reward M B Q s a)
  - \sum_s start_weight mu s * soft_value B Q s.
Proof.
rewrite /objective; set V := soft_value B Q.
transitivity (\sum_s \sum_(a in offers M s) mu s a * phi (implied_reward M B Q s a)
  - (\sum_s (\sum_(a in offers M s) mu s a) * V s
     - gamma M * \sum_s \sum_(a in offers M s) mu s a * expected M V s a)).
  rewrite -sum_scale -!sum_sub; apply: eq_bigr => s _.
  rewrite -sum_scale_r -sum_scale -!sum_sub; apply: eq_bigr => a _.
  by rewrite /discounted_next -/V; ring.
congr (_ - _); rewrite /start_weight.
rewrite [RHS](eq_bigr (fun s' => (\sum_(a in offers M s') mu s' a) * V s'
  - gamma M * ((\sum_s \sum_(a in offers M s) mu s a * step M s a s') * V s'))); last by move=> s _; ring.
rewrite sum_sub sum_scale; congr (_ - _ * _).
rewrite [RHS](eq_bigr (fun s' => \sum_s \sum_(a in offers M s) mu s a * step M s a s' * V s')); last first.
  by move=> s' _; rewrite -sum_scale_r; apply: eq_bigr => s _; rewrite -sum_scale_r.
rewrite exchange_big; apply: eq_bigr => s _ /=; rewrite exchange_big; apply: eq_bigr => a _ /=.
by rewrite -sum_scale; apply: eq_bigr => s' _; ring.
Qed.

Section Data.

Variable mu : S -> A -> R.
Hypotheses (mu_ge0 : forall s a, 0 <= mu s a) (w_ge0 : forall s, 0 <= start_weight mu s).

Definition J phi x := objective M phi B mu (table_of x).

Lemma J_eq phi x :
  J phi x = \sum_s \sum_(a in offers M s) mu s a * phi (x s a)
            - \sum_s start_weight mu s * soft_value B (table_of x) s.
Proof.
rewrite /J objective_reward; congr (_ - _).
by apply: eq_bigr => s _; apply: eq_bigr => a _; rewrite reward_of_table.
Qed.

Lemma J_table phi Q : J phi (implied_reward M B Q) = objective M phi B mu Q.
Proof.
rewrite J_eq objective_reward; congr (_ - _).
by apply: eq_bigr => s _; rewrite value_of_reward.
Qed.

(** J gains at least what φ gains on the chord. *)

Lemma J_chord phi t x y :
  0 <= t <= 1 ->
  t * J phi x + (1 - t) * J phi y
  + \sum_s \sum_(a in offers M s)
      mu s a * (phi (mix t x y s a) - t * phi (x s a) - (1 - t) * phi (y s a)) <= J phi (mix t x y).
Proof.
move=> t_bounds; rewrite !J_eq.
have gain : \sum_s \sum_(a in offers M s)
      mu s a * (phi (mix t x y s a) - t * phi (x s a) - (1 - t) * phi (y s a))
    = \sum_s \sum_(a in offers M s) mu s a * phi (mix t x y s a)
      - t * (\sum_s \sum_(a in offers M s) mu s a * phi (x s a))
      - (1 - t) * (\sum_s \sum_(a in offers M s) mu s a * phi (y s a)).
  rewrite -!sum_scale -!sum_sub; apply: eq_bigr => s _.
  by rewrite -!sum_scale -!sum_sub; apply: eq_bigr => a _; ring.
have values : \sum_s start_weight mu s * soft_value B (table_of (mix t x y)) s <=
    t * (\sum_s start_weight mu s * soft_value B (table_of x) s)
    + (1 - t) * (\sum_s start_weight mu s * soft_value B (table_of y) s).
  rewrite -!sum_scale -sum_add; apply: sum_le => s _.
  by have := Rmult_le_compat_l _ _ _ (w_ge0 s) (value_convex x y s t_bounds); lra.
by rewrite gain; lra.
Qed.

(** For a concave φ, J is concave in δ: *)

Theorem J_concave phi t x y :
  (forall u v, t * phi u + (1 - t) * phi v <= phi (t * u + (1 - t) * v)) -> 0 <= t <= 1 ->
  t * J phi x + (1 - t) * J phi y <= J phi (mix t x y).
Proof.
move=> phi_concave t_bounds; apply: Rle_trans (J_chord phi x y t_bounds).
suff : 0 <= \sum_s \sum_(a in offers M s)
      mu s a * (phi (mix t x y s a) - t * phi (x s a) - (1 - t) * phi (y s a)) by lra.
apply: sum_ge0 => s _; apply: sum_ge0 => a _; apply: Rmult_le_pos => //.
by have := phi_concave (x s a) (y s a); rewrite /mix; lra.
Qed.

(** with χ² in particular. *)

Lemma chi2_chord alpha t u v :
  0 < alpha ->
  chi2 alpha (t * u + (1 - t) * v) - t * chi2 alpha u - (1 - t) * chi2 alpha v =
  t * (1 - t) * ((u - v) * (u - v)) / (4 * alpha).
Proof. by move=> alpha_gt0; rewrite /chi2; field; lra. Qed.

Theorem J_chi2_concave alpha t x y :
  0 < alpha -> 0 <= t <= 1 ->
  t * J (chi2 alpha) x + (1 - t) * J (chi2 alpha) y <= J (chi2 alpha) (mix t x y).
Proof.
move=> alpha_gt0 t_bounds; apply: J_concave => // u v.
have := chi2_chord t u v alpha_gt0.
suff : 0 <= t * (1 - t) * ((u - v) * (u - v)) / (4 * alpha) by lra.
apply: Rmult_le_pos; last by apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
by apply: Rmult_le_pos (Rle_0_sqr _); apply: Rmult_le_pos; lra.
Qed.

(** Two tables that maximise J with χ² imply the same reward wherever the data have been: half
    way between two different ones J would be larger. *)

Theorem chi2_maximiser_reward alpha Q Q' s a :
  0 < alpha ->
  (forall Q2, objective M (chi2 alpha) B mu Q2 <= objective M (chi2 alpha) B mu Q) ->
  (forall Q2, objective M (chi2 alpha) B mu Q2 <= objective M (chi2 alpha) B mu Q') ->
  a \in offers M s -> 0 < mu s a ->
  implied_reward M B Q s a = implied_reward M B Q' s a.
Proof.
move=> alpha_gt0 Q_max Q'_max aO mu_gt0.
set x := implied_reward M B Q; set y := implied_reward M B Q'.
have half : 0 <= 1 / 2 <= 1 by lra.
have := J_chord (chi2 alpha) x y half; rewrite !J_table.
have := Q_max Q'; have := Q'_max Q; have := Q_max (table_of (mix (1 / 2) x y)); rewrite -/(J _ _).
set gain := \sum_s _ => le_mid le_Q le_Q' chord; have gain_le0 : gain <= 0 by lra.
pose g s a := mu s a * (1 / 2 * (1 - 1 / 2) * ((x s a - y s a) * (x s a - y s a)) / (4 * alpha)).
have gain_eq : gain = \sum_s \sum_(a in offers M s) g s a.
  by apply: eq_bigr => s' _; apply: eq_bigr => a' _; rewrite chi2_chord.
have g_ge0 s' a' : 0 <= g s' a'.
  apply: Rmult_le_pos => //; apply: Rmult_le_pos; last by apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
  by apply: Rmult_le_pos (Rle_0_sqr _); lra.
have row_ge0 s' (_ : true) : 0 <= \sum_(a in offers M s') g s' a by apply: sum_ge0.
have gain0 : \sum_s \sum_(a in offers M s) g s a = 0.
  by apply: Rle_antisym; [rewrite -gain_eq|apply: sum_ge0].
have row0 := sum_eq0 row_ge0 gain0 (i := s) erefl.
have /Rmult_integral[|] := sum_eq0 (fun a _ => g_ge0 s a) row0 aO; first lra.
have inv_gt0 : 0 < / (4 * alpha) by apply: Rinv_0_lt_compat; lra.
by case/Rmult_integral => [/Rmult_integral[|/Rmult_integral[]]|]; lra.
Qed.

End Data.

End Concave.
