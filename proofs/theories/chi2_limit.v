(** * Large α: the χ² objective goes over into behaviour cloning

    J with χ² is J with φ = id less the mean square of the implied reward, over 4α. So it
    converges to it, uniformly on bounded tables, and a maximiser lacks little of what φ = id
    can reach. On the teacher's data its policy therefore converges to the projected teacher,
    at a rate that names its constant. *)

From Bellman Require Export cloning.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** How large α has to be. *)

Lemma large_alpha C eps alpha :
  0 <= C -> 0 < eps -> (C + 1) / (4 * eps) <= alpha -> 0 < alpha /\ C / (4 * alpha) <= eps.
Proof.
move=> C_ge0 eps_gt0 le_alpha.
have a0_gt0 : 0 < (C + 1) / (4 * eps) by apply: Rdiv_lt_0_compat; lra.
have alpha_gt0 : 0 < alpha by lra.
split=> //; apply: (Rmult_le_reg_r (4 * alpha)); first by lra.
have -> : C / (4 * alpha) * (4 * alpha) = C by field; lra.
have : (C + 1) / (4 * eps) * (4 * eps) <= alpha * (4 * eps) by apply: Rmult_le_compat_r; lra.
have -> : (C + 1) / (4 * eps) * (4 * eps) = C + 1 by field; lra.
by lra.
Qed.

Section Limit.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Implicit Types (mu pi Q : S -> A -> R) (d : S -> R) (s : S) (a : A) (alpha eps K : R).

Let J phi mu Q := objective M phi B mu Q.
Let square mu Q := mean_square M B mu Q.

(** ** The objective converges

    At every table, *)

Theorem chi2_gap alpha mu Q :
  0 < alpha -> J identity mu Q - J (chi2 alpha) mu Q = square mu Q / (4 * alpha).
Proof. by move=> alpha_gt0; rewrite /J objective_chi2 // /square; ring. Qed.

Theorem chi2_converges mu Q eps :
  (forall s a, 0 <= mu s a) -> 0 < eps ->
  exists alpha0, 0 < alpha0 /\
    forall alpha, alpha0 <= alpha -> Rabs (J (chi2 alpha) mu Q - J identity mu Q) <= eps.
Proof.
move=> mu_ge0 eps_gt0; have sq_ge0 : 0 <= square mu Q by apply: mean_square_ge0.
exists ((square mu Q + 1) / (4 * eps)); split; first by apply: Rdiv_lt_0_compat; lra.
move=> alpha /(large_alpha sq_ge0 eps_gt0)[alpha_gt0 small].
rewrite Rabs_minus_sym chi2_gap // Rabs_pos_eq //.
by apply: Rmult_le_pos => //; apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
Qed.

(** and uniformly on the tables with |Q| ≤ K. *)

Definition bounded K Q := forall s a, a \in offers M s -> Rabs (Q s a) <= K.

