(** * Enclosures: two numbers with a real number between them

    rounding/src/enclosure.rs, operation by operation. The law of all of them is inclusion: real
    numbers inside the arguments give a real result inside the result. *)

From Bellman Require Export checker.directed.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Record enclosure (D : operations) := Enclosure { lo : D; hi : D }.

Section Operations.

Variable D : operations.
Implicit Types (x y : D) (e f : enclosure D) (r : R).

(** The real number r lies inside. *)

Definition contains e r := lower (val (lo e)) r /\ upper (val (hi e)) r.

Definition entire : enclosure D := Enclosure (neg_infinity D) (infinity D).
Definition enclosure_zero : enclosure D := Enclosure (zero D) (zero D).
Definition enclosure_one : enclosure D := Enclosure (one D) (one D).

(** [Enclosure::new(lo, hi).unwrap_or(ENTIRE)] *)

Definition new_or_entire x y :=
  if [&& le x y, lt x (infinity D) & lt (neg_infinity D) y] then Enclosure x y else entire.

(** A number itself, and everything where it stands for no real one. *)

Definition exact x := if is_finite x then Enclosure x x else entire.

(** Ends computed by directed rounding: NaN says that nothing is known. *)

Definition from_ends x y := if le x y then Enclosure x y else entire.

Definition width e := sub_up (hi e) (lo e).

Definition clamp x lo hi := let x := if lt x lo then lo else x in if lt hi x then hi else x.

Definition midpoint e :=
  let middle := mean (lo e) (hi e) in
  if is_finite middle then clamp middle (lo e) (hi e)
  else if is_finite (lo e) then lo e
  else if is_finite (hi e) then hi e
  else zero D.

Definition is_bounded e := is_finite (lo e) && is_finite (hi e).

Definition widen e x y := from_ends (add_down (lo e) x) (add_up (hi e) y).

Definition enclosure_neg e := Enclosure (neg (hi e)) (neg (lo e)).

Definition enclosure_add e f := from_ends (add_down (lo e) (lo f)) (add_up (hi e) (hi f)).

Definition enclosure_sub e f := enclosure_add e (enclosure_neg f).

(** The least and the greatest of the four products, or quotients, of ends; everything as soon
    as one is NaN. *)

Definition over_corners (down up : D -> D -> D) e f :=
  let pairs := [:: (lo e, lo f); (lo e, hi f); (hi e, lo f); (hi e, hi f)] in
  if has (fun p => is_nan (down p.1 p.2)) pairs then entire
  else from_ends (foldl (fun least p => min least (down p.1 p.2)) (infinity D) pairs)
                 (foldl (fun most p => max most (up p.1 p.2)) (neg_infinity D) pairs).

Definition enclosure_mul e f :=
  if le (zero D) (lo e) && le (zero D) (lo f) then
    from_ends (mul_down (lo e) (lo f)) (mul_up (hi e) (hi f))
  else over_corners (@mul_down D) (@mul_up D) e f.

Definition enclosure_div e f :=
  if le (lo f) (zero D) && le (zero D) (hi f) then entire
  else over_corners (@div_down D) (@div_up D) e f.

Definition enclosure_exp e := from_ends (exp_down (lo e)) (exp_up (hi e)).

Definition enclosure_ln e :=
  if le (hi e) (zero D) then entire else from_ends (ln_down (lo e)) (ln_up (hi e)).

Definition enclosure_abs e :=
  if le (zero D) (lo e) then e
  else if le (hi e) (zero D) then enclosure_neg e
  else Enclosure (zero D) (max (hi e) (neg (lo e))).

Definition enclosure_max e f := Enclosure (max (lo e) (lo f)) (max (hi e) (hi f)).

End Operations.

(** ** Inclusion *)

Section Inclusion.

Variable D : arithmetic.
Implicit Types (x y : D) (e f : enclosure D) (r s : R).

Lemma contains_entire r : contains (entire D) r.
Proof. by rewrite /contains /= val_neg_infinity val_infinity. Qed.

Lemma contains_zero : contains (enclosure_zero D) 0.
Proof. by rewrite /contains /= val_zero /=; lra. Qed.

Lemma contains_one : contains (enclosure_one D) 1.
Proof. by rewrite /contains /= val_one /=; lra. Qed.

Lemma contains_exact x r : val x = Fin r -> contains (exact x) r.
Proof.
move=> xr; rewrite /exact (finite_is_finite xr).
by split; [apply: lower_val | apply: upper_val].
Qed.

Lemma contains_from_ends x y r :
  lower_or_nan (val x) r -> upper_or_nan (val y) r -> contains (from_ends x y) r.
