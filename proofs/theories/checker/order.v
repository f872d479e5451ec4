(** * The order of actions: which comes before which

    certificate/src/sets.rs, [most_likely]: whether every kept action comes before every dropped
    one in the order of falling Q*, ties by the lower slot. *)

From Bellman Require Export checker.bound.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Inductive decision := Proved | Refuted | Undecided.

Section Operations.

Variable D : operations.
Notation enclosure := (enclosure D).

(** An action of a state: its slot, and an enclosure of its Q*. *)

Definition action := (nat * enclosure)%type.

(** Where it stands: at an end of the enclosure, with its slot. *)

Definition place := (D * nat)%type.

(** Whether a comes first in the order of falling Q*, ties by the lower slot. *)

Definition before (a b : place) := lt b.1 a.1 || equal a.1 b.1 && (a.2 < b.2)%N.

Definition reduce (choose : place -> place -> place) (places : seq place) :=
  if places is a :: rest then Some (foldl choose a rest) else None.

Definition at_end (choose : place -> place -> place) (e : enclosure -> D) (actions : seq action) :=
  reduce choose [seq (e a.2, a.1) | a <- actions].

Definition in_order (a b : option place) :=
  if a is Some a then if b is Some b then Some (before a b) else None else None.

(** Whether every kept action comes before every dropped one. *)

Definition most_likely (kept dropped : seq action) :=
  let last e := at_end (fun a b => if before a b then b else a) e kept in
  let first e := at_end (fun a b => if before a b then a else b) e dropped in
  if in_order (last (@lo D)) (first (@hi D)) != Some false then Proved
  else if in_order (first (@lo D)) (last (@hi D)) == Some true then Refuted
  else Undecided.

End Operations.

Section Order.

Variable D : arithmetic.
Notation enclosure := (enclosure D).
Implicit Types (es : seq enclosure).

Lemma ext_lt_nge x y : x <> NaN -> y <> NaN -> (ext_lt x y <-> ~ ext_le y x).
Proof. by case: x => [||a|]; case: y => [||b|] //= _ _; split=> //; lra. Qed.

Lemma ext_le_trans x y z : ext_le x y -> ext_le y z -> ext_le x z.
Proof. by case: x => [||a|]; case: y => [||b|] //; case: z => [||c|] //=; lra. Qed.

Lemma ext_le_total x y : x <> NaN -> y <> NaN -> ext_le x y \/ ext_le y x.
Proof. by case: x => [||a|]; case: y => [||b|] //= _ _; auto; lra. Qed.

(** Where no end is NaN, places are in a total order. *)

Definition number (x : place D) := val x.1 <> NaN.
Implicit Types (x y z : place D) (places : seq (place D)).

Lemma not_beforeP x y :
  number x -> number y ->
  (~~ before x y <-> ext_le (val x.1) (val y.1) /\ (ext_le (val y.1) (val x.1) -> (y.2 <= x.2)%N)).
Proof.
move=> x_num y_num; have lt_le := ext_lt_nge y_num x_num; split.
  rewrite /before /equal negb_or !negb_and -leqNgt => /andP[/negP nlt nties].
  have le_xy : ext_le (val x.1) (val y.1).
    case le_xy: (le x.1 y.1); first exact/leP.
    by case: nlt; apply/ltP/lt_le => /leP; rewrite le_xy.
  split=> // le_yx; case/orP: nties => [/orP[]|//] /negP[]; exact/leP.
