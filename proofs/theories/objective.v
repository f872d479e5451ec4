(** * The objective of Bellman Distill

    J(Q) = Σ_{s,a} μ(s,a) [ φ(δ(s,a)) − (V(s) − γ E V(s')) ],
    with V(s) = log Σ_{a ∈ B(s)} exp Q(s,a) and δ(s,a) = Q(s,a) − γ E V(s').

    [mu s a] is how often the data take action a in state s. There is no floor. After the end
    of a text V counts 0, as everywhere in this model. [objective] is the expectation over the
    next state, [data_objective] the mean over a list of transitions that were seen. *)

From Bellman Require Export operators.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** ** Regularisers *)

(** φ(x) = x. *)

Definition identity (x : R) := x.

(** φ(x) = x − x²/(4α), the χ² regulariser. *)

Definition chi2 alpha x := x - x * x / (4 * alpha).

Lemma chi2_le_identity alpha x : 0 < alpha -> chi2 alpha x <= identity x.
Proof.
move=> alpha_gt0; rewrite /chi2 /identity.
have: 0 <= x * x / (4 * alpha); last lra.
by apply: Rmult_le_pos; [exact: Rle_0_sqr|apply: Rlt_le; apply: Rinv_0_lt_compat; lra].
Qed.

(** It lies below its tangents, by a square. *)

Lemma chi2_tangent alpha x y :
  0 < alpha ->
  chi2 alpha y =
  chi2 alpha x + (1 - x / (2 * alpha)) * (y - x) - (y - x) * (y - x) / (4 * alpha).
Proof. by move=> alpha_gt0; rewrite /chi2; field; lra. Qed.

(** Its tangent is level at 2α: beyond, φ falls. *)

Lemma chi2_le alpha x : 0 < alpha -> chi2 alpha x <= alpha.
Proof.
move=> alpha_gt0; rewrite (chi2_tangent (2 * alpha) x alpha_gt0).
have -> : 1 - 2 * alpha / (2 * alpha) = 0 by field; lra.
have -> : chi2 alpha (2 * alpha) = alpha by rewrite /chi2; field; lra.
have: 0 <= (x - 2 * alpha) * (x - 2 * alpha) / (4 * alpha); last lra.
by apply: Rmult_le_pos; [exact: Rle_0_sqr|apply: Rlt_le; apply: Rinv_0_lt_compat; lra].
Qed.

(** ** The objective *)

Section Objective.

Variables (S A : finType) (M : mdp S A).
Implicit Types (phi : R -> R) (B : S -> {set A}) (mu Q : S -> A -> R) (s : S) (a : A).

(** γ E V(s'). *)

Definition discounted_next B Q s a := gamma M * expected M (soft_value B Q) s a.

(** δ(s,a) = Q(s,a) − γ E V(s'), the implied reward: the one for which Q(s,a) is right. *)

Definition implied_reward B Q s a := Q s a - discounted_next B Q s a.

(** J(Q). *)

Definition objective phi B mu Q :=
  \sum_s \sum_(a in offers M s)
    mu s a * (phi (implied_reward B Q s a) - (soft_value B Q s - discounted_next B Q s a)).

(** The same on data: a transition is (s, a, what came next), [None] if the text ended. *)

Definition next_value (V : S -> R) (next : option S) := if next is Some s then V s else 0.

Definition transition_term phi B Q (t : S * A * option S) :=
  let: (s, a, next) := t in
  let V := soft_value B Q in
  phi (Q s a - gamma M * next_value V next) - (V s - gamma M * next_value V next).

Definition data_objective phi B Q (data : seq (S * A * option S)) :=
  (\sum_(t <- data | true) transition_term phi B Q t) / INR (size data).

(** The transitions of a text, given as states with the actions taken in them. A text that was
    cut off loses its last transition, since what came next is not known. *)

Fixpoint transitions (ended : bool) (y : seq (S * A)) : seq (S * A * option S) :=
  match y with
  | (s, a) :: (((s', _) :: _) as rest) => (s, a, Some s') :: transitions ended rest
  | [:: (s, a)] => if ended then [:: (s, a, None)] else [::]
  | [::] => [::]
  end.

(** The data take actions of their candidate sets only. *)

Definition inside B mu := forall s a, a \notin B s -> mu s a = 0.

(** What fixed points imply is the reward of the model. *)

Lemma implied_reward_fixed B Q s a : T_p M B Q s a = Q s a -> implied_reward B Q s a = reward M s a.
Proof. by rewrite /implied_reward /discounted_next /T_p /backup => eqQ; lra. Qed.

(** J grows with φ. *)

Lemma objective_le phi1 phi2 B mu Q :
  (forall s a, 0 <= mu s a) -> (forall x, phi1 x <= phi2 x) ->
  objective phi1 B mu Q <= objective phi2 B mu Q.
Proof.
move=> mu_ge0 le_phi; apply: sum_le => s _; apply: sum_le => a _.
by apply: Rmult_le_compat_l => //; have := le_phi (implied_reward B Q s a); lra.
Qed.

(** χ² takes away the mean square of the implied reward, over 4α. *)

Definition mean_square B mu Q :=
  \sum_s \sum_(a in offers M s) mu s a * (implied_reward B Q s a * implied_reward B Q s a).

Lemma mean_square_ge0 B mu Q : (forall s a, 0 <= mu s a) -> 0 <= mean_square B mu Q.
Proof.
move=> mu_ge0; apply: sum_ge0 => s _; apply: sum_ge0 => a _.
by apply: Rmult_le_pos => //; exact: Rle_0_sqr.
Qed.

Lemma objective_chi2 alpha B mu Q :
  0 < alpha ->
  objective (chi2 alpha) B mu Q = objective identity B mu Q - mean_square B mu Q / (4 * alpha).
Proof.
move=> alpha_gt0; rewrite /objective /mean_square /Rdiv -sum_scale_r -sum_sub.
apply: eq_bigr => s _; rewrite -sum_scale_r -sum_sub; apply: eq_bigr => a _.
by rewrite /chi2 /identity; field; lra.
Qed.

End Objective.
