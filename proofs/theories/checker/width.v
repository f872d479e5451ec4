(** * How much the value of a Boltzmann policy depends on the policy's own table

    f(θ) = Σ_a w_a (Q̄_a − log w_a) with w_a = exp θ_a / Σ_b exp θ_b. The checker evaluates f at
    one point θ̂ of a box and widens the result by ½ ρ (max D − min D), D = θ − Q̄, where ρ bounds
    |θ − θ̂| ([projected_value] in certificate/src/sweep.rs). It needs no calculus to see why:
    convexity of log-sum-exp gives

        Σ (ŵ − w) D ≤ f(θ) − f(θ̂) ≤ Σ (ŵ − w) D̂,

    and the weights of a set of actions change by at most tanh(ρ/2) ≤ ρ/2.

    Actions are the elements of a list. *)

From Bellman Require Export logarithm bigops.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Notation "\sum_ ( i <- r ) F" := (\big[Rplus/0%R]_(i <- r) F%R) : R_scope.

Lemma Rabs_le_inv x y : Rabs x <= y -> - y <= x <= y.
Proof. by move=> le_y; have := Rle_abs x; have := Rle_abs (- x); rewrite Rabs_Ropp; lra. Qed.

(** tanh(x/2) ≤ x/2, without dividing by what may be 0. *)

