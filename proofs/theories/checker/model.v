(** * The checker's model of an MDP

    certificate/src/model.rs: flat arrays, checked against each other, and the exact totals of
    the rows. States and pairs are numbers; a pair is an offered (state, action). The transition
    probability is weight / (exact sum of the row's weights), so every row is stochastic whatever
    doubles were given. Labels of actions have no influence and are left out. *)

From Bellman Require Export checker.expansion.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Record model (D : operations) := Model {
  state_offsets : seq nat;
  rewards : seq D;
  row_offsets : seq nat;
  successors : seq nat;
  weights : seq D;
  totals : option (seq (enclosure D))  (* none when every total is exactly one *)
}.

Definition slice (T : Type) (s : seq T) a b := take (b - a)%N (drop a s).

(** [check_offsets]: offsets that cut [length] things into parts, none empty. *)

Definition check_offsets (offsets : seq nat) (length : nat) :=
  [&& 1 < size offsets, nth 0 offsets 0 == 0, sorted ltn offsets & last 0 offsets == length]%N.

Section Models.

Variable D : operations.
Implicit Types (m : model D) (state pair : nat) (v : nat -> R).

Definition states m := (size (state_offsets m)).-1.
Definition pairs m := size (rewards m).
Definition pairs_of m state :=
  let: (a, b) := (nth 0%N (state_offsets m) state, nth 0%N (state_offsets m) state.+1) in
  iota a (b - a).
Definition reward_of m pair := nth (zero D) (rewards m) pair.
Definition row_weights m pair :=
  slice (weights m) (nth 0%N (row_offsets m) pair) (nth 0%N (row_offsets m) pair.+1).
Definition row_successors m pair :=
  slice (successors m) (nth 0%N (row_offsets m) pair) (nth 0%N (row_offsets m) pair.+1).

(** Successors with their weights. *)

Definition row m pair := zip (row_successors m pair) (row_weights m pair).

Definition total m pair := omap (fun all => nth (entire D) all pair) (totals m).

(** [is_terminal]: one pair, at no reward, that certainly stays. *)

Definition is_terminal m state :=
  if pairs_of m state is [:: only] then
    equal (reward_of m only) (zero D) && (row_successors m only == [:: state])
  else false.

(** The transitions of a state: those of its pairs, one after the other. *)

Definition first_transition m state := nth 0%N (row_offsets m) (nth 0%N (state_offsets m) state).
Definition end_transition m state := nth 0%N (row_offsets m) (nth 0%N (state_offsets m) state.+1).

(** ** Construction *)

Definition is_one (e : enclosure D) := equal (lo e) (one D) && equal (hi e) (one D).

Fixpoint all_or_none (T : Type) (s : seq (option T)) : option (seq T) :=
  if s is x :: rest then
    if x is Some y then omap (cons y) (all_or_none rest) else None
  else Some [::].

Definition row_totals m : option (option (seq (enclosure D))) :=
  omap (fun all_totals => if all is_one all_totals then None else Some all_totals)
       (all_or_none [seq row_total (row_weights m pair) | pair <- iota 0 (pairs m)]).

Definition check_successors m :=
  all (fun pair => sorted ltn (row_successors m pair) &&
                   all (fun successor => successor < states m)%N (row_successors m pair))
      (iota 0 (pairs m)).

(** [Model::new] *)

Definition new_model state_offsets rewards row_offsets successors weights : option (model D) :=
  let m := Model state_offsets rewards row_offsets successors weights None in
  if [&& check_offsets state_offsets (size rewards),
         check_offsets row_offsets (size successors),
         (size row_offsets).-1 == size rewards,
         size weights == size successors,
         all (@is_finite D) rewards,
         all (fun w => lt (zero D) w && is_finite w) weights
       & check_successors m]
  then omap (Model state_offsets rewards row_offsets successors weights) (row_totals m)
  else None.

(** ** What the model means

    E_{s'} v(s') = (Σ w v) / (Σ w) and Q(s,a) = r + γ E v. *)

Definition weight_sum m pair := \sum_(t <- row m pair) real t.2.
Definition expectation m pair v := (\sum_(t <- row m pair) real t.2 * v t.1) / weight_sum m pair.
Definition backup_of m gamma v pair := real (reward_of m pair) + gamma * expectation m pair v.

(** What [Model::new] has checked. *)

Record checked m : Prop := Checked {
  pairs_some : forall state, (state < states m)%N -> pairs_of m state != [::];
  pairs_bound : forall state pair, (state < states m)%N -> pair \in pairs_of m state ->
    (pair < pairs m)%N;
  pairs_disjoint : forall s s' pair, (s < states m)%N -> (s' < states m)%N ->
    pair \in pairs_of m s -> pair \in pairs_of m s' -> s = s';
  rewards_finite : forall pair, (pair < pairs m)%N -> is_finite (reward_of m pair);
  row_some : forall pair, (pair < pairs m)%N -> (0 < size (row m pair))%N;
  row_same_size : forall pair, (pair < pairs m)%N ->
    size (row_successors m pair) = size (row_weights m pair);
  row_bound : forall pair, (pair < pairs m)%N ->
    all (fun successor => successor < states m)%N (row_successors m pair);
  weights_positive : forall pair, (pair < pairs m)%N ->
    all (fun w => lt (zero D) w && is_finite w) (row_weights m pair);
  transition_of : forall state pair successor, (state < states m)%N ->
    pair \in pairs_of m state -> successor \in row_successors m pair ->
    exists2 i, (first_transition m state <= i < end_transition m state)%N
             & nth 0%N (successors m) i = successor;
  totals_hold : forall pair, (pair < pairs m)%N ->
    if total m pair is Some e then contains e (weight_sum m pair) else weight_sum m pair = 1
}.

