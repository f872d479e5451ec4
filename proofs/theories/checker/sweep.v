(** * The operators T, T_p and B_p^π for values, on enclosures

    certificate/src/sweep.rs, function by function and in the order of its loops. *)

From Bellman Require Export checker.width checker.model.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Operations.

Variable D : operations.
Notation enclosure := (enclosure D).
Implicit Types (gamma : D) (e f : enclosure) (q es : seq enclosure).

(** ** The functions *)

Definition sum_of_enclosures es := foldl (@enclosure_add D) (enclosure_zero D) es.

(** w · x for a number w ≥ 0. *)

Definition scaled (w : D) e := new_or_entire (mul_down w (lo e)) (mul_up w (hi e)).

(** E_{s'} v(s') = (Σ w v) / (Σ w) *)

Definition expected m pair (v : nat -> enclosure) :=
  if row_successors m pair is [:: successor] then v successor
  else
    let ends := foldl
      (fun ends t =>
         let e := v t.1 in
         (add_down ends.1 (mul_down t.2 (lo e)), add_up ends.2 (mul_up t.2 (hi e))))
      (zero D, zero D) (row m pair) in
    let sum := new_or_entire ends.1 ends.2 in
    if total m pair is Some total then enclosure_div sum total else sum.

(** Q(s,a) = r(s,a) + γ E v(s') *)

Definition backup m gamma pair (v : nat -> enclosure) :=
  enclosure_add (exact (reward_of m pair)) (scaled gamma (expected m pair v)).

Definition anchor q : option enclosure :=
  let largest := foldl (fun best e => max best (hi e)) (neg_infinity D) q in
  if is_finite largest then Some (exact largest) else None.

(** log Σ_a exp q_a *)

Definition log_sum_exp q :=
  if q is [:: only] then only
  else if anchor q is Some anchor then
    let sum := foldl (fun sum e => enclosure_add sum (enclosure_exp (enclosure_sub e anchor)))
                     (enclosure_zero D) q in
    enclosure_add anchor (enclosure_ln sum)
  else entire D.

(** For each number the sum of the others: those before it, left to right, plus those after it,
    right to left. *)

Fixpoint sums_after es :=
  if es is e :: rest then
    (if (rest, sums_after rest) is (f :: _, after :: _) then enclosure_add after f
     else enclosure_zero D) :: sums_after rest
  else [::].

Fixpoint add_before before es sums :=
  match es, sums with
  | e :: rest, sum :: sums' =>
      enclosure_add before sum :: add_before (enclosure_add before e) rest sums'
  | _, _ => [::]
  end.

Definition all_but_one es := add_before (enclosure_zero D) es (sums_after es).

(** x / (x + rest) for x, rest ≥ 0, not both 0. *)

Definition share e rest :=
  let low := if lt (zero D) (lo e) then div_down (lo e) (add_up (lo e) (hi rest)) else zero D in
  let total := add_down (hi e) (lo rest) in
  let high := if lt (zero D) total then min (div_up (hi e) total) (one D) else one D in
  new_or_entire low high.

(** exp q_a / Σ_b exp q_b of each; empty when q is not bounded above. *)

Definition shares q :=
  if anchor q is Some anchor then
    let weight := [seq enclosure_exp (enclosure_sub e anchor) | e <- q] in
    [seq share p.1 p.2 | p <- zip weight (all_but_one weight)]
  else [::].

(** The value of the Boltzmann policy of θ = [q_star] for the action values [q_bar]. *)

Record box := Box { radius : D; d_lo : D; d_hi : D; point : seq enclosure }.

Definition look_at (b : box) (pair : enclosure * enclosure) :=
  let: (theta, bar) := pair in
  let center := exact (midpoint theta) in
  let away := enclosure_abs (enclosure_sub theta center) in
  let d := enclosure_sub theta bar in
  Box (max (radius b) (hi away)) (min (d_lo b) (lo d)) (max (d_hi b) (hi d))
      (rcons (point b) center).

Definition projected_value q_star q_bar :=
  if q_bar is [:: only] then only
  else
    let b := foldl look_at (Box (zero D) (infinity D) (neg_infinity D) [::]) (zip q_star q_bar) in
    let c := exact (mean (d_lo b) (d_hi b)) in
    let shares := shares (point b) in
    if ~~ is_bounded c || (size shares != size q_bar) then entire D
    else
      let slack := mul_up (half D) (mul_up (radius b) (sub_up (d_hi b) (d_lo b))) in
      let sum := foldl
        (fun sum t => enclosure_add sum
           (enclosure_mul t.1 (enclosure_sub (enclosure_sub t.2.1 t.2.2) c)))
        (enclosure_zero D) (zip shares (zip (point b) q_bar)) in
      widen (enclosure_sub (enclosure_sub (log_sum_exp (point b)) c) sum) (neg slack) slack.

(** γ E (v(s') − w(s')): the difference of two backups. *)

Definition backup_difference m gamma pair (v w : nat -> enclosure) :=
  scaled gamma (expected m pair (fun state => enclosure_sub (v state) (w state))).

End Operations.

(** ** Inclusion *)

Section Sweep.

Variable D : arithmetic.
Notation enclosure := (enclosure D).
Implicit Types (gamma : D) (e f : enclosure) (q es : seq enclosure).

(** Numbers inside enclosures, one by one. *)

Fixpoint inside es (rs : seq R) : Prop :=
  match es, rs with
  | [::], [::] => True
  | e :: es', r :: rs' => contains e r /\ inside es' rs'
  | _, _ => False
  end.

Lemma inside_size es rs : inside es rs -> size es = size rs.
Proof. by elim: es rs => [|e es IH] [|r rs] //= [_ /IH ->]. Qed.

Lemma inside_map (I : eqType) (l : seq I) (F : I -> enclosure) (f : I -> R) :
  (forall i, i \in l -> contains (F i) (f i)) -> inside (map F l) (map f l).
Proof.
elim: l => //= i l IH holds; split; first by apply: holds; rewrite mem_head.
by apply: IH => j j_l; apply: holds; rewrite inE j_l orbT.
Qed.

Lemma contains_sum_from e r es rs :
  contains e r -> inside es rs ->
  contains (foldl (@enclosure_add D) e es) (r + \sum_(s <- rs) s).
Proof.
elim: es rs e r => [|f es IH] [|s rs] //= e r e_r.
  by rewrite big_nil Rplus_0_r.
case=> f_s in_es; rewrite big_cons -Rplus_assoc; apply: IH => //.
exact: contains_add.
Qed.

Lemma contains_sum es rs : inside es rs -> contains (sum_of_enclosures es) (\sum_(s <- rs) s).
Proof. by rewrite -[\sum_(s <- rs) s]Rplus_0_l; apply: contains_sum_from; apply: contains_zero. Qed.

Lemma contains_scaled (w : D) e r :
  is_finite w -> 0 <= real w -> contains e r -> contains (scaled w e) (real w * r).
Proof.
move=> w_ok w0 [lo_r hi_r]; apply: contains_new.
  by apply: scale_below => //; [apply: realP | apply: lower_below].
by apply: scale_above => //; [apply: realP | apply: upper_above].
Qed.

(** The two ends of a weighted sum. *)

Lemma contains_weighted n (row : seq (nat * D)) (v : nat -> enclosure) (r : nat -> R) ends a :
    all (fun t => (t.1 < n)%N && (lt (zero D) t.2 && is_finite t.2)) row ->
    (forall s, (s < n)%N -> contains (v s) (r s)) ->
    lower_or_nan (val ends.1) a -> upper_or_nan (val ends.2) a ->
  let ends' := foldl (fun ends t =>
    (add_down ends.1 (mul_down t.2 (lo (v t.1))), add_up ends.2 (mul_up t.2 (hi (v t.1)))))
    ends row in
  let sum := a + \sum_(t <- row) real t.2 * r t.1 in
  lower_or_nan (val ends'.1) sum /\ upper_or_nan (val ends'.2) sum.
Proof.
move=> row_ok holds; elim: row row_ok ends a => [|t row IH] /= => [_|/andP[t_ok row_ok]] ends a lo_a hi_a.
  by rewrite big_nil Rplus_0_r.
rewrite big_cons -Rplus_assoc; case/and3P: t_ok => lt_n lt_0 finite.
have w0 : 0 <= real t.2 by apply: Rlt_le; apply: positive_finite; rewrite lt_0.
have [lo_r hi_r] := holds _ lt_n; apply: IH => //=.
  apply: add_down_below => //; apply: scale_below => //; [exact: realP | exact: lower_below].
apply: add_up_above => //; apply: scale_above => //; [exact: realP | exact: upper_above].
Qed.

Section Model.

Variables (m : model D) (gamma : D).
Hypothesis m_ok : checked m.
Hypothesis gamma_finite : is_finite gamma.
Hypothesis gamma_ge0 : 0 <= real gamma.

Lemma row_size1 pair successor :
  (pair < pairs m)%N -> row_successors m pair = [:: successor] ->
  exists2 w, row m pair = [:: (successor, w)] & 0 < real w.
Proof.
move=> lt_pair one; have := row_same_size m_ok lt_pair.
have := weights_positive m_ok lt_pair; rewrite /row one.
by case: (row_weights m pair) => [|w [|? ?]] //= /andP[/positive_finite w0 _] _; exists w.
Qed.

Lemma weight_sum_gt0 pair : (pair < pairs m)%N -> 0 < weight_sum m pair.
Proof.
move=> lt_pair; have := row_some m_ok lt_pair; have := row_all m_ok lt_pair; rewrite /weight_sum.
case: (row m pair) => //= t row /andP[/andP[_ /positive_finite t0] row_ok] _.
rewrite big_cons; suff : 0 <= \sum_(t <- row) real t.2 by lra.
elim: row row_ok => [_|x xs IH] /=; first by rewrite big_nil; lra.
by case/andP=> /andP[_ /positive_finite x0] /IH; rewrite big_cons; lra.
Qed.

Lemma contains_expected pair (v : nat -> enclosure) (r : nat -> R) :
    (pair < pairs m)%N -> (forall s, (s < states m)%N -> contains (v s) (r s)) ->
  contains (expected m pair v) (expectation m pair r).
Proof.
move=> lt_pair holds; have sum_gt0 := weight_sum_gt0 lt_pair.
have from_sum : contains
    (let ends := foldl
      (fun ends t =>
         let e := v t.1 in
         (add_down ends.1 (mul_down t.2 (lo e)), add_up ends.2 (mul_up t.2 (hi e))))
      (zero D, zero D) (row m pair) in
    let sum := new_or_entire ends.1 ends.2 in
    if total m pair is Some total then enclosure_div sum total else sum) (expectation m pair r).
  have zero_in : lower_or_nan (val (zero D, zero D).1) 0 /\ upper_or_nan (val (zero D, zero D).2) 0.
    by rewrite /= val_zero /=; lra.
  have [] := contains_weighted (row_all m_ok lt_pair) holds (proj1 zero_in) (proj2 zero_in).
  rewrite Rplus_0_l => lo_sum hi_sum; have sum_in := contains_new lo_sum hi_sum.
  rewrite /= /expectation; have := totals_hold m_ok lt_pair.
  case: (total m pair) => [e|] total_in; first exact: contains_div.
  by rewrite total_in /Rdiv Rinv_1 Rmult_1_r.
rewrite /expected; case one: (row_successors m pair) => [//|successor [|//]].
have := row_bound m_ok lt_pair; rewrite one /= andbT => lt_s.
have [w rowE w0] := row_size1 lt_pair one; rewrite /expectation /weight_sum rowE !big_cons !big_nil /=.
by have -> : (real w * r successor + 0) / (real w + 0) = r successor by [field; lra]; apply: holds.
Qed.

Lemma contains_backup pair (v : nat -> enclosure) (r : nat -> R) :
    (pair < pairs m)%N -> (forall s, (s < states m)%N -> contains (v s) (r s)) ->
  contains (backup m gamma pair v) (backup_of m (real gamma) r pair).
Proof.
move=> lt_pair holds; apply: contains_add; last by apply: contains_scaled => //; apply: contains_expected.
by apply: contains_exact; apply: realP; apply: rewards_finite.
Qed.

Lemma contains_backup_difference pair (v w : nat -> enclosure) (r r' : nat -> R) :
    (pair < pairs m)%N -> (forall s, (s < states m)%N -> contains (v s) (r s)) ->
    (forall s, (s < states m)%N -> contains (w s) (r' s)) ->
  contains (backup_difference m gamma pair v w)
    (backup_of m (real gamma) r pair - backup_of m (real gamma) r' pair).
Proof.
move=> lt_pair in_v in_w.
have -> : backup_of m (real gamma) r pair - backup_of m (real gamma) r' pair =
    real gamma * expectation m pair (fun s => r s - r' s).
  have -> : expectation m pair (fun s => r s - r' s) = expectation m pair r - expectation m pair r'.
    have -> : expectation m pair r - expectation m pair r' =
        (\sum_(t <- row m pair) real t.2 * r t.1 - \sum_(t <- row m pair) real t.2 * r' t.1)
        / weight_sum m pair by rewrite /expectation /Rdiv; ring.
    by rewrite -sum_sub; congr (_ / _); apply: eq_bigr => t _; ring.
  by rewrite /backup_of; ring.
apply: contains_scaled => //; apply: contains_expected => // s lt_s.
by apply: contains_sub; [apply: in_v | apply: in_w].
Qed.

End Model.

(** ** Log-sum-exp *)

Definition lse_list (rs : seq R) := ln (\sum_(r <- rs) exp r).

Lemma anchorP q a : anchor q = Some a -> exists r, contains a r.
Proof.
by rewrite /anchor; case: ifP => // /realP val_a [<-]; eexists; apply: contains_exact val_a.
Qed.

Lemma foldl_map (T U V : Type) (f : V -> U -> V) (h : T -> U) (z : V) (s : seq T) :
  foldl (fun acc t => f acc (h t)) z s = foldl f z [seq h t | t <- s].
Proof. by elim: s z => //= t s IH z; rewrite IH. Qed.

Lemma inside_exp es rs a r :
  contains a r -> inside es rs ->
  inside [seq enclosure_exp (enclosure_sub e a) | e <- es] [seq exp (s - r) | s <- rs].
Proof.
move=> a_r; elim: es rs => [|e es IH] [|s rs] //= [e_s /IH in_es]; split=> //.
by apply: contains_exp; apply: contains_sub.
Qed.

Lemma sum_exp_list_gt0 rs : rs <> [::] -> 0 < \sum_(r <- rs) exp r.
Proof.
case: rs => // r rs _; rewrite big_cons; have := exp_pos r.
suff : 0 <= \sum_(s <- rs) exp s by lra.
by apply: sum_ge0 => s _; apply: Rlt_le (exp_pos _).
Qed.

Lemma sum_exp_shift rs c : \sum_(w <- [seq exp (r - c) | r <- rs]) w = exp (- c) * \sum_(r <- rs) exp r.
Proof. by rewrite big_map -sum_scale; apply: eq_bigr => r _; rewrite -exp_plus; congr exp; ring. Qed.

Theorem contains_log_sum_exp es rs :
  es <> [::] -> inside es rs -> contains (log_sum_exp es) (lse_list rs).
Proof.
move=> some in_es; have rs_some : rs <> [::] by case: rs in_es => //; case: es some.
have general : contains (if anchor es is Some anchor then
    let sum := foldl (fun sum e => enclosure_add sum (enclosure_exp (enclosure_sub e anchor)))
                     (enclosure_zero D) es in
    enclosure_add anchor (enclosure_ln sum) else entire D) (lse_list rs).
  case anchored: (anchor es) => [a|]; last exact: contains_entire.
  have [c a_c] := anchorP anchored; rewrite /= foldl_map.
  have sum_in := contains_sum (inside_exp a_c in_es).
  have sum_gt0 := sum_exp_list_gt0 rs_some.
  rewrite sum_exp_shift in sum_in.
  have -> : lse_list rs = c + ln (exp (- c) * \sum_(r <- rs) exp r).
    by rewrite ln_mult ?ln_exp //; [rewrite /lse_list; ring | apply: exp_pos].
  apply: contains_add => //; apply: contains_ln => //.
  by apply: Rmult_lt_0_compat => //; apply: exp_pos.
rewrite /log_sum_exp; case: es some in_es general => // e [|//] _.
by case: rs {rs_some} => [|r [|? ?]] [] // e_r _ _; rewrite /lse_list big_seq1 ln_exp.
Qed.

(** ** Shares *)

Fixpoint real_sums_after (rs : seq R) : seq R :=
  if rs is r :: rest then (\sum_(s <- rest) s) :: real_sums_after rest else [::].

Lemma inside_sums_after es rs : inside es rs -> inside (sums_after es) (real_sums_after rs).
Proof.
elim: es rs => [|e es IH] [|r rs] //= [e_r in_es]; split; last exact: IH.
have := IH _ in_es; case: es rs in_es {IH} => [|f es] [|s rs] //=.
  by rewrite big_nil => *; apply: contains_zero.
by case=> f_s _ [after_in _]; rewrite big_cons Rplus_comm; apply: contains_add.
Qed.

Lemma inside_add_before e b es rs :
  contains e b -> inside es rs ->
  inside (add_before e es (sums_after es)) [seq b + \sum_(s <- rs) s - r | r <- rs].
Proof.
move=> + in_es; have := inside_sums_after in_es; move: (sums_after es) => sums.
elim: es rs e b sums in_es => [|f es IH] [|r rs] // e b [|sum sums] //= [f_r in_es] [sum_in sums_in] e_b.
split.
  rewrite big_cons; have -> : b + (r + \sum_(s <- rs) s) - r = b + \sum_(s <- rs) s by ring.
  exact: contains_add.
rewrite big_cons; have -> : b + (r + \sum_(s <- rs) s) = b + r + \sum_(s <- rs) s by ring.
by apply: IH => //; apply: contains_add.
Qed.

Lemma inside_all_but_one es rs :
  inside es rs -> inside (all_but_one es) [seq \sum_(s <- rs) s - r | r <- rs].
Proof.
move/(inside_add_before (contains_zero D)).
by rewrite (eq_map (f2 := fun r => \sum_(s <- rs) s - r)) // => r; rewrite Rplus_0_l.
Qed.

Lemma contains_share e rest x r :
  0 < x -> 0 <= r -> contains e x -> contains rest r -> contains (share e rest) (x / (x + r)).
Proof.
move=> x0 r0 [lo_x hi_x] [lo_r hi_r]; have xr0 : 0 < / (x + r) by apply: Rinv_0_lt_compat; lra.
have share0 : 0 <= x / (x + r) by apply: Rmult_le_pos; lra.
have share1 : x / (x + r) <= 1.
  by apply: (Rmult_le_reg_r (x + r)); [lra | rewrite /Rdiv Rmult_assoc Rinv_l; lra].
rewrite /share; apply: contains_new.
- case: ifP => [/ltP|_]; last by rewrite val_zero.
  rewrite val_zero; case lo_eq: (val (lo e)) lo_x => [||a|] //= a_x a0.
  have sum_up : upper_or_nan (val (add_up (lo e) (hi rest))) (a + r).
    by apply: add_up_above; [rewrite lo_eq; apply: Rle_refl | apply: upper_above].
  have a_share : a / (a + r) <= x / (x + r).
    apply: (Rmult_le_reg_r ((a + r) * (x + r))); first by apply: Rmult_lt_0_compat; lra.
    have -> : a / (a + r) * ((a + r) * (x + r)) = a * (x + r) by field; lra.
    have -> : x / (x + r) * ((a + r) * (x + r)) = x * (a + r) by field; lra.
    by nra.
  have nonzero : val (add_up (lo e) (hi rest)) <> Fin 0.
    by move=> zero_sum; move: sum_up; rewrite zero_sum /=; lra.
  have := div_down_rounded (lo e) nonzero; rewrite lo_eq.
  move: sum_up; case: (val (add_up _ _)) => [||s|] //= sum_up.
  + by move=> ->.
  + move=> le_quotient; apply: lower_below; apply: lower_le le_quotient _ => /=.
    apply: Rle_trans a_share; apply: Rmult_le_compat_l; first lra.
    by apply: Rinv_le_contravar; lra.
  + by move=> le_zero; apply: lower_below; apply: lower_le le_zero share0.
- case: ifP => [/ltP|_]; last by rewrite val_one.
  rewrite val_zero val_min val_one; set total := add_down _ _ => total0.
  have [hi_eq|[b hi_eq]] : val (hi e) = PosInf \/ exists b, val (hi e) = Fin b.
    by case: (val (hi e)) hi_x => // [b|] _; [right; exists b | left].
  + have nonzero : val total <> Fin 0 by move=> total_eq; move: total0; rewrite total_eq /=; lra.
    have := div_up_rounded (hi e) nonzero; rewrite hi_eq.
    case: (val total) total0 => //= [t t0|_ -> //].
    rewrite infinity_of_pos //; case: (val (div_up _ _)) => //=; lra.
  + have b_x : x <= b by move: hi_x; rewrite hi_eq.
    have total_low : lower_or_nan (val total) (b + r).
      by apply: add_down_below; [rewrite hi_eq; apply: Rle_refl | apply: lower_below].
    have nonzero : val total <> Fin 0 by move=> total_eq; move: total0; rewrite total_eq /=; lra.
    have := div_up_rounded (hi e) nonzero; rewrite hi_eq.
    case: (val total) total0 total_low => //= t t0 t_low.
    have b_share : x / (x + r) <= b / t.
      apply: (Rmult_le_reg_r (t * (x + r))); first by apply: Rmult_lt_0_compat; lra.
      have -> : x / (x + r) * (t * (x + r)) = x * t by field; lra.
      have -> : b / t * (t * (x + r)) = b * (x + r) by field; lra.
      by nra.
    case: (val (div_up _ _)) => //= q q_ge.
    by apply: Rmin_glb; lra.
Qed.

(** Each x among positive numbers with the sum of the others: their shares. *)

Fixpoint every (P : R -> Prop) (rs : seq R) := if rs is r :: rest then P r /\ every P rest else True.

Lemma every_at_most_sum b rs c :
  0 <= b ->
  every (fun w => 0 < w <= b + \sum_(v <- [seq exp (r - c) | r <- rs]) v) [seq exp (r - c) | r <- rs].
Proof.
elim: rs b => //= r rs IH b b0; have r0 := exp_pos (r - c).
have tail0 : 0 <= \sum_(v <- [seq exp (r - c) | r <- rs]) v.
  by rewrite big_map; apply: sum_ge0 => s _; apply: Rlt_le (exp_pos _).
rewrite big_cons; split; first lra.
by rewrite -Rplus_assoc; apply: IH; lra.
Qed.

Lemma inside_share_list es rest_es ws total :
    inside es ws -> inside rest_es [seq total - w | w <- ws] -> total <> 0 ->
    every (fun w => 0 < w <= total) ws ->
  inside [seq share p.1 p.2 | p <- zip es rest_es] [seq w / total | w <- ws].
Proof.
elim: es rest_es ws => [|e es IH] [|f rest_es] [|w ws] //= [e_w es_ws] [f_w rest_ws] total0 [[w0 w_le] bounds].
split; last exact: IH.
by have := contains_share w0 _ e_w f_w; rewrite (_ : w + (total - w) = total);
  [apply; lra | ring].
Qed.

Lemma inside_shares es rs :
    shares es <> [::] -> inside es rs ->
  inside (shares es) [seq exp r / \sum_(s <- rs) exp s | r <- rs].
Proof.
rewrite /shares; case anchored: (anchor es) => [a|] // nonempty in_es.
have some : rs <> [::] by case: rs in_es => //; case: es nonempty {anchored} => // [[]].
have [c a_c] := anchorP anchored; have weight_in := inside_exp a_c in_es.
have rest_in := inside_all_but_one weight_in.
have sum_gt0 := sum_exp_list_gt0 some; have c0 := exp_pos (- c).
have sum_shift := sum_exp_shift rs c; set total := \sum_(w <- _) w in rest_in sum_shift.
have total0 : 0 < total by rewrite sum_shift; apply: Rmult_lt_0_compat.
have scaled_share r : exp (r - c) / total = exp r / \sum_(s <- rs) exp s.
  rewrite sum_shift /Rminus exp_plus; field; lra.
rewrite -(eq_map scaled_share) (map_comp (fun w => w / total) (fun r => exp (r - c))).
apply: inside_share_list => //; first lra.
by have := every_at_most_sum rs c (Rle_refl 0); rewrite Rplus_0_l.
Qed.

(** ** The value of the projected teacher *)

Section Projected.

Variables (I : eqType) (l : seq I) (F G : I -> enclosure) (th q : I -> R).
Hypothesis F_th : forall i, i \in l -> contains (F i) (th i).
Hypothesis G_q : forall i, i \in l -> contains (G i) (q i).

Let center i := exact (midpoint (F i)).
Let th' i := real (midpoint (F i)).

Lemma center_th' i : i \in l -> contains (center i) (th' i).
Proof. by move=> /F_th /midpoint_finite /realP; apply: contains_exact. Qed.

Lemma th'_inside i : i \in l -> contains (F i) (th' i).
Proof. by move=> i_l; apply: midpoint_inside (F_th i_l) (realP (midpoint_finite (F_th i_l))). Qed.

(** What the loop has seen of the box. *)

Lemma look_at_all l' b0 :
    (forall i, i \in l' -> i \in l) ->
  let b := foldl (@look_at D) b0 [seq (F i, G i) | i <- l'] in
  [/\ point b = point b0 ++ [seq center i | i <- l'],
      forall r, upper (val (radius b0)) r -> upper (val (radius b)) r,
      forall r, lower (val (d_lo b0)) r -> lower (val (d_lo b)) r,
      forall r, upper (val (d_hi b0)) r -> upper (val (d_hi b)) r
    & forall i, i \in l' ->
        [/\ upper (val (radius b)) (Rabs (th i - th' i)),
            lower (val (d_lo b)) (Rmin (th i - q i) (th' i - q i))
          & upper (val (d_hi b)) (Rmax (th i - q i) (th' i - q i))]].
Proof.
elim: l' b0 => [|i l' IH] b0 sub /=; first by rewrite cats0.
have i_l : i \in l by apply: sub; rewrite mem_head.
have sub' j : j \in l' -> j \in l by move=> j_l'; apply: sub; rewrite inE j_l' orbT.
have [points radii lows highs seen] := IH (look_at b0 (F i, G i)) sub'.
split=> [|r r_in|r r_in|r r_in|j].
- by rewrite points /= cat_rcons.
- by apply: radii; rewrite /= val_max; apply: upper_max_l.
- by apply: lows; rewrite /= val_min; apply: lower_min_l.
- by apply: highs; rewrite /= val_max; apply: upper_max_l.
rewrite inE => /orP[/eqP ->|/seen //].
have away : contains (enclosure_abs (enclosure_sub (F i) (center i))) (Rabs (th i - th' i)).
  by apply: contains_abs; apply: contains_sub; [apply: F_th | apply: center_th'].
have d_th : contains (enclosure_sub (F i) (G i)) (th i - q i).
  by apply: contains_sub; [apply: F_th | apply: G_q].
have d_th' : contains (enclosure_sub (F i) (G i)) (th' i - q i).
  by apply: contains_sub; [apply: th'_inside | apply: G_q].
split.
- by apply: radii; rewrite /= val_max; apply: upper_max_r; case: away.
- apply: lows; rewrite /= val_min; apply: lower_min_r; rewrite /Rmin.
  by case: Rle_dec => _; [case: d_th | case: d_th'].
- apply: highs; rewrite /= val_max; apply: upper_max_r; rewrite /Rmax.
  by case: Rle_dec => _; [case: d_th' | case: d_th].
Qed.

(** A bound for finitely many numbers that an end bounds, infinite or not. *)

Lemma upper_bound x (f : I -> R) :
  (forall i, i \in l -> upper x (f i)) ->
  l != [::] -> exists2 M, (forall i, i \in l -> f i <= M) & upper x M.
Proof.
move=> bounds; case: l bounds => // i0 l' bounds _.
have := bounds i0 (mem_head _ _); case: x bounds => //= [a|] bounds _.
  by exists a => //; apply: Rle_refl.
exists (\big[Rmax/0]_(i <- i0 :: l' | true) f i) => // i i_l; exact: max_ge.
Qed.

Lemma lower_bound x (f : I -> R) :
  (forall i, i \in l -> lower x (f i)) ->
  l != [::] -> exists2 M, (forall i, i \in l -> M <= f i) & lower x M.
Proof.
move=> bounds some; have [|M le_M x_M] := @upper_bound (ext_opp x) (fun i => - f i) _ some.
  by move=> i /bounds; apply: upper_opp.
exists (- M) => [i /le_M|]; first lra.
by have := lower_opp x_M; rewrite ext_opp_involutive.
Qed.

(** Shares times distances, term by term. *)

Lemma inside_terms ss (w : I -> R) c r l' :
    inside ss [seq w i | i <- l'] -> contains c r -> (forall i, i \in l' -> i \in l) ->
  inside [seq enclosure_mul t.1 (enclosure_sub (enclosure_sub t.2.1 t.2.2) c)
         | t <- zip ss (zip [seq center i | i <- l'] [seq G i | i <- l'])]
         [seq w i * (th' i - q i - r) | i <- l'].
Proof.
move=> + c_r; elim: l' ss => [|i l' IH] [|s ss] //= [s_w ss_w] sub.
have i_l : i \in l by apply: sub; rewrite mem_head.
split; last by apply: IH => // j j_l'; apply: sub; rewrite inE j_l' orbT.
apply: contains_mul => //; apply: contains_sub => //; apply: contains_sub; last exact: G_q.
exact: center_th'.
Qed.

Lemma zip_maps (T U : Type) (f : I -> T) (g : I -> U) (s : seq I) :
  zip [seq f i | i <- s] [seq g i | i <- s] = [seq (f i, g i) | i <- s].
Proof. by elim: s => //= i s ->. Qed.

Theorem contains_projected_value :
  l != [::] ->
  contains (projected_value [seq F i | i <- l] [seq G i | i <- l]) (value_of l th q).
Proof.
move=> l_some.
have [i0 i0_l] : exists i, i \in l by case: l l_some => // i s _; exists i; rewrite mem_head.
have general : contains
  (let b := foldl (@look_at D) (Box (zero D) (infinity D) (neg_infinity D) [::])
      (zip [seq F i | i <- l] [seq G i | i <- l]) in
    let c := exact (mean (d_lo b) (d_hi b)) in
    let shares := shares (point b) in
    if ~~ is_bounded c || (size shares != size [seq G i | i <- l]) then entire D
    else
      let slack := mul_up (half D) (mul_up (radius b) (sub_up (d_hi b) (d_lo b))) in
      let sum := foldl
        (fun sum t => enclosure_add sum
           (enclosure_mul t.1 (enclosure_sub (enclosure_sub t.2.1 t.2.2) c)))
        (enclosure_zero D) (zip shares (zip (point b) [seq G i | i <- l])) in
      widen (enclosure_sub (enclosure_sub (log_sum_exp (point b)) c) sum) (neg slack) slack)
  (value_of l th q).
  rewrite zip_maps; have := @look_at_all l (Box (zero D) (infinity D) (neg_infinity D) [::]) (fun _ => id).
  set b := foldl _ _ _ => /= -[points _ _ _ seen].
  case: ifPn => [_|]; first exact: contains_entire.
  rewrite negb_or !negbK => /andP[c_bounded /eqP sized]; rewrite points in sized *.
  (* the shift c *)
  have [c c_in] : exists c, contains (exact (mean (d_lo b) (d_hi b))) c.
    move: c_bounded; rewrite /exact; case: ifP => [c_ok _|_].
      by exists (real (mean (d_lo b) (d_hi b))); split; rewrite /= realP //; apply: Rle_refl.
    by rewrite /is_bounded /= /is_finite => /andP[/andP[/ltP]]; rewrite val_neg_infinity.
  (* the box *)
  have [rho close radius_rho] := @upper_bound _ (fun i => Rabs (th i - th' i))
    (fun i i_l => let: And3 r _ _ := seen i i_l in r) l_some.
  have [mm ge_mm low_mm] := @lower_bound _ (fun i => Rmin (th i - q i) (th' i - q i))
    (fun i i_l => let: And3 _ r _ := seen i i_l in r) l_some.
  have [MM le_MM high_MM] := @upper_bound _ (fun i => Rmax (th i - q i) (th' i - q i))
    (fun i i_l => let: And3 _ _ r := seen i i_l in r) l_some.
  have range i : i \in l -> mm <= th i - q i <= MM /\ mm <= th' i - q i <= MM.
    move=> i_l; have := ge_mm i i_l; have := le_MM i i_l.
    have := Rmin_l (th i - q i) (th' i - q i); have := Rmin_r (th i - q i) (th' i - q i).
    have := Rmax_l (th i - q i) (th' i - q i); have := Rmax_r (th i - q i) (th' i - q i).
    by lra.
  have rho0 : 0 <= rho by apply: Rle_trans (close i0 i0_l); apply: Rabs_pos.
  have range0 : 0 <= MM - mm by have := range i0 i0_l; lra.
  (* the value moves by at most the slack *)
  have moves := value_of_moves l_some close (fun i i_l => proj1 (range i i_l))
                  (fun i i_l => proj2 (range i i_l)).
  set slack := mul_up (half D) _.
  have slack_up : upper_or_nan (val slack) (1 / 2 * (rho * (MM - mm))).
    apply: mul_up_above; [lra | exact: Rmult_le_pos | by rewrite val_half; apply: Rle_refl |].
    apply: mul_up_above => //; first exact: upper_above.
    by apply: sub_up_above; [apply: upper_above | apply: lower_below].
  have -> : value_of l th q = value_of l th' q + (value_of l th q - value_of l th' q) by ring.
  have [lo_move hi_move] := Rabs_le_inv moves.
  apply: contains_widen; last 2 first.
  - rewrite val_neg; move: slack_up; case: (val slack) => //= a; lra.
  - by move: slack_up; case: (val slack) => //= a; lra.
  (* the value at the point *)
  have in_points : inside [seq center i | i <- l] [seq th' i | i <- l].
    by apply: inside_map; apply: center_th'.
  rewrite (value_of_gap l_some _ _ c); apply: contains_sub; first apply: contains_sub => //.
    have -> : lse_of l th' = lse_list [seq th' i | i <- l] by rewrite /lse_list big_map.
    by apply: contains_log_sum_exp => //; case: l l_some.
  have shares_some : shares [seq center i | i <- l] <> [::].
    by move=> none; move: sized; rewrite none size_map; case: l l_some.
  have := inside_shares shares_some in_points.
  rewrite -map_comp (eq_map (f2 := share_of l th')); last first.
    by move=> i; rewrite /= /share_of /exp_sum big_map.
  move=> in_shares; have := inside_terms in_shares c_in (fun _ => id).
  move/contains_sum; rewrite big_map /sum_of_enclosures.
  by rewrite -(foldl_map (@enclosure_add D) (fun t : enclosure * (enclosure * enclosure) => _)).
rewrite /projected_value; case: l l_some i0_l general F_th G_q => [|i [|j s]] // _ _ _ _ holds.
have -> : value_of [:: i] th q = q i; last by apply: holds; rewrite mem_head.
rewrite /value_of /share_of /exp_sum !big_seq1 /Rdiv Rinv_r ?ln_1; first ring.
by have := exp_pos (th i); lra.
Qed.

End Projected.

End Sweep.
