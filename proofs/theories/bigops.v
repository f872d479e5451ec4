(** * Finite sums and maxima of real numbers

    Sums over finite types and finite sets, written as in the paper:
    [\sum_(a in B) f a] is the sum of [f a] over the elements [a] of [B].
    The library of big operators is mathcomp's; this file tells it that the reals add,
    commute and distribute, and adds what depends on their order. *)

From Coq Require Export Reals Lra.
From mathcomp Require Export all_ssreflect.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Open Scope R_scope.

(** The laws of addition and multiplication, in the form the big operators ask for. *)

Lemma addRA : associative Rplus. Proof. by move=> *; ring. Qed.
Lemma addRC : commutative Rplus. Proof. by move=> *; ring. Qed.
Lemma add0R : left_id 0 Rplus. Proof. by move=> *; ring. Qed.
Lemma addR0 : right_id 0 Rplus. Proof. by move=> *; ring. Qed.
Lemma mul0R : left_zero 0 Rmult. Proof. by move=> *; ring. Qed.
Lemma mulR0 : right_zero 0 Rmult. Proof. by move=> *; ring. Qed.
Lemma mulRDl : left_distributive Rmult Rplus. Proof. by move=> *; ring. Qed.
Lemma mulRDr : right_distributive Rmult Rplus. Proof. by move=> *; ring. Qed.

Canonical addR_monoid := Monoid.Law addRA add0R addR0.
Canonical addR_comoid := Monoid.ComLaw addRC.
Canonical mulR_muloid := Monoid.MulLaw mul0R mulR0.
Canonical addR_addoid := Monoid.AddLaw mulRDl mulRDr.

Notation "\sum_ i F" := (\big[Rplus/0%R]_i F%R) : R_scope.
Notation "\sum_ ( i | P ) F" := (\big[Rplus/0%R]_(i | P%B) F%R) : R_scope.
Notation "\sum_ ( i 'in' A ) F" := (\big[Rplus/0%R]_(i in A) F%R) : R_scope.
Notation "\sum_ ( i 'in' A | P ) F" := (\big[Rplus/0%R]_(i in A | P%B) F%R) : R_scope.
Notation "\sum_ ( m <= i < n ) F" := (\big[Rplus/0%R]_(m <= i < n) F%R) : R_scope.
Notation "\sum_ ( i <- r | P ) F" := (\big[Rplus/0%R]_(i <- r | P%B) F%R) : R_scope.

Section Sums.

Variables (I : Type) (r : seq I) (P : pred I).
Implicit Types (f g : I -> R) (c : R).

(** Sums are linear. *)

Lemma sum_add f g :
  \sum_(i <- r | P i) (f i + g i) = \sum_(i <- r | P i) f i + \sum_(i <- r | P i) g i.
Proof. exact: big_split. Qed.

Lemma sum_scale c f : \sum_(i <- r | P i) (c * f i) = c * \sum_(i <- r | P i) f i.
Proof. by rewrite big_distrr. Qed.

Lemma sum_scale_r c f : \sum_(i <- r | P i) (f i * c) = (\sum_(i <- r | P i) f i) * c.
Proof. by rewrite big_distrl. Qed.

Lemma sum_opp f : \sum_(i <- r | P i) (- f i) = - \sum_(i <- r | P i) f i.
Proof. by elim/big_rec2: _ => [|i x y _ ->]; ring. Qed.

Lemma sum_sub f g :
  \sum_(i <- r | P i) (f i - g i) = \sum_(i <- r | P i) f i - \sum_(i <- r | P i) g i.
Proof. by rewrite /Rminus sum_add sum_opp. Qed.

(** Sums are monotone. *)

Lemma sum_le f g :
  (forall i, P i -> f i <= g i) -> \sum_(i <- r | P i) f i <= \sum_(i <- r | P i) g i.
Proof. by move=> le_fg; elim/big_rec2: _ => [|i x y /le_fg]; lra. Qed.

Lemma sum_ge0 f : (forall i, P i -> 0 <= f i) -> 0 <= \sum_(i <- r | P i) f i.
Proof. by move=> f_ge0; elim/big_rec: _ => [|i x /f_ge0]; lra. Qed.

End Sums.

Section FiniteSums.

Variable I : finType.
Implicit Types (A B : {set I}) (P : pred I) (f g : I -> R).

(** A sum of non-negative terms is at least each of them, *)

Lemma sum_ge_term P f i :
  P i -> (forall j, P j -> 0 <= f j) -> f i <= \sum_(j | P j) f j.
