(** * TwoSum on doubles

    Knuth's six operations give the rounding error of a sum exactly when the exponent range has
    no upper end (Flocq's [TwoSum_correct]). Doubles have one. Where the sum itself is in range,
    only the second operation, s − a, can leave it (Boldo, Graillat, Muller 2017); then a is the
    smaller summand, and three operations do (Dekker). *)

From Coq Require Import Reals Lra ZArith Lia.
From Flocq Require Import Core Sterbenz Pff2Flocq.

Open Scope R_scope.

Notation fexp64 := (FLT_exp (-1074) 53).
Notation is_double := (generic_format radix2 fexp64).
Notation RN := (round radix2 fexp64 ZnearestE).
Notation pow2 := (bpow radix2).

(** The largest double. *)

Definition largest := pow2 1024 - pow2 971.

#[global] Instance prec53 : Prec_gt_0 53.
Proof. reflexivity. Qed.

Lemma nearest_even_symmetric z : negb (Z.even z) = negb (negb (Z.even (- (z + 1)))).
Proof. rewrite Z.even_opp, Z.even_add; destruct (Z.even z); reflexivity. Qed.

Lemma RN_opp x : RN (- x) = - RN x.
Proof. apply round_NE_opp. Qed.

(** The sizes that the argument is about, in units of 2^969. *)

Definition unit := pow2 969.

Lemma unit_gt0 : 0 < unit. Proof. apply bpow_gt_0. Qed.
Lemma pow2_970 : pow2 970 = 2 * unit.
Proof. unfold unit; change 970%Z with (1 + 969)%Z; rewrite bpow_plus; simpl; lra. Qed.
Lemma pow2_971 : pow2 971 = 4 * unit.
Proof. unfold unit; change 971%Z with (2 + 969)%Z; rewrite bpow_plus; simpl; lra. Qed.
Lemma pow2_1024 : pow2 1024 = 2 * pow2 1023.
Proof. change 1024%Z with (1 + 1023)%Z; rewrite bpow_plus; simpl; lra. Qed.
Lemma pow2_1023 : 1024 * unit <= pow2 1023.
Proof.
unfold unit; change 1024 with (pow2 10); rewrite <- bpow_plus; apply bpow_le; lia.
Qed.
Lemma largest_eq : largest = pow2 1024 - 4 * unit.
Proof. unfold largest; rewrite pow2_971; reflexivity. Qed.

(** Rounding what is below 2^e moves it by at most 2^(e−54). *)

Lemma error_le e x :
  (-1021 <= e)%Z -> Rabs x < pow2 e -> Rabs (RN x - x) <= / 2 * pow2 (e - 53).
Proof.
intros e_ge x_lt.
apply Rle_trans with (1 := error_le_half_ulp radix2 fexp64 _ x).
apply Rmult_le_compat_l; [lra|].
destruct (Req_dec x 0) as [->|x0].
- rewrite ulp_FLT_0 by reflexivity; apply bpow_le; lia.
- rewrite ulp_neq_0 by exact x0; apply bpow_le; unfold cexp, FLT_exp.
  assert (mag radix2 x <= e)%Z by now apply mag_le_bpow.
  lia.
Qed.

Lemma error_in_range x : Rabs x < pow2 1024 -> Rabs (RN x - x) <= 2 * unit.
Proof.
intros x_lt; apply Rle_trans with (1 := error_le 1024 x ltac:(lia) x_lt).
change (1024 - 53)%Z with 971%Z; rewrite pow2_971; lra.
Qed.

Lemma error_half_range x : Rabs x < pow2 1023 -> Rabs (RN x - x) <= unit.
Proof.
intros x_lt; apply Rle_trans with (1 := error_le 1023 x ltac:(lia) x_lt).
change (1023 - 53)%Z with 970%Z; rewrite pow2_970; lra.
Qed.

(** What exceeds the largest double by a quarter of a unit still rounds to a double. *)

Lemma in_range x : Rabs x <= largest + unit -> Rabs (RN x) < pow2 1024.
Proof.
rewrite largest_eq; intros x_le; pose proof unit_gt0.
assert (Rabs (RN x - x) <= 2 * unit) by (apply error_in_range; lra).
replace (RN x) with (x + (RN x - x)) by ring.
apply Rle_lt_trans with (1 := Rabs_triang _ _); lra.
Qed.

(** A sum in range is rounded by at most two units. *)

Lemma sum_error x : Rabs (RN x) < pow2 1024 -> Rabs (RN x - x) <= 2 * unit.
Proof.
intros s_lt; destruct (Rlt_or_le (Rabs x) (pow2 1024)) as [x_lt|x_ge].
- now apply error_in_range.
- exfalso; apply Rlt_not_le with (1 := s_lt).
  apply abs_round_ge_generic; auto with typeclass_instances.
  apply generic_format_FLT_bpow; [exact prec53 | lia].
Qed.

Section Sum.

Variables a b : R.
Hypotheses (a_double : is_double a) (b_double : is_double b).
Hypotheses (a_range : Rabs a <= largest) (b_range : Rabs b <= largest).

Let s := RN (a + b).
Hypothesis s_range : Rabs s < pow2 1024.

Let bv := RN (s - a).
Let av := RN (s - bv).
Let da := RN (a - av).
Let db := RN (b - bv).

Theorem two_sum_exact_error : s + RN (da + db) = a + b.
Proof.
apply (TwoSum_correct (-1074) 53 (fun z => negb (Z.even z))); try assumption; try lia.
intros z; rewrite <- nearest_even_symmetric; reflexivity.
Qed.

(** Summands of opposite sign and similar size add without rounding (Sterbenz). *)

Lemma similar_exact : Rabs b / 2 <= Rabs a <= 2 * Rabs b -> a * b <= 0 -> s = a + b.
Proof.
intros similar opposite; unfold s; apply round_generic; auto with typeclass_instances.
destruct (Rle_or_lt 0 a) as [a_ge|a_lt].
- replace (a + b) with (a - - b) by ring; apply sterbenz; auto with typeclass_instances.
  now apply generic_format_opp.
  rewrite (Rabs_pos_eq a) in similar by lra.
  destruct (Rle_or_lt b 0) as [b_le|b_gt]; [rewrite Rabs_left1 in similar by lra; lra|].
  assert (a <= 0) by (apply Rnot_lt_le; intros a_gt; nra).
  rewrite Rabs_pos_eq in similar by lra; lra.
- replace (a + b) with (b - - a) by ring; apply sterbenz; auto with typeclass_instances.
  now apply generic_format_opp.
  rewrite (Rabs_left a) in similar by lra.
  destruct (Rle_or_lt 0 b) as [b_ge|b_lt]; [rewrite Rabs_pos_eq in similar by lra; lra|].
  exfalso; nra.
Qed.

Lemma s_error : Rabs (s - (a + b)) <= 2 * unit.
Proof. apply sum_error, s_range. Qed.

(** Unless that case applies, b is less than half of an a that is nearly the largest double. *)

Lemma not_similar :
  largest - unit < Rabs a -> s = a + b \/ Rabs b < Rabs a / 2.
Proof.
intros a_large; pose proof unit_gt0; pose proof pow2_1023; pose proof pow2_1024.
pose proof largest_eq as L; pose proof s_error as es.
destruct (Rle_or_lt (a * b) 0) as [opposite|same].
- destruct (Rlt_or_le (Rabs b) (Rabs a / 2)) as [small|similar]; [now right|left].
  apply similar_exact; [lra | exact opposite].
- right.
  assert (sum_abs : Rabs (a + b) = Rabs a + Rabs b).
  { destruct (Rle_or_lt 0 a) as [a_ge|a_lt].
    - assert (0 <= b) by nra; rewrite !Rabs_pos_eq; lra.
    - assert (b <= 0) by nra; rewrite !Rabs_left1; lra. }
  assert (Rabs (a + b) <= Rabs s + 2 * unit).
  { replace (a + b) with (s - (s - (a + b))) by ring.
    apply Rle_trans with (1 := Rabs_triang _ _); rewrite Rabs_Ropp; lra. }
  lra.
Qed.

(** When s − a is in range, so are the other operations. *)

Lemma moved x y : Rabs x <= Rabs (x - y) + Rabs y.
Proof. replace x with (x - y + y) at 1 by ring; apply Rabs_triang. Qed.

Theorem two_sum_in_range :
  Rabs bv < pow2 1024 ->
  Rabs av < pow2 1024 /\ Rabs da < pow2 1024 /\ Rabs db < pow2 1024 /\
  Rabs (RN (da + db)) < pow2 1024.
Proof.
intros bv_range.
pose proof unit_gt0 as u0; pose proof pow2_1024 as p1024; pose proof pow2_1023 as p1023.
pose proof largest_eq as L; pose proof s_error as es; pose proof (sum_error _ bv_range) as ebv.
fold bv in ebv.
assert (av_range : Rabs av < pow2 1024).
{ apply in_range; destruct (Rle_or_lt (Rabs a) (largest - unit)) as [a_le|a_gt].
  - apply Rle_trans with (1 := moved (s - bv) a).
    replace (s - bv - a) with (- (bv - (s - a))) by ring; rewrite Rabs_Ropp; lra.
  - destruct (not_similar a_gt) as [exact|small].
    + replace (s - bv) with a; [lra|].
      unfold bv; replace (s - a) with b by lra.
      rewrite (round_generic radix2 fexp64 ZnearestE b b_double); lra.
    + assert (Rabs (s - a) < pow2 1023).
      { apply Rle_lt_trans with (1 := moved (s - a) b).
        replace (s - a - b) with (s - (a + b)) by ring; lra. }
      assert (Rabs (bv - (s - a)) <= unit) by now apply error_half_range.
      apply Rle_trans with (1 := moved (s - bv) a).
      replace (s - bv - a) with (- (bv - (s - a))) by ring; rewrite Rabs_Ropp; lra. }
pose proof (sum_error _ av_range) as eav; fold av in eav.
assert (small4 : is_double (4 * unit)).
{ rewrite <- pow2_971; apply generic_format_FLT_bpow; [exact prec53 | lia]. }
assert (da_le : Rabs da <= 4 * unit).
{ unfold da; apply abs_round_le_generic; auto with typeclass_instances.
  apply Rle_trans with (1 := moved (a - av) (bv - (s - a))).
  replace (a - av - (bv - (s - a))) with (- (av - (s - bv))) by ring.
  rewrite !Rabs_Ropp; lra. }
assert (db_le : Rabs db <= 4 * unit).
{ unfold db; apply abs_round_le_generic; auto with typeclass_instances.
  apply Rle_trans with (1 := moved (b - bv) (- (bv - (s - a)))).
  replace (b - bv - - (bv - (s - a))) with (- (s - (a + b))) by ring.
  rewrite !Rabs_Ropp; lra. }
repeat split; [exact av_range | lra | lra |].
apply in_range; apply Rle_trans with (1 := Rabs_triang _ _); lra.
Qed.

(** When it is not, a is the smaller summand, and Fast2Sum with b first stays in range. *)

Theorem fast_two_sum :
  pow2 1024 <= Rabs bv ->
  s + RN (a - RN (s - b)) = a + b /\
  Rabs (RN (s - b)) < pow2 1024 /\ Rabs (RN (a - RN (s - b))) < pow2 1024.
Proof.
intros overflow.
pose proof unit_gt0 as u0; pose proof pow2_1024 as p1024; pose proof pow2_1023 as p1023.
pose proof largest_eq as L; pose proof s_error as es.
assert (far : largest + unit < Rabs (s - a)).
{ apply Rnot_le_lt; intros near; apply in_range in near; fold bv in near; lra. }
assert (b_large : largest - unit < Rabs b).
{ pose proof (moved (s - a) b) as m; replace (s - a - b) with (s - (a + b)) in m by ring; lra. }
assert (not_exact : s <> a + b).
{ intros exact; replace (s - a) with b in far by lra; lra. }
assert (a_small : Rabs a < Rabs b / 2).
{ destruct (Rle_or_lt (a * b) 0) as [opposite|same].
  - destruct (Rlt_or_le (Rabs a) (Rabs b / 2)) as [small|similar]; [exact small|].
    exfalso; apply not_exact, similar_exact; [lra | exact opposite].
  - assert (sum_abs : Rabs (a + b) = Rabs a + Rabs b).
    { destruct (Rle_or_lt 0 a) as [a_ge|a_lt].
      - assert (0 <= b) by nra; rewrite !Rabs_pos_eq; lra.
      - assert (b <= 0) by nra; rewrite !Rabs_left1; lra. }
    assert (Rabs (a + b) <= Rabs s + 2 * unit).
    { replace (a + b) with (s - (s - (a + b))) by ring.
      apply Rle_trans with (1 := Rabs_triang _ _); rewrite Rabs_Ropp; lra. }
    lra. }
split.
- rewrite (Rplus_comm a b).
  replace (a - RN (s - b)) with (a + RN (b - s)).
  + unfold s; rewrite (Rplus_comm a b).
    apply (Fast2Sum_correct (-1074) 53 (fun z => negb (Z.even z))); try assumption; try lia.
    * intros z; rewrite <- nearest_even_symmetric; reflexivity.
    * pose proof (Rabs_pos b); lra.
  + replace (b - s) with (- (s - b)) by ring; rewrite RN_opp; ring.
- assert (near : Rabs (s - b) <= Rabs a + 2 * unit).
  { pose proof (moved (s - b) a) as m; replace (s - b - a) with (s - (a + b)) in m by ring; lra. }
  assert (first : Rabs (RN (s - b)) < pow2 1024) by (apply in_range; lra).
  split; [exact first|].
  pose proof (sum_error _ first) as e1.
  apply in_range, Rle_trans with (1 := moved (a - RN (s - b)) (- (s - (a + b)))).
  replace (a - RN (s - b) - - (s - (a + b))) with (- (RN (s - b) - (s - b))) by ring.
  rewrite !Rabs_Ropp; lra.
Qed.

End Sum.
