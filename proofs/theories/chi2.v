(** * What the χ² objective is not: its maximiser is not the teacher

    One state with a self loop, all actions, data of the teacher w. There Q and the implied
    reward δ determine each other, and J(Q) = Σ w(a) φ(δ(a)) − log Σ exp δ(a), whatever the
    discount. So it is plain what maximises J: with φ(x) = x − x²/(4α), a table is a maximiser
    if w(a) (1 − δ(a)/(2α)) is its own policy, and it can have the teacher's policy only if the
    teacher is uniform. *)

From Bellman Require Export loop objective.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

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

Section OneState.

Variables (A : finType) (w : A -> R) (g : R).
Hypotheses (w_gt0 : forall a, 0 < w a) (w_total : \sum_a w a = 1) (g_bounds : 0 <= g < 1).
Implicit Types (phi : R -> R) (x y : A -> R) (Q : unit -> A -> R) (a : A) (alpha : R).

Let M := loop w_total g_bounds.
Let A0 : [set: A] != set0 := loop_offers_some w_total.

(** J of the teacher's data, all actions kept. *)

Definition J phi Q := objective M phi (offers M) (teacher M) Q.

(** δ, and J as a function of it. *)

Definition delta Q a := implied_reward M (offers M) Q tt a.

Definition reward_objective phi x := \sum_a w a * phi (x a) - lse [set: A] x.

(** The table with the implied reward x. *)

Definition table_of x : unit -> A -> R := fun _ a => x a + g / (1 - g) * lse [set: A] x.

Lemma delta_eq Q a : delta Q a = Q tt a + - (g * lse [set: A] (Q tt)).
Proof. by rewrite /delta /implied_reward /discounted_next expected_loop. Qed.

Lemma lse_delta Q : lse [set: A] (delta Q) = (1 - g) * lse [set: A] (Q tt).
Proof. by rewrite (lse_ext (fun a _ => delta_eq Q a)) lse_shift //; ring. Qed.

Lemma delta_table_of x a : delta (table_of x) a = x a.
Proof. by rewrite delta_eq /table_of lse_shift //; field; lra. Qed.

Lemma J_delta phi Q : J phi Q = reward_objective phi (delta Q).
Proof.
rewrite /J /objective sum_unit /reward_objective lse_delta.
rewrite (eq_bigl xpredT) => [|a]; last by rewrite inE.
transitivity (\sum_a w a * phi (delta Q a) - (\sum_a w a) * ((1 - g) * lse [set: A] (Q tt))).
  rewrite -sum_scale_r -sum_sub; apply: eq_bigr => a _.
  by rewrite teacher_loop // /discounted_next expected_loop /delta /soft_value /=; ring.
by rewrite w_total; ring.
Qed.

Lemma J_table_of phi x : J phi (table_of x) = reward_objective phi x.
Proof.
rewrite J_delta /reward_objective (lse_ext (fun a _ => delta_table_of x a)); congr (_ - _).
by apply: eq_bigr => a _; rewrite delta_table_of.
Qed.

(** The policy of Q is the Boltzmann policy of its implied reward. *)

Lemma policy_delta Q a : boltzmann (offers M) Q tt a = exp (delta Q a - lse [set: A] (delta Q)).
Proof. by rewrite lse_delta delta_eq /boltzmann /soft_value /=; congr exp; ring. Qed.

(** ** A sufficient condition for the maximiser *)

Definition stationary alpha x := forall a, w a * (1 - x a / (2 * alpha)) = exp (x a - lse [set: A] x).

Lemma stationary_upper alpha x y :
  0 < alpha -> stationary alpha x ->
  reward_objective (chi2 alpha) y <=
  reward_objective (chi2 alpha) x - \sum_a w a * ((y a - x a) * (y a - x a) / (4 * alpha)).
Proof.
move=> alpha_gt0 x_stat; pose pi a := exp (x a - lse [set: A] x).
have pi_ok : distribution [set: A] pi by apply: boltzmann_distribution.
have sumT f : \sum_(a in [set: A]) f a = \sum_a f a by apply: eq_bigl => a; rewrite inE.
have at_y : entropy_value [set: A] pi y <= lse [set: A] y by apply: gibbs.
have at_x : entropy_value [set: A] pi x = lse [set: A] x by apply: gibbs_boltzmann.
suff eq_y : reward_objective (chi2 alpha) x
    - \sum_a w a * ((y a - x a) * (y a - x a) / (4 * alpha))
    + (entropy_value [set: A] pi y - entropy_value [set: A] pi x)
    = \sum_a w a * chi2 alpha (y a) - lse [set: A] x.
  by rewrite {1}/reward_objective; lra.
rewrite /reward_objective /entropy_value !sumT -sum_sub.
have -> : \sum_a (pi a * (y a - ln (pi a)) - pi a * (x a - ln (pi a))) =
          \sum_a w a * ((1 - x a / (2 * alpha)) * (y a - x a)).
  by apply: eq_bigr => a _; have := x_stat a; rewrite -/(pi a) => <-; ring.
rewrite [X in X = _](_ : _ = (\sum_a w a * chi2 alpha (x a)
    - \sum_a w a * ((y a - x a) * (y a - x a) / (4 * alpha))
    + \sum_a w a * ((1 - x a / (2 * alpha)) * (y a - x a))) - lse [set: A] x); last by ring.
congr (_ - _); rewrite -sum_sub -sum_add; apply: eq_bigr => a _.
by rewrite (chi2_tangent (x a) (y a)) //; ring.
Qed.

(** If x is stationary, the table that implies it maximises J, *)

Theorem stationary_maximum alpha x Q :
  0 < alpha -> stationary alpha x -> J (chi2 alpha) Q <= J (chi2 alpha) (table_of x).
Proof.
move=> alpha_gt0 x_stat; have := stationary_upper (delta Q) alpha_gt0 x_stat.
rewrite J_table_of J_delta.
suff : 0 <= \sum_a w a * ((delta Q a - x a) * (delta Q a - x a) / (4 * alpha)) by lra.
apply: sum_ge0 => a _; apply: Rmult_le_pos; first exact: Rlt_le.
by apply: Rmult_le_pos; [exact: Rle_0_sqr|apply: Rlt_le; apply: Rinv_0_lt_compat; lra].
Qed.

(** and is the only one: every maximiser implies the same reward, so it has the same policy. *)

Theorem stationary_unique alpha x Q :
  0 < alpha -> stationary alpha x -> (forall Q', J (chi2 alpha) Q' <= J (chi2 alpha) Q) ->
  forall a, delta Q a = x a.
Proof.
move=> alpha_gt0 x_stat Q_max; have := stationary_upper (delta Q) alpha_gt0 x_stat.
have := Q_max (table_of x).
rewrite J_table_of J_delta => ge_x le_x.
pose sq a := w a * ((delta Q a - x a) * (delta Q a - x a) / (4 * alpha)).
have inv_gt0 : 0 < / (4 * alpha) by apply: Rinv_0_lt_compat; lra.
have sq_ge0 a : true -> 0 <= sq a.
  move=> _; apply: Rmult_le_pos; first exact: Rlt_le.
  by apply: Rmult_le_pos; [exact: Rle_0_sqr|exact: Rlt_le].
have sum0 : \sum_a sq a = 0 by apply: Rle_antisym; [rewrite /sq; lra|apply: sum_ge0].
move=> a; have /Rmult_integral[] := sum_eq0 sq_ge0 sum0 (i := a) erefl; first by have := w_gt0 a; lra.
by case/Rmult_integral => [/Rmult_integral[]|]; lra.
Qed.

(** ** The teacher is not it

    Shrinking the implied reward of a table that has the teacher's policy towards 0 raises J,
    unless that reward is 0 already. *)

Lemma shrink alpha x t :
  0 < alpha -> 0 <= t -> (forall a, exp (x a - lse [set: A] x) = w a) ->
  (forall a, t * Rabs (x a) <= 1 / 2) ->
  reward_objective (chi2 alpha) x + t * (2 - t * (1 + 8 * alpha)) / (4 * alpha) * (\sum_a w a * (x a * x a))
  <= reward_objective (chi2 alpha) (fun a => (1 - t) * x a).
Proof.
move=> alpha_gt0 t_ge0 x_teacher t_small; set L := lse _ x in x_teacher *.
have lse_le : lse [set: A] (fun a => (1 - t) * x a) <=
    L + \sum_a (w a * (- t * x a + 2 * (t * x a * (t * x a)))).
  have -> : lse [set: A] (fun a => (1 - t) * x a) = ln (\sum_a w a * exp (- t * x a)) + L.
    rewrite -[X in _ = _ + X]ln_exp -ln_mult; [|idtac|exact: exp_pos]; last first.
      have /set0Pn[a _] := A0; apply: (sum_gt0 (i := a) erefl) => [b _|].
        by apply: Rlt_le; apply: Rmult_lt_0_compat => //; apply: exp_pos.
      by apply: Rmult_lt_0_compat => //; apply: exp_pos.
    rewrite -sum_scale_r /lse; congr ln; rewrite (eq_bigl xpredT) => [|a]; last by rewrite inE.
    by apply: eq_bigr => a _; rewrite -x_teacher -!exp_plus; congr exp; ring.
  rewrite Rplus_comm; apply: Rplus_le_compat_l; apply: Rle_trans (ln_le_sub1 _ _) _.
    have /set0Pn[a _] := A0; apply: (sum_gt0 (i := a) erefl) => [b _|].
      by apply: Rlt_le; apply: Rmult_lt_0_compat => //; apply: exp_pos.
    by apply: Rmult_lt_0_compat => //; apply: exp_pos.
  rewrite -{1}w_total -sum_sub; apply: sum_le => a _.
  have : exp (- t * x a) <= 1 + - t * x a + 2 * (- t * x a * (- t * x a)).
    apply: exp_le_square; have := Rle_abs (- x a); rewrite Rabs_Ropp => le_abs.
    by have := t_small a; nra.
  by move=> /(Rmult_le_compat_l _ _ _ (Rlt_le _ _ (w_gt0 a))); lra.
rewrite /reward_objective -/L.
suff eq_t : \sum_a w a * chi2 alpha (x a)
    + t * (2 - t * (1 + 8 * alpha)) / (4 * alpha) * (\sum_a w a * (x a * x a))
    + \sum_a (w a * (- t * x a + 2 * (t * x a * (t * x a))))
    = \sum_a w a * chi2 alpha ((1 - t) * x a) by lra.
rewrite -sum_scale -!sum_add; apply: eq_bigr => a _.
by rewrite /chi2; field; lra.
Qed.

Theorem teacher_maximiser_uniform alpha Q :
  0 < alpha -> (forall Q', J (chi2 alpha) Q' <= J (chi2 alpha) Q) ->
  (forall a, boltzmann (offers M) Q tt a = w a) -> forall a b, w a = w b.
Proof.
move=> alpha_gt0 Q_max Q_teacher; pose x := delta Q.
have x_teacher a : exp (x a - lse [set: A] x) = w a by rewrite -policy_delta.
suff x0 a : x a = 0 by move=> a b; rewrite -!x_teacher !x0.
pose K := \sum_a Rabs (x a); have K_ge a' : Rabs (x a') <= K.
  by apply: (@sum_ge_term A xpredT (fun a => Rabs (x a))) => // b _; apply: Rabs_pos.
