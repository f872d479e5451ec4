(** * One model, in numbers

    A model given as a table: the actions that each state offers, with their rewards as dyadic
    numbers and their next states with positive integer weights; P(s'|s,a) is the weight of s'
    divided by the total. State [#0] is the first. *)

From Bellman Require Export interval_backend mdp.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** [#k] is number k of however many there are. *)

Definition numbered n k (lt_kn : (k < n)%N) : 'I_n := Ordinal lt_kn.
Arguments numbered {n} & k lt_kn.
Notation "# k" := (numbered k isT) (at level 0, k constr at level 0).

(** In a list, the n of [#k] is that of the list. *)

Arguments cons {T}%type_scope & x s.

Notation "\sum_ ( i <- r ) F" := (\big[Rplus/0%R]_(i <- r) F%R) : R_scope.

Section Tables.

Variables n m : nat.

(** A next state and its weight, *)

Record edge := to { target : 'I_n; weight : positive }.

(** an action on offer, *)

Record choice := offer { action : 'I_m; earns : dyadic; goes : seq edge }.

(** and a model: the discount, and for each state the actions it offers. *)

Record table := Table { discount : dyadic; choices : seq (seq choice) }.

Variable d : table.

(** The actions on offer in state number s, and what is said of one of them. *)

Definition offered (s : nat) : seq choice := nth [::] (choices d) s.
Definition chosen (s a : nat) : option choice := ohead [seq c <- offered s | action c == a :> nat].

Definition total_weight (es : seq edge) : R := \sum_(e <- es) IZR (Zpos (weight e)).
Definition weight_of (es : seq edge) (s : 'I_n) : R :=
  \sum_(e <- es | target e == s) IZR (Zpos (weight e)).

Definition table_offers (s : 'I_n) : {set 'I_m} := [set a in [seq action c | c <- offered s]].
Definition table_reward (s : 'I_n) (a : 'I_m) : R :=
  if chosen s a is Some c then value (earns c) else 0.
Definition table_step (s : 'I_n) (a : 'I_m) (s' : 'I_n) : R :=
  if chosen s a is Some c then weight_of (goes c) s' / total_weight (goes c) else 0.

(** What has to be checked: each state offers something, nothing twice, and 0 ≤ γ < 1. *)

Definition well_formed : bool :=
  [&& all (fun s => ~~ nilp (offered s) && uniq [seq action c : nat | c <- offered s]) (iota 0 n),
      nonnegative (point (discount d)) &
      positive_interval (sub (integer 1) (point (discount d)))].

Lemma weight_ge0 (es : seq edge) (P : pred edge) : 0 <= \sum_(e <- es | P e) IZR (Zpos (weight e)).
Proof. by apply: sum_ge0 => e _; apply: IZR_le. Qed.

Lemma weight_of_total es : \sum_s weight_of es s = total_weight es.
Proof.
rewrite /weight_of (exchange_big_dep xpredT) //=; apply: eq_bigr => e _.
by rewrite (big_pred1 (target e)) // => s; rewrite eq_sym.
Qed.

Lemma table_step_ge0 s a s' : 0 <= table_step s a s'.
Proof.
rewrite /table_step; case: chosen => [c|]; last exact: Rle_refl.
have := weight_ge0 (goes c) xpredT; rewrite -/(total_weight _) => -[t_gt0|<-].
  by apply: Rmult_le_pos; [apply: weight_ge0|apply: Rlt_le; apply: Rinv_0_lt_compat].
by rewrite /Rdiv Rinv_0 Rmult_0_r; apply: Rle_refl.
Qed.

Lemma table_step_total s a : \sum_s' table_step s a s' <= 1.
Proof.
rewrite /table_step; case: chosen => [c|]; last by rewrite big1 //; lra.
rewrite sum_scale_r weight_of_total; have [->|t0] := Req_dec (total_weight (goes c)) 0.
  by rewrite Rmult_0_l; lra.
by rewrite Rinv_r //; apply: Rle_refl.
Qed.

Hypothesis ok : well_formed.

Lemma offered_ok (s : 'I_n) : ~~ nilp (offered s) /\ uniq [seq action c | c <- offered s].
Proof.
case/and3P: ok => /allP /(_ (s : nat)) + _ _; rewrite mem_iota ltn_ord => /(_ isT) /andP[-> ].
by rewrite (map_comp (@nat_of_ord m) action) (map_inj_uniq (@ord_inj m)).
Qed.

Lemma table_offers_some s : table_offers s != set0.
Proof.
have [+ _] := offered_ok s; case off: (offered s) => [|c cs] // _.
by apply/set0Pn; exists (action c); rewrite inE off mem_head.
Qed.

Lemma table_gamma_ge0 : 0 <= value (discount d).
Proof. by case/and3P: ok => _ g _; apply: nonnegative_inside g (point_inside _). Qed.

Lemma table_gamma_lt1 : value (discount d) < 1.
Proof.
case/and3P: ok => _ _ g; suff: 0 < 1 - value (discount d) by lra.
by apply: positive_inside g _; apply: sub_inside (point_inside _); apply: (integer_inside 1).
Qed.

Definition model : mdp [finType of 'I_n] [finType of 'I_m] :=
  Mdp table_reward table_offers_some table_step_ge0 table_step_total
      table_gamma_ge0 table_gamma_lt1.

End Tables.

Arguments to {n} & target weight%positive_scope.
Arguments offer {n m} & action earns goes.
Arguments Table {n m} & discount choices.
Arguments model {n m} d ok.

(** A candidate set for each state, as the list of the actions it keeps. *)

Definition kept_in m (kept : seq (seq 'I_m)) (s : nat) : seq 'I_m := nth [::] kept s.
Definition sets n m (kept : seq (seq 'I_m)) (s : 'I_n) : {set 'I_m} := [set a in kept_in kept s].
