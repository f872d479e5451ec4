(** * Residuals, and the fixed point that follows

    certificate/src/bound.rs. States with the extreme residuals, which only messages name, are
    left out. *)

From Bellman Require Export value_bounds checker.sweep.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Operations.

Variable D : operations.
Notation enclosure := (enclosure D).
Implicit Types (m : model D) (gamma : D) (v : seq D) (state pair : nat) (V W th : nat -> R).

(** ** The functions *)

Inductive operator :=
  | Optimal                               (* T *)
  | TopP of seq bool                      (* T_p, with the pairs kept *)
  | Projected of seq bool & seq enclosure (* B_p^{π*}, with Q* of every pair *).

Definition keeps operator pair :=
  match operator with
  | Optimal => true
  | TopP kept | Projected kept _ => nth false kept pair
  end.

Definition kept_pairs m operator state := [seq pair <- pairs_of m state | keeps operator pair].

Record residual := Residual { residual_lo : D; residual_hi : D }.

Definition include (r : residual) (difference : enclosure) :=
  Residual (if lt (lo difference) (residual_lo r) then lo difference else residual_lo r)
           (if lt (residual_hi r) (hi difference) then hi difference else residual_hi r).

Definition value v state := exact (nth (zero D) v state).

Definition image m gamma v operator state :=
  let q := [seq backup m gamma pair (value v) | pair <- kept_pairs m operator state] in
  if operator is Projected _ all then
    projected_value [seq nth (entire D) all pair | pair <- kept_pairs m operator state] q
  else log_sum_exp q.

Definition bound m gamma v operator :=
  foldl (fun r state => include r (enclosure_sub (image m gamma v operator state) (value v state)))
        (Residual (infinity D) (neg_infinity D)) (iota 0 (states m)).

(** V + [min(lo, 0), max(hi, 0)] · factor *)

Definition fixed_point v lo hi (factor : nat -> D) state :=
  widen (exact (nth (zero D) v state)) (mul_down (min lo (zero D)) (factor state))
        (mul_up (max hi (zero D)) (factor state)).

Definition action_values m gamma (v : nat -> enclosure) :=
  [seq backup m gamma pair v | pair <- iota 0 (pairs m)].

(** ** The operators they enclose *)

Definition operator_of m (g : R) operator th V state :=
  if operator is Projected _ _ then
    value_of (kept_pairs m operator state) th (backup_of m g V)
  else lse_of (kept_pairs m operator state) (backup_of m g V).

End Operations.

Section Bound.

Variable D : arithmetic.
Notation enclosure := (enclosure D).
Notation operator := (operator D).
Implicit Types (m : model D) (gamma : D) (v : seq D) (state pair : nat) (V W th : nat -> R).

Section Operator.

Variables (m : model D) (gamma : D) (operator : operator) (th : nat -> R).
Hypothesis m_ok : checked m.
Hypothesis gamma_finite : is_finite gamma.
Hypothesis gamma_ge0 : 0 <= real gamma.
Hypothesis some_kept : forall state, (state < states m)%N -> kept_pairs m operator state != [::].
Hypothesis q_star_holds : forall kept all, operator = Projected kept all ->
  forall pair, (pair < pairs m)%N -> contains (nth (entire D) all pair) (th pair).

Let F := operator_of m (real gamma) operator th.

Lemma kept_bound state pair :
  (state < states m)%N -> pair \in kept_pairs m operator state -> (pair < pairs m)%N.
Proof. by move=> lt_s; rewrite mem_filter => /andP[_]; apply: pairs_bound. Qed.

Lemma contains_image v state :
    all (@is_finite D) v -> size v = states m -> (state < states m)%N ->
  contains (image m gamma v operator state) (F (fun s => real (nth (zero D) v s)) state).
Proof.
move=> v_ok v_size lt_s; have some := some_kept lt_s.
have holds s : (s < states m)%N -> contains (value v s) (real (nth (zero D) v s)).
  move=> lt_s'; apply: contains_exact; apply: realP.
  by apply: (all_nthP (zero D) v_ok); rewrite v_size.
