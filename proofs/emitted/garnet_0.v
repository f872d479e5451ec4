(** * What top-p costs in one model: garnet-0

    γ = 0.9, p = 0.8, both exactly these doubles.
    Model ff05064f6a3f3196bd357eadc1725f2798ac2240e7cc112449a6188c3cf5c1be.

    Written by `bellman certify --coq`. Compiling this file proves every theorem in it:

      coqc -Q proofs/theories Bellman FILE.v

    [dy m e] is m·2^e and [#k] is number k, counted from 0. *)

Set Warnings "-notation-overridden,-ambiguous-paths".
From Bellman Require Import concrete_nucleus.

(** ** The model

    The discount; then for each state the actions it offers, each with its reward and its next
    states, whose weights are proportional to their probabilities. *)

Definition D : table 5 4 := Table (dy 8106479329266893 (-53)) [::
  (* state 0 *) [::
    offer #0 (dy 39 (-5)) [:: to #1 23; to #2 17; to #3 24];
    offer #1 (dy 47 (-6)) [:: to #2 11; to #3 18; to #4 3];
    offer #2 (dy 27 (-6)) [:: to #0 11; to #3 5; to #4 16];
    offer #3 (dy (-9) (-2)) [:: to #0 19; to #1 22; to #2 23]];
  (* state 1 *) [::
    offer #0 (dy 77 (-6)) [:: to #0 49; to #1 6; to #4 9];
    offer #1 (dy (-7) (-6)) [:: to #1 2; to #3 29; to #4 33];
    offer #2 (dy (-55) (-6)) [:: to #0 5; to #2 46; to #3 13];
    offer #3 (dy 5 (-5)) [:: to #1 42; to #3 7; to #4 15]];
  (* state 2 *) [::
    offer #0 (dy 13 (-4)) [:: to #2 32; to #3 21; to #4 11];
    offer #1 (dy 17 (-5)) [:: to #2 19; to #3 33; to #4 12];
    offer #2 (dy (-39) (-6)) [:: to #0 31; to #1 30; to #4 3];
    offer #3 (dy (-85) (-6)) [:: to #0 6; to #2 3; to #4 7]];
  (* state 3 *) [::
    offer #0 (dy 1 (-3)) [:: to #0 27; to #2 32; to #4 5];
    offer #1 (dy (-51) (-6)) [:: to #0 26; to #3 27; to #4 11];
    offer #2 (dy 19 (-5)) [:: to #0 15; to #1 7; to #3 42];
    offer #3 (dy 37 (-6)) [:: to #0 7; to #2 17; to #3 40]];
  (* state 4 *) [::
    offer #0 (dy 0 0) [:: to #0 23; to #3 23; to #4 18];
    offer #1 (dy (-31) (-6)) [:: to #1 3; to #3 18; to #4 11];
    offer #2 (dy 5 (-6)) [:: to #0 4; to #1 5; to #2 7];
    offer #3 (dy 9 (-5)) [:: to #0 44; to #1 17; to #2 3]]].

Lemma D_ok : well_formed D. Proof. by vm_compute. Qed.

Definition M := model D D_ok.

(** ** The candidate sets: for each state the actions it keeps *)

Definition kept : seq (seq 'I_4) := [::
  [:: #0; #1; #2];
  [:: #0; #3];
  [:: #0; #1; #2];
  [:: #0; #2; #3];
  [:: #0; #2; #3]].

Definition A_p : 'I_5 -> {set 'I_4} := sets kept.

Lemma kept_fits : kept_ok D kept. Proof. by vm_compute. Qed.

(** ** Values from a solver

    Near V*, near the values of Q̄_p* and near those of the projected teacher. Nothing is assumed
    of them: how near they are follows from one sweep each, which the kernel does. *)

Definition v_star : seq dyadic := [::
  dy 2397981870058009 (-47);
  dy 4771613929958155 (-48);
  dy 2335757873341475 (-47);
  dy 4718837354186627 (-48);
  dy 4663554882001817 (-48)].
Definition v_top_p : seq dyadic := [::
  dy 4565553310608577 (-48);
  dy 8981482532745867 (-49);
  dy 4432643461576355 (-48);
  dy 559317662970713 (-45);
  dy 8803453606998475 (-49)].
Definition v_projected : seq dyadic := [::
  dy 2282516533059123 (-47);
  dy 8979879839491401 (-49);
  dy 4432172901933993 (-48);
  dy 4474086869350063 (-48);
  dy 2200604662894239 (-47)].

(** ** Enclosures: Q* of every action, both Q̄ on the support *)

Theorem Q_star_enclosed :
  16.327413548 <= Q_star M #0 #0 <= 16.327413551 /\
  15.754001564 <= Q_star M #0 #1 <= 15.754001567 /\
  15.506475170 <= Q_star M #0 #2 <= 15.506475173 /\
  12.915053196 <= Q_star M #0 #3 <= 12.915053199 /\
  16.471106916 <= Q_star M #1 #0 <= 16.471106919 /\
  14.892965480 <= Q_star M #1 #1 <= 14.892965483 /\
  14.139348694 <= Q_star M #1 #2 <= 14.139348697 /\
  15.313773723 <= Q_star M #1 #3 <= 15.313773726 /\
  15.794675101 <= Q_star M #2 #0 <= 15.794675104 /\
  15.541397646 <= Q_star M #2 #1 <= 15.541397649 /\
  14.669101407 <= Q_star M #2 #2 <= 14.669101410 /\
  13.746859031 <= Q_star M #2 #3 <= 13.746859034 /\
  15.227783986 <= Q_star M #3 #0 <= 15.227783989 /\
  14.361138318 <= Q_star M #3 #1 <= 14.361138321 /\
  15.758215806 <= Q_star M #3 #2 <= 15.758215809 /\
  15.653116656 <= Q_star M #3 #3 <= 15.653116659 /\
  15.127120207 <= Q_star M #4 #0 <= 15.127120210 /\
  14.558893416 <= Q_star M #4 #1 <= 14.558893419 /\
  15.214524100 <= Q_star M #4 #2 <= 15.214524103 /\
  15.576734308 <= Q_star M #4 #3 <= 15.576734311.
Proof. enclosed (Q_star_lines D_ok v_star). Qed.

Theorem Q_p_star_enclosed :
  15.508868051 <= Q_p_star M A_p #0 #0 <= 15.508868054 /\
  14.973585005 <= Q_p_star M A_p #0 #1 <= 14.973585008 /\
  14.712585792 <= Q_p_star M A_p #0 #2 <= 14.712585795 /\
  15.705129648 <= Q_p_star M A_p #1 #0 <= 15.705129651 /\
  14.442763189 <= Q_p_star M A_p #1 #3 <= 14.442763192 /\
  15.012588753 <= Q_p_star M A_p #2 #0 <= 15.012588756 /\
  14.754912768 <= Q_p_star M A_p #2 #1 <= 14.754912771 /\
  13.852035619 <= Q_p_star M A_p #2 #2 <= 13.852035622 /\
  14.469683648 <= Q_p_star M A_p #3 #0 <= 14.469683651 /\
  14.974707587 <= Q_p_star M A_p #3 #2 <= 14.974707590 /\
  14.881456726 <= Q_p_star M A_p #3 #3 <= 14.881456729 /\
  14.346187166 <= Q_p_star M A_p #4 #0 <= 14.346187169 /\
  14.415541014 <= Q_p_star M A_p #4 #2 <= 14.415541017 /\
  14.795883373 <= Q_p_star M A_p #4 #3 <= 14.795883376.
Proof. enclosed (Q_p_star_lines D_ok kept_fits v_top_p). Qed.

Theorem Q_projected_enclosed :
  15.507002697 <= Q_projected M A_p (teacher M) #0 #0 <= 15.507002700 /\
  14.972095356 <= Q_projected M A_p (teacher M) #0 #1 <= 14.972095359 /\
  14.710959643 <= Q_projected M A_p (teacher M) #0 #2 <= 14.710959646 /\
  15.703383177 <= Q_projected M A_p (teacher M) #1 #0 <= 15.703383180 /\
  14.440534983 <= Q_projected M A_p (teacher M) #1 #3 <= 14.440534986 /\
  15.011075299 <= Q_projected M A_p (teacher M) #2 #0 <= 15.011075302 /\
  14.753406638 <= Q_projected M A_p (teacher M) #2 #1 <= 14.753406641 /\
  13.849951266 <= Q_projected M A_p (teacher M) #2 #2 <= 13.849951269 /\
  14.468100320 <= Q_projected M A_p (teacher M) #3 #0 <= 14.468100323 /\
  14.973083919 <= Q_projected M A_p (teacher M) #3 #2 <= 14.973083922 /\
  14.879966988 <= Q_projected M A_p (teacher M) #3 #3 <= 14.879966991 /\
  14.344601824 <= Q_projected M A_p (teacher M) #4 #0 <= 14.344601827 /\
  14.413666188 <= Q_projected M A_p (teacher M) #4 #2 <= 14.413666191 /\
  14.793988622 <= Q_projected M A_p (teacher M) #4 #3 <= 14.793988625.
Proof. enclosed (Q_projected_lines D_ok kept_fits v_star v_projected). Qed.

(** ** The mass of the sets under the teacher

    Each set carries the mass p. *)

Definition p : dyadic := dy 3602879701896397 (-52).

Theorem A_p_carries : carries (value p) A_p (teacher M).
Proof. computed (sets_carry D_ok kept_fits p v_star _). Qed.

(** They are the paper's sets: the smallest of most likely actions that carry p. *)

Theorem A_p_is_nucleus : forall s, A_p s = top_p M (value p) (teacher M) s.
Proof. computed (sets_are_nuclei D_ok kept_fits v_star A_p_carries _). Qed.

(** ** The largest gaps on the support, and the bound κ(p) *)

Theorem gap :
  0.871010532 <= supported_norm A_p (Q_star M \- Q_p_star M A_p) <= 0.871010535.
Proof. computed (gap_between D_ok kept_fits v_star v_top_p _). Qed.

Theorem projected_gap :
  0.873238738 <= supported_norm A_p (Q_star M \- Q_projected M A_p (teacher M)) <= 0.873238741.
Proof. computed (projected_gap_between D_ok kept_fits v_star v_projected _). Qed.

Theorem kappa_enclosed : 2.008291960 <= kappa M (value p) <= 2.008291963.
Proof. computed (kappa_between D_ok p _). Qed.

Theorem gap_bounded :
  supported_norm A_p (Q_star M \- Q_p_star M A_p) <= kappa M (value p).
Proof. computed (gap_at_most_kappa D_ok kept_fits A_p_carries _). Qed.

Theorem projected_gap_bounded :
  supported_norm A_p (Q_star M \- Q_projected M A_p (teacher M)) <= kappa M (value p).
Proof. computed (projected_gap_at_most_kappa D_ok kept_fits A_p_carries _). Qed.

(** What all this rests on: the axioms of the standard library's real numbers, nothing else. *)

Definition everything :=
  (A_p_carries, A_p_is_nucleus, gap, projected_gap, kappa_enclosed,
   gap_bounded, projected_gap_bounded, Q_star_enclosed, Q_p_star_enclosed,
   Q_projected_enclosed).

Print Assumptions everything.
