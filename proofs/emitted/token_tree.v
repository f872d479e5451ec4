(** * What top-p costs in one model: token-tree

    γ = 0.99, p = 0.8, both exactly these doubles.
    Model 994b3b7b138bf3ca091750187d4c45e9581a35bfa3fe69133a7b8c4acf9dffa7.

    Written by `bellman certify --coq`. Compiling this file proves every theorem in it:

      coqc -Q proofs/theories Bellman FILE.v

    [dy m e] is m·2^e and [#k] is number k, counted from 0. *)

Set Warnings "-notation-overridden,-ambiguous-paths".
From Bellman Require Import concrete_nucleus.

(** ** The model

    The discount; then for each state the actions it offers, each with its reward and its next
    states, whose weights are proportional to their probabilities. *)

Definition D : table 14 3 := Table (dy 4458563631096791 (-52)) [::
  (* state 0 *) [::
    offer #0 (dy (-33) (-6)) [:: to #1 1];
    offer #1 (dy 65 (-6)) [:: to #2 1];
    offer #2 (dy (-29) (-6)) [:: to #3 1]];
  (* state 1 *) [::
    offer #0 (dy (-5) (-3)) [:: to #4 1];
    offer #1 (dy (-119) (-6)) [:: to #5 1];
    offer #2 (dy (-27) (-6)) [:: to #6 1]];
  (* state 2 *) [::
    offer #0 (dy 71 (-5)) [:: to #7 1];
    offer #1 (dy 27 (-5)) [:: to #8 1];
    offer #2 (dy 133 (-6)) [:: to #9 1]];
  (* state 3 *) [::
    offer #0 (dy 1 (-1)) [:: to #10 1];
    offer #1 (dy 51 (-6)) [:: to #11 1];
    offer #2 (dy 3 (-3)) [:: to #12 1]];
  (* state 4 *) [::
    offer #0 (dy (-213) (-6)) [:: to #13 1];
    offer #1 (dy 109 (-6)) [:: to #13 1];
    offer #2 (dy 65 (-6)) [:: to #13 1]];
  (* state 5 *) [::
    offer #0 (dy 1 0) [:: to #13 1];
    offer #1 (dy (-27) (-3)) [:: to #13 1];
    offer #2 (dy (-223) (-6)) [:: to #13 1]];
  (* state 6 *) [::
    offer #0 (dy (-57) (-5)) [:: to #13 1];
    offer #1 (dy (-15) (-4)) [:: to #13 1];
    offer #2 (dy 39 (-6)) [:: to #13 1]];
  (* state 7 *) [::
    offer #0 (dy (-3) (-5)) [:: to #13 1];
    offer #1 (dy 67 (-6)) [:: to #13 1];
    offer #2 (dy (-41) (-5)) [:: to #13 1]];
  (* state 8 *) [::
    offer #0 (dy 5 (-3)) [:: to #13 1];
    offer #1 (dy 25 (-5)) [:: to #13 1];
    offer #2 (dy (-85) (-6)) [:: to #13 1]];
  (* state 9 *) [::
    offer #0 (dy 55 (-4)) [:: to #13 1];
    offer #1 (dy 71 (-6)) [:: to #13 1];
    offer #2 (dy 153 (-6)) [:: to #13 1]];
  (* state 10 *) [::
    offer #0 (dy (-79) (-6)) [:: to #13 1];
    offer #1 (dy (-95) (-6)) [:: to #13 1];
    offer #2 (dy (-11) (-4)) [:: to #13 1]];
  (* state 11 *) [::
    offer #0 (dy (-7) (-5)) [:: to #13 1];
    offer #1 (dy 81 (-6)) [:: to #13 1];
    offer #2 (dy 1 (-1)) [:: to #13 1]];
  (* state 12 *) [::
    offer #0 (dy (-57) (-6)) [:: to #13 1];
    offer #1 (dy (-61) (-5)) [:: to #13 1];
    offer #2 (dy (-67) (-6)) [:: to #13 1]];
  (* state 13 *) [::
    offer #0 (dy 0 0) [:: to #13 1]]].

Lemma D_ok : well_formed D. Proof. by vm_compute. Qed.

Definition M := model D D_ok.

(** ** The candidate sets: for each state the actions it keeps *)

Definition kept : seq (seq 'I_3) := [::
  [:: #1];
  [:: #0; #2];
  [:: #2];
  [:: #1];
  [:: #1; #2];
  [:: #0];
  [:: #1; #2];
  [:: #0; #1];
  [:: #0; #1];
  [:: #0; #2];
  [:: #0; #1; #2];
  [:: #1; #2];
  [:: #0; #2];
  [:: #0]].

Definition A_p : 'I_14 -> {set 'I_3} := sets kept.

Lemma kept_fits : kept_ok D kept. Proof. by vm_compute. Qed.

(** ** Values from a solver

    Near V*, near the values of Q̄_p* and near those of the projected teacher. Nothing is assumed
    of them: how near they are follows from one sweep each, which the kernel does. *)

Definition v_star : seq dyadic := [::
  dy 7817277090936493 (-50);
  dy 8312162535706945 (-52);
  dy 6726111483910437 (-50);
  dy 3127095627797347 (-50);
  dy 2381066848646699 (-50);
  dy 2304923367322723 (-51);
  dy 7882948672130715 (-53);
  dy 6284709317744039 (-52);
  dy 1646806609374247 (-50);
  dy 2143733904277513 (-49);
  dy 91355425423151 (-52);
  dy 4033764606651101 (-51);
  dy (-848792949191143) (-53);
  dy 0 0].
Definition v_top_p : seq dyadic := [::
  dy 7585125402464633 (-50);
  dy 7898156121713023 (-52);
  dy 6506700312704639 (-50);
  dy 42712237817975 (-44);
  dy 148511549062285 (-46);
  dy 1 0;
  dy 3613685260007881 (-52);
  dy 2981874314377479 (-51);
  dy 3150990404562451 (-51);
  dy 8418059734944063 (-51);
  dy 91355425423151 (-52);
  dy 1854931042510287 (-50);
  dy (-2454949635770291) (-53);
  dy 0 0].
Definition v_projected : seq dyadic := [::
  dy 7585125402464633 (-50);
  dy 1974041863370733 (-50);
  dy 6506700312704639 (-50);
  dy 42712237817975 (-44);
  dy 148511549062285 (-46);
  dy 1 0;
  dy 3613685260007881 (-52);
  dy 2981874314377479 (-51);
  dy 3150990404562451 (-51);
  dy 8418059734944063 (-51);
  dy 91355425423151 (-52);
  dy 7419724170041147 (-52);
  dy (-2454949635770291) (-53);
  dy 0 0].

(** ** Enclosures: Q* of every action, both Q̄ on the support *)

Theorem Q_star_enclosed :
  1.311589136 <= Q_star M #0 #0 <= 1.311589139 /\
  6.929872196 <= Q_star M #0 #1 <= 6.929872199 /\
  2.296519663 <= Q_star M #0 #2 <= 2.296519666 /\
  1.468664067 <= Q_star M #1 #0 <= 1.468664070 /\
  -0.846019321 <= Q_star M #1 #1 <= -0.846019318 /\
  0.444556279 <= Q_star M #1 #2 <= 0.444556282 /\
  3.600280938 <= Q_star M #2 #0 <= 3.600280941 /\
  2.291781509 <= Q_star M #2 #1 <= 2.291781512 /\
  5.848081017 <= Q_star M #2 #2 <= 5.848081020 /\
  0.520082128 <= Q_star M #3 #0 <= 0.520082131 /\
  2.570312822 <= Q_star M #3 #1 <= 2.570312825 /\
  0.281707400 <= Q_star M #3 #2 <= 0.281707403 /\
  -3.328125002 <= Q_star M #4 #0 <= -3.328124998 /\
  1.703124998 <= Q_star M #4 #1 <= 1.703125002 /\
  1.015624998 <= Q_star M #4 #2 <= 1.015625002 /\
  0.999999998 <= Q_star M #5 #0 <= 1.000000002 /\
  -3.375000002 <= Q_star M #5 #1 <= -3.374999998 /\
  -3.484375002 <= Q_star M #5 #2 <= -3.484374998 /\
  -1.781250002 <= Q_star M #6 #0 <= -1.781249998 /\
  -0.937500002 <= Q_star M #6 #1 <= -0.937499998 /\
  0.609374998 <= Q_star M #6 #2 <= 0.609375002 /\
  -0.093750002 <= Q_star M #7 #0 <= -0.093749998 /\
  1.046874998 <= Q_star M #7 #1 <= 1.046875002 /\
  -1.281250002 <= Q_star M #7 #2 <= -1.281249998 /\
  0.624999998 <= Q_star M #8 #0 <= 0.625000002 /\
  0.781249998 <= Q_star M #8 #1 <= 0.781250002 /\
  -1.328125002 <= Q_star M #8 #2 <= -1.328124998 /\
  3.437499998 <= Q_star M #9 #0 <= 3.437500002 /\
  1.109374998 <= Q_star M #9 #1 <= 1.109375002 /\
  2.390624998 <= Q_star M #9 #2 <= 2.390625002 /\
  -1.234375002 <= Q_star M #10 #0 <= -1.234374998 /\
  -1.484375002 <= Q_star M #10 #1 <= -1.484374998 /\
  -0.687500002 <= Q_star M #10 #2 <= -0.687499998 /\
  -0.218750002 <= Q_star M #11 #0 <= -0.218749998 /\
  1.265624998 <= Q_star M #11 #1 <= 1.265625002 /\
  0.499999998 <= Q_star M #11 #2 <= 0.500000002 /\
  -0.890625002 <= Q_star M #12 #0 <= -0.890624998 /\
  -1.906250002 <= Q_star M #12 #1 <= -1.906249998 /\
  -1.046875002 <= Q_star M #12 #2 <= -1.046874998 /\
  -0.000000002 <= Q_star M #13 #0 <= 0.000000002.
Proof. enclosed (Q_star_lines D_ok v_star). Qed.

Theorem Q_p_star_enclosed :
  6.736944692 <= Q_p_star M A_p #0 #1 <= 6.736944695 /\
  1.464371285 <= Q_p_star M A_p #1 #0 <= 1.464371288 /\
  0.372500321 <= Q_p_star M A_p #1 #2 <= 0.372500324 /\
  5.779110800 <= Q_p_star M A_p #2 #2 <= 5.779110803 /\
  2.427909623 <= Q_p_star M A_p #3 #1 <= 2.427909626 /\
  1.703124998 <= Q_p_star M A_p #4 #1 <= 1.703125002 /\
  1.015624998 <= Q_p_star M A_p #4 #2 <= 1.015625002 /\
  0.999999998 <= Q_p_star M A_p #5 #0 <= 1.000000002 /\
  -0.937500002 <= Q_p_star M A_p #6 #1 <= -0.937499998 /\
  0.609374998 <= Q_p_star M A_p #6 #2 <= 0.609375002 /\
  -0.093750002 <= Q_p_star M A_p #7 #0 <= -0.093749998 /\
  1.046874998 <= Q_p_star M A_p #7 #1 <= 1.046875002 /\
  0.624999998 <= Q_p_star M A_p #8 #0 <= 0.625000002 /\
  0.781249998 <= Q_p_star M A_p #8 #1 <= 0.781250002 /\
  3.437499998 <= Q_p_star M A_p #9 #0 <= 3.437500002 /\
  2.390624998 <= Q_p_star M A_p #9 #2 <= 2.390625002 /\
  -1.234375002 <= Q_p_star M A_p #10 #0 <= -1.234374998 /\
  -1.484375002 <= Q_p_star M A_p #10 #1 <= -1.484374998 /\
  -0.687500002 <= Q_p_star M A_p #10 #2 <= -0.687499998 /\
  1.265624998 <= Q_p_star M A_p #11 #1 <= 1.265625002 /\
  0.499999998 <= Q_p_star M A_p #11 #2 <= 0.500000002 /\
  -0.890625002 <= Q_p_star M A_p #12 #0 <= -0.890624998 /\
  -1.046875002 <= Q_p_star M A_p #12 #2 <= -1.046874998 /\
  -0.000000002 <= Q_p_star M A_p #13 #0 <= 0.000000002.
Proof. enclosed (Q_p_star_lines D_ok kept_fits v_top_p). Qed.

Theorem Q_projected_enclosed :
  6.736944692 <= Q_projected M A_p (teacher M) #0 #1 <= 6.736944695 /\
  1.464371285 <= Q_projected M A_p (teacher M) #1 #0 <= 1.464371288 /\
  0.372500321 <= Q_projected M A_p (teacher M) #1 #2 <= 0.372500324 /\
  5.779110800 <= Q_projected M A_p (teacher M) #2 #2 <= 5.779110803 /\
  2.427909623 <= Q_projected M A_p (teacher M) #3 #1 <= 2.427909626 /\
  1.703124998 <= Q_projected M A_p (teacher M) #4 #1 <= 1.703125002 /\
  1.015624998 <= Q_projected M A_p (teacher M) #4 #2 <= 1.015625002 /\
  0.999999998 <= Q_projected M A_p (teacher M) #5 #0 <= 1.000000002 /\
  -0.937500002 <= Q_projected M A_p (teacher M) #6 #1 <= -0.937499998 /\
  0.609374998 <= Q_projected M A_p (teacher M) #6 #2 <= 0.609375002 /\
  -0.093750002 <= Q_projected M A_p (teacher M) #7 #0 <= -0.093749998 /\
  1.046874998 <= Q_projected M A_p (teacher M) #7 #1 <= 1.046875002 /\
  0.624999998 <= Q_projected M A_p (teacher M) #8 #0 <= 0.625000002 /\
  0.781249998 <= Q_projected M A_p (teacher M) #8 #1 <= 0.781250002 /\
  3.437499998 <= Q_projected M A_p (teacher M) #9 #0 <= 3.437500002 /\
  2.390624998 <= Q_projected M A_p (teacher M) #9 #2 <= 2.390625002 /\
  -1.234375002 <= Q_projected M A_p (teacher M) #10 #0 <= -1.234374998 /\
  -1.484375002 <= Q_projected M A_p (teacher M) #10 #1 <= -1.484374998 /\
  -0.687500002 <= Q_projected M A_p (teacher M) #10 #2 <= -0.687499998 /\
  1.265624998 <= Q_projected M A_p (teacher M) #11 #1 <= 1.265625002 /\
  0.499999998 <= Q_projected M A_p (teacher M) #11 #2 <= 0.500000002 /\
  -0.890625002 <= Q_projected M A_p (teacher M) #12 #0 <= -0.890624998 /\
  -1.046875002 <= Q_projected M A_p (teacher M) #12 #2 <= -1.046874998 /\
  -0.000000002 <= Q_projected M A_p (teacher M) #13 #0 <= 0.000000002.
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
  0.192927503 <= supported_norm A_p (Q_star M \- Q_p_star M A_p) <= 0.192927506.
Proof. computed (gap_between D_ok kept_fits v_star v_top_p _). Qed.

Theorem projected_gap :
  0.192927503 <= supported_norm A_p (Q_star M \- Q_projected M A_p (teacher M)) <= 0.192927506.
Proof. computed (projected_gap_between D_ok kept_fits v_star v_projected _). Qed.

Theorem kappa_enclosed : 22.091211579 <= kappa M (value p) <= 22.091211582.
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
