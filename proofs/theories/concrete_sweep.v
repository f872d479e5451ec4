(** * The sweeps of a certificate, on intervals

    From values V, given as dyadic numbers that came from anywhere, to intervals that hold V*,
    the values of Q̄_p* and those of the projected teacher: one sweep over the table gives the
    residual of V, and the theorems of certificate.v what follows from it. *)

From Bellman Require Export concrete_lists certificate bounds.
From Bellman Require Import checker.width.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** ** The sweeps *)

Section Sweeps.

Variables (n m : nat) (d : table n m).
Implicit Types (v w : seq interval) (vs : seq dyadic) (L : nat -> seq 'I_m) (kept : seq (seq 'I_m)).

Definition whole : interval := Float.Inan.
Definition per_state (f : nat -> interval) : seq interval := [seq f s | s <- iota 0 n].
Definition at_state v s : interval := nth whole v s.
Definition guess vs s : dyadic := nth (dy 0 0) vs s.

Definition gamma_i : interval := point (discount d).

Definition expected_i v (es : seq (edge n)) : interval :=
  div (sum_i [seq mul (integer (Zpos (weight e))) (at_state v (target e)) | e <- es])
      (sum_i [seq integer (Zpos (weight e)) | e <- es]).

Definition backup_i v s (a : nat) : interval :=
  if chosen d s a is Some c then add (point (earns c)) (mul gamma_i (expected_i v (goes c)))
  else integer 0.

