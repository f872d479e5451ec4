(** * The objective on text: shift, floor and mask

    On text the student's logits z become Q-values by a shift and a floor, and an action outside
    its set counts as the floor. objective.v has the objective without them; where every action
    is inside its set it is the same. *)

From Bellman Require Export objective.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Text.

Variables (S A : finType) (M : mdp S A).
Implicit Types (phi : R -> R) (B : S -> {set A}) (z Q : S -> A -> R) (c : S -> R) (s : S) (a : A).
Implicit Types (q_min : R) (data : seq (S * A * option S)).

(** c(s) is the largest logit of state s, over every action it offers. *)

Definition largest z s (x : R) :=
  (exists2 a, a \in offers M s & z s a = x) /\ forall a, a \in offers M s -> z s a <= x.

Lemma largest_unique z s x y : largest z s x -> largest z s y -> x = y.
Proof. by case=> -[a aO <-] x_ge [[b bO <-] y_ge]; apply: Rle_antisym; auto. Qed.

(** Q(s,a) = max(z(s,a) − c(s), Q_min). *)

Definition student_q c q_min z s a := Rmax (z s a - c s) q_min.

(** (F Q)(s,a) = Q(s,a) if a ∈ B(s), else Q_min. *)

Definition masked q_min B Q s a := if a \in B s then Q s a else q_min.

(** φ(δ) − (V(s) − γ V(s')) with δ = (F Q)(s,a) − γ V(s'). *)

Definition text_term phi q_min B Q (t : S * A * option S) :=
  let: (s, a, next) := t in
  let V := soft_value B Q in
  phi (masked q_min B Q s a - gamma M * next_value V next) - (V s - gamma M * next_value V next).

(** J, a mean over transitions with their weights. *)

Definition text_objective phi q_min B Q (data : seq (R * (S * A * option S))) :=
  \sum_(t <- data | true) t.1 * text_term phi q_min B Q t.2.

(** Inside the sets no mask is felt, *)

Lemma text_term_inside phi q_min B Q s a next :
  a \in B s -> text_term phi q_min B Q (s, a, next) = transition_term M phi B Q (s, a, next).
Proof. by move=> aB; rewrite /text_term /masked aB. Qed.

(** and with equal weights J is the objective of objective.v. *)

Theorem text_objective_inside phi q_min B Q data :
  (forall s a next, (s, a, next) \in data -> a \in B s) ->
  text_objective phi q_min B Q [seq (/ INR (size data), t) | t <- data] =
  data_objective M phi B Q data.
Proof.
move=> data_in; rewrite /text_objective /data_objective big_map sum_scale Rmult_comm.
congr (_ * _); rewrite !(big_seq_cond (fun=> true)); apply: eq_bigr => -[[s a] next].
by move=> /andP[/data_in aB _]; apply: text_term_inside.
Qed.

End Text.
