(** * Directed arithmetic: what the checker asks of its numbers

    One field for each operation of rounding/src/directed.rs and of Rust's [f64] that the
    checker uses, and one law for each: on which side of the real result it is. The laws are
    stated on what a number stands for ([extended]); binary64.v shows that doubles obey them. *)

From Bellman Require Export checker.extended.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** The operations, which is all that the checker runs on, *)

Record operations := Operations {
  number :> Type;
  val : number -> extended;

  zero : number; half : number; one : number;
  neg_infinity : number; infinity : number;
  le : number -> number -> bool;
  lt : number -> number -> bool;
  neg : number -> number;
  min : number -> number -> number;
  max : number -> number -> number;

  (** ½x + ½y, rounded in any way: where an enclosure is cut is never a matter of truth. *)
  mean : number -> number -> number;

  two_sum : number -> number -> number * number;
  add_down : number -> number -> number;
  add_up : number -> number -> number;
  mul_down : number -> number -> number;
  mul_up : number -> number -> number;
  div_down : number -> number -> number;
  div_up : number -> number -> number;
  exp_down : number -> number;
  exp_up : number -> number;
  ln_down : number -> number;
  ln_up : number -> number
}.

(** and their laws, which is what its truth rests on. *)

Record arithmetic := Arithmetic {
  ops :> operations;

  val_zero : val (zero ops) = Fin 0;
  val_half : val (half ops) = Fin (1 / 2);
  val_one : val (one ops) = Fin 1;
  val_neg_infinity : val (neg_infinity ops) = NegInf;
  val_infinity : val (infinity ops) = PosInf;
  leP : forall x y : ops, le x y <-> ext_le (val x) (val y);
  ltP : forall x y : ops, lt x y <-> ext_lt (val x) (val y);
  val_neg : forall x : ops, val (neg x) = ext_opp (val x);
  val_min : forall x y : ops, val (min x y) = ext_min (val x) (val y);
  val_max : forall x y : ops, val (max x y) = ext_max (val x) (val y);

  (** x + y = s + e exactly, unless the sum overflows: then the error is NaN. *)
  two_sum_exact : forall (x y : ops) a b, val x = Fin a -> val y = Fin b ->
    (exists s e, [/\ val (two_sum x y).1 = Fin s, val (two_sum x y).2 = Fin e & s + e = a + b])
    \/ ((forall s, val (two_sum x y).1 <> Fin s) /\ val (two_sum x y).2 = NaN);

  add_down_below : forall (x y : ops) a b,
    lower_or_nan (val x) a -> lower_or_nan (val y) b -> lower_or_nan (val (add_down x y)) (a + b);
  add_up_above : forall (x y : ops) a b,
    upper_or_nan (val x) a -> upper_or_nan (val y) b -> upper_or_nan (val (add_up x y)) (a + b);

  (** A sum that is not negative has a lower end that is not. *)
  add_down_ge0 : forall (x y : ops) a b,
    val x = Fin a -> val y = Fin b -> 0 <= a + b -> ext_le (Fin 0) (val (add_down x y));

  mul_down_rounded : forall x y : ops, rounded_down (val (mul_down x y)) (ext_mul (val x) (val y));
  mul_up_rounded : forall x y : ops, rounded_up (val (mul_up x y)) (ext_mul (val x) (val y));
  div_down_rounded : forall x y : ops, val y <> Fin 0 ->
    rounded_down (val (div_down x y)) (ext_div (val x) (val y));
  div_up_rounded : forall x y : ops, val y <> Fin 0 ->
    rounded_up (val (div_up x y)) (ext_div (val x) (val y));

  exp_down_below : forall (x : ops) a, lower (val x) a -> lower_or_nan (val (exp_down x)) (exp a);
  exp_up_above : forall (x : ops) a, upper (val x) a -> upper_or_nan (val (exp_up x)) (exp a);
  ln_down_below : forall (x : ops) a, 0 < a -> lower (val x) a -> lower_or_nan (val (ln_down x)) (ln a);
  ln_up_above : forall (x : ops) a, 0 < a -> upper (val x) a -> upper_or_nan (val (ln_up x)) (ln a)
}.

Section Derived.

Variable D : operations.
Implicit Types (x y : D).

(** What Rust has beside these: x − y is x + (−y), and the tests on one number. *)

Definition sub_down x y := add_down x (neg y).
Definition sub_up x y := add_up x (neg y).
Definition equal x y := le x y && le y x.
Definition is_nan x := ~~ le x x.
Definition is_finite x := lt (neg_infinity D) x && lt x (infinity D).

(** The real number that a finite one stands for. *)

Definition real x := if val x is Fin a then a else 0.

End Derived.

Section Laws.

Variable D : arithmetic.
Implicit Types (x y z : D) (a b : R).

Lemma is_nanP x : ~~ is_nan x -> val x <> NaN.
Proof. by rewrite /is_nan negbK => /leP; case: (val x). Qed.