Lemma soft_value_bounded K Q s : bounded K Q -> Rabs (soft_value B Q s) <= K + ln (INR #|A|).
Proof.
move=> Q_le; have [B0 sBO] := B_ok s; have /set0Pn[a aB] := B0.
have Q_in b : b \in B s -> - K <= Q s b <= K.
  move=> bB; have := Q_le s b (subsetP sBO b bB).
  by have := Rle_abs (Q s b); have := Rle_abs (- Q s b); rewrite Rabs_Ropp; lra.
have card_gt0 : (0 < #|B s|)%N by rewrite card_gt0.
have one_le : 1 <= INR #|B s| by apply: (le_INR 1); apply/leP.
have card_le : INR #|B s| <= INR #|A| by apply: le_INR; apply/leP; apply: max_card.
have ln_ge0 : 0 <= ln (INR #|A|) by rewrite -ln_1; apply: ln_le; lra.
have le_K : soft_value B Q s <= K + ln (INR #|A|).
  apply: Rle_trans (lse_le (r := fun=> K) B0 (fun b bB => proj2 (Q_in b bB))) _.
  have -> : lse (B s) (fun=> K) = ln (INR #|B s|) + K.
    by rewrite /lse sum_const ln_mult ?ln_exp //; [lra|apply: exp_pos].
  by have := ln_le _ _ (Rlt_le_trans _ _ _ Rlt_0_1 one_le) card_le; lra.
by apply: Rabs_le; have := lse_ge (Q s) aB; have := Q_in a aB; rewrite /soft_value in le_K *; lra.
Qed.

(** The largest implied reward of such tables. *)

Definition largest_reward K := K + gamma M * (K + ln (INR #|A|)).

Lemma implied_reward_bounded K Q s a :
  bounded K Q -> a \in offers M s -> Rabs (implied_reward M B Q s a) <= largest_reward K.
Proof.
move=> Q_le aO; set c := K + ln (INR #|A|).
have V_le s' : Rabs (soft_value B Q s') <= c by apply: soft_value_bounded.
have c_ge0 : 0 <= c by apply: Rle_trans (V_le s); apply: Rabs_pos.
have hi : expected M (soft_value B Q) s a <= c.
  apply: Rle_trans (expected_const_le M s a c_ge0); apply: expected_le => s'.
  by have := Rle_abs (soft_value B Q s'); have := V_le s'; lra.
have lo : - c <= expected M (soft_value B Q) s a.
  suff : expected M (fun s' => - 1 * soft_value B Q s') s a <= c by rewrite expected_scale; lra.
  apply: Rle_trans (expected_const_le M s a c_ge0); apply: expected_le => s'.
  by have := Rle_abs (- soft_value B Q s'); rewrite Rabs_Ropp; have := V_le s'; lra.
have Q_in : - K <= Q s a <= K.
  have := Q_le s a aO; have := Rle_abs (Q s a); have := Rle_abs (- Q s a); rewrite Rabs_Ropp; lra.
rewrite /implied_reward /discounted_next /largest_reward -/c; have g_ge0 := gamma_ge0 M.
by apply: Rabs_le; nra.
Qed.

Definition total mu := \sum_s \sum_(a in offers M s) mu s a.

Theorem chi2_uniform alpha mu K Q :
  0 < alpha -> (forall s a, 0 <= mu s a) -> bounded K Q ->
  0 <= J identity mu Q - J (chi2 alpha) mu Q
    <= total mu * (largest_reward K * largest_reward K) / (4 * alpha).
Proof.
move=> alpha_gt0 mu_ge0 Q_le; have inv_ge0 : 0 <= / (4 * alpha).
  by apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
rewrite chi2_gap //; split; first exact: Rmult_le_pos (mean_square_ge0 M B Q mu_ge0) inv_ge0.
apply: Rmult_le_compat_r => //; rewrite /square /mean_square /total -sum_scale_r.
apply: sum_le => s _; rewrite -sum_scale_r; apply: sum_le => a aO; apply: Rmult_le_compat_l => //.
have R_le := implied_reward_bounded Q_le aO.
rewrite -/(Rsqr (implied_reward M B Q s a)) -/(Rsqr (largest_reward K)) Rsqr_abs.
by apply: Rsqr_incr_1 => //; [apply: Rabs_pos|apply: Rle_trans R_le; apply: Rabs_pos].
Qed.

(** ** What a maximiser lacks

    [X] is any set of tables in which the maximiser was looked for, all of them included. *)

Theorem chi2_maximiser_near (X : (S -> A -> R) -> Prop) alpha mu Q Q' :
  0 < alpha -> (forall s a, 0 <= mu s a) ->
  (forall Q', X Q' -> J (chi2 alpha) mu Q' <= J (chi2 alpha) mu Q) -> X Q' ->
  J identity mu Q' - square mu Q' / (4 * alpha) <= J identity mu Q.
Proof.
move=> alpha_gt0 mu_ge0 Q_max XQ'; have := Q_max Q' XQ'; have := chi2_gap mu Q' alpha_gt0.
by have := objective_le M B Q mu_ge0 (fun x => chi2_le_identity x alpha_gt0); rewrite /J; lra.
Qed.

(** On bounded tables: for every ε there is an α beyond which every maximiser is ε-optimal for
    φ = id. *)

Theorem chi2_maximiser_eps (X : (S -> A -> R) -> Prop) K mu eps :
  (forall s a, 0 <= mu s a) -> (forall Q, X Q -> bounded K Q) -> 0 < eps ->
  exists alpha0, 0 < alpha0 /\
    forall alpha Q, alpha0 <= alpha ->
      (forall Q', X Q' -> J (chi2 alpha) mu Q' <= J (chi2 alpha) mu Q) ->
      forall Q', X Q' -> J identity mu Q' - eps <= J identity mu Q.
Proof.
move=> mu_ge0 X_bounded eps_gt0; set C := total mu * (largest_reward K * largest_reward K).
have C_ge0 : 0 <= C.
  apply: Rmult_le_pos; last exact: Rle_0_sqr.
  by apply: sum_ge0 => s _; apply: sum_ge0.
exists ((C + 1) / (4 * eps)); split; first by apply: Rdiv_lt_0_compat; lra.
move=> alpha Q /(large_alpha C_ge0 eps_gt0)[alpha_gt0 small] Q_max Q' XQ'.
have := chi2_maximiser_near alpha_gt0 mu_ge0 Q_max XQ'.
by have [_] := chi2_uniform alpha_gt0 mu_ge0 (X_bounded _ XQ'); rewrite chi2_gap // -/C; lra.
Qed.

(** ** The policy of a maximiser converges

    A divergence bounds the distance of the policies (Hellinger): it is at least
    Σ (√π − √π')². *)

Lemma kl_term u v : 0 <= u -> 0 < v -> 2 * u - 2 * (sqrt u * sqrt v) <= u * (ln u - ln v).
Proof.
case=> [u_gt0|<-] v_gt0; last by rewrite sqrt_0; lra.
have [x_gt0 y_gt0] := (sqrt_lt_R0 u u_gt0, sqrt_lt_R0 v v_gt0).
have [u_eq v_eq] := (sqrt_sqrt u (Rlt_le _ _ u_gt0), sqrt_sqrt v (Rlt_le _ _ v_gt0)).
rewrite -{1 3 4}u_eq -{2}v_eq !ln_mult //; set x := sqrt u in x_gt0 *; set y := sqrt v in y_gt0 *.
have inv_gt0 := Rinv_0_lt_compat _ x_gt0.
have := ln_le_sub1 (y * / x); rewrite ln_mult // ln_Rinv // => line.
have {}line := line (Rmult_lt_0_compat _ _ y_gt0 inv_gt0).
have := Rmult_le_compat_l (2 * (x * x)) _ _ _ line.
have -> : 2 * (x * x) * (y * / x - 1) = 2 * (x * y) - 2 * (x * x) by field; lra.
by move=> /(_ ltac:(nra)); lra.
Qed.

Lemma kl_close pi Q s a :
  policy_on B pi -> a \in B s ->
  (pi s a - student M B Q s a) * (pi s a - student M B Q s a) <= 4 * kl B pi (student M B Q) s.
Proof.
move=> pi_on aB; have [pi_ge0 pi1] := pi_on s.
have stud_on : policy_on B (student M B Q).
  by apply: projection_policy; apply: boltzmann_projectable => s'; apply: (candidates_some _ B_ok).
have [st_ge0 st1] := stud_on s.
have st_gt0 b : b \in B s -> 0 < student M B Q s b.
  by move=> bB; rewrite /student projection_boltzmann ?(candidates_some _ B_ok) //; apply: boltzmann_gt0.
pose h b := (sqrt (pi s b) - sqrt (student M B Q s b)) * (sqrt (pi s b) - sqrt (student M B Q s b)).
have kl_ge : \sum_(b in B s) h b <= kl B pi (student M B Q) s.
  suff -> : \sum_(b in B s) h b =
      \sum_(b in B s) (2 * pi s b - 2 * (sqrt (pi s b) * sqrt (student M B Q s b))).
    by apply: sum_le => b bB; apply: kl_term; [apply: pi_ge0|apply: st_gt0].
  transitivity (\sum_(b in B s) (pi s b + student M B Q s b
      - 2 * (sqrt (pi s b) * sqrt (student M B Q s b)))).
    apply: eq_bigr => b bB; rewrite /h.
    by have := sqrt_sqrt _ (pi_ge0 b bB); have := sqrt_sqrt _ (st_ge0 b bB); lra.
  by rewrite !sum_sub sum_add !sum_scale pi1 st1; ring.
have h_le : h a <= \sum_(b in B s) h b.
  by apply: (@sum_ge_term A (mem (B s)) h a aB) => b _; apply: Rle_0_sqr.
have root_le1 (x : R) : 0 <= x -> x <= 1 -> 0 <= sqrt x <= 1.
  by move=> x_ge0 x_le1; split; [apply: sqrt_pos|rewrite -sqrt_1; apply: sqrt_le_1; lra].
have [pi_le1 st_le1] : pi s a <= 1 /\ student M B Q s a <= 1.
  by split; [rewrite -pi1|rewrite -st1]; apply: (@sum_ge_term A (mem (B s))).
have := root_le1 _ (pi_ge0 a aB) pi_le1; have := root_le1 _ (st_ge0 a aB) st_le1.
suff -> : pi s a - student M B Q s a =
    (sqrt (pi s a) - sqrt (student M B Q s a)) * (sqrt (pi s a) + sqrt (student M B Q s a)).
  have h_a := erefl (h a); rewrite {2}/h in h_a; rewrite h_a in h_le.
  set x := sqrt (pi s a) in h_le *.
  set y := sqrt (student M B Q s a) in h_le *.
  move=> y_in x_in; have sq_le : (x + y) * (x + y) <= 2 * 2 by apply: Rmult_le_compat; lra.
  have := Rmult_le_compat_l _ _ _ (Rle_0_sqr (x - y)) sq_le; rewrite /Rsqr; lra.
by have := sqrt_sqrt _ (pi_ge0 a aB); have := sqrt_sqrt _ (st_ge0 a aB); lra.
Qed.

(** On data of the projected teacher: let Q maximise J with χ² among the tables X, all of them
    for example, Q* among them. Where the data have been, the square distance of its policy
    from the projected teacher's is at most a constant over α. *)

Theorem chi2_policy_converges (X : (S -> A -> R) -> Prop) alpha d Q s a :
  0 < alpha -> (forall s, 0 <= d s) ->
  let pi := projection B (teacher M) in
  let mu := data_of d pi in
  X (Q_star M) -> (forall Q', X Q' -> J (chi2 alpha) mu Q' <= J (chi2 alpha) mu Q) -> a \in B s ->
  d s * ((pi s a - student M B Q s a) * (pi s a - student M B Q s a)) <= square mu (Q_star M) / alpha.
Proof.
move=> alpha_gt0 d_ge0 pi mu X_star Q_max aB; have pi_on := projected_teacher_policy B_ok.
have mu_ge0 s' a' : 0 <= mu s' a'.
  apply: Rmult_le_pos => //; rewrite /pi; have [aB'|/negbTE aN] := boolP (a' \in B s').
    by case: (pi_on s') => ge0 _; apply: ge0.
  by rewrite /projection aN; lra.
have near := chi2_maximiser_near alpha_gt0 mu_ge0 Q_max X_star.
have gap := cloning_gap d Q B_ok; rewrite /= -/pi -/mu -/(J _ _ _) -/(J _ _ _) in gap.
have term_le : d s * kl B pi (student M B Q) s <= mean_kl B d pi (student M B Q).
  apply: (@sum_ge_term S xpredT (fun s => d s * kl B pi (student M B Q) s)) => // s' _.
  by apply: Rmult_le_pos => //; apply: kl_ge0.
have close := Rmult_le_compat_l _ _ _ (d_ge0 s) (kl_close Q pi_on aB).
have -> : square mu (Q_star M) / alpha = 4 * (square mu (Q_star M) / (4 * alpha)) by field; lra.
by rewrite -/pi in close; lra.
Qed.

End Limit.

(** With all actions kept, the constant is the mean square of the reward itself. *)

Lemma mean_square_Q_star (S A : finType) (M : mdp S A) mu :
  mean_square M (offers M) mu (Q_star M) =
  \sum_s \sum_(a in offers M s) mu s a * (reward M s a * reward M s a).
Proof.
by apply: eq_bigr => s _; apply: eq_bigr => a _; rewrite implied_reward_fixed //; apply: Q_star_eq.
Qed.
