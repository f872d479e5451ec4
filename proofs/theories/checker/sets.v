(** * Candidate sets: what is proved of them

    certificate/src/sets.rs: the captured mass, its leak, whether the mass is at least p, and
    whether the set is the nucleus. The order of actions is in order.v. *)

From Bellman Require Export checker.order.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Operations.

Variable D : operations.
Notation enclosure := (enclosure D).
Implicit Types (m : model D) (p : D) (es : seq enclosure).

(** [Sets::new]: for each state the slots kept, rising; as flags of pairs. *)

Definition keep_slots start flags (slots : seq nat) :=
  foldl (fun flags slot => set_nth false flags (start + slot)%N true) flags slots.

Definition slots_ok m state (slots : seq nat) :=
  [&& slots != [::], sorted ltn slots & last 0 slots < size (pairs_of m state)]%N.

Definition new_sets m (kept : seq (seq nat)) : option (seq bool) :=
  if (size kept == states m) &&
     all (fun state => slots_ok m state (nth [::] kept state)) (iota 0 (states m))
  then Some (foldl (fun flags state =>
                      keep_slots (nth 0%N (state_offsets m) state) flags (nth [::] kept state))
                   (nseq (pairs m) false) (iota 0 (states m)))
  else None.

(** Whether inside/(inside + outside) ≥ p, as p · outside ≤ (1 − p) · inside. *)

Definition mass_at_least p (inside outside : enclosure) :=
  if le (mul_up p (hi outside)) (mul_down (sub_down (one D) p) (lo inside)) then Proved
  else if lt (mul_up (sub_up (one D) p) (hi inside)) (mul_down p (lo outside)) then Refuted
  else Undecided.

Definition both (d e : decision) :=
  match d, e with
  | Refuted, _ | _, Refuted => Refuted
  | Proved, Proved => Proved
  | _, _ => Undecided
  end.

(** Whether the set has less than p without any one of its actions; pairs of weights and sums of
    the others. One action is always kept. *)

Fixpoint too_large p (outside : enclosure) found (pairs : seq (enclosure * enclosure)) :=
  if pairs is (weight, others) :: rest then
    match mass_at_least p others (enclosure_add outside weight) with
    | Refuted => too_large p outside found rest
    | Proved => Refuted
    | Undecided => too_large p outside Undecided rest
    end
  else found.

Definition smallest p (weights : seq enclosure) (outside : enclosure) :=
  if size weights == 1%N then Proved
  else too_large p outside Proved (zip weights (all_but_one weights)).

Record facts := Facts {
  fact_mass : enclosure;
  fact_leak : enclosure;
  mass_at_least_p : decision;
  nucleus : decision
}.

(** Everything but the order, from the enclosures alone. *)

Definition facts_in_order p (kept dropped : seq enclosure) order :=
  let largest := foldl (fun best e => max best (hi e)) (neg_infinity D) (kept ++ dropped) in
  let anchor := exact (if is_finite largest then largest else zero D) in
  let weights es := [seq enclosure_exp (enclosure_sub e anchor) | e <- es] in
  let kept_weights := weights kept in
  let inside := sum_of_enclosures kept_weights in
  let outside := sum_of_enclosures (weights dropped) in
  let one_plus_odds :=
    enclosure_add (enclosure_one D) (enclosure_max (enclosure_div outside inside) (enclosure_zero D)) in
  let enough :=
    if size dropped == 0%N then Proved
    else if equal p (one D) then Refuted
    else mass_at_least p inside outside in
  Facts (enclosure_div (enclosure_one D) one_plus_odds) (enclosure_ln one_plus_odds) enough
    (both (both enough order) (smallest p kept_weights outside)).

Definition set_facts p (kept dropped : seq (action D)) :=
  facts_in_order p [seq a.2 | a <- kept] [seq a.2 | a <- dropped] (most_likely kept dropped).

End Operations.

Section Sets.

Variable D : arithmetic.
Notation enclosure := (enclosure D).
Implicit Types (m : model D) (p : D) (es : seq enclosure).

(** ** A set that was accepted keeps something in every state *)

Lemma keep_slots_stays start flags slots i :
  nth false flags i -> nth false (keep_slots start flags slots) i.
Proof.
elim: slots flags => //= slot slots IH flags kept; apply: IH.
by rewrite nth_set_nth /=; case: eqP.
Qed.