have K_ge0 : 0 <= K by apply: Rle_trans (K_ge a); apply: Rabs_pos.
pose t := / (1 + 8 * alpha + 2 * K); have t_gt0 : 0 < t by apply: Rinv_0_lt_compat; lra.
have t_eq : t * (1 + 8 * alpha + 2 * K) = 1 by rewrite /t Rmult_comm Rinv_r //; lra.
have t_small b : t * Rabs (x b) <= 1 / 2 by have := K_ge b; nra.
have := shrink alpha_gt0 (Rlt_le _ _ t_gt0) x_teacher t_small.
have := Q_max (table_of (fun a => (1 - t) * x a)); rewrite J_table_of J_delta -/x => le_max ge_max.
have sq_ge0 b : true -> 0 <= w b * (x b * x b).
  by move=> _; apply: Rmult_le_pos; [exact: Rlt_le|exact: Rle_0_sqr].
have slope_gt0 : 0 < t * (2 - t * (1 + 8 * alpha)) / (4 * alpha).
  by apply: Rdiv_lt_0_compat; [apply: Rmult_lt_0_compat => //; nra|lra].
have sum0 : \sum_b w b * (x b * x b) = 0.
  by apply: Rle_antisym; [apply: Rnot_lt_le => sum_gt0; nra|apply: sum_ge0].
have /Rmult_integral[] := sum_eq0 sq_ge0 sum0 (i := a) erefl; first by have := w_gt0 a; lra.
by case/Rmult_integral.
Qed.

(** The uniform teacher is one, with the implied reward 0, for every α. *)

Theorem uniform_teacher_maximiser alpha :
  0 < alpha -> (forall a b, w a = w b) ->
  (forall Q', J (chi2 alpha) Q' <= J (chi2 alpha) (table_of (fun=> 0))) /\
  (forall a, boltzmann (offers M) (table_of (fun=> 0)) tt a = w a).
Proof.
move=> alpha_gt0 w_const.
have uniform a : exp (0 - lse [set: A] (fun=> 0)) = w a.
  rewrite Rminus_0_l exp_Ropp exp_lse //.
  have total : w a * (\sum_(b in [set: A]) exp 0) = 1.
    rewrite -sum_scale -w_total (eq_bigl xpredT) => [|b]; last by rewrite inE.
    by apply: eq_bigr => b _; rewrite exp_0 (w_const a b); ring.
  have sum_gt0 := sum_exp_gt0 (fun=> 0) A0.
  by apply: (Rmult_eq_reg_r (\sum_(b in [set: A]) exp 0)); rewrite ?total ?Rinv_l //; lra.
split=> [Q'|a].
  by apply: stationary_maximum => // a; rewrite (uniform a); field; lra.
rewrite policy_delta (lse_ext (fun a _ => delta_table_of (fun=> 0) a)) delta_table_of.
exact: uniform.
Qed.

End OneState.
