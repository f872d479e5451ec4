(** * The paper's propositions, for its own candidate sets

    Here B is A_p(s), the nucleus of the teacher π*, and nothing is assumed but 0 < p ≤ 1:
    the fixed points exist, the nucleus is not empty and carries p. *)

From Bellman Require Export bounds.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Paper.

Variables (S A : finType) (M : mdp S A) (p : R).
Hypothesis p_bounds : 0 < p <= 1.
Implicit Types (s : S) (a : A).

Let A_p : S -> {set A} := top_p M p (teacher M).

Lemma A_p_candidates : candidates M A_p.
Proof. by apply: top_p_candidates => // s a _; apply: teacher_gt0. Qed.

Lemma A_p_carries : carries p A_p (teacher M).
Proof. by apply: top_p_carries => // [|s a _]; [apply: teacher_policy|apply: teacher_gt0]. Qed.

(** Proposition 1: B_p^π, for any policy π with some mass in each set, and T_p are
    monotone γ-contractions in ‖·‖_{∞,A_p}. *)

Theorem paper_proposition_1 :
  (forall pi, projectable A_p pi ->
     monotone A_p (B_p M A_p pi) /\ contraction A_p (gamma M) (B_p M A_p pi)) /\
  monotone A_p (T_p M A_p) /\ contraction A_p (gamma M) (T_p M A_p).
Proof.
have ok := A_p_candidates; split=> [pi pi_ok|]; split.
- exact: B_p_monotone.
- exact: B_p_contraction.
- exact: T_p_monotone.
- exact: T_p_contraction.
Qed.

(** Proposition 2: 0 ≤ Q* − Q̄^{proj_p π*} ≤ κ(p). *)

Theorem paper_proposition_2 s a :
  a \in A_p s -> 0 <= Q_star M s a - Q_projected M A_p (teacher M) s a <= kappa M p.
Proof. exact: (proposition_2 A_p_candidates p_bounds A_p_carries). Qed.

(** Proposition 3: Q̄^{proj_p π*} ≤ Q̄_p* ≤ Q*. *)

Theorem paper_proposition_3 s a :
  a \in A_p s -> Q_projected M A_p (teacher M) s a <= Q_p_star M A_p s a <= Q_star M s a.
Proof. exact: (proposition_3 A_p_candidates). Qed.

(** Proposition 4: ‖Q* − Q̄_p*‖_{∞,A_p} ≤ κ(p). *)

Theorem paper_main_theorem : supported_norm A_p (Q_star M \- Q_p_star M A_p) <= kappa M p.
Proof. exact: (main_theorem A_p_candidates p_bounds A_p_carries). Qed.

(** Its form for values, without the leading γ. *)

Theorem paper_value_bound s :
  0 <= V_star M s - soft_value A_p (Q_p_star M A_p) s <= - ln p / (1 - gamma M).
Proof. exact: (value_bound A_p_candidates p_bounds A_p_carries). Qed.

End Paper.

(** p = 1 keeps every action, and costs nothing. *)

Theorem top_1 S A (M : mdp S A) s : top_p M 1 (teacher M) s = offers M s.
Proof. by apply: nucleus1 => a _; apply: teacher_gt0. Qed.
