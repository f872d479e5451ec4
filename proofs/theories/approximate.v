(** * Candidate sets from an approximate teacher

    In practice the sets come from logits Q̂ that are near Q*, not from Q* itself. If they carry
    the mass p under the policy of Q̂, and |Q̂ − Q*| ≤ ε, then under the teacher they carry at
    least p / (p + (1 − p) e^{2ε}), which is at least p e^{−2ε}. So the constant of the main
    theorem becomes γ (log (p + (1 − p) e^{2ε}) − log p) / (1 − γ), at most
    γ (2ε − log p) / (1 − γ). *)

From Bellman Require Export bounds.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** ** One row *)

Section Row.

Variables (A : finType) (O B : {set A}) (q r : A -> R) (eps p : R).
Hypotheses (sBO : B \subset O) (p_le1 : p <= 1) (p_ge0 : 0 <= p).

Let inside f := \sum_(a in B) exp (f a).
Let outside f := \sum_(a in O :\: B) exp (f a).

Lemma split_row f : \sum_(a in O) exp (f a) = inside f + outside f.
Proof. by rewrite (sum_setID O B); have /setIidPr -> := sBO. Qed.

(** The worst case: everything in B falls by ε, everything outside rises by ε. Then the bound
    below holds with equality, so it cannot be improved. *)

Definition worst_case a := if a \in B then r a - eps else r a + eps.

Lemma odds_worst_case :
  p * (\sum_(a in O) exp (r a)) = \sum_(a in B) exp (r a) ->
  p * (\sum_(a in O) exp (worst_case a)) =
  (p + (1 - p) * exp (2 * eps)) * \sum_(a in B) exp (worst_case a).
Proof.
rewrite !split_row -!/(inside _) => r_mass.
have -> : inside worst_case = inside r * exp (- eps).
  by rewrite /inside -sum_scale_r; apply: eq_bigr => a aB; rewrite /worst_case aB exp_plus.
have -> : outside worst_case = outside r * exp eps.
  rewrite /outside -sum_scale_r; apply: eq_bigr => a; rewrite inE => /andP[/negbTE aN _].
  by rewrite /worst_case aN exp_plus.
have -> : exp (2 * eps) = exp eps * exp eps by rewrite -exp_plus; congr exp; ring.
have inv : exp eps * exp (- eps) = 1 by rewrite -exp_plus Rplus_opp_r exp_0.
have odds : p * outside r = (1 - p) * inside r by lra.
transitivity (p * inside r * exp (- eps) + (p * outside r) * exp eps); first by ring.
rewrite odds; transitivity (p * inside r * exp (- eps) +
  (1 - p) * inside r * exp eps * (exp eps * exp (- eps))); last by ring.
by rewrite inv; ring.
Qed.

Hypothesis close : forall a, a \in O -> Rabs (q a - r a) <= eps.

Let exp_close (f g : A -> R) a : Rabs (f a - g a) <= eps -> exp (f a) <= exp eps * exp (g a).
Proof.
move=> fg; rewrite -exp_plus; have le_e : f a <= eps + g a by have := Rle_abs (f a - g a); lra.
by case: le_e => [/exp_increasing/Rlt_le|->] //; apply: Rle_refl.
Qed.

(** A change of the row by ε changes the odds of B by a factor of at most e^{2ε}. *)

Lemma odds_close :
  p * (\sum_(a in O) exp (r a)) <= \sum_(a in B) exp (r a) ->
  p * (\sum_(a in O) exp (q a)) <= (p + (1 - p) * exp (2 * eps)) * \sum_(a in B) exp (q a).
Proof.
rewrite !split_row -!/(inside _) => r_mass.
have in_le : inside r <= exp eps * inside q.
  rewrite -sum_scale; apply: sum_le => a aB; apply: exp_close; rewrite Rabs_minus_sym.
  by apply: close; apply: (subsetP sBO).
have out_le : outside q <= exp eps * outside r.
  rewrite -sum_scale; apply: sum_le => a; rewrite inE => /andP[_ aO].
  by apply: exp_close; apply: close.
have -> : exp (2 * eps) = exp eps * exp eps by rewrite -exp_plus; congr exp; ring.
have e_gt0 := exp_pos eps.
have odds : p * outside r <= (1 - p) * inside r by lra.
have le1 : p * outside q <= exp eps * (p * outside r).
  by have := Rmult_le_compat_l _ _ _ p_ge0 out_le; lra.