Lemma tanh_le x : 0 <= x -> 2 * (1 - exp (- x)) <= x * (1 + exp (- x)).
Proof.
move=> x0; have [|<-] := Rle_lt_or_eq_dec _ _ x0; last by rewrite Ropp_0 exp_0; lra.
move=> x_gt0; pose f y := y * (1 + exp (- y)) - 2 * (1 - exp (- y)).
pose f' y := 1 - exp (- y) * (1 + y).
have deriv y : derivable_pt_lim f y (f' y).
  rewrite (_ : f' y = (1 * (1 + exp (- y)) + y * (0 + exp (- y) * - 1))
                      - (2 * (0 - exp (- y) * - 1))); last by rewrite /f'; ring.
  have exp_opp : derivable_pt_lim (fun y => exp (- y)) y (exp (- y) * - 1).
    apply: (derivable_pt_lim_comp Ropp exp); last exact: derivable_pt_lim_exp.
    exact: (derivable_pt_lim_opp _ _ _ (derivable_pt_lim_id y)).
  apply: derivable_pt_lim_minus.
    apply: derivable_pt_lim_mult; first exact: derivable_pt_lim_id.
    by apply: derivable_pt_lim_plus => //; apply: derivable_pt_lim_const.
  apply: derivable_pt_lim_scal; apply: derivable_pt_lim_minus => //.
  exact: derivable_pt_lim_const.
have [c [eq_f [c_gt0 _]]] := MVT_cor2 f f' 0 x x_gt0 (fun y _ => deriv y).
have f0 : f 0 = 0 by rewrite /f Ropp_0 exp_0; ring.
have f'_ge0 : 0 <= f' c.
  have := exp_ineq1_le c; have := exp_pos c => e0 e1.
  rewrite /f' exp_Ropp; suff : / exp c * (1 + c) <= 1 by lra.
  apply: (Rmult_le_reg_l (exp c)) => //; rewrite -Rmult_assoc Rinv_r; lra.
have : 0 <= f x by have := Rmult_le_pos _ _ f'_ge0 x0; lra.
by rewrite /f; lra.
Qed.

(** Odds that fall by a factor of e^{−2ρ} at most take at most ρ/2 from a probability. *)

Lemma odds_lipschitz p q rho :
    0 <= p <= 1 -> 0 <= q <= 1 -> 0 <= rho ->
    exp (- rho) * exp (- rho) * (p * (1 - q)) <= q * (1 - p) ->
  p - q <= rho / 2.
Proof.
move=> p01 q01 rho0; set t := exp (- rho) => odds.
have [|q_lt_p] := Rle_lt_dec p q; first by lra.
have t0 : 0 < t by apply: exp_pos.
pose u := sqrt (p * (1 - q)); pose v := sqrt (q * (1 - p)).
have u2 : u * u = p * (1 - q) by apply: sqrt_def; nra.
have v2 : v * v = q * (1 - p) by apply: sqrt_def; nra.
have u0 : 0 <= u := sqrt_pos _; have v0 : 0 <= v := sqrt_pos _.
have tu_v : t * u <= v by apply: Rsqr_incr_0_var => //; rewrite /Rsqr; nra.
have u_gt0 : 0 < u by nra.
(* the geometric mean is at most the arithmetic one *)
have u_le : u <= (p + (1 - q)) / 2.
  by apply: Rsqr_incr_0_var; rewrite /Rsqr ?u2; [have := Rle_0_sqr (p - (1 - q)); rewrite /Rsqr; lra | lra].
have v_le : v <= (q + (1 - p)) / 2.
  by apply: Rsqr_incr_0_var; rewrite /Rsqr ?v2; [have := Rle_0_sqr (q - (1 - p)); rewrite /Rsqr; lra | lra].
have tanh := tanh_le rho0; rewrite -/t in tanh.
have gap : (p - q) * (1 + t) <= 1 - t.
  have -> : p - q = (u - v) * (u + v).
    by rewrite (_ : _ * _ = u * u - v * v); [rewrite u2 v2; ring | ring].
  have : (u - v) * (1 + t) <= (u + v) * (1 - t) by nra.
  have : 0 <= u - v by nra.
  nra.
by apply: (Rmult_le_reg_r (1 + t)); [lra | nra].
Qed.

Section Width.

Variables (I : eqType) (l : seq I).
Hypothesis l_some : l != [::].
Implicit Types (th q d : I -> R) (i : I).

Definition exp_sum th := \sum_(i <- l) exp (th i).
Definition lse_of th := ln (exp_sum th).
Definition share_of th i := exp (th i) / exp_sum th.

(** f(θ) *)

Definition value_of th q := \sum_(i <- l) share_of th i * (q i - ln (share_of th i)).

Lemma exp_sum_gt0 th : 0 < exp_sum th.
Proof.
rewrite /exp_sum; case: l l_some => // i s _; rewrite big_cons.
have : 0 <= \sum_(j <- s) exp (th j) by apply: sum_ge0 => j _; apply: Rlt_le (exp_pos _).
by have := exp_pos (th i); lra.
Qed.

Lemma share_ge0 th i : 0 <= share_of th i.
Proof.
by apply: Rmult_le_pos; apply: Rlt_le; [apply: exp_pos | apply: Rinv_0_lt_compat; apply: exp_sum_gt0].
Qed.

Lemma sum_share th : \sum_(i <- l) share_of th i = 1.
Proof. by rewrite /share_of sum_scale_r Rinv_r //; have := exp_sum_gt0 th; rewrite /exp_sum; lra. Qed.

Lemma ln_share th i : ln (share_of th i) = th i - lse_of th.
Proof.
have t0 := exp_sum_gt0 th; rewrite /share_of /Rdiv ln_mult ?ln_exp ?ln_Rinv //.
  exact: exp_pos.
exact: Rinv_0_lt_compat.
Qed.

(** f(θ) = log Σ_a exp θ_a − Σ_a w_a (θ_a − Q̄_a − c), up to the shift c. *)

Lemma value_of_gap th q c :
  value_of th q = lse_of th - c - \sum_(i <- l) share_of th i * (th i - q i - c).
Proof.
have -> : lse_of th - c = \sum_(i <- l) share_of th i * (lse_of th - c).
  by rewrite sum_scale_r sum_share; ring.
by rewrite -sum_sub; apply: eq_bigr => i _; rewrite ln_share; ring.
Qed.

(** Log-sum-exp lies above its tangents (Jensen). *)

Lemma lse_tangent th th' :
  \sum_(i <- l) share_of th' i * (th i - th' i) <= lse_of th - lse_of th'.
