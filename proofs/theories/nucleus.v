(** * The nucleus: top-p candidate sets

    The smallest set of most likely actions that carries the share p of the total. Actions
    come in order of falling weight, those of equal weight in the order of their index. *)

From Bellman Require Export candidates.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Nucleus.

Variable A : finType.
Implicit Types (O X Y : {set A}) (w : A -> R) (p c : R) (a b : A).

(** [before w a b]: action a comes strictly before action b. *)

Definition before w a b : bool :=
  if Rlt_dec (w b) (w a) then true
  else if Req_EM_T (w a) (w b) then (enum_rank a < enum_rank b)%N
  else false.

(** An action is kept if those before it do not yet carry p times the total. This is the rule
    of the code, which adds up weights in order and stops once p times the total is reached;
    like there, nothing is divided, so that [w] need not sum to 1. *)

Definition nucleus p O w : {set A} :=
  [set a in O | if Rlt_dec (\sum_(b in O | before w b a) w b) (p * \sum_(b in O) w b)
                then true else false].

End Nucleus.

(** A_p(s), the top-p candidate set of π(·|s). *)

Definition top_p (S A : finType) (M : mdp S A) (p : R) (pi : S -> A -> R) (s : S) : {set A} :=
  nucleus p (offers M s) (pi s).
