(** * The model of the checker is an MDP, and what it encloses are V*, V̄_p* and V̄

    The arrays of a checked model are read as an [mdp]: its states are numbers below [states m],
    its actions the pairs, offered by the state that owns them. The values that check.v speaks
    of, tables on numbers that solve their equation, are those of fixed_points.v. *)

From Bellman Require Export certificate checker.check.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Meaning.

Variables (D : arithmetic) (m : model D) (g : R).
Hypothesis m_ok : checked m.
Hypotheses (g_ge0 : 0 <= g) (g_lt1 : g < 1).

Notation S := 'I_(states m).
Notation A := 'I_(pairs m).

(** Functions on states (on pairs), read on numbers. *)

Definition on_numbers n (f : 'I_n -> R) (i : nat) : R := if insub i is Some x then f x else 0.

Lemma on_numbersE n (f : 'I_n -> R) (i : 'I_n) : on_numbers f i = f i.
Proof. by rewrite /on_numbers valK. Qed.

(** The actions among a list of pairs. *)

Definition actions (l : seq nat) : {set A} := [set a : A | (a : nat) \in l].

(** P(s'|s,a): the weights of the row that lead to s', over their sum. *)

Definition weight_to (r : seq (nat * D)) (s' : S) : R := \sum_(t <- r | t.1 == s' :> nat) real t.2.

Lemma sum_weight_to (r : seq (nat * D)) (v : S -> R) :
  all (fun t => (t.1 < states m)%N && (lt (zero D) t.2 && is_finite t.2)) r ->
  \sum_s' weight_to r s' * v s' = \sum_(t <- r) real t.2 * on_numbers v t.1.
Proof.
elim: r => [_|t r IH] /=.
  rewrite big_nil big1 // => s' _; rewrite /weight_to big_nil; ring.
case/andP=> /andP[lt_t _] /IH IHr; rewrite big_cons -IHr.
pose s0 := Ordinal lt_t.
have -> : real t.2 * on_numbers v t.1 = \sum_s' (if (s' : S) == s0 then real t.2 * v s' else 0).
  by rewrite -big_mkcond big_pred1_eq -(on_numbersE v s0).
rewrite -sum_add; apply: eq_bigr => s' _; rewrite /weight_to big_cons.
have -> : (t.1 == s') = (s' == s0) by rewrite eq_sym.
by case: (s' == s0); ring.
Qed.

Lemma weight_to_ge0 (r : seq (nat * D)) s' :
  all (fun t => (t.1 < states m)%N && (lt (zero D) t.2 && is_finite t.2)) r -> 0 <= weight_to r s'.
Proof.
rewrite /weight_to; elim: r => [_|t r IH] /=; first by rewrite big_nil; apply: Rle_refl.
case/andP=> /andP[_ /positive_finite t0] /IH r0; rewrite big_cons; case: (_ == _) => //; lra.
Qed.

Definition step_of (s : S) (a : A) (s' : S) : R := weight_to (row m a) s' / weight_sum m a.

Lemma offers_some_of (s : S) : actions (pairs_of m s) != set0.
Proof.
have := pairs_some m_ok (ltn_ord s); case pairs_eq: (pairs_of m s) => [|pair l] // _.
have in_s : pair \in pairs_of m s by rewrite pairs_eq mem_head.
apply/set0Pn; exists (Ordinal (pairs_bound m_ok (ltn_ord s) in_s)).
by rewrite inE /= -pairs_eq.
Qed.

Lemma step_ge0_of s a s' : 0 <= step_of s a s'.
Proof.
apply: Rmult_le_pos; first exact: weight_to_ge0 (row_all m_ok (ltn_ord a)).
by apply: Rlt_le; apply: Rinv_0_lt_compat; apply: weight_sum_gt0.
Qed.

Lemma step_total_of s a : \sum_s' step_of s a s' <= 1.
Proof.
have sum_gt0 := weight_sum_gt0 m_ok (ltn_ord a); apply: Req_le.
have := sum_weight_to (fun=> 1) (row_all m_ok (ltn_ord a)).
rewrite (eq_bigr (fun s' : S => weight_to (row m a) s')); last by move=> s' _; ring.
rewrite /step_of sum_scale_r => ->.
have -> : \sum_(t <- row m a) real t.2 * on_numbers (fun _ : S => 1) t.1 = weight_sum m a.
  have := row_all m_ok (ltn_ord a); rewrite /weight_sum; elim: (row m a) => [|t r IH] /=.
    by rewrite !big_nil.
  case/andP=> /andP[lt_t _] /IH; rewrite !big_cons => ->.
  by rewrite -[t.1]/(nat_of_ord (Ordinal lt_t)) on_numbersE; ring.
by apply: Rinv_r; lra.
Qed.

(** The model. *)

Definition mdp_of : mdp [finType of S] [finType of A] :=
  @Mdp [finType of S] [finType of A] (fun s => actions (pairs_of m s)) step_of (fun _ a => real (reward_of m a)) g
    offers_some_of step_ge0_of step_total_of g_ge0 g_lt1.

Lemma backup_mdp (v : S -> R) s a :
  mdp.backup mdp_of v s a = backup_of m g (on_numbers v) a.
Proof.
rewrite /mdp.backup /mdp.expected /backup_of /expectation /=; congr (_ + _ * _).
rewrite -(sum_weight_to v (row_all m_ok (ltn_ord a))) /Rdiv -sum_scale_r.
by apply: eq_bigr => s' _; rewrite /= /step_of /Rdiv; ring.
Qed.

(** Sums over actions are sums over pairs. *)

Lemma sum_actions (l : seq nat) (f : nat -> R) :
  uniq l -> (forall i, i \in l -> (i < pairs m)%N) ->
  \sum_(a in actions l) f a = \sum_(i <- l) f i.
Proof.
move=> distinct bound.
rewrite (eq_bigl (fun a : A => (a : nat) \in l)); last by move=> a; rewrite inE.
rewrite -(big_mkord (fun i => i \in l) f) /index_iota subn0 -big_filter.
apply: perm_big; apply: uniq_perm => //; first by rewrite filter_uniq ?iota_uniq.
move=> i; rewrite mem_filter mem_iota add0n /=.
by case i_l: (i \in l) => //=; rewrite bound.
Qed.

Lemma kept_uniq op s : uniq (kept_pairs m op s).
Proof. by apply: filter_uniq; apply: iota_uniq. Qed.

(** The candidate sets of an operator. *)

Definition sets_of (op : operator D) (s : S) : {set A} := actions (kept_pairs m op s).

Lemma sets_of_candidates op :
  (forall s, (s < states m)%N -> kept_pairs m op s != [::]) -> candidates mdp_of (sets_of op).
Proof.
move=> some s; split.
  have := some s (ltn_ord s); case kept_eq: (kept_pairs m op s) => [|pair l] // _.
  have in_s : pair \in kept_pairs m op s by rewrite kept_eq mem_head.
  apply/set0Pn; exists (Ordinal (kept_bound m_ok (ltn_ord s) in_s)).
  by rewrite inE.
by apply/subsetP => a; rewrite !inE mem_filter => /andP[].
Qed.

Lemma lse_mdp op (f : nat -> R) (s : S) :
  lse (sets_of op s) f = lse_of (kept_pairs m op s) f.
Proof.
rewrite /lse /lse_of /exp_sum (sum_actions (fun i => exp (f i))) ?kept_uniq // => i.
exact: kept_bound (ltn_ord s).
Qed.

Lemma soft_sweep_mdp op (v : S -> R) (s : S) :
  soft_sweep mdp_of (sets_of op) v s = lse_of (kept_pairs m op s) (backup_of m g (on_numbers v)).
Proof.
rewrite -lse_mdp /soft_sweep /soft_value; apply: lse_ext => a _; exact: backup_mdp.
Qed.

Lemma policy_sweep_mdp op (Q : S -> A -> R) (q : nat -> R) (v : S -> R) (s : S) :
    (forall s, (s < states m)%N -> kept_pairs m op s != [::]) ->
    (forall a, Q s a = q a) ->
  policy_sweep mdp_of (sets_of op) (boltzmann (offers mdp_of) Q) v s =
  value_of (kept_pairs m op s) q (backup_of m g (on_numbers v)).
Proof.
move=> some Q_q; have B_ok := sets_of_candidates some; have B0 := candidates_some s B_ok.
rewrite /policy_sweep /policy_value /value_of.
rewrite -(sum_actions (fun i => share_of (kept_pairs m op s) q i *
    (backup_of m g (on_numbers v) i - ln (share_of (kept_pairs m op s) q i)))) ?kept_uniq //.
  apply: eq_bigr => a aB; rewrite projection_boltzmann // backup_mdp.
  suff -> : boltzmann (sets_of op) Q s a = share_of (kept_pairs m op s) q a by [].
  have sum_gt0 : 0 < exp_sum (kept_pairs m op s) q by apply: exp_sum_gt0; apply: some.
  rewrite /boltzmann /soft_value (lse_ext (r := fun a : A => q a)) // lse_mdp /share_of Q_q.
  by rewrite /Rminus exp_plus exp_Ropp /lse_of exp_ln.
by move=> i; apply: kept_bound (ltn_ord s).
Qed.

(** ** The values of the checker's theorem are V*, V̄_p* and V̄ of the projected teacher *)

Lemma offers_sets s : offers mdp_of s = sets_of Optimal s.
Proof. by rewrite /sets_of /kept_pairs filter_predT. Qed.

Lemma optimal_some s : (s < states m)%N -> kept_pairs m Optimal s != [::].
Proof. by move=> /(pairs_some m_ok); rewrite /kept_pairs filter_predT. Qed.

Definition V_numbers : nat -> R := on_numbers (V_star mdp_of).

Lemma Q_star_numbers s a : Q_star mdp_of s a = backup_of m g V_numbers a.
Proof. by rewrite Q_star_V backup_mdp. Qed.

Lemma not_one : g = 1 -> False. Proof. lra. Qed.

Theorem V_star_solves th : fixed_values m g Optimal th V_numbers.
Proof.
split=> [s lt_s|/not_one //]; rewrite -[s]/(nat_of_ord (Ordinal lt_s)).
rewrite [RHS]on_numbersE -V_star_fixed -[LHS]/(lse_of _ _) -soft_sweep_mdp.
by rewrite /soft_sweep /soft_value offers_sets.
Qed.

Lemma Q_p_star_numbers op s a :
  (forall s, (s < states m)%N -> kept_pairs m op s != [::]) ->
  Q_p_star mdp_of (sets_of op) s a =
  backup_of m g (on_numbers (V_p_star mdp_of (sets_of op))) a.
Proof. by move=> /sets_of_candidates B_ok; rewrite -[LHS]Q_p_star_eq //; apply: backup_mdp. Qed.

Lemma Q_projected_numbers op s a :
  (forall s, (s < states m)%N -> kept_pairs m op s != [::]) ->
  Q_projected mdp_of (sets_of op) (teacher mdp_of) s a =
  backup_of m g (on_numbers (V_projected mdp_of (sets_of op) (teacher mdp_of))) a.
Proof.
move=> /sets_of_candidates B_ok; have pi_ok := teacher_projectable B_ok.
by rewrite -[LHS]Q_projected_eq //; apply: backup_mdp.
Qed.

Theorem V_p_star_solves kept th :
  (forall s, (s < states m)%N -> kept_pairs m (TopP kept) s != [::]) ->
  fixed_values m g (TopP kept) th (on_numbers (V_p_star mdp_of (sets_of (TopP kept)))).
Proof.
move=> some; split=> [s lt_s|/not_one //]; rewrite -[s]/(nat_of_ord (Ordinal lt_s)).
rewrite [RHS]on_numbersE -(V_p_star_fixed _ (sets_of_candidates some)) -[LHS]/(lse_of _ _).
by rewrite -soft_sweep_mdp.
Qed.

Theorem V_projected_solves kept :
  (forall s, (s < states m)%N -> kept_pairs m (TopP kept) s != [::]) ->
  fixed_values m g (Projected kept [::]) (backup_of m g V_numbers)
    (on_numbers (V_projected mdp_of (sets_of (TopP kept)) (teacher mdp_of))).
Proof.
move=> some; split=> [s lt_s|/not_one //]; rewrite -[s]/(nat_of_ord (Ordinal lt_s)).
have B_ok := sets_of_candidates some.
rewrite [RHS]on_numbersE -(V_projected_fixed _ B_ok (teacher_projectable B_ok)).
rewrite -[LHS]/(value_of (kept_pairs m (TopP kept) _) _ _) -(policy_sweep_mdp (Q := Q_star mdp_of) _ some) // => a.
exact: Q_star_numbers.
Qed.

(** The mass that a set captures under the teacher. *)

Lemma mass_mdp kept (s : S) :
    (forall s, (s < states m)%N -> kept_pairs m (TopP kept) s != [::]) ->
  mass (sets_of (TopP kept)) (teacher mdp_of) s =
  mass_of [seq backup_of m g V_numbers pair | pair <- pairs_of m s & nth false kept pair]
          [seq backup_of m g V_numbers pair | pair <- pairs_of m s & ~~ nth false kept pair].
Proof.
move=> some; have B_ok := sets_of_candidates some; have B0 := candidates_some s B_ok.
have O0 : offers mdp_of s != set0 by apply: offers_some.
rewrite /teacher (mass_boltzmann _ _ B0) /Rminus exp_plus exp_Ropp /soft_value !exp_lse //.
have sum_q op : \sum_(a in sets_of op s) exp (Q_star mdp_of s a) =
    \sum_(i <- kept_pairs m op s) exp (backup_of m g V_numbers i).
  rewrite -(sum_actions (fun i => exp (backup_of m g V_numbers i))) ?kept_uniq //.
    by apply: eq_bigr => a _; rewrite Q_star_numbers.
  by move=> i; apply: kept_bound (ltn_ord s).
rewrite offers_sets !sum_q /mass_of !big_map /kept_pairs !big_filter /Rdiv.
by congr (_ * / _); rewrite [LHS](bigID (fun i => nth false kept i)).
Qed.

End Meaning.
