(** * What the operators compute

    Written by the test `traces` of `operators/`, which fails when this file differs from what the
    Rust functions compute. Do not edit. A name ends in the shape: a digit for each action of a row,
    1 where it is in the candidate set. *)

From Coq Require Import Reals.
From mathcomp Require Import ssreflect seq.

Open Scope R_scope.

Section Traces.

Variables (q u r z : nat -> nat -> R) (v w leak anchor : nat -> R) (P : nat -> nat -> nat -> R).
Variables (gamma four_alpha q_min : R).

Definition soft_value_1 : seq R :=
  [:: ln (exp (q 0 0 - anchor 0)) + anchor 0].

Definition soft_value_11 : seq R :=
  [:: ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)) + anchor 0].

Definition soft_value_101 : seq R :=
  [:: ln (exp (q 0 0 - anchor 0) + 0 + exp (q 0 2 - anchor 0)) + anchor 0].

Definition soft_value_011_10 : seq R :=
  [:: ln (0 + exp (q 0 1 - anchor 0) + exp (q 0 2 - anchor 0)) + anchor 0;
      ln (exp (q 1 0 - anchor 1) + 0) + anchor 1].

Definition log_policy_1 : seq R :=
  [:: q 0 0 - anchor 0 - ln (exp (q 0 0 - anchor 0))].

Definition log_policy_11 : seq R :=
  [:: q 0 0 - anchor 0 - ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0));
      q 0 1 - anchor 0 - ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0))].

Definition log_policy_101 : seq R :=
  [:: q 0 0 - anchor 0 - ln (exp (q 0 0 - anchor 0) + exp (q 0 2 - anchor 0));
      q 0 2 - anchor 0 - ln (exp (q 0 0 - anchor 0) + exp (q 0 2 - anchor 0))].

Definition log_policy_011_10 : seq R :=
  [:: q 0 1 - anchor 0 - ln (exp (q 0 1 - anchor 0) + exp (q 0 2 - anchor 0));
      q 0 2 - anchor 0 - ln (exp (q 0 1 - anchor 0) + exp (q 0 2 - anchor 0));
      q 1 0 - anchor 1 - ln (exp (q 1 0 - anchor 1))].

Definition projection_1 : seq R :=
  [:: exp (q 0 0 - anchor 0) / exp (q 0 0 - anchor 0)].

Definition projection_11 : seq R :=
  [:: exp (q 0 0 - anchor 0) / (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0));
      exp (q 0 1 - anchor 0) / (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0))].

Definition projection_101 : seq R :=
  [:: exp (q 0 0 - anchor 0) / (exp (q 0 0 - anchor 0) + 0 + exp (q 0 2 - anchor 0));
      0 / (exp (q 0 0 - anchor 0) + 0 + exp (q 0 2 - anchor 0));
      exp (q 0 2 - anchor 0) / (exp (q 0 0 - anchor 0) + 0 + exp (q 0 2 - anchor 0))].

Definition projection_011_10 : seq R :=
  [:: 0 / (0 + exp (q 0 1 - anchor 0) + exp (q 0 2 - anchor 0));
      exp (q 0 1 - anchor 0) / (0 + exp (q 0 1 - anchor 0) + exp (q 0 2 - anchor 0));
      exp (q 0 2 - anchor 0) / (0 + exp (q 0 1 - anchor 0) + exp (q 0 2 - anchor 0));
      exp (q 1 0 - anchor 1) / (exp (q 1 0 - anchor 1) + 0);
      0 / (exp (q 1 0 - anchor 1) + 0)].

Definition log_projection_1 : seq R :=
  [:: q 0 0 - anchor 1 - ln (exp (q 0 0 - anchor 1))].

Definition log_projection_11 : seq R :=
  [:: q 0 0 - anchor 1 - ln (exp (q 0 0 - anchor 1) + exp (q 0 1 - anchor 1));
      q 0 1 - anchor 1 - ln (exp (q 0 0 - anchor 1) + exp (q 0 1 - anchor 1))].

Definition log_projection_101 : seq R :=
  [:: q 0 0 - anchor 1 - ln (exp (q 0 0 - anchor 1) + exp (q 0 2 - anchor 1));
      q 0 2 - anchor 1 - ln (exp (q 0 0 - anchor 1) + exp (q 0 2 - anchor 1))].

Definition log_projection_011_10 : seq R :=
  [:: q 0 1 - anchor 2 - ln (exp (q 0 1 - anchor 2) + exp (q 0 2 - anchor 2));
      q 0 2 - anchor 2 - ln (exp (q 0 1 - anchor 2) + exp (q 0 2 - anchor 2));
      q 1 0 - anchor 3 - ln (exp (q 1 0 - anchor 3))].

