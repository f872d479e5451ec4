(** * The nucleus: top-p candidate sets

    The smallest set of most likely actions that carries the share p of the total. Actions
    come in order of falling weight, those of equal weight in the order of their index. *)

From Bellman Require Export candidates.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Nucleus.

Variable A : finType.
Implicit Types (O X Y : {set A}) (w : A -> R) (p : R) (a b c : A).

(** [before w a b]: action a comes strictly before action b. *)

Definition before w a b : bool :=
  if Rlt_dec (w b) (w a) then true
  else if Req_EM_T (w a) (w b) then (enum_rank a < enum_rank b)%N
  else false.

(** The actions of O that come before a. *)

Definition predecessors w O a : {set A} := [set b in O | before w b a].

(** An action is kept if those before it do not yet carry p times the total. This is the rule
    of the code, which adds up weights in order and stops once p times the total is reached;
    like there, nothing is divided, so that [w] need not sum to 1. ([Rlt_dec x y] decides
    x < y.) *)

Definition nucleus p O w : {set A} :=
  [set a in O | Rlt_dec (\sum_(b in predecessors w O a) w b) (p * \sum_(b in O) w b)].

(** The order is total and strict. *)

Lemma beforeP w a b :
  reflect (w b < w a \/ w a = w b /\ (enum_rank a < enum_rank b)%N) (before w a b).
Proof.
rewrite /before; case: Rlt_dec => [lt_ba|ge_ba]; first by constructor; left.
case: Req_EM_T => [eq_ab|neq_ab]; last by constructor; case=> [|[]].
by apply: (iffP idP) => [|[|[]]] //; right.
Qed.

Lemma before_irr w a : before w a a = false.
Proof. by apply/beforeP => -[|[_]]; [lra|rewrite ltnn]. Qed.

Lemma before_trans w a b c : before w a b -> before w b c -> before w a c.
Proof.
move=> /beforeP ab /beforeP bc; apply/beforeP.
case: ab bc => [lt_ab|[eq_ab r_ab]] [lt_bc|[eq_bc r_bc]]; try by left; lra.
by right; split; [lra|apply: ltn_trans r_bc].
Qed.

Lemma before_total w a b : a != b -> before w a b || before w b a.
Proof.
move=> neq_ab; apply/orP; case: (Rtotal_order (w a) (w b)) => [lt_ab|[eq_ab|gt_ab]].
- by right; apply/beforeP; left.
- have: enum_rank a != enum_rank b by rewrite (inj_eq enum_rank_inj).
  by rewrite neq_ltn => /orP[r_ab|r_ba]; [left|right]; apply/beforeP; right.
- by left; apply/beforeP; left.
Qed.

Lemma before_le w a b : before w a b -> w b <= w a.
Proof. by case/beforeP => [|[-> _]]; lra. Qed.

(** Every non-empty set has a first action. *)

Lemma first_action w X : X != set0 -> exists2 a, a \in X & forall b, b \in X -> ~~ before w b a.
Proof.
case/set0Pn => x xX.
pose n a := #|[set b in X | before w b a]|.
have [a aX a_min] := arg_minnP n xX; have {}aX : a \in X := aX; exists a => // b bX; apply/negP => ba.
have: (n b < n a)%N.
  apply: proper_card; apply/properP; split.
    by apply/subsetP => c; rewrite !inE => /andP[-> /before_trans]; apply.
  by exists b; rewrite !inE bX ?ba ?before_irr.
by rewrite ltnNge a_min.
Qed.

(** and a last one. *)

Lemma last_action w X : X != set0 -> exists2 a, a \in X & forall b, b \in X -> ~~ before w a b.
Proof.
case/set0Pn => x xX.
pose n a := #|[set b in X | before w b a]|.
have [a aX a_max] := arg_maxnP n xX; have {}aX : a \in X := aX; exists a => // b bX; apply/negP => ab.
have: (n a < n b)%N.
  apply: proper_card; apply/properP; split.
    by apply/subsetP => c; rewrite !inE => /andP[-> /before_trans]; apply.
  by exists a; rewrite !inE aX ?ab ?before_irr.
by have le_n : (n b <= n a)%N := a_max b bX; rewrite ltnNge le_n.
Qed.

(** From here on a fixed row of positive weights, such as π(·|s). *)

Variables (p : R) (O : {set A}) (w : A -> R).
Let total := \sum_(b in O) w b.
Let weight X := \sum_(b in X) w b.

Lemma nucleusP a :
  reflect (a \in O /\ weight (predecessors w O a) < p * total) (a \in nucleus p O w).
Proof.
rewrite inE /weight /total; case: Rlt_dec => [lt_p|ge_p]; rewrite ?andbT ?andbF.
  by apply: (iffP idP) => [|[]].
