(** * How far a residual can travel

    certificate/src/ending.rs: the horizons of a model that certainly ends, by depth-first search
    with an explicit stack, and the factor 1/(1−γ) or Σ_{t<h} γ^t, rounded up. *)

From Bellman Require Export value_bounds checker.model.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Operations.

Variable D : operations.
Implicit Types (m : model D) (gamma : D) (state next longest h k : nat).

(** ** Horizons *)

Inductive mark := Unseen | Open | Known of nat.

Definition is_unseen x := if x is Unseen then true else false.

(** (state, its next transition to look at, the longest continuation so far) *)

Definition stack := seq (nat * nat * nat).

(** The loop over the stack. Nothing when a path never ends; the number of rounds, which Rust's
    loop does without, is more than the loop can use (and where it were not, nothing would be
    claimed). *)

Fixpoint walk m rounds (marks : seq mark) (stack : stack) : option (seq mark) :=
  match stack, rounds with
  | [::], _ => Some marks
  | _, 0%N => None
  | (state, next, longest) :: rest, rounds.+1 =>
      if is_terminal m state || (next == end_transition m state) then
        walk m rounds (set_nth Unseen marks state (Known longest)) rest
      else
        let child := nth 0%N (successors m) next in
        match nth Unseen marks child with
        | Open => None
        | Unseen =>
            walk m rounds (set_nth Unseen marks child Open)
              ((child, first_transition m child, 0%N) :: (state, next, longest) :: rest)
        | Known k => walk m rounds marks ((state, next.+1, maxn longest k.+1) :: rest)
        end
  end.

Definition from_root m rounds marks root :=
  if is_unseen (nth Unseen marks root) then
    walk m rounds (set_nth Unseen marks root Open) [:: (root, first_transition m root, 0%N)]
  else Some marks.

Definition known x := if x is Known h then h else 0%N.

Definition horizons m : option (seq nat) :=
  let rounds := (size (weights m) + (states m).*2.+1)%N in
  omap (map known)
    (foldl (fun marks root => obind (fun marks => from_root m rounds marks root) marks)
           (Some (nseq (states m) Unseen)) (iota 0 (states m))).

(** ** The factor *)

Definition discounted gamma : D :=
  let gap := sub_down (one D) gamma in
  if lt (zero D) gap then div_up (one D) gap else infinity D.

(** Σ_{t<h} γ^t, rounded up, by Σ_{t<h+1} γ^t = 1 + γ Σ_{t<h} γ^t. *)

Definition ending_sum gamma h : D := iter h (fun s => add_up (one D) (mul_up gamma s)) (zero D).

(** Σ_{t=1}^{h−1} γ^t, how often a leak can count before an ending of at most h transitions. *)

Definition leak_sum gamma h : enclosure D :=
  iter h.-1 (fun sum => enclosure_mul (exact gamma) (enclosure_add (enclosure_one D) sum))
       (enclosure_zero D).

End Operations.

Section Ending.

Variable D : arithmetic.
Implicit Types (gamma : D) (state next longest h k : nat).

Lemma discounted_above gamma :
  is_finite gamma -> real gamma < 1 -> upper_or_nan (val (discounted gamma)) (1 / (1 - real gamma)).
Proof.
move=> gamma_ok gamma_lt1; rewrite /discounted; case: ifP => [/ltP|_]; last by rewrite val_infinity.
have gap_low : lower_or_nan (val (sub_down (one D) gamma)) (1 - real gamma).
  apply: sub_down_below; first by rewrite val_one; apply: Rle_refl.
  by rewrite (realP gamma_ok); apply: Rle_refl.
rewrite val_zero => gap_gt0.
have nonzero : val (sub_down (one D) gamma) <> Fin 0.
  by move=> gap_eq; move: gap_gt0; rewrite gap_eq /=; lra.
have := div_up_rounded (one D) nonzero; rewrite val_one.
case: (val (sub_down _ _)) gap_gt0 gap_low => //= gap gap0 gap_le up.
apply: upper_above; apply: upper_le up _ => /=; rewrite /Rdiv !Rmult_1_l.
by apply: Rinv_le_contravar.
Qed.

Lemma ending_sum_above gamma h :
  is_finite gamma -> 0 <= real gamma ->
  upper_or_nan (val (ending_sum gamma h)) (geometric (real gamma) h).
