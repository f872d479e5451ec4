(** * Potential-based shaping

    "Logits are Q-values up to a constant per state." Adding c(s) to every Q-value of a state is
    the same as replacing the reward r(s,a) by r(s,a) + c(s) − γ E c(s'), where the end, after
    which nothing is earned, has the potential 0. Policies, candidate sets, projections and gaps
    stay what they were; only values move. *)

From Coq Require Import FunctionalExtensionality.
From Bellman Require Export fixed_points nucleus objective.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Shaping.

Variables (S A : finType) (M : mdp S A) (c : S -> R).
Implicit Types (B : S -> {set A}) (pi Q : S -> A -> R) (s : S) (a : A) (p : R).

(** The shaped model: other rewards, all else the same. *)

Definition shape : mdp S A :=
  Mdp (fun s a => reward M s a + c s - gamma M * expected M c s a)
      (offers_some M) (step_ge0 M) (step_total M) (gamma_ge0 M) (gamma_lt1 M).

Definition shift Q : S -> A -> R := fun s a => Q s a + c s.

(** Soft values, and values of policies, move by c. *)

Lemma soft_value_shaped B Q s : B s != set0 -> soft_value B (shift Q) s = soft_value B Q s + c s.
Proof. exact: lse_shift. Qed.

Lemma policy_value_shaped B pi Q s :
  policy_on B pi -> policy_value B pi (shift Q) s = policy_value B pi Q s + c s.
Proof. by move=> pi_on; apply: (entropy_value_shift _ _ (pi_on s)). Qed.

(** Backing up what moved by c in the shaped model gives what moves by c. *)

Lemma backup_shaped v s a : backup shape (fun s' => v s' + c s') s a = backup M v s a + c s.
Proof. by rewrite /backup (expected_add shape v c) /= /expected /=; ring. Qed.

(** ** Fixed points move by c *)

Theorem Q_p_star_shaped B s a :
  candidates M B -> Q_p_star shape B s a = Q_p_star M B s a + c s.
Proof.
move=> B_ok; have B_ok' : candidates shape B := B_ok.
have eq_T Q x b : T_p shape B (shift Q) x b = T_p M B Q x b + c x.
  rewrite /T_p -backup_shaped; apply: backup_ext => s'.
  by rewrite soft_value_shaped // (candidates_some _ B_ok).
have on_support x b : b \in B x -> shift (Q_p_star M B) x b = Q_p_star shape B x b.
  by apply: (Q_p_star_unique B_ok') => y b' _; rewrite eq_T Q_p_star_eq.
rewrite -(Q_p_star_eq B_ok') -(Q_p_star_eq B_ok) -eq_T.
by apply: backup_ext => s'; apply: lse_ext => b bB; rewrite on_support.
Qed.

Theorem Q_star_shaped s a : Q_star shape s a = Q_star M s a + c s.
Proof. exact: (Q_p_star_shaped s a (candidates_offers M)). Qed.

Theorem Q_projected_shaped B pi s a :
  projectable B pi -> Q_projected shape B pi s a = Q_projected M B pi s a + c s.
Proof.
move=> pi_ok; have proj_on := projection_policy pi_ok.
have eq_B Q x b : B_p shape B pi (shift Q) x b = B_p M B pi Q x b + c x.
  by rewrite /B_p -backup_shaped; apply: backup_ext => s'; apply: policy_value_shaped.
have on_support x b : b \in B x -> shift (Q_projected M B pi) x b = Q_projected shape B pi x b.
  by apply: (Q_projected_unique pi_ok) => y b' _; rewrite eq_B Q_projected_eq.
rewrite -(Q_projected_eq shape pi_ok) -(Q_projected_eq M pi_ok) -eq_B.
by apply: backup_ext => s'; apply: eq_bigr => b bB; rewrite on_support.
Qed.

(** ** Everything else stays *)

Lemma boltzmann_shaped B Q s a :
  B s != set0 -> boltzmann B (shift Q) s a = boltzmann B Q s a.
Proof. by move=> B0; rewrite /boltzmann soft_value_shaped // /shift; congr exp; ring. Qed.

Theorem teacher_shaped : teacher shape = teacher M.
Proof.
do 2!apply: functional_extensionality => ?.
rewrite /teacher -[RHS]boltzmann_shaped ?offers_some //.
by congr exp; congr (_ - _); [|apply: lse_ext => b _]; apply: Q_star_shaped.
Qed.

Theorem top_p_shaped p : top_p shape p (teacher shape) = top_p M p (teacher M).
Proof. by rewrite teacher_shaped. Qed.

Theorem projection_shaped B : projection B (teacher shape) = projection B (teacher M).
Proof. by rewrite teacher_shaped. Qed.

Theorem leak_shaped B : leak B (teacher shape) = leak B (teacher M).
Proof. by rewrite teacher_shaped. Qed.

Theorem gap_shaped B s a :
  candidates M B ->
  Q_star shape s a - Q_projected shape B (teacher shape) s a =
  Q_star M s a - Q_projected M B (teacher M) s a.
Proof.
move=> B_ok; rewrite teacher_shaped Q_star_shaped Q_projected_shaped; first by ring.
exact: teacher_projectable.
Qed.

Theorem gap_p_star_shaped B s a :
  candidates M B -> Q_star shape s a - Q_p_star shape B s a = Q_star M s a - Q_p_star M B s a.
Proof. by move=> B_ok; rewrite Q_star_shaped Q_p_star_shaped //; ring. Qed.

(** ** The implied reward

    is shaped in the same way: what a shift of logits does to δ. So a curved φ sees the shift,
    and φ = id does not, since V(s) − γ E V(s') moves by the same. *)

Theorem implied_reward_shaped B Q s a :
  candidates M B ->
  implied_reward M B (shift Q) s a = implied_reward M B Q s a + c s - gamma M * expected M c s a.
Proof.
move=> B_ok; rewrite /implied_reward /discounted_next.
rewrite (@expected_ext _ _ M _ (fun s' => soft_value B Q s' + c s')).
  by rewrite expected_add /shift; ring.
by move=> s'; rewrite soft_value_shaped // (candidates_some _ B_ok).
Qed.

Theorem objective_identity_shaped B mu Q :
  candidates M B -> objective M identity B mu (shift Q) = objective M identity B mu Q.
Proof.
move=> B_ok; apply: eq_bigr => s _; apply: eq_bigr => a _; congr (_ * _).
rewrite /identity /implied_reward soft_value_shaped ?(candidates_some _ B_ok) // /shift; ring.
Qed.

End Shaping.
