(** * Log-sum-exp

    One row of Q-values at a time: [q a] is Q(s,a) for one state s, and [B] a set of actions.
    Log-sum-exp is monotone, moves with a shift, and is the largest value that a policy can
    reach when its entropy counts (Gibbs). *)

From Bellman Require Export logarithm bigops.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section LogSumExp.

Variable A : finType.
Implicit Types (B C : {set A}) (q r w : A -> R) (c : R) (a : A).

(** log Σ_{a ∈ B} exp q(a). *)

Definition lse B q := ln (\sum_(a in B) exp (q a)).

End LogSumExp.
