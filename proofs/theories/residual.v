(** * What a Bellman residual says of the distance from a fixed point

    certificate.v has ‖Q − Q'‖ ≤ ‖F Q − Q‖/(1−γ). Two more: the distance is not less than
    ‖F Q − Q‖/(1+γ), and where every transition leads nearer to an end at which Q is right, and the
    end is at most H transitions away, Σ_{t<H} γ^t takes the place of 1/(1−γ). *)

From Bellman Require Export certificate.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** ** From below *)

Section Below.

Variables (S A : finType) (M : mdp S A).
Implicit Types (Q pi : S -> A -> R) (B : S -> {set A}).

Lemma residual_least B g F Q Q' :
    0 <= g < 1 -> contraction B g F -> solves B F Q' ->
  supported_norm B (F Q \- Q) / (1 + g) <= supported_norm B (Q \- Q').
Proof.
move=> g_bounds F_contracts fixed.
have le_sum : supported_norm B (F Q \- Q) <=
    supported_norm B (F Q \- F Q') + supported_norm B (Q \- Q').
  apply: supported_norm_le => [|s a aB].
    by apply: Rplus_le_le_0_compat; apply: supported_norm_ge0.
  have := supported_norm_ge (F Q \- F Q') aB; have := supported_norm_ge (Q \- Q') aB.
  rewrite /table_sub fixed // => le_far le_next.
  have -> : F Q s a - Q s a = (F Q s a - Q' s a) + - (Q s a - Q' s a) by ring.
  by apply: Rle_trans (Rabs_triang _ _) _; rewrite Rabs_Ropp; lra.
have := F_contracts Q Q'; set n := supported_norm B (Q \- Q') in le_sum *.
move=> contracted; apply: (Rmult_le_reg_r (1 + g)); first lra.
have -> : supported_norm B (F Q \- Q) / (1 + g) * (1 + g) = supported_norm B (F Q \- Q).
  by field; lra.
lra.
Qed.

Theorem Q_p_star_residual_least B Q :
  candidates M B ->
  supported_norm B (T_p M B Q \- Q) / (1 + gamma M) <= supported_norm B (Q \- Q_p_star M B).
Proof.
move=> B_ok; apply: residual_least => [||s a _];
  [exact: discount_bounds | exact: T_p_contraction |].
exact: Q_p_star_eq.
Qed.

Theorem Q_projected_residual_least B pi Q :
  candidates M B -> projectable B pi ->
  supported_norm B (B_p M B pi Q \- Q) / (1 + gamma M) <=
  supported_norm B (Q \- Q_projected M B pi).
Proof.
move=> B_ok pi_ok; apply: residual_least => [||s a _];
  [exact: discount_bounds | exact: B_p_contraction |].
exact: Q_projected_eq.
Qed.

End Below.

(** ** Where the end is certain *)

Section Ending.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Implicit Types (Q : S -> A -> R) (s : S) (a : A) (t h : nat).

(** How many transitions are left: each leads to a state with fewer, and where none is left Q needs
    no proof. *)