Definition leak_1 : seq R :=
  [:: ln (1 + 0 / exp (q 0 0 - anchor 0))].

Definition leak_11 : seq R :=
  [:: ln (1 + (0 + 0) / (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)))].

Definition leak_101 : seq R :=
  [:: ln (1 + (0 + exp (q 0 1 - anchor 0) + 0) / (exp (q 0 0 - anchor 0) + 0 + exp (q 0 2 - anchor 0)))].

Definition leak_011_10 : seq R :=
  [:: ln (1 + (exp (q 0 0 - anchor 0) + 0 + 0) / (0 + exp (q 0 1 - anchor 0) + exp (q 0 2 - anchor 0)));
      ln (1 + (0 + exp (q 1 1 - anchor 1)) / (exp (q 1 0 - anchor 1) + 0))].

Definition policy_value_1 : seq R :=
  [:: exp (u 0 0 - anchor 0) / exp (u 0 0 - anchor 0) * (q 0 0 - (u 0 0 - anchor 1 - ln (exp (u 0 0 - anchor 1))) - anchor 2) + anchor 2].

Definition policy_value_11 : seq R :=
  [:: exp (u 0 0 - anchor 0) / (exp (u 0 0 - anchor 0) + exp (u 0 1 - anchor 0)) * (q 0 0 - (u 0 0 - anchor 1 - ln (exp (u 0 0 - anchor 1) + exp (u 0 1 - anchor 1))) - anchor 2) + exp (u 0 1 - anchor 0) / (exp (u 0 0 - anchor 0) + exp (u 0 1 - anchor 0)) * (q 0 1 - (u 0 1 - anchor 1 - ln (exp (u 0 0 - anchor 1) + exp (u 0 1 - anchor 1))) - anchor 2) + anchor 2].

Definition policy_value_101 : seq R :=
  [:: exp (u 0 0 - anchor 0) / (exp (u 0 0 - anchor 0) + 0 + exp (u 0 2 - anchor 0)) * (q 0 0 - (u 0 0 - anchor 1 - ln (exp (u 0 0 - anchor 1) + exp (u 0 2 - anchor 1))) - anchor 2) + 0 / (exp (u 0 0 - anchor 0) + 0 + exp (u 0 2 - anchor 0)) * 0 + exp (u 0 2 - anchor 0) / (exp (u 0 0 - anchor 0) + 0 + exp (u 0 2 - anchor 0)) * (q 0 2 - (u 0 2 - anchor 1 - ln (exp (u 0 0 - anchor 1) + exp (u 0 2 - anchor 1))) - anchor 2) + anchor 2].

Definition policy_value_011_10 : seq R :=
  [:: 0 / (0 + exp (u 0 1 - anchor 0) + exp (u 0 2 - anchor 0)) * 0 + exp (u 0 1 - anchor 0) / (0 + exp (u 0 1 - anchor 0) + exp (u 0 2 - anchor 0)) * (q 0 1 - (u 0 1 - anchor 2 - ln (exp (u 0 1 - anchor 2) + exp (u 0 2 - anchor 2))) - anchor 4) + exp (u 0 2 - anchor 0) / (0 + exp (u 0 1 - anchor 0) + exp (u 0 2 - anchor 0)) * (q 0 2 - (u 0 2 - anchor 2 - ln (exp (u 0 1 - anchor 2) + exp (u 0 2 - anchor 2))) - anchor 4) + anchor 4;
      exp (u 1 0 - anchor 1) / (exp (u 1 0 - anchor 1) + 0) * (q 1 0 - (u 1 0 - anchor 3 - ln (exp (u 1 0 - anchor 3))) - anchor 5) + 0 / (exp (u 1 0 - anchor 1) + 0) * 0 + anchor 5].

Definition backup_1 : seq R :=
  [:: r 0 0 + P 0 0 0 * v 0 * gamma].

Definition backup_10_1 : seq R :=
  [:: r 0 0 + (P 0 0 0 * v 0 + P 0 0 1 * v 1) * gamma;
      r 0 1 + (P 0 1 0 * v 0 + P 0 1 1 * v 1) * gamma;
      r 1 0 + (P 1 0 0 * v 0 + P 1 0 1 * v 1) * gamma].

Definition implied_reward_1 : seq R :=
  [:: q 0 0 - P 0 0 0 * v 0 * gamma].

