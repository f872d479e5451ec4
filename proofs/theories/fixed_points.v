(** * Fixed points

    Value iteration from the zero table converges for every contraction; its limit is the only
    fixed point (Banach, on a finite set). So the fixed points that the paper speaks of are
    defined here, and nothing has to be assumed about them. *)

From Bellman Require Export limits contraction.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section FixedPoint.

Variables S A : finType.
Implicit Types (Q : S -> A -> R) (F : (S -> A -> R) -> S -> A -> R) (B : S -> {set A}).

(** The table after n applications of F to the zero table. *)

Definition value_iteration F n : S -> A -> R := iter n F (fun _ _ => 0).

(** Where value iteration goes. F is applied once more, so that pairs outside the candidate
    sets, which F writes but does not read, have the right value too. *)

Definition fixed_point F : S -> A -> R := F (fun s a => limit (fun n => value_iteration F n s a)).

(** Q solves Q = F Q on the pairs of the candidate sets. *)

Definition solves B F Q := forall s a, a \in B s -> F Q s a = Q s a.

End FixedPoint.

(** ** Banach's theorem *)

Section Banach.

Variables (S A : finType) (B : S -> {set A}) (g : R) (F : (S -> A -> R) -> S -> A -> R).
Hypotheses (g_bounds : 0 <= g < 1) (F_mono : monotone B F) (F_disc : discounting g F).
Implicit Types (Q : S -> A -> R) (s : S) (a : A).

Let contr Q Q' : supported_norm B (F Q \- F Q') <= g * supported_norm B (Q \- Q') :=
  blackwell_contraction g_bounds F_mono F_disc Q Q'.

Let zero : S -> A -> R := fun _ _ => 0.
Let u n : S -> A -> R := value_iteration F n.

(** How far value iteration can get from where it starts. *)

Definition radius := supported_norm B (F zero \- zero) / (1 - g).

Lemma radius_ge0 : 0 <= radius.
Proof.
apply: Rmult_le_pos; first exact: supported_norm_ge0.
by apply: Rlt_le; apply: Rinv_0_lt_compat; lra.
Qed.

Lemma iterate_near m : supported_norm B (u m \- zero) <= radius.
Proof.
elim: m => [|m IH].
  apply: supported_norm_le => [|s a _]; first exact: radius_ge0.
  by rewrite /table_sub Rminus_0_r Rabs_R0; apply: radius_ge0.
have step : radius = g * radius + supported_norm B (F zero \- zero) by rewrite /radius; field; lra.
apply: supported_norm_le => [|s a aB]; first exact: radius_ge0.
have := supported_norm_ge (F zero \- zero) aB; have := supported_norm_ge (F (u m) \- F zero) aB.
have := contr (u m) zero; have := Rmult_le_compat_l g _ _ (proj1 g_bounds) IH.
have := Rabs_triang ((F (u m) \- F zero) s a) ((F zero \- zero) s a).
have -> : (F (u m) \- F zero) s a + (F zero \- zero) s a = (u m.+1 \- zero) s a.
  by rewrite /table_sub /u /=; ring.
lra.
Qed.

Lemma iterate_close n m : supported_norm B (u (n + m) \- u n) <= g ^ n * radius.
Proof.
elim: n => [|n IH]; first by rewrite add0n /= Rmult_1_l; apply: iterate_near.
have := contr (u (n + m)) (u n); rewrite addSn /=.
by have := Rmult_le_compat_l g _ _ (proj1 g_bounds) IH; rewrite -Rmult_assoc; lra.
Qed.

Let lim : S -> A -> R := fun s a => limit (fun n => value_iteration F n s a).

Lemma limit_close n : supported_norm B (lim \- u n) <= g ^ n * radius.
Proof.
have r_ge0 : 0 <= g ^ n * radius.
  by apply: Rmult_le_pos radius_ge0; apply: pow_le; lra.
apply: supported_norm_le => // s a aB.
apply: (geometric_limit g_bounds radius_ge0) => k m.
exact: Rle_trans (supported_norm_ge (u (k + m) \- u k) aB) (iterate_close k m).
Qed.

Lemma limit_solves : solves B F lim.
Proof.
move=> s a aB; apply: supported_norm_eq0 aB.
have c_ge0 : 0 <= 2 * radius by have := radius_ge0; lra.
apply: (pow_squeeze g_bounds c_ge0) => n.
have p_ge0 : 0 <= g ^ n by apply: pow_le; lra.
have r_ge0 : 0 <= g ^ n * radius by apply: Rmult_le_pos radius_ge0.
have pow_step : g ^ n.+1 * radius = g * (g ^ n * radius) by rewrite -Rmult_assoc.
have g_le : g * (g ^ n * radius) <= g ^ n * radius by nra.
apply: supported_norm_le => [|s' a' a'B]; first by lra.
have := supported_norm_ge (F lim \- F (u n)) a'B; have := contr lim (u n).
have := Rmult_le_compat_l g _ _ (proj1 g_bounds) (limit_close n).
have := supported_norm_ge (lim \- u n.+1) a'B; have := limit_close n.+1; rewrite pow_step.
have := Rabs_triang ((F lim \- F (u n)) s' a') (- (lim \- u n.+1) s' a').
have -> : (F lim \- F (u n)) s' a' + - (lim \- u n.+1) s' a' = (F lim \- lim) s' a'.
  by rewrite /table_sub /u /=; ring.
by rewrite Rabs_Ropp; lra.
Qed.

(** The fixed point exists: the equation holds at every pair, *)

Theorem fixed_point_eq s a : F (fixed_point F) s a = fixed_point F s a.
Proof. by apply: (monotone_ext F_mono) => s' a' a'B; apply: limit_solves. Qed.

Lemma fixed_point_solves : solves B F (fixed_point F).
Proof. by move=> s a _; apply: fixed_point_eq. Qed.

(** it is the only one, even among tables that solve the equation on the support alone, *)

Theorem fixed_point_unique Q : solves B F Q -> forall s a, a \in B s -> Q s a = fixed_point F s a.
Proof.
move=> fixQ; apply: (solution_unique g_bounds F_mono F_disc) => //.
exact: fixed_point_solves.
Qed.

Lemma fixed_point_unique_everywhere Q :
  (forall s a, F Q s a = Q s a) -> forall s a, Q s a = fixed_point F s a.
Proof.
move=> fixQ s a; rewrite -fixQ -fixed_point_eq; apply: (monotone_ext F_mono) => s' a' a'B.
by apply: fixed_point_unique a'B => ? ? _; apply: fixQ.
Qed.

(** and value iteration comes within γ^n of it. *)

Theorem value_iteration_converges n :
  supported_norm B (fixed_point F \- value_iteration F n) <= g ^ n * radius.
Proof.
apply: Rle_trans (limit_close n); apply: supported_norm_le; first exact: supported_norm_ge0.
move=> s a aB; rewrite /table_sub.
by rewrite -(fixed_point_unique limit_solves aB); exact (supported_norm_ge (lim \- u n) aB).
Qed.

(** What F lowers lies above the fixed point, what F raises lies below it. *)

Theorem fixed_point_le Q : below B (F Q) Q -> below B (fixed_point F) Q.
Proof.
move=> super; apply: (comparison g_bounds F_mono F_disc) super _ => s a aB.
by rewrite fixed_point_eq; apply: Rle_refl.
Qed.

Theorem fixed_point_ge Q : below B Q (F Q) -> below B Q (fixed_point F).
Proof.
move=> sub; apply: (comparison g_bounds F_mono F_disc) _ sub => s a aB.
by rewrite fixed_point_eq; apply: Rle_refl.
Qed.

End Banach.

(** ** The fixed points of the paper *)

Section Solutions.

Variables (S A : finType) (M : mdp S A).
Implicit Types (B : S -> {set A}) (pi Q : S -> A -> R) (s : S) (a : A).

(** Q*, the fixed point of T, with V* and the teacher π* = exp(Q* − V* ). *)

Definition Q_star : S -> A -> R := fixed_point (T M).
Definition V_star : S -> R := soft_value (offers M) Q_star.
Definition teacher : S -> A -> R := boltzmann (offers M) Q_star.

(** Q̄_p*, the fixed point of T_p. *)

Definition Q_p_star B : S -> A -> R := fixed_point (T_p M B).

(** Q̄^{proj_p π}, the fixed point of B_p^π; that of the projected teacher is
    [Q_projected B teacher]. *)

Definition Q_projected B pi : S -> A -> R := fixed_point (B_p M B pi).

(** Each solves its equation, and is the only table that does so on the support. *)

Theorem Q_star_eq s a : T M Q_star s a = Q_star s a.
Proof. exact: (fixed_point_eq (discount_bounds M) (@T_monotone _ _ M) (@T_discounting _ _ M)). Qed.

Theorem Q_star_unique Q :
  solves (offers M) (T M) Q -> forall s a, a \in offers M s -> Q s a = Q_star s a.
Proof.
exact: (fixed_point_unique (discount_bounds M) (@T_monotone _ _ M) (@T_discounting _ _ M)).
Qed.

(** A table that T lowers lies above Q*, one that T raises lies below. The same holds for the
    other operators. *)

Theorem Q_star_le Q : below (offers M) (T M Q) Q -> below (offers M) Q_star Q.
Proof. exact: (fixed_point_le (discount_bounds M) (@T_monotone _ _ M) (@T_discounting _ _ M)). Qed.

Theorem Q_star_ge Q : below (offers M) Q (T M Q) -> below (offers M) Q Q_star.
Proof. exact: (fixed_point_ge (discount_bounds M) (@T_monotone _ _ M) (@T_discounting _ _ M)). Qed.

Section Sets.

Variable B : S -> {set A}.
Hypothesis B_ok : candidates M B.

Let T_p_mono := @T_p_monotone _ _ _ _ B_ok.
Let T_p_disc := @T_p_discounting _ _ _ _ B_ok.

Theorem Q_p_star_eq s a : T_p M B (Q_p_star B) s a = Q_p_star B s a.
Proof. exact: (fixed_point_eq (discount_bounds M) T_p_mono T_p_disc). Qed.

Theorem Q_p_star_unique Q :
  solves B (T_p M B) Q -> forall s a, a \in B s -> Q s a = Q_p_star B s a.
Proof. exact: (fixed_point_unique (discount_bounds M) T_p_mono T_p_disc). Qed.

Theorem Q_p_star_le Q : below B (T_p M B Q) Q -> below B (Q_p_star B) Q.
Proof. exact: (fixed_point_le (discount_bounds M) T_p_mono T_p_disc). Qed.

Theorem Q_p_star_ge Q : below B Q (T_p M B Q) -> below B Q (Q_p_star B).
Proof. exact: (fixed_point_ge (discount_bounds M) T_p_mono T_p_disc). Qed.

Variable pi : S -> A -> R.
Hypothesis pi_ok : projectable B pi.

Let B_p_mono := @B_p_monotone _ _ M _ _ pi_ok.
Let B_p_disc := @B_p_discounting _ _ M _ _ pi_ok.

Theorem Q_projected_eq s a : B_p M B pi (Q_projected B pi) s a = Q_projected B pi s a.
Proof. exact: (fixed_point_eq (discount_bounds M) B_p_mono B_p_disc). Qed.

Theorem Q_projected_unique Q :
  solves B (B_p M B pi) Q -> forall s a, a \in B s -> Q s a = Q_projected B pi s a.
Proof. exact: (fixed_point_unique (discount_bounds M) B_p_mono B_p_disc). Qed.

Theorem Q_projected_le Q : below B (B_p M B pi Q) Q -> below B (Q_projected B pi) Q.
Proof. exact: (fixed_point_le (discount_bounds M) B_p_mono B_p_disc). Qed.

Theorem Q_projected_ge Q : below B Q (B_p M B pi Q) -> below B Q (Q_projected B pi).
Proof. exact: (fixed_point_ge (discount_bounds M) B_p_mono B_p_disc). Qed.

End Sets.

(** The teacher is a policy, positive everywhere, and can be projected on any candidate sets. *)

Lemma teacher_gt0 s a : 0 < teacher s a.
Proof. exact: boltzmann_gt0. Qed.

Lemma teacher_policy : policy_on (offers M) teacher.
Proof. by apply: boltzmann_policy => s; apply: offers_some. Qed.

Lemma teacher_projectable B : candidates M B -> projectable B teacher.
Proof. by move=> B_ok; apply: boltzmann_projectable => s; apply: candidates_some B_ok. Qed.

Lemma Q_star_V s a : Q_star s a = backup M V_star s a.
Proof. by rewrite -Q_star_eq. Qed.

End Solutions.
