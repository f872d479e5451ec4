(** * What the χ² objective is not, in numbers

    One state with a self loop, two actions, the teacher (0.9, 0.1), γ = 0.9, and the published
    α = 0.1. In Q the objective is not concave. It has exactly one maximiser, which gives the
    first action about 0.64, and even the uniform policy is worth more than the teacher's. *)

From Bellman Require Export chi2_one_state.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** ** A few numbers *)

Lemma exp_pow8 y : exp y = exp (y / 8) ^ 8.
Proof. by rewrite /= Rmult_1_r -!exp_plus; congr exp; field. Qed.

Lemma exp_ge8 y : 0 <= 1 + y / 8 -> (1 + y / 8) ^ 8 <= exp y.
Proof. by move=> y_ge; rewrite exp_pow8; apply: pow_incr; split=> //; apply: exp_ineq1_le. Qed.

Lemma ln2_bounds : 0 <= ln 2 <= 4 / 5.
Proof.
split; first by rewrite -ln_1; apply: ln_le; lra.
rewrite -[X in _ <= X]ln_exp; apply: ln_le; first lra.
by apply: Rle_trans (exp_ge8 _); lra.
Qed.

Lemma ln9_ge2 : 2 <= ln 9.
Proof.
rewrite -[X in X <= _]ln_exp; apply: ln_le; first exact: exp_pos.
have -> : 2 = 1 + 1 by lra.
by rewrite exp_plus; have := exp_le_3; have := exp_pos 1; nra.
Qed.

Lemma sum_bool (f : bool -> R) : \sum_a f a = f true + f false.
Proof. by rewrite (bigD1 true) //= (bigD1 false) //= big_pred0 ?Rplus_0_r // => -[]. Qed.

Lemma lse_bool (x : bool -> R) : lse [set: bool] x = ln (exp (x true) + exp (x false)).
Proof. by rewrite /lse (eq_bigl xpredT) ?sum_bool // => a; rewrite inE. Qed.

Lemma lse_bool_const c : lse [set: bool] (fun=> c) = c + ln 2.
Proof.
rewrite lse_bool; have -> : exp c + exp c = exp c * 2 by ring.
by rewrite ln_mult ?ln_exp //; [apply: exp_pos|lra].
Qed.

(** ** The model *)

Definition w (a : bool) : R := if a then 9 / 10 else 1 / 10.

Lemma w_gt0 a : 0 < w a. Proof. by case: a; rewrite /w; lra. Qed.
Lemma w_total : \sum_a w a = 1. Proof. by rewrite sum_bool /w; lra. Qed.
Lemma g_bounds : 0 <= 9 / 10 < 1. Proof. lra. Qed.

Definition example := loop w_total g_bounds.

