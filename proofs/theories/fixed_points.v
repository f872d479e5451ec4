(** * Fixed points

    Value iteration from the zero table converges for every contraction; its limit is the only
    fixed point (Banach, on a finite set). So the fixed points that the paper speaks of are
    defined here, and nothing has to be assumed about them. *)

From Coq Require Import ClassicalDedekindReals Classical_Prop.
From Bellman Require Export operators.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** The limit of a sequence of reals, 0 if it has none. *)

Definition decide (P : Prop) : {P} + {~ P} :=
  match sig_not_dec P with
  | left nnP => left (NNPP P nnP)
  | right nP => right nP
  end.

Definition limit (u : nat -> R) : R :=
  match decide (Cauchy_crit u) with
  | left cauchy => sval (R_complete u cauchy)
  | right _ => 0
  end.

Section FixedPoint.

Variables S A : finType.
Implicit Types (Q : S -> A -> R) (F : (S -> A -> R) -> S -> A -> R) (B : S -> {set A}).

(** The table after n applications of F to the zero table. *)

Definition value_iteration F n : S -> A -> R := iter n F (fun _ _ => 0).

(** Where value iteration goes. F is applied once more, so that pairs outside the candidate
    sets, which F writes but does not read, have the right value too. *)

Definition fixed_point F : S -> A -> R := F (fun s a => limit (fun n => value_iteration F n s a)).

(** Q solves Q = F Q on the pairs of the candidate sets. *)

Definition solves B F Q := forall s a, a \in B s -> F Q s a = Q s a.

End FixedPoint.

Section Solutions.

Variables (S A : finType) (M : mdp S A).
Implicit Types (B : S -> {set A}) (pi : S -> A -> R).

(** Q*, the fixed point of T, with V* and the teacher π* = exp(Q* − V* ). *)

Definition Q_star : S -> A -> R := fixed_point (T M).
Definition V_star : S -> R := soft_value (offers M) Q_star.
Definition teacher : S -> A -> R := boltzmann (offers M) Q_star.

(** Q̄_p*, the fixed point of T_p. *)

Definition Q_p_star B : S -> A -> R := fixed_point (T_p M B).

(** Q̄^{proj_p π}, the fixed point of B_p^π; that of the projected teacher is
    [Q_projected B teacher]. *)

Definition Q_projected B pi : S -> A -> R := fixed_point (B_p M B pi).

End Solutions.