have le2 : exp eps * (p * outside r) <= exp eps * ((1 - p) * inside r).
  by apply: Rmult_le_compat_l odds; lra.
have le3 : exp eps * ((1 - p) * inside r) <= exp eps * ((1 - p) * (exp eps * inside q)).
  by apply: Rmult_le_compat_l; [lra|apply: Rmult_le_compat_l in_le; lra].
by have := Rle_trans _ _ _ (Rle_trans _ _ _ le1 le2) le3; lra.
Qed.

End Row.

(** ** The mass that is left *)

Definition approximate_mass p eps := p / (p + (1 - p) * exp (2 * eps)).

Lemma exp_ge1 x : 0 <= x -> 1 <= exp x.
Proof. by move=> x_ge0; have := exp_ineq1_le x; lra. Qed.

Section Mass.

Variables p eps : R.
Hypotheses (p_bounds : 0 < p <= 1) (eps_ge0 : 0 <= eps).

Let e_ge1 : 1 <= exp (2 * eps). Proof. by apply: exp_ge1; lra. Qed.

Lemma denominator_bounds : 1 <= p + (1 - p) * exp (2 * eps) <= exp (2 * eps).
Proof. by case: p_bounds => p_gt0 p_le1; split; nra. Qed.

Lemma approximate_mass_bounds : 0 < approximate_mass p eps <= 1.
Proof.
have [den_ge1 _] := denominator_bounds; case: p_bounds => p_gt0 p_le1; split.
  by apply: Rdiv_lt_0_compat; lra.
apply: (Rmult_le_reg_r (p + (1 - p) * exp (2 * eps))); first by lra.
have -> : approximate_mass p eps * (p + (1 - p) * exp (2 * eps)) = p.
  by rewrite /approximate_mass; field; lra.
lra.
Qed.

Lemma ln_approximate_mass :
  - ln (approximate_mass p eps) = ln (p + (1 - p) * exp (2 * eps)) - ln p.
Proof.
have [den_ge1 _] := denominator_bounds; case: p_bounds => p_gt0 p_le1.
rewrite /approximate_mass /Rdiv ln_mult ?ln_Rinv //; try lra.
by apply: Rinv_0_lt_compat; lra.
Qed.

(** It is at least p e^{−2ε}. *)

Lemma approximate_mass_ge : p * exp (- (2 * eps)) <= approximate_mass p eps.
Proof.
have [den_ge1 den_le] := denominator_bounds; case: p_bounds => p_gt0 p_le1.
apply: Rmult_le_compat_l; first lra.
by rewrite exp_Ropp; apply: Rinv_le_contravar; lra.
Qed.

End Mass.

(** ** The model *)

Section Approximate.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}) (Qhat : S -> A -> R) (p eps : R).
Hypotheses (B_ok : candidates M B) (p_bounds : 0 < p <= 1).
Hypothesis close : forall s a, a \in offers M s -> Rabs (Qhat s a - Q_star M s a) <= eps.
Hypothesis Qhat_mass : carries p B (boltzmann (offers M) Qhat).
Implicit Types (s : S) (a : A).

Let eps_ge0 s : 0 <= eps.
Proof.
have /set0Pn[a aO] := offers_some M s.
exact: Rle_trans (Rabs_pos _) (close aO).
Qed.

(** The share of a set under a Boltzmann policy, without dividing. *)

Lemma mass_share Q s :
  mass B (boltzmann (offers M) Q) s * (\sum_(a in offers M s) exp (Q s a)) = \sum_(a in B s) exp (Q s a).
Proof.
rewrite mass_boltzmann ?(candidates_some _ B_ok) // -!exp_lse ?offers_some ?(candidates_some _ B_ok) //.
by rewrite -exp_plus; congr exp; rewrite /soft_value; ring.
Qed.

(** The sets carry p / (p + (1 − p) e^{2ε}) under the teacher, *)

Theorem approximate_carries : carries (approximate_mass p eps) B (teacher M).
Proof.
move=> s; have [p_gt0 p_le1] := p_bounds; have e_ge0 := eps_ge0 s.
have [den_ge1 _] := denominator_bounds p_bounds e_ge0.
have O_gt0 Q := sum_exp_gt0 (Q s) (offers_some M s).
have sBO : B s \subset offers M s by case: (B_ok s).
have Qhat_share : p * (\sum_(a in offers M s) exp (Qhat s a)) <= \sum_(a in B s) exp (Qhat s a).
  by rewrite -mass_share; apply: Rmult_le_compat_r (Qhat_mass s); apply: Rlt_le.