(** J with α = 1/10: the teacher's data, γ = 9/10, all actions kept. *)

Definition J_example Q := objective example (chi2 (1 / 10)) (offers example) (teacher example) Q.

Lemma alpha_gt0 : 0 < 1 / 10. Proof. lra. Qed.

Lemma J_exampleE Q : J_example Q = loop_J w_total g_bounds (chi2 (1 / 10)) Q. Proof. by []. Qed.

(** ** Not concave

    (100, 100) lies half way between (101, 99) and (99, 101). *)

Definition table (x y : R) : unit -> bool -> R := fun _ a => if a then x else y.

Definition concave (F : (unit -> bool -> R) -> R) :=
  forall Q Q' t, 0 <= t <= 1 -> t * F Q + (1 - t) * F Q' <= F (fun s a => t * Q s a + (1 - t) * Q' s a).

Lemma J_values Q V :
  lse [set: bool] (Q tt) = V ->
  J_example Q = 9 / 10 * chi2 (1 / 10) (Q tt true - 9 / 10 * V)
              + 1 / 10 * chi2 (1 / 10) (Q tt false - 9 / 10 * V) - 1 / 10 * V.
Proof.
move=> V_eq; have {}V_eq : lse [set: bool_finType] (Q tt) = V := V_eq.
rewrite J_exampleE loop_J_delta; last exact: w_gt0.
by rewrite /reward_objective lse_delta sum_bool !delta_eq V_eq /chi2 /w; field.
Qed.

Theorem chi2_not_concave : ~ concave J_example.
Proof.
move=> conc; have half : 0 <= 1 / 2 <= 1 by lra.
have := conc (table 101 99) (table 99 101) (1 / 2) half.
have ext x y : lse [set: bool] (table x y tt) = ln (exp x + exp y) by rewrite lse_bool.
pose V := ln (exp 101 + exp 99); have V_eq : lse [set: bool] (table 101 99 tt) = V by rewrite ext.
have V_eq' : lse [set: bool] (table 99 101 tt) = V by rewrite ext Rplus_comm.
have V_ge : 101 <= V by rewrite -V_eq; apply: (@lse_ge _ _ (table 101 99 tt) true); rewrite inE.
have V_le : V <= 101 + ln 2.
  rewrite -V_eq -lse_bool_const; apply: lse_le => [|a _]; last by rewrite /table; case: a; lra.
  by apply/set0Pn; exists true; rewrite inE.
have mid_eq : lse [set: bool] ((fun s a => 1 / 2 * table 101 99 s a + (1 - 1 / 2) * table 99 101 s a) tt)
    = 100 + ln 2.
  by rewrite -lse_bool_const; apply: lse_ext => a _; rewrite /table; case: a; lra.
rewrite (J_values V_eq) (J_values V_eq') (J_values mid_eq) /table /chi2.
have [ln2_ge ln2_le] := ln2_bounds; nra.
Qed.

(** ** The teacher is beaten by the uniform policy *)

Lemma J_uniform : J_example (loop_table (9 / 10) (fun=> 0)) = - ln 2.
Proof.
rewrite J_exampleE loop_J_table; last exact: w_gt0.
by rewrite /reward_objective lse_bool_const sum_bool /chi2 /w; field.
Qed.

(** Every table with the teacher's policy is worth less: whatever is added to its Q-values. *)

Theorem teacher_below_uniform Q :
  (forall a, boltzmann (offers example) Q tt a = teacher example tt a) ->
  J_example Q < J_example (loop_table (9 / 10) (fun=> 0)).
Proof.
move=> Q_teacher; rewrite J_uniform J_exampleE loop_J_delta; last exact: w_gt0.
set x := delta _ _ Q; pose L := lse [set: bool] x.
have x_eq a : x a = ln (w a) + L.
  rewrite -(teacher_loop w_gt0 w_total g_bounds tt a) -Q_teacher.
  by rewrite (policy_delta w_total g_bounds) ln_exp -/x -/L; ring.
rewrite /reward_objective -/L sum_bool !x_eq /chi2 /w.
have ln9 : ln (9 / 10) = ln 9 + ln (1 / 10) by rewrite -ln_mult; [congr ln; field|lra|lra].
have ln_09 : ln (9 / 10) <= 0 by rewrite -ln_1; apply: ln_le; lra.
have [_ ln2_le] := ln2_bounds; have ge2 := ln9_ge2.
rewrite ln9 in ln_09 *; set l := ln (1 / 10) in ln_09 *; set n := ln 9 in ge2 ln_09 *.
have square := Rle_0_sqr (9 / 10 * n + l + L); rewrite /Rsqr in square.
have n_square : 4 <= n * n by nra.
have l_le : l <= - n by lra.
suff : 9 / 10 * (n + l) + 1 / 10 * l - 5 / 2 * (9 / 100 * (n * n)) < - ln 2 by lra.
lra.
Qed.

(** ** The maximiser

    Its implied reward is (x, −9x), where x solves 0.9 (1 − 5x) (1 + exp(−10x)) = 1: both
    sides of the stationarity condition then add up to 1. *)

Definition root_function x := 1 - 9 / 10 * (1 - 5 * x) * (1 + exp (- 10 * x)).

Lemma root : exists x, 1 / 18 < x < 3 / 50 /\ root_function x = 0.
Proof.
have cont : continuity root_function by rewrite /root_function; reg.
have low : root_function (1 / 18) < 0.
  have : (1 + - 10 * (1 / 18) / 8) ^ 8 <= exp (- 10 * (1 / 18)) by apply: exp_ge8; lra.
  by rewrite /root_function; lra.
have high : 0 < root_function (3 / 50).
  have ge : (1 + 10 * (3 / 50) / 8) ^ 8 <= exp (10 * (3 / 50)) by apply: exp_ge8; lra.
  have inv : exp (- 10 * (3 / 50)) * exp (10 * (3 / 50)) = 1.
    by rewrite -exp_plus -exp_0; congr exp; lra.
  have := exp_pos (- 10 * (3 / 50)); rewrite /root_function => e_gt0.
  have ge' : 7 / 4 <= exp (10 * (3 / 50)) by lra.
  suff : exp (- 10 * (3 / 50)) <= 4 / 7 by lra.
  nra.
have le : 1 / 18 < 3 / 50 by lra.
have [x [x_bounds x_root]] := IVT _ _ _ cont le low high.
exists x; split=> //; split; case: x_bounds => x_ge x_le.
  by case: x_ge => // eq_x; rewrite -eq_x in x_root; lra.
by case: x_le => // eq_x; rewrite eq_x in x_root; lra.
Qed.

Definition best x (a : bool) : R := if a then x else - 9 * x.

Lemma best_stationary x : root_function x = 0 -> stationary w (1 / 10) (best x).
Proof.
move=> x_root a; have [E_gt0 F_gt0] := (exp_pos x, exp_pos (- 9 * x)).
have ratio : exp (- 10 * x) = exp (- 9 * x) * / exp x.
  by rewrite -exp_Ropp -exp_plus; congr exp; ring.
rewrite lse_bool /Rminus exp_plus exp_Ropp exp_ln; last by rewrite /best; lra.
move: x_root; rewrite /root_function ratio /best.
set E := exp x in E_gt0 *; set F := exp (- 9 * x) in F_gt0 *.
have -> : 1 - 9 / 10 * (1 - 5 * x) * (1 + F * / E) = (E - 9 / 10 * (1 - 5 * x) * (E + F)) / E by field; lra.
move=> /Rmult_integral[root_eq|inv0]; last by have := Rinv_0_lt_compat _ E_gt0; lra.
have first : 9 / 10 * (1 - 5 * x) = E * / (E + F).
  by apply: (Rmult_eq_reg_r (E + F)); [field_simplify; lra|lra].
have second : F * / (E + F) = 1 - E * / (E + F) by field; lra.
by case: a; rewrite /w ?second -first; field.
Qed.

(** It exists, it is the only one, and it gives the first action about 0.64. *)

Theorem chi2_maximiser :
  exists Q,
    (forall Q', J_example Q' <= J_example Q) /\
    (forall Q', (forall Q'', J_example Q'' <= J_example Q') -> forall s a, Q' s a = Q s a) /\
    63 / 100 < boltzmann (offers example) Q tt true < 65 / 100.
Proof.
have [x [x_bounds x_root]] := root; have stat := best_stationary x_root.
exists (loop_table (9 / 10) (best x)); split; [|split].
- by move=> Q'; apply: (stationary_maximum w_gt0 w_total g_bounds Q' alpha_gt0 stat).
- move=> Q' Q'_max [] a.
  have eq_delta := @stationary_unique _ _ _ w_gt0 w_total g_bounds _ _ _ alpha_gt0 stat Q'_max.
  rewrite /loop_table -eq_delta -(lse_ext (fun b _ => eq_delta b)) lse_delta delta_eq; field.
- rewrite (policy_delta w_total g_bounds) delta_loop_table.
  rewrite (lse_ext (fun a _ => delta_loop_table w_total g_bounds (best x) a)).
  by rewrite -(stat true) /w /best; lra.
Qed.

(** In particular the teacher's 0.9 is far from it. *)

Corollary chi2_maximiser_not_teacher Q :
  (forall Q', J_example Q' <= J_example Q) ->
  boltzmann (offers example) Q tt true < 65 / 100 < teacher example tt true.
Proof.
move=> Q_max; have [Q0 [_ [unique Q0_bounds]]] := chi2_maximiser.
rewrite teacher_loop; last exact: w_gt0.
have <- : boltzmann (offers example) Q0 tt true = boltzmann (offers example) Q tt true.
  rewrite /boltzmann (unique Q Q_max); congr (exp (_ - _)).
  by apply: lse_ext => a _; rewrite (unique Q Q_max).
by rewrite /w; lra.
Qed.
