(** * The Bellman operators

    | paper                                                   | here                     |
    | V(s) = log Σ_a exp Q(s,a)                               | [soft_value (offers M) Q s] |
    | the same over A_p(s)                                    | [soft_value B Q s]       |
    | V^π(s) = Σ_a π(a|s) (Q(s,a) − log π(a|s))               | [policy_value B pi Q s]  |
    | π_Q(a|s) = exp(Q(s,a) − V(s))                           | [boltzmann B Q s a]      |
    | T Q = r + γ E log Σ_a exp Q                             | [T M Q]                  |
    | T_p Q = r + γ E log Σ_{A_p} exp Q                       | [T_p M B Q]              |
    | B_p^π Q = r + γ E Σ_a proj_p π (Q − log proj_p π)       | [B_p M B pi Q]           |
    | ‖f‖_{∞,A_p} = max_s max_{a ∈ A_p(s)} |f(s,a)|           | [supported_norm B f]     |
    | κ(p) = −γ log p / (1 − γ)                               | [kappa M p]              |

    A table of Q-values is a function [Q : S -> A -> R]. *)

From Bellman Require Export logsumexp candidates.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Values.

Variables S A : finType.
Implicit Types (B : S -> {set A}) (pi Q f : S -> A -> R) (s : S) (a : A).

(** V(s) = log Σ_{a ∈ B(s)} exp Q(s,a). *)

Definition soft_value B Q s := lse (B s) (Q s).

(** π_Q(a|s) = exp(Q(s,a) − V(s)), the Boltzmann policy of Q. *)

Definition boltzmann B Q s a := exp (Q s a - soft_value B Q s).

(** V^π(s) = Σ_{a ∈ B(s)} π(a|s) (Q(s,a) − log π(a|s)).
    0 log 0 = 0 needs no case: whatever [ln 0] is, here it is multiplied by 0. *)

Definition policy_value B pi Q s := \sum_(a in B s) pi s a * (Q s a - ln (pi s a)).

(** ‖f‖_{∞,B} = max_s max_{a ∈ B(s)} |f(s,a)|. *)

Definition supported_norm B f := \big[Rmax/0]_s \big[Rmax/0]_(a in B s) Rabs (f s a).

End Values.

(** Difference of two tables, for norms: ‖Q − Q'‖. *)

Definition table_sub (S A : Type) (Q Q' : S -> A -> R) s a := Q s a - Q' s a.
Notation "Q \- Q'" := (table_sub Q Q') (at level 50, left associativity) : R_scope.

Section Operators.

Variables (S A : finType) (M : mdp S A).
Implicit Types (B : S -> {set A}) (pi Q : S -> A -> R).

(** The soft optimality operator. *)

Definition T Q := backup M (soft_value (offers M) Q).

(** The top-p optimality operator, for any candidate sets. *)

Definition T_p B Q := backup M (soft_value B Q).

(** The top-p Bellman operator of a policy. *)

Definition B_p B pi Q := backup M (policy_value B (projection B pi) Q).

(** κ(p), the price of keeping the mass p in every state. *)

Definition kappa p := - gamma M * ln p / (1 - gamma M).

End Operators.
