(** * Doubles obey the laws of directed arithmetic

    rounding/src/directed.rs, function by function, on Flocq's binary64, and the proof that it is
    an [arithmetic]. Additions, products and quotients are rounded to nearest, ties to even, as
    IEEE 754 asks. exp and ln come from outside; that they are correctly rounded is the one
    assumption, and an explicit one. *)

From Bellman Require Import checker.directed.
From Bellman Require Export checker.two_sum.
From Flocq Require Import Core BinarySingleNaN.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Open Scope R_scope.

#[global] Instance emax1024 : Prec_lt_emax 53 1024.
Proof. reflexivity. Qed.

Definition double := binary_float 53 1024.

Section Doubles.

Implicit Types (x y f : double) (a b r : R).

Definition dval f : extended :=
  match f with
  | B754_nan => NaN
  | B754_infinity true => NegInf
  | B754_infinity false => PosInf
  | _ => Fin (B2R f)
  end.

Lemma dval_finite f : is_finite f = true -> dval f = Fin (B2R f).
Proof. by case: f. Qed.

Lemma dval_Fin f r : dval f = Fin r -> is_finite f = true /\ B2R f = r.
Proof. by case: f => [s|[]||s m e h] //= [<-]. Qed.

Lemma dval_inv f :
  [\/ is_finite f = true, f = B754_nan, f = B754_infinity true | f = B754_infinity false].
Proof. by case: f => [s|[]||s m e h]; [apply: Or41|apply: Or43|apply: Or44|apply: Or42|apply: Or41]. Qed.

