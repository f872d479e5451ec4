(** * When the bound is met

    For γ > 0 and rows that add up to 1, the gap at (s,a) is exactly κ(p) if and only if every
    state that the projected teacher can reach after it has mass exactly p. *)

From Bellman Require Export leak.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Equality.

Variables (S A : finType) (M : mdp S A) (p : R) (B : S -> {set A}).
Hypotheses (B_ok : candidates M B) (p_bounds : 0 < p <= 1) (B_mass : carries p B (teacher M)).
Hypotheses (rows : stochastic M) (gamma_gt0 : 0 < gamma M).
Implicit Types (s x : S) (a b : A).

(** The states that can be reached at t ≥ 1 from (s,a), when the projected teacher chooses: it
    takes every action of a set with positive probability, and no other. *)

Inductive reaches s a : S -> Prop :=
| reaches_next s' : 0 < step M s a s' -> reaches s a s'
| reaches_onward x b s' : reaches s a x -> b \in B x -> 0 < step M x b s' -> reaches s a s'.

(** These are the states that a rollout visits with positive probability. *)

Lemma projected_gt0 x b : b \in B x -> 0 < projected_teacher M B x b.
Proof.
move=> bB; rewrite /projected_teacher projection_boltzmann ?(candidates_some _ B_ok) //.
exact: boltzmann_gt0.
Qed.

Lemma reaches_visit s a s' :
  reaches s a s' <-> exists t, (0 < t)%N /\ 0 < visit M B (projected_teacher M B) t s a s'.
