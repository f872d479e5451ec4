(** * What top-p costs in one model: self-loop-equal-actions

    γ = 0.9375, p = 0.5, both exactly these doubles.
    Model 6d2c9357ad6c7eb97b8816a98c65cbd0060ea00ebd5904a0e327e64ad757018a.

    Written by `bellman certify --coq`. Compiling this file proves every theorem in it:

      coqc -Q proofs/theories Bellman FILE.v

    [dy m e] is m·2^e and [#k] is number k, counted from 0. *)

Set Warnings "-notation-overridden,-ambiguous-paths".
From Bellman Require Import concrete_nucleus.

(** ** The model

    The discount; then for each state the actions it offers, each with its reward and its next
    states, whose weights are proportional to their probabilities. *)

Definition D : table 1 4 := Table (dy 15 (-4)) [::
  (* state 0 *) [::
    offer #0 (dy 0 0) [:: to #0 1];
    offer #1 (dy 0 0) [:: to #0 1];
    offer #2 (dy 0 0) [:: to #0 1];
    offer #3 (dy 0 0) [:: to #0 1]]].

Lemma D_ok : well_formed D. Proof. by vm_compute. Qed.

Definition M := model D D_ok.

(** ** The candidate sets: for each state the actions it keeps *)

Definition kept : seq (seq 'I_4) := [::
  [:: #0; #1]].

Definition A_p : 'I_1 -> {set 'I_4} := sets kept.

Lemma kept_fits : kept_ok D kept. Proof. by vm_compute. Qed.

(** ** Values from a solver

    Near V*, near the values of Q̄_p* and near those of the projected teacher. Nothing is assumed
    of them: how near they are follows from one sweep each, which the kernel does. *)

Definition v_star : seq dyadic := [::
  dy 6243314768165359 (-48)].
Definition v_top_p : seq dyadic := [::
  dy 3121657384082679 (-48)].
Definition v_projected : seq dyadic := [::
  dy 3121657384082679 (-48)].

(** ** Enclosures: Q* of every action, both Q̄ on the support *)

Theorem Q_star_enclosed :
  20.794415415 <= Q_star M #0 #0 <= 20.794415418 /\
  20.794415415 <= Q_star M #0 #1 <= 20.794415418 /\
  20.794415415 <= Q_star M #0 #2 <= 20.794415418 /\
  20.794415415 <= Q_star M #0 #3 <= 20.794415418.
Proof. enclosed (Q_star_lines D_ok v_star). Qed.

Theorem Q_p_star_enclosed :
  10.397207707 <= Q_p_star M A_p #0 #0 <= 10.397207710 /\
  10.397207707 <= Q_p_star M A_p #0 #1 <= 10.397207710.
Proof. enclosed (Q_p_star_lines D_ok kept_fits v_top_p). Qed.

Theorem Q_projected_enclosed :
  10.397207707 <= Q_projected M A_p (teacher M) #0 #0 <= 10.397207710 /\
  10.397207707 <= Q_projected M A_p (teacher M) #0 #1 <= 10.397207710.
Proof. enclosed (Q_projected_lines D_ok kept_fits v_star v_projected). Qed.

(** ** The mass of the sets under the teacher

    Each set carries the mass p. *)

Definition p : dyadic := dy 1 (-1).

Theorem A_p_carries : carries (value p) A_p (teacher M).
Proof. computed (sets_carry D_ok kept_fits p v_star _). Qed.

(** That they are the smallest such sets is not shown. No bound below needs it. *)

(** ** The largest gaps on the support, and the bound κ(p) *)

Theorem gap :
  10.397207707 <= supported_norm A_p (Q_star M \- Q_p_star M A_p) <= 10.397207710.
Proof. computed (gap_between D_ok kept_fits v_star v_top_p _). Qed.

Theorem projected_gap :
  10.397207707 <= supported_norm A_p (Q_star M \- Q_projected M A_p (teacher M)) <= 10.397207710.
Proof. computed (projected_gap_between D_ok kept_fits v_star v_projected _). Qed.

Theorem kappa_enclosed : 10.397207707 <= kappa M (value p) <= 10.397207710.
Proof. computed (kappa_between D_ok p _). Qed.

Theorem gap_bounded :
  supported_norm A_p (Q_star M \- Q_p_star M A_p) <= kappa M (value p).
Proof. computed (gap_at_most_kappa D_ok kept_fits A_p_carries _). Qed.

Theorem projected_gap_bounded :
  supported_norm A_p (Q_star M \- Q_projected M A_p (teacher M)) <= kappa M (value p).
Proof. computed (projected_gap_at_most_kappa D_ok kept_fits A_p_carries _). Qed.

(** What all this rests on: the axioms of the standard library's real numbers, nothing else. *)

Definition everything :=
  (A_p_carries, gap, projected_gap, kappa_enclosed,
   gap_bounded, projected_gap_bounded, Q_star_enclosed, Q_p_star_enclosed,
   Q_projected_enclosed).

Print Assumptions everything.
