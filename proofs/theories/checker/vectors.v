(** * The functions proved correct are those that Rust runs

    The operations of binary64.v and whole checks by check.v, computed here and compared bit by
    bit with what the Rust code gave. The vectors are written by tests of the crates, which fail
    when the files differ from what the code gives. *)

From Bellman Require Import checker.check checker.binary64.
From Bellman Require Import checker.check_vector checker.directed_vectors checker.check_vectors.
From Flocq Require Import BinarySingleNaN Bits.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** A double from its bits, and whether two are the same; all NaN are one. *)

Definition of_bits (bits : Z) : double := Binary.B2BSN 53 1024 (b64_of_bits bits).

Definition same (x y : double) : bool :=
  match B2SF x, B2SF y with
  | SpecFloat.S754_nan, SpecFloat.S754_nan => true
  | SpecFloat.S754_zero s, SpecFloat.S754_zero t => Bool.eqb s t
  | SpecFloat.S754_infinity s, SpecFloat.S754_infinity t => Bool.eqb s t
  | SpecFloat.S754_finite s m e, SpecFloat.S754_finite t n f =>
      [&& Bool.eqb s t, Pos.eqb m n & Z.eqb e f]
  | _, _ => false
  end.

Definition all_same (xs : seq double) (bits : seq Z) : bool :=
  (size xs == size bits) && all (fun p => same p.1 (of_bits p.2)) (zip xs bits).

(** ** Directed operations *)

Definition operation_agrees (t : Z * Z * seq Z) : bool :=
  let: (a, b, results) := t in
  let: (x, y) := (of_bits a, of_bits b) in
  all_same [:: (two_sum64 x y).1; (two_sum64 x y).2;
               add_down64 x y; add_up64 x y; add_down64 x (dopp y); add_up64 x (dopp y);
               mul_down64 x y; mul_up64 x y; div_down64 x y; div_up64 x y] results.

Definition exponential_agrees (t : Z * Z * Z * Z) : bool :=
  let: (x, nearest, down, up) := t in
  let core_exp := fun=> of_bits nearest in
  all_same [:: exp_down64 core_exp (of_bits x); exp_up64 core_exp (of_bits x)] [:: down; up].

Definition logarithm_agrees (t : Z * Z * Z * Z) : bool :=
  let: (x, nearest, down, up) := t in
  let core_log := fun=> of_bits nearest in
  all_same [:: ln_down64 core_log (of_bits x); ln_up64 core_log (of_bits x)] [:: down; up].

Theorem operations_agree : all operation_agrees operations = true.
Proof. vm_cast_no_check (erefl true). Qed.

Theorem exponentials_agree : all exponential_agrees exponentials = true.
Proof. vm_cast_no_check (erefl true). Qed.

Theorem logarithms_agree : all logarithm_agrees logarithms = true.
Proof. vm_cast_no_check (erefl true). Qed.

(** ** Whole checks *)

(** A function given by a table; NaN elsewhere, which no check survives. *)

Definition tabulated (table : seq (Z * Z)) (x : double) : double :=
  if [seq entry <- table | same x (of_bits entry.1)] is entry :: _ then of_bits entry.2
  else B754_nan.

Section Check.

Variable t : check_vector.

Let D : directed.operations := operations64 (tabulated (exp_Z t)) (tabulated (ln_Z t)).

Definition bounds_of (b : value_boundsZ) : value_bounds D :=
  @ValueBounds D (map of_bits (v_Z b)) (of_bits (lo_Z b)) (of_bits (hi_Z b)).

Definition certificate_of : certificate D :=
  @Certificate D (of_bits (gamma_Z t)) (of_bits (p_Z t)) (bounds_of (optimal_Z t))
    (Some (Restricted (kept_Z t) (bounds_of (projected_Z t)) (bounds_of (top_p_Z t)))).

Definition same_ends (e : enclosure D) (b : Z * Z) : bool :=
  same (lo e) (of_bits b.1) && same (hi e) (of_bits b.2).

Definition all_ends (es : seq (enclosure D)) (bs : seq (Z * Z)) : bool :=
  (size es == size bs) && all (fun p => same_ends p.1 p.2) (zip es bs).

Definition same_option (e : option (enclosure D)) (b : option (Z * Z)) : bool :=
  match e, b with
  | Some e, Some b => same_ends e b
  | None, None => true
  | _, _ => false
  end.

Definition same_decision (d : decision) (b : decisionZ) : bool :=
  match d, b with
  | order.Proved, Proved | order.Refuted, Refuted | order.Undecided, Undecided => true
  | _, _ => false
  end.

Definition same_facts (f : facts D) (b : (Z * Z) * (Z * Z) * decisionZ * decisionZ) : bool :=
  let: (mass, leak, enough, smallest) := b in
  [&& same_ends (fact_mass f) mass, same_ends (fact_leak f) leak,
      same_decision (mass_at_least_p f) enough & same_decision (nucleus f) smallest].

Definition check_agrees : bool :=
  if @new_model D (state_offsets_Z t) (map of_bits (rewards_Z t)) (row_offsets_Z t)
       (successors_Z t) (map of_bits (weights_Z t)) is Some m then
    if check m certificate_of is Some facts then
      if facts_over_sets facts is Some sets then
        [&& all_ends (v_star facts) (v_star_Z t), all_ends (q_star facts) (q_star_Z t),
            all_ends (v_projected sets) (v_projected_Z t), all_ends (v_top_p sets) (v_top_p_Z t),
            size (set_states sets) == size (states_Z t),
            all (fun p => same_facts p.1 p.2) (zip (set_states sets) (states_Z t)),
            same_ends (gap_projected sets) (gap_projected_Z t),
            same_ends (gap_top_p sets) (gap_top_p_Z t),
            same_option (kappa sets) (kappa_Z t),
            same_option (kappa_from_mass sets) (kappa_from_mass_Z t)
          & same_option (horizon_bound sets) (horizon_bound_Z t)]
      else false
    else false
  else false.

End Check.

Theorem checks_agree :
  all check_agrees [:: looping; ending; ending_undiscounted; tie_downwards; tie_upwards] = true.
Proof. vm_cast_no_check (erefl true). Qed.