Variables (left : S -> nat) (H : nat).
Hypothesis nearer :
  forall s a s', left s <> 0%N -> a \in B s -> 0 < step M s a s' -> (left s' < left s)%N.
Hypothesis left_le : forall s, (left s <= H)%N.

Definition powers h := \sum_(0 <= t < h) gamma M ^ t.

Lemma powersS h : powers h.+1 = 1 + gamma M * powers h.
Proof.
rewrite /powers big_nat_recl //= -sum_scale; congr (_ + _).
Qed.

Lemma powers_le h k : (h <= k)%N -> powers h <= powers k.
Proof.
move=> le_hk; rewrite -(subnKC le_hk); elim: (k - h)%N => [|n IH].
  by rewrite addn0; apply: Rle_refl.
rewrite addnS [powers _.+1]/powers big_nat_recr //= -/(powers _).
by have := pow_le (gamma M) (h + n) (gamma_ge0 M); lra.
Qed.

Lemma powers_ge0 h : 0 <= powers h.
Proof. by have := powers_le (leq0n h); rewrite {1}/powers big_nil. Qed.

(** A value that moves by no more than Q does on the set of its state. *)

Variable value : (S -> A -> R) -> S -> R.
Hypothesis value_near : forall Q Q' s x,
  (forall a, a \in B s -> Rabs (Q s a - Q' s a) <= x) -> Rabs (value Q s - value Q' s) <= x.

Lemma backup_near Q Q' s a x :
    0 <= x -> (forall s', 0 < step M s a s' -> Rabs (value Q s' - value Q' s') <= x) ->
  Rabs (backup M (value Q) s a - backup M (value Q') s a) <= gamma M * x.
Proof.
move=> x_ge0 near.
have bound v w : (forall s', 0 < step M s a s' -> v s' - w s' <= x) ->
    expected M v s a - expected M w s a <= x.
  move=> le_x; rewrite -expected_sub; apply: Rle_trans (expected_const_le M s a x_ge0).
  apply: sum_le => s' _; case: (step_ge0 M s a s') => [step_gt0|<-]; last lra.
  by apply: Rmult_le_compat_l; [lra|apply: le_x].
have one : expected M (value Q) s a - expected M (value Q') s a <= x.
  by apply: bound => s' /near; have := Rle_abs (value Q s' - value Q' s'); lra.
have other : expected M (value Q') s a - expected M (value Q) s a <= x.
  apply: bound => s' /near; rewrite Rabs_minus_sym.
  by have := Rle_abs (value Q' s' - value Q s'); lra.
rewrite /backup; have := gamma_ge0 M => g_ge0; apply: Rabs_le.
by have := Rmult_le_compat_l _ _ _ g_ge0 one; have := Rmult_le_compat_l _ _ _ g_ge0 other; lra.
Qed.

Lemma residual_ending_near Q Q' e :
    0 <= e ->
    (forall s a, a \in B s -> Rabs (backup M (value Q) s a - Q s a) <= e) ->
    (forall s a, a \in B s -> backup M (value Q') s a = Q' s a) ->
    (forall s a, left s = 0%N -> a \in B s -> Q s a = Q' s a) ->
  forall h s a, (left s <= h)%N -> a \in B s -> Rabs (Q s a - Q' s a) <= e * powers h.
Proof.
move=> e_ge0 residual fixed right; elim=> [|h IH] s a le_h aB.
  rewrite (right s a) //; last by move: le_h; rewrite leqn0 => /eqP.
  by rewrite Rminus_eq_0 Rabs_R0 /powers big_nil; lra.
have [none|some] := eqVneq (left s) 0%N.
  rewrite (right s a) // Rminus_eq_0 Rabs_R0.
  exact: Rmult_le_pos e_ge0 (powers_ge0 _).
have x_ge0 : 0 <= e * powers h by apply: Rmult_le_pos e_ge0 (powers_ge0 _).
have near : Rabs (backup M (value Q) s a - backup M (value Q') s a) <= gamma M * (e * powers h).
  apply: backup_near => // s' step_gt0; apply: value_near => a' a'B; apply: IH => //.
  have lt_left := nearer (elimN eqP some) aB step_gt0.
  by rewrite -ltnS; apply: leq_trans lt_left le_h.
have := residual s a aB; rewrite Rabs_minus_sym => le_e.
have -> : Q s a - Q' s a = (Q s a - backup M (value Q) s a) +
    (backup M (value Q) s a - backup M (value Q') s a) by rewrite fixed //; ring.
by apply: Rle_trans (Rabs_triang _ _) _; rewrite powersS; lra.
Qed.

Lemma residual_ending Q Q' :
    solves B (fun Q => backup M (value Q)) Q' ->
    (forall s a, left s = 0%N -> a \in B s -> Q s a = Q' s a) ->
  supported_norm B (Q \- Q') <=
  supported_norm B ((fun s a => backup M (value Q) s a) \- Q) * powers H.
Proof.
move=> fixed right; set e := supported_norm B (_ \- Q).
have e_ge0 : 0 <= e by apply: supported_norm_ge0.
apply: supported_norm_le => [|s a aB].
  by apply: Rmult_le_pos e_ge0 (powers_ge0 _).
apply: residual_ending_near (left_le s) aB => // s' a' a'B.
exact: (supported_norm_ge ((fun s a => backup M (value Q) s a) \- Q) a'B).
Qed.

End Ending.

Section Theorems.

Variables (S A : finType) (M : mdp S A) (B : S -> {set A}).
Hypothesis B_ok : candidates M B.
Implicit Types (Q pi : S -> A -> R) (s : S) (a : A).

Variables (left : S -> nat) (H : nat).
Hypothesis nearer :
  forall s a s', left s <> 0%N -> a \in B s -> 0 < step M s a s' -> (left s' < left s)%N.
Hypothesis left_le : forall s, (left s <= H)%N.

Lemma near_by_shift (value : (S -> A -> R) -> S -> R) :
    (forall Q Q' s, (forall a, a \in B s -> Q s a <= Q' s a) -> value Q s <= value Q' s) ->
    (forall Q s x, value (fun s a => Q s a + x) s = value Q s + x) ->
  forall Q Q' s x, (forall a, a \in B s -> Rabs (Q s a - Q' s a) <= x) ->
  Rabs (value Q s - value Q' s) <= x.
Proof.
move=> value_le shift Q Q' s x near.
have one : value Q s <= value Q' s + x.
  rewrite -shift; apply: value_le => a /near.
  by have := Rle_abs (Q s a - Q' s a); lra.
have other : value Q' s <= value Q s + x.
  rewrite -shift; apply: value_le => a /near; rewrite Rabs_minus_sym.
  by have := Rle_abs (Q' s a - Q s a); lra.
by apply: Rabs_le; lra.
Qed.

Theorem Q_p_star_residual_ending Q :
    (forall s a, left s = 0%N -> a \in B s -> Q s a = Q_p_star M B s a) ->
  supported_norm B (Q \- Q_p_star M B) <=
  supported_norm B (T_p M B Q \- Q) * \sum_(0 <= t < H) gamma M ^ t.
Proof.
move=> right; apply: (residual_ending nearer left_le (value := soft_value B)) => //.
  apply: near_by_shift => [Q1 Q2 s le_Q|Q1 s x]; have B0 := candidates_some s B_ok.
    exact: soft_value_le.
  exact: soft_value_shift.
by move=> s a _; rewrite -(Q_p_star_eq B_ok).
Qed.

Theorem Q_projected_residual_ending pi Q :
    projectable B pi ->
    (forall s a, left s = 0%N -> a \in B s -> Q s a = Q_projected M B pi s a) ->
  supported_norm B (Q \- Q_projected M B pi) <=
  supported_norm B (B_p M B pi Q \- Q) * \sum_(0 <= t < H) gamma M ^ t.
Proof.
move=> pi_ok right; have on := projection_policy pi_ok.
apply: (residual_ending nearer left_le (value := policy_value B (projection B pi))) => //.
  apply: near_by_shift => [Q1 Q2 s le_Q|Q1 s x].
    exact: policy_value_le.
  exact: policy_value_shift.
by move=> s a _; exact: Q_projected_eq.
Qed.

End Theorems.