have close' a : a \in offers M s -> Rabs (Q_star M s a - Qhat s a) <= eps.
  by rewrite Rabs_minus_sym; apply: close.
have := odds_close sBO p_le1 (Rlt_le _ _ p_gt0) close' Qhat_share.
rewrite -mass_share -/(teacher M) => share.
apply: (Rmult_le_reg_r (p + (1 - p) * exp (2 * eps))); first by lra.
have -> : approximate_mass p eps * (p + (1 - p) * exp (2 * eps)) = p.
  by rewrite /approximate_mass; field; lra.
apply: (Rmult_le_reg_r (\sum_(a in offers M s) exp (Q_star M s a))); first exact: O_gt0.
lra.
Qed.

(** and p e^{−2ε}. *)

Theorem approximate_carries_exp : carries (p * exp (- (2 * eps))) B (teacher M).
Proof. by move=> s; apply: Rle_trans (approximate_carries s); apply: approximate_mass_ge (eps_ge0 s). Qed.

(** The main theorem for such sets, with both constants. *)

Theorem approximate_bound :
  0 <= eps ->
  supported_norm B (Q_star M \- Q_p_star M B) <=
  gamma M * (ln (p + (1 - p) * exp (2 * eps)) - ln p) / (1 - gamma M).
Proof.
move=> e_ge0; have := main_theorem B_ok (approximate_mass_bounds p_bounds e_ge0) approximate_carries.
by rewrite /kappa -ln_approximate_mass // Ropp_mult_distr_r_reverse Ropp_mult_distr_l_reverse.
Qed.

Theorem approximate_bound_exp :
  0 <= eps ->
  supported_norm B (Q_star M \- Q_p_star M B) <= gamma M * (2 * eps - ln p) / (1 - gamma M).
Proof.
move=> e_ge0; apply: Rle_trans (approximate_bound e_ge0) _.
have [g_ge0 g_lt1] := discount_bounds M; have [den_ge1 den_le] := denominator_bounds p_bounds e_ge0.
apply: Rmult_le_compat_r; first by apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
apply: Rmult_le_compat_l => //; suff : ln (p + (1 - p) * exp (2 * eps)) <= 2 * eps by lra.
by rewrite -[X in _ <= X]ln_exp; apply: ln_le; lra.
Qed.

(** The same for the projected teacher, whose gap obeys the same bound. *)

Theorem approximate_projected_bound s a :
  a \in B s ->
  0 <= Q_star M s a - Q_projected M B (teacher M) s a <=
  gamma M * (ln (p + (1 - p) * exp (2 * eps)) - ln p) / (1 - gamma M).
Proof.
move=> aB; have e_ge0 := eps_ge0 s.
have := proposition_2 B_ok (approximate_mass_bounds p_bounds e_ge0) approximate_carries aB.
by rewrite /kappa -ln_approximate_mass // Ropp_mult_distr_r_reverse Ropp_mult_distr_l_reverse.
Qed.

End Approximate.

(** ** p = 1 needs the full set

    All of a teacher's probabilities are positive, so a set that carries 1 is the set of all
    offered actions: from an approximate teacher, too. *)

Theorem full_mass_full_set (S A : finType) (M : mdp S A) (B : S -> {set A}) Q s :
  candidates M B -> carries 1 B (boltzmann (offers M) Q) -> B s = offers M s.
Proof.
move=> B_ok B_mass; apply/eqP; rewrite eqEsubset; have [_ sBO] := B_ok s; rewrite sBO /=.
apply/subsetP => a aO; apply: contraT => aN.
have [_ total1] := boltzmann_policy Q (offers_some M) s.
move: total1; rewrite (sum_setID _ (B s)); have /setIidPr -> := sBO.
have := B_mass s; rewrite /mass => mass_ge.
have: 0 < \sum_(b in offers M s :\: B s) boltzmann (offers M) Q s b.
  have aD : a \in offers M s :\: B s by rewrite inE aN.
  by apply: (sum_gt0 aD) => [b _|]; [apply: Rlt_le|]; apply: boltzmann_gt0.
lra.
Qed.
