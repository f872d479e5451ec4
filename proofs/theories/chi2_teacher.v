(** * When the χ² objective has the teacher as its maximiser

    Only if there is nothing to gain: in any model, with data of the projected teacher, a table
    with the projected teacher's policy maximises J with χ² only if its implied reward is 0
    wherever the data have been. For then shrinking the implied reward towards 0 changes the
    policy's part of J to second order only, and the square of the reward to first order.
    A table with the implied reward 0 has the most random policy there is, not the teacher's. *)

From Bellman Require Export cloning chi2_concave.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** ** Log-sum-exp to second order *)

(** The exponential below 1/2 is at most 1 + y + 2y². *)

Lemma exp_le_square y : y <= 1 / 2 -> exp y <= 1 + y + 2 * (y * y).
Proof.
move=> y_le; have e_gt0 := exp_pos (- y); have := exp_ineq1_le (- y) => e_ge.
rewrite -[y in exp y]Ropp_involutive exp_Ropp.
apply: (Rmult_le_reg_l (exp (- y))) => //; rewrite Rinv_r; last lra.
have sq := Rle_0_sqr y; rewrite /Rsqr in sq.
have : (1 - y) * (1 + y + 2 * (y * y)) <= exp (- y) * (1 + y + 2 * (y * y)).
  by apply: Rmult_le_compat_r; nra.
nra.
Qed.

(** Changing q by h changes its log-sum-exp by the mean of h, up to twice the mean square. *)