Proof.
move=> gamma_ok gamma0; elim: h => [|h IH] /=; first by rewrite val_zero; apply: Rle_refl.
apply: add_up_above; first by rewrite val_one; apply: Rle_refl.
by apply: scale_above => //; apply: realP.
Qed.

Lemma contains_leak_sum gamma h :
  is_finite gamma -> contains (leak_sum gamma h) (\sum_(1 <= t < h) real gamma ^ t).
Proof.
move=> gamma_ok; rewrite /leak_sum; case: h => [|h].
  by rewrite big_geq //; apply: contains_zero.
rewrite /=; elim: h => [|h IH] /=; first by rewrite big_geq //; apply: contains_zero.
have -> : \sum_(1 <= t < h.+2) real gamma ^ t =
    real gamma * (1 + \sum_(1 <= t < h.+1) real gamma ^ t).
  rewrite big_ltn // big_add1 Rmult_plus_distr_l Rmult_1_r; congr (_ + _); first by rewrite pow_1.
  by rewrite -sum_scale; apply: eq_bigr.
apply: contains_mul; first by apply: contains_exact; apply: realP.
by apply: contains_add => //; apply: contains_one.
Qed.

(** ** What the search has shown *)

Variable m : model D.

(** Every transition from i on, up to [stop], leads to a state of known horizon below h. *)

Definition settled marks start stop h :=
  forall i, (start <= i < stop)%N ->
  exists2 k, nth Unseen marks (nth 0%N (successors m) i) = Known k & (k < h)%N.

Definition consistent marks := forall state h, nth Unseen marks state = Known h ->
  if is_terminal m state then h = 0%N
  else settled marks (first_transition m state) (end_transition m state) h.

Definition waiting marks (entry : nat * nat * nat) :=
  let: (state, next, longest) := entry in
  [/\ nth Unseen marks state = Open, is_terminal m state -> longest = 0%N
    & settled marks (first_transition m state) next longest].

Definition states_of (st : stack) := [seq entry.1.1 | entry <- st].