End Models.

Section Checks.

Variable D : arithmetic.
Implicit Types (m : model D) (state pair : nat) (v : nat -> R).

Lemma positive_finite (w : D) : lt (zero D) w && is_finite w -> 0 < real w.
Proof.
by case/andP=> /ltP; rewrite val_zero => lt0 /realP w_real; move: lt0; rewrite w_real.
Qed.

Lemma all_zip (T U : Type) (P : pred T) (Q : pred U) s s' :
  all P s -> all Q s' -> all (fun t => P t.1 && Q t.2) (zip s s').
Proof.
elim: s s' => [|x s IH] [|y s'] //= /andP[Px Ps] /andP[Qy Qs].
by rewrite Px Qy /=; apply: IH.
Qed.

Lemma row_all m pair :
  checked m -> (pair < pairs m)%N ->
  all (fun t => (t.1 < states m)%N && (lt (zero D) t.2 && is_finite t.2)) (row m pair).
Proof.
move=> m_ok lt_pair; apply: (@all_zip _ _ (fun s => (s < states m)%N)
  (fun w => lt (zero D) w && is_finite w)); [exact: row_bound | exact: weights_positive].
Qed.

(** Offsets that cut: each part is inside, none is empty, and parts do not overlap. *)

Lemma part offsets length i :
    check_offsets offsets length -> (i < (size offsets).-1)%N ->
  (nth 0 offsets i < nth 0 offsets i.+1 <= length)%N.