have q_in pair : pair \in kept_pairs m operator state ->
    contains (backup m gamma pair (value v))
             (backup_of m (real gamma) (fun s => real (nth (zero D) v s)) pair).
  by move=> /(kept_bound lt_s) lt_pair; apply: contains_backup.
have soft : contains (log_sum_exp [seq backup m gamma pair (value v) | pair <- kept_pairs m operator state])
    (lse_of (kept_pairs m operator state)
       (backup_of m (real gamma) (fun s => real (nth (zero D) v s)))).
  have -> : lse_of (kept_pairs m operator state)
      (backup_of m (real gamma) (fun s => real (nth (zero D) v s))) =
    lse_list [seq backup_of m (real gamma) (fun s => real (nth (zero D) v s)) pair
             | pair <- kept_pairs m operator state] by rewrite /lse_list big_map.
  apply: contains_log_sum_exp; last exact: inside_map.
  by case: (kept_pairs _ _ _) some.
rewrite /F /operator_of /image; case opE: operator => [|kept|kept all_q]; rewrite -?opE //.
apply: contains_projected_value => // pair /(kept_bound lt_s) lt_pair.
exact: (q_star_holds opE).
Qed.

Lemma not_lt x y : x <> NaN -> y <> NaN -> ~ ext_lt y x -> ext_le x y.
Proof. by case: x => [||a|]; case: y => [||b|] //=; lra. Qed.

(** The recorded ends bound every residual seen. *)

Lemma include_bounds (seen : seq nat) (f : nat -> R) (difference : nat -> enclosure) r0 :
    (forall s, s \in seen -> contains (difference s) (f s)) ->
    val (residual_lo r0) <> NaN -> val (residual_hi r0) <> NaN ->
  let r := foldl (fun r s => include r (difference s)) r0 seen in
  [/\ ext_le (val (residual_lo r)) (val (residual_lo r0)),
      ext_le (val (residual_hi r0)) (val (residual_hi r))
    & forall s, s \in seen -> lower (val (residual_lo r)) (f s) /\ upper (val (residual_hi r)) (f s)].
Proof.
elim: seen r0 => [|s seen IH] r0 holds lo_ok hi_ok /=.
  by split=> //; apply: ext_le_refl.
have [lo_s hi_s] := holds s (mem_head _ _); set r1 := include r0 (difference s).
have lo1 : ext_le (val (residual_lo r1)) (val (residual_lo r0)) /\ lower (val (residual_lo r1)) (f s).
  rewrite /r1 /=; case: ifP => [/ltP lt_lo|/negP not_lo].
    by split=> //; move: lt_lo; case: (val (lo _)) => [||a|]; case: (val (residual_lo _)) => //= *; lra.
  split; first exact: ext_le_refl.
  apply: (lower_le _ lo_s); apply: not_lt => //; last by rewrite -ltP.
  by move: lo_s; case: (val (lo _)).
have hi1 : ext_le (val (residual_hi r0)) (val (residual_hi r1)) /\ upper (val (residual_hi r1)) (f s).
  rewrite /r1 /=; case: ifP => [/ltP lt_hi|/negP not_hi].
    by split=> //; move: lt_hi; case: (val (hi _)) => [||a|]; case: (val (residual_hi _)) => //= *; lra.
  split; first exact: ext_le_refl.
  apply: (upper_le _ hi_s); apply: not_lt => //; last by rewrite -ltP.
  by move: hi_s; case: (val (hi _)).
