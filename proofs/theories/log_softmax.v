(** * Logits shifted by their log-sum-exp

    With Q := z − log Σ exp z over all offered actions Q is log π_z. If the candidate sets are
    all actions, V is then 0 everywhere, the implied reward is log π_z(a|s), and γ drops out of
    the objective: nothing of the temporal difference is left, and each state is a problem of
    its own. *)

From Bellman Require Export objective.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section LogSoftmax.

Variables (S A : finType) (M : mdp S A).
Implicit Types (mu z : S -> A -> R) (s : S) (a : A) (phi : R -> R).

Definition log_softmax z s a := z s a - soft_value (offers M) z s.

Lemma log_softmax_policy z s a : log_softmax z s a = ln (boltzmann (offers M) z s a).
Proof. by rewrite ln_boltzmann. Qed.

(** It makes every value 0, *)

Lemma soft_value_log_softmax z s : soft_value (offers M) (log_softmax z) s = 0.
Proof.
have := lse_shift (z s) (- soft_value (offers M) z s) (offers_some M s).
by rewrite Rplus_opp_r.
Qed.

(** and leaves the policy as it was. *)

Lemma boltzmann_log_softmax z s a :
  boltzmann (offers M) (log_softmax z) s a = boltzmann (offers M) z s a.
Proof. by rewrite /boltzmann soft_value_log_softmax Rminus_0_r. Qed.

(** What is left of J is the mean of φ (log π). *)

Theorem objective_log_softmax phi mu z :
  objective M phi (offers M) mu (log_softmax z) =
  \sum_s \sum_(a in offers M s) mu s a * phi (ln (boltzmann (offers M) z s a)).
Proof.
apply: eq_bigr => s _; apply: eq_bigr => a _; congr (_ * _).
have next0 : discounted_next M (offers M) (log_softmax z) s a = 0.
  rewrite /discounted_next /expected big1 ?Rmult_0_r // => s' _.
  by rewrite soft_value_log_softmax Rmult_0_r.
by rewrite /implied_reward next0 soft_value_log_softmax log_softmax_policy !Rminus_0_r.
Qed.

End LogSoftmax.
