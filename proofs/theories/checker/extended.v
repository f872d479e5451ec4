(** * Extended numbers: what a double can stand for

    A double is a real number, an infinity or NaN. Signed zeros and the bits of a NaN do not
    matter here: they have no influence on what an end of an enclosure says. *)

From Bellman Require Export bigops.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Inductive extended := NaN | NegInf | Fin of R | PosInf.

(** The end says, of a number r on its named side: r is not below (not above) this.
    An infinite end says nothing, the wrong infinity and NaN say something false. *)

Definition lower (x : extended) (r : R) :=
  match x with NegInf => True | Fin a => a <= r | _ => False end.

Definition upper (x : extended) (r : R) :=
  match x with PosInf => True | Fin a => r <= a | _ => False end.

(** The same, or NaN: what a computed end says before NaN has been ruled out. *)

Definition lower_or_nan x r := if x is NaN then True else lower x r.
Definition upper_or_nan x r := if x is NaN then True else upper x r.

(** Comparisons of IEEE 754: false when an argument is NaN. *)

Definition ext_le (x y : extended) :=
  match x, y with
  | NaN, _ | _, NaN => False
  | NegInf, _ | _, PosInf => True
  | Fin a, Fin b => a <= b
  | _, _ => False
  end.

Definition ext_lt (x y : extended) :=
  match x, y with
  | NaN, _ | _, NaN => False
  | NegInf, Fin _ | NegInf, PosInf | Fin _, PosInf => True
  | Fin a, Fin b => a < b
  | _, _ => False
  end.

(** The smaller and the larger of two; NaN loses against a number. *)

Definition ext_min x y :=
  match x, y with
  | NaN, z | z, NaN => z
  | NegInf, _ | _, NegInf => NegInf
  | PosInf, z | z, PosInf => z
  | Fin a, Fin b => Fin (Rmin a b)
  end.

Definition ext_max x y :=
  match x, y with
  | NaN, z | z, NaN => z
  | PosInf, _ | _, PosInf => PosInf
  | NegInf, z | z, NegInf => z
  | Fin a, Fin b => Fin (Rmax a b)
  end.

Definition ext_opp x :=
  match x with NaN => NaN | NegInf => PosInf | Fin a => Fin (- a) | PosInf => NegInf end.

(** Products and quotients before rounding; 0 · ∞ and ∞ / ∞ are NaN. *)

Definition infinity_of_sign (a : R) :=
  if Rlt_dec 0 a then PosInf else if Rlt_dec a 0 then NegInf else NaN.

Definition ext_mul x y :=
  match x, y with
  | NaN, _ | _, NaN => NaN
  | Fin a, Fin b => Fin (a * b)
  | Fin a, PosInf | PosInf, Fin a => infinity_of_sign a
  | Fin a, NegInf | NegInf, Fin a => infinity_of_sign (- a)
  | PosInf, PosInf | NegInf, NegInf => PosInf
  | PosInf, NegInf | NegInf, PosInf => NegInf
  end.

(** The divisor is not 0. *)

Definition ext_div x y :=
  match x, y with
  | NaN, _ | _, NaN => NaN
  | Fin a, Fin b => Fin (a / b)
  | Fin _, _ => Fin 0
  | PosInf, Fin b => infinity_of_sign b
  | NegInf, Fin b => infinity_of_sign (- b)
  | _, _ => NaN
  end.

(** Rounded to the lower (the upper) side: NaN exactly where the exact result is. *)

Definition rounded_down x y := if y is NaN then x = NaN else ext_le x y.
Definition rounded_up x y := if y is NaN then x = NaN else ext_le y x.

(** Nothing is unfolded before both arguments are known. *)

Arguments ext_le !x !y /.
Arguments ext_lt !x !y /.
Arguments ext_mul !x !y /.
Arguments ext_div !x !y /.

Lemma ext_le_refl x : x <> NaN -> ext_le x x.
Proof. by case: x => //= a _; apply: Rle_refl. Qed.