(** The constants and operations of Rust's [f64]. *)

Definition zero64 : double := B754_zero false.
Definition one64 : double := Bone.
Definition dplus : double -> double -> double := Bplus mode_NE.
Definition dmult : double -> double -> double := Bmult mode_NE.
Definition ddiv : double -> double -> double := Bdiv mode_NE.
Definition dopp : double -> double := Bopp.
Definition dsub x y := dplus x (dopp y).
Definition next_down : double -> double := Bpred.
Definition next_up : double -> double := Bsucc.
Definition dle x y : bool := Bleb x y.
Definition dlt x y : bool := Bltb x y.
Definition deq x y : bool := Beqb x y.
Definition dmin x y := if dlt y x || is_nan x then y else x.
Definition dmax x y := if dlt x y || is_nan x then y else x.
Definition half64 : double := ddiv one64 (dplus one64 one64).
Definition dmean x y := dplus (dmult half64 x) (dmult half64 y).

(** ** Comparisons *)

Lemma dleP x y : dle x y <-> ext_le (dval x) (dval y).
Proof.
rewrite /dle; case: (boolP (is_finite x && is_finite y)) => [/andP[x_ok y_ok]|].
  rewrite Bleb_correct // !dval_finite //=.
  by case: Rle_bool_spec => // ?; split=> //; lra.
by case: x => [s|[]||s m e h]; case: y => [s'|[]||s' m' e' h'].
Qed.

Lemma dltP x y : dlt x y <-> ext_lt (dval x) (dval y).
Proof.
rewrite /dlt; case: (boolP (is_finite x && is_finite y)) => [/andP[x_ok y_ok]|].
  rewrite Bltb_correct // !dval_finite //=.
  by case: Rlt_bool_spec => // ?; split=> //; lra.
by case: x => [s|[]||s m e h]; case: y => [s'|[]||s' m' e' h'].
Qed.

Lemma dval_opp x : dval (dopp x) = ext_opp (dval x).
Proof.
case: (boolP (is_finite x)) => [x_ok|].
  by rewrite (dval_finite x_ok) dval_finite ?is_finite_Bopp //= B2R_Bopp.
by case: x => [s|[]||s m e h].
Qed.

Lemma dval_min x y : dval (dmin x y) = ext_min (dval x) (dval y).
Proof.
rewrite /dmin; case: ifP => [/orP[/dltP|]|/negbT].
- by case: (dval x) => [||a|]; case: (dval y) => [||b|] //= lt_ba; rewrite Rmin_right //; lra.
- by case: x => //= _; case: (dval y).
rewrite negb_or => /andP[/negP not_lt]; have {}not_lt : ~ ext_lt (dval y) (dval x) by rewrite -dltP.
move=> number; move: not_lt; have : dval x <> NaN by case: x number => [s|[]||s m e h].
by case: (dval x) => [||a|]; case: (dval y) => [||b|] //= _ not_lt; rewrite Rmin_left //; lra.
Qed.

Lemma dval_max x y : dval (dmax x y) = ext_max (dval x) (dval y).
Proof.
rewrite /dmax; case: ifP => [/orP[/dltP|]|/negbT].
- by case: (dval x) => [||a|]; case: (dval y) => [||b|] //= lt_ab; rewrite Rmax_right //; lra.
- by case: x => //= _; case: (dval y).
rewrite negb_or => /andP[/negP not_lt]; have {}not_lt : ~ ext_lt (dval x) (dval y) by rewrite -dltP.
move=> number; move: not_lt; have : dval x <> NaN by case: x number => [s|[]||s m e h].
by case: (dval x) => [||a|]; case: (dval y) => [||b|] //= _ not_lt; rewrite Rmax_left //; lra.
Qed.

(** ** Rounding to nearest, and the neighbours of the result *)

Definition rounds_to r f :=
  if Rlt_dec (Rabs (RN r)) (pow2 1024) then dval f = Fin (RN r)
  else dval f = if Rlt_dec r 0 then NegInf else PosInf.

Lemma double_B2R f : is_double (B2R f).
Proof. exact: (generic_format_B2R 53 1024 f). Qed.

Lemma B2R_largest f : Rabs (B2R f) <= largest.
Proof. exact: (abs_B2R_le_emax_minus_prec 53 1024 _ f). Qed.

Lemma max_float_largest : B2R (Bmax_float : double) = largest.
Proof.
rewrite /Bmax_float B2R_SF2B.
rewrite -[LHS]/(F2R (Float radix2 9007199254740991 971)) /F2R.
rewrite [Fnum _]/= [Fexp _]/= /largest.
have -> : pow2 1024 = pow2 53 * pow2 971 by rewrite -bpow_plus.
have -> : pow2 53 = 9007199254740992 by [].
ring.
Qed.

Lemma largest_double : is_double largest.
Proof. by rewrite -max_float_largest; apply: double_B2R. Qed.

Lemma RN_monotone a b : a <= b -> RN a <= RN b.
Proof. exact: round_le. Qed.

Lemma pred_RN r : pred radix2 fexp64 (RN r) <= r.
Proof.
have [r_ok|r_not] := generic_format_EM radix2 fexp64 r.
  by rewrite round_generic //; apply: pred_le_id.
have [-> | ->] := round_DN_or_UP radix2 fexp64 ZnearestE r.
  apply: Rle_trans (pred_le_id _ _ _) _.
  by have [_ []] := round_DN_pt radix2 fexp64 r.
rewrite pred_UP_eq_DN //; by have [_ []] := round_DN_pt radix2 fexp64 r.
Qed.

Lemma overflow_infinite f s : B2SF f = binary_overflow 53 1024 mode_NE s -> f = B754_infinity s.
Proof. by case: f => [s'|s'||s' m e h] //= [->]. Qed.

Lemma rounds_to_opp r f : rounds_to r f -> rounds_to (- r) (dopp f).
Proof.
rewrite /rounds_to RN_opp Rabs_Ropp dval_opp; case: Rlt_dec => [_ -> //|out].
have r0 : r <> 0.
  by move=> r0; apply: out; rewrite r0 round_0 Rabs_R0; apply: bpow_gt_0.
by case: (Rlt_dec r 0) => r_sign -> /=; case: Rlt_dec => // ?; lra.
Qed.

Lemma next_down_infinity : next_down (B754_infinity false) = Bmax_float.
Proof. exact: (Bopp_involutive 53 1024 Bmax_float). Qed.

(** next_down of the nearest double lies below the real number. *)

Lemma next_down_le r f : rounds_to r f -> ext_le (dval (next_down f)) (Fin r).
Proof.
rewrite /rounds_to; case: Rlt_dec => [in_range /dval_Fin [f_ok f_eq]|out].
  have := Bpred_correct 53 1024 prec53 emax1024 f f_ok; rewrite f_eq; case: Rlt_bool.
    case=> pred_eq [pred_ok _]; rewrite /next_down (dval_finite pred_ok) pred_eq.
    exact: pred_RN.
  by rewrite /next_down; case: (Bpred f) => [s|[]||s m e h] //=.
case: (Rlt_dec r 0) => r_sign.
  by case: f => [s|[]||s m e h].
case: f => [s|[]||s m e h] // _.
rewrite next_down_infinity dval_finite // max_float_largest /=.
have [//|r_lt] := Rle_or_lt largest r; case: out.
have RN_le : RN r <= largest.
  by rewrite -(round_generic radix2 fexp64 ZnearestE _ largest_double); apply: RN_monotone; lra.
have RN_ge0 : 0 <= RN r by rewrite -(round_0 radix2 fexp64 ZnearestE); apply: RN_monotone; lra.
rewrite Rabs_pos_eq //; apply: Rle_lt_trans RN_le _; rewrite /largest.
by have := bpow_gt_0 radix2 971; lra.
Qed.

Lemma next_up_opp f : next_up f = dopp (next_down (dopp f)).
Proof. by rewrite /next_up /next_down /dopp /Bpred !Bopp_involutive. Qed.

Lemma next_up_ge r f : rounds_to r f -> ext_le (Fin r) (dval (next_up f)).
Proof.
move=> /rounds_to_opp /next_down_le; rewrite next_up_opp dval_opp.
by case: (dval (next_down _)) => //= a; lra.
Qed.

(** ** The rounded operations *)

Lemma fexp_eq e : SpecFloat.fexp 53 1024 e = fexp64 e.
Proof. by []. Qed.

Lemma infinite_sign s r :
  (s = true -> r <= 0) -> (s = false -> 0 <= r) -> r <> 0 ->
  dval (B754_infinity s) = if Rlt_dec r 0 then NegInf else PosInf.
Proof.
move=> neg pos r0; case: Rlt_dec => r_sign; case: s neg pos => //= neg pos.
  by have := pos erefl; lra.
by have := neg erefl; lra.
Qed.

Lemma sign_le f : is_finite f = true -> if Bsign f then B2R f <= 0 else 0 <= B2R f.
Proof.
case: f => [s|s||s m e h] finite //=; first by case: s finite => _; apply: Rle_refl.
by case: s finite => _; [apply: F2R_le_0 | apply: F2R_ge_0].
Qed.

Lemma out_nonzero r : ~ Rabs (RN r) < pow2 1024 -> r <> 0.
Proof. by move=> out r0; apply: out; rewrite r0 round_0 Rabs_R0; apply: bpow_gt_0. Qed.

Lemma plus_rounds x y :
  is_finite x = true -> is_finite y = true -> rounds_to (B2R x + B2R y) (dplus x y).
Proof.
move=> x_ok y_ok; have := Bplus_correct 53 1024 prec53 emax1024 mode_NE x y x_ok y_ok.
rewrite /rounds_to; case: Rlt_bool_spec => [in_range|out].
  case=> sum_eq [sum_ok _]; case: Rlt_dec => [lt|not_lt]; last by case: not_lt.
  by rewrite /dplus (dval_finite sum_ok) sum_eq.
case=> /overflow_infinite sum_eq same; case: Rlt_dec => [lt|not_lt]; first by have := Rlt_not_le _ _ lt out.
rewrite /dplus sum_eq; apply: infinite_sign; last exact: out_nonzero.
- by move=> neg; have := sign_le x_ok; have := sign_le y_ok; rewrite -same neg; lra.
- by move=> pos; have := sign_le x_ok; have := sign_le y_ok; rewrite -same pos; lra.
Qed.

Lemma minus_rounds x y :
  is_finite x = true -> is_finite y = true -> rounds_to (B2R x - B2R y) (dsub x y).
Proof.
move=> x_ok y_ok; rewrite /Rminus -(B2R_Bopp 53 1024 y); apply: plus_rounds => //.
by rewrite is_finite_Bopp.
Qed.

Lemma xorb_sign x y (op : R -> R -> R) :
    is_finite x = true -> is_finite y = true ->
    (forall a b, 0 <= a -> 0 <= b -> 0 <= op a b) -> (forall a b, a <= 0 -> b <= 0 -> 0 <= op a b) ->
    (forall a b, a <= 0 -> 0 <= b -> op a b <= 0) -> (forall a b, 0 <= a -> b <= 0 -> op a b <= 0) ->
  if xorb (Bsign x) (Bsign y) then op (B2R x) (B2R y) <= 0 else 0 <= op (B2R x) (B2R y).
Proof.
move=> /sign_le + /sign_le; case: (Bsign x); case: (Bsign y) => /= *; auto.
Qed.

Lemma mult_sign x y : is_finite x = true -> is_finite y = true ->
  if xorb (Bsign x) (Bsign y) then B2R x * B2R y <= 0 else 0 <= B2R x * B2R y.
Proof. by move=> x_ok y_ok; apply: (xorb_sign (op := Rmult)) => // *; nra. Qed.

Lemma div_sign x y : is_finite x = true -> is_finite y = true ->
  if xorb (Bsign x) (Bsign y) then B2R x / B2R y <= 0 else 0 <= B2R x / B2R y.
Proof.
have inv_ge0 b : 0 <= b -> 0 <= / b.
  case=> [/Rinv_0_lt_compat/Rlt_le //|<-]; rewrite RIneq.Rinv_0; exact: Rle_refl.
have inv_le0 b : b <= 0 -> / b <= 0.
  case=> [/Rinv_lt_0_compat/Rlt_le //|->]; rewrite RIneq.Rinv_0; exact: Rle_refl.
move=> x_ok y_ok; apply: (xorb_sign (op := Rdiv)) => // a b a0 b0; rewrite /Rdiv.
- by have := inv_ge0 b b0; nra.
- by have := inv_le0 b b0; nra.
- by have := inv_ge0 b b0; nra.
- by have := inv_le0 b b0; nra.
Qed.

(** The product (the quotient) in range has the sign of the real one, zero included. *)

Lemma mult_rounds x y :
  is_finite x = true -> is_finite y = true ->
  rounds_to (B2R x * B2R y) (dmult x y) /\
  (dmult x y = B754_zero false -> 0 <= B2R x * B2R y) /\
  (dmult x y = B754_zero true -> B2R x * B2R y <= 0).
Proof.
move=> x_ok y_ok; have := Bmult_correct 53 1024 prec53 emax1024 mode_NE x y.
have sign := mult_sign x_ok y_ok.
rewrite /rounds_to x_ok y_ok; case: Rlt_bool_spec => [in_range|out].
  case=> eq [ok s_eq]; case: Rlt_dec => [lt|not_lt]; last by case: not_lt.
  rewrite /dmult (dval_finite ok) eq; split=> //.
  by split=> zero_eq; move: s_eq; rewrite zero_eq => /(_ erefl) /= s_eq; move: sign; rewrite -s_eq.
move=> /overflow_infinite eq; case: Rlt_dec => [lt|not_lt]; first by have := Rlt_not_le _ _ lt out.
rewrite /dmult eq; split=> //; apply: infinite_sign; last exact: out_nonzero.
- by move=> s_eq; move: sign; rewrite s_eq.
- by move=> s_eq; move: sign; rewrite s_eq.
Qed.

Lemma div_rounds x y :
  is_finite x = true -> is_finite y = true -> B2R y <> 0 ->
  rounds_to (B2R x / B2R y) (ddiv x y) /\
  (ddiv x y = B754_zero false -> 0 <= B2R x / B2R y) /\
  (ddiv x y = B754_zero true -> B2R x / B2R y <= 0).
Proof.
move=> x_ok y_ok y0; have := Bdiv_correct 53 1024 prec53 emax1024 mode_NE x y y0.
have sign := div_sign x_ok y_ok.
rewrite /rounds_to x_ok; case: Rlt_bool_spec => [in_range|out].
  case=> eq [ok s_eq]; case: Rlt_dec => [lt|not_lt]; last by case: not_lt.
  rewrite /ddiv (dval_finite ok) eq; split=> //.
  by split=> zero_eq; move: s_eq; rewrite zero_eq => /(_ erefl) /= s_eq; move: sign; rewrite -s_eq.
move=> /overflow_infinite eq; case: Rlt_dec => [lt|not_lt]; first by have := Rlt_not_le _ _ lt out.
rewrite /ddiv eq; split=> //; apply: infinite_sign; last exact: out_nonzero.
- by move=> s_eq; move: sign; rewrite s_eq.
- by move=> s_eq; move: sign; rewrite s_eq.
Qed.

(** ** Directed operations *)

Definition two_sum64 x y :=
  let s := dplus x y in
  let y_virtual := dsub s x in
  let x_virtual := dsub s y_virtual in
  let e := dplus (dsub x x_virtual) (dsub y y_virtual) in
  if is_nan e && is_finite s then (s, dsub x (dsub s y)) else (s, e).

Definition add_down64 x y := let: (s, e) := two_sum64 x y in if dle zero64 e then s else next_down s.
Definition add_up64 x y := let: (s, e) := two_sum64 x y in if dle e zero64 then s else next_up s.

Definition dabs x : double := Babs x.

Definition product_is_exact x y :=
  [|| deq x zero64, deq y zero64, deq (dabs x) one64 | deq (dabs y) one64].

(** The neighbour below, but +0 stays; the neighbour above, but −0 stays. *)

Definition below64 f : double := if f is B754_zero false then f else next_down f.
Definition above64 f : double := dopp (below64 (dopp f)).

Definition mul_down64 x y :=
  let p := dmult x y in if product_is_exact x y then p else below64 p.
Definition mul_up64 x y :=
  let p := dmult x y in if product_is_exact x y then p else above64 p.

Definition quotient_is_exact x y := deq x zero64 || deq (dabs y) one64.

Definition div_down64 x y :=
  let q := ddiv x y in if quotient_is_exact x y then q else below64 q.
Definition div_up64 x y :=
  let q := ddiv x y in if quotient_is_exact x y then q else above64 q.

(** *** Sums *)

Lemma rounds_finite r f : rounds_to r f -> Rabs (RN r) < pow2 1024 -> is_finite f = true /\ B2R f = RN r.
Proof. by move=> + lt; rewrite /rounds_to; case: Rlt_dec => // in_range /dval_Fin. Qed.

Lemma rounds_infinite r f : rounds_to r f -> pow2 1024 <= Rabs (RN r) -> exists s, f = B754_infinity s.
Proof.
move=> + ge; rewrite /rounds_to; case: Rlt_dec => lt; first by have := Rlt_not_le _ _ lt ge.
by case: (Rlt_dec r 0) => r_sign; case: f => [s|s||s m e h] //= _; exists s.
Qed.

Lemma dsub_infinite x s : is_finite x = true -> dsub x (B754_infinity s) = B754_infinity (negb s).
Proof. by case: x => [s'|s'||s' m e h]. Qed.

Theorem two_sum64_exact x y :
    is_finite x = true -> is_finite y = true ->
  (exists s e, [/\ dval (two_sum64 x y).1 = Fin s, dval (two_sum64 x y).2 = Fin e
                 & s + e = B2R x + B2R y])
  \/ ((forall s, dval (two_sum64 x y).1 <> Fin s) /\ dval (two_sum64 x y).2 = NaN).
Proof.
move=> x_ok y_ok; have s_rounds := plus_rounds x_ok y_ok.
have x_double := double_B2R x; have y_double := double_B2R y.
have x_range := B2R_largest x; have y_range := B2R_largest y.
rewrite /two_sum64; set s := dplus x y in s_rounds *.
case: (Rlt_or_le (Rabs (RN (B2R x + B2R y))) (pow2 1024)) => [in_range|out]; last first.
  have [sign s_eq] := rounds_infinite s_rounds out; right.
  rewrite s_eq; have -> : dsub (B754_infinity sign) x = B754_infinity sign.
    by case: (x) x_ok => [s'|s'||s' m e h].
  have -> : dsub (B754_infinity sign) (B754_infinity sign) = B754_nan by case: (sign).
  have -> : dsub x B754_nan = B754_nan by case: (x) => [s'|s'||s' m e h].
  have -> : dplus B754_nan (dsub y (B754_infinity sign)) = B754_nan by [].
  by split=> //= r; case: (sign).
left; have [s_ok s_eq] := rounds_finite s_rounds in_range.
have bv_rounds := minus_rounds s_ok x_ok; set bv := dsub s x in bv_rounds *.
case: (Rlt_or_le (Rabs (RN (B2R s - B2R x))) (pow2 1024)) => [bv_in|bv_out].
- have [bv_ok bv_eq] := rounds_finite bv_rounds bv_in.
  rewrite s_eq in bv_in bv_eq.
  have [av_in [da_in [db_in e_in]]] :=
    two_sum_in_range _ _ x_double y_double x_range y_range in_range bv_in.
  have := minus_rounds s_ok bv_ok; rewrite s_eq bv_eq => /rounds_finite/(_ av_in) [av_ok av_eq].
  have := minus_rounds x_ok av_ok; rewrite av_eq => /rounds_finite/(_ da_in) [da_ok da_eq].
  have := minus_rounds y_ok bv_ok; rewrite bv_eq => /rounds_finite/(_ db_in) [db_ok db_eq].
  have := plus_rounds da_ok db_ok; rewrite da_eq db_eq => /rounds_finite/(_ e_in) [e_ok e_eq].
  set e := dplus _ _ in e_ok e_eq *; have -> : is_nan e = false by case: (e) e_ok.
  exists (B2R s), (B2R e); rewrite /= !dval_finite //; split=> //.
  by rewrite s_eq e_eq; apply: two_sum_exact_error.
- have [sign bv_eq] := rounds_infinite bv_rounds bv_out.
  rewrite s_eq in bv_out.
  have [exact [first second]] :=
    fast_two_sum _ _ x_double y_double x_range y_range in_range bv_out.
  rewrite bv_eq (dsub_infinite _ s_ok) (dsub_infinite _ x_ok) (dsub_infinite _ y_ok).
  have -> : dplus (B754_infinity (negb (negb sign))) (B754_infinity (negb sign)) = B754_nan.
    by case: (sign).
  rewrite s_ok /=.
  have := minus_rounds s_ok y_ok; rewrite s_eq => /rounds_finite/(_ first) [d_ok d_eq].
  have := minus_rounds x_ok d_ok; rewrite d_eq => /rounds_finite/(_ second) [e_ok e_eq].
  by exists (B2R s), (B2R (dsub x (dsub s y))); rewrite !dval_finite // s_eq e_eq.
Qed.

Lemma two_sum64_fst x y : (two_sum64 x y).1 = dplus x y.
Proof. by rewrite /two_sum64; case: ifP. Qed.

Lemma add_down64_below x y a b :
  lower_or_nan (dval x) a -> lower_or_nan (dval y) b ->
  lower_or_nan (dval (add_down64 x y)) (a + b).
Proof.
case: (boolP (is_finite x && is_finite y)) => [/andP[x_ok y_ok]|not_finite].
  rewrite (dval_finite x_ok) (dval_finite y_ok) /= => xa yb.
  have rounds := plus_rounds x_ok y_ok; have fst_eq := two_sum64_fst x y.
  have low : ext_le (dval (add_down64 x y)) (Fin (B2R x + B2R y)).
    rewrite /add_down64; have := two_sum64_exact x_ok y_ok.
    case: two_sum64 fst_eq => s e /= ->; case: ifP => [/dleP|_ _]; last exact: next_down_le.
    by move=> e_ge [[s' [e' [-> e_eq /= <-]]]|[_ e_nan]]; move: e_ge; rewrite ?e_eq ?e_nan //=; lra.
  by apply: lower_below; apply: lower_le low _ => /=; lra.
have [->|->] : add_down64 x y = dplus x y \/ add_down64 x y = next_down (dplus x y).
- by rewrite /add_down64; have := two_sum64_fst x y; case: two_sum64 => s e /= ->; case: ifP; auto.
- by case: x not_finite => [s|[]||s m e h]; case: y => [s'|[]||s' m' e' h'].
- by case: x not_finite => [s|[]||s m e h]; case: y => [s'|[]||s' m' e' h'].
Qed.

Lemma add_up64_above x y a b :
  upper_or_nan (dval x) a -> upper_or_nan (dval y) b ->
  upper_or_nan (dval (add_up64 x y)) (a + b).
Proof.
case: (boolP (is_finite x && is_finite y)) => [/andP[x_ok y_ok]|not_finite].
  rewrite (dval_finite x_ok) (dval_finite y_ok) /= => xa yb.
  have rounds := plus_rounds x_ok y_ok; have fst_eq := two_sum64_fst x y.
  have high : ext_le (Fin (B2R x + B2R y)) (dval (add_up64 x y)).
    rewrite /add_up64; have := two_sum64_exact x_ok y_ok.
    case: two_sum64 fst_eq => s e /= ->; case: ifP => [/dleP|_ _]; last exact: next_up_ge.
    by move=> e_le [[s' [e' [-> e_eq /= <-]]]|[_ e_nan]]; move: e_le; rewrite ?e_eq ?e_nan //=; lra.
  by apply: upper_above; apply: upper_le high _ => /=; lra.
have [->|->] : add_up64 x y = dplus x y \/ add_up64 x y = next_up (dplus x y).
- by rewrite /add_up64; have := two_sum64_fst x y; case: two_sum64 => s e /= ->; case: ifP; auto.
- by case: x not_finite => [s|[]||s m e h]; case: y => [s'|[]||s' m' e' h'].
- by case: x not_finite => [s|[]||s m e h]; case: y => [s'|[]||s' m' e' h'].
Qed.

Lemma RN_B2R f : RN (B2R f) = B2R f.
Proof. by apply: round_generic; apply: double_B2R. Qed.

Lemma double_in_range f : Rabs (B2R f) < pow2 1024.
Proof.
by apply: Rle_lt_trans (B2R_largest f) _; rewrite /largest; have := bpow_gt_0 radix2 971; lra.
Qed.

Lemma rounds_self f : is_finite f = true -> rounds_to (B2R f) f.
Proof.
move=> f_ok; rewrite /rounds_to RN_B2R dval_finite //; case: Rlt_dec => // out.
by case: out; apply: double_in_range.
Qed.

Lemma rounds_double r f : is_double r -> Rabs r < pow2 1024 -> rounds_to r f -> dval f = Fin r.
Proof. by move=> r_ok lt; rewrite /rounds_to round_generic //; case: Rlt_dec. Qed.

Lemma add_down64_ge0 x y a b :
  dval x = Fin a -> dval y = Fin b -> 0 <= a + b -> ext_le (Fin 0) (dval (add_down64 x y)).
Proof.
move=> /dval_Fin [x_ok <-] /dval_Fin [y_ok <-] ge0.
have rounds := plus_rounds x_ok y_ok; have fst_eq := two_sum64_fst x y.
rewrite /add_down64; have := two_sum64_exact x_ok y_ok.
have RN_ge0 : 0 <= RN (B2R x + B2R y).
  by rewrite -(round_0 radix2 fexp64 ZnearestE); apply: RN_monotone.
case: two_sum64 fst_eq => s e /= s_eq; rewrite -s_eq in rounds.
case=> [[s' [e' [s_val e_val sum_eq]]]|[s_not e_nan]].
  have [s_ok s_B2R] := dval_Fin s_val.
  have s'_eq : s' = RN (B2R x + B2R y).
    by move: rounds; rewrite /rounds_to s_val; case: Rlt_dec => ?; [case | case: Rlt_dec].
  case: ifP => [_|/negP not_le]; first by rewrite s_val /= s'_eq.
  have e_neg : e' < 0.
    by apply: Rnot_le_lt => e_ge; apply: not_le; apply/dleP; rewrite e_val.
  have s_pos : 0 < B2R s by rewrite s_B2R; lra.
  have pred_ge : 0 <= pred radix2 fexp64 (B2R s) by apply: pred_ge_0 => //; apply: double_B2R.
  have := Bpred_correct 53 1024 prec53 emax1024 s s_ok; rewrite Rlt_bool_true; last first.
    by apply: Rlt_le_trans pred_ge; have := bpow_gt_0 radix2 1024; lra.
  by case=> pred_eq [pred_ok _]; rewrite /next_down (dval_finite pred_ok) pred_eq.
case: ifP => [/dleP|_]; first by rewrite e_nan.
have s_inf : s = B754_infinity false.
  move: rounds; rewrite /rounds_to; case: Rlt_dec => ?; first by move/s_not.
  case: Rlt_dec => sign; first by lra.
  by case: (s) => [?|[]||? ? ? ?].
rewrite s_inf next_down_infinity dval_finite // max_float_largest /=.
by apply: Rle_trans (B2R_largest x); apply: Rabs_pos.
Qed.

(** *** Products and quotients *)

Lemma below64_le f : rounded_down (dval (below64 f)) (dval f).
Proof.
case: (boolP (is_finite f)) => [f_ok|]; last first.
  by case: f => [s|[]||s m e h] // _; rewrite /= next_down_infinity dval_finite // /=.
rewrite (dval_finite f_ok) /= /below64.
have := next_down_le (rounds_self f_ok).
by case: f f_ok => [[]|s||s m e h] //= _ _; apply: Rle_refl.
Qed.

Lemma below64_rounded r f :
  rounds_to r f -> (f = B754_zero false -> 0 <= r) -> ext_le (dval (below64 f)) (Fin r).
Proof.
move=> rounds zero_sign; rewrite /below64; case: f rounds zero_sign => [[]|s||s m e h] rounds zero_sign;
  try exact: next_down_le.
exact: zero_sign.
Qed.

Lemma above64_rounded r f :
  rounds_to r f -> (f = B754_zero true -> r <= 0) -> ext_le (Fin r) (dval (above64 f)).
Proof.
move=> rounds zero_sign; rewrite /above64 dval_opp.
have : ext_le (dval (below64 (dopp f))) (Fin (- r)).
  apply: below64_rounded; first exact: rounds_to_opp.
  move=> f_eq; suff : r <= 0 by lra.
  apply: zero_sign; move: f_eq; rewrite /dopp.
  by case: (f) => [[]|s||s m e h].
by case: (dval (below64 _)) => //= a; lra.
Qed.

Lemma above64_ge f : rounded_up (dval (above64 f)) (dval f).
Proof.
have := below64_le (dopp f); rewrite /above64 !dval_opp.
case: (dval f) => [||a|] /=; case: (dval (below64 _)) => [||b|] //=; lra.
Qed.

Lemma deq_val x y r : dval y = Fin r -> deq x y -> is_finite x = true /\ B2R x = r.
Proof.
move=> /dval_Fin [y_ok y_eq]; rewrite /deq.
case: (boolP (is_finite x)) => [x_ok|x_inf].
  by rewrite Beqb_correct // y_eq; case: Req_bool_spec.
by case: x x_inf => [s|[]||s m e h] //; case: y y_ok {y_eq} => [s'|s'||[] m' e' h'].
Qed.

Lemma dval_zero : dval zero64 = Fin 0. Proof. by []. Qed.

Lemma dval_one : dval one64 = Fin 1.
Proof. by rewrite dval_finite // -(Bone_correct 53 1024 prec53 emax1024). Qed.

Lemma dabs_one x : deq (dabs x) one64 -> is_finite x = true /\ (B2R x = 1 \/ B2R x = -1).
Proof.
move=> /(deq_val dval_one) []; rewrite /dabs is_finite_Babs B2R_Babs => x_ok abs_eq.
by split=> //; move: abs_eq; rewrite /Rabs; case: Rcase_abs => _ ?; [right; lra | left].
Qed.

Lemma rounded_refl (e : extended) : rounded_down e e /\ rounded_up e e.
Proof. by case: e => [||a|] /=; split=> //; apply: Rle_refl. Qed.

(** Whatever is not finite comes out as IEEE 754 says, without rounding. *)

Lemma finite_sign s m e (h : SpecFloat.bounded 53 1024 m e = true) :
  if s then B2R (B754_finite s m e h : double) < 0 else 0 < B2R (B754_finite s m e h : double).
Proof. by case: s h => h; [apply: F2R_lt_0 | apply: F2R_gt_0]. Qed.

Lemma infinity_times s s' r :
  (if s' then r < 0 else 0 < r) ->
  dval (B754_infinity (xorb s s')) = ext_mul (dval (B754_infinity s)) (Fin r).
Proof.
by case: s; case: s' => r0 /=;
  rewrite ?infinity_of_sign_opp ?(infinity_of_pos r0) ?(infinity_of_neg r0).
Qed.

Lemma times_infinity s s' r :
  (if s then r < 0 else 0 < r) ->
  dval (B754_infinity (xorb s s')) = ext_mul (Fin r) (dval (B754_infinity s')).
Proof.
by case: s; case: s' => r0 /=;
  rewrite ?infinity_of_sign_opp ?(infinity_of_pos r0) ?(infinity_of_neg r0).
Qed.

Lemma dmult_infinite x y :
  ~~ (is_finite x && is_finite y) -> dval (dmult x y) = ext_mul (dval x) (dval y).
Proof.
have zero_inf : infinity_of_sign 0 = NaN by apply: infinity_of_zero.
have neg_zero_inf : infinity_of_sign (- 0) = NaN by rewrite Ropp_0.
case: x => [s|s||s m e h]; case: y => [s'|s'||s' m' e' h'] // _.
- by case: s' => /=; rewrite ?zero_inf ?neg_zero_inf.
- by case: s => /=; rewrite ?zero_inf ?neg_zero_inf.
- by case: s; case: s'.
- by case: s.
- exact: (infinity_times s (finite_sign s' h')).
- exact: (times_infinity s' (finite_sign s h)).
Qed.

Lemma infinity_over s s' r :
  (if s' then r < 0 else 0 < r) ->
  dval (B754_infinity (xorb s s')) = ext_div (dval (B754_infinity s)) (Fin r).
Proof.
by case: s; case: s' => r0 /=;
  rewrite ?infinity_of_sign_opp ?(infinity_of_pos r0) ?(infinity_of_neg r0).
Qed.

Lemma ddiv_infinite x y :
  ~~ (is_finite x && is_finite y) -> dval (ddiv x y) = ext_div (dval x) (dval y) \/ dval y = Fin 0.
Proof.
case: x => [s|s||s m e h]; case: y => [s'|s'||s' m' e' h'] // _; try (by right); left => //;
  try (by case: s'); try (by case: s); try (by case: s; case: s').
exact: (infinity_over s (finite_sign s' h')).
Qed.

Lemma exact_product x y :
  is_finite x = true -> is_finite y = true -> product_is_exact x y ->
  dval (dmult x y) = Fin (B2R x * B2R y).
Proof.
move=> x_ok y_ok exact; have [rounds _] := mult_rounds x_ok y_ok.
have opp_ok f : is_double (- B2R f) by apply: generic_format_opp; apply: double_B2R.
have opp_range f : Rabs (- B2R f) < pow2 1024 by rewrite Rabs_Ropp; apply: double_in_range.
suff [p_ok p_range] : is_double (B2R x * B2R y) /\ Rabs (B2R x * B2R y) < pow2 1024.
  exact: rounds_double rounds.
case/or4P: exact => [/(deq_val dval_zero)|/(deq_val dval_zero)|/dabs_one|/dabs_one] [_].
- move=> ->; rewrite Rmult_0_l Rabs_R0; split; [exact: generic_format_0 | exact: bpow_gt_0].
- move=> ->; rewrite Rmult_0_r Rabs_R0; split; [exact: generic_format_0 | exact: bpow_gt_0].
- case=> ->.
    by rewrite Rmult_1_l; split; [apply: double_B2R | apply: double_in_range].
  by have -> : -1 * B2R y = - B2R y by ring.
- case=> ->.
    by rewrite Rmult_1_r; split; [apply: double_B2R | apply: double_in_range].
  by have -> : B2R x * -1 = - B2R x by ring.
Qed.

Lemma mul_down64_rounded x y : rounded_down (dval (mul_down64 x y)) (ext_mul (dval x) (dval y)).
Proof.
rewrite /mul_down64; case: (boolP (is_finite x && is_finite y)) => [/andP[x_ok y_ok]|out].
  rewrite (dval_finite x_ok) (dval_finite y_ok) [ext_mul _ _]/=; case: ifP => [exact|_].
    by rewrite exact_product //; case: (rounded_refl (Fin (B2R x * B2R y))).
  have [rounds [plus_zero _]] := mult_rounds x_ok y_ok.
  exact: below64_rounded.
rewrite -dmult_infinite //; case: ifP => _; last exact: below64_le.
by case: (rounded_refl (dval (dmult x y))).
Qed.

Lemma mul_up64_rounded x y : rounded_up (dval (mul_up64 x y)) (ext_mul (dval x) (dval y)).
Proof.
rewrite /mul_up64; case: (boolP (is_finite x && is_finite y)) => [/andP[x_ok y_ok]|out].
  rewrite (dval_finite x_ok) (dval_finite y_ok) [ext_mul _ _]/=; case: ifP => [exact|_].
    by rewrite exact_product //; case: (rounded_refl (Fin (B2R x * B2R y))).
  have [rounds [_ minus_zero]] := mult_rounds x_ok y_ok.
  exact: above64_rounded.
rewrite -dmult_infinite //; case: ifP => _; last exact: above64_ge.
by case: (rounded_refl (dval (dmult x y))).
Qed.

Lemma exact_quotient x y :
  is_finite x = true -> is_finite y = true -> B2R y <> 0 -> quotient_is_exact x y ->
  dval (ddiv x y) = Fin (B2R x / B2R y).
Proof.
move=> x_ok y_ok y0 exact; have [rounds _] := div_rounds x_ok y_ok y0.
suff [p_ok p_range] : is_double (B2R x / B2R y) /\ Rabs (B2R x / B2R y) < pow2 1024.
  exact: rounds_double rounds.
case/orP: exact => [/(deq_val dval_zero)|/dabs_one] [_].
- move=> ->; rewrite /Rdiv Rmult_0_l Rabs_R0.
  by split; [exact: generic_format_0 | exact: bpow_gt_0].
- case=> ->.
    by rewrite /Rdiv Rinv_1 Rmult_1_r; split; [apply: double_B2R | apply: double_in_range].
  have -> : B2R x / -1 = - B2R x by field.
  by rewrite Rabs_Ropp; split; [apply: generic_format_opp; apply: double_B2R | apply: double_in_range].
Qed.

Lemma div_down64_rounded x y :
  dval y <> Fin 0 -> rounded_down (dval (div_down64 x y)) (ext_div (dval x) (dval y)).
Proof.
move=> nonzero; rewrite /div_down64.
case: (boolP (is_finite x && is_finite y)) => [/andP[x_ok y_ok]|out].
  have y0 : B2R y <> 0 by move=> y0; apply: nonzero; rewrite dval_finite // y0.
  rewrite (dval_finite x_ok) (dval_finite y_ok) [ext_div _ _]/=; case: ifP => [exact|_].
    by rewrite exact_quotient //; case: (rounded_refl (Fin (B2R x / B2R y))).
  have [rounds [plus_zero _]] := div_rounds x_ok y_ok y0.
  exact: below64_rounded.
have [<- | //] := ddiv_infinite out; case: ifP => _; last exact: below64_le.
by case: (rounded_refl (dval (ddiv x y))).
Qed.

Lemma div_up64_rounded x y :
  dval y <> Fin 0 -> rounded_up (dval (div_up64 x y)) (ext_div (dval x) (dval y)).
Proof.
move=> nonzero; rewrite /div_up64.
case: (boolP (is_finite x && is_finite y)) => [/andP[x_ok y_ok]|out].
  have y0 : B2R y <> 0 by move=> y0; apply: nonzero; rewrite dval_finite // y0.
  rewrite (dval_finite x_ok) (dval_finite y_ok) [ext_div _ _]/=; case: ifP => [exact|_].
    by rewrite exact_quotient //; case: (rounded_refl (Fin (B2R x / B2R y))).
  have [rounds [_ minus_zero]] := div_rounds x_ok y_ok y0.
  exact: above64_rounded.
have [<- | //] := ddiv_infinite out; case: ifP => _; last exact: above64_ge.
by case: (rounded_refl (dval (ddiv x y))).
Qed.

End Doubles.

(** ** exp and ln

    What is asked of the library that computes them (core-math): the double nearest to the real
    result, ties to even; at the ends what IEEE 754 recommends. *)

Record correctly_rounded (core_exp core_log : double -> double) : Prop := CorrectlyRounded {
  exp_rounds : forall x, is_finite x = true -> rounds_to (exp (B2R x)) (core_exp x);
  exp_neg_infinity : dval (core_exp (B754_infinity true)) = Fin 0;
  exp_infinity : dval (core_exp (B754_infinity false)) = PosInf;
  log_rounds : forall x, is_finite x = true -> 0 < B2R x -> rounds_to (ln (B2R x)) (core_log x);
  log_infinity : dval (core_log (B754_infinity false)) = PosInf
}.

Section Elementary.

Variables core_exp core_log : double -> double.
Implicit Types (x : double) (a : R).

Definition exp_down64 x := dmax (next_down (core_exp x)) (if dle zero64 x then one64 else zero64).

Definition exp_up64 x :=
  let above := next_up (core_exp x) in if dle x zero64 then dmin above one64 else above.

Definition ln_down64 x :=
  if dle x zero64 then B754_infinity true
  else if deq x one64 then zero64
  else next_down (core_log x).

Definition ln_up64 x :=
  if dle x zero64 then B754_infinity true
  else if deq x one64 then zero64
  else next_up (core_log x).

Hypothesis core_ok : correctly_rounded core_exp core_log.

Lemma exp_le a b : a <= b -> exp a <= exp b.
Proof. by case=> [/exp_increasing/Rlt_le //|->]; apply: Rle_refl. Qed.

Lemma exp_down64_below x a :
  lower (dval x) a -> lower_or_nan (dval (exp_down64 x)) (exp a).
Proof.
move=> x_a; have a0 := exp_pos a; apply: lower_below; rewrite /exp_down64 dval_max; apply: lower_max.
  have [x_ok|x_eq|x_eq|x_eq] := dval_inv x; try by rewrite x_eq in x_a.
    rewrite (dval_finite x_ok) /= in x_a.
    apply: lower_le (next_down_le (exp_rounds core_ok x_ok)) _ => /=; exact: exp_le.
  rewrite x_eq; have [f_ok f_eq] := dval_Fin (exp_neg_infinity core_ok).
  by apply: lower_le (next_down_le (rounds_self f_ok)) _; rewrite f_eq /=; lra.
case: ifP => [/dleP x_ge|_]; last by rewrite dval_zero /=; lra.
rewrite dval_one /= -exp_0; apply: exp_le.
by move: x_ge x_a; rewrite dval_zero; case: (dval x) => //= c; lra.
Qed.

Lemma exp_up64_above x a :
  upper (dval x) a -> upper_or_nan (dval (exp_up64 x)) (exp a).
Proof.
move=> x_a; apply: upper_above; rewrite /exp_up64.
have up : upper (dval (next_up (core_exp x))) (exp a).
  have [x_ok|x_eq|x_eq|x_eq] := dval_inv x; try by rewrite x_eq in x_a.
    rewrite (dval_finite x_ok) /= in x_a.
    apply: upper_le (next_up_ge (exp_rounds core_ok x_ok)) _ => /=; exact: exp_le.
  rewrite x_eq; have := exp_infinity core_ok; case: (core_exp _) => [s|[]||s m e h] //.
case: ifP => [/dleP x_le|//]; rewrite dval_min; apply: upper_min => //.
rewrite dval_one /= -exp_0; apply: exp_le.
by move: x_le x_a; rewrite dval_zero; case: (dval x) => //= c; lra.
Qed.

Lemma ln_le_R a b : 0 < a -> a <= b -> ln a <= ln b.
Proof. by move=> a0 [/(ln_increasing _ _ a0)/Rlt_le //|->]; apply: Rle_refl. Qed.

Lemma ln_down64_below x a :
  0 < a -> lower (dval x) a -> lower_or_nan (dval (ln_down64 x)) (ln a).
Proof.
move=> a0 x_a; rewrite /ln_down64; case: ifP => [//|/negP not_le].
have x_pos : ~ ext_le (dval x) (Fin 0) by rewrite -dval_zero -dleP.
case: ifP => [/(deq_val dval_one) [x_ok x_1]|_].
  by rewrite dval_zero /= -ln_1; apply: ln_le_R; [lra|rewrite (dval_finite x_ok) x_1 in x_a].
have [x_ok|x_eq|x_eq|x_eq] := dval_inv x; try by rewrite x_eq in x_a x_pos.
rewrite (dval_finite x_ok) /= in x_a x_pos.
have x0 : 0 < B2R x by lra.
apply: lower_below; apply: lower_le (next_down_le (log_rounds core_ok x_ok x0)) _.
exact: ln_le_R.
Qed.

Lemma ln_up64_above x a :
  0 < a -> upper (dval x) a -> upper_or_nan (dval (ln_up64 x)) (ln a).
Proof.
move=> a0 x_a; rewrite /ln_up64; case: ifP => [/dleP|_].
  by rewrite dval_zero; move: x_a; case: (dval x) => //= c; lra.
case: ifP => [/(deq_val dval_one) [x_ok x_1]|_].
  by rewrite dval_zero /= -ln_1; apply: ln_le_R => //; rewrite (dval_finite x_ok) x_1 in x_a.
have [x_ok|x_eq|x_eq|x_eq] := dval_inv x; try by rewrite x_eq in x_a.
  rewrite (dval_finite x_ok) /= in x_a.
  have x0 : 0 < B2R x by lra.
  apply: upper_above; apply: upper_le (next_up_ge (log_rounds core_ok x_ok x0)) _.
  exact: ln_le_R.
by rewrite x_eq; have := log_infinity core_ok; case: (core_log _) => [s|[]||s m e h].
Qed.

Lemma dval_half : dval half64 = Fin (1 / 2).
Proof.
rewrite dval_finite; last by vm_compute.
rewrite -SF2R_B2SF.
have -> : B2SF half64 = SpecFloat.S754_finite false 4503599627370496 (-53) by vm_compute.
congr Fin; rewrite -[LHS]/(IZR 4503599627370496 * pow2 (-53)).
have -> : IZR 4503599627370496 = pow2 52 by [].
by rewrite -bpow_plus /=; lra.
Qed.

End Elementary.

(** ** The instance *)

Lemma two_sum64_law x y a b :
  dval x = Fin a -> dval y = Fin b ->
  (exists s e, [/\ dval (two_sum64 x y).1 = Fin s, dval (two_sum64 x y).2 = Fin e & s + e = a + b])
  \/ ((forall s, dval (two_sum64 x y).1 <> Fin s) /\ dval (two_sum64 x y).2 = NaN).
Proof. by move=> /dval_Fin [x_ok <-] /dval_Fin [y_ok <-]; apply: two_sum64_exact. Qed.

(** The operations run; only their laws need that exp and ln are correctly rounded. *)

Definition operations64 core_exp core_log : operations :=
  @Operations double dval zero64 half64 one64 (B754_infinity true) (B754_infinity false)
    dle dlt dopp dmin dmax dmean two_sum64 add_down64 add_up64 mul_down64 mul_up64
    div_down64 div_up64 (exp_down64 core_exp) (exp_up64 core_exp)
    (ln_down64 core_log) (ln_up64 core_log).

Definition binary64 core_exp core_log (core_ok : correctly_rounded core_exp core_log) : arithmetic :=
  @Arithmetic (operations64 core_exp core_log)
    dval_zero dval_half dval_one erefl erefl dleP dltP dval_opp dval_min dval_max
    two_sum64_law add_down64_below add_up64_above add_down64_ge0
    mul_down64_rounded mul_up64_rounded div_down64_rounded div_up64_rounded
    (exp_down64_below core_ok) (exp_up64_above core_ok)
    (ln_down64_below core_ok) (ln_up64_above core_ok).