by constructor; case.
Qed.

Lemma nucleus_sub : nucleus p O w \subset O.
Proof. by apply/subsetP => a /nucleusP[]. Qed.

Lemma predecessors_sub a : predecessors w O a \subset O.
Proof. by apply/subsetP => b; rewrite inE => /andP[]. Qed.

Hypotheses (w_gt0 : forall a, a \in O -> 0 < w a) (O0 : O != set0) (p_bounds : 0 < p <= 1).

Let w_ge0 a (aO : a \in O) : 0 <= w a := Rlt_le _ _ (w_gt0 aO).

Lemma total_gt0 : 0 < total.
Proof. by case/set0Pn: O0 => a aO; apply: (sum_gt0 aO) => [b bO|]; [apply: w_ge0|apply: w_gt0]. Qed.

Let weight_le X Y : X \subset Y -> Y \subset O -> weight X <= weight Y.
Proof. by move=> sXY /subsetP sYO; apply: sum_subset => // b /sYO; apply: w_ge0. Qed.

(** At least one action is kept. *)

Lemma nucleus_some : nucleus p O w != set0.
Proof.
have [a aO first] := first_action w O0; apply/set0Pn; exists a; apply/nucleusP; split=> //.
rewrite /weight big1 => [|b]; last by rewrite inE => /andP[bO ba]; have := first b bO; rewrite ba.
by apply: Rmult_lt_0_compat total_gt0; case: p_bounds.
Qed.

(** What comes before a kept action is kept: only most likely actions are. *)

Definition upward_closed X := forall a b, a \in X -> b \in O -> before w b a -> b \in X.

Lemma nucleus_closed : upward_closed (nucleus p O w).
Proof.
move=> a b /nucleusP[aO lt_a] bO ba; apply/nucleusP; split=> //.
apply: Rle_lt_trans lt_a; apply: weight_le; last exact: predecessors_sub.
by apply/subsetP => c; rewrite !inE => /andP[-> /before_trans]; apply.
Qed.

(** The nucleus carries p: if it leaves something out, then what comes before the first action
    that it leaves out already does. *)

Theorem nucleus_mass : p * total <= weight (nucleus p O w).
Proof.
have [p_gt0 p_le1] := p_bounds; have t_gt0 := total_gt0.
have [/eqP|rest0] := eqVneq (O :\: nucleus p O w) set0.
  rewrite setD_eq0 => sON; have -> : nucleus p O w = O.
    by apply/eqP; rewrite eqEsubset nucleus_sub.
  by rewrite /weight -/total; nra.
have [a] := first_action w rest0; rewrite inE => /andP[aN aO] first.
have a_mass : p * total <= weight (predecessors w O a).
  by apply: Rnot_lt_le => lt_a; case/negP: aN; apply/nucleusP.
apply: Rle_trans a_mass _; apply: weight_le nucleus_sub.
apply/subsetP => b; rewrite inE => /andP[bO ba]; apply: contraT => bN.
by have := first b; rewrite inE bN bO ba => /(_ isT).
Qed.

(** It is the smallest: every upward closed set that carries p contains it, *)

Theorem nucleus_least X :
  X \subset O -> upward_closed X -> p * total <= weight X -> nucleus p O w \subset X.
