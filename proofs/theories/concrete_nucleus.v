(** * That the candidate sets of one model are the nucleus

    With something to spare: each action kept is strictly more likely than each one dropped, and
    no set reaches p without one of its actions. Ties are not decided here. *)

From Bellman Require Export concrete_claims.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Open Scope R_scope.

(** A set with a margin on both sides is the nucleus, whatever the order among equals. *)

Lemma nucleus_margin (A : finType) (p : R) (O X : {set A}) (w : A -> R) :
    (forall a, a \in O -> 0 < w a) -> O != set0 -> 0 < p <= 1 -> X \subset O ->
    p * (\sum_(a in O) w a) <= \sum_(a in X) w a ->
    (forall a b, a \in X -> b \in O -> b \notin X -> w b < w a) ->
    (forall a, a \in X -> (\sum_(b in X) w b) - w a < p * (\sum_(b in O) w b)) ->
  X = nucleus p O w.
Proof.
move=> w_gt0 O0 p_bounds /subsetP sXO reaches likely tight.
have before_in a b : a \in X -> b \in O -> before w b a -> b \in X.
  move=> aX bO /before_le le_ab; apply/negPn/negP => bX.
  by have := likely a b aX bO bX; lra.
apply/eqP; rewrite eqEsubset; apply/andP; split; apply/subsetP => a; last first.
  by move: a; apply/subsetP; apply: nucleus_least => //; apply/subsetP.
move=> aX; apply/nucleusP; split; first exact: sXO.
apply: Rle_lt_trans (tight a aX); rewrite (bigD1 a aX) /=.
have -> : w a + (\sum_(b in X | b != a) w b) - w a = \sum_(b in X | b != a) w b by ring.
have -> : \sum_(b in X | b != a) w b = \sum_(b in X :\ a) w b.
  by apply: eq_bigl => b; rewrite !inE andbC.
apply: sum_subset => [|b]; last by rewrite !inE => /andP[_ /sXO/w_gt0/Rlt_le].
apply/subsetP => b; rewrite !inE => /andP[bO ba]; rewrite (before_in a b) // andbT.
by apply/eqP => eq_ba; move: ba; rewrite eq_ba before_irr.
Qed.

Section Check.

Variables (n m : nat) (d : table n m) (ok : well_formed d).
Let M := model d ok.
Variable kept : seq (seq 'I_m).
Hypothesis kept_fits : kept_ok d kept.
Let B : 'I_n -> {set 'I_m} := sets kept.

(** w(a) = π*(a|s) *)

Definition weight_i (star : seq interval) (s a : nat) : interval :=
  expi (sub (backup_i d star s a) (at_state star s)).

Definition likely_i star kept s : bool :=
  all (fun b : 'I_m => ((b : nat) \in [seq nat_of_ord a | a : 'I_m <- kept_in kept s]) ||
    all (fun a : 'I_m => positive_interval (sub (backup_i d star s a) (backup_i d star s b)))
        (kept_in kept s)) (offered_in d s).

Definition tight_i (p : interval) star vs kept s : bool :=
  let total := mass_i d star vs kept s in
  all (fun a : 'I_m => positive_interval (sub p (sub total (weight_i star s a)))) (kept_in kept s).

Definition nucleus_i (p : dyadic) star vs kept : bool :=
  p_ok p && all (fun s => likely_i star kept s && tight_i (point p) star vs kept s) (iota 0 n).

Theorem sets_are_nuclei p vs :
    carries (value p) B (teacher M) -> (let star := star_i d vs in nucleus_i p star vs kept) ->
  forall s, B s = top_p M (value p) (teacher M) s.
Proof.
move=> B_mass /andP[p_in /allP every] s.
have := every (s : nat); rewrite mem_iota ltn_ord => /(_ isT) /andP[/allP likely /allP tight].
have [some u sub] := kept_list ok kept_fits s; have [_ one] := teacher_policy M s.
have Q_in (a : 'I_m) : inside (backup_i d (star_i d vs) s a) (Q_star M s a).
  by rewrite Q_star_V; apply: backup_inside (star_hold ok vs).
have in_kept (a : 'I_m) : (a : nat) \in [seq nat_of_ord b | b : 'I_m <- kept_in kept s] = (a \in B s).
  by rewrite (mem_map (@ord_inj m)) inE.
apply: nucleus_margin => //.
- by move=> a _; apply: teacher_gt0.
- exact: offers_some.
- exact: p_bounds.
- by rewrite one Rmult_1_r; apply: B_mass.
- move=> a b aB bO bB; have := likely b; rewrite inE in bO => /(_ bO); rewrite in_kept (negPf bB) /=.
  move=> /allP/(_ a); rewrite inE in aB => /(_ aB) pos.
  have lt_Q : 0 < Q_star M s a - Q_star M s b by apply: (positive_inside pos); apply: sub_inside.
  by apply: exp_increasing; apply: Rplus_lt_compat_r; apply: (Rminus_gt_0_lt _ _ lt_Q).
- move=> a aB; rewrite one Rmult_1_r.
  have := tight a; rewrite inE in aB => /(_ aB) pos.
  suff : 0 < value p - (mass B (teacher M) s - teacher M s a) by rewrite /mass; lra.
  apply: (positive_inside pos); apply: sub_inside (point_inside p) _.
  apply: sub_inside; last by apply: exp_inside; apply: sub_inside (star_hold ok vs s).
  rewrite mass_boltzmann; last exact: candidates_some (sets_candidates ok kept_fits).
  apply: exp_inside; apply: sub_inside; last exact: star_hold.
  exact: lse_inside u some (point_inside _) Q_in.
Qed.

End Check.

Arguments sets_are_nuclei {n m d} ok {kept} kept_fits {p} vs.