Lemma keep_slots_last start flags slots :
  slots != [::] -> nth false (keep_slots start flags slots) (start + last 0%N slots)%N.
Proof.
case: slots => // slot slots _; elim: slots slot flags => [|next slots IH] slot flags /=.
  by rewrite nth_set_nth /= eqxx.
exact: IH.
Qed.

Theorem new_sets_some m kept flags :
  new_sets m kept = Some flags ->
  forall state, (state < states m)%N -> kept_pairs m (TopP flags) state != [::].
Proof.
rewrite /new_sets; case: ifP => // /andP[_ /allP slots_all] [<-] state lt_s.
have in_states : state \in iota 0 (states m) by rewrite mem_iota.
have /and3P[some _ lt_last] := slots_all _ in_states.
set start := nth 0%N (state_offsets m) state; set slot := last 0%N (nth [::] kept state) in lt_last *.
rewrite -has_filter; apply/hasP; exists (start + slot)%N.
  by move: lt_last; rewrite /pairs_of size_iota mem_iota leq_addr ltn_add2l.
move: in_states some {slots_all lt_last}; rewrite /=; move: (nseq _ _).
have stays states0 flags0 i : nth false flags0 i ->
    nth false (foldl (fun flags s => keep_slots (nth 0%N (state_offsets m) s) flags (nth [::] kept s))
                     flags0 states0) i.
  by elim: states0 flags0 => //= s states0 IH flags0 kept0; apply: IH; apply: keep_slots_stays.
elim: (iota 0 (states m)) => // s rest IH flags0; rewrite inE => /orP[/eqP <-|in_rest] some /=.
  by apply: stays; apply: keep_slots_last.
exact: IH.
Qed.

(** The flags are those of the slots named, and no others. *)

Lemma keep_slots_nth start flags slots i :
  nth false (keep_slots start flags slots) i =
  nth false flags i || (i \in [seq (start + slot)%N | slot <- slots]).
Proof.
elim: slots flags => [|slot slots IH] flags /=; first by rewrite orbF.
by rewrite IH nth_set_nth /= inE; case: eqP => [->|_] //=; rewrite orbT.
Qed.

Lemma le_last (slots : seq nat) x : sorted ltn slots -> x \in slots -> (x <= last 0%N slots)%N.
Proof.
move=> rising x_in; rewrite -nth_last -[x in (x <= _)%N](nth_index 0%N x_in).
have lt_x : (index x slots < size slots)%N by rewrite index_mem.
have [->|neq] := eqVneq (index x slots) (size slots).-1; first exact: leqnn.
apply: ltnW; apply: (sorted_ltn_nth ltn_trans 0%N rising); rewrite ?inE //.
  by rewrite prednK // (leq_ltn_trans _ lt_x).
by rewrite ltn_neqAle neq -ltnS prednK // (leq_ltn_trans _ lt_x).
Qed.

Theorem new_sets_exact m kept flags state slot :
    checked m -> new_sets m kept = Some flags ->
    (state < states m)%N -> (slot < size (pairs_of m state))%N ->
  nth false flags (nth 0%N (state_offsets m) state + slot)%N = (slot \in nth [::] kept state).
Proof.
move=> m_ok; rewrite /new_sets; case: ifP => // /andP[_ /allP slots_all] [<-] lt_s lt_slot.
pose start s := nth 0%N (state_offsets m) s; rewrite -/(start state).
have flags_nth l flags0 i :
    nth false (foldl (fun flags s => keep_slots (start s) flags (nth [::] kept s)) flags0 l) i =
    nth false flags0 i || has (fun s => i \in [seq (start s + t)%N | t <- nth [::] kept s]) l.
  elim: l flags0 => [|s l IH] flags0 /=; first by rewrite orbF.
  by rewrite IH keep_slots_nth orbA.
rewrite flags_nth nth_nseq if_same /=.
have in_pairs s t : (t < size (pairs_of m s))%N -> (start s + t)%N \in pairs_of m s.
  by rewrite /pairs_of size_iota mem_iota leq_addr ltn_add2l.
apply/hasP/idP => [[s s_in /mapP[t t_in t_eq]]|slot_in]; last first.
  exists state; first by rewrite mem_iota.
  exact: map_f.
