(** * Every maximiser of the χ² objective is stationary

    The condition of chi2_maximiser.v is necessary, too: moving one Q-value up or down by a
    small t changes J by t times its marginal value, up to terms in t². At a maximiser all
    marginal values are therefore 0, and that says that μ (1 − δ/(2α)) is the discounted
    occupancy of its policy. *)

From Bellman Require Export chi2_teacher chi2_maximiser.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** What t² exceeds for all small t of both signs is 0. *)

Lemma no_first_order m C : (forall t, Rabs t <= 1 / 2 -> t * m <= t * t * C) -> m = 0.
Proof.
move=> small; pose c := Rabs C + 2 * Rabs m + 1.
have [C_ge m_ge] := (Rle_abs C, Rabs_pos m); have c_gt0 : 0 < c by rewrite /c; have := Rabs_pos C; lra.
have half : Rabs (m / c / 2) <= 1 / 2.
  rewrite /Rdiv !Rabs_mult (Rabs_pos_eq (/ 2)) ?(Rabs_pos_eq (/ c)); try lra; last first.
    by apply: Rlt_le; apply: Rinv_0_lt_compat.
  suff : Rabs m * / c <= 1 by lra.
  apply: (Rmult_le_reg_r c) => //; rewrite Rmult_assoc Rinv_l ?Rmult_1_r /c; have := Rabs_pos C; lra.
have := small _ half.
have -> : m / c / 2 * m = m * m * (/ c / 2) by field; lra.
have -> : m / c / 2 * (m / c / 2) * C = m * m * (/ c / 2) * (C * (/ c / 2)) by field; lra.
have i_gt0 : 0 < / c / 2 by apply: Rdiv_lt_0_compat; [apply: Rinv_0_lt_compat|lra].
have Ci : C * (/ c / 2) <= 1 / 2.
  apply: (Rmult_le_reg_r c) => //; have -> : C * (/ c / 2) * c = C / 2 by field; lra.
  by rewrite /c; lra.