Lemma ext_le_trans y x z : ext_le x y -> ext_le y z -> ext_le x z.
Proof. by case: x; case: y; case: z => //= c b a; lra. Qed.

Lemma lower_le x y r : ext_le x y -> lower y r -> lower x r.
Proof. by case: x; case: y => //= b a; lra. Qed.

Lemma upper_le x y r : ext_le x y -> upper x r -> upper y r.
Proof. by case: x; case: y => //= b a; lra. Qed.

Lemma lower_weaken x r r' : lower x r -> r <= r' -> lower x r'.
Proof. by case: x => //= a; lra. Qed.

Lemma upper_weaken x r r' : upper x r -> r' <= r -> upper x r'.
Proof. by case: x => //= a; lra. Qed.

Lemma lower_below x r : lower x r -> lower_or_nan x r.
Proof. by case: x. Qed.

Lemma upper_above x r : upper x r -> upper_or_nan x r.
Proof. by case: x. Qed.

Lemma below_lower x r : x <> NaN -> lower_or_nan x r -> lower x r.
Proof. by case: x. Qed.

Lemma above_upper x r : x <> NaN -> upper_or_nan x r -> upper x r.
Proof. by case: x. Qed.

Lemma lower_opp x r : upper x r -> lower (ext_opp x) (- r).
Proof. by case: x => //= a; lra. Qed.

Lemma upper_opp x r : lower x r -> upper (ext_opp x) (- r).
Proof. by case: x => //= a; lra. Qed.

Lemma below_opp x r : upper_or_nan x r -> lower_or_nan (ext_opp x) (- r).
Proof. by case: x => //= a; lra. Qed.

Lemma above_opp x r : lower_or_nan x r -> upper_or_nan (ext_opp x) (- r).
Proof. by case: x => //= a; lra. Qed.

Lemma lower_min_l x y r : lower x r -> lower (ext_min x y) r.
Proof. by case: x; case: y => //= b a; have := Rmin_l a b; lra. Qed.

Lemma lower_min_r x y r : lower y r -> lower (ext_min x y) r.
Proof. by case: x; case: y => //= b a; have := Rmin_r a b; lra. Qed.

Lemma upper_max_l x y r : upper x r -> upper (ext_max x y) r.
Proof. by case: x; case: y => //= b a; have := Rmax_l a b; lra. Qed.

Lemma upper_max_r x y r : upper y r -> upper (ext_max x y) r.
Proof. by case: x; case: y => //= b a; have := Rmax_r a b; lra. Qed.

(** The larger of two lower ends is a lower end of a number that both bound. *)

Lemma lower_max x y r : lower x r -> lower y r -> lower (ext_max x y) r.
Proof. by case: x; case: y => //= b a; apply: Rmax_lub. Qed.

Lemma upper_min x y r : upper x r -> upper y r -> upper (ext_min x y) r.
Proof. by case: x; case: y => //= b a; apply: Rmin_glb. Qed.

Lemma rounded_down_lower x y r : rounded_down x y -> lower y r -> lower x r.
Proof. by case: x; case: y => //= b a; lra. Qed.

Lemma rounded_up_upper x y r : rounded_up x y -> upper y r -> upper x r.
Proof. by case: x; case: y => //= b a; lra. Qed.

Lemma rounded_down_below x y r : rounded_down x y -> lower_or_nan y r -> lower_or_nan x r.
Proof. by case: x; case: y => //= b a; lra. Qed.

Lemma rounded_up_above x y r : rounded_up x y -> upper_or_nan y r -> upper_or_nan x r.
Proof. by case: x; case: y => //= b a; lra. Qed.

(** A product of intervals lies between products of their ends (Moore). Which of the four
    bounds it from below follows from signs, which serves infinite ends as well. *)