Proof.
rewrite /from_ends => xr yr; case: ifP => [/leP xy|_]; last exact: contains_entire.
by split; [apply: below_lower xr | apply: above_upper yr];
  move: xy; case: (val x); case: (val y).
Qed.

Lemma contains_new x y r : lower_or_nan (val x) r -> upper_or_nan (val y) r -> contains (new_or_entire x y) r.
Proof.
rewrite /new_or_entire => xr yr; case: ifP => [/and3P[xy _ _]|_]; last exact: contains_entire.
by have := contains_from_ends xr yr; rewrite /from_ends xy.
Qed.

Lemma contains_widen e x y r s :
  contains e r -> lower_or_nan (val x) s -> upper_or_nan (val y) s -> contains (widen e x y) (r + s).
Proof.
by case=> lo_r hi_r xs ys; apply: contains_from_ends; [apply: add_down_below | apply: add_up_above];
  rewrite ?(lower_below, upper_above); auto using lower_below, upper_above.
Qed.

Lemma contains_neg e r : contains e r -> contains (enclosure_neg e) (- r).
Proof.
by case=> lo_r hi_r; split; rewrite /= val_neg; [apply: lower_opp | apply: upper_opp].
Qed.

Lemma contains_add e f r s : contains e r -> contains f s -> contains (enclosure_add e f) (r + s).
Proof.
case=> lo_r hi_r [lo_s hi_s]; apply: contains_from_ends.
  by apply: add_down_below; apply: lower_below.
by apply: add_up_above; apply: upper_above.
Qed.

Lemma contains_sub e f r s : contains e r -> contains f s -> contains (enclosure_sub e f) (r - s).
Proof. by move=> er fs; apply: contains_add => //; apply: contains_neg. Qed.

Lemma min_lower_r x y r : lower (val y) r -> lower (val (min x y)) r.
Proof. by rewrite val_min; apply: lower_min_r. Qed.

Lemma min_lower_l x y r : lower (val x) r -> lower (val (min x y)) r.
Proof. by rewrite val_min; apply: lower_min_l. Qed.

Lemma max_upper_r x y r : upper (val y) r -> upper (val (max x y)) r.
Proof. by rewrite val_max; apply: upper_max_r. Qed.

Lemma max_upper_l x y r : upper (val x) r -> upper (val (max x y)) r.
Proof. by rewrite val_max; apply: upper_max_l. Qed.

(** What the four corners need: that one of them bounds the result on each side. *)

Lemma contains_over_corners (down up : D -> D -> D) op e f r :
    (forall x y, x = lo e \/ x = hi e -> y = lo f \/ y = hi f ->
       rounded_down (val (down x y)) (op (val x) (val y)) /\
       rounded_up (val (up x y)) (op (val x) (val y))) ->
    (forall x y, x = lo e \/ x = hi e -> y = lo f \/ y = hi f ->
       op (val x) (val y) <> NaN) ->
    let a := val (lo e) in let b := val (hi e) in let c := val (lo f) in let d := val (hi f) in
    (lower (op a c) r \/ lower (op a d) r \/ lower (op b c) r \/ lower (op b d) r) ->
    (upper (op a c) r \/ upper (op a d) r \/ upper (op b c) r \/ upper (op b d) r) ->
  contains (from_ends
    (foldl (fun least p => min least (down p.1 p.2)) (infinity D)
       [:: (lo e, lo f); (lo e, hi f); (hi e, lo f); (hi e, hi f)])
    (foldl (fun most p => max most (up p.1 p.2)) (neg_infinity D)
       [:: (lo e, lo f); (lo e, hi f); (hi e, lo f); (hi e, hi f)])) r.
Proof.
move=> rounded numbers a b c d lower_r upper_r /=.
have down_r x y (ex : x = lo e \/ x = hi e) (fy : y = lo f \/ y = hi f) :
    lower (op (val x) (val y)) r -> lower (val (down x y)) r.
  by apply: rounded_down_lower; case: (rounded x y ex fy).
have up_r x y (ex : x = lo e \/ x = hi e) (fy : y = lo f \/ y = hi f) :
    upper (op (val x) (val y)) r -> upper (val (up x y)) r.
  by apply: rounded_up_upper; case: (rounded x y ex fy).
apply: contains_from_ends; [apply: lower_below | apply: upper_above].
- case: lower_r => [|[|[|]]] /down_r h.
  + by do 3![apply: min_lower_l]; apply: min_lower_r; auto.
  + by do 2![apply: min_lower_l]; apply: min_lower_r; auto.
  + by apply: min_lower_l; apply: min_lower_r; auto.
  + by apply: min_lower_r; auto.