Lemma is_finiteP x : is_finite x -> exists a, val x = Fin a.
Proof.
rewrite /is_finite => /andP[/ltP + /ltP]; rewrite val_neg_infinity val_infinity.
by case: (val x) => // a _ _; exists a.
Qed.

Lemma realP x : is_finite x -> val x = Fin (real x).
Proof. by rewrite /real => /is_finiteP [a ->]. Qed.

Lemma val_real x a : val x = Fin a -> real x = a.
Proof. by rewrite /real => ->. Qed.

Lemma real_zero : real (zero D) = 0.
Proof. exact: val_real (val_zero D). Qed.

Lemma finite_is_finite x a : val x = Fin a -> is_finite x.
Proof.
move=> xa; rewrite /is_finite; apply/andP; split; apply/ltP;
  by rewrite xa ?val_neg_infinity ?val_infinity.
Qed.

Lemma equalP x y a : val y = Fin a -> equal x y -> val x = Fin a.
Proof.
move=> ya /andP[/leP + /leP]; rewrite ya; case: (val x) => //= b ba ab.
by congr Fin; apply: Rle_antisym.
Qed.

Lemma sub_down_below x y a b :
  lower_or_nan (val x) a -> upper_or_nan (val y) b -> lower_or_nan (val (sub_down x y)) (a - b).
Proof. by move=> xa yb; apply: add_down_below => //; rewrite val_neg; apply: below_opp. Qed.

Lemma sub_up_above x y a b :
  upper_or_nan (val x) a -> lower_or_nan (val y) b -> upper_or_nan (val (sub_up x y)) (a - b).
Proof. by move=> xa yb; apply: add_up_above => //; rewrite val_neg; apply: above_opp. Qed.

(** A number whose reading is real bounds that real from both sides. *)

Lemma lower_val x a : val x = Fin a -> lower (val x) a.
Proof. by move->; apply: Rle_refl. Qed.

Lemma upper_val x a : val x = Fin a -> upper (val x) a.
Proof. by move->; apply: Rle_refl. Qed.

(** A factor that is a number of its own, not negative, keeps the sides. *)

Lemma scale_below x y w b :
  val x = Fin w -> 0 <= w -> lower_or_nan (val y) b -> lower_or_nan (val (mul_down x y)) (w * b).
Proof.
move=> xw w0 yb; have := mul_down_rounded x y; rewrite xw.
case: (val y) yb => //= [_ -> //|_|c cb].
  rewrite infinity_of_sign_opp; case: (Rle_lt_or_eq_dec _ _ w0) => [w_gt0|<-].
    by rewrite infinity_of_pos // => /rounded_down_lower; move/(_ (w * b) I)/lower_below.
  by rewrite infinity_of_zero //= => ->.
by move=> le_wc; apply: lower_below; apply: lower_le le_wc _ => /=; apply: Rmult_le_compat_l.
Qed.

Lemma scale_above x y w b :
  val x = Fin w -> 0 <= w -> upper_or_nan (val y) b -> upper_or_nan (val (mul_up x y)) (w * b).
Proof.
move=> xw w0 yb; have := mul_up_rounded x y; rewrite xw.
case: (val y) yb => //= [_ -> //|c cb|_].
  by move=> le_wc; apply: upper_above; apply: upper_le le_wc _ => /=; apply: Rmult_le_compat_l.
case: (Rle_lt_or_eq_dec _ _ w0) => [w_gt0|<-].
  by rewrite infinity_of_pos // => /rounded_up_upper; move/(_ (w * b) I)/upper_above.
by rewrite infinity_of_zero //= => ->.
Qed.

(** A product of two upper ends of numbers that are not negative. *)

Lemma mul_up_above x y a b :
  0 <= a -> 0 <= b -> upper_or_nan (val x) a -> upper_or_nan (val y) b -> upper_or_nan (val (mul_up x y)) (a * b).
Proof.
move=> a0 b0 xa yb; have := mul_up_rounded x y.
case: (val x) xa => //= [_ -> //|c ac|_].
- case: (val y) yb => //= [_ -> //|d bd|_].
    by move=> le_cd; apply: upper_above; apply: upper_le le_cd _ => /=; nra.
  case: (Rle_lt_or_eq_dec 0 c) => [|c0|c0]; first by lra.
    by rewrite infinity_of_pos // => /rounded_up_upper; move/(_ (a * b) I)/upper_above.
  by rewrite infinity_of_zero //= => ->.
- case: (val y) yb => //= [_ -> //|d bd|_].
    case: (Rle_lt_or_eq_dec 0 d) => [|d0|d0]; first by lra.
      by rewrite infinity_of_pos // => /rounded_up_upper; move/(_ (a * b) I)/upper_above.
    by rewrite infinity_of_zero //= => ->.
  by move=> le; apply: upper_above; apply: upper_le le I.
Qed.

End Laws.