Lemma infinity_of_neg a : a < 0 -> infinity_of_sign a = NegInf.
Proof. by move=> a0; rewrite /infinity_of_sign; do 2?[case: Rlt_dec => // ?]; lra. Qed.

Lemma infinity_of_pos a : 0 < a -> infinity_of_sign a = PosInf.
Proof. by rewrite /infinity_of_sign; case: Rlt_dec. Qed.

Lemma infinity_of_zero a : a = 0 -> infinity_of_sign a = NaN.
Proof. by move=> a0; rewrite /infinity_of_sign; do 2?[case: Rlt_dec => ?; first by lra]. Qed.

Lemma infinity_of_sign_opp a : infinity_of_sign (- a) = ext_opp (infinity_of_sign a).
Proof.
case: (Rtotal_order a 0) => [a0|[a0|a0]].
- by rewrite infinity_of_pos ?infinity_of_neg //; lra.
- by rewrite !infinity_of_zero //; lra.
- by rewrite infinity_of_neg ?infinity_of_pos //; lra.
Qed.

Lemma infinity_of_nonpos a r : a <= 0 -> infinity_of_sign a <> NaN -> lower (infinity_of_sign a) r.
Proof.
move=> a_le0 number; have [a_lt0|a0] := Rle_lt_or_eq_dec _ _ a_le0; first by rewrite infinity_of_neg.
by case: number; apply: infinity_of_zero.
Qed.

Lemma mul_lower a b c d x y :
    lower a x -> upper b x -> lower c y -> upper d y ->
    ext_mul a c <> NaN -> ext_mul a d <> NaN -> ext_mul b c <> NaN -> ext_mul b d <> NaN ->
  lower (ext_mul a c) (x * y) \/ lower (ext_mul a d) (x * y) \/
  lower (ext_mul b c) (x * y) \/ lower (ext_mul b d) (x * y).
Proof.
move=> ax bx cy dy ac ad bc bd; case: (Rle_lt_dec 0 y) => y0.
- case: a ax ac ad => //= [_ _ ad|a ax ac ad].
    by right; left; case: d dy ad {bd} => //= d dy ad; apply: infinity_of_nonpos => //; lra.
  case: (Rle_lt_dec 0 a) => a0.
    by left; case: c cy ac {bc} => //= [_ ac|c cy _]; [apply: infinity_of_nonpos => //; lra | nra].
  by right; left; case: d dy ad {bd} => //= [d dy _|_ ad]; [nra | apply: infinity_of_nonpos => //; lra].
- case: b bx bc bd => //= [b bx bc bd|_ bc _].
    case: (Rle_lt_dec 0 b) => b0.
      by right; right; left; case: c cy bc {ac} => //= [_ bc|c cy _];
        [apply: infinity_of_nonpos => //; lra | nra].
    by right; right; right; case: d dy bd {ad} => //= [d dy _|_ bd];
      [nra | apply: infinity_of_nonpos => //; lra].
  by right; right; left; case: c cy bc {ac} => //= c cy bc; apply: infinity_of_nonpos => //; lra.
Qed.

(** The divisor lies on one side of 0. *)

Lemma div_lower a b c d x y :
    lower a x -> upper b x -> lower c y -> upper d y ->
    ext_lt (Fin 0) c \/ ext_lt d (Fin 0) ->
  lower (ext_div a c) (x / y) \/ lower (ext_div a d) (x / y) \/
  lower (ext_div b c) (x / y) \/ lower (ext_div b d) (x / y).
Proof.
have div_le (u v w z : R) : 0 < v * z -> u * z <= w * v -> u / v <= w / z.
  move=> vz le_uw; have v0 : v <> 0 by nra.
  have z0 : z <> 0 by nra.
  apply: (Rmult_le_reg_r (v * z)) => //.
  have -> : u / v * (v * z) = u * z by field.
  by have -> : w / z * (v * z) = w * v by field.
have quotient_ge0 (u v : R) : 0 < v -> 0 <= u -> 0 <= u / v.
  by move=> v0 u0; apply: Rmult_le_pos => //; apply: Rlt_le; apply: Rinv_0_lt_compat.
move=> ax bx cy dy [c0|d0].
- case: c cy c0 => //= c cy c0; have y0 : 0 < y by lra.
  have c_inf : infinity_of_sign (- c) = NegInf by apply: infinity_of_neg; lra.
  case: a ax => //= [_|a ax]; first by rewrite c_inf; left.
  case: (Rle_lt_dec 0 a) => a0; last by left; apply: div_le; nra.
  right; left; case: d dy => //= [d dy|_]; last by apply: quotient_ge0; lra.
  by apply: div_le; nra.
- case: d dy d0 => //= d dy d0; have y0 : y < 0 by lra.
  have d_inf : infinity_of_sign d = NegInf by apply: infinity_of_neg.
  case: b bx => //= [b bx|_]; last by rewrite d_inf; right; right; right.
  case: (Rle_lt_dec 0 b) => b0; first by right; right; right; apply: div_le; nra.
  right; right; left; case: c cy => //= [_|c cy].
    have -> : x / y = (- x) / (- y) by field; lra.
    by apply: quotient_ge0; lra.
  by apply: div_le; nra.
Qed.

(** From above by turning the dividend, or the first factor, around. *)

Lemma ext_opp_involutive x : ext_opp (ext_opp x) = x.
Proof. by case: x => //= a; rewrite Ropp_involutive. Qed.

Lemma ext_mul_opp x y : ext_mul (ext_opp x) y = ext_opp (ext_mul x y).
Proof.
case: x => [||a|]; case: y => [||b|] //=; rewrite ?infinity_of_sign_opp ?ext_opp_involutive //.
by congr Fin; ring.
Qed.

Lemma ext_div_opp x y : ext_div (ext_opp x) y = ext_opp (ext_div x y).
Proof.
case: x => [||a|]; case: y => [||b|] //=;
  rewrite ?infinity_of_sign_opp ?ext_opp_involutive ?Ropp_0 //.
by congr Fin; rewrite /Rdiv; ring.
Qed.

Lemma ext_opp_number x : ext_opp x <> NaN <-> x <> NaN.
Proof. by case: x. Qed.

Lemma ext_opp_lower x r : lower (ext_opp x) (- r) -> upper x r.
Proof. by case: x => //= a; lra. Qed.

Lemma mul_upper a b c d x y :
    lower a x -> upper b x -> lower c y -> upper d y ->
    ext_mul a c <> NaN -> ext_mul a d <> NaN -> ext_mul b c <> NaN -> ext_mul b d <> NaN ->
  upper (ext_mul a c) (x * y) \/ upper (ext_mul a d) (x * y) \/
  upper (ext_mul b c) (x * y) \/ upper (ext_mul b d) (x * y).
Proof.
move=> ax bx cy dy ac ad bc bd.
have := @mul_lower (ext_opp b) (ext_opp a) c d (- x) y (lower_opp bx) (upper_opp ax) cy dy.
rewrite !ext_mul_opp !ext_opp_number => /(_ bc bd ac ad).
have -> : - x * y = - (x * y) by ring.
by case=> [|[|[]]] /ext_opp_lower; tauto.
Qed.

Lemma div_upper a b c d x y :
    lower a x -> upper b x -> lower c y -> upper d y ->
    ext_lt (Fin 0) c \/ ext_lt d (Fin 0) ->
  upper (ext_div a c) (x / y) \/ upper (ext_div a d) (x / y) \/
  upper (ext_div b c) (x / y) \/ upper (ext_div b d) (x / y).
Proof.
move=> ax bx cy dy side.
have := @div_lower (ext_opp b) (ext_opp a) c d (- x) y (lower_opp bx) (upper_opp ax) cy dy side.
rewrite !ext_div_opp; have -> : - x / y = - (x / y) by rewrite /Rdiv; ring.
by case=> [|[|[]]] /ext_opp_lower; tauto.
Qed.
