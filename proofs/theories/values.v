(** * Soft values and Boltzmann policies

    The soft value of a table of Q-values over candidate sets, the policy that reaches it, and
    the soft value under any other policy. *)

From Bellman Require Export logsumexp candidates.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Values.

Variables S A : finType.
Implicit Types (B C : S -> {set A}) (pi Q : S -> A -> R) (s : S) (a : A) (c : R).

(** V(s) = log Σ_{a ∈ B(s)} exp Q(s,a). *)

Definition soft_value B Q s := lse (B s) (Q s).

(** π_Q(a|s) = exp(Q(s,a) − V(s)), the Boltzmann policy of Q on B. *)

Definition boltzmann B Q s a := exp (Q s a - soft_value B Q s).

(** V^π(s) = Σ_{a ∈ B(s)} π(a|s) (Q(s,a) − log π(a|s)).
    0 log 0 = 0 needs no case: whatever [ln 0] is, here it is multiplied by 0. *)

Definition policy_value B pi Q s := \sum_(a in B s) pi s a * (Q s a - ln (pi s a)).

(** The soft value is monotone in Q and in the sets, and moves with a shift of Q. *)

Lemma soft_value_le B Q Q' s :
  B s != set0 -> (forall a, a \in B s -> Q s a <= Q' s a) -> soft_value B Q s <= soft_value B Q' s.
Proof. exact: lse_le. Qed.

Lemma soft_value_subset B C Q s :
  B s != set0 -> B s \subset C s -> soft_value B Q s <= soft_value C Q s.
Proof. exact: lse_subset. Qed.

Lemma soft_value_shift B Q s c :
  B s != set0 -> soft_value B (fun s a => Q s a + c) s = soft_value B Q s + c.
Proof. exact: lse_shift. Qed.

(** So does the value of a policy. *)

Lemma policy_value_le B pi Q Q' s :
  policy_on B pi -> (forall a, a \in B s -> Q s a <= Q' s a) ->
  policy_value B pi Q s <= policy_value B pi Q' s.
Proof. by move=> pi_ok; apply: entropy_value_le; apply: pi_ok. Qed.

Lemma policy_value_shift B pi Q s c :
  policy_on B pi -> policy_value B pi (fun s a => Q s a + c) s = policy_value B pi Q s + c.
Proof. by move=> pi_ok; apply: entropy_value_shift; apply: pi_ok. Qed.

Lemma policy_value_sub B pi Q Q' s :
  policy_value B pi Q s - policy_value B pi Q' s = \sum_(a in B s) pi s a * (Q s a - Q' s a).
Proof. by rewrite -sum_sub; apply: eq_bigr => a _; ring. Qed.

(** Only the policy on the sets matters. *)

Lemma policy_value_ext B pi pi' Q s :
  (forall a, a \in B s -> pi s a = pi' s a) -> policy_value B pi Q s = policy_value B pi' Q s.
Proof. by move=> eq_pi; apply: eq_bigr => a aB; rewrite eq_pi. Qed.

(** The Boltzmann policy is a policy, and positive. *)

Lemma boltzmann_gt0 B Q s a : 0 < boltzmann B Q s a.
Proof. exact: exp_pos. Qed.

Lemma boltzmann_policy B Q : (forall s, B s != set0) -> policy_on B (boltzmann B Q).
Proof. by move=> B0 s; apply: boltzmann_distribution. Qed.

Lemma ln_boltzmann B Q s a : ln (boltzmann B Q s a) = Q s a - soft_value B Q s.
Proof. exact: ln_exp. Qed.

(** V^π ≤ V, with equality at the Boltzmann policy and nowhere else. *)

Lemma policy_value_le_soft_value B pi Q s :
  B s != set0 -> policy_on B pi -> policy_value B pi Q s <= soft_value B Q s.
Proof. by move=> B0 pi_ok; apply: gibbs. Qed.

Lemma policy_value_boltzmann B Q s :
  B s != set0 -> policy_value B (boltzmann B Q) Q s = soft_value B Q s.
Proof. exact: gibbs_boltzmann. Qed.

Lemma policy_value_unique B pi Q s :
  B s != set0 -> policy_on B pi -> policy_value B pi Q s = soft_value B Q s ->
  forall a, a \in B s -> pi s a = boltzmann B Q s a.
Proof. by move=> B0 pi_ok; apply: gibbs_unique. Qed.

(** The mass that a set carries under the Boltzmann policy of larger sets C is the share
    exp(V_B − V_C), its leak the difference V_C − V_B. *)

Lemma mass_boltzmann B C Q s :
  B s != set0 -> mass B (boltzmann C Q) s = exp (soft_value B Q s - soft_value C Q s).
Proof.
move=> B0; rewrite /mass /boltzmann.
rewrite (@eq_bigr _ _ _ _ _ _ _ (fun a => exp (Q s a) * exp (- soft_value C Q s))); last first.
  by move=> a _; rewrite -exp_plus.
by rewrite sum_scale_r -exp_lse // -exp_plus.
Qed.

Lemma leak_boltzmann B C Q s :
  B s != set0 -> leak B (boltzmann C Q) s = soft_value C Q s - soft_value B Q s.
Proof. by move=> B0; rewrite /leak mass_boltzmann // ln_exp; ring. Qed.

Lemma boltzmann_projectable B C Q : (forall s, B s != set0) -> projectable B (boltzmann C Q).
Proof.
move=> B0 s; split=> [a _|]; first exact: Rlt_le (boltzmann_gt0 _ _ _ _).
by rewrite mass_boltzmann //; apply: exp_pos.
Qed.

(** Projecting the Boltzmann policy of larger sets gives the Boltzmann policy of the smaller
    ones, so its value is the soft value there. *)

Lemma projection_boltzmann B C Q s a :
  B s != set0 -> a \in B s -> projection B (boltzmann C Q) s a = boltzmann B Q s a.
Proof.
move=> B0 aB; rewrite /projection aB mass_boltzmann // /Rdiv -exp_Ropp -exp_plus.
by congr exp; ring.
Qed.

Lemma policy_value_projection B C Q s :
  B s != set0 -> policy_value B (projection B (boltzmann C Q)) Q s = soft_value B Q s.
Proof.
move=> B0; rewrite (@policy_value_ext _ _ (boltzmann B Q)) ?policy_value_boltzmann // => a aB.
exact: projection_boltzmann.
Qed.

End Values.