have number x r : lower x r \/ upper x r -> x <> NaN by case: x => [[]|||].
have [] := IH r1.
- by move=> s' s'_seen; apply: holds; rewrite inE s'_seen orbT.
- by case: lo1 => _ low; apply: number; left; apply: low.
- by case: hi1 => _ high; apply: number; right; apply: high.
move=> lo_le hi_ge all_seen; split.
- exact: ext_le_trans lo_le (proj1 lo1).
- exact: ext_le_trans (proj1 hi1) hi_ge.
- move=> s'; rewrite inE => /orP[/eqP ->|/all_seen //].
  by split; [apply: lower_le lo_le (proj2 lo1) | apply: upper_le hi_ge (proj2 hi1)].
Qed.

(** One sweep bounds (F V)(s) − V(s) for every state. *)

Theorem bound_holds v state :
    all (@is_finite D) v -> size v = states m -> (state < states m)%N ->
  let V s := real (nth (zero D) v s) in
  lower (val (residual_lo (bound m gamma v operator))) (F V state - V state) /\
  upper (val (residual_hi (bound m gamma v operator))) (F V state - V state).
Proof.
move=> v_ok v_size lt_s V.
have [] := @include_bounds (iota 0 (states m)) (fun s => F V s - V s)
  (fun s => enclosure_sub (image m gamma v operator s) (value v s))
  (Residual (infinity D) (neg_infinity D)).
- move=> s; rewrite mem_iota => /= lt_s'; apply: contains_sub; first exact: contains_image.
  by apply: contains_exact; apply: realP; apply: (all_nthP (zero D) v_ok); rewrite v_size.
- by rewrite /= val_infinity.
- by rewrite /= val_neg_infinity.
- by move=> _ _; apply; rewrite mem_iota.
Qed.

(** ** What the operators do to values that differ by at most c *)

Lemma expectation_discounts V W c pair :
    (pair < pairs m)%N -> (forall s, s \in row_successors m pair -> V s <= W s + c) ->
  expectation m pair V <= expectation m pair W + c.
Proof.
move=> lt_pair le_VW; have sum_gt0 := weight_sum_gt0 m_ok lt_pair.
have inv_gt0 := Rinv_0_lt_compat _ sum_gt0.
have -> : expectation m pair W + c =
    (\sum_(t <- row m pair) real t.2 * (W t.1 + c)) / weight_sum m pair.
  have -> : \sum_(t <- row m pair) real t.2 * (W t.1 + c) =
      \sum_(t <- row m pair) real t.2 * W t.1 + weight_sum m pair * c.
    by rewrite -sum_scale_r -sum_add; apply: eq_bigr => t _; ring.
  by rewrite /expectation; field; lra.
apply: Rmult_le_compat_r; first lra.
have := row_all m_ok lt_pair; move: le_VW; have := row_same_size m_ok lt_pair; rewrite /row.
move: (row_successors m pair) (row_weights m pair) => ss ws.
elim: ss ws => [|s ss IH] [|w ws] //=; rewrite ?big_nil; first by move=> *; apply: Rle_refl.
case=> same le_VW /andP[/andP[_ /positive_finite w0] ok]; rewrite !big_cons /=.
apply: Rplus_le_compat; first by apply: Rmult_le_compat_l; [lra | apply: le_VW; rewrite mem_head].
by apply: IH => // s' s'_ss; apply: le_VW; rewrite inE s'_ss orbT.
Qed.