Definition soft_i v vs L s : interval :=
  lse_i (point (guess vs s)) [seq backup_i v s a | a : 'I_m <- L s].

(** Of residuals: one interval that holds them all, and 0. *)

Definition spread (r : nat -> interval) : interval := foldr hull (integer 0) (per_state r).

(** What values they leave. *)

Definition around vs (r : interval) : seq interval :=
  let shift := if bounded_interval r then div r (sub (integer 1) gamma_i) else whole in
  per_state (fun s => add (point (guess vs s)) shift).

Definition points vs : seq interval := per_state (fun s => point (guess vs s)).

Definition soft_certified L vs : seq interval :=
  let v := points vs in
  around vs (spread (fun s => sub (soft_i v vs L s) (point (guess vs s)))).

Definition offered_in s : seq 'I_m := [seq action c | c <- offered d s].

(** V* and Q̄_p*'s values, *)

Definition star_i vs : seq interval := soft_certified offered_in vs.
Definition top_p_i kept vs : seq interval := soft_certified (kept_in kept) vs.

(** and those of the projected teacher, whose weights depend on Q* itself. They are computed for a
    table nearby, r + γ E V: with θ that table, L = log Σ_A exp θ and w = exp(θ − L),
    Σ_A w (q − log w) = L − c − Σ_A w (θ − q − c) for any c. What Q* in place of θ can change is
    in checker/width.v: at most ½ ρ (max − min) of Q* − q and θ − q, where |Q* − θ| ≤ ρ. *)

Definition policy_at v vs w ws L s : interval :=
  let norm := soft_i v vs L s in
  let c := sub (point (guess vs s)) (point (guess ws s)) in
  let term (a : 'I_m) :=
    let theta := backup_i v s a in
    mul (expi (sub theta norm)) (sub (sub theta (backup_i w s a)) c) in
  sub (sub norm c) (sum_i [seq term a | a <- L s]).

Definition hulls (xs : seq interval) : interval := foldr hull (last whole xs) xs.

Definition range_slack (moves range : interval) : interval :=
  if bounded_interval moves && bounded_interval range then
    mul (div (hull moves (sub (integer 0) moves)) (integer 2)) (sub range range)
  else whole.

Definition policy_i star v vs w ws L s : interval :=
  let moves := hulls [seq sub (backup_i star s a) (backup_i v s a) | a : 'I_m <- L s] in
  let range := hulls [seq hull (sub (backup_i star s a) (backup_i w s a))
                               (sub (backup_i v s a) (backup_i w s a)) | a : 'I_m <- L s] in
  add (policy_at v vs w ws L s) (range_slack moves range).

Definition projected_i star kept vs ws : seq interval :=
  let v := points vs in
  let w := points ws in
  around ws (spread (fun s => sub (policy_i star v vs w ws (kept_in kept) s) (point (guess ws s)))).

(** The mass of a set, and whether it is at least p. *)

Definition mass_i star vs kept s : interval :=
  expi (sub (soft_i star vs (kept_in kept) s) (at_state star s)).

Definition keeps_all kept s : bool :=
  all (fun a : 'I_m => (a : nat) \in [seq nat_of_ord b | b : 'I_m <- kept_in kept s]) (offered_in s).

(** Where all actions on offer do the same, the mass is the share of those kept, exactly: no
    interval could tell that it reaches p when it is p. *)

Definition all_alike s : bool :=
  if offered d s is c :: _ then all (same_choice c) (offered d s) else false.

Definition share_reaches (p : interval) kept s : bool :=
  nonnegative (sub (integer (Z.of_nat (size (kept_in kept s))))
                   (mul p (integer (Z.of_nat (size (offered_in s)))))).

Definition carries_i (p : interval) star vs kept : bool :=
  nonnegative (sub (integer 1) p) &&
  all (fun s => [|| keeps_all kept s, all_alike s && share_reaches p kept s |
                    nonnegative (sub (mass_i star vs kept s) p)]) (iota 0 n).

(** γ E (v − w), the difference of two backups. *)

Definition gap_i v w : nat -> nat -> interval :=
  let u := per_state (fun s => sub (at_state v s) (at_state w s)) in
  fun s a => if chosen d s a is Some c then mul gamma_i (expected_i u (goes c)) else integer 0.

Definition kappa_i (p : interval) : interval :=
  div (mul (sub (integer 0) gamma_i) (lni p)) (sub (integer 1) gamma_i).

(** Candidate sets: each keeps something, nothing twice, and only what is on offer. *)

Definition kept_ok kept : bool :=
  all (fun s => [&& ~~ nilp (kept_in kept s), uniq [seq nat_of_ord a | a : 'I_m <- kept_in kept s] &
    all (fun a : 'I_m => (a : nat) \in [seq nat_of_ord b | b : 'I_m <- offered_in s]) (kept_in kept s)]) (iota 0 n).

(** ** They hold what they are meant to hold *)

Hypothesis ok : well_formed d.
Let M := model d ok.

Definition holds v (V : 'I_n -> R) := forall s : 'I_n, inside (at_state v s) (V s).

Lemma inside_whole x : inside whole x.
Proof. by []. Qed.

Lemma at_per_state (f : nat -> interval) (s : 'I_n) : at_state (per_state f) s = f s.
Proof. by rewrite /at_state (nth_map 0%N) ?size_iota ?nth_iota. Qed.

Lemma points_hold vs : holds (points vs) (fun s => value (guess vs s)).
Proof. by move=> s; rewrite at_per_state; apply: point_inside. Qed.

Lemma expected_inside v (V : 'I_n -> R) es : holds v V ->
  inside (expected_i v es) (\sum_s weight_of es s / total_weight es * V s).
Proof.
move=> vV.
have -> : \sum_s weight_of es s / total_weight es * V s =
    (\sum_(e <- es) IZR (Zpos (weight e)) * V (target e)) / total_weight es.
  transitivity (\sum_s (weight_of es s * V s) * / total_weight es).
    by apply: eq_bigr => s _; rewrite /Rdiv; ring.
  rewrite sum_scale_r; congr (_ * _); rewrite /weight_of.
  under eq_bigr do rewrite -sum_scale_r.
  rewrite (exchange_big_dep xpredT) //=; apply: eq_bigr => e _.
  by rewrite (big_pred1 (target e)) // => s; rewrite eq_sym.
apply: div_inside; last by apply: sum_inside => e; apply: integer_inside.
by apply: sum_inside => e; apply: mul_inside (integer_inside _) _; apply: vV.
Qed.

Lemma gamma_inside : inside gamma_i (gamma M).
Proof. exact: point_inside. Qed.

Lemma one_minus_gamma_inside : inside (sub (integer 1) gamma_i) (1 - gamma M).
Proof. by apply: sub_inside gamma_inside; apply: (integer_inside 1). Qed.

Lemma backup_inside v (V : 'I_n -> R) (s : 'I_n) (a : 'I_m) :
  holds v V -> inside (backup_i v s a) (backup M V s a).
Proof.
move=> vV; rewrite /backup_i /backup /expected /= /table_reward /table_step.
case: chosen => [c|]; last first.
  have -> : 0 + value (discount d) * (\sum_s' (0 * V s')) = 0.
    by rewrite big1 ?Rmult_0_r ?Rplus_0_r // => s' _; apply: Rmult_0_l.
  exact: (integer_inside 0).
by apply: add_inside (point_inside _) _; apply: mul_inside gamma_inside (expected_inside _ vV).
Qed.

Lemma gap_inside v w (V W : 'I_n -> R) (s : 'I_n) (a : 'I_m) :
  holds v V -> holds w W -> inside (gap_i v w s a) (backup M V s a - backup M W s a).
Proof.
move=> vV wW; rewrite /gap_i backup_sub /expected /= /table_step.
case: chosen => [c|]; last first.
  rewrite big1 ?Rmult_0_r; first exact: (integer_inside 0).
  by move=> s' _; apply: Rmult_0_l.
apply: mul_inside gamma_inside (expected_inside _ _) => s'.
by rewrite at_per_state; apply: sub_inside.
Qed.

Lemma soft_inside v (V : 'I_n -> R) vs L (s : 'I_n) :
  holds v V -> uniq (L s) -> ~~ nilp (L s) ->
  inside (soft_i v vs L s) (lse [set a in L s] (backup M V s)).
Proof.
move=> vV L_uniq L_some; apply: lse_inside (point_inside _) _ => // a.
exact: backup_inside.
Qed.

Lemma spread_inside0 (r : nat -> interval) : inside (spread r) 0.
Proof.
rewrite /spread; elim: (per_state r) => [|i l IH] /=; first exact: (integer_inside 0).
by apply: hull_inside; right.
Qed.

Lemma spread_inside (r : nat -> interval) (s : 'I_n) x : inside (r s) x -> inside (spread r) x.
Proof.
move=> rx; have : (s : nat) \in iota 0 n by rewrite mem_iota ltn_ord.
rewrite /spread /per_state; elim: (iota 0 n) => //= t l IH.
rewrite inE => /orP[/eqP st|/IH l_x]; apply: hull_inside; [left; rewrite -st|right] => //.
Qed.

(** The theorems of certificate.v, with their bounds read off an interval. *)

Lemma around_hold vs (r : nat -> interval) (res W : 'I_n -> R) :
    (forall s : 'I_n, inside (r s) (res s)) ->
    (forall lo hi, (forall s, lo <= res s <= hi) -> forall s : 'I_n,
      value (guess vs s) + Rmin lo 0 / (1 - gamma M) <= W s
        <= value (guess vs s) + Rmax hi 0 / (1 - gamma M)) ->
  holds (around vs (spread r)) W.
Proof.
move=> r_res certified s; rewrite /around at_per_state; case bnd: bounded_interval; last first.
  have -> : W s = value (guess vs s) + (W s - value (guess vs s)) by ring.
  by apply: add_inside (point_inside _) (inside_whole _).
have [lo [hi lohi]] := bounded_inside bnd.
have [lo0 hi0] : lo <= 0 <= hi by apply/lohi; apply: spread_inside0.
have /certified/(_ s) : forall s, lo <= res s <= hi by move=> t; apply/lohi; apply: spread_inside.
rewrite Rmin_left // Rmax_left //; have g1 := gamma_lt1 M; set V := value _ => -[W_ge W_le].
have -> : W s = V + (W s - V) * (1 - gamma M) / (1 - gamma M) by field; lra.
apply: add_inside (point_inside _) (div_inside _ one_minus_gamma_inside).
have cancel c : c / (1 - gamma M) * (1 - gamma M) = c by field; lra.
by apply/lohi; rewrite -(cancel lo) -(cancel hi); split; apply: Rmult_le_compat_r; lra.
Qed.

Lemma soft_certified_hold L vs (W : 'I_n -> R) :
    (forall s : 'I_n, uniq (L s) /\ ~~ nilp (L s)) ->
    (forall V lo hi, (forall s, lo <= soft_sweep M (fun s => [set a in L s]) V s - V s <= hi) ->
      forall s, V s + Rmin lo 0 / (1 - gamma M) <= W s <= V s + Rmax hi 0 / (1 - gamma M)) ->
  holds (soft_certified L vs) W.
Proof.
move=> L_ok certified; apply: around_hold => [s|lo hi]; last exact: certified.
by case: (L_ok s) => ? ?; apply: sub_inside (point_inside _); apply: soft_inside (points_hold vs) _ _.
Qed.

Theorem star_hold vs : holds (star_i vs) (V_star M).
Proof.
apply: soft_certified_hold => [s|V lo hi]; last exact: (@V_star_certified _ _ M).
by have [] := offered_ok ok s; rewrite /offered_in /nilp size_map.
Qed.

(** ** Candidate sets *)

Section Sets.

Variable kept : seq (seq 'I_m).
Hypothesis kept_in_ok : kept_ok kept.
Let B : 'I_n -> {set 'I_m} := sets kept.

Lemma kept_list (s : 'I_n) :
  [/\ ~~ nilp (kept_in kept s), uniq (kept_in kept s) & B s \subset offers M s].
Proof.
move/allP: kept_in_ok => /(_ (s : nat)); rewrite mem_iota ltn_ord => /(_ isT) /and3P[-> u /allP sub].
rewrite -(map_inj_uniq (@ord_inj m)) u; split=> //; apply/subsetP => a; rewrite !inE => /sub.
by rewrite (mem_map (@ord_inj m)).
Qed.

Lemma sets_candidates : candidates M B.
Proof.
move=> s; have [some _ sub] := kept_list s; split=> //.
by apply/set0Pn; case l: kept_in some => [|a l'] // _; exists a; rewrite inE l mem_head.
Qed.

Theorem top_p_hold vs : holds (top_p_i kept vs) (V_p_star M B).
Proof.
apply: soft_certified_hold => [s|V lo hi]; first by have [] := kept_list s.
exact: (V_p_star_certified sets_candidates).
Qed.

(** The sweep as a sum over the list of a set. *)

Lemma policy_sweep_list V (s : 'I_n) :
  policy_sweep M B (teacher M) V s = value_of (kept_in kept s) (Q_star M s) (backup M V s).
Proof.
have [_ u _] := kept_list s; rewrite /value_of -sum_list //; apply: eq_bigr => a aB.
suff -> : projection B (teacher M) s a = share_of (kept_in kept s) (Q_star M s) a by [].
rewrite projection_boltzmann //; last exact: candidates_some sets_candidates.
have B0 := candidates_some s sets_candidates.
rewrite /boltzmann /share_of /exp_sum -sum_list // -(exp_lse _ B0) /soft_value.
by rewrite /Rdiv -exp_Ropp -exp_plus.
Qed.

Lemma lse_of_list (s : 'I_n) q : lse_of (kept_in kept s) q = lse (B s) q.
Proof. by have [_ u _] := kept_list s; rewrite /lse_of /exp_sum -sum_list. Qed.

Lemma policy_at_inside v (V : 'I_n -> R) vs w (W : 'I_n -> R) ws (s : 'I_n) :
  holds v V -> holds w W ->
  inside (policy_at v vs w ws (kept_in kept) s) (value_of (kept_in kept s) (backup M V s) (backup M W s)).
Proof.
move=> vV wW; have [some u _] := kept_list s.
have some' : kept_in kept s != [::] by case: (kept_in kept s) some.
rewrite (value_of_gap some' _ _ (value (guess vs s) - value (guess ws s))).
have lse_in : inside (soft_i v vs (kept_in kept) s) (lse_of (kept_in kept s) (backup M V s)).
  by rewrite lse_of_list; apply: soft_inside.
have c_in := sub_inside (point_inside (guess vs s)) (point_inside (guess ws s)).
apply: (sub_inside (sub_inside lse_in c_in)); apply: sum_inside => a.
have theta_in : inside (backup_i v s a) (backup M V s a) by apply: backup_inside.
apply: mul_inside; last first.
  by apply: (sub_inside _ c_in); apply: (sub_inside theta_in); apply: backup_inside.
have -> : share_of (kept_in kept s) (backup M V s) a =
    exp (backup M V s a - lse_of (kept_in kept s) (backup M V s)).
  have e0 := exp_sum_gt0 some' (backup M V s).
  by rewrite /share_of /Rminus exp_plus exp_Ropp /lse_of exp_ln.
exact: (exp_inside (sub_inside theta_in lse_in)).
Qed.

Lemma hulls_inside (l : seq 'I_m) (f : 'I_m -> interval) x :
  (exists2 a, a \in l & inside (f a) x) -> inside (hulls [seq f a | a <- l]) x.
Proof.
case=> a + fx; rewrite /hulls; move: (last _ _) => z; elim: l => //= b l IH.
by rewrite inE => /orP[/eqP <-|/IH l_x]; apply: hull_inside; [left|right].
Qed.

Lemma range_slack_inside moves range y :
    (forall lo hi, (forall x, inside moves x -> lo <= x <= hi) ->
      forall m M, (forall x, inside range x -> m <= x <= M) ->
      Rabs y <= Rmax (- lo) hi / 2 * (M - m)) ->
    (exists x, inside moves x) -> (exists x, inside range x) ->
  inside (range_slack moves range) y.
Proof.
move=> le_y [x0 x0_in] [x1 x1_in]; rewrite /range_slack; case: ifP => // /andP[b_moves b_range].
have [lo [hi moves_iff]] := bounded_inside b_moves.
have [l [h range_iff]] := bounded_inside b_range.
have {}le_y := le_y lo hi (fun x => proj1 (moves_iff x)) l h (fun x => proj1 (range_iff x)).
have lohi : lo <= hi by have /moves_iff := x0_in; lra.
have lh : l <= h by have /range_iff := x1_in; lra.
have lo_in : inside moves lo by apply/moves_iff; lra.
have hi_in : inside moves hi by apply/moves_iff; lra.
have l_in : inside range l by apply/range_iff; lra.
have h_in : inside range h by apply/range_iff; lra.
have rho_in : inside (hull moves (sub (integer 0) moves)) (Rmax (- lo) hi).
  apply: hull_inside; rewrite /Rmax; case: Rle_dec => _; [by left|right].
  by rewrite -[- lo]Rminus_0_l; apply: sub_inside lo_in; apply: (integer_inside 0).
have half_in := div_inside rho_in (integer_inside 2).
have up := mul_inside half_in (sub_inside h_in l_in).
have down := mul_inside half_in (sub_inside l_in h_in).
apply: (between_inside down up); have := Rabs_le_inv le_y.
set r := Rmax _ _ / 2; have -> : r * (l - h) = - (r * (h - l)) by ring.
by [].
Qed.

Theorem projected_hold vs ws : holds (projected_i (star_i vs) kept vs ws) (V_projected M B (teacher M)).
Proof.
have pi_ok := teacher_projectable sets_candidates.
apply: around_hold => [s|lo hi]; last exact: (V_projected_certified sets_candidates pi_ok).
apply: sub_inside (point_inside _); have [some u _] := kept_list s.
have some' : kept_in kept s != [::] by case: (kept_in kept s) some.
rewrite policy_sweep_list; set q := backup M _ s; set l := kept_in kept s.
pose theta := backup M (fun s => value (guess vs s)) s.
have -> : value_of l (Q_star M s) q = value_of l theta q + (value_of l (Q_star M s) q - value_of l theta q).
  by ring.
have v_in := points_hold vs; have w_in := points_hold ws; have star_in := star_hold vs.
apply: add_inside; first exact: policy_at_inside.
have Q_in (a : 'I_m) : inside (backup_i (star_i vs) s a) (Q_star M s a).
  by rewrite Q_star_V; apply: backup_inside.
have theta_in (a : 'I_m) : inside (backup_i (points vs) s a) (theta a) by apply: backup_inside.
have q_in (a : 'I_m) : inside (backup_i (points ws) s a) (q a) by apply: backup_inside.
have [a0 a0_l] : exists a, a \in l by rewrite /l; case: (kept_in _ _) some => // a t _; exists a; rewrite mem_head.
have moves_in a : a \in l -> inside (hulls [seq sub (backup_i (star_i vs) s a) (backup_i (points vs) s a)
    | a : 'I_m <- l]) (Q_star M s a - theta a).
  by move=> a_l; apply: hulls_inside; exists a => //; apply: sub_inside.
have range_in a : a \in l -> forall x, x = Q_star M s a - q a \/ x = theta a - q a ->
    inside (hulls [seq hull (sub (backup_i (star_i vs) s a) (backup_i (points ws) s a))
      (sub (backup_i (points vs) s a) (backup_i (points ws) s a)) | a : 'I_m <- l]) x.
  move=> a_l x x_is; apply: hulls_inside; exists a => //; apply: hull_inside.
  by case: x_is => ->; [left|right]; apply: sub_inside.
apply: range_slack_inside => [lo hi moves m' M' range| |].
- apply: value_of_moves => // a a_l.
  + have := moves _ (moves_in a a_l); have := Rmax_l (- lo) hi; have := Rmax_r (- lo) hi.
    by move=> ? ? ?; apply: Rabs_le; lra.
  + by apply/range/(range_in a a_l); left.
  + by apply/range/(range_in a a_l); right.
- by exists (Q_star M s a0 - theta a0); apply: moves_in.
- by exists (theta a0 - q a0); apply: (range_in a0 a0_l); right.
Qed.

Lemma all_alike_Q (s : 'I_n) : all_alike s ->
  exists q, forall a, a \in offers M s -> Q_star M s a = q.
Proof.
rewrite /all_alike; case off: (offered d s) => [|c cs] // alike.
exists (value (earns c) +
  gamma M * \sum_s' (weight_of (goes c) s' / total_weight (goes c) * V_star M s')) => a.
rewrite inE off Q_star_V /backup /expected /= /table_reward /table_step /chosen off.
move=> /(@first_found _ _ (c :: cs))[c' found].
have := first_has alike found; rewrite /first in found; rewrite found.
by case/andP => /same_dyadic_eq <- /same_edges_eq <-.
Qed.

Lemma share_mass (s : 'I_n) : all_alike s ->
  mass B (teacher M) s * INR (size (offered_in s)) = INR (size (kept_in kept s)).
Proof.
case/all_alike_Q => q q_eq; have [_ u sub] := kept_list s; have [_ u'] := offered_ok ok s.
pose e := exp (q - V_star M s).
have t_eq a : a \in offers M s -> teacher M s a = e.
  by move=> aO; rewrite /teacher /boltzmann q_eq.
have <- : #|B s| = size (kept_in kept s) by rewrite cardsE; apply/card_uniqP.
have <- : #|offers M s| = size (offered_in s) by rewrite cardsE; apply/card_uniqP.
have [_ one] := teacher_policy M s; rewrite (eq_bigr (fun=> e)) // sum_const in one.
rewrite /mass (eq_bigr (fun=> e)) => [|a /(subsetP sub)/t_eq //]; rewrite sum_const.
by rewrite Rmult_assoc [e * _]Rmult_comm one Rmult_1_r.
Qed.

Theorem carries_hold pi p vs :
  inside pi p -> carries_i pi (star_i vs) vs kept -> p <= 1 /\ carries p B (teacher M).
Proof.
move=> p_in /andP[p1 /allP all_ok].
have p_le1 : p <= 1.
  suff: 0 <= 1 - p by lra.
  by apply: (nonnegative_inside p1 (sub_inside _ p_in)); apply: (integer_inside 1).
split=> // s; have := all_ok (s : nat); rewrite mem_iota ltn_ord => /(_ isT) /or3P[full|/andP[alike reaches]|].
- suff -> : mass B (teacher M) s = 1 by [].
  rewrite /mass; have [_ <-] := teacher_policy M s; apply: eq_bigl => a; rewrite !inE.
  apply/idP/idP => [aB|].
    by have [_ _ /subsetP/(_ a)] := kept_list s; rewrite !inE; apply.
  by move/allP: full => /(_ a) keeps /keeps; rewrite (mem_map (@ord_inj m)).
- have := share_mass alike; have size_gt0 : 0 < INR (size (offered_in s)).
    apply: lt_0_INR; apply/ltP; rewrite size_map lt0n -/(nilp _).
    by case: (offered_ok ok s).
  have : 0 <= INR (size (kept_in kept s)) - p * INR (size (offered_in s)).
    rewrite !INR_IZR_INZ; apply: (nonnegative_inside reaches); apply: sub_inside (integer_inside _) _.
    by apply: (mul_inside p_in); apply: integer_inside.
  by nra.
- move=> ok_s; suff: 0 <= mass B (teacher M) s - p by lra.
apply: (nonnegative_inside ok_s (sub_inside _ p_in)); have [some u _] := kept_list s.
rewrite mass_boltzmann; last exact: candidates_some sets_candidates.
apply: exp_inside; apply: sub_inside; last exact: star_hold.
apply: lse_inside (point_inside _) _ => // a.
by rewrite Q_star_V; apply: backup_inside (star_hold vs).
Qed.

End Sets.

Lemma kappa_hold pi p : inside pi p -> inside (kappa_i pi) (kappa M p).
Proof.
move=> p_in; apply: div_inside one_minus_gamma_inside; apply: mul_inside (ln_inside p_in).
by rewrite -[- gamma M]Rminus_0_l; apply: sub_inside gamma_inside; apply: (integer_inside 0).
Qed.

End Sweeps.
