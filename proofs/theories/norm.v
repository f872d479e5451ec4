(** * The supported sup-norm

    ‖f‖_{∞,B} = max_s max_{a ∈ B(s)} |f(s,a)|. Pairs outside the candidate sets do not count,
    so this is a norm of what f is on them. *)

From Bellman Require Export bigops.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** The difference of two tables. *)

Definition table_sub (S A : Type) (Q Q' : S -> A -> R) s a := Q s a - Q' s a.
Notation "Q \- Q'" := (table_sub Q Q') (at level 50, left associativity) : R_scope.

Section Norm.

Variables S A : finType.
Implicit Types (B C : S -> {set A}) (Q f : S -> A -> R) (s : S) (a : A) (c : R).

Definition supported_norm B f := \big[Rmax/0]_s \big[Rmax/0]_(a in B s) Rabs (f s a).

Lemma supported_norm_ge0 B f : 0 <= supported_norm B f.
Proof. exact: max_ge0. Qed.

(** It is the least c ≥ 0 that bounds |f| on the sets. *)

Lemma supported_norm_ge B f s a : a \in B s -> Rabs (f s a) <= supported_norm B f.
Proof.
move=> aB; apply: Rle_trans (max_ge (fun s => \big[Rmax/0]_(a in B s) Rabs (f s a)) _ _) => //.
  exact: (max_ge (fun a => Rabs (f s a)) (mem_index_enum a)).
Qed.

Lemma supported_norm_le B f c :
  0 <= c -> (forall s a, a \in B s -> Rabs (f s a) <= c) -> supported_norm B f <= c.
Proof. by move=> c_ge0 f_le; do 2!apply: max_le => // *; apply: f_le. Qed.

Lemma supported_norm_sub_le B Q Q' s a :
  a \in B s -> Q s a <= Q' s a + supported_norm B (Q \- Q').
Proof.
move=> aB; have := supported_norm_ge (Q \- Q') aB; rewrite /table_sub => le_norm.
by have := Rle_abs (Q s a - Q' s a); lra.
Qed.

Lemma supported_norm_sym B Q Q' : supported_norm B (Q \- Q') = supported_norm B (Q' \- Q).
Proof.
by do 2!apply: eq_bigr => ? _; rewrite /table_sub Rabs_minus_sym.
Qed.

(** Norm 0 means equal on the sets. *)

Lemma supported_norm_eq0 B Q Q' s a :
  supported_norm B (Q \- Q') <= 0 -> a \in B s -> Q s a = Q' s a.
Proof.
move=> norm0 aB; have := supported_norm_sub_le Q Q' aB; have := supported_norm_sub_le Q' Q aB.
by rewrite [supported_norm B (Q' \- Q)]supported_norm_sym; lra.
Qed.

(** Larger sets, larger norm. *)

Lemma supported_norm_subset B C f :
  (forall s, B s \subset C s) -> supported_norm B f <= supported_norm C f.
Proof.
move=> sBC; apply: supported_norm_le; first exact: supported_norm_ge0.
by move=> s a aB; apply: supported_norm_ge; apply: (subsetP (sBC s)).
Qed.

End Norm.