Definition implied_reward_10_1 : seq R :=
  [:: q 0 0 - (P 0 0 0 * v 0 + P 0 0 1 * v 1) * gamma;
      q 0 1 - (P 0 1 0 * v 0 + P 0 1 1 * v 1) * gamma;
      q 1 0 - (P 1 0 0 * v 0 + P 1 0 1 * v 1) * gamma].

Definition T_1 : seq R :=
  [:: r 0 0 + P 0 0 0 * (ln (exp (q 0 0 - anchor 0)) + anchor 0) * gamma].

Definition T_10_1 : seq R :=
  [:: r 0 0 + (P 0 0 0 * (ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)) + anchor 0) + P 0 0 1 * (ln (exp (q 1 0 - anchor 1)) + anchor 1)) * gamma;
      r 0 1 + (P 0 1 0 * (ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)) + anchor 0) + P 0 1 1 * (ln (exp (q 1 0 - anchor 1)) + anchor 1)) * gamma;
      r 1 0 + (P 1 0 0 * (ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)) + anchor 0) + P 1 0 1 * (ln (exp (q 1 0 - anchor 1)) + anchor 1)) * gamma].

Definition T_p_1 : seq R :=
  [:: r 0 0 + P 0 0 0 * (ln (exp (q 0 0 - anchor 0)) + anchor 0) * gamma].

Definition T_p_10_1 : seq R :=
  [:: r 0 0 + (P 0 0 0 * (ln (exp (q 0 0 - anchor 0) + 0) + anchor 0) + P 0 0 1 * (ln (exp (q 1 0 - anchor 1)) + anchor 1)) * gamma;
      r 0 1 + (P 0 1 0 * (ln (exp (q 0 0 - anchor 0) + 0) + anchor 0) + P 0 1 1 * (ln (exp (q 1 0 - anchor 1)) + anchor 1)) * gamma;
      r 1 0 + (P 1 0 0 * (ln (exp (q 0 0 - anchor 0) + 0) + anchor 0) + P 1 0 1 * (ln (exp (q 1 0 - anchor 1)) + anchor 1)) * gamma].

Definition B_p_1 : seq R :=
  [:: r 0 0 + P 0 0 0 * (exp (u 0 0 - anchor 0) / exp (u 0 0 - anchor 0) * (q 0 0 - (u 0 0 - anchor 1 - ln (exp (u 0 0 - anchor 1))) - anchor 2) + anchor 2) * gamma].

Definition B_p_10_1 : seq R :=
  [:: r 0 0 + (P 0 0 0 * (exp (u 0 0 - anchor 0) / (exp (u 0 0 - anchor 0) + 0) * (q 0 0 - (u 0 0 - anchor 2 - ln (exp (u 0 0 - anchor 2))) - anchor 4) + 0 / (exp (u 0 0 - anchor 0) + 0) * 0 + anchor 4) + P 0 0 1 * (exp (u 1 0 - anchor 1) / exp (u 1 0 - anchor 1) * (q 1 0 - (u 1 0 - anchor 3 - ln (exp (u 1 0 - anchor 3))) - anchor 5) + anchor 5)) * gamma;
      r 0 1 + (P 0 1 0 * (exp (u 0 0 - anchor 0) / (exp (u 0 0 - anchor 0) + 0) * (q 0 0 - (u 0 0 - anchor 2 - ln (exp (u 0 0 - anchor 2))) - anchor 4) + 0 / (exp (u 0 0 - anchor 0) + 0) * 0 + anchor 4) + P 0 1 1 * (exp (u 1 0 - anchor 1) / exp (u 1 0 - anchor 1) * (q 1 0 - (u 1 0 - anchor 3 - ln (exp (u 1 0 - anchor 3))) - anchor 5) + anchor 5)) * gamma;
      r 1 0 + (P 1 0 0 * (exp (u 0 0 - anchor 0) / (exp (u 0 0 - anchor 0) + 0) * (q 0 0 - (u 0 0 - anchor 2 - ln (exp (u 0 0 - anchor 2))) - anchor 4) + 0 / (exp (u 0 0 - anchor 0) + 0) * 0 + anchor 4) + P 1 0 1 * (exp (u 1 0 - anchor 1) / exp (u 1 0 - anchor 1) * (q 1 0 - (u 1 0 - anchor 3 - ln (exp (u 1 0 - anchor 3))) - anchor 5) + anchor 5)) * gamma].

Definition supported_norm_1 : seq R :=
  [:: Rabs (q 0 0)].

Definition supported_norm_10_1 : seq R :=
  [:: Rmax (Rabs (q 0 0)) (Rabs (q 1 0))].

Definition kappa_1 : seq R :=
  [:: leak 0 * gamma / (1 - gamma)].

