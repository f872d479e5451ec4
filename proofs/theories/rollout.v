(** * Rollouts

    A rollout starts in state s_0 = s with action a, and then follows a policy π on candidate
    sets B. What matters of it are the probabilities of the states it visits. *)

From Bellman Require Export candidates.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Rollout.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}) (pi : S -> A -> R).
Implicit Types (s : S) (a : A) (t : nat) (v w : S -> R) (c : R).

(** The probability to go from s to s' when π chooses. *)

Definition onward s s' := \sum_(a in B s) pi s a * step M s a s'.

(** The probability that s_t = s'. *)

Fixpoint visit t s a s' : R :=
  match t with
  | 0 => if s' == s then 1 else 0
  | t'.+1 => match t' with
             | 0 => step M s a s'
             | _ => \sum_x visit t' s a x * onward x s'
             end
  end.

(** E v(s_t). *)

Definition expected_at t v s a := \sum_s' visit t s a s' * v s'.

(** The mean over the actions that π takes in s. *)

Definition policy_mean (f : S -> A -> R) s := \sum_(a in B s) pi s a * f s a.

Lemma visit1 s a s' : visit 1 s a s' = step M s a s'.
Proof. by []. Qed.

Lemma visitS t s a s' :
  (0 < t)%N -> visit t.+1 s a s' = \sum_x visit t s a x * onward x s'.
Proof. by case: t. Qed.

Lemma expected_at1 v s a : expected_at 1 v s a = expected M v s a.
Proof. by []. Qed.

(** E v(s_{t+1}) is the expectation at t of the mean of v one step on. *)

Lemma expected_atS t v s a :
  (0 < t)%N -> expected_at t.+1 v s a = expected_at t (policy_mean (expected M v)) s a.
Proof.
move=> t_gt0; rewrite /expected_at.
under eq_bigr => s' _ do rewrite visitS // -sum_scale_r.
rewrite exchange_big; apply: eq_bigr => x _ /=.
under eq_bigr => s' _ do rewrite Rmult_assoc.
rewrite sum_scale; congr (_ * _).
under eq_bigr => s' _ do rewrite /onward -sum_scale_r.
rewrite exchange_big; apply: eq_bigr => b _ /=.
by rewrite -sum_scale; apply: eq_bigr => s' _; ring.
Qed.

Lemma expected_at_add t v w s a :
  expected_at t (fun s' => v s' + w s') s a = expected_at t v s a + expected_at t w s a.
Proof. by rewrite -sum_add; apply: eq_bigr => s' _; ring. Qed.

Lemma expected_at_scale t c v s a :
  expected_at t (fun s' => c * v s') s a = c * expected_at t v s a.
Proof. by rewrite -sum_scale; apply: eq_bigr => s' _; ring. Qed.

Lemma expected_at_ext t v w s a :
  (forall s', v s' = w s') -> expected_at t v s a = expected_at t w s a.
Proof. by move=> vw; apply: eq_bigr => s' _; rewrite vw. Qed.

Hypothesis pi_on : policy_on B pi.

Lemma onward_ge0 s s' : 0 <= onward s s'.
Proof.
by apply: sum_ge0 => a aB; apply: Rmult_le_pos (step_ge0 _ _ _ _); case: (pi_on s) => pi_ge0 _; apply: pi_ge0.
Qed.

Lemma onward_total s : \sum_s' onward s s' <= 1.
Proof.
rewrite exchange_big /=; case: (pi_on s) => pi_ge0 <-; apply: sum_le => a aB.
by rewrite sum_scale; have := Rmult_le_compat_l _ _ _ (pi_ge0 a aB) (step_total M s a); lra.
Qed.

(** These are probabilities; what is missing from 1 has ended before. *)

Lemma visit_ge0 t s a s' : 0 <= visit t s a s'.
Proof.
elim: t s' => [|[|t] IH] s'; first by rewrite /=; case: eqP => _; lra.
  exact: step_ge0.
by rewrite visitS //; apply: sum_ge0 => x _; apply: Rmult_le_pos (IH x) (onward_ge0 _ _).
Qed.

Lemma visit_total t s a : \sum_s' visit t s a s' <= 1.
Proof.
elim: t => [|[|t] IH].
- by rewrite /= -big_mkcond big_pred1_eq; lra.
- exact: step_total.
- under eq_bigr => s' _ do rewrite visitS //.
  rewrite exchange_big; apply: Rle_trans IH; apply: sum_le => x _; rewrite sum_scale.
  by have := Rmult_le_compat_l _ _ _ (visit_ge0 t.+1 s a x) (onward_total x); lra.
Qed.

Lemma expected_at_le t v w s a :
  (forall s', v s' <= w s') -> expected_at t v s a <= expected_at t w s a.
Proof.
by move=> le_vw; apply: sum_le => s' _; apply: Rmult_le_compat_l => //; apply: visit_ge0.
Qed.

Lemma expected_at_ge0 t v s a : (forall s', 0 <= v s') -> 0 <= expected_at t v s a.
Proof. by move=> v_ge0; apply: sum_ge0 => s' _; apply: Rmult_le_pos => //; apply: visit_ge0. Qed.

Lemma expected_at_const_le t c s a : 0 <= c -> expected_at t (fun=> c) s a <= c.
Proof.
move=> c_ge0; rewrite /expected_at sum_scale_r.
by have := Rmult_le_compat_r c _ _ c_ge0 (visit_total t s a); lra.
Qed.

(** An expectation at t only depends on states that can be reached at t. *)

Lemma expected_at_reached t v w s a :
  (forall s', 0 < visit t s a s' -> v s' = w s') -> expected_at t v s a = expected_at t w s a.
Proof.
move=> vw; apply: eq_bigr => s' _.
by case: (visit_ge0 t s a s') => [/vw ->|<-] //; rewrite !Rmult_0_l.
Qed.

End Rollout.
