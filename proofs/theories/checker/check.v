(** * An accepted certificate is true

    certificate/src/check.rs: the steps from a certificate and a model to facts. The theorem at
    the end says that each enclosure among these facts holds the real number it is named after.
    The comparison of hashes, and the texts of refusals, are left out: a refusal is [None]. *)

From Bellman Require Export checker.ending checker.sets.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Operations.

Variable D : operations.
Notation enclosure := (enclosure D).
Implicit Types (m : model D) (gamma p : D) (v : seq D) (state pair : nat).

(** ** Certificates *)

Record value_bounds := ValueBounds { bounds_v : seq D; c_lo : D; c_hi : D }.

Record restricted := Restricted {
  kept_slots : seq (seq nat);
  projected : value_bounds;
  top_p : value_bounds
}.

Record certificate := Certificate {
  cert_gamma : D;
  cert_p : D;
  optimal : value_bounds;
  over_sets : option restricted
}.

(** ** The steps *)

Record frame := Frame { frame_gamma : D; frame_p : D; frame_horizons : option (seq nat) }.

(** [Frame::new]: γ ∈ [0, 1], p ∈ (0, 1], and γ = 1 only where the model certainly ends. *)

Definition new_frame m gamma p : option frame :=
  if [&& le (zero D) gamma, le gamma (one D), lt (zero D) p & le p (one D)] then
    let hs := horizons m in
    if equal gamma (one D) && (if hs is None then true else false) then None
    else Some (Frame gamma p hs)
  else None.

(** [first_loose_end]: some terminal state whose value is not 0. *)

Definition has_loose_end m v :=
  has (fun state => ~~ equal (nth (zero D) v state) (zero D) && is_terminal m state)
      (iota 0 (size v)).

(** The values are finite, one for each state; with γ = 1 also 0 in terminal states. *)

Definition admissible m f v :=
  [&& size v == states m, all (@is_finite D) v
    & ~~ (has_loose_end m v && equal (frame_gamma f) (one D))].

Definition factor m f v state : D :=
  match frame_horizons f with
  | Some hs =>
      if has_loose_end m v then discounted (frame_gamma f)
      else ending_sum (frame_gamma f) (nth 0%N hs state)
  | None => discounted (frame_gamma f)
  end.

Definition enclose m f b : seq enclosure :=
  [seq fixed_point (bounds_v b) (c_lo b) (c_hi b) (factor m f (bounds_v b)) state
  | state <- iota 0 (states m)].

Definition confirm m f b operator : option (seq enclosure) :=
  if admissible m f (bounds_v b) then
    let r := bound m (frame_gamma f) (bounds_v b) operator in
    if [&& is_finite (residual_lo r), is_finite (residual_hi r),
           is_finite (c_lo b), le (c_lo b) (residual_lo r),
           is_finite (c_hi b) & le (residual_hi r) (c_hi b)]
    then Some (enclose m f b) else None
  else None.

Definition in_state (es : seq enclosure) state := nth (entire D) es state.