have /and3P[_ rising lt_last] := slots_all s s_in; move: s_in; rewrite mem_iota /= add0n => lt_s'.
have lt_t : (t < size (pairs_of m s))%N by apply: leq_ltn_trans (le_last rising t_in) lt_last.
have same : state = s.
  apply: (pairs_disjoint m_ok lt_s lt_s' (in_pairs _ _ lt_slot)).
  by rewrite t_eq; apply: in_pairs.
by rewrite same in t_eq *; move/addnI: t_eq => ->.
Qed.

(** ** Mass *)

Lemma mass_at_least_sound p inside outside a b :
    is_finite p -> 0 <= real p <= 1 -> 0 <= a -> contains inside a -> contains outside b ->
  match mass_at_least p inside outside with
  | Proved => real p * b <= (1 - real p) * a
  | Refuted => (1 - real p) * a < real p * b
  | Undecided => True
  end.
Proof.
move=> p_ok p01 a0 [lo_a hi_a] [lo_b hi_b]; have p_val := realP p_ok; rewrite /mass_at_least.
have p_low : lower_or_nan (val p) (real p) by rewrite p_val; apply: Rle_refl.
have p_up : upper_or_nan (val p) (real p) by rewrite p_val; apply: Rle_refl.
case: ifP => [/leP|_].
  have gap_low : lower_or_nan (val (sub_down (one D) p)) (1 - real p).
    by apply: sub_down_below => //; rewrite val_one; apply: Rle_refl.
  have gap_ge0 : ext_le (Fin 0) (val (sub_down (one D) p)).
    by apply: (add_down_ge0 (b := - real p) (val_one D)); [rewrite val_neg p_val | lra].
  have up := scale_above p_val (proj1 p01) (upper_above hi_b).
  case gap_eq: (val (sub_down _ _)) gap_ge0 gap_low => [||c|] //= c0 c_le.
  have down := scale_below gap_eq c0 (lower_below lo_a).
  have ca : c * a <= (1 - real p) * a by apply: Rmult_le_compat_r.
  move: up down; case: (val (mul_up _ _)) => [||x|]; case: (val (mul_down _ _)) => [||y|] //=; lra.
case: ifP => // /ltP.
have gap_up : upper_or_nan (val (sub_up (one D) p)) (1 - real p).
  by apply: sub_up_above => //; rewrite val_one; apply: Rle_refl.
have down := scale_below p_val (proj1 p01) (lower_below lo_b).
have up : upper_or_nan (val (mul_up (sub_up (one D) p) (hi inside))) ((1 - real p) * a).
  by apply: mul_up_above => //; [lra | apply: upper_above].
by move: up down; case: (val (mul_up _ _)) => [||x|]; case: (val (mul_down _ _)) => [||y|] //=; lra.
Qed.

(** *** The nucleus *)

Lemma every_imply (P Q : R -> Prop) rs : (forall r, P r -> Q r) -> every P rs -> every Q rs.
Proof. by move=> PQ; elim: rs => //= r rs IH [/PQ Qr /IH]. Qed.

Lemma too_large_sound p (outside : enclosure) found es (rest_es : seq enclosure) ws total b :
    is_finite p -> 0 <= real p <= 1 -> contains outside b ->
    inside es ws -> inside rest_es [seq total - w | w <- ws] -> every (fun w => 0 <= total - w) ws ->
    too_large p outside found (zip es rest_es) = Proved ->
  found = Proved /\ every (fun w => (1 - real p) * (total - w) < real p * (b + w)) ws.
Proof.
move=> p_ok p01 out_b.
elim: es rest_es ws found => [|e es IH] [|f rest_es] [|w ws] found //= [e_w es_ws] [f_w rest_ws] [w0 ws0].
have := mass_at_least_sound p_ok p01 w0 f_w (contains_add out_b e_w).
case: mass_at_least => // [lt_p|_] /(IH _ _ _ es_ws rest_ws ws0) [found_eq all_lt] //.
Qed.

Definition mass_of (rs ds : seq R) :=
  (\sum_(r <- rs) exp r) / (\sum_(r <- rs) exp r + \sum_(d <- ds) exp d).

(** π*(a), the share of one action with Q*(a) = r. *)

Definition share_in (rs ds : seq R) r := exp r / (\sum_(r <- rs) exp r + \sum_(d <- ds) exp d).

Lemma facts_in_order_hold p (kept dropped : seq enclosure) order rs ds :
    is_finite p -> 0 < real p <= 1 -> rs <> [::] -> inside kept rs -> inside dropped ds ->
  let f := facts_in_order p kept dropped order in
  [/\ contains (fact_mass f) (mass_of rs ds), contains (fact_leak f) (- ln (mass_of rs ds)),
      mass_at_least_p f = Proved -> real p <= mass_of rs ds,
      mass_at_least_p f = Refuted -> mass_of rs ds < real p
    & nucleus f = Proved -> [/\ real p <= mass_of rs ds, order = Proved
      & every (fun r => mass_of rs ds - share_in rs ds r < real p) rs]].
Proof.
move=> p_ok p01 some in_kept in_dropped f.
pose x := let largest := foldl (fun best e => max best (hi e)) (neg_infinity D) (kept ++ dropped) in
  if is_finite largest then largest else zero D.
have [c c_in] : exists c, contains (exact x) c.
  have x_ok : is_finite x.
    by rewrite /x /=; case: ifP => // _; apply: finite_is_finite (val_zero D).
  by exists (real x); apply: contains_exact; apply: realP.
have A0 := sum_exp_list_gt0 some; have B0 : 0 <= \sum_(d <- ds) exp d.
  by apply: sum_ge0 => d _; apply: Rlt_le (exp_pos _).
have c0 := exp_pos (- c).
have := contains_sum (inside_exp c_in in_kept); have := contains_sum (inside_exp c_in in_dropped).
rewrite !sum_exp_shift => out_in in_in.
set A := \sum_(r <- rs) exp r in A0 in_in *; set B := \sum_(d <- ds) exp d in B0 out_in *.
have mass_eq : mass_of rs ds = A / (A + B) by [].
have odds_in : contains (enclosure_add (enclosure_one D) (enclosure_max
    (enclosure_div (sum_of_enclosures [seq enclosure_exp (enclosure_sub e (exact x)) | e <- dropped])
                   (sum_of_enclosures [seq enclosure_exp (enclosure_sub e (exact x)) | e <- kept]))
    (enclosure_zero D))) ((A + B) / A).
  have -> : (A + B) / A = 1 + Rmax (exp (- c) * B / (exp (- c) * A)) 0.
    have -> : exp (- c) * B / (exp (- c) * A) = B / A by field; lra.
    rewrite Rmax_left; first by field; lra.
    by apply: Rmult_le_pos => //; apply: Rlt_le; apply: Rinv_0_lt_compat.
  apply: contains_add; first exact: contains_one.
  apply: contains_max; last exact: contains_zero.
  exact: contains_div out_in in_in.
have mass_gt0 : 0 < A / (A + B) by apply: Rmult_lt_0_compat => //; apply: Rinv_0_lt_compat; lra.
have enough : mass_at_least_p f = Proved -> real p <= mass_of rs ds.
  rewrite /f /=; case: ifP => [/eqP no_dropped _|_].
    have B_eq : B = 0.
      have := inside_size in_dropped; rewrite no_dropped /B; case: (ds) => //= _.
      by rewrite big_nil.
    by rewrite mass_eq B_eq Rplus_0_r /Rdiv Rinv_r; lra.
  case: ifP => // _ decided; have := mass_at_least_sound p_ok _ _ in_in out_in.
  rewrite decided => /(_ _ _) le_p; rewrite mass_eq.
  have {}le_p : real p * (exp (- c) * B) <= (1 - real p) * (exp (- c) * A).
    by apply: le_p; [lra | apply: Rmult_le_pos; lra].
  have le_AB : real p * (A + B) <= A by apply: (Rmult_le_reg_l (exp (- c))) => //; lra.
  apply: (Rmult_le_reg_r (A + B)); first lra.
  by have -> : A / (A + B) * (A + B) = A by field; lra.
split=> //.
- rewrite mass_eq; have -> : A / (A + B) = 1 / ((A + B) / A) by field; lra.
  by apply: contains_div; [apply: contains_one | apply: odds_in].
- rewrite mass_eq; have -> : - ln (A / (A + B)) = ln ((A + B) / A).
    by rewrite -ln_Rinv //; congr ln; field; lra.
  apply: contains_ln; last exact: odds_in.
  by apply: Rmult_lt_0_compat; [lra | apply: Rinv_0_lt_compat].
- rewrite /f /=; case: ifP => // some_dropped.
  have ds_some : ds <> [::].
    by move=> ds_eq; have := inside_size in_dropped; rewrite ds_eq => /= size0;
       rewrite size0 in some_dropped.
  have Bp : 0 < B := sum_exp_list_gt0 ds_some.
  case: ifP => [/(equalP (val_one D))/val_real -> _|_ decided].
    rewrite mass_eq; apply: (Rmult_lt_reg_r (A + B)); first lra.
    by have -> : A / (A + B) * (A + B) = A; [field; lra | lra].
  have := mass_at_least_sound p_ok _ _ in_in out_in.
  rewrite decided => lt_p; rewrite mass_eq.
  have {}lt_p : (1 - real p) * (exp (- c) * A) < real p * (exp (- c) * B).
    by apply: lt_p; [lra | apply: Rmult_le_pos; lra].
  have lt_AB : A < real p * (A + B) by apply: (Rmult_lt_reg_l (exp (- c))) => //; lra.
  apply: (Rmult_lt_reg_r (A + B)); first lra.
  by have -> : A / (A + B) * (A + B) = A; [field; lra | lra].
- pose weights := [seq enclosure_exp (enclosure_sub e (exact x)) | e <- kept].
  move=> nucleus_f; have [enough_f [order_f smallest_f]] : mass_at_least_p f = Proved /\
      order = Proved /\ smallest p weights
        (sum_of_enclosures [seq enclosure_exp (enclosure_sub e (exact x)) | e <- dropped]) = Proved.
    move: nucleus_f; rewrite /f /facts_in_order -/x /=; case: (if _ then _ else _) => //;
      case: (order) => //; case: smallest => //.
  split=> //; first exact: enough.
  move: smallest_f; rewrite /smallest; case: ifP => [/eqP one_kept _|_ smallest_f].
    have one : size rs = 1%N by rewrite -(inside_size in_kept) -one_kept size_map.
    move: one some; rewrite /mass_of /share_in; case: (rs) => [|r [|? ?]] //= _ _.
    by rewrite big_cons big_nil Rplus_0_r; split=> //; lra.
  have weights_in := inside_exp c_in in_kept.
  have [] := too_large_sound (ws := [seq exp (r - c) | r <- rs]) p_ok _ out_in weights_in
    (inside_all_but_one weights_in) _ smallest_f; first lra.
    apply: every_imply (every_at_most_sum rs c (Rle_refl 0)) => w; rewrite Rplus_0_l; lra.
  move=> _; rewrite sum_exp_shift -/A /share_in -/A -/B.
  have every_map (P Q : R -> Prop) l : (forall r, P (exp (r - c)) -> Q r) ->
      every P [seq exp (r - c) | r <- l] -> every Q l.
    by move=> PQ; elim: l => //= r l IH [/PQ Qr /IH].
  apply: every_map => r; rewrite /Rminus exp_plus => lt_p; rewrite mass_eq.
  have r0 := exp_pos r; apply: (Rmult_lt_reg_r (A + B)); first lra.
  have -> : (A / (A + B) + - (exp r / (A + B))) * (A + B) = A - exp r by field; lra.
  by apply: (Rmult_lt_reg_l (exp (- c))) => //; lra.
Qed.

(** What is proved of a set. If it is the nucleus, then it carries p, its actions come before all
    others in the order of falling Q*, ties by the lower slot, and none of them can be spared. *)

Theorem set_facts_hold p (kept dropped : seq (action D)) rs ds :
    is_finite p -> 0 < real p <= 1 -> rs <> [::] ->
    inside [seq a.2 | a <- kept] rs -> inside [seq a.2 | a <- dropped] ds ->
  let f := set_facts p kept dropped in
  [/\ contains (fact_mass f) (mass_of rs ds), contains (fact_leak f) (- ln (mass_of rs ds)),
      mass_at_least_p f = Proved -> real p <= mass_of rs ds,
      mass_at_least_p f = Refuted -> mass_of rs ds < real p
    & nucleus f = Proved -> [/\ real p <= mass_of rs ds,
        falling [seq a.1 | a <- kept] [seq a.1 | a <- dropped] rs ds
      & every (fun r => mass_of rs ds - share_in rs ds r < real p) rs]].
Proof.
move=> p_ok p01 some in_kept in_dropped f.
have [mass leak proved refuted is_nucleus] :=
  facts_in_order_hold (most_likely kept dropped) p_ok p01 some in_kept in_dropped.
split=> // /is_nucleus[enough order spared]; split=> //.
exact: most_likely_sound in_kept in_dropped order.
Qed.

End Sets.