Lemma lse_second_order (A : finType) (B : {set A}) (q q' : A -> R) :
  B != set0 -> (forall a, a \in B -> q' a - q a <= 1 / 2) ->
  lse B q' <= lse B q + \sum_(a in B) exp (q a - lse B q) *
                          ((q' a - q a) + 2 * ((q' a - q a) * (q' a - q a))).
Proof.
move=> B0 h_le; pose w a := exp (q a - lse B q); have [w_ge0 w1] := boltzmann_distribution q B0.
have mean_gt0 : 0 < \sum_(a in B) w a * exp (q' a - q a).
  have /set0Pn[a aB] := B0; apply: (sum_gt0 aB) => [b _|].
    by apply: Rlt_le; apply: Rmult_lt_0_compat; apply: exp_pos.
  by apply: Rmult_lt_0_compat; apply: exp_pos.
have -> : lse B q' = lse B q + ln (\sum_(a in B) w a * exp (q' a - q a)).
  rewrite -{1}[lse B q]ln_exp -ln_mult //; last exact: exp_pos.
  rewrite -sum_scale; congr ln; apply: eq_bigr => a _.
  by rewrite /w -!exp_plus; congr exp; ring.
apply: Rplus_le_compat_l; apply: Rle_trans (ln_le_sub1 _ mean_gt0) _.
rewrite -{1}w1 -sum_sub; apply: sum_le => a aB.
have := Rmult_le_compat_l _ _ _ (w_ge0 a aB) (exp_le_square (h_le a aB)); rewrite /w; lra.
Qed.

Section Teacher.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Implicit Types (mu Q x y : S -> A -> R) (s : S) (a : A) (t alpha k : R).

Let B0 s : B s != set0 := candidates_some s B_ok.
Let table x := table_of M B x.

(** Tables that imply rewards within k of each other are within k/(1 − γ) of each other. *)

Lemma table_of_close x y k s a :
  0 <= k -> (forall s a, a \in B s -> y s a <= x s a + k) -> a \in B s ->
  table y s a <= table x s a + k / (1 - gamma M).
Proof.
move=> k_ge0 le_xy; have [g_ge0 g_lt1] := discount_bounds M; set c := k / (1 - gamma M).
have c_eq : c = k + gamma M * c by rewrite /c; field; lra.
have c_ge0 : 0 <= c by apply: Rmult_le_pos => //; apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
move: s a; apply: (@Q_p_star_le _ _ (with_reward M y) B) => // s a aB.
apply: Rle_trans (@T_p_discounting _ _ (with_reward M y) _ B_ok (table x) c c_ge0 s a) _.
have x_eq : table x s a = x s a + discounted_next M B (table x) s a by apply: table_of_eq.
have -> : T_p (with_reward M y) B (table x) s a = y s a + discounted_next M B (table x) s a by [].
by have := le_xy s a aB; rewrite /= -/(table x) x_eq; lra.
Qed.

Theorem chi2_maximiser_is_teacher alpha d Q :
  0 < alpha -> (forall s, 0 <= d s) ->
  let mu := data_of d (projection B (teacher M)) in
  (forall Q', objective M (chi2 alpha) B mu Q' <= objective M (chi2 alpha) B mu Q) ->
  (forall s a, 0 < d s -> a \in B s -> student M B Q s a = projection B (teacher M) s a) ->
  forall s a, 0 < d s -> a \in B s -> implied_reward M B Q s a = 0.
Proof.
move=> alpha_gt0 d_ge0 mu Q_max Q_teacher; have [g_ge0 g_lt1] := discount_bounds M.
have pi_on := projected_teacher_policy B_ok.
have mu_in s a : a \notin B s -> mu s a = 0.
  by move=> /negbTE aN; rewrite /mu /data_of /projection aN Rmult_0_r.
have mu_ge0 s a : 0 <= mu s a.
  have [aB|aN] := boolP (a \in B s); last by rewrite mu_in //; apply: Rle_refl.
  by apply: Rmult_le_pos => //; case: (pi_on s) => ge0 _; apply: ge0.
have row f s : \sum_(a in offers M s) mu s a * f a = \sum_(a in B s) mu s a * f a.
  rewrite (sum_setID _ (B s)) [X in _ + X]big1 ?Rplus_0_r => [|a]; last first.
    by rewrite inE => /andP[aN _]; rewrite mu_in // Rmult_0_l.
  by have /setIidPr -> : B s \subset offers M s by case: (B_ok s).
pose x := implied_reward M B Q; pose K := supported_norm B x / (1 - gamma M).
have norm_ge0 := supported_norm_ge0 B x.
have inv_g : 0 < / (1 - gamma M) by apply: Rinv_0_lt_compat; lra.
have K_ge0 : 0 <= K by apply: Rmult_le_pos; lra.
pose X := mean_square M B mu Q; pose W := \sum_s \sum_(a in offers M s) mu s a.
have X_ge0 : 0 <= X by apply: mean_square_ge0.
have W_ge0 : 0 <= W by apply: sum_ge0 => s _; apply: sum_ge0.
(* the first and second order of shrinking x to (1 - t) x *)
have shrink t : 0 <= t -> t * K <= 1 / 2 ->
    t * (X / (2 * alpha)) - t * t * (X / (4 * alpha) + 2 * (K * K) * W) <= 0.
  move=> t_ge0 tK; pose y s a := (1 - t) * x s a; pose Qt := table y.
  have close s a : a \in B s -> Rabs (Qt s a - Q s a) <= t * K.
    move=> aB; have norm s' a' (aB' : a' \in B s') := supported_norm_ge x aB'.
    have k_ge0 : 0 <= t * supported_norm B x by apply: Rmult_le_pos.
    have tK_eq : t * K = t * supported_norm B x / (1 - gamma M) by rewrite /K; field; lra.
    have x_in s' a' : a' \in B s' -> - (t * supported_norm B x) <= t * x s' a' <= t * supported_norm B x.
      move=> aB'; have := norm s' a' aB'; have := Rle_abs (x s' a'); have := Rle_abs (- x s' a').
      by rewrite Rabs_Ropp => lo hi nm; split; nra.
    have y_le s' a' : a' \in B s' -> y s' a' <= x s' a' + t * supported_norm B x.
      by move=> aB'; have := x_in s' a' aB'; rewrite /y; lra.
    have x_le s' a' : a' \in B s' -> x s' a' <= y s' a' + t * supported_norm B x.
      by move=> aB'; have := x_in s' a' aB'; rewrite /y; lra.
    have := table_of_close k_ge0 y_le aB; have := table_of_close k_ge0 x_le aB.
    rewrite -tK_eq -/Qt /table /x table_of_reward // => lo hi.
    by apply: Rabs_le; lra.
  pose f s := soft_value B Qt s - soft_value B Q s.
  have f_next s a : gamma M * expected M f s a = discounted_next M B Qt s a - discounted_next M B Q s a.
    by rewrite /discounted_next -Rmult_minus_distr_l -expected_sub.
  have diff s a : a \in B s -> Qt s a - Q s a = - t * x s a + gamma M * expected M f s a.
    move=> aB; have -> : Q s a = x s a + discounted_next M B Q s a.
      by rewrite /x /implied_reward; ring.
    have -> : Qt s a = y s a + discounted_next M B Qt s a by apply: table_of_eq.
    by rewrite f_next /y; ring.
  have f_le s : f s <= \sum_(a in B s) boltzmann B Q s a *
      ((Qt s a - Q s a) + 2 * ((Qt s a - Q s a) * (Qt s a - Q s a))).
    have := @lse_second_order _ (B s) (Q s) (Qt s) (B0 s).
    rewrite /f /soft_value => second.
    suff : lse (B s) (Qt s) <= lse (B s) (Q s) + \sum_(a in B s) boltzmann B Q s a *
      ((Qt s a - Q s a) + 2 * ((Qt s a - Q s a) * (Qt s a - Q s a))) by lra.
    apply: second => a aB; have := close s a aB; have := Rle_abs (Qt s a - Q s a); lra.
  have state s : \sum_(a in offers M s) mu s a * (t * x s a - 2 * (t * K * (t * K))) <=
      \sum_(a in offers M s) mu s a * (gamma M * expected M f s a - f s).
    rewrite !row; have [d_gt0|d0] := d_ge0 s; last first.
      by apply: Req_le; apply: eq_bigr => a _; rewrite /mu /data_of -d0; ring.
    have mu_eq a : a \in B s -> mu s a = d s * boltzmann B Q s a.
      by move=> aB; rewrite /mu /data_of -Q_teacher // /student projection_boltzmann.
    have f_sum : \sum_(a in B s) mu s a * f s = d s * f s.
      rewrite sum_scale_r; congr (_ * _); have [_ pi1] := pi_on s.
      by rewrite -[RHS]Rmult_1_r -pi1 -sum_scale.
    have f_le' := Rmult_le_compat_l _ _ _ (d_ge0 s) (f_le s).
    have -> : \sum_(a in B s) mu s a * (gamma M * expected M f s a - f s) =
        \sum_(a in B s) mu s a * (gamma M * expected M f s a) - d s * f s.
      by rewrite -f_sum -sum_sub; apply: eq_bigr => a _; ring.
    suff : \sum_(a in B s) mu s a * (t * x s a - 2 * (t * K * (t * K))) <=
        \sum_(a in B s) mu s a * (gamma M * expected M f s a) - d s * (\sum_(a in B s) boltzmann B Q s a *
          ((Qt s a - Q s a) + 2 * ((Qt s a - Q s a) * (Qt s a - Q s a)))) by lra.
    rewrite -sum_scale -sum_sub; apply: sum_le => a aB.
    have := mu_eq a aB => mu_a; rewrite -(Rmult_assoc (d s)) -mu_a -Rmult_minus_distr_l.
    apply: Rmult_le_compat_l => //; have := close s a aB; rewrite (diff s a aB).
    set h := - t * x s a + _ => h_le.
    have sq_le : h * h <= t * K * (t * K).
      rewrite -/(Rsqr h) -/(Rsqr (t * K)) Rsqr_abs.
      by apply: Rsqr_incr_1 => //; [apply: Rabs_pos|apply: Rmult_le_pos].
    by rewrite /h in sq_le *; lra.
  have := Q_max Qt; rewrite /objective => le_max.
  have total : \sum_s \sum_(a in offers M s) mu s a * (chi2 alpha (y s a) - chi2 alpha (x s a))
      + \sum_s \sum_(a in offers M s) mu s a * (gamma M * expected M f s a - f s) <= 0.
    suff -> : \sum_s \sum_(a in offers M s) mu s a * (chi2 alpha (y s a) - chi2 alpha (x s a))
        + \sum_s \sum_(a in offers M s) mu s a * (gamma M * expected M f s a - f s)
      = objective M (chi2 alpha) B mu Qt - objective M (chi2 alpha) B mu Q by rewrite /objective; lra.
    rewrite /objective -sum_add -sum_sub; apply: eq_bigr => s _.
    rewrite -sum_add -sum_sub; apply: eq_bigr => a _.
    have -> : implied_reward M B Qt s a = y s a by apply: reward_of_table.
    by rewrite -/x f_next /f; ring.
  have states : \sum_s \sum_(a in offers M s) mu s a * (t * x s a - 2 * (t * K * (t * K))) <=
      \sum_s \sum_(a in offers M s) mu s a * (gamma M * expected M f s a - f s) by apply: sum_le.
  suff eq_sum : t * (X / (2 * alpha)) - t * t * (X / (4 * alpha) + 2 * (K * K) * W) =
      \sum_s \sum_(a in offers M s) mu s a * (chi2 alpha (y s a) - chi2 alpha (x s a))
      + \sum_s \sum_(a in offers M s) mu s a * (t * x s a - 2 * (t * K * (t * K))) by lra.
  transitivity (t * (2 - t) / (4 * alpha) * X - 2 * (t * K * (t * K)) * W); first by field; lra.
  rewrite /X /W /mean_square -!sum_scale -sum_sub -sum_add; apply: eq_bigr => s _.
  rewrite -!sum_scale -sum_sub -sum_add; apply: eq_bigr => a _.
  by rewrite -/x /y /chi2; field; lra.
(* so there is no first order *)
have X0 : X = 0.
  apply: Rle_antisym => //; apply: Rnot_lt_le => X_gt0.
  pose u := X / (2 * alpha); pose C := X / (4 * alpha) + 2 * (K * K) * W.
  have u_gt0 : 0 < u by apply: Rdiv_lt_0_compat; lra.
  have C_ge0 : 0 <= C.
    apply: Rplus_le_le_0_compat.
      by apply: Rmult_le_pos => //; apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
    by apply: Rmult_le_pos => //; apply: Rmult_le_pos; [lra|apply: Rle_0_sqr].
  have den_gt0 : 0 < (2 * K + 1) * u + C + 1 by nra.
  pose t := u / ((2 * K + 1) * u + C + 1); have t_gt0 : 0 < t by apply: Rdiv_lt_0_compat.
  have t_eq : t * (2 * K + 1) * u + t * C + t = u by rewrite /t; field; lra.
  have tK : t * K <= 1 / 2.
    suff : t * (2 * K + 1) <= 1 by nra.
    apply: (Rmult_le_reg_r u) => //; have := Rmult_le_pos _ _ (Rlt_le _ _ t_gt0) C_ge0; lra.
  have := shrink t (Rlt_le _ _ t_gt0) tK; rewrite -/u -/C.
  have tC : t * C < u.
    have K1 : 0 <= 2 * K + 1 by lra.
    have := Rmult_le_pos _ _ (Rmult_le_pos _ _ (Rlt_le _ _ t_gt0) K1) (Rlt_le _ _ u_gt0); lra.
  nra.
move=> s a d_gt0 aB.
have term_ge0 s' a' : a' \in offers M s' -> 0 <= mu s' a' * (x s' a' * x s' a').
  by move=> _; apply: Rmult_le_pos => //; apply: Rle_0_sqr.
have row_ge0 s' (_ : true) := sum_ge0 (index_enum A) (term_ge0 s').
have row0 := sum_eq0 row_ge0 X0 (i := s) erefl.
have /Rmult_integral[mu0|/Rmult_integral[]//] :=
  sum_eq0 (term_ge0 s) row0 (candidates_sub B_ok aB).
have mu_gt0 : 0 < mu s a.
  apply: Rmult_lt_0_compat => //; rewrite projection_boltzmann //; exact: boltzmann_gt0.
by rewrite /x in mu0; lra.
Qed.

End Teacher.