(** s' may follow s under the operator. *)

Definition follows s s' :=
  exists2 pair, pair \in kept_pairs m operator s & s' \in row_successors m pair.

Lemma lse_of_discounts (l : seq nat) f g c :
  l != [::] -> (forall i, i \in l -> f i <= g i + c) -> lse_of l f <= lse_of l g + c.
Proof.
move=> some le_fg; rewrite -{1}(ln_exp c) /lse_of -ln_mult; [|exact: exp_sum_gt0|exact: exp_pos].
apply: ln_le; first exact: exp_sum_gt0.
rewrite /exp_sum -sum_scale_r big_seq [X in _ <= X]big_seq; apply: sum_le => i /le_fg le_i.
by rewrite -exp_plus; case: le_i => [/exp_increasing/Rlt_le //|->]; apply: Rle_refl.
Qed.

Lemma value_of_discounts (l : seq nat) t f g c :
  l != [::] -> (forall i, i \in l -> f i <= g i + c) -> value_of l t f <= value_of l t g + c.
Proof.
move=> some le_fg; have -> : value_of l t g + c = value_of l t (fun i => g i + c).
  rewrite /value_of -{1}[c]Rmult_1_l -(sum_share some t) -sum_scale_r -sum_add.
  by apply: eq_bigr => i _; ring.
rewrite /value_of big_seq [X in _ <= X]big_seq; apply: sum_le => i /le_fg le_i.
by apply: Rmult_le_compat_l; [apply: share_ge0 | lra].
Qed.

Lemma operator_discounts V W c state :
    (state < states m)%N -> 0 <= c -> (forall s, follows state s -> V s <= W s + c) ->
  F V state <= F W state + real gamma * c.
Proof.
move=> lt_s c0 le_VW; have some := some_kept lt_s.
have le_q pair : pair \in kept_pairs m operator state ->
    backup_of m (real gamma) V pair <= backup_of m (real gamma) W pair + real gamma * c.
  move=> kept; rewrite /backup_of Rplus_assoc -Rmult_plus_distr_l.
  apply: Rplus_le_compat_l; apply: Rmult_le_compat_l => //.
  apply: expectation_discounts => [|s follows_s]; first exact: kept_bound kept.
  by apply: le_VW; exists pair.
rewrite /F /operator_of; case: operator some le_q => [|kept|kept all_q] some le_q.
- exact: lse_of_discounts.
- exact: lse_of_discounts.
- exact: value_of_discounts.
Qed.

Lemma follows_bound s s' : (s < states m)%N -> follows s s' -> (s' < states m)%N.
Proof.
move=> lt_s [pair kept]; have lt_pair := kept_bound lt_s kept.
by move: (row_bound m_ok lt_pair) => /allP; apply.
Qed.

End Operator.

(** V + [min(lo, 0), max(hi, 0)] · factor, in directed rounding. *)

Lemma contains_fixed_point v lo hi (factor : nat -> D) state k w :
    is_finite (nth (zero D) v state) -> is_finite lo -> is_finite hi ->
    0 <= k -> upper_or_nan (val (factor state)) k ->
    real (nth (zero D) v state) + Rmin (real lo) 0 * k <= w <=
      real (nth (zero D) v state) + Rmax (real hi) 0 * k ->
  contains (fixed_point v lo hi factor state) w.
Proof.
move=> v_ok lo_ok hi_ok k0 factor_k bounds.
have -> : w = real (nth (zero D) v state) + (w - real (nth (zero D) v state)) by ring.
apply: contains_widen; first by apply: contains_exact; apply: realP.
- have := mul_down_rounded (min lo (zero D)) (factor state).
  rewrite val_min val_zero (realP lo_ok) /=; have m0 := Rmin_r (real lo) 0.
  case: (val (factor state)) factor_k => //= [_ -> //|a ak|_].
    move=> le; apply: lower_below; apply: lower_le le _ => /=; nra.
  case: (Rle_lt_or_eq_dec _ _ m0) => [neg|->].
    by rewrite infinity_of_neg // => le; apply: lower_below; apply: lower_le le _.
  by rewrite infinity_of_zero //= => ->.
- have -> : w - real (nth (zero D) v state) =
      Rmax (real hi) 0 * k + (w - real (nth (zero D) v state) - Rmax (real hi) 0 * k) by ring.
  have up : upper_or_nan (val (mul_up (max hi (zero D)) (factor state))) (Rmax (real hi) 0 * k).
    apply: mul_up_above => //; first exact: Rmax_r.
    by rewrite val_max val_zero (realP hi_ok) /=; apply: Rle_refl.
  by move: up; case: (val (mul_up _ _)) => //= a; lra.
Qed.

End Bound.

Arguments Optimal {D}.
Arguments TopP {D} _.