Proof.
move=> sXO X_closed X_mass; apply/subsetP => a /nucleusP[aO lt_a].
apply: contraT => aX; suff: weight X <= weight (predecessors w O a) by lra.
apply: weight_le; last exact: predecessors_sub.
apply/subsetP => b bX; rewrite inE (subsetP sXO) //=.
have neq_ab : a != b by apply: contraNneq aX => ->.
by have /orP[ab|//] := before_total w neq_ab; have := X_closed b a bX aO ab; rewrite (negPf aX).
Qed.

(** and no set that carries p, of whichever actions, has fewer elements. For without its last
    action the nucleus does not carry p, and no set of that many actions carries more. *)

Theorem nucleus_fewest X :
  X \subset O -> p * total <= weight X -> (#|nucleus p O w| <= #|X|)%N.
Proof.
move=> sXO X_mass; have [a aN last] := last_action w nucleus_some.
have /nucleusP[aO lt_a] := aN; rewrite leqNgt; apply/negP => fewer.
pose N := nucleus p O w :\ a.
have N_before b : b \in N -> b \in O /\ before w b a.
  rewrite in_setD1 => /andP[neq_ba /[dup] bN /nucleusP[bO _]]; split=> //.
  by have /orP[//|ab] := before_total w neq_ba; have := last b bN; rewrite ab.
have N_mass : weight N <= weight (predecessors w O a).
  apply: weight_le (predecessors_sub a).
  by apply/subsetP => b /N_before[bO ba]; rewrite inE bO.
have le_card : (#|X| <= #|N|)%N.
  by move: fewer; rewrite (cardsD1 a (nucleus p O w)) (aN : a \in nucleus p O w).
have le_cardD : (#|X :\: N| <= #|N :\: X|)%N.
  by rewrite -(leq_add2l #|X :&: N|) cardsID setIC cardsID.
have X_le : weight (X :\: N) <= INR #|X :\: N| * w a.
  apply: sum_le_card => b; rewrite in_setD in_setD1 => /andP[bN bX].
  have [->|neq_ba] := eqVneq b a; first exact: Rle_refl.
  have bO := subsetP sXO b bX; have /orP[ba|/before_le//] := before_total w neq_ba.
  by case/negP: bN; rewrite neq_ba; apply: (nucleus_closed aN).
have N_ge : INR #|N :\: X| * w a <= weight (N :\: X).
  by apply: sum_ge_card => b; rewrite in_setD => /andP[_ /N_before[_ /before_le]].
have := le_INR _ _ (leP le_cardD); have := w_ge0 aO.
have split_X : weight X = weight (X :&: N) + weight (X :\: N) by apply: sum_setID.
have split_N : weight N = weight (X :&: N) + weight (N :\: X) by rewrite setIC; apply: sum_setID.
by nra.
Qed.

(** p = 1 keeps everything. *)

Lemma nucleus1 : nucleus 1 O w = O.
Proof.
apply/eqP; rewrite eqEsubset; apply/andP; split; apply/subsetP => a; first by rewrite inE => /andP[].
move=> aO; rewrite inE aO /=; case: Rlt_dec => // -[]; rewrite Rmult_1_l.
have sP : predecessors w O a \subset O :\ a.
  apply/subsetP => b; rewrite !inE => /andP[-> ba]; rewrite andbT.
  by apply: contraTneq ba => ->; rewrite before_irr.
apply: Rle_lt_trans (weight_le sP (subD1set O a)) _.
by rewrite [X in _ < X](big_setD1 a) //=; have := w_gt0 aO; rewrite /weight; lra.
Qed.

End Nucleus.

(** A larger p keeps more. *)

Lemma nucleus_mono (A : finType) (p p' : R) (O : {set A}) (w : A -> R) :
  (forall a, a \in O -> 0 <= w a) -> p <= p' -> nucleus p O w \subset nucleus p' O w.
Proof.
move=> w_ge0 le_p; apply/subsetP => a /nucleusP[aO lt_a]; apply/nucleusP; split=> //.
by have : 0 <= \sum_(b in O) w b by [apply: sum_ge0]; nra.
Qed.

(** Only ratios of weights matter: exp Q, exp (Q − max) and π give the same set. *)

Lemma nucleus_scale (A : finType) (p c : R) (O : {set A}) (w : A -> R) :
  0 < c -> nucleus p O (fun a => c * w a) = nucleus p O w.
Proof.
move=> c_gt0.
have eq_before a b : before (fun a => c * w a) a b = before w a b.
  apply/beforeP/beforeP => -[lt|[eq r]].
  - by left; apply: Rmult_lt_reg_l lt.
  - by right; split=> //; apply: Rmult_eq_reg_l eq _; lra.
  - by left; apply: Rmult_lt_compat_l.
  - by right; rewrite eq.
apply/setP => a; rewrite !inE; congr andb.
have -> : predecessors (fun a => c * w a) O a = predecessors w O a.
  by apply/setP => b; rewrite !inE eq_before.
have swap x y : p * (c * x) - c * y = c * (p * x - y) by ring.
rewrite !sum_scale; set x := \sum_(b in O) w b; set y := \sum_(b in _) w b.
have := swap x y; case: Rlt_dec => lt; case: Rlt_dec => // lt'; nra.
Qed.

(** ** The top-p candidate sets of a policy *)

Section TopP.

Variables (S A : finType) (M : mdp S A) (p : R) (pi : S -> A -> R).

(** A_p(s), the nucleus of π(·|s). *)

Definition top_p (s : S) : {set A} := nucleus p (offers M s) (pi s).

Hypotheses (p_bounds : 0 < p <= 1) (pi_on : policy_on (offers M) pi).
Hypothesis pi_gt0 : forall s a, a \in offers M s -> 0 < pi s a.

Theorem top_p_candidates : candidates M top_p.
Proof.
move=> s; split; last exact: nucleus_sub.
by apply: nucleus_some => //; [apply: pi_gt0|apply: offers_some].
Qed.

Theorem top_p_carries : carries p top_p pi.
Proof.
move=> s; have := @nucleus_mass _ p (offers M s) (pi s) (@pi_gt0 s) (offers_some M s) p_bounds.
by case: (pi_on s) => _ ->; rewrite Rmult_1_r.
Qed.

End TopP.