case=> le_xy ties; apply/negP; rewrite /before /equal.
case/orP=> [/ltP/lt_le //|/andP[/andP[_ /leP/ties]]]; rewrite leqNgt => /negbTE ->.
by [].
Qed.

Lemma before_asym x y : number x -> number y -> before x y -> ~~ before y x.
Proof.
move=> x_num y_num before_xy; apply/(not_beforeP y_num x_num).
move: before_xy; rewrite /before /equal.
case/orP=> [/ltP lt_yx|/andP[/andP[_ le_yx] ij]].
  have nle_xy := proj1 (ext_lt_nge y_num x_num) lt_yx.
  by split=> //; have [] := ext_le_total x_num y_num.
by split=> [|_]; [exact/leP|exact: ltnW].
Qed.

Lemma not_before_trans x y z :
  number x -> number y -> number z -> ~~ before x y -> ~~ before y z -> ~~ before x z.
Proof.
move=> x_num y_num z_num /(not_beforeP x_num y_num)[xy ij] /(not_beforeP y_num z_num)[yz jk].
apply/(not_beforeP x_num z_num); split=> [|zx]; first exact: ext_le_trans xy yz.
by apply: leq_trans (jk (ext_le_trans zx xy)) (ij (ext_le_trans yz zx)).
Qed.

Lemma before_trans_l x y z :
  number x -> number y -> number z -> ~~ before y x -> before y z -> before x z.
Proof.
move=> x_num y_num z_num n_yx yz; apply: contraT => n_xz.
by have := not_before_trans y_num x_num z_num n_yx n_xz; rewrite yz.
Qed.

Lemma before_trans_r x y z :
  number x -> number y -> number z -> before x y -> ~~ before z y -> before x z.
Proof.
move=> x_num y_num z_num xy n_zy; apply: contraT => n_xz.
by have := not_before_trans x_num z_num y_num n_xz n_zy; rewrite xy.
Qed.

(** The last of several places, and the first. *)

Fixpoint all_places (P : place D -> Prop) places := if places is x :: rest then P x /\ all_places P rest else True.

Lemma last_place x places :
  number x -> all_places number places ->
  let last := foldl (fun x y => if before x y then y else x) x places in
  [/\ number last, ~~ before last x & all_places (fun y => ~~ before last y) places].
Proof.
elim: places x => [|y places IH] x x_num /= => [_|[y_num nums]].
  by split=> //; apply/negP => xx; have := before_asym x_num x_num xx; rewrite xx.
case: ifP => [xy|/negbT n_xy].
  have [l_num l_y all_l] := IH y y_num nums; split=> //.
  exact: not_before_trans l_y (before_asym x_num y_num xy).
have [l_num l_x all_l] := IH x x_num nums; split=> //.
by split=> //; apply: not_before_trans l_x n_xy.
Qed.

Lemma first_place x places :
  number x -> all_places number places ->
  let first := foldl (fun x y => if before x y then x else y) x places in
  [/\ number first, ~~ before x first & all_places (fun y => ~~ before y first) places].
Proof.
elim: places x => [|y places IH] x x_num /= => [_|[y_num nums]].
  by split=> //; apply/negP => xx; have := before_asym x_num x_num xx; rewrite xx.
case: ifP => [xy|/negbT n_xy].
  have [f_num x_f all_f] := IH x x_num nums; split=> //.
  split=> //; exact: not_before_trans (before_asym x_num y_num xy) x_f.
have [f_num y_f all_f] := IH y y_num nums; split=> //.
exact: not_before_trans n_xy y_f.
Qed.

(** Kept numbers come before dropped ones: they are larger, or equal and in a lower slot. *)

Definition falling (ks js : seq nat) (rs ds : seq R) :=
  forall i j, (i < size rs)%N -> (j < size ds)%N ->
    nth 0 ds j < nth 0 rs i \/ nth 0 ds j = nth 0 rs i /\ (nth 0%N ks i < nth 0%N js j)%N.

Lemma all_places_nth P places x i : all_places P places -> (i < size places)%N -> P (nth x places i).
Proof. by elim: places i => // y places IH [|i] //= [Py /IH]; auto. Qed.

Lemma inside_nth es rs i :
  inside es rs -> (i < size rs)%N -> contains (nth (entire D) es i) (nth 0 rs i).
Proof. by elim: es rs i => [|e es IH] [|r rs] [|i] //= [e_r /IH]; auto. Qed.

Lemma numbers_lo actions rs :
  inside [seq a.2 | a <- actions] rs -> all_places number [seq (lo a.2, a.1) | a <- actions].
Proof.
elim: actions rs => [|a actions IH] [|r rs] //= [[lo_r _] /IH nums]; split=> //.
by rewrite /number /=; move: lo_r; case: (val _).
Qed.

Lemma numbers_hi actions rs :
  inside [seq a.2 | a <- actions] rs -> all_places number [seq (hi a.2, a.1) | a <- actions].
Proof.
elim: actions rs => [|a actions IH] [|r rs] //= [[_ hi_r] /IH nums]; split=> //.
by rewrite /number /=; move: hi_r; case: (val _).
Qed.

Lemma before_numbers (k d : action D) r q :
  contains k.2 r -> contains d.2 q -> before (lo k.2, k.1) (hi d.2, d.1) ->
  q < r \/ q = r /\ (k.1 < d.1)%N.
Proof.
move=> [lo_r _] [_ hi_q]; rewrite /before /equal /=.
case/orP=> [/ltP lt_ends|/andP[/andP[_ /leP le_ends] slots]].
  by left; move: lt_ends lo_r hi_q; do 2!case: (val _) => [||?|] //=; lra.
have le_qr : q <= r by move: le_ends lo_r hi_q; do 2!case: (val _) => [||?|] //=; lra.
by have [lt_qr|] := Rle_lt_or_eq_dec _ _ le_qr; auto.
Qed.

Lemma most_likely_sound (kept dropped : seq (action D)) rs ds :
  inside [seq a.2 | a <- kept] rs -> inside [seq a.2 | a <- dropped] ds ->
  most_likely kept dropped = Proved ->
  falling [seq a.1 | a <- kept] [seq a.1 | a <- dropped] rs ds.
Proof.
move=> in_kept in_dropped; rewrite /most_likely; cbv zeta.
have [k_size d_size] : size rs = size kept /\ size ds = size dropped.
  by rewrite -(inside_size in_kept) -(inside_size in_dropped) !size_map.
case: ifP => [in_order_lo _|_]; last by case: ifP.
move=> i j lt_i lt_j; rewrite k_size in lt_i; rewrite d_size in lt_j.
have := @numbers_lo kept rs in_kept; have := @numbers_hi dropped ds in_dropped.
pose a0 : action D := (0%N, entire D).
have k_in : contains (nth a0 kept i).2 (nth 0 rs i).
  by have := inside_nth (i := i) in_kept; rewrite k_size (nth_map a0) //; apply.
have d_in : contains (nth a0 dropped j).2 (nth 0 ds j).
  by have := inside_nth (i := j) in_dropped; rewrite d_size (nth_map a0) //; apply.
move=> d_nums k_nums; rewrite !(nth_map a0) //; apply: (before_numbers k_in d_in).
move: d_nums k_nums {k_in d_in}.
have k_at : nth (lo (entire D), 0%N) [seq (lo a.2, a.1) | a <- kept] i =
    (lo (nth a0 kept i).2, (nth a0 kept i).1) by rewrite (nth_map a0).
have d_at : nth (hi (entire D), 0%N) [seq (hi a.2, a.1) | a <- dropped] j =
    (hi (nth a0 dropped j).2, (nth a0 dropped j).1) by rewrite (nth_map a0).
move: in_order_lo; rewrite /at_end.
case: kept lt_i k_at {in_kept k_size} => // k kept lt_i k_at.
case: dropped lt_j d_at {in_dropped d_size} => // d dropped lt_j d_at; rewrite /reduce !map_cons.
set L := foldl _ _ _; set F := foldl _ _ _ => in_order_lo [d_num d_nums] [k_num k_nums].
have [L_num L_k L_all] := last_place k_num k_nums; have [F_num F_d F_all] := first_place d_num d_nums.
rewrite -/L in L_num L_k L_all; rewrite -/F in F_num F_d F_all.
have LF : before L F by move: in_order_lo; rewrite /in_order; case: before.
have all_L : all_places (fun y => number y /\ ~~ before L y) [seq (lo a.2, a.1) | a <- k :: kept].
  split=> //; elim: (map _ kept) k_nums L_all => //= x l IH [x_num /IH nums] [Lx /nums]; auto.
have all_F : all_places (fun y => number y /\ ~~ before y F) [seq (hi a.2, a.1) | a <- d :: dropped].
  split=> //; elim: (map _ dropped) d_nums F_all => //= x l IH [x_num /IH nums] [xF /nums]; auto.
have := all_places_nth (lo (entire D), 0%N) all_L (i := i); rewrite size_map => /(_ lt_i) [ki_num L_ki].
have := all_places_nth (hi (entire D), 0%N) all_F (i := j); rewrite size_map => /(_ lt_j) [dj_num dj_F].
rewrite k_at in ki_num L_ki; rewrite d_at in dj_num dj_F.
exact: before_trans_r ki_num F_num dj_num (before_trans_l ki_num L_num F_num L_ki LF) dj_F.
Qed.

End Order.
