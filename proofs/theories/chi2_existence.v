(** * The χ² objective has a maximiser

    If the data take every action of the candidate sets, some table maximises J with χ², and
    all that do agree on the sets. No compactness is needed: half way between two tables that are
    nearly best J gains the square of the distance of their implied rewards, so nearly best
    tables are near each other, and there is one that they close in on. *)

From Bellman Require Export chi2_teacher.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** The least upper bound of a set of reals, 0 if there is none. *)

Definition supremum (E : R -> Prop) : R :=
  match decide (bound E /\ exists r, E r) with
  | left both => sval (completeness E (proj1 both) (proj2 both))
  | right _ => 0
  end.

Lemma supremum_lub (E : R -> Prop) r c : E r -> (forall r', E r' -> r' <= c) -> is_lub E (supremum E).
Proof.
move=> Er E_le; rewrite /supremum; case: (decide _) => [both|none].
  by case: (completeness _ _ _).
by case: none; split; [exists c|exists r].
Qed.

Section Existence.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}) (mu : S -> A -> R) (alpha : R).
Hypotheses (B_ok : candidates M B) (alpha_gt0 : 0 < alpha).
Hypotheses (mu_in : inside B mu) (mu_gt0 : forall s a, a \in B s -> 0 < mu s a).
Hypothesis w_ge0 : forall s, 0 <= start_weight M mu s.
Implicit Types (Q x y : S -> A -> R) (s : S) (a : A) (k : R).

Let J x := chi2_concave.J M B mu (chi2 alpha) x.
Let B0 s : B s != set0 := candidates_some s B_ok.

Lemma data_ge0 s a : 0 <= mu s a.
Proof.
have [aB|aN] := boolP (a \in B s); first exact: Rlt_le (mu_gt0 aB).
by rewrite mu_in //; apply: Rle_refl.
Qed.

(** J is at most 0: it is at most the mean of a log-probability. *)

Lemma objective_le0 Q : objective M (chi2 alpha) B mu Q <= 0.
Proof.
apply: Rle_trans (objective_le M B Q data_ge0 (fun u => chi2_le_identity u alpha_gt0)) _.
rewrite cloning // -[X in _ <= X](@sum_const0 S (fun=> true)); apply: sum_le => s _.
rewrite -[X in _ <= X](@sum_const0 A (mem (B s))); apply: sum_le => a aB.
have := lse_ge (Q s) aB; have := mu_gt0 aB; rewrite ln_student // /soft_value => ? ?; nra.
Qed.

(** Its least upper bound. *)

Definition best := supremum (fun v => exists Q, v = objective M (chi2 alpha) B mu Q).

Lemma best_lub : is_lub (fun v => exists Q, v = objective M (chi2 alpha) B mu Q) best.
Proof.
apply: (supremum_lub (r := objective M (chi2 alpha) B mu (fun _ _ => 0)) (c := 0)).
  by exists (fun _ _ => 0).
by move=> _ [Q ->]; apply: objective_le0.
Qed.

Lemma J_le_best x : J x <= best.
Proof. by case: best_lub => ub _; apply: ub; exists (table_of M B x). Qed.

Lemma near_best e : 0 < e -> exists x, best - e <= J x.
Proof.
move=> e_gt0; apply: Classical_Prop.NNPP => none.
have [_ least] := best_lub; suff : best <= best - e by lra.
apply: least => _ [Q ->]; apply: Rnot_lt_le => lt_Q; apply: none.
by exists (implied_reward M B Q); rewrite /J J_table //; lra.
Qed.

(** The least weight of a pair in the sets. *)

Definition least_weight := \big[Rmin/1]_s \big[Rmin/1]_(a in B s) mu s a.

Lemma least_weight_gt0 : 0 < least_weight.
Proof.
rewrite /least_weight; elim/big_rec: _ => [|s u _ u_gt0]; first lra.
apply: Rmin_glb_lt => //; elim/big_rec: _ => [|a v aB v_gt0]; first lra.
by apply: Rmin_glb_lt => //; apply: mu_gt0.
Qed.