Proof.
case/and4P=> some _ rising /eqP <- lt_i.
have lt_i1 : (i.+1 < size offsets)%N by rewrite -[size offsets]prednK // (ltn_trans _ some).
have ordered := sorted_ltn_nth ltn_trans 0%N rising.
rewrite ordered ?inE // ?(ltnW lt_i1) //= -nth_last.
move: lt_i; rewrite leq_eqVlt => /predU1P[-> //|lt_i].
by apply: ltnW; apply: ordered; rewrite ?inE ?prednK // (ltn_trans _ some).
Qed.

Lemma offsets_le offsets length i j :
  check_offsets offsets length -> (i <= j)%N -> (j < size offsets)%N ->
  (nth 0 offsets i <= nth 0 offsets j)%N.
Proof.
case/and4P=> some _ rising _; rewrite leq_eqVlt => /predU1P[-> //|lt_ij] lt_j.
apply: ltnW; apply: (sorted_ltn_nth ltn_trans 0%N rising); rewrite ?inE //.
exact: ltn_trans lt_j.
Qed.

Lemma mem_slice (T : eqType) (x0 : T) (s : seq T) a b x :
  x \in slice s a b -> exists2 i, (a <= i < b)%N & nth x0 s i = x.
Proof.
move=> x_in; have lt_index := x_in; rewrite -index_mem in lt_index.
have lt_ab : (index x (slice s a b) < b - a)%N.
  by apply: leq_trans lt_index _; rewrite /slice size_take; case: ltnP.
exists (a + index x (slice s a b))%N.
  by rewrite leq_addr /= -ltn_subRL.
by rewrite -nth_drop -(nth_take x0 lt_ab) nth_index.
Qed.

Lemma parts_ordered offsets length i j :
    check_offsets offsets length -> (i < j)%N -> (j < size offsets)%N ->
  (nth 0 offsets i.+1 <= nth 0 offsets j)%N.
Proof.
case/and4P=> some _ rising _; rewrite leq_eqVlt => /predU1P[-> //|lt_ij] lt_j.
apply: ltnW; apply: (sorted_ltn_nth ltn_trans 0%N rising); rewrite ?inE //.
exact: ltn_trans lt_j.
Qed.

Lemma all_slice (T : Type) (P : pred T) s a b : all P s -> all P (slice s a b).
Proof.
rewrite -{1}(cat_take_drop a s) all_cat => /andP[_].
by rewrite -{1}(cat_take_drop (b - a) (drop a s)) all_cat => /andP[].
Qed.

Lemma size_slice (T : Type) (s : seq T) a b :
  (b <= size s)%N -> size (slice s a b) = (b - a)%N.
Proof. by move=> bs; rewrite size_takel // size_drop leq_sub2r. Qed.

Lemma all_or_noneP (T : Type) (I : Type) (f : I -> option T) (s : seq I) ys :
  all_or_none [seq f i | i <- s] = Some ys -> [seq f i | i <- s] = [seq Some y | y <- ys].
Proof.
elim: s ys => [|i s IH] ys /=; first by case=> <-.
by case: (f i) => // y; case none: all_or_none => [ys'|] //= [<-] /=; rewrite (IH ys').
Qed.

Lemma is_oneP (e : enclosure D) r : is_one e -> contains e r -> r = 1.
Proof.
case/andP=> /(equalP (val_one D)) lo1 /(equalP (val_one D)) hi1.
by rewrite /contains lo1 hi1 /=; lra.
Qed.

(** The sum over a row is the sum of its weights. *)

Lemma weight_sumE m pair :
  size (row_successors m pair) = size (row_weights m pair) ->
  weight_sum m pair = sum_of (row_weights m pair).
Proof.
move=> same; rewrite /weight_sum /sum_of /row.
rewrite -(big_map (fun t => t.2) xpredT (fun w : D => real w)).
by rewrite -/(unzip2 _) unzip2_zip // same.
Qed.

(** [Model::new] checks all that the theory needs. *)

Theorem new_model_checked so rw ro su we m : new_model so rw ro su we = Some m -> checked m.
Proof.
rewrite /new_model; case: ifP => // /and5P[so_ok ro_ok /eqP rows /eqP sizes].
case/and3P=> rw_ok we_ok su_ok.
set m0 := Model so rw ro su we None in su_ok *.
case made: (row_totals m0) => [ts|] //= [m_eq].
have row_part pair : (pair < size rw)%N ->
    (nth 0 ro pair < nth 0 ro pair.+1 <= size su)%N by rewrite -rows; apply: part.
have row_size pair : (pair < size rw)%N ->
    size (row_successors m0 pair) = (nth 0 ro pair.+1 - nth 0 ro pair)%N /\
    size (row_weights m0 pair) = (nth 0 ro pair.+1 - nth 0 ro pair)%N.
  by case/row_part/andP=> _ le_su; rewrite /row_successors /row_weights !size_slice ?sizes.
have same pair : (pair < size rw)%N -> size (row_successors m0 pair) = size (row_weights m0 pair).
  by case/row_size=> -> ->.
have weights_ok pair : all (fun w => lt (zero D) w && is_finite w) (row_weights m0 pair).
  exact: all_slice.
have total_ok pair : (pair < size rw)%N ->
    if total (Model so rw ro su we ts) pair is Some e then contains e (weight_sum m0 pair)
    else weight_sum m0 pair = 1.
  move=> lt_pair; rewrite (weight_sumE (same _ lt_pair)).
  have finite : all (@is_finite D) (row_weights m0 pair).
    by apply: sub_all (weights_ok pair) => w /andP[].
  move: made; rewrite /row_totals.
  case all_ok: all_or_none => [es|] //= [<-]; have mapped := all_or_noneP all_ok.
  have es_size : size es = size rw.
    by have := congr1 size mapped; rewrite !size_map size_iota.
  have holds : contains (nth (entire D) es pair) (sum_of (row_weights m0 pair)).
    apply: contains_row_total => //.
    have := congr1 (fun s => nth None s pair) mapped.
    by rewrite (nth_map 0%N) ?size_iota // nth_iota // (nth_map (entire D)) ?es_size.
  rewrite /total; case: ifP => [/(all_nthP (entire D)) ones|_] //=.
  by apply: is_oneP holds; apply: ones; rewrite es_size.
rewrite -m_eq; split=> //=.
- move=> state lt_s; have /andP[lt_part _] := part so_ok lt_s.
  by rewrite /pairs_of /= -size_eq0 size_iota subn_eq0 -ltnNge.
- move=> state pair lt_s; have /andP[/ltnW le_part le_rw] := part so_ok lt_s.
  by rewrite /pairs_of mem_iota subnKC //= => /andP[_ /leq_trans]; apply.
- move=> s s' pair lt_s lt_s'; rewrite /pairs_of !mem_iota.
  have /andP[/ltnW le_s _] := part so_ok lt_s; have /andP[/ltnW le_s' _] := part so_ok lt_s'.
  rewrite !subnKC //= => /andP[s_le le_s1] /andP[s'_le le_s'1].
  have within x : (x < (size so).-1)%N -> (x < size so)%N.
    by move=> /leq_trans; apply; apply: leq_pred.
  case: (ltngtP s s') => // lt_ss'.
  + have le_next := parts_ordered so_ok lt_ss' (within _ lt_s').
    by have := leq_trans le_s1 (leq_trans le_next s'_le); rewrite ltnn.
  + have le_next := parts_ordered so_ok lt_ss' (within _ lt_s).
    by have := leq_trans le_s'1 (leq_trans le_next s_le); rewrite ltnn.
- by move=> pair lt_pair; apply: (all_nthP (zero D) rw_ok).
- move=> pair lt_pair; have [su_size we_size] := row_size _ lt_pair.
  have /andP[lt_row _] := row_part _ lt_pair.
  by rewrite /row size_zip [size _]su_size [size (row_weights _ _)]we_size minnn subn_gt0.
- move=> pair lt_pair; move/allP: su_ok => /(_ pair); rewrite mem_iota lt_pair => /(_ isT).
  by case/andP.
- by move=> pair _; apply: weights_ok.
- move=> state pair successor lt_s; have /andP[/ltnW le_part le_rw] := part so_ok lt_s.
  rewrite /pairs_of mem_iota subnKC //= => /andP[le_pair lt_pair].
  case/(mem_slice 0%N) => i /andP[le_i lt_i] i_eq; exists i => //.
  have bound j : (j <= nth 0 so state.+1)%N -> (j < size ro)%N.
    move=> le_j; have /andP[some _] := ro_ok; rewrite -[size ro]prednK ?(ltn_trans _ some) //.
    by rewrite ltnS rows; apply: leq_trans le_rw.
  rewrite /first_transition /end_transition /= (leq_trans _ le_i) /=; last first.
    by apply: (offsets_le ro_ok) => //; apply: bound; apply: ltnW.
  by apply: leq_trans lt_i _; apply: (offsets_le ro_ok) => //; apply: bound.
Qed.

End Checks.