have [//|m_neq] := Req_dec m 0; have sq_gt0 : 0 < m * m by nra.
have p_gt0 : 0 < m * m * (/ c / 2) by apply: Rmult_lt_0_compat.
by nra.
Qed.

Section Stationarity.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Variables (mu : S -> A -> R) (alpha : R) (Q : S -> A -> R).
Hypotheses (mu_in : inside B mu) (mu_ge0 : forall s a, 0 <= mu s a) (alpha_gt0 : 0 < alpha).
Implicit Types (s : S) (a : A) (t : R).

Let B0 s : B s != set0 := candidates_some s B_ok.
Let pi := boltzmann B Q.
Let pi_on : policy_on B pi := boltzmann_policy Q B0.

(** μ (1 − δ/(2α)), and what flows into a state if that is what is visited. *)

Definition visited s a := mu s a * (1 - implied_reward M B Q s a / (2 * alpha)).

Definition inflow s' :=
  start_weight M mu s' + gamma M * \sum_s \sum_(a in offers M s) visited s a * step M s a s'.

(** The marginal value of Q(s,a). *)

Definition marginal s a := visited s a - pi s a * inflow s.

Lemma weight_le1 s a : a \in B s -> 0 <= pi s a <= 1.
Proof.
move=> aB; have [ge0 total1] := pi_on s; split; first exact: ge0.
by rewrite -total1; apply: (@sum_ge_term A (mem (B s))).
Qed.

(** How V moves with one Q-value. *)

Lemma value_raised s a t :
  a \in B s -> Rabs t <= 1 / 2 ->
  t * pi s a <= soft_value B (raise Q s a t) s - soft_value B Q s <= t * pi s a + 2 * (t * t).
Proof.
move=> aB t_small; have [pi_ge0 pi_le1] := weight_le1 aB.
have raised (g : R -> R) : g 0 = 0 ->
    \sum_(b in B s) pi s b * g (raise Q s a t s b - Q s b) = pi s a * g t.
  move=> g0; rewrite (bigD1 a) //= [X in _ + X]big1 ?Rplus_0_r => [|b /andP[_ /negbTE bN]].
    by rewrite /raise !eqxx /=; congr (_ * g _); ring.
  by rewrite /raise bN andbF Rminus_eq_0 g0; ring.
split.
  have := policy_value_le_soft_value (raise Q s a t) (B0 s) pi_on.
  have := policy_value_boltzmann Q (B0 s); have := policy_value_sub B pi (raise Q s a t) Q s.
  by rewrite (raised (fun h => h)) // -/pi; lra.
have h_le b : b \in B s -> raise Q s a t s b - Q s b <= 1 / 2.
  move=> _; have := Rle_abs t; rewrite /raise; case: (_ && _); lra.
have := lse_second_order (B0 s) h_le; rewrite -/(soft_value B Q s) -/(soft_value B _ s).
rewrite (_ : \sum_(b in B s) _ = pi s a * (t + 2 * (t * t))).
  by have := Rle_0_sqr t; rewrite /Rsqr; nra.
by rewrite -(raised (fun h => h + 2 * (h * h))) //; ring.
Qed.

Lemma value_not_raised s a t s' : s' <> s -> soft_value B (raise Q s a t) s' = soft_value B Q s'.
Proof. by move=> /eqP/negbTE sN; apply: lse_ext => b _; rewrite /raise sN. Qed.

(** J moves by t times the marginal value, at least, up to terms in t². *)

Definition total_weight := \sum_s \sum_(a in offers M s) mu s a.

Lemma objective_raised s0 a0 t :
  a0 \in B s0 -> Rabs t <= 1 / 2 ->
  objective M (chi2 alpha) B mu Q + t * marginal s0 a0
    - t * t * (2 * Rabs (inflow s0) + 9 / (4 * alpha) * total_weight)
  <= objective M (chi2 alpha) B mu (raise Q s0 a0 t).
Proof.
move=> aB t_small; pose Q' := raise Q s0 a0 t; pose v := soft_value B Q' s0 - soft_value B Q s0.
have [pi_ge0 pi_le1] := weight_le1 aB; have v_in := value_raised aB t_small.
rewrite -/Q' -/v in v_in; have aO := candidates_sub B_ok aB.
pose at_s s : R := if s == s0 then 1 else 0; pose at_a s a : R := if (s == s0) && (a == a0) then 1 else 0.
have dV s : soft_value B Q' s = soft_value B Q s + at_s s * v.
  by rewrite /at_s; case: eqP => [->|sN]; [rewrite /v; ring|rewrite value_not_raised //; ring].
have dN s a : discounted_next M B Q' s a = discounted_next M B Q s a + gamma M * step M s a s0 * v.
  rewrite /discounted_next (expected_ext M s a dV) (expected_add M (soft_value B Q)) Rmult_plus_distr_l.
  congr (_ + _); rewrite Rmult_assoc; congr (_ * _); rewrite /expected (bigD1 s0) //= /at_s eqxx.
  rewrite [X in _ + X]big1 ?Rplus_0_r => [|s' /negbTE ->]; first by ring.
  by rewrite Rmult_0_l Rmult_0_r.
have dQ s a : Q' s a = Q s a + at_a s a * t.
  by rewrite /Q' /raise /at_a; case: (_ && _); ring.
have v_small : Rabs v <= 2 * Rabs t.
  have := Rle_abs t; have := Rle_abs (- t); rewrite Rabs_Ropp => t1 t2.
  have sq : t * t = Rabs t * Rabs t by rewrite -/(Rsqr t) -/(Rsqr (Rabs t)) Rsqr_abs.
  have n_ge0 := Rabs_pos t; apply: Rabs_le; split; nra.
have step_in s a : 0 <= gamma M * step M s a s0 <= 1.
  have st_ge0 := step_ge0 M s a s0; have [g_ge0 g_lt1] := discount_bounds M.
  have st_le1 : step M s a s0 <= 1.
    apply: Rle_trans (step_total M s a).
    by apply: (@sum_ge_term S xpredT (step M s a)) => // s' _; apply: step_ge0.
  by split; nra.
(* one pair *)
have pair s a :
    mu s a * (chi2 alpha (implied_reward M B Q s a) - (soft_value B Q s - discounted_next M B Q s a))
    + (t * (visited s a * at_a s a) - v * (gamma M * (visited s a * step M s a s0) + at_s s * mu s a
        - gamma M * (mu s a * step M s a s0)) - t * t * (9 / (4 * alpha)) * mu s a)
    <= mu s a * (chi2 alpha (implied_reward M B Q' s a) - (soft_value B Q' s - discounted_next M B Q' s a)).
  pose x := implied_reward M B Q s a; pose d := at_a s a * t - gamma M * step M s a s0 * v.
  have -> : implied_reward M B Q' s a = x + d by rewrite /x /d /implied_reward dQ dN; ring.
  have d_sq : d * d <= 9 * (t * t).
    have d_le : Rabs d <= 3 * Rabs t.
      apply: Rle_trans (Rabs_triang _ _) _; rewrite Rabs_Ropp !Rabs_mult.
      have a_le : Rabs (at_a s a) <= 1 by rewrite /at_a; case: (_ && _); rewrite ?Rabs_R0 ?Rabs_R1; lra.
      have [st_ge0 st_le1] := step_in s a.
      have st_abs : Rabs (gamma M) * Rabs (step M s a s0) = gamma M * step M s a s0.
        by rewrite -Rabs_mult Rabs_pos_eq.
      by rewrite st_abs; have := Rabs_pos t; have := Rabs_pos v; have := Rabs_pos (at_a s a); nra.
    rewrite -/(Rsqr d) -/(Rsqr t) (Rsqr_abs d) (Rsqr_abs t) /Rsqr.
    by have := Rabs_pos d; have := Rabs_pos t; nra.
  rewrite dV dN (chi2_tangent x (x + d)) // /visited -/x.
  have i_gt0 : 0 < / (4 * alpha) by apply: Rinv_0_lt_compat; lra.
  have sq_le : mu s a * (d * d * / (4 * alpha)) <= mu s a * (9 * (t * t) * / (4 * alpha)).
    by apply: Rmult_le_compat_l => //; apply: Rmult_le_compat_r; lra.
  have -> : x + d - x = d by ring.
  rewrite /Rdiv in sq_le *; rewrite {2}/d; rewrite /d in sq_le *; lra.
(* all pairs *)
apply: Rle_trans (_ : objective M (chi2 alpha) B mu Q + (t * visited s0 a0 - v * inflow s0
    - t * t * (9 / (4 * alpha)) * total_weight) <= _).
  have r_in : 0 <= v - t * pi s0 a0 <= 2 * (t * t) by lra.
  have Z1 := Rle_abs (inflow s0); have Z2 := Rabs_pos (inflow s0); rewrite /marginal.
  have : (v - t * pi s0 a0) * inflow s0 <= 2 * (t * t) * Rabs (inflow s0) by nra.
  by lra.
suff -> : t * visited s0 a0 - v * inflow s0 - t * t * (9 / (4 * alpha)) * total_weight =
    \sum_s \sum_(a in offers M s)
      (t * (visited s a * at_a s a) - v * (gamma M * (visited s a * step M s a s0)
      + at_s s * mu s a - gamma M * (mu s a * step M s a s0)) - t * t * (9 / (4 * alpha)) * mu s a).
  by rewrite /objective -sum_add; apply: sum_le => s _; rewrite -sum_add; apply: sum_le => a _; apply: pair.
have -> : visited s0 a0 = \sum_s \sum_(a in offers M s) visited s a * at_a s a.
  rewrite (bigD1 s0) //= [X in _ = _ + X]big1 ?Rplus_0_r => [|s /negbTE sN]; last first.
    by rewrite big1 // => a _; rewrite /at_a sN Rmult_0_r.
  rewrite (bigD1 a0) //= [X in _ = _ + X]big1 ?Rplus_0_r => [|a /andP[_ /negbTE aN]].
    by rewrite /at_a !eqxx /=; ring.
  by rewrite /at_a aN andbF Rmult_0_r.
have -> : inflow s0 = \sum_s \sum_(a in offers M s) (gamma M * (visited s a * step M s a s0)
      + at_s s * mu s a - gamma M * (mu s a * step M s a s0)).
  have at_s0 : \sum_(a in offers M s0) mu s0 a = \sum_s \sum_(a in offers M s) at_s s * mu s a.
    rewrite [RHS](bigD1 s0) //= [X in _ = _ + X]big1 ?Rplus_0_r => [|s /negbTE sN]; last first.
      by rewrite big1 // => a _; rewrite /at_s sN Rmult_0_l.
    by apply: eq_bigr => a _; rewrite /at_s eqxx Rmult_1_l.
  rewrite /inflow /start_weight at_s0 -!sum_scale -sum_sub -sum_add; apply: eq_bigr => s _.
  by rewrite -!sum_scale -sum_sub -sum_add; apply: eq_bigr => a _; ring.
rewrite /total_weight -!sum_scale -!sum_sub; apply: eq_bigr => s _.
by rewrite -!sum_scale -!sum_sub; apply: eq_bigr => a _; ring.
Qed.

Hypothesis Q_max : forall Q', objective M (chi2 alpha) B mu Q' <= objective M (chi2 alpha) B mu Q.

Theorem marginal0 s a : a \in B s -> marginal s a = 0.
Proof.
move=> aB; apply: (no_first_order (C := 2 * Rabs (inflow s) + 9 / (4 * alpha) * total_weight)) => t t_small.
by have := objective_raised aB t_small; have := Q_max (raise Q s a t); lra.
Qed.

(** ** The occupancy *)

Hypothesis w_ge0 : forall s, 0 <= start_weight M mu s.

Let rho s := \sum_(a in B s) visited s a.

Lemma visited_policy s a : a \in B s -> visited s a = rho s * pi s a.
Proof.
have eq_in b : b \in B s -> visited s b = pi s b * inflow s.
  by move=> bB; have := marginal0 bB; rewrite /marginal; lra.
have -> : rho s = inflow s.
  by rewrite /rho (eq_bigr _ eq_in) sum_scale_r; have [_ ->] := pi_on s; ring.
by move=> aB; rewrite eq_in //; ring.
Qed.

Lemma rho_flow s' :
  rho s' = start_weight M mu s' + gamma M * \sum_s \sum_(a in B s) rho s * pi s a * step M s a s'.
Proof.
have eq_in b : b \in B s' -> visited s' b = pi s' b * inflow s'.
  by move=> bB; have := marginal0 bB; rewrite /marginal; lra.
have -> : rho s' = inflow s'.
  by rewrite /rho (eq_bigr _ eq_in) sum_scale_r; have [_ ->] := pi_on s'; ring.
rewrite /inflow; congr (_ + _ * _); apply: eq_bigr => s _.
rewrite (sum_setID _ (B s)) [X in _ + X]big1 ?Rplus_0_r => [|a]; last first.
  by rewrite inE => /andP[aN _]; rewrite /visited mu_in // !Rmult_0_l.
have /setIidPr -> : B s \subset offers M s by case: (B_ok s).
by apply: eq_bigr => a aB; rewrite visited_policy.
Qed.

(** It is not negative: its negative part would shrink by γ at every step. *)

Lemma rho_ge0 s : 0 <= rho s.
Proof.
pose n s := Rmax 0 (- rho s); have n_ge0 s' : 0 <= n s' := Rmax_l _ _.
have [g_ge0 g_lt1] := discount_bounds M; have [pi_ge0 _] := (fun x => proj1 (pi_on x), tt).
have flow_ge0 s' : 0 <= \sum_s \sum_(a in B s) n s * pi s a * step M s a s'.
  apply: sum_ge0 => x _; apply: sum_ge0 => a aB.
  by apply: Rmult_le_pos (step_ge0 _ _ _ _); apply: Rmult_le_pos => //; apply: pi_ge0.
have n_le s' : n s' <= gamma M * \sum_s \sum_(a in B s) n s * pi s a * step M s a s'.
  apply: Rmax_lub; first exact: Rmult_le_pos.
  rewrite rho_flow; have := w_ge0 s'.
  suff : - (gamma M * \sum_s \sum_(a in B s) rho s * pi s a * step M s a s') <=
      gamma M * \sum_s \sum_(a in B s) n s * pi s a * step M s a s' by lra.
  rewrite Ropp_mult_distr_r; apply: Rmult_le_compat_l => //.
  rewrite -sum_opp; apply: sum_le => x _; rewrite -sum_opp; apply: sum_le => a aB.
  have := Rmax_r 0 (- rho x); rewrite -/(n x) => n_ge.
  have c_ge0 : 0 <= pi x a * step M x a s' by apply: Rmult_le_pos (step_ge0 _ _ _ _); apply: pi_ge0.
  by have := Rmult_le_compat_r _ _ _ c_ge0 n_ge; lra.
have total_le : \sum_s n s <= gamma M * \sum_s n s.
  apply: Rle_trans (sum_le (index_enum S) (fun s' _ => n_le s')) _.
  rewrite sum_scale; apply: Rmult_le_compat_l => //; rewrite exchange_big; apply: sum_le => x _ /=.
  rewrite exchange_big /=; have [_ total1] := pi_on x.
  rewrite -[X in _ <= X]Rmult_1_r -total1 -sum_scale; apply: sum_le => a aB.
  rewrite sum_scale -[X in _ <= X]Rmult_1_r; apply: Rmult_le_compat_l; last exact: step_total.
  by apply: Rmult_le_pos => //; apply: pi_ge0.
have total_ge0 : 0 <= \sum_s n s by apply: sum_ge0.
have n_le_total : n s <= \sum_s n s by apply: (@sum_ge_term S xpredT n).
by have := Rmax_r 0 (- rho s); rewrite -/(n s); nra.
Qed.

(** So a maximiser meets the condition. *)

Theorem maximiser_stationary : stationary_table M B mu alpha Q.
Proof.
exists rho; split; first by split; [exact: rho_ge0|exact: rho_flow].
by move=> s a aB; rewrite -/(visited s a) visited_policy.
Qed.

End Stationarity.

(** A table maximises J with χ² if and only if μ (1 − δ/(2α)) is the occupancy of its policy. *)

Theorem maximiser_iff_stationary (S A : finType) (M : mdp S A) (B : S -> {set A}) mu alpha Q :
  candidates M B -> inside B mu -> (forall s a, 0 <= mu s a) -> 0 < alpha ->
  (forall s, 0 <= start_weight M mu s) ->
  (forall Q', objective M (chi2 alpha) B mu Q' <= objective M (chi2 alpha) B mu Q) <->
  stationary_table M B mu alpha Q.
Proof.
move=> B_ok mu_in mu_ge0 alpha_gt0 w_ge0; split=> [Q_max|stat Q'].
  exact: maximiser_stationary.
exact: stationary_table_maximum.
Qed.
