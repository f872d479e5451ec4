(** * Without a regulariser, Bellman Distill is behaviour cloning

    With φ(x) = x every V(s') cancels, and what is left of the objective is the mean of
    log proj_p π_Q(a|s): all of the temporal difference comes from φ being curved. *)

From Bellman Require Export fixed_points objective.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Cloning.

Variables (S A : finType) (M : mdp S A).
Implicit Types (B : S -> {set A}) (mu pi Q : S -> A -> R) (d : S -> R) (s : S) (a : A).

(** [student B Q] is proj_p π_Q. *)

Definition student B Q := projection B (boltzmann (offers M) Q).

Lemma ln_student B Q s a :
  candidates M B -> a \in B s -> ln (student B Q s a) = Q s a - soft_value B Q s.
Proof.
by move=> B_ok aB; rewrite /student projection_boltzmann ?(candidates_some _ B_ok) ?ln_boltzmann.
Qed.

(** ** The identity

    J with φ = id is the mean of log proj_p π_Q(a|s), *)

Theorem cloning B mu Q :
  candidates M B -> inside B mu ->
  objective M identity B mu Q = \sum_s \sum_(a in B s) mu s a * ln (student B Q s a).
Proof.
move=> B_ok mu_in; apply: eq_bigr => s _.
rewrite (bigID (fun a => a \in B s)) /= [X in _ + X]big1 ?Rplus_0_r; last first.
  by move=> a /andP[_ aB]; rewrite mu_in //; ring.
transitivity (\sum_(a in B s)
  mu s a * (identity (implied_reward M B Q s a) - (soft_value B Q s - discounted_next M B Q s a))).
  apply: eq_bigl => a; apply/andP/idP => [[]//|aB].
  by split=> //; apply: candidates_sub B_ok aB.
by apply: eq_bigr => a aB; rewrite ln_student // /implied_reward /identity; ring.
Qed.

(** on data, too: the last transition of a text, after which V counts 0, is no exception. *)

Theorem data_cloning B Q (data : seq (S * A * option S)) :
  candidates M B -> (forall s a next, (s, a, next) \in data -> a \in B s) ->
  data_objective M identity B Q data =
  (\sum_(t <- data | true) ln (student B Q t.1.1 t.1.2)) / INR (size data).
Proof.
move=> B_ok data_in; congr (_ / _); rewrite !(big_seq_cond (fun=> true)).
apply: eq_bigr => -[[s a] next] /andP[/data_in aB _].
by rewrite /= ln_student // /identity; ring.
Qed.

(** For one text this is the mean log-probability of its tokens; a text that was cut off loses
    its last one. *)

Lemma transitions_ended (y : seq (S * A)) : [seq t.1 | t <- transitions true y] = y.
Proof. by elim: y => [|[s a] [|[s' a'] y] IH] //=; rewrite -[in RHS]IH. Qed.

Lemma transitions_cut (y : seq (S * A)) :
  [seq t.1 | t <- transitions false y] = take (size y).-1 y.
Proof. by elim: y => [|[s a] [|[s' a'] y] IH] //=; rewrite -[in RHS]IH. Qed.

Corollary text_cloning B Q (y : seq (S * A)) :
  candidates M B -> (forall s a, (s, a) \in y -> a \in B s) ->
  data_objective M identity B Q (transitions true y) =
  (\sum_(t <- y | true) ln (student B Q t.1 t.2)) / INR (size y).
Proof.
move=> B_ok y_in; rewrite data_cloning // => [|s a next t_in].
  by rewrite -[in RHS](transitions_ended y) big_map size_map.
by apply: y_in; rewrite -(transitions_ended y); apply: (map_f fst t_in).
Qed.

(** ** An action outside its set

    Raising its Q-value raises J without end, since no V sees it. *)

Definition raise Q s a x : S -> A -> R :=
  fun s' a' => if (s' == s) && (a' == a) then Q s' a' + x else Q s' a'.

Lemma soft_value_raise B Q s a x s' :
  a \notin B s -> soft_value B (raise Q s a x) s' = soft_value B Q s'.
Proof.
move=> aNB; apply: lse_ext => b bB; rewrite /raise.
case: eqP bB => [->|//]; case: eqP => // -> aB.
by rewrite aB in aNB.
Qed.

Lemma objective_raise B mu Q s a x :
  a \in offers M s -> a \notin B s ->
  objective M identity B mu (raise Q s a x) = objective M identity B mu Q + mu s a * x.
Proof.
move=> aO aNB.
transitivity (objective M identity B mu Q +
  \sum_s' \sum_(a' in offers M s') (if (s' == s) && (a' == a) then mu s' a' * x else 0)).
  rewrite /objective -sum_add; apply: eq_bigr => s' _; rewrite -sum_add; apply: eq_bigr => a' _.
  have next_raise : discounted_next M B (raise Q s a x) s' a' = discounted_next M B Q s' a'.
    by congr (_ * _); apply: expected_ext => s2; apply: soft_value_raise.
  rewrite /implied_reward next_raise soft_value_raise // /identity /raise.
  by case: ((s' == s) && (a' == a)); ring.
congr (_ + _); rewrite (bigD1 s) //= [X in _ + X]big1 ?Rplus_0_r; last first.
  by move=> s' /negbTE s'N; rewrite big1 // => a' _; rewrite s'N.
rewrite (bigD1 a) //= !eqxx /= [X in _ + X]big1 ?Rplus_0_r //.
by move=> a' /andP[_ /negbTE ->].
Qed.

Theorem outside_unbounded B mu s a :
  a \in offers M s -> a \notin B s -> 0 < mu s a ->
  forall K, exists Q, K < objective M identity B mu Q.
Proof.
move=> aO aNB mu_gt0 K.
pose Q0 : S -> A -> R := fun _ _ => 0.
exists (raise Q0 s a ((K + 1 - objective M identity B mu Q0) / mu s a)).
rewrite objective_raise //.
have -> : mu s a * ((K + 1 - objective M identity B mu Q0) / mu s a)
          = K + 1 - objective M identity B mu Q0 by field; lra.
lra.
Qed.

(** On data: the same, as soon as one transition takes such an action. *)

Lemma transition_term_raise B Q s a x t :
  a \notin B s ->
  transition_term M identity B (raise Q s a x) t =
  transition_term M identity B Q t + x * (if t.1 == (s, a) then 1 else 0).
Proof.
move=> aNB; case: t => [[s' a'] next]; rewrite /transition_term soft_value_raise //.
have -> : next_value (soft_value B (raise Q s a x)) next = next_value (soft_value B Q) next.
  by case: next => //= s2; apply: soft_value_raise.
by rewrite /identity /raise xpair_eqE /=; case: (_ && _); ring.
Qed.

Theorem data_outside_unbounded B (data : seq (S * A * option S)) s a next :
  a \notin B s -> (s, a, next) \in data ->
  forall K, exists Q, K < data_objective M identity B Q data.
Proof.
move=> aNB t_in K; pose Q0 : S -> A -> R := fun _ _ => 0.
pose sum Q := \sum_(t <- data | true) transition_term M identity B Q t.
pose count := \sum_(t <- data | true) (if t.1 == (s, a) then 1 else 0).
have count_ge1 : 1 <= count.
  rewrite /count (big_rem _ t_in) /= eqxx.
  rewrite -[X in X <= _]Rplus_0_r; apply: Rplus_le_compat_l.
  by apply: sum_ge0 => t _; case: (_ == _); lra.
have size_gt0 : 0 < INR (size data) by apply: lt_0_INR; apply/ltP; case: data t_in {sum count count_ge1}.
have raised x : sum (raise Q0 s a x) = sum Q0 + x * count.
  by rewrite /sum /count -sum_scale -sum_add; apply: eq_bigr => t _; apply: transition_term_raise.
pose x := Rabs (K * INR (size data) - sum Q0) + 1; exists (raise Q0 s a x).
rewrite /data_objective -/(sum _) raised; apply: (Rmult_lt_reg_r (INR (size data))) => //.
rewrite /Rdiv Rmult_assoc Rinv_l ?Rmult_1_r; last lra.
have diff_le := Rle_abs (K * INR (size data) - sum Q0).
have x_gt0 : 0 < x by have := Rabs_pos (K * INR (size data) - sum Q0); rewrite /x; lra.
have x_count := Rmult_le_compat_l x _ _ (Rlt_le _ _ x_gt0) count_ge1.
by rewrite /x in x_count *; lra.
Qed.

(** ** The maximiser

    Data that visit state s with weight d(s) and take actions from a policy π on the sets. *)

Definition data_of d pi : S -> A -> R := fun s a => d s * pi s a.

(** KL(π(·|s) ‖ π'(·|s)) on the sets, and its mean over the states that the data visit. *)

Definition kl B pi pi' s := \sum_(a in B s) pi s a * (ln (pi s a) - ln (pi' s a)).

Definition mean_kl B d pi pi' := \sum_s d s * kl B pi pi' s.

Lemma kl_student B pi Q s :
  candidates M B -> policy_on B pi ->
  kl B pi (student B Q) s = soft_value B Q s - policy_value B pi Q s.
Proof.
move=> B_ok pi_on; have [_ pi1] := pi_on s.
transitivity (\sum_(a in B s) (pi s a * soft_value B Q s - pi s a * (Q s a - ln (pi s a)))).
  by apply: eq_bigr => a aB; rewrite ln_student //; ring.
by rewrite sum_sub sum_scale_r pi1 Rmult_1_l.
Qed.

(** The divergence is never negative, and 0 only between equal policies. *)

Lemma kl_ge0 B pi Q s :
  candidates M B -> policy_on B pi -> 0 <= kl B pi (student B Q) s.
Proof.
move=> B_ok pi_on; rewrite kl_student //.
by have := policy_value_le_soft_value Q (candidates_some s B_ok) pi_on; lra.
Qed.

Lemma kl_eq0 B pi Q s :
  candidates M B -> policy_on B pi -> kl B pi (student B Q) s = 0 ->
  forall a, a \in B s -> student B Q s a = pi s a.
Proof.
move=> B_ok pi_on; rewrite kl_student // => kl0 a aB; have B0 := candidates_some s B_ok.
rewrite /student projection_boltzmann //.
by rewrite (policy_value_unique (Q := Q) B0 pi_on) //; lra.
Qed.

Lemma mean_kl_ge0 B d pi Q :
  candidates M B -> policy_on B pi -> (forall s, 0 <= d s) -> 0 <= mean_kl B d pi (student B Q).
Proof. by move=> *; apply: sum_ge0 => s _; apply: Rmult_le_pos => //; apply: kl_ge0. Qed.

(** On data of the projected teacher, what a table Q lacks of the value of Q* is the mean
    divergence of its policy from the projected teacher's. *)

Lemma projected_teacher_policy B : candidates M B -> policy_on B (projection B (teacher M)).
Proof. by move=> B_ok; apply/projection_policy/teacher_projectable. Qed.

Theorem cloning_gap B d Q :
  candidates M B ->
  let pi := projection B (teacher M) in
  objective M identity B (data_of d pi) (Q_star M) - objective M identity B (data_of d pi) Q =
  mean_kl B d pi (student B Q).
Proof.
move=> B_ok pi.
have mu_in : inside B (data_of d pi).
  by move=> s a /negbTE aB; rewrite /data_of /pi /projection aB Rmult_0_r.
rewrite !cloning // -sum_sub; apply: eq_bigr => s _; rewrite -sum_sub -sum_scale.
by apply: eq_bigr => a _; rewrite /data_of /student -/(teacher M) -/pi; ring.
Qed.

(** So Q* is a maximiser over all tables, *)

Theorem cloning_maximum B d Q :
  candidates M B -> (forall s, 0 <= d s) ->
  let mu := data_of d (projection B (teacher M)) in
  objective M identity B mu Q <= objective M identity B mu (Q_star M).
Proof.
move=> B_ok d_ge0 mu; have := cloning_gap d Q B_ok; rewrite /= -/mu.
by have := mean_kl_ge0 Q B_ok (projected_teacher_policy B_ok) d_ge0; lra.
Qed.

(** and every maximiser has the projected teacher's policy wherever the data have been. *)

Theorem cloning_maximiser B d Q :
  candidates M B -> (forall s, 0 <= d s) ->
  let mu := data_of d (projection B (teacher M)) in
  (forall Q', objective M identity B mu Q' <= objective M identity B mu Q) ->
  forall s a, 0 < d s -> a \in B s -> student B Q s a = projection B (teacher M) s a.
Proof.
move=> B_ok d_ge0 mu Q_max s a d_gt0 aB; have pi_on := projected_teacher_policy B_ok.
have terms_ge0 s' (_ : true) := Rmult_le_pos _ _ (d_ge0 s') (kl_ge0 Q s' B_ok pi_on).
have kl_le0 : mean_kl B d (projection B (teacher M)) (student B Q) <= 0.
  by rewrite -cloning_gap // -/mu; have := Q_max (Q_star M); lra.
apply: kl_eq0 aB => //.
have kl0 := Rle_antisym _ _ kl_le0 (sum_ge0 _ terms_ge0).
by have /Rmult_integral[|//] := sum_eq0 terms_ge0 kl0 (i := s) erefl; lra.
Qed.

End Cloning.