Proof.
move=> Pi f_ge0; rewrite (bigD1 i) //=.
have: 0 <= \sum_(j | P j && (j != i)) f j by apply: sum_ge0 => j /andP[/f_ge0].
lra.
Qed.

(** is zero only if each of them is, *)

Lemma sum_eq0 P f :
  (forall i, P i -> 0 <= f i) -> \sum_(i | P i) f i = 0 -> forall i, P i -> f i = 0.
Proof. by move=> f_ge0 sum0 i Pi; have := sum_ge_term Pi f_ge0; have := f_ge0 i Pi; lra. Qed.

(** is positive if one of them is, *)

Lemma sum_gt0 P f i :
  P i -> (forall j, P j -> 0 <= f j) -> 0 < f i -> 0 < \sum_(j | P j) f j.
Proof. by move=> Pi f_ge0 fi_gt0; have := sum_ge_term Pi f_ge0; lra. Qed.

(** and grows with the set. *)

Lemma sum_subset A B f :
  A \subset B -> (forall i, i \in B -> 0 <= f i) -> \sum_(i in A) f i <= \sum_(i in B) f i.
Proof.
move=> /subsetP sAB f_ge0.
rewrite [X in _ <= X](bigID (fun i => i \in A)) /=.
have ->: \sum_(i in B | i \in A) f i = \sum_(i in A) f i.
  by apply: eq_bigl => i; apply/andP/idP => [[]//|iA]; split=> //; apply: sAB.
have: 0 <= \sum_(i in B | i \notin A) f i by apply: sum_ge0 => i /andP[/f_ge0].
lra.
Qed.

(** The elements of A in B and those outside make up A. *)

Lemma sum_setID A B f : \sum_(i in A) f i = \sum_(i in A :&: B) f i + \sum_(i in A :\: B) f i.
Proof. exact: big_setID. Qed.

(** A sum of numbers of at most c is at most the number of terms times c. *)

Lemma sum_const A c : \sum_(i in A) c = INR #|A| * c.
Proof.
rewrite big_const; elim: #|A| => [|n IH]; first by rewrite /= Rmult_0_l.
by rewrite iterS IH S_INR; ring.
Qed.

Lemma sum_le_card A f c : (forall i, i \in A -> f i <= c) -> \sum_(i in A) f i <= INR #|A| * c.
Proof. by move=> f_le; rewrite -sum_const; apply: sum_le. Qed.

Lemma sum_ge_card A f c : (forall i, i \in A -> c <= f i) -> INR #|A| * c <= \sum_(i in A) f i.
Proof. by move=> f_ge; rewrite -sum_const; apply: sum_le. Qed.

Lemma sum_const0 P : \sum_(i | P i) 0 = 0.
Proof. by rewrite big1. Qed.

(** A sum over the elements of a set of numbers that vanish outside is a sum over everything. *)

Lemma sum_if A f : \sum_i (if i \in A then f i else 0) = \sum_(i in A) f i.
Proof. by rewrite [RHS]big_mkcond. Qed.

Lemma sum_gap A f g :
  (forall i, i \in A -> f i = g i) -> \sum_(i in A) f i = \sum_(i in A) g i.
Proof. by move=> fg; apply: eq_bigr. Qed.

End FiniteSums.

(** The largest of finitely many non-negative numbers, 0 if there are none. *)

Section Maxima.

Variables (I : eqType) (r : seq I) (P : pred I) (f : I -> R).

Lemma max_le c :
  0 <= c -> (forall i, P i -> f i <= c) -> \big[Rmax/0]_(i <- r | P i) f i <= c.
Proof. by move=> c_ge0 f_le; elim/big_rec: _ => // i x /f_le fi_le x_le; apply: Rmax_lub. Qed.

Lemma max_ge0 : 0 <= \big[Rmax/0]_(i <- r | P i) f i.
Proof.
by elim/big_rec: _ => [|i x _ x_ge0]; [lra|apply: Rle_trans x_ge0 (Rmax_r _ _)].
Qed.

Lemma max_ge i : i \in r -> P i -> f i <= \big[Rmax/0]_(j <- r | P j) f j.
Proof.
elim: r => // j s IH; rewrite inE big_cons => /orP[/eqP <- ->|i_s Pi]; first exact: Rmax_l.
by case: (P j); [apply: Rle_trans (IH i_s Pi) (Rmax_r _ _)|apply: IH].
Qed.

End Maxima.