- case: upper_r => [|[|[|]]] /up_r h.
  + by do 3![apply: max_upper_l]; apply: max_upper_r; auto.
  + by do 2![apply: max_upper_l]; apply: max_upper_r; auto.
  + by apply: max_upper_l; apply: max_upper_r; auto.
  + by apply: max_upper_r; auto.
Qed.

Lemma rounded_down_number x z : rounded_down (val x) z -> ~~ is_nan x -> z <> NaN.
Proof. by move=> down_xz /is_nanP number z_nan; move: down_xz; rewrite z_nan. Qed.

Lemma contains_mul e f r s : contains e r -> contains f s -> contains (enclosure_mul e f) (r * s).
Proof.
case=> lo_r hi_r [lo_s hi_s]; rewrite /enclosure_mul; case: ifP => [/andP[/leP e0 /leP f0]|_].
  rewrite !val_zero in e0 f0; apply: contains_from_ends; last first.
    apply: mul_up_above; [| |exact: upper_above|exact: upper_above].
      by move: e0 lo_r; case: (val (lo e)) => //= a; lra.
    by move: f0 lo_s; case: (val (lo f)) => //= a; lra.
  have := mul_down_rounded (lo e) (lo f).
  move: e0 lo_r; case: (val (lo e)) => //= a a0 ar.
  move: f0 lo_s; case: (val (lo f)) => //= b b0 bs down_ab.
  by apply: lower_below; apply: lower_le down_ab _ => /=; nra.
rewrite /over_corners; case: ifPn => [_|]; first exact: contains_entire.
rewrite -all_predC => /= /and4P[/= ac ad bc /andP[bd _]].
have numbers x y (ex : x = lo e \/ x = hi e) (fy : y = lo f \/ y = hi f) :
    ext_mul (val x) (val y) <> NaN.
  by case: ex => ->; case: fy => ->; apply: rounded_down_number (mul_down_rounded _ _) _.
apply: (contains_over_corners (op := ext_mul)) => //.
- by move=> x y _ _; split; [apply: mul_down_rounded | apply: mul_up_rounded].
- by apply: mul_lower; auto.
- by apply: mul_upper; auto.
Qed.

Lemma contains_div e f r s : contains e r -> contains f s -> contains (enclosure_div e f) (r / s).
Proof.
case=> lo_r hi_r [lo_s hi_s]; rewrite /enclosure_div; case: ifPn => [_|]; first exact: contains_entire.
move=> one_side; have side : ext_lt (Fin 0) (val (lo f)) \/ ext_lt (val (hi f)) (Fin 0).
  move: one_side; rewrite negb_and => /orP[|] /negP /leP; rewrite val_zero => out.
    by left; move: out lo_s; case: (val (lo f)) => //= a; lra.
  by right; move: out hi_s; case: (val (hi f)) => //= a; lra.
have nonzero y : y = lo f \/ y = hi f -> val y <> Fin 0.
  case=> -> y0; case: side; move: y0 lo_s hi_s;
    case: (val (lo f)) => [||c|]; case: (val (hi f)) => [||d|] //=;
    by move=> [->]; lra.
rewrite /over_corners; case: ifPn => [_|]; first exact: contains_entire.
rewrite -all_predC => /= /and4P[/= ac ad bc /andP[bd _]].
have numbers x y (ex : x = lo e \/ x = hi e) (fy : y = lo f \/ y = hi f) :
    ext_div (val x) (val y) <> NaN.
  case: ex => ->; have y0 := nonzero _ fy; case: fy y0 => -> y0;
    exact: (rounded_down_number (div_down_rounded _ y0)).
apply: (contains_over_corners (op := ext_div)) => //.
- move=> x y _ fy; have y0 := nonzero _ fy.
  by split; [apply: div_down_rounded | apply: div_up_rounded].
- exact: div_lower.
- exact: div_upper.
Qed.

Lemma contains_exp e r : contains e r -> contains (enclosure_exp e) (exp r).
Proof.
by case=> lo_r hi_r; apply: contains_from_ends; [apply: exp_down_below | apply: exp_up_above].
Qed.

(** The logarithm of the positive part. *)

Lemma contains_ln e r : 0 < r -> contains e r -> contains (enclosure_ln e) (ln r).
Proof.
move=> r0 [lo_r hi_r]; rewrite /enclosure_ln; case: ifP => _; first exact: contains_entire.
by apply: contains_from_ends; [apply: ln_down_below | apply: ln_up_above].
Qed.