Lemma min_le (I : eqType) (r : seq I) (P : pred I) (f : I -> R) i :
  i \in r -> P i -> \big[Rmin/1]_(j <- r | P j) f j <= f i.
Proof.
elim: r => // j r IH; rewrite inE big_cons => /orP[/eqP <- ->|i_r Pi]; first exact: Rmin_l.
by case: (P j); [apply: Rle_trans (Rmin_r _ _) (IH i_r Pi)|apply: IH].
Qed.

Lemma least_weight_le s a : a \in B s -> least_weight <= mu s a.
Proof.
move=> aB; apply: Rle_trans (min_le (fun s => \big[Rmin/1]_(a in B s) mu s a) (mem_index_enum s) isT) _.
exact: (min_le (fun a => mu s a) (mem_index_enum a) aB).
Qed.

(** Tables that are best up to this are within k of each other. *)

Definition slack k := least_weight * (k * k) / (16 * alpha).

Definition near k x := best - slack k <= J x.

Lemma slack_gt0 k : 0 < k -> 0 < slack k.
Proof.
move=> k_gt0; apply: Rdiv_lt_0_compat; last lra.
by apply: Rmult_lt_0_compat; [exact: least_weight_gt0|nra].
Qed.

Lemma near_close k x y s a :
  0 < k -> near k x -> near k y -> a \in B s -> - k <= x s a - y s a <= k.
Proof.
move=> k_gt0 near_x near_y aB; have half : 0 <= 1 / 2 <= 1 by lra.
have := J_chord B_ok w_ge0 (chi2 alpha) x y half; rewrite -!/(J _).
have := J_le_best (mix (1 / 2) x y); set gain := \sum_s _ => le_best chord.
pose g s a := mu s a * ((x s a - y s a) * (x s a - y s a) / (16 * alpha)).
have inv_gt0 : 0 < / (16 * alpha) by apply: Rinv_0_lt_compat; lra.
have g_ge0 s' a' : 0 <= g s' a'.
  by apply: Rmult_le_pos; [exact: data_ge0|apply: Rmult_le_pos (Rlt_le _ _ inv_gt0); exact: Rle_0_sqr].
have gain_eq : gain = \sum_s \sum_(a in offers M s) g s a.
  apply: eq_bigr => s' _; apply: eq_bigr => a' _; rewrite /mix chi2_chord // /g; congr (_ * _).
  by field; lra.
have g_le : g s a <= gain.
  rewrite gain_eq; apply: Rle_trans (_ : \sum_(a in offers M s) g s a <= _).
    by apply: (@sum_ge_term A (mem (offers M s)) (g s)) => //; apply: candidates_sub B_ok aB.
  by apply: (@sum_ge_term S xpredT (fun s => \sum_(a in offers M s) g s a)) => // s' _; apply: sum_ge0.
have g_slack : g s a <= slack k by rewrite /near in near_x near_y; lra.
have sq_le : (x s a - y s a) * (x s a - y s a) <= k * k.
  have lw := least_weight_le aB; have lw_gt0 := least_weight_gt0.
  have : mu s a * ((x s a - y s a) * (x s a - y s a)) <= least_weight * (k * k).
    apply: (Rmult_le_reg_r (/ (16 * alpha))) => //.
    by move: g_slack; rewrite /g /slack /Rdiv; lra.
  have sq_ge0 := Rle_0_sqr (x s a - y s a); rewrite /Rsqr in sq_ge0 => le_k.
  apply: (Rmult_le_reg_l least_weight) => //; apply: Rle_trans le_k.
  exact: Rmult_le_compat_r.
by split; apply: Rnot_lt_le => lt_k; nra.
Qed.

(** The reward they close in on. *)

Definition below_all s a (r : R) := exists k, 0 < k /\ forall x, near k x -> r <= x s a.

Definition best_reward s a := supremum (below_all s a).