Definition horizon_bound_1_1 : seq R :=
  [:: 0].

Definition horizon_bound_2_1 : seq R :=
  [:: (leak 0 + 0) * gamma].

Definition horizon_bound_4_1 : seq R :=
  [:: (leak 0 + (leak 0 + (leak 0 + 0) * gamma) * gamma) * gamma].

Definition shift_by_max_11 : seq R :=
  [:: z 0 0 - Rmax (z 0 0) (z 0 1);
      z 0 1 - Rmax (z 0 0) (z 0 1)].

Definition shift_by_soft_value_11 : seq R :=
  [:: z 0 0 - (ln (exp (z 0 0 - anchor 0) + exp (z 0 1 - anchor 0)) + anchor 0);
      z 0 1 - (ln (exp (z 0 0 - anchor 0) + exp (z 0 1 - anchor 0)) + anchor 0)].

Definition no_shift_11 : seq R :=
  [:: z 0 0;
      z 0 1].

Definition student_q_11 : seq R :=
  [:: Rmax (z 0 0 - Rmax (z 0 0) (z 0 1)) (q_min);
      Rmax (z 0 1 - Rmax (z 0 0) (z 0 1)) (q_min)].

Definition J_identity_11_10 : seq R :=
  [:: w 0 * (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma - (ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)) + anchor 0 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma)) + w 1 * (q 1 0 - 0 * gamma - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1 - 0 * gamma))].

Definition J_chi2_11_10 : seq R :=
  [:: w 0 * (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma - (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma) * (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma) / four_alpha - (ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)) + anchor 0 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma)) + w 1 * (q 1 0 - 0 * gamma - (q 1 0 - 0 * gamma) * (q 1 0 - 0 * gamma) / four_alpha - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1 - 0 * gamma))].

Definition J_outside_11_10 : seq R :=
  [:: w 0 * (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma - (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma) * (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma) / four_alpha - (ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)) + anchor 0 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma)) + w 1 * (q_min - 0 * gamma - (q_min - 0 * gamma) * (q_min - 0 * gamma) / four_alpha - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1 - 0 * gamma))].

Definition J_cut_off_11_10 : seq R :=
  [:: w 0 * (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma - (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma) * (q 0 1 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma) / four_alpha - (ln (exp (q 0 0 - anchor 0) + exp (q 0 1 - anchor 0)) + anchor 0 - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1) * gamma)) + 0 * (q 1 0 - 0 * gamma - (q 1 0 - 0 * gamma) * (q 1 0 - 0 * gamma) / four_alpha - (ln (exp (q 1 0 - anchor 1) + 0) + anchor 1 - 0 * gamma))].

Definition J_of_logits_11_10 : seq R :=
  [:: w 0 * (Rmax (z 0 1 - Rmax (z 0 0) (z 0 1)) (q_min) - (ln (exp (Rmax (z 1 0 - Rmax (z 1 0) (z 1 1)) (q_min) - anchor 1) + 0) + anchor 1) * gamma - (Rmax (z 0 1 - Rmax (z 0 0) (z 0 1)) (q_min) - (ln (exp (Rmax (z 1 0 - Rmax (z 1 0) (z 1 1)) (q_min) - anchor 1) + 0) + anchor 1) * gamma) * (Rmax (z 0 1 - Rmax (z 0 0) (z 0 1)) (q_min) - (ln (exp (Rmax (z 1 0 - Rmax (z 1 0) (z 1 1)) (q_min) - anchor 1) + 0) + anchor 1) * gamma) / four_alpha - (ln (exp (Rmax (z 0 0 - Rmax (z 0 0) (z 0 1)) (q_min) - anchor 0) + exp (Rmax (z 0 1 - Rmax (z 0 0) (z 0 1)) (q_min) - anchor 0)) + anchor 0 - (ln (exp (Rmax (z 1 0 - Rmax (z 1 0) (z 1 1)) (q_min) - anchor 1) + 0) + anchor 1) * gamma)) + w 1 * (Rmax (z 1 0 - Rmax (z 1 0) (z 1 1)) (q_min) - 0 * gamma - (Rmax (z 1 0 - Rmax (z 1 0) (z 1 1)) (q_min) - 0 * gamma) * (Rmax (z 1 0 - Rmax (z 1 0) (z 1 1)) (q_min) - 0 * gamma) / four_alpha - (ln (exp (Rmax (z 1 0 - Rmax (z 1 0) (z 1 1)) (q_min) - anchor 1) + 0) + anchor 1 - 0 * gamma))].

End Traces.
