(** * Candidate sets, captured mass and projection

    A table of candidate sets [B] keeps in each state some of the offered actions, at least
    one. The theory holds for any such sets that carry enough mass: top-p, top-k, min-p. The
    top-p sets themselves are in nucleus.v. *)

From Bellman Require Export logarithm mdp.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Candidates.

Variables (S A : finType) (M : mdp S A).
Implicit Types (B : S -> {set A}) (pi : S -> A -> R) (p : R) (s : S) (a : A).

Definition candidates B := forall s, B s != set0 /\ B s \subset offers M s.

(** m(s) = Σ_{a ∈ B(s)} π(a|s), the mass that the set of a state captures. *)

Definition mass B pi s := \sum_(a in B s) pi s a.

(** B carries the mass p under π in every state. *)

Definition carries p B pi := forall s, p <= mass B pi s.

(** ℓ(s) = −log m(s), the leak of a state. *)

Definition leak B pi s := - ln (mass B pi s).

(** (proj_p π)(a|s) = π(a|s) / Σ_{b ∈ B(s)} π(b|s) on B(s), 0 elsewhere. *)

Definition projection B pi s a := if a \in B s then pi s a / mass B pi s else 0.

(** π is a policy on the sets B: non-negative, of total 1 in each state. *)

Definition policy_on B pi :=
  forall s, (forall a, a \in B s -> 0 <= pi s a) /\ \sum_(a in B s) pi s a = 1.

(** What a projection needs: nothing negative, some mass in each set. *)

Definition projectable B pi :=
  forall s, (forall a, a \in B s -> 0 <= pi s a) /\ 0 < mass B pi s.

Lemma candidates_offers : candidates (offers M).
Proof. by move=> s; split=> //; apply: offers_some. Qed.

Lemma candidates_some B s : candidates B -> B s != set0.
Proof. by case/(_ s). Qed.

Lemma candidates_sub B s a : candidates B -> a \in B s -> a \in offers M s.
Proof. by case/(_ s) => _ /subsetP; apply. Qed.

Lemma policy_projectable B pi : policy_on B pi -> projectable B pi.
Proof. by move=> pi_on s; case: (pi_on s) => pi_ge0 pi1; split=> //; rewrite /mass pi1; lra. Qed.

Lemma projection_policy B pi : projectable B pi -> policy_on B (projection B pi).
Proof.
move=> pi_ok s; case: (pi_ok s) => pi_ge0 m_gt0; split=> [a aB|].
  rewrite /projection aB; apply: Rmult_le_pos; first exact: pi_ge0.
  by apply: Rlt_le; apply: Rinv_0_lt_compat.
rewrite (eq_bigr (fun a => pi s a * / mass B pi s)); last by move=> a aB; rewrite /projection aB.
by rewrite sum_scale_r; apply: Rinv_r; apply: Rgt_not_eq.
Qed.

Lemma projection_id B pi s a : policy_on B pi -> a \in B s -> projection B pi s a = pi s a.
Proof. by case/(_ s) => _ pi1 aB; rewrite /projection aB /mass pi1 /Rdiv Rinv_1 Rmult_1_r. Qed.

(** A set never carries more than its policy has. *)

Lemma mass_le1 B pi s : candidates B -> policy_on (offers M) pi -> mass B pi s <= 1.
Proof.
move=> B_ok pi_on; case: (pi_on s) => pi_ge0 <-; apply: sum_subset => //.
by case: (B_ok s).
Qed.

(** The leak is non-negative, and at most −log p where the set carries p > 0. *)

Lemma leak_ge0 B pi s :
  candidates B -> policy_on (offers M) pi -> 0 < mass B pi s -> 0 <= leak B pi s.
Proof.
move=> B_ok pi_on m_gt0; have m_le1 := mass_le1 s B_ok pi_on.
by have := ln_le _ _ m_gt0 m_le1; rewrite ln_1 /leak; lra.
Qed.

Lemma leak_le B pi s p : 0 < p -> p <= mass B pi s -> leak B pi s <= - ln p.
Proof. by move=> p_gt0 p_le; have := ln_le _ _ p_gt0 p_le; rewrite /leak; lra. Qed.

End Candidates.
