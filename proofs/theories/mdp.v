(** * Finite Markov decision processes

    A model has finitely many states [S] and actions [A]; each state offers some of the
    actions, at least one. Everything is entropy-regularised at temperature 1, so that nothing
    but the discount has to be chosen. *)

From Bellman Require Export bigops.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Record mdp (S A : finType) := Mdp {
  offers : S -> {set A};         (* the actions that state s offers *)
  step : S -> A -> S -> R;       (* P(s'|s,a) *)
  reward : S -> A -> R;          (* r(s,a) *)
  gamma : R;                     (* the discount γ *)
  offers_some : forall s, offers s != set0;
  step_ge0 : forall s a s', 0 <= step s a s';
  step_total : forall s a, \sum_s' step s a s' <= 1;
  gamma_ge0 : 0 <= gamma;
  gamma_lt1 : gamma < 1
}.

(** The probabilities of a transition may add up to less than 1. What is missing is the
    probability that the process ends there, after which nothing is earned: the value of the
    end is 0. Where nothing is missing, the model is stochastic; no bound needs that. *)

Definition stochastic S A (M : mdp S A) :=
  forall s a, a \in offers M s -> \sum_s' step M s a s' = 1.

Section Expectation.

Variables (S A : finType) (M : mdp S A).
Implicit Types (v w : S -> R) (s : S) (a : A) (c : R).

(** E_{s'} v(s'), the expectation over the next state; the end counts 0. *)

Definition expected v s a := \sum_s' step M s a s' * v s'.

(** The Bellman backup of next-state values: r(s,a) + γ E_{s'} v(s'). *)

Definition backup v s a := reward M s a + gamma M * expected v s a.

Lemma expected_le v w s a : (forall s', v s' <= w s') -> expected v s a <= expected w s a.
Proof.
by move=> le_vw; apply: sum_le => s' _; apply: Rmult_le_compat_l => //; apply: step_ge0.
Qed.

Lemma expected_ext v w s a : (forall s', v s' = w s') -> expected v s a = expected w s a.
Proof. by move=> vw; apply: eq_bigr => s' _; rewrite vw. Qed.

Lemma expected_ge0 v s a : (forall s', 0 <= v s') -> 0 <= expected v s a.
Proof. by move=> v_ge0; apply: sum_ge0 => s' _; apply: Rmult_le_pos => //; apply: step_ge0. Qed.

Lemma expected_add v w s a : expected (fun s' => v s' + w s') s a = expected v s a + expected w s a.
Proof. by rewrite /expected -sum_add; apply: eq_bigr => s' _; ring. Qed.

Lemma expected_sub v w s a : expected (fun s' => v s' - w s') s a = expected v s a - expected w s a.
Proof. by rewrite /expected -sum_sub; apply: eq_bigr => s' _; ring. Qed.

Lemma expected_scale c v s a : expected (fun s' => c * v s') s a = c * expected v s a.
Proof. by rewrite /expected -sum_scale; apply: eq_bigr => s' _; ring. Qed.

(** The expectation of a constant is at most that constant: the process may have ended. *)

Lemma expected_const_le c s a : 0 <= c -> expected (fun=> c) s a <= c.
Proof.
move=> c_ge0; rewrite /expected sum_scale_r.
by have := Rmult_le_compat_r c _ _ c_ge0 (step_total M s a); lra.
Qed.

Lemma backup_le v w s a : (forall s', v s' <= w s') -> backup v s a <= backup w s a.
Proof.
move=> le_vw; apply: Rplus_le_compat_l; apply: Rmult_le_compat_l; first exact: gamma_ge0.
exact: expected_le.
Qed.

Lemma backup_ext v w s a : (forall s', v s' = w s') -> backup v s a = backup w s a.
Proof. by move=> vw; rewrite /backup (@expected_ext v w). Qed.

(** Adding c to every value adds at most γ c. *)

Lemma backup_shift v s a c :
  0 <= c -> backup (fun s' => v s' + c) s a <= backup v s a + gamma M * c.
Proof.
move=> c_ge0; rewrite /backup (expected_add v (fun=> c)).
by have := Rmult_le_compat_l _ _ _ (gamma_ge0 M) (expected_const_le s a c_ge0); lra.
Qed.

Lemma backup_sub v w s a :
  backup v s a - backup w s a = gamma M * expected (fun s' => v s' - w s') s a.
Proof. by rewrite /backup expected_sub; ring. Qed.

End Expectation.
