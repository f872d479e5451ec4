(** * Interval arithmetic inside the kernel

    Intervals whose ends are m·2^e with m and e of type [Z], evaluated by the kernel itself. The
    library Interval does the arithmetic and proves it; its usual back end computes with the
    processor's integers, which Coq has to assume are right. This one assumes nothing.

    [inside i x] says that the real number x lies in the interval i. Each operation maps what is
    inside its arguments to what is inside its result. *)

From Coq Require Import ZArith QArith Qreals Reals Lra ssreflect.
From Flocq Require Import Core.
From Interval Require Import Float.Basic Float.Specific_stdz Float.Specific_ops.
From Interval Require Import Interval.Interval Interval.Float_full Real.Xreal.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Open Scope R_scope.

Module F := SpecificFloat StdZRadix2.
Module I := FloatIntervalFull F.

Definition interval := I.type.
Definition inside (i : interval) (x : R) := contains (I.convert i) (Xreal x).

(** ** Dyadic numbers: m·2^e, what a double holds *)

Record dyadic := dy { mantissa : Z; exponent : Z }.
Arguments dy (mantissa exponent)%Z_scope.

Definition value (d : dyadic) : R := IZR (mantissa d) * powerRZ 2 (exponent d).

Definition point (d : dyadic) : interval := I.singleton (Float (mantissa d) (exponent d)).

Lemma point_inside d : inside (point d) (value d).
Proof.
case: d => m e; rewrite /inside /point /value /=.
have -> : IZR m * powerRZ 2 e = proj_val (I.convert_bound (Float m e)); last exact: I.singleton_correct.
rewrite -(bpow_powerRZ radix2) /I.convert_bound /I.F.toX /I.F.toF.
case: m => [|m|m] /=; first by rewrite Rmult_0_l.
- by rewrite FtoR_split /F2R.
- by rewrite FtoR_split /F2R.
Qed.

Definition integer (z : Z) : interval := point (dy z 0).

Lemma integer_inside z : inside (integer z) (IZR z).
Proof. by have := point_inside (dy z 0); rewrite /value /= Rmult_1_r. Qed.

(** ** Operations, rounded outward to 64 bits: more than a double has *)

Definition precision := F.PtoP 64%positive.

Definition add : interval -> interval -> interval := I.add precision.
Definition sub : interval -> interval -> interval := I.sub precision.
Definition mul : interval -> interval -> interval := I.mul precision.
Definition div : interval -> interval -> interval := I.div precision.
Definition expi : interval -> interval := I.exp precision.
Definition lni : interval -> interval := I.ln precision.
Definition hull : interval -> interval -> interval := I.join.

(** Where the library speaks of an undefined result, it says nothing: the interval is the whole
    line. *)

Lemma contains_undefined i x : contains i Xnan -> contains i (Xreal x).
Proof. by case: i. Qed.

Lemma add_inside i j x y : inside i x -> inside j y -> inside (add i j) (x + y).
Proof. by move=> ix jy; apply: (I.add_correct precision _ _ _ _ ix jy). Qed.

Lemma sub_inside i j x y : inside i x -> inside j y -> inside (sub i j) (x - y).
Proof. by move=> ix jy; apply: (I.sub_correct precision _ _ _ _ ix jy). Qed.

Lemma mul_inside i j x y : inside i x -> inside j y -> inside (mul i j) (x * y).
Proof. by move=> ix jy; apply: (I.mul_correct precision _ _ _ _ ix jy). Qed.

Lemma div_inside i j x y : inside i x -> inside j y -> inside (div i j) (x / y).
Proof.
move=> ix jy; have := I.div_correct precision _ _ _ _ ix jy; rewrite /inside /= /Xdiv'.
by case: is_zero => //; apply: contains_undefined.
Qed.

Lemma exp_inside i x : inside i x -> inside (expi i) (exp x).
Proof. by move=> ix; apply: (I.exp_correct precision _ _ ix). Qed.

