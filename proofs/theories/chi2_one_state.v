(** * What the χ² objective is not: its maximiser is not the teacher

    One state with a self loop, all actions, data of the teacher w. There Q and the implied
    reward δ determine each other, and J(Q) = Σ w(a) φ(δ(a)) − log Σ exp δ(a), whatever the
    discount. So it is plain what maximises J: with φ(x) = x − x²/(4α), a table is a maximiser
    if w(a) (1 − δ(a)/(2α)) is its own policy, and it can have the teacher's policy only if the
    teacher is uniform. *)

From Bellman Require Export loop chi2_teacher chi2_maximiser.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section OneState.

Variables (A : finType) (w : A -> R) (g : R).
Hypotheses (w_gt0 : forall a, 0 < w a) (w_total : \sum_a w a = 1) (g_bounds : 0 <= g < 1).
Implicit Types (phi : R -> R) (x y : A -> R) (Q : unit -> A -> R) (a : A) (alpha : R).

Let M := loop w_total g_bounds.
Let A0 : [set: A] != set0 := loop_offers_some w_total.

(** J of the teacher's data, all actions kept. *)

Definition loop_J phi Q := objective M phi (offers M) (teacher M) Q.

(** δ, and J as a function of it. *)

Definition delta Q a := implied_reward M (offers M) Q tt a.

Definition reward_objective phi x := \sum_a w a * phi (x a) - lse [set: A] x.

(** The table with the implied reward x. *)

Definition loop_table x : unit -> A -> R := fun _ a => x a + g / (1 - g) * lse [set: A] x.

Lemma delta_eq Q a : delta Q a = Q tt a + - (g * lse [set: A] (Q tt)).
Proof. by rewrite /delta /implied_reward /discounted_next expected_loop. Qed.

Lemma lse_delta Q : lse [set: A] (delta Q) = (1 - g) * lse [set: A] (Q tt).
Proof. by rewrite (lse_ext (fun a _ => delta_eq Q a)) lse_shift //; ring. Qed.

Lemma delta_loop_table x a : delta (loop_table x) a = x a.
Proof. by rewrite delta_eq /loop_table lse_shift //; field; lra. Qed.

Lemma loop_J_delta phi Q : loop_J phi Q = reward_objective phi (delta Q).
Proof.
rewrite /loop_J /objective sum_unit /reward_objective lse_delta.
rewrite (eq_bigl xpredT) => [|a]; last by rewrite inE.
transitivity (\sum_a w a * phi (delta Q a) - (\sum_a w a) * ((1 - g) * lse [set: A] (Q tt))).
  rewrite -sum_scale_r -sum_sub; apply: eq_bigr => a _.
  by rewrite teacher_loop // /discounted_next expected_loop /delta /soft_value /=; ring.
by rewrite w_total; ring.
Qed.

Lemma loop_J_table phi x : loop_J phi (loop_table x) = reward_objective phi x.
Proof.
rewrite loop_J_delta /reward_objective (lse_ext (fun a _ => delta_loop_table x a)); congr (_ - _).
by apply: eq_bigr => a _; rewrite delta_loop_table.
Qed.

(** The policy of Q is the Boltzmann policy of its implied reward. *)

Lemma policy_delta Q a : boltzmann (offers M) Q tt a = exp (delta Q a - lse [set: A] (delta Q)).
Proof. by rewrite lse_delta delta_eq /boltzmann /soft_value /=; congr exp; ring. Qed.

(** ** A sufficient condition for the maximiser *)

Definition stationary alpha x := forall a, w a * (1 - x a / (2 * alpha)) = exp (x a - lse [set: A] x).

Lemma start_weight_loop s : start_weight M (teacher M) s = 1 - g.
Proof.
rewrite /start_weight sum_unit; case: s; have [_ total1] := teacher_policy M tt.
rewrite total1 (eq_bigr (teacher M tt)) ?total1 /=; first by ring.
by move=> a _; rewrite Rmult_1_r.
Qed.

Lemma all_offered mu : inside (offers M) mu.
Proof. by move=> s a; rewrite inE. Qed.

(** If x is stationary, the table that implies it maximises J, *)

Theorem stationary_maximum alpha x Q :
  0 < alpha -> stationary alpha x -> loop_J (chi2 alpha) Q <= loop_J (chi2 alpha) (loop_table x).
Proof.
move=> alpha_gt0 x_stat; apply: stationary_table_maximum => //.
- exact: all_offered.
- by move=> s a; apply: Rlt_le; apply: teacher_gt0.
exists (fun=> 1); split; first split.
- by move=> s; lra.
- move=> s; rewrite start_weight_loop sum_unit.
  have [_ total1] := boltzmann_policy (loop_table x) (offers_some M) tt.
  rewrite (eq_bigr (boltzmann (offers M) (loop_table x) tt)) ?total1 => [|a _]; rewrite /=; ring.
- move=> [] a _; rewrite policy_delta -/(delta _ _) delta_loop_table teacher_loop // x_stat.
  by rewrite (lse_ext (fun b _ => delta_loop_table x b)) Rmult_1_l.
Qed.

(** and is the only one: every maximiser implies the same reward, so it has the same policy. *)

Theorem stationary_unique alpha x Q :
  0 < alpha -> stationary alpha x -> (forall Q', loop_J (chi2 alpha) Q' <= loop_J (chi2 alpha) Q) ->
  forall a, delta Q a = x a.
Proof.
move=> alpha_gt0 x_stat Q_max a; rewrite -(delta_loop_table x a).
apply: (@chi2_maximiser_reward _ _ M _ (candidates_offers M) (teacher M) _ _ alpha) => //.
- by move=> s b; apply: Rlt_le; apply: teacher_gt0.
- by move=> s; rewrite start_weight_loop; lra.
- by move=> Q'; apply: stationary_maximum.
- by rewrite inE.
- exact: teacher_gt0.
Qed.

(** ** The teacher is not it

    By chi2_teacher.v a maximiser with the teacher's policy implies the reward 0, so its policy
    is uniform. *)

Lemma loop_J_data phi Q :
  loop_J phi Q = objective M phi (offers M) (data_of (fun=> 1) (projection (offers M) (teacher M))) Q.
Proof.
apply: eq_bigr => s _; apply: eq_bigr => a aO; congr (_ * _).
by rewrite /data_of projection_id ?Rmult_1_l //; apply: teacher_policy.
Qed.

Theorem teacher_maximiser_uniform alpha Q :
  0 < alpha -> (forall Q', loop_J (chi2 alpha) Q' <= loop_J (chi2 alpha) Q) ->
  (forall a, boltzmann (offers M) Q tt a = w a) -> forall a b, w a = w b.
Proof.
move=> alpha_gt0 Q_max Q_teacher.
suff x0 a : delta Q a = 0 by move=> a b; rewrite -!Q_teacher !policy_delta !x0.
have M_ok := candidates_offers M; have one_ge0 (s : unit) : 0 <= 1 by lra.
apply: (chi2_maximiser_is_teacher M_ok alpha_gt0 one_ge0) => [Q'|s b _ bO||].
- by rewrite -!loop_J_data.
- rewrite /student !projection_id //; first by case: s bO => bO; rewrite Q_teacher teacher_loop.
    exact: teacher_policy.
  by apply: boltzmann_policy => s'; apply: offers_some.
- lra.
- by rewrite inE.
Qed.

(** The uniform teacher is one, with the implied reward 0, for every α. *)

Theorem uniform_teacher_maximiser alpha :
  0 < alpha -> (forall a b, w a = w b) ->
  (forall Q', loop_J (chi2 alpha) Q' <= loop_J (chi2 alpha) (loop_table (fun=> 0))) /\
  (forall a, boltzmann (offers M) (loop_table (fun=> 0)) tt a = w a).
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
rewrite policy_delta (lse_ext (fun a _ => delta_loop_table (fun=> 0) a)) delta_loop_table.
exact: uniform.
Qed.

End OneState.
