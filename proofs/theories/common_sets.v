(** * Top-k and min-p

    The bounds ask nothing of candidate sets but the mass they carry. Two other rules in use,
    top-k and min-p, are therefore covered, with p := the smallest mass of their sets. *)

From Bellman Require Export smallest_mass.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section CommonSets.

Variables (S A : finType) (M : mdp S A).
Implicit Types (pi : S -> A -> R) (s : S) (a b : A) (k : nat) (t : R).

(** Top-k: the actions that fewer than k others come before. *)

Definition top_k k pi s : {set A} :=
  [set a in offers M s | (#|predecessors (pi s) (offers M s) a| < k)%N].

(** Min-p: the actions at least t times as likely as every other. *)

Definition min_p t pi s : {set A} :=
  [set a in offers M s | [forall b in offers M s, Rle_dec (t * pi s b) (pi s a)]].

(** Top-k has k actions, or all if there are fewer. *)

Lemma predecessors_card_lt (w : A -> R) (O : {set A}) a b :
  a \in O -> before w a b -> (#|predecessors w O a| < #|predecessors w O b|)%N.
Proof.
move=> aO ab; apply: proper_card; apply/properP; split.
  by apply/subsetP => c; rewrite !inE => /andP[-> ca]; apply: before_trans ab.
by exists a; rewrite !inE aO ?ab ?before_irr.
Qed.

Lemma card_below n k : #|[set i : 'I_n | (i < k)%N]| = minn k n.
Proof.
case: (leqP k n) => [le_kn|/ltnW le_nk].
  by rewrite -sum1dep_card -(big_ord_widen _ (fun=> 1%N) le_kn) sum1_card card_ord.
rewrite -[RHS]card_ord -cardsT; congr #|pred_of_set _|; apply/setP => i; rewrite !inE.
exact: leq_trans (ltn_ord i) le_nk.
Qed.

Theorem top_k_card k pi s : #|top_k k pi s| = minn k #|offers M s|.
Proof.
set O := offers M s; pose rank a := #|predecessors (pi s) O a|.
have rank_lt a : a \in O -> (rank a < #|O|)%N.
  move=> aO; apply: proper_card; apply/properP; split; first exact: predecessors_sub.
  by exists a; rewrite ?inE ?before_irr ?andbF.
have [n card_O] : exists n, #|O| = n.+1.
  by exists #|O|.-1; rewrite prednK // card_gt0 offers_some.
pose f a : 'I_n.+1 := inord (rank a).
have f_val a : a \in O -> f a = rank a :> nat.
  by move=> aO; rewrite inordK // -card_O rank_lt.
have f_inj : {in O &, injective f}.
  move=> a b aO bO /(congr1 val) /=; rewrite !f_val // => eq_rank.
  apply/eqP; apply: contraT => /(before_total (pi s)).
  by case/orP => [/(predecessors_card_lt aO)|/(predecessors_card_lt bO)]; rewrite -!/(rank _) eq_rank ltnn.
have f_onto : f @: O = setT.
  by apply/eqP; rewrite eqEcard subsetT (card_in_imset f_inj) cardsT card_ord card_O leqnn.
have sub_O : {subset top_k k pi s <= O} by move=> a; rewrite inE => /andP[].
have f_inj' : {in top_k k pi s &, injective f} by move=> a b /sub_O aO /sub_O; apply: f_inj.
rewrite -(card_in_imset f_inj') card_O -card_below; congr #|pred_of_set _|; apply/setP => i; rewrite inE.
apply/imsetP/idP => [[a] |lt_ik].
  by rewrite inE => /andP[aO lt_k] ->; rewrite f_val.
have /imsetP[a aO eq_i] : i \in f @: O by rewrite f_onto inE.
by exists a => //; rewrite inE aO -/(rank a) -f_val // -eq_i.
Qed.

(** Both keep the most likely action, so they are candidate sets. *)

Lemma top_k_candidates k pi : (0 < k)%N -> candidates M (top_k k pi).
Proof.
move=> k_gt0 s; split; last by apply/subsetP => a; rewrite inE => /andP[].
by rewrite -card_gt0 top_k_card leq_min k_gt0 card_gt0 offers_some.
Qed.

Lemma min_p_candidates t pi :
  t <= 1 -> (forall s a, a \in offers M s -> 0 <= pi s a) -> candidates M (min_p t pi).
Proof.
move=> t_le1 pi_ge0 s; split; last by apply/subsetP => a; rewrite inE => /andP[].
have [a aO first] := first_action (pi s) (offers_some M s).
apply/set0Pn; exists a; rewrite inE aO /=; apply/forallP => b; apply/implyP => bO.
case: Rle_dec => // -[]; have := pi_ge0 s b bO; have b_le : pi s b <= pi s a.
  by apply: Rnot_lt_le => lt_ab; case/negP: (first b bO); apply/beforeP; left.
nra.
Qed.

(** ** The bounds *)

Theorem top_k_bound k :
  (0 < k)%N ->
  let B := top_k k (teacher M) in
  supported_norm B (Q_star M \- Q_p_star M B) <= kappa M (smallest_mass B (teacher M)).
Proof. by move=> k_gt0; apply: smallest_mass_main; apply: top_k_candidates. Qed.

Theorem min_p_bound t :
  t <= 1 ->
  let B := min_p t (teacher M) in
  supported_norm B (Q_star M \- Q_p_star M B) <= kappa M (smallest_mass B (teacher M)).
Proof.
move=> t_le1; apply: smallest_mass_main; apply: min_p_candidates => // s a _.
exact: Rlt_le (teacher_gt0 _ _ _).
Qed.

End CommonSets.