Proof.
have pi_on : policy_on B (projected_teacher M B) by apply/projection_policy/teacher_projectable.
split=> [|[t [t_gt0]]].
  elim=> {s'} [s' step_gt0|x b s' _ [t [t_gt0 visit_gt0]] bB step_gt0]; first by exists 1%N.
  exists t.+1; split=> //; rewrite visitS //.
  apply: (sum_gt0 (i := x) erefl) => [y _|].
    by apply: Rmult_le_pos; [apply: visit_ge0|apply: onward_ge0].
  apply: Rmult_lt_0_compat => //; apply: (sum_gt0 bB) => [c cB|].
    by apply: Rmult_le_pos; [apply: Rlt_le; apply: projected_gt0|apply: step_ge0].
  by apply: Rmult_lt_0_compat => //; apply: projected_gt0.
elim: t t_gt0 s' => // -[|t] IH _ s'; first by apply: reaches_next.
rewrite visitS // => sum_gt0.
have [x [x_gt0 on_gt0]] : exists x, 0 < visit M B (projected_teacher M B) t.+1 s a x
                                 /\ 0 < onward M B (projected_teacher M B) x s'.
  apply: Classical_Prop.NNPP => none; apply: (Rlt_irrefl 0); apply: (Rlt_le_trans _ _ _ sum_gt0).
  rewrite -[X in _ <= X](@sum_const0 S (fun=> true)); apply: sum_le => x _.
  have v_ge0 := visit_ge0 M pi_on t.+1 s a x; have o_ge0 := onward_ge0 M pi_on x s'.
  by apply: Rnot_lt_le => xs; apply: none; exists x; split; apply: Rnot_le_lt => le0; nra.
have [b [bB b_gt0]] : exists b, b \in B x /\ 0 < step M x b s'.
  apply: Classical_Prop.NNPP => none; apply: (Rlt_irrefl 0); apply: (Rlt_le_trans _ _ _ on_gt0).
  rewrite -[X in _ <= X](@sum_const0 A (mem (B x))); apply: sum_le => b bB.
  have pr_gt0 := projected_gt0 bB.
  by apply: Rnot_lt_le => bs; apply: none; exists b; split=> //; nra.
exact: reaches_onward (IH isT x x_gt0) bB b_gt0.
Qed.

(** What the gap lacks of κ(p), and what each state adds to it. *)

Let lack s a := kappa M p - gap M B s a.
Let added s := (- ln p - leak B (teacher M) s) + policy_mean B (projected_teacher M B) lack s.

Let lack_ge0 s a : 0 <= lack s a.
Proof. by rewrite /lack; have := gap_bounds B_ok p_bounds B_mass s a; lra. Qed.

Let mean_lack_ge0 s : 0 <= policy_mean B (projected_teacher M B) lack s.
Proof. by apply: sum_ge0 => b bB; apply: Rmult_le_pos => //; apply: Rlt_le; apply: projected_gt0. Qed.

Let leak_ok s : 0 <= - ln p - leak B (teacher M) s.
Proof. by have := leak_le_log p_bounds B_mass s; lra. Qed.

Let added_ge0 s : 0 <= added s.
Proof. by have := leak_ok s; have := mean_lack_ge0 s; rewrite /added; lra. Qed.

Lemma lack_step s a : a \in offers M s -> lack s a = gamma M * expected M added s a.
Proof.
move=> aO; pose c := - ln p + kappa M p.
have const : expected M (fun=> c) s a = c by rewrite /expected sum_scale_r rows // Rmult_1_l.
rewrite /lack kappa_step -/c -{1}const leak_identity // -Rmult_minus_distr_l -expected_sub.
congr (_ * _); apply: expected_ext => x; rewrite /added /c.
suff -> : policy_mean B (projected_teacher M B) lack x =
    kappa M p - policy_mean B (projected_teacher M B) (gap M B) x by ring.
have [_ total1] := projection_policy (teacher_projectable B_ok) x.
rewrite -[X in X - _]Rmult_1_l -total1 -sum_scale_r -sum_sub; apply: eq_bigr => b _.
by rewrite /lack /projected_teacher; ring.
Qed.

(** If nothing is lacking at (s,a), nothing is at any state that follows: *)

Lemma nothing_lacks_next s a s' :
  a \in offers M s -> lack s a = 0 -> 0 < step M s a s' ->
  mass B (teacher M) s' = p /\ forall b, b \in B s' -> lack s' b = 0.
Proof.
move=> aO; rewrite lack_step // => /Rmult_integral[|sum0 step_gt0]; first lra.
have terms_ge0 x (_ : true) := Rmult_le_pos _ _ (step_ge0 M s a x) (added_ge0 x).
have /Rmult_integral[|added0] := sum_eq0 terms_ge0 sum0 (i := s') erefl; first lra.
have := leak_ok s'; have := mean_lack_ge0 s'; move: added0; rewrite /added => added0 mean_ge0 leak_ge.
split.
  have m_gt0 : 0 < mass B (teacher M) s' by case: (teacher_projectable B_ok s').
  by apply: ln_inv => //; [case: p_bounds|rewrite /leak in added0 leak_ge *; lra].
have mean0 : policy_mean B (projected_teacher M B) lack s' = 0 by lra.
move=> b bB; have ge0 c (cB : c \in B s') :=
  Rmult_le_pos _ _ (Rlt_le _ _ (projected_gt0 cB)) (lack_ge0 s' c).
by have /Rmult_integral[] := sum_eq0 ge0 mean0 bB; first by have := projected_gt0 bB; lra.
Qed.

(** The theorem. *)

Theorem gap_meets_bound s a :
  a \in offers M s ->
  gap M B s a = kappa M p <-> (forall s', reaches s a s' -> mass B (teacher M) s' = p).
Proof.
move=> aO; split=> [met s' reached|all_p].
  suff [] : mass B (teacher M) s' = p /\ forall b, b \in B s' -> lack s' b = 0 by [].
  elim: reached => {s'} [s'|x b s' _ [_ lack0] bB]; apply: nothing_lacks_next => //.
  - by rewrite /lack met; ring.
  - exact: candidates_sub bB.
  - exact: lack0.
have small n x b : b \in offers M x ->
    (forall s', reaches x b s' -> mass B (teacher M) s' = p) -> lack x b <= gamma M ^ n * kappa M p.
  elim: n x b => [|n IH] x b bO b_p.
    by rewrite /lack /=; have := gap_bounds B_ok p_bounds B_mass x b; lra.
  rewrite lack_step //= Rmult_assoc; apply: Rmult_le_compat_l; first exact: gamma_ge0.
  have c_ge0 : 0 <= gamma M ^ n * kappa M p.
    by apply: Rmult_le_pos; [apply: pow_le; apply: gamma_ge0|apply: kappa_ge0].
  apply: Rle_trans (expected_const_le M x b c_ge0); apply: sum_le => s' _.
  case: (step_ge0 M x b s') => [step_gt0|<-]; last by lra.
  apply: Rmult_le_compat_l; first lra.
  have s'_p : mass B (teacher M) s' = p by apply: b_p; apply: reaches_next.
  have -> : added s' = policy_mean B (projected_teacher M B) lack s'.
    by rewrite /added /leak s'_p; ring.
  have [proj_ge0 total1] := projection_policy (teacher_projectable B_ok) s'.
  rewrite -[X in _ <= X]Rmult_1_l -total1 -sum_scale_r; apply: sum_le => c cB.
  apply: Rmult_le_compat_l; first exact: proj_ge0.
  apply: IH => [|s2 reached]; first exact: candidates_sub cB.
  apply: b_p; elim: reached => {s2} [s2|y d s2 _ reached dB]; last exact: reaches_onward reached dB.
  exact: reaches_onward (reaches_next step_gt0) cB.
have lack_le0 : lack s a <= 0.
  by apply: (pow_squeeze (discount_bounds M) (kappa_ge0 M p_bounds)) => n; apply: small.
by have := lack_ge0 s a; rewrite /lack in lack_le0 *; lra.
Qed.

End Equality.