Lemma contains_abs e r : contains e r -> contains (enclosure_abs e) (Rabs r).
Proof.
move=> er; case: (er) => lo_r hi_r; rewrite /enclosure_abs; case: ifP => [/leP|_].
  rewrite val_zero => e0; rewrite Rabs_pos_eq //.
  by move: e0 lo_r; case: (val (lo e)) => //= a; lra.
case: ifP => [/leP|_].
  rewrite val_zero => e0; rewrite -Rabs_Ropp Rabs_pos_eq; first exact: contains_neg.
  by move: e0 hi_r; case: (val (hi e)) => //= a; lra.
split; first by rewrite val_zero; apply: Rabs_pos.
rewrite /=; case: (Rle_dec 0 r) => r0.
  by rewrite Rabs_pos_eq //; apply: max_upper_l.
rewrite -Rabs_Ropp Rabs_pos_eq; last by lra.
by apply: max_upper_r; rewrite val_neg; apply: upper_opp.
Qed.

Lemma contains_max e f r s : contains e r -> contains f s -> contains (enclosure_max e f) (Rmax r s).
Proof.
case=> lo_r hi_r [lo_s hi_s]; split; rewrite /=.
  rewrite val_max; apply: lower_max.
    by apply: lower_weaken lo_r _; apply: Rmax_l.
  by apply: lower_weaken lo_s _; apply: Rmax_r.
by case: (Rmax_case_strong r s (fun m => m = r \/ m = s)) => //; auto => ->;
  [apply: max_upper_l | apply: max_upper_r].
Qed.

(** The midpoint is a number inside the enclosure, if the enclosure holds any real number. *)

Lemma midpoint_finite e r : contains e r -> is_finite (midpoint e).
Proof.
case=> lo_r hi_r; rewrite /midpoint; case: ifPn => [mid|_]; last first.
  by case: ifP => //; case: ifP => // *; apply: finite_is_finite (val_zero D).
have [m mid_m] := is_finiteP mid; rewrite /clamp.
have above_lo x : lt x (lo e) -> is_finite (lo e).
  move/ltP => lt_x; move: lo_r lt_x; case lo_eq: (val (lo e)) => [||a|] //.
    by case: (val x).
  by move=> *; apply: finite_is_finite lo_eq.
have below_hi x : lt (hi e) x -> is_finite (hi e).
  move/ltP => lt_x; move: hi_r lt_x; case hi_eq: (val (hi e)) => [||b|] //.
    by move=> *; apply: finite_is_finite hi_eq.
  by case: (val x).
case: (boolP (lt (mean _ _) _)) => [/above_lo lo_ok|_] /=;
  by case: (boolP (lt (hi e) _)) => [/below_hi|].
Qed.

Lemma midpoint_inside e r a : contains e r -> val (midpoint e) = Fin a -> contains e a.
Proof.
case=> lo_r hi_r; rewrite /midpoint; case: ifP => [mid|_].
  have [m mid_m] := is_finiteP mid; rewrite /clamp /contains.
  case: (boolP (lt (mean _ _) _)) => [_|/negP above_lo] /=;
    case: (boolP (lt (hi e) _)) => [_|/negP below_hi].
  - move=> hi_x; move: lo_r hi_r; rewrite hi_x.
    by case: (val (lo e)) => //= c; lra.
  - by move=> lo_x; move: hi_r lo_r; rewrite lo_x; case: (val (hi e)) => //= *; lra.
  - move=> hi_x; move: lo_r hi_r; rewrite hi_x.
    by case: (val (lo e)) => //= c; lra.
  - move=> mid_x; have not_lt y z : ~ lt y z -> ~ ext_lt (val y) (val z) by rewrite ltP.
    move/not_lt: above_lo; move/not_lt: below_hi; move: lo_r hi_r; rewrite mid_x.
    by case: (val (lo e)) => [||b|] //=; case: (val (hi e)) => [||c|] //= *; lra.
have endless x : is_finite x = false -> forall b, val x <> Fin b.
  by move=> infinite b /finite_is_finite; rewrite infinite.
case: ifP => [_|/endless lo_inf]; last case: ifP => [_|/endless hi_inf]; rewrite /contains.
- by move=> lo_x; move: lo_r hi_r; rewrite lo_x; case: (val (hi e)) => //= *; lra.
- by move=> hi_x; move: lo_r hi_r; rewrite hi_x; case: (val (lo e)) => //= *; lra.
- rewrite val_zero => -[<-]; move: lo_inf hi_inf lo_r hi_r.
  case: (val (lo e)) => //= [|b]; last by move=> /(_ b).
  by case: (val (hi e)) => //= b _ /(_ b).
Qed.

End Inclusion.