Proof.
set c := \sum_(i <- l) _; have t0 := exp_sum_gt0 th; have t0' := exp_sum_gt0 th'.
have le1 : 1 <= exp_sum th / exp_sum th' * exp (- c).
  have -> : 1 = \sum_(i <- l) share_of th' i * (1 + (th i - th' i - c)).
    have -> : \sum_(i <- l) share_of th' i * (1 + (th i - th' i - c)) =
        \sum_(i <- l) share_of th' i * (1 - c) + c.
      by rewrite /c -sum_add; apply: eq_bigr => i _; ring.
    by rewrite sum_scale_r sum_share; ring.
  have -> : exp_sum th / exp_sum th' * exp (- c) =
      \sum_(i <- l) share_of th' i * exp (th i - th' i - c).
    rewrite {1}/exp_sum /Rdiv -!sum_scale_r; apply: eq_bigr => i _; rewrite /share_of /Rdiv.
    have -> : th i - th' i - c = th i + - th' i + - c by ring.
    by rewrite !exp_plus (exp_Ropp (th' i)); field; have := exp_pos (th' i); lra.
  apply: sum_le => i _; apply: Rmult_le_compat_l; first exact: share_ge0.
  exact: exp_ineq1_le.
have := ln_le _ _ Rlt_0_1 le1; rewrite ln_1 /Rdiv !ln_mult ?ln_Rinv ?ln_exp //.
- by rewrite -/(lse_of th) -/(lse_of th'); lra.
- exact: Rinv_0_lt_compat.
- by apply: Rmult_lt_0_compat => //; apply: Rinv_0_lt_compat.
- exact: exp_pos.
Qed.

(** Weights of bounded numbers: where θ moves by at most ρ, their mean moves by at most
    ½ ρ times their range. *)

Lemma mean_moves th th' d rho m M :
    (forall i, i \in l -> Rabs (th i - th' i) <= rho) ->
    (forall i, i \in l -> m <= d i <= M) ->
  \sum_(i <- l) (share_of th' i - share_of th i) * d i <= rho / 2 * (M - m).
Proof.
move=> close range; have t0 := exp_sum_gt0 th; have t0' := exp_sum_gt0 th'.
have [i0 i0_l] : exists i, i \in l by case: l l_some => // i s _; exists i; rewrite mem_head.
have rho0 : 0 <= rho by apply: Rle_trans (close i0 i0_l); apply: Rabs_pos.
have mM : m <= M by have := range i0 i0_l; lra.
(* the actions that lose weight *)
pose P i := if Rlt_dec (share_of th i) (share_of th' i) then true else false.
pose p := \sum_(i <- l | P i) share_of th' i; pose q := \sum_(i <- l | P i) share_of th i.
have split_sum f : \sum_(i <- l) f i = \sum_(i <- l | P i) f i + \sum_(i <- l | ~~ P i) f i.
  exact: bigID.
have le_gain : \sum_(i <- l) (share_of th' i - share_of th i) * d i <= (p - q) * (M - m).
  have -> : \sum_(i <- l) (share_of th' i - share_of th i) * d i =
      \sum_(i <- l) (share_of th' i - share_of th i) * (d i - m).
    have : \sum_(i <- l) (share_of th' i - share_of th i) * m = 0.
      by rewrite sum_scale_r sum_sub !sum_share; ring.
    have -> : \sum_(i <- l) (share_of th' i - share_of th i) * (d i - m) =
        \sum_(i <- l) (share_of th' i - share_of th i) * d i -
        \sum_(i <- l) (share_of th' i - share_of th i) * m.
      by rewrite -sum_sub; apply: eq_bigr => i _; ring.
    by move=> ->; ring.
  have -> : (p - q) * (M - m) = \sum_(i <- l | P i) (share_of th' i - share_of th i) * (M - m).
    by rewrite sum_scale_r sum_sub.
  rewrite [X in _ <= X]big_mkcond big_seq [X in _ <= X]big_seq; apply: sum_le => i i_l.
  by have := range i i_l; rewrite /P; case: Rlt_dec => w_lt /=; nra.
have part0 R t : 0 <= \sum_(i <- l | R i) share_of t i by apply: sum_ge0 => i _; apply: share_ge0.
have pc : 1 - p = \sum_(i <- l | ~~ P i) share_of th' i.
  by rewrite -(sum_share th') split_sum -/p; ring.
have qc : 1 - q = \sum_(i <- l | ~~ P i) share_of th i.
  by rewrite -(sum_share th) split_sum -/q; ring.
have p01 : 0 <= p <= 1 by have := part0 P th'; have := part0 (predC P) th'; rewrite /= -pc -/p; lra.
have q01 : 0 <= q <= 1 by have := part0 P th; have := part0 (predC P) th; rewrite /= -qc -/q; lra.
have le_pq : p - q <= rho / 2.
  apply: odds_lipschitz => //.
  pose k := exp_sum th' / exp_sum th; have k0 : 0 < k.
    by apply: Rmult_lt_0_compat => //; apply: Rinv_0_lt_compat.
  (* each weight moves by a factor between e^{−ρ} k and e^{ρ} k *)
  have share_th i : share_of th i = share_of th' i * (exp (th i - th' i) * k).
    rewrite /share_of /k (_ : exp (th i) = exp (th i - th' i) * exp (th' i)).
      by field; split; lra.
    by rewrite -exp_plus; congr exp; ring.
  have exp_mono x y : x <= y -> exp x <= exp y.
    by case=> [/exp_increasing/Rlt_le //|->]; apply: Rle_refl.
  have up i : i \in l -> share_of th i <= share_of th' i * (exp rho * k).
    move=> /close /Rabs_le_inv [_ le_rho]; rewrite share_th.
    apply: Rmult_le_compat_l; first exact: share_ge0.
    by apply: Rmult_le_compat_r; [lra | apply: exp_mono].
  have down i : i \in l -> share_of th' i * (exp (- rho) * k) <= share_of th i.
    move=> /close /Rabs_le_inv [ge_rho _]; rewrite [X in _ <= X]share_th.
    apply: Rmult_le_compat_l; first exact: share_ge0.
    by apply: Rmult_le_compat_r; [lra | apply: exp_mono].
  have q_ge : p * (exp (- rho) * k) <= q.
    by rewrite /p /q -sum_scale_r big_seq_cond [X in _ <= X]big_seq_cond; apply: sum_le => i /andP[/down].
  have qc_le : 1 - q <= (1 - p) * (exp rho * k).
    by rewrite pc qc -sum_scale_r big_seq_cond [X in _ <= X]big_seq_cond; apply: sum_le => i /andP[/up].
  have e1 : exp (- rho) * exp rho = 1 by rewrite -exp_plus Rplus_opp_l exp_0.
  have e0 := exp_pos (- rho).
  have step1 : exp (- rho) * (1 - q) <= (1 - p) * k.
    have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ e0) qc_le.
    by have -> : exp (- rho) * ((1 - p) * (exp rho * k)) = (1 - p) * k * (exp (- rho) * exp rho);
      [ring | rewrite e1; lra].
  have ep0 : 0 <= exp (- rho) * p by apply: Rmult_le_pos; lra.
  have step2 := Rmult_le_compat_l _ _ _ ep0 step1.
  have p0 : 0 <= 1 - p by lra.
  have step3 := Rmult_le_compat_l _ _ _ p0 q_ge.
  by lra.
apply: Rle_trans le_gain _; apply: Rmult_le_compat_r => //; lra.
Qed.

(** The two bounds together. *)

Theorem value_of_moves th th' q rho m M :
    (forall i, i \in l -> Rabs (th i - th' i) <= rho) ->
    (forall i, i \in l -> m <= th i - q i <= M) ->
    (forall i, i \in l -> m <= th' i - q i <= M) ->
  Rabs (value_of th q - value_of th' q) <= rho / 2 * (M - m).
Proof.
move=> close range range'.
have sub_sum u (d : I -> R) : \sum_(i <- l) share_of th' i * d i - \sum_(i <- l) share_of u i * d i =
    \sum_(i <- l) (share_of th' i - share_of u i) * d i.
  by rewrite -sum_sub; apply: eq_bigr => i _; ring.
rewrite !(value_of_gap _ _ 0) !Rminus_0_r.
have sum0 u : \sum_(i <- l) share_of u i * (u i - q i - 0) = \sum_(i <- l) share_of u i * (u i - q i).
  by apply: eq_bigr => i _; ring.
rewrite !sum0.
have lower := lse_tangent th th'; have upper := lse_tangent th' th.
have close' i : i \in l -> Rabs (th' i - th i) <= rho by move=> /close; rewrite Rabs_minus_sym.
have move_lo := mean_moves close' range; have move_hi := mean_moves close range'.
have eq_hi : \sum_(i <- l) share_of th i * (th i - q i) =
    \sum_(i <- l) share_of th i * (th' i - q i) - \sum_(i <- l) share_of th i * (th' i - th i).
  by rewrite -sum_sub; apply: eq_bigr => i _; ring.
have eq_lo : \sum_(i <- l) share_of th' i * (th' i - q i) =
    \sum_(i <- l) share_of th' i * (th i - q i) - \sum_(i <- l) share_of th' i * (th i - th' i).
  by rewrite -sum_sub; apply: eq_bigr => i _; ring.
have {}move_hi : \sum_(i <- l) share_of th' i * (th' i - q i) -
    \sum_(i <- l) share_of th i * (th' i - q i) <= rho / 2 * (M - m) by rewrite sub_sum.
have {}move_lo : \sum_(i <- l) share_of th i * (th i - q i) -
    \sum_(i <- l) share_of th' i * (th i - q i) <= rho / 2 * (M - m).
  by rewrite -sum_sub; apply: Rle_trans move_lo; apply: Req_le; apply: eq_bigr => i _; ring.
by apply: Rabs_le; lra.
Qed.

End Width.
