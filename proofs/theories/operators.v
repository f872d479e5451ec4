(** * The Bellman operators

    | paper                                                   | here                         |
    | V(s) = log Σ_a exp Q(s,a)                               | [soft_value (offers M) Q s]  |
    | the same over A_p(s)                                    | [soft_value B Q s]           |
    | V^π(s) = Σ_a π(a|s) (Q(s,a) − log π(a|s))               | [policy_value B pi Q s]      |
    | π_Q(a|s) = exp(Q(s,a) − V(s))                           | [boltzmann (offers M) Q s a] |
    | proj_p π(a|s)                                           | [projection B pi s a]        |
    | T Q = r + γ E log Σ_a exp Q                             | [T M Q]                      |
    | T_p Q = r + γ E log Σ_{A_p} exp Q                       | [T_p M B Q]                  |
    | B_p^π Q = r + γ E Σ_a proj_p π (Q − log proj_p π)       | [B_p M B pi Q]               |
    | ‖f‖_{∞,A_p} = max_s max_{a ∈ A_p(s)} |f(s,a)|           | [supported_norm B f]         |
    | κ(p) = −γ log p / (1 − γ)                               | [kappa M p]                  |

    A table of Q-values is a function [Q : S -> A -> R]; [B] is a table of candidate sets,
    [top_p M p pi] for the paper's A_p. *)

From Bellman Require Export values norm.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Operators.

Variables (S A : finType) (M : mdp S A).
Implicit Types (B : S -> {set A}) (pi Q : S -> A -> R) (p : R).

(** The soft optimality operator. *)

Definition T Q := backup M (soft_value (offers M) Q).

(** The top-p optimality operator, for any candidate sets. *)

Definition T_p B Q := backup M (soft_value B Q).

(** The top-p Bellman operator of a policy. *)

Definition B_p B pi Q := backup M (policy_value B (projection B pi) Q).

(** κ(p), the price of keeping the mass p in every state. *)

Definition kappa p := - gamma M * ln p / (1 - gamma M).

Lemma kappa_ge0 p : 0 < p <= 1 -> 0 <= kappa p.
Proof.
case=> p_gt0 p_le1; have := ln_le _ _ p_gt0 p_le1; rewrite ln_1 => ln_le0.
have [g_ge0 g_lt1] := (gamma_ge0 M, gamma_lt1 M).
apply: Rmult_le_pos; last by apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
by have := Rmult_le_compat_l _ _ _ g_ge0 ln_le0; lra.
Qed.

(** κ is what a leak of −log p per step adds up to: κ = γ (−log p + κ). *)

Lemma kappa_step p : kappa p = gamma M * (- ln p + kappa p).
Proof. by rewrite /kappa; field; have := gamma_lt1 M; lra. Qed.

Lemma kappa1 : kappa 1 = 0.
Proof. by rewrite /kappa ln_1 /Rdiv Rmult_0_r Rmult_0_l. Qed.

End Operators.