(** Facts of one state's set, from Q* of the pairs kept and dropped. *)

Definition facts_of m p kept (q_star : seq enclosure) state :=
  let start := nth 0%N (state_offsets m) state in
  let action pair := ((pair - start)%N, nth (entire D) q_star pair) in
  set_facts p [seq action pair | pair <- pairs_of m state & nth false kept pair]
              [seq action pair | pair <- pairs_of m state & ~~ nth false kept pair].

(** max over the support of Q* − Q̄ = γ E (V* − V̄) *)

Definition reduce_max (es : seq enclosure) :=
  if es is e :: rest then foldl (@enclosure_max D) e rest else entire D.

Definition largest_gap m f kept (v_star v_bar : seq enclosure) :=
  reduce_max [seq backup_difference m (frame_gamma f) pair (in_state v_star) (in_state v_bar)
             | pair <- iota 0 (pairs m) & nth false kept pair].

(** γ · leak / (1 − γ) *)

Definition kappa_of f (leak : enclosure) :=
  if lt (frame_gamma f) (one D) then
    let gamma := exact (frame_gamma f) in
    Some (enclosure_div (enclosure_mul gamma leak) (enclosure_sub (enclosure_one D) gamma))
  else None.

Record checked_sets := CheckedSets {
  kept_pairs_of : seq bool;
  v_projected : seq enclosure;
  v_top_p : seq enclosure;
  set_states : seq (facts D);
  gap_projected : enclosure;
  gap_top_p : enclosure;
  kappa : option enclosure;
  kappa_from_mass : option enclosure;
  horizon_bound : option enclosure
}.

Definition horizon f := omap (foldr maxn 0%N) (frame_horizons f).

Definition check_sets m f r (v_star q_star : seq enclosure) : option checked_sets :=
  if new_sets m (kept_slots r) is Some kept then
    if confirm m f (projected r) (Projected kept q_star) is Some v_projected then
      if confirm m f (top_p r) (TopP kept) is Some v_top_p then
        let states := [seq facts_of m (frame_p f) kept q_star state | state <- iota 0 (states m)] in
        let largest_leak :=
          foldl (fun most s => enclosure_max most (fact_leak s)) (enclosure_zero D) states in
        let leak_at_p := enclosure_neg (enclosure_ln (exact (frame_p f))) in
        Some (CheckedSets kept v_projected v_top_p states
                (largest_gap m f kept v_star v_projected) (largest_gap m f kept v_star v_top_p)
                (kappa_of f leak_at_p) (kappa_of f largest_leak)
                (omap (fun h => enclosure_mul leak_at_p (leak_sum (frame_gamma f) h)) (horizon f)))
      else None
    else None
  else None.

Record checked_facts := CheckedFacts {
  v_star : seq enclosure;
  q_star : seq enclosure;
  facts_over_sets : option checked_sets
}.

Definition check m certificate : option checked_facts :=
  if new_frame m (cert_gamma certificate) (cert_p certificate) is Some f then
    if confirm m f (optimal certificate) Optimal is Some v_star then
      let q_star := action_values m (frame_gamma f) (in_state v_star) in
      if over_sets certificate is Some r then
        if check_sets m f r v_star q_star is Some sets then
          Some (CheckedFacts v_star q_star (Some sets))
        else None
      else Some (CheckedFacts v_star q_star None)
    else None
  else None.

End Operations.

Section Check.

Variable D : arithmetic.
Notation enclosure := (enclosure D).
Notation operator := (operator D).
Notation frame := (frame D).
Notation checked_sets := (checked_sets D).
Implicit Types (m : model D) (gamma p : D) (v : seq D) (state pair : nat).

(** ** What is claimed

    W are values of the operator's fixed point: W = F W and, where γ = 1 leaves terminal states
    open, 0 there. *)

Definition fixed_values m (g : R) operator th (W : nat -> R) :=
  (forall s, (s < states m)%N -> operator_of m g operator th W s = W s) /\
  (g = 1 -> forall s, (s < states m)%N -> is_terminal m s -> W s = 0).

(** The enclosures of Q* that the operator carries have no part in what it means. *)

Lemma fixed_values_projected m g kept all all' th W :
  fixed_values m g (Projected kept all) th W -> fixed_values m g (Projected kept all') th W.
Proof. by []. Qed.

(** ** Terminal states *)

Lemma terminal_image m g operator th W s :
    checked m -> (s < states m)%N -> is_terminal m s -> kept_pairs m operator s != [::] ->
  operator_of m g operator th W s = g * W s.
Proof.
move=> m_ok lt_s; rewrite /is_terminal.
case pairs_eq: (pairs_of m s) => [|only [|//]] // /andP[reward0 /eqP stays].
rewrite /operator_of /kept_pairs pairs_eq /=; case: ifP => // kept _.
have lt_only : (only < pairs m)%N by apply: (pairs_bound m_ok lt_s); rewrite pairs_eq mem_head.
have value1 th' q : value_of [:: only] th' q = q only.
  rewrite /value_of /share_of /exp_sum !big_seq1 /Rdiv Rinv_r ?ln_1; first ring.
  by have := exp_pos (th' only); lra.
have lse1 q : lse_of [:: only] q = q only by rewrite /lse_of /exp_sum big_seq1 ln_exp.
have backup_eq : backup_of m g W only = g * W s.
  rewrite /backup_of (equal_zero reward0).
  have [w row_eq w0] := row_size1 m_ok lt_only stays.
  rewrite /expectation /weight_sum row_eq !big_seq1 /=; field; lra.
by case: operator kept => *; rewrite ?value1 ?lse1.
Qed.

Lemma fixed_terminal m g operator th W s :
    checked m -> (forall s, (s < states m)%N -> kept_pairs m operator s != [::]) ->
    fixed_values m g operator th W -> (s < states m)%N -> is_terminal m s ->
  W s = 0.
Proof.
move=> m_ok some [fixed zero_if_1] lt_s terminal; have := fixed s lt_s.
rewrite terminal_image ?some // => fix_s.
have [g1|g1] := Req_dec g 1; first exact: zero_if_1.
apply: (Rmult_eq_reg_l (g - 1)); lra.
Qed.

(** ** One confirmed certificate *)

Lemma new_frame_ok m gamma p f :
    new_frame m gamma p = Some f ->
  [/\ frame_gamma f = gamma, frame_p f = p, frame_horizons f = horizons m,
      is_finite gamma & is_finite p] /\
  [/\ 0 <= real gamma <= 1, 0 < real p <= 1
    & equal gamma (one D) -> exists hs, horizons m = Some hs].
Proof.
rewrite /new_frame; case: ifP => // /and4P[/leP g0 /leP g1 /ltP p0 /leP p1].
case: ifPn => // not_endless [<-] /=; rewrite val_zero val_one in g0 g1 p0 p1.
have [g g_eq] : exists g, val gamma = Fin g.
  by case: (val gamma) g0 g1 => // g; exists g.
have [q q_eq] : exists q, val p = Fin q by case: (val p) p0 p1 => // q; exists q.
rewrite g_eq q_eq /= in g0 g1 p0 p1; rewrite (val_real g_eq) (val_real q_eq).
split; first by split=> //; [apply: finite_is_finite g_eq | apply: finite_is_finite q_eq].
split=> // is_1; move: not_endless; rewrite is_1 /=; case: (horizons m) => // hs _.
by exists hs.
Qed.

Section Confirm.

Variables (m : model D) (f : frame) (operator : operator) (th W : nat -> R).
Hypothesis m_ok : checked m.
Hypothesis gamma_finite : is_finite (frame_gamma f).
Hypothesis gamma_bounds : 0 <= real (frame_gamma f) <= 1.
Hypothesis horizons_eq : frame_horizons f = horizons m.
Hypothesis endless_lt1 : equal (frame_gamma f) (one D) -> exists hs, horizons m = Some hs.
Hypothesis some_kept : forall s, (s < states m)%N -> kept_pairs m operator s != [::].
Hypothesis q_star_holds : forall kept all, operator = Projected kept all ->
  forall pair, (pair < pairs m)%N -> contains (nth (entire D) all pair) (th pair).
Hypothesis W_fixed : fixed_values m (real (frame_gamma f)) operator th W.

Lemma gamma_is_one : real (frame_gamma f) = 1 -> equal (frame_gamma f) (one D).
Proof.
move=> g1; have := realP gamma_finite; rewrite g1 => g_val.
by apply/andP; split; apply/leP; rewrite g_val val_one; apply: Rle_refl.
Qed.

Theorem confirm_holds b es :
    confirm m f b operator = Some es ->
  forall s, (s < states m)%N -> contains (in_state es s) (W s).
Proof.
rewrite /confirm; case: ifP => // /and3P[/eqP v_size v_ok ends_ok].
case: ifP => // /and5P[lo_ok hi_ok c_lo_ok /leP le_lo /andP[c_hi_ok /leP le_hi]] [<-] s lt_s.
set v := bounds_v b in v_size v_ok ends_ok le_lo le_hi lo_ok hi_ok *.
rewrite /in_state (nth_map 0%N) ?size_iota // nth_iota // add0n.
have v_finite t : (t < states m)%N -> is_finite (nth (zero D) v t).
  by move=> lt_t; apply: (all_nthP (zero D) v_ok); rewrite v_size.
set F := operator_of m (real (frame_gamma f)) operator th.
pose V t := real (nth (zero D) v t).
have gamma0 : 0 <= real (frame_gamma f) by lra.
have residual t : t \in iota 0 (states m) -> real (c_lo b) <= F V t - V t <= real (c_hi b).
  rewrite mem_iota /= add0n => lt_t.
  have [low high] := @bound_holds D m (frame_gamma f) operator th m_ok gamma_finite gamma0
    some_kept q_star_holds v t v_ok v_size lt_t.
  have := lower_le le_lo low; have := upper_le le_hi high.
  by rewrite (realP c_lo_ok) (realP c_hi_ok).
have fixed t : t \in iota 0 (states m) -> F W t = W t.
  by rewrite mem_iota /= add0n; apply: (proj1 W_fixed).
have s_in : s \in iota 0 (states m) by rewrite mem_iota.
have discounted_case : real (frame_gamma f) < 1 ->
    contains (fixed_point v (c_lo b) (c_hi b) (fun=> discounted (frame_gamma f)) s) (W s).
  move=> g_lt1; have inv0 : 0 < / (1 - real (frame_gamma f)) by apply: Rinv_0_lt_compat; lra.
  apply: (contains_fixed_point (k := 1 / (1 - real (frame_gamma f)))) => //.
  - exact: v_finite.
  - by rewrite /Rdiv Rmult_1_l; lra.
  - exact: discounted_above.
  have F_discounts f1 f2 c : 0 <= c ->
      (forall t, t \in iota 0 (states m) -> f1 t <= f2 t + c) ->
      forall t, t \in iota 0 (states m) -> F f1 t <= F f2 t + real (frame_gamma f) * c.
    move=> c0 le_12 t; rewrite mem_iota /= add0n => lt_t.
    apply: (operator_discounts th m_ok gamma0 some_kept lt_t c0) => t' /(follows_bound m_ok lt_t) lt_t'.
    by apply: le_12; rewrite mem_iota.
  have := residual_encloses (conj gamma0 g_lt1) F_discounts fixed residual s_in.
  by rewrite /V /Rdiv !Rmult_1_l.
have g_lt1 : ~~ equal (frame_gamma f) (one D) -> real (frame_gamma f) < 1.
  move=> not_1; have [//|g1] : real (frame_gamma f) < 1 \/ real (frame_gamma f) = 1 by lra.
  by rewrite gamma_is_one in not_1.
rewrite /fixed_point /factor -/v horizons_eq; case hs_eq: (horizons m) => [hs|]; last first.
  apply: discounted_case; apply: g_lt1; apply/negP => /endless_lt1 [hs].
  by rewrite hs_eq.
case: ifPn => loose.
  by apply: discounted_case; apply: g_lt1; move: ends_ok; rewrite loose.
have falls := horizons_fall m_ok hs_eq.
apply: (contains_fixed_point (factor := fun=> ending_sum (frame_gamma f) (nth 0%N hs s))
          (k := geometric (real (frame_gamma f)) (nth 0%N hs s))) => //.
- exact: v_finite.
- exact: geometric_ge0.
- exact: ending_sum_above.
have follows_falls x y : x \in iota 0 (states m) -> (0 < nth 0 hs x)%N -> follows m operator x y ->
    y \in iota 0 (states m) /\ (nth 0 hs y < nth 0 hs x)%N.
  rewrite !mem_iota /= !add0n => lt_x h_gt0 follows_y.
  have [h_terminal h_falls] := falls x lt_x.
  have not_terminal : ~~ is_terminal m x by rewrite -h_terminal -lt0n.
  case: follows_y => pair; rewrite mem_filter => /andP[_ in_x] y_in.
  exact: h_falls in_x y_in not_terminal.
have F_discounts f1 f2 c x : x \in iota 0 (states m) -> (0 < nth 0 hs x)%N -> 0 <= c ->
    (forall y, follows m operator x y -> f1 y <= f2 y + c) ->
    F f1 x <= F f2 x + real (frame_gamma f) * c.
  rewrite mem_iota /= add0n => lt_x _ c0 le_12.
  exact: (operator_discounts th m_ok gamma0 some_kept lt_x c0).
have ends x : x \in iota 0 (states m) -> nth 0%N hs x = 0%N -> V x = W x.
  rewrite mem_iota /= add0n => lt_x /eqP; rewrite (proj1 (falls x lt_x)) => terminal.
  rewrite (fixed_terminal m_ok some_kept W_fixed lt_x terminal) /V.
  apply: equal_zero; move/hasPn: loose => /(_ x).
  by rewrite mem_iota /= add0n v_size lt_x terminal andbT negbK; apply.
exact: (ending_encloses gamma0 follows_falls F_discounts ends fixed residual s_in).
Qed.

End Confirm.

(** ** Gaps and κ *)

Definition largest_over m kept (D_ : nat -> R) gap :=
  (forall pair, (pair < pairs m)%N -> nth false kept pair -> D_ pair <= gap) /\
  exists2 pair, (pair < pairs m)%N && nth false kept pair & gap = D_ pair.

Lemma contains_reduce_max (l : seq nat) (F : nat -> enclosure) (d : nat -> R) :
    l != [::] -> (forall i, i \in l -> contains (F i) (d i)) ->
  exists2 gap, contains (reduce_max [seq F i | i <- l]) gap &
    (forall i, i \in l -> d i <= gap) /\ exists2 i, i \in l & gap = d i.
Proof.
case: l => // i0 l _ holds /=.
have : exists2 gap, contains (F i0) gap &
    (forall i, i \in [:: i0] -> d i <= gap) /\ exists2 i, i \in [:: i0] & gap = d i.
  exists (d i0); first by apply: holds; rewrite mem_head.
  split=> [i|]; first by rewrite inE => /eqP ->; apply: Rle_refl.
  by exists i0; rewrite ?mem_head.
have {holds} : forall i, i \in l -> contains (F i) (d i).
  by move=> i i_l; apply: holds; rewrite inE i_l orbT.
rewrite -[i0 :: l]/([:: i0] ++ l); move: (F i0) [:: i0].
elim: l => [|i l IH] e seen holds [gap e_gap [le_gap [j j_seen gap_eq]]] /=.
  by exists gap => //; rewrite cats0; split=> //; exists j.
rewrite -cat_rcons; apply: IH => [k k_l|]; first by apply: holds; rewrite inE k_l orbT.
exists (Rmax gap (d i)).
  by apply: contains_max => //; apply: holds; rewrite mem_head.
split=> [k|]; first rewrite mem_rcons inE => /orP[/eqP ->|/le_gap le_k].
- exact: Rmax_r.
- exact: Rle_trans le_k (Rmax_l _ _).
rewrite /Rmax; case: Rle_dec => _.
  by exists i; rewrite ?mem_rcons ?mem_head.
by exists j; rewrite // mem_rcons inE j_seen orbT.
Qed.

Section Gap.

Variables (m : model D) (f : frame) (kept : seq bool) (V W : nat -> R).
Hypothesis m_ok : checked m.
Hypothesis gamma_finite : is_finite (frame_gamma f).
Hypothesis gamma_ge0 : 0 <= real (frame_gamma f).
Hypothesis some_states : (0 < states m)%N.
Hypothesis some_kept : forall s, (s < states m)%N -> kept_pairs m (TopP kept) s != [::].

Lemma contains_largest_gap vs ws :
    (forall s, (s < states m)%N -> contains (in_state vs s) (V s)) ->
    (forall s, (s < states m)%N -> contains (in_state ws s) (W s)) ->
  exists2 gap, contains (largest_gap m f kept vs ws) gap &
    largest_over m kept (fun pair => backup_of m (real (frame_gamma f)) V pair -
                                     backup_of m (real (frame_gamma f)) W pair) gap.
Proof.
move=> in_vs in_ws.
have [||gap gap_in [le_gap [pair pair_in gap_eq]]] := @contains_reduce_max
  [seq pair <- iota 0 (pairs m) | nth false kept pair]
  (fun pair => backup_difference m (frame_gamma f) pair (in_state vs) (in_state ws))
  (fun pair => backup_of m (real (frame_gamma f)) V pair -
               backup_of m (real (frame_gamma f)) W pair).
- have := some_kept some_states; case kept_eq: (kept_pairs m (TopP kept) 0) => [|pair l] // _.
  have : pair \in kept_pairs m (TopP kept) 0 by rewrite kept_eq mem_head.
  rewrite mem_filter => /andP[pair_kept in_0]; rewrite -has_filter; apply/hasP; exists pair => //.
  by rewrite mem_iota /= add0n; apply: pairs_bound in_0.
- move=> pair; rewrite mem_filter mem_iota add0n => /andP[_ /= lt_pair].
  exact: contains_backup_difference.
exists gap => //; split=> [q lt_q kept_q|].
  by apply: le_gap; rewrite mem_filter kept_q mem_iota add0n.
exists pair => //; move: pair_in; rewrite mem_filter mem_iota add0n => /andP[-> /=].
by rewrite andbT.
Qed.

End Gap.

Lemma contains_kappa (f : frame) leak l e :
  is_finite (frame_gamma f) -> contains leak l -> kappa_of f leak = Some e ->
  contains e (real (frame_gamma f) * l / (1 - real (frame_gamma f))).
Proof.
move=> gamma_ok leak_in; rewrite /kappa_of; case: ifP => // _ [<-].
have gamma_in := contains_exact (realP gamma_ok).
by apply: contains_div; [apply: contains_mul | apply: contains_sub => //; apply: contains_one].
Qed.

Lemma contains_largest (l : seq nat) (F : nat -> enclosure) (x : nat -> R) e r :
    contains e r -> (forall s, s \in l -> contains (F s) (x s)) ->
  exists2 most, contains (foldl (fun most s => enclosure_max most (F s)) e l) most &
    r <= most /\ forall s, s \in l -> x s <= most.
Proof.
elim: l e r => [|s l IH] e r e_r holds /=; first by exists r => //; split=> //; apply: Rle_refl.
have s_in : contains (F s) (x s) by apply: holds; rewrite mem_head.
have [t t_l|most most_in [le_most all_le]] := IH _ _ (contains_max e_r s_in).
  by apply: holds; rewrite inE t_l orbT.
exists most => //; split; first by apply: Rle_trans le_most; apply: Rmax_l.
move=> t; rewrite inE => /orP[/eqP ->|/all_le //].
by apply: Rle_trans le_most; apply: Rmax_r.
Qed.

(** ** The theorem

    V are the optimal values and Q the action values that follow from them. Whatever the
    certificate says of candidate sets is about these Q, for any values W of the operators. *)

Definition state_holds m (p : R) flags (Q : nat -> R) (f : facts D) state :=
  let kept := [seq Q pair | pair <- pairs_of m state & nth false flags pair] in
  let dropped := [seq Q pair | pair <- pairs_of m state & ~~ nth false flags pair] in
  let mass := mass_of kept dropped in
  [/\ contains (fact_mass f) mass, contains (fact_leak f) (- ln mass),
      mass_at_least_p f = Proved -> p <= mass, mass_at_least_p f = Refuted -> mass < p
    & nucleus f = Proved -> [/\ p <= mass,
        forall i j, i \in pairs_of m state -> j \in pairs_of m state ->
          nth false flags i -> ~~ nth false flags j -> Q j < Q i \/ Q j = Q i /\ (i < j)%N
      & every (fun r => mass - share_in kept dropped r < p) kept]].

Record sets_hold m (g p : R) (V : nat -> R) (f : checked_sets) : Prop := SetsHold {
  some_kept_in : forall s, (s < states m)%N -> kept_pairs m (TopP (kept_pairs_of f)) s != [::];
  states_hold : forall s, (s < states m)%N ->
    state_holds m p (kept_pairs_of f) (backup_of m g V)
      (nth (Facts (entire D) (entire D) Undecided Undecided) (set_states f) s) s;
  top_p_holds : forall W, fixed_values m g (TopP (kept_pairs_of f)) (backup_of m g V) W ->
    (forall s, (s < states m)%N -> contains (in_state (v_top_p f) s) (W s)) /\
    exists2 gap, contains (gap_top_p f) gap &
      largest_over m (kept_pairs_of f) (fun pair => backup_of m g V pair - backup_of m g W pair) gap;
  projected_holds : forall W,
    fixed_values m g (Projected (kept_pairs_of f) [::]) (backup_of m g V) W ->
    (forall s, (s < states m)%N -> contains (in_state (v_projected f) s) (W s)) /\
    exists2 gap, contains (gap_projected f) gap &
      largest_over m (kept_pairs_of f) (fun pair => backup_of m g V pair - backup_of m g W pair) gap;
  kappa_holds : forall e, kappa f = Some e -> contains e (- g * ln p / (1 - g));
  kappa_from_mass_holds : forall e, kappa_from_mass f = Some e ->
    exists2 leak, contains e (g * leak / (1 - g)) &
      forall s, (s < states m)%N ->
        - ln (mass_of [seq backup_of m g V pair | pair <- pairs_of m s & nth false (kept_pairs_of f) pair]
                      [seq backup_of m g V pair | pair <- pairs_of m s & ~~ nth false (kept_pairs_of f) pair])
        <= leak;
  horizon_bound_holds : forall e, horizon_bound f = Some e ->
    exists2 hs, horizons m = Some hs &
      contains e (- ln p * \sum_(1 <= t < foldr maxn 0%N hs) g ^ t)
}.

Theorem accepted_holds m (certificate : certificate D) facts V :
    checked m -> (0 < states m)%N -> check m certificate = Some facts ->
    let g := real (cert_gamma certificate) in let p := real (cert_p certificate) in
    fixed_values m g Optimal (fun=> 0) V ->
  [/\ forall s, (s < states m)%N -> contains (in_state (v_star facts) s) (V s),
      forall pair, (pair < pairs m)%N ->
        contains (nth (entire D) (q_star facts) pair) (backup_of m g V pair)
    & if facts_over_sets facts is Some f then sets_hold m g p V f else True].
Proof.
move=> m_ok some_states checked_eq g p V_fixed; move: checked_eq; rewrite /check.
case frame_eq: new_frame => [f|]; last by discriminate.
have [[gamma_eq p_eq horizons_eq gamma_ok p_ok] [g01 p01 endless]] := new_frame_ok frame_eq.
case v_eq: (confirm _ _ (optimal certificate)) => [vs|]; last by discriminate.
move=> checked_eq.
rewrite /g -gamma_eq in V_fixed; rewrite -gamma_eq in gamma_ok g01 endless.
have g0 : 0 <= g by have := g01; rewrite gamma_eq -/g; lra.
have optimal_kept s : (s < states m)%N -> kept_pairs m Optimal s != [::].
  by move=> /(pairs_some m_ok); rewrite /kept_pairs filter_predT.
have v_in : forall s, (s < states m)%N -> contains (in_state vs s) (V s).
  by apply: (confirm_holds (th := fun=> 0) m_ok gamma_ok g01 horizons_eq endless optimal_kept _ _ v_eq).
have q_in pair : (pair < pairs m)%N ->
    contains (nth (entire D) (action_values m (frame_gamma f) (in_state vs)) pair)
             (backup_of m g V pair).
  move=> lt_pair; rewrite (nth_map 0%N) ?size_iota // nth_iota // add0n /g -gamma_eq.
  by apply: contains_backup => //; lra.
suff : if facts_over_sets facts is Some f' then sets_hold m g p V f' else True.
  move: checked_eq; case: over_sets => [r|]; last by case=> <-.
  by case: check_sets => // sets [<-].
move: checked_eq; case: over_sets => [r|]; last by case=> <-.
case sets_eq: check_sets => [sets|] // [<-] /=; move: sets_eq; rewrite /check_sets.
case kept_eq: new_sets => [kept|] //; have some_kept := new_sets_some kept_eq.
set q_star := action_values _ _ _ in q_in *.
case projected_eq: confirm => [v_projected|] //; case top_eq: confirm => [v_top|] // [<-].
have g0' : 0 <= real (frame_gamma f) by lra.
have facts_in s : (s < states m)%N ->
    state_holds m p kept (backup_of m g V) (facts_of m (frame_p f) kept q_star s) s.
  move=> lt_s; rewrite p_eq /facts_of.
  set kept_in := [seq pair <- pairs_of m s | nth false kept pair].
  set dropped_in := [seq pair <- pairs_of m s | ~~ nth false kept pair].
  set start := nth 0%N (state_offsets m) s; set Q := backup_of m g V.
  pose action pair := ((pair - start)%N, nth (entire D) q_star pair).
  have slot_lt i j : (i - start < j - start)%N -> (i < j)%N.
    by apply: contraTT; rewrite -!leqNgt; apply: leq_sub2r.
  have within l : {subset l <= pairs_of m s} ->
      inside [seq a.2 | a <- [seq action pair | pair <- l]] [seq Q pair | pair <- l].
    move=> l_in; rewrite -map_comp; apply: inside_map => pair /l_in.
    by move=> /(pairs_bound m_ok lt_s)/q_in.
  have in_kept := within kept_in (mem_subseq (filter_subseq _ _)).
  have in_dropped := within dropped_in (mem_subseq (filter_subseq _ _)).
  have some_rs : [seq Q pair | pair <- kept_in] <> [::].
    by have := some_kept s lt_s; rewrite /kept_pairs /= -/kept_in; case: (kept_in).
  have [mass leak enough less is_nucleus] := set_facts_hold p_ok p01 some_rs in_kept in_dropped.
  split=> // /is_nucleus[enough_p order spared]; split=> // i j i_s j_s i_kept j_dropped.
  have [i_in j_in] : i \in kept_in /\ j \in dropped_in by rewrite !mem_filter i_kept j_dropped.
  have := order (index i kept_in) (index j dropped_in); rewrite !size_map !index_mem.
  move=> /(_ i_in j_in); rewrite !(nth_map 0%N) ?size_map ?index_mem // !nth_index //.
  rewrite -!map_comp !(nth_map 0%N) ?index_mem // !nth_index //=.
  by case=> [lt_Q|[eq_Q /slot_lt lt_ij]]; [left|right].
have ln_in : contains (enclosure_neg (enclosure_ln (exact (frame_p f)))) (- ln p).
  apply: contains_neg; apply: contains_ln; first by case: p01.
  by apply: contains_exact; rewrite p_eq; apply: realP.
split=> //=.
- by move=> s lt_s; rewrite (nth_map 0%N) ?size_iota // nth_iota //; apply: facts_in.
- move=> W W_fixed; rewrite /g -gamma_eq in W_fixed.
  have w_in : forall s, (s < states m)%N -> contains (in_state v_top s) (W s).
    exact: (confirm_holds m_ok gamma_ok g01 horizons_eq endless some_kept _ W_fixed top_eq).
  split=> //; rewrite /g -gamma_eq; exact: contains_largest_gap.
- move=> W W_fixed; rewrite /g -gamma_eq in W_fixed.
  have w_in : forall s, (s < states m)%N -> contains (in_state v_projected s) (W s).
    apply: (confirm_holds m_ok gamma_ok g01 horizons_eq endless _ _
              (fixed_values_projected q_star W_fixed) projected_eq).
    + exact: some_kept.
    + by move=> kept' all [_ <-]; rewrite gamma_eq; apply: q_in.
  split=> //; rewrite /g -gamma_eq; exact: contains_largest_gap.
- move=> e kappa_eq; have := contains_kappa gamma_ok ln_in kappa_eq; rewrite gamma_eq -/g.
  by have -> : g * - ln p = - g * ln p by ring.
- move=> e; rewrite -foldl_map => kappa_eq.
  have [s|most most_in [_ all_le]] := contains_largest (contains_zero D)
    (l := iota 0 (states m)) (F := fun s => fact_leak (facts_of m (frame_p f) kept q_star s))
    (x := fun s => - ln (mass_of
      [seq backup_of m g V pair | pair <- pairs_of m s & nth false kept pair]
      [seq backup_of m g V pair | pair <- pairs_of m s & ~~ nth false kept pair])).
    by rewrite mem_iota /= add0n => /facts_in [].
  exists most; first by have := contains_kappa gamma_ok most_in kappa_eq; rewrite gamma_eq -/g.
  by move=> s lt_s; apply: all_le; rewrite mem_iota.
- move=> e; rewrite /horizon horizons_eq; case: (horizons m) => [hs|] //= [<-]; exists hs => //.
  apply: contains_mul => //; have := contains_leak_sum (foldr maxn 0%N hs) gamma_ok.
  by rewrite gamma_eq -/g.
Qed.

End Check.