Lemma settled_le marks start stop h h' :
  (h <= h')%N -> settled marks start stop h -> settled marks start stop h'.
Proof. by move=> le_h all_in i /all_in [k k_eq lt_k]; exists k => //; apply: leq_trans le_h. Qed.

(** Marking a state that was not yet known keeps what is known. *)

Lemma settled_set marks start stop h s x :
  (forall k, nth Unseen marks s <> Known k) ->
  settled marks start stop h -> settled (set_nth Unseen marks s x) start stop h.
Proof.
move=> unknown all_in i /all_in [k k_eq lt_k]; exists k => //; rewrite nth_set_nth /=.
by case: eqP => // i_s; case: (unknown k); rewrite -i_s.
Qed.

Lemma consistent_set marks s x :
  (forall k, nth Unseen marks s <> Known k) -> (forall k, x <> Known k) ->
  consistent marks -> consistent (set_nth Unseen marks s x).
Proof.
move=> unknown not_known ok t h; rewrite nth_set_nth /=; case: eqP => [_ /not_known //|_].
by move/ok; case: is_terminal => //; apply: settled_set.
Qed.

Lemma waiting_set marks s x entry :
  (forall k, nth Unseen marks s <> Known k) -> entry.1.1 != s ->
  waiting marks entry -> waiting (set_nth Unseen marks s x) entry.
Proof.
case: entry => [[t next] longest] /= unknown /negPf neq [open ends all_in]; split=> //.
  by rewrite nth_set_nth /= neq.
exact: settled_set.
Qed.

Lemma waiting_open marks st s :
  (forall entry, entry \in st -> waiting marks entry) -> s \in states_of st ->
  nth Unseen marks s = Open.
Proof. by move=> wait /mapP[[[t next] longest] /wait [open _ _] ->]. Qed.

Theorem walk_consistent rounds marks st result :
    consistent marks -> uniq (states_of st) -> (forall entry, entry \in st -> waiting marks entry) ->
    (forall s, nth Unseen marks s = Open -> s \in states_of st) ->
    walk m rounds marks st = Some result ->
  [/\ consistent result, forall s, nth Unseen result s <> Open,
      forall s, s \in states_of st -> exists h, nth Unseen result s = Known h
    & forall s h, nth Unseen marks s = Known h -> nth Unseen result s = Known h].
Proof.
elim: rounds marks st => [|rounds IH] marks [|[[state next] longest] rest] //= ok distinct wait opens.
- by case=> <-; split=> // s /opens.
- by case=> <-; split=> // s /opens.
have [state_open ends all_in] := wait _ (mem_head _ _).
have unknown k : nth Unseen marks state <> Known k by rewrite state_open.
case/andP: (distinct) => state_rest rest_distinct.
have wait_rest entry : entry \in rest -> waiting marks entry.
  by move=> in_rest; apply: wait; rewrite inE in_rest orbT.
case: ifPn => [stop|].
  set marks' := set_nth _ _ _ _ => walked.
  have state_known : nth Unseen marks' state = Known longest by rewrite /marks' nth_set_nth /= eqxx.
  have [] := IH _ _ _ rest_distinct _ _ walked.
  - move=> t h; rewrite /marks' nth_set_nth /=; case: eqP => [-> [<-]|_ /ok].
      case: ifPn => [/ends //|not_terminal]; rewrite (negPf not_terminal) /= in stop.
      by rewrite -(eqP stop); apply: settled_set.
    by case: is_terminal => //; apply: settled_set.
  - move=> entry in_rest; apply: waiting_set => //; last exact: wait_rest.
    by apply: contraNneq state_rest => <-; apply: map_f.
  - move=> s; rewrite /marks' nth_set_nth /=; case: eqP => // neq /opens.
    by rewrite inE => /orP[/eqP /neq|].
  move=> ok' closed known_rest stay; split=> // [s|s h s_known].
    by rewrite inE => /orP[/eqP ->|/known_rest //]; exists longest; apply: stay.
  apply: stay; rewrite /marks' nth_set_nth /=; case: eqP => // s_state.
  by case: (unknown h); rewrite -s_state.
rewrite negb_or => /andP[not_terminal _]; set child := nth 0%N _ _.
case child_mark: (nth Unseen marks child) => [||k] //; last first.
  apply: IH => // entry; rewrite inE => /orP[/eqP ->|/wait_rest //].
  split=> //; first by rewrite (negPf not_terminal).
  move=> i /andP[ge_i]; rewrite ltnS leq_eqVlt => /predU1P[->|lt_i].
    by exists k => //; rewrite leq_max leqnn orbT.
  by have [|k' k'_eq lt_k'] := all_in i; [rewrite ge_i | exists k'; rewrite // leq_max lt_k'].
have child_unknown k : nth Unseen marks child <> Known k by rewrite child_mark.
have child_new : child \notin state :: states_of rest.
  by apply/negP => /(waiting_open wait); rewrite child_mark.
move=> walked; have [] := IH _ _ _ _ _ _ walked.
- exact: consistent_set.
- by rewrite /= child_new.
- move=> entry; rewrite inE => /orP[/eqP -> /=|in_st].
    by split=> // [|i]; [rewrite nth_set_nth /= eqxx | rewrite ltnNge; case: leqP].
  apply: waiting_set => //; last exact: wait.
  by apply: contraNneq child_new => <-; exact: (map_f (fun e : nat * nat * nat => e.1.1) in_st).
- move=> s; rewrite nth_set_nth /=; case: eqP => [-> _|_ /opens s_st]; first by rewrite mem_head.
  by rewrite inE s_st orbT.
move=> ok' closed known_st stay; split=> // [s s_st|s h s_known].
  by apply: known_st; rewrite inE s_st orbT.
apply: stay; rewrite nth_set_nth /=; case: eqP => // s_child.
by case: (child_unknown h); rewrite -s_child.
Qed.

Lemma from_root_consistent rounds marks root result :
    consistent marks -> (forall s, nth Unseen marks s <> Open) ->
    from_root m rounds marks root = Some result ->
  [/\ consistent result, forall s, nth Unseen result s <> Open,
      exists h, nth Unseen result root = Known h
    & forall s h, nth Unseen marks s = Known h -> nth Unseen result s = Known h].
Proof.
move=> ok closed; rewrite /from_root.
case root_mark: (nth Unseen marks root) => [||h] /=.
- have unknown k : nth Unseen marks root <> Known k by rewrite root_mark.
  move=> walked; have [] := walk_consistent _ _ _ _ walked.
  + exact: consistent_set.
  + by [].
  + move=> entry; rewrite inE => /eqP -> /=.
    by split=> // [|i]; [rewrite nth_set_nth /= eqxx | rewrite ltnNge; case: leqP].
  + by move=> s; rewrite nth_set_nth /= inE; case: eqP => // _ /closed.
  move=> ok' closed' known_st stay; split=> // [|s h s_known].
    by apply: known_st; rewrite inE.
  apply: stay; rewrite nth_set_nth /=; case: eqP => // s_root.
  by case: (unknown h); rewrite -s_root.
- by have := closed root.
- by case=> <-; split=> //; exists h.
Qed.

Lemma roots_consistent rounds roots marks done result :
    consistent marks -> (forall s, nth Unseen marks s <> Open) ->
    (forall s, s \in done -> exists h, nth Unseen marks s = Known h) ->
    foldl (fun marks root => obind (fun marks => from_root m rounds marks root) marks)
          (Some marks) roots = Some result ->
  consistent result /\ forall s, s \in done ++ roots -> exists h, nth Unseen result s = Known h.
Proof.
elim: roots marks done => [|root roots IH] marks done ok closed done_known /=.
  by case=> <-; rewrite cats0.
case rooted: from_root => [marks1|]; last first.
  suff -> : foldl (fun marks root => obind (fun marks => from_root m rounds marks root) marks)
                  None roots = None by [].
  by elim: roots {IH}.
have [ok1 closed1 root_known stay] := from_root_consistent ok closed rooted.
rewrite -cat_rcons; apply: IH => // s; rewrite mem_rcons inE => /orP[/eqP -> //|/done_known [h]].
by move/stay => s_known; exists h.
Qed.

(** Horizons fall along every transition, and are 0 in terminal states alone. *)

Theorem horizons_fall hs :
    checked m -> horizons m = Some hs ->
  forall s, (s < states m)%N ->
    (nth 0 hs s == 0)%N = is_terminal m s /\
    forall pair s', pair \in pairs_of m s -> s' \in row_successors m pair ->
      ~~ is_terminal m s -> (s' < states m)%N /\ (nth 0 hs s' < nth 0 hs s)%N.
Proof.
move=> m_ok; rewrite /horizons; set rounds := (_ + _)%N.
case walked: foldl => [marks|] //= [<-].
have unseen s : nth Unseen (nseq (states m) Unseen) s = Unseen by rewrite nth_nseq if_same.
have [ok all_known] : consistent marks /\ forall s, s \in iota 0 (states m) ->
    exists h, nth Unseen marks s = Known h.
  apply: (@roots_consistent rounds _ (nseq (states m) Unseen) [::]) => //.
    by move=> s h; rewrite unseen.
  by move=> s; rewrite unseen.
have marks_known s : (s < states m)%N -> nth Unseen marks s = Known (nth 0%N (map known marks) s).
  move=> lt_s; have [|h h_eq] := all_known s; first by rewrite mem_iota.
  rewrite h_eq (nth_map Unseen) ?h_eq //.
  by rewrite ltnNge; apply/negP => /(nth_default Unseen); rewrite h_eq.
move=> s lt_s; have s_ok := ok s _ (marks_known s lt_s).
have falls pair s' : pair \in pairs_of m s -> s' \in row_successors m pair ->
    ~~ is_terminal m s -> (s' < states m)%N /\ (nth 0 (map known marks) s' < nth 0 (map known marks) s)%N.
  move=> in_s follows /negPf not_terminal; rewrite not_terminal in s_ok.
  have lt_pair := pairs_bound m_ok lt_s in_s.
  have lt_s' : (s' < states m)%N by move: (row_bound m_ok lt_pair) => /allP; apply.
  split=> //; have [i i_in i_eq] := transition_of m_ok lt_s in_s follows.
  by have [k] := s_ok i i_in; rewrite i_eq marks_known // => -[->].
split; last exact: falls.
move: s_ok falls; case: (is_terminal m s) => [-> //|_ falls].
have := pairs_some m_ok lt_s; case pairs_eq: (pairs_of m s) => [|pair ps] // _.
have in_s : pair \in pairs_of m s by rewrite pairs_eq mem_head.
have lt_pair := pairs_bound m_ok lt_s in_s; have := row_some m_ok lt_pair.
rewrite size_zip (row_same_size m_ok lt_pair) minnn -(row_same_size m_ok lt_pair).
case succ_eq: (row_successors m pair) => [|s' ss] // _.
have s'_in : s' \in row_successors m pair by rewrite succ_eq mem_head.
by have [_] := falls pair s' in_s s'_in isT; case: (nth 0%N _ s).
Qed.

End Ending.