Lemma slack_le k k' : 0 < k -> k <= k' -> slack k <= slack k'.
Proof.
move=> k_gt0 le_k; apply: Rmult_le_compat_r; first by apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
by apply: Rmult_le_compat_l; [apply: Rlt_le; apply: least_weight_gt0|nra].
Qed.

Lemma near_exists k : 0 < k -> exists x, near k x.
Proof. by move=> k_gt0; apply: near_best; apply: slack_gt0. Qed.

Lemma best_reward_close k x s a :
  0 < k -> near k x -> a \in B s -> - k <= best_reward s a - x s a <= k.
Proof.
move=> k_gt0 near_x aB.
have low : below_all s a (x s a - k).
  by exists k; split=> // y near_y; have := near_close k_gt0 near_x near_y aB; lra.
have high r : below_all s a r -> r <= x s a + k.
  move=> [k' [k'_gt0 r_le]]; have m_gt0 : 0 < Rmin k k' by apply: Rmin_glb_lt.
  have [z near_z] := near_exists m_gt0.
  have z_k : near k z by have := slack_le m_gt0 (Rmin_l k k'); rewrite /near in near_z *; lra.
  have z_k' : near k' z by have := slack_le m_gt0 (Rmin_r k k'); rewrite /near in near_z *; lra.
  by have := r_le z z_k'; have := near_close k_gt0 z_k near_x aB; lra.
have [ub least] := supremum_lub low high; rewrite /best_reward.
by have := ub _ low; have := least _ high; lra.
Qed.

(** J there is as large as anywhere, since J is continuous. *)

Lemma J_close k x y :
  0 < k <= 1 -> (forall s a, a \in B s -> - k <= y s a - x s a <= k) ->
  J x - k * (\sum_s \sum_(a in offers M s) mu s a * (1 + (2 * Rabs (y s a) + 1) / (4 * alpha))
             + \sum_s start_weight M mu s * / (1 - gamma M)) <= J y.
Proof.
move=> [k_gt0 k_le1] close; have [g_ge0 g_lt1] := discount_bounds M.
have V_le s : soft_value B (table_of M B y) s <= soft_value B (table_of M B x) s + k * / (1 - gamma M).
  rewrite -soft_value_shift //; apply: soft_value_le => // a aB.
  apply: table_of_close aB => //; first lra.
  by move=> s' a' aB'; have := close s' a' aB'; lra.
have phi_le s a : a \in B s ->
    chi2 alpha (x s a) <= chi2 alpha (y s a) + k * (1 + (2 * Rabs (y s a) + 1) / (4 * alpha)).
  move=> aB; have := close s a aB; set u := x s a; set v := y s a => d_le.
  have := Rle_abs v; have := Rle_abs (- v); rewrite Rabs_Ropp; set n := Rabs v => n1 n2.
  suff : (v * v - u * u) <= k * (2 * n + 1).
    move=> sq; have i_gt0 : 0 < / (4 * alpha) by apply: Rinv_0_lt_compat; lra.
    have := Rmult_le_compat_r _ _ _ (Rlt_le _ _ i_gt0) sq; rewrite /chi2 /Rdiv; lra.
  have -> : v * v - u * u = (v - u) * (2 * v - (v - u)) by ring.
  by set d := v - u in d_le *; nra.
rewrite /J !J_eq //.
have part1 : \sum_s \sum_(a in offers M s) mu s a * chi2 alpha (x s a) <=
    \sum_s \sum_(a in offers M s) mu s a * chi2 alpha (y s a)
    + k * \sum_s \sum_(a in offers M s) mu s a * (1 + (2 * Rabs (y s a) + 1) / (4 * alpha)).
  rewrite -sum_scale -sum_add; apply: sum_le => s _; rewrite -sum_scale -sum_add; apply: sum_le => a _.
  have [aB|aN] := boolP (a \in B s); last by rewrite mu_in //; lra.
  by have := Rmult_le_compat_l _ _ _ (data_ge0 s a) (phi_le s a aB); lra.
have part2 : \sum_s start_weight M mu s * soft_value B (table_of M B y) s <=
    \sum_s start_weight M mu s * soft_value B (table_of M B x) s
    + k * \sum_s start_weight M mu s * / (1 - gamma M).
  rewrite -sum_scale -sum_add; apply: sum_le => s _.
  by have := Rmult_le_compat_l _ _ _ (w_ge0 s) (V_le s); lra.
lra.
Qed.

Theorem chi2_maximiser_exists :
  exists Q, forall Q', objective M (chi2 alpha) B mu Q' <= objective M (chi2 alpha) B mu Q.
Proof.
exists (table_of M B best_reward) => Q'; apply: Rle_trans (_ : best <= _).
  by case: best_lub => ub _; apply: ub; exists Q'.
rewrite -[X in _ <= X]/(J best_reward); apply: Rnot_lt_le => lt_best.
set C := \sum_s \sum_(a in offers M s) mu s a * (1 + (2 * Rabs (best_reward s a) + 1) / (4 * alpha))
             + \sum_s start_weight M mu s * / (1 - gamma M).
pose c := Rabs C + least_weight / (16 * alpha) + 1; pose gap := best - J best_reward.
have gap_gt0 : 0 < gap by rewrite /gap; lra.
have c0 : 0 < least_weight / (16 * alpha) by apply: Rdiv_lt_0_compat; [exact: least_weight_gt0|lra].
have c_gt0 : 0 < c by have := Rabs_pos C; rewrite /c; lra.
pose k := Rmin 1 (gap / (2 * c)).
have k_gt0 : 0 < k by apply: Rmin_glb_lt; [lra|apply: Rdiv_lt_0_compat; lra].
have k_le1 : k <= 1 := Rmin_l _ _.
have kc : k * c <= gap / 2.
  have := Rmult_le_compat_r c _ _ (Rlt_le _ _ c_gt0) (Rmin_r 1 (gap / (2 * c))).
  by rewrite -/k; have -> : gap / (2 * c) * c = gap / 2 by field; lra.
have [x near_x] := near_exists k_gt0.
have := @J_close k x best_reward (conj k_gt0 k_le1) (fun s a aB => best_reward_close k_gt0 near_x aB).
rewrite -/C => le_J; have slack_k : slack k <= k * (least_weight / (16 * alpha)).
  have -> : slack k = least_weight / (16 * alpha) * (k * k) by rewrite /slack; field; lra.
  have kk : k * k <= k by nra.
  by have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ c0) kk; lra.
have kC : k * C <= k * Rabs C by apply: Rmult_le_compat_l; [lra|apply: Rle_abs].
by rewrite /near in near_x; rewrite /c in kc; rewrite /gap in kc gap_gt0 *; lra.
Qed.

(** All maximisers agree on the sets, and so have the same policy. *)

Theorem chi2_maximiser_unique Q Q' s a :
  (forall Q2, objective M (chi2 alpha) B mu Q2 <= objective M (chi2 alpha) B mu Q) ->
  (forall Q2, objective M (chi2 alpha) B mu Q2 <= objective M (chi2 alpha) B mu Q') ->
  a \in B s -> Q s a = Q' s a.
Proof.
move=> Q_max Q'_max aB.
have same s' a' : a' \in B s' -> implied_reward M B Q s' a' = implied_reward M B Q' s' a'.
  move=> aB'; apply: (chi2_maximiser_reward B_ok data_ge0 w_ge0 alpha_gt0 Q_max Q'_max).
    exact: candidates_sub B_ok aB'.
  exact: mu_gt0.
rewrite -(table_of_reward B_ok Q aB).
have eq_on : table_of M B (implied_reward M B Q) s a = Q' s a; last by [].
symmetry; apply: (@Q_p_star_unique _ _ (with_reward M (implied_reward M B Q)) B) aB => // s' a' aB'.
rewrite /T_p /backup /= same // /implied_reward /discounted_next /expected /=; ring.
Qed.

End Existence.