Lemma ln_inside i x : inside i x -> inside (lni i) (ln x).
Proof.
move=> ix; have := I.ln_correct precision _ _ ix; rewrite /inside /= /Xln'.
by case: is_positive => //; apply: contains_undefined.
Qed.

Lemma hull_inside i j x : inside i x \/ inside j x -> inside (hull i j) x.
Proof. exact: I.join_correct. Qed.

(** ** Decisions *)

Definition nonnegative (i : interval) :=
  match I.sign_large i with Xeq | Xgt => true | _ => false end.

Lemma nonnegative_inside i x : nonnegative i = true -> inside i x -> 0 <= x.
Proof.
rewrite /nonnegative => + ix; have := I.sign_large_correct i.
by case: I.sign_large => // H _; case: (H _ ix) => /=; lra.
Qed.

Definition positive_interval (i : interval) :=
  match I.sign_strict i with Xgt => true | _ => false end.

Lemma positive_inside i x : positive_interval i = true -> inside i x -> 0 < x.
Proof.
rewrite /positive_interval => + ix; have := I.sign_strict_correct i.
by case: I.sign_strict => // H _; case: (H _ ix).
Qed.

(** q ≤ x and x ≤ q for a decimal number q = n/d: compared as n and x·d. *)

Definition scaled (i : interval) (q : Q) : interval := mul i (integer (Zpos (Qden q))).

Definition at_least (q : Q) (i : interval) := nonnegative (sub (scaled i q) (integer (Qnum q))).
Definition at_most (q : Q) (i : interval) := nonnegative (sub (integer (Qnum q)) (scaled i q)).

Lemma scaled_le (q : Q) x : (Q2R q <= x <-> 0 <= x * IZR (Zpos (Qden q)) - IZR (Qnum q)) /\
  (x <= Q2R q <-> 0 <= IZR (Qnum q) - x * IZR (Zpos (Qden q))).
Proof.
rewrite /Q2R; have d_gt0 : 0 < IZR (Zpos (Qden q)) by apply: IZR_lt.
have i_gt0 := Rinv_0_lt_compat _ d_gt0.
have inv : / IZR (Zpos (Qden q)) * IZR (Zpos (Qden q)) = 1 by field; lra.
set n := IZR (Qnum q); set d := IZR (Zpos (Qden q)) in d_gt0 i_gt0 inv *.
have n_eq : n = n * / d * d by rewrite Rmult_assoc inv Rmult_1_r.
set m := n * / d in n_eq *; rewrite n_eq.
split; split=> le_x; nra.
Qed.

Lemma at_least_inside q i x : at_least q i = true -> inside i x -> Q2R q <= x.
Proof.
move=> ok ix; apply/(proj1 (scaled_le q x)); apply: nonnegative_inside ok _.
by apply: sub_inside (integer_inside _); apply: mul_inside ix (integer_inside _).
Qed.

Lemma at_most_inside q i x : at_most q i = true -> inside i x -> x <= Q2R q.
Proof.
move=> ok ix; apply/(proj2 (scaled_le q x)); apply: nonnegative_inside ok _.
by apply: sub_inside (integer_inside _) _; apply: mul_inside ix (integer_inside _).
Qed.

(** A bounded interval is what lies between two numbers. *)

Definition bounded_interval (i : interval) := I.bounded i.

Lemma bounded_inside i : bounded_interval i = true -> exists l u, forall x, inside i x <-> l <= x <= u.
Proof.
case: i => [|l u] // ok; have [lower upper] := I.bounded_correct _ ok.
have [/= l_real _] := I.lower_bounded_correct _ lower.
have [/= u_real _] := I.upper_bounded_correct _ upper.
exists (proj_val (I.F.toX l)), (proj_val (I.F.toX u)) => x.
by rewrite /inside /= l_real u_real.
Qed.

Lemma between_inside i l u x : inside i l -> inside i u -> l <= x <= u -> inside i x.
Proof. by rewrite /inside; case: (I.convert i) => [|[|a] [|b]] //=; lra. Qed.
