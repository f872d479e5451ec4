(** * From a residual to a fixed point

    What a certificate rests on, for any operator on values that is monotone and passes on at
    most γ times what is added to its argument. Both are one property: where f ≤ g + c, with
    c ≥ 0, F f ≤ F g + γ c. States are the elements of a list, so that the same lemmas serve
    finite types and numbered states. *)

From Bellman Require Export bigops.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Discounted.

Variables (X : eqType) (dom : seq X) (g : R) (F : (X -> R) -> X -> R).
Hypothesis g_bounds : 0 <= g < 1.
Hypothesis F_discounts : forall f h c, 0 <= c ->
  (forall x, x \in dom -> f x <= h x + c) -> forall x, x \in dom -> F f x <= F h x + g * c.

(** F f ≤ f + a and h ≤ F h + b imply h ≤ f + (a + b)/(1−γ): let d be the largest excess of h
    over f, 0 if there is none. Then h − b ≤ F h ≤ F f + γ d ≤ f + a + γ d, so d ≤ a + b + γ d. *)

Lemma residual_bound f h a b :
    0 <= a + b -> (forall x, x \in dom -> F f x <= f x + a) ->
    (forall x, x \in dom -> h x <= F h x + b) ->
  forall x, x \in dom -> h x <= f x + (a + b) / (1 - g).
Proof.
move=> ab0 super sub; pose d := \big[Rmax/0]_(x <- dom | x \in dom) Rmax 0 (h x - f x).
have d0 : 0 <= d by apply: max_ge0.
have excess x : x \in dom -> h x <= f x + d.
  move=> x_dom; have := @max_ge _ dom (mem dom) (fun x => Rmax 0 (h x - f x)) x x_dom x_dom.
  by rewrite -/d; have := Rmax_r 0 (h x - f x); lra.
have step x : x \in dom -> h x <= f x + (a + b + g * d).
  move=> x_dom; have := sub x x_dom; have := super x x_dom.
  by have := F_discounts d0 excess x_dom; lra.
have gd0 : 0 <= g * d by apply: Rmult_le_pos; lra.
have d_le : d <= a + b + g * d.
  apply: max_le => [|x x_dom]; first lra.
  by apply: Rmax_lub; have := step x x_dom; lra.
move=> x x_dom; have := excess x x_dom.
suff : d <= (a + b) / (1 - g) by lra.
apply: (Rmult_le_reg_r (1 - g)); first lra.
have -> : (a + b) / (1 - g) * (1 - g) = a + b by field; lra.
lra.
Qed.

(** c_lo ≤ F V − V ≤ c_hi encloses every fixed point of F. *)

Theorem residual_encloses V W lo hi :
    (forall x, x \in dom -> F W x = W x) ->
    (forall x, x \in dom -> lo <= F V x - V x <= hi) ->
  forall x, x \in dom ->
    V x + Rmin lo 0 / (1 - g) <= W x <= V x + Rmax hi 0 / (1 - g).
Proof.
move=> fixed residual x x_dom; have lo0 := Rmin_r lo 0; have hi0 := Rmax_r hi 0.
have lo_le := Rmin_l lo 0; have hi_ge := Rmax_l hi 0; split.
- have := @residual_bound W V 0 (- Rmin lo 0) _ _ _ x x_dom.
  have -> : (0 + - Rmin lo 0) / (1 - g) = - (Rmin lo 0 / (1 - g)) by field; lra.
  suff : V x <= W x + - (Rmin lo 0 / (1 - g)) -> V x + Rmin lo 0 / (1 - g) <= W x.
    by move=> + bound; apply; apply: bound => [|y /fixed|y /residual]; lra.
  lra.
- have := @residual_bound V W (Rmax hi 0) 0 _ _ _ x x_dom; rewrite Rplus_0_r; apply.
  + exact: hi0.
  + by move=> y /residual; lra.
  + by move=> y /fixed; lra.
Qed.

End Discounted.

(** ** Where every path ends

    Each state has a horizon; where it is not 0, what follows has a smaller one. In states of
    horizon 0 all values agree. Then the residual counts Σ_{t<h} γ^t times, and γ = 1 is as
    good as any other. *)

Section Ending.

Variables (X : eqType) (dom : seq X) (g : R) (F : (X -> R) -> X -> R).
Variables (follows : X -> X -> Prop) (horizon : X -> nat).
Hypothesis g_ge0 : 0 <= g.
Hypothesis follows_dom : forall x y, x \in dom -> (0 < horizon x)%N -> follows x y ->
  (y \in dom) /\ (horizon y < horizon x)%N.
Hypothesis F_discounts : forall f h c x, x \in dom -> (0 < horizon x)%N -> 0 <= c ->
  (forall y, follows x y -> f y <= h y + c) -> F f x <= F h x + g * c.

(** Σ_{t<n} γ^t *)

Fixpoint geometric n : R := if n is n'.+1 then 1 + g * geometric n' else 0.

Lemma geometric_ge0 n : 0 <= geometric n.
Proof. by elim: n => [|n IH] /=; [lra | have := Rmult_le_pos _ _ g_ge0 IH; lra]. Qed.

Lemma geometric_le m n : (m <= n)%N -> geometric m <= geometric n.
Proof.
elim: n m => [|n IH] [|m] //; try by move=> _; apply: Rle_refl || apply: geometric_ge0.
by rewrite ltnS => /IH le_mn /=; have := Rmult_le_compat_l g _ _ g_ge0 le_mn; lra.
Qed.

Lemma ending_bound f h a b :
    0 <= a + b -> (forall x, x \in dom -> horizon x = 0%N -> h x <= f x) ->
    (forall x, x \in dom -> (0 < horizon x)%N -> F f x <= f x + a) ->
    (forall x, x \in dom -> (0 < horizon x)%N -> h x <= F h x + b) ->
  forall x, x \in dom -> h x <= f x + (a + b) * geometric (horizon x).
Proof.
move=> ab0 ends super sub x; move: {2}(horizon x) (leqnn (horizon x)) => n; elim: n x => [|n IH] x.
  by rewrite leqn0 => /eqP h0 x_dom; rewrite h0 /=; have := ends x x_dom h0; lra.
move=> le_n x_dom; case h0: (horizon x) => [|k]; first by have := ends x x_dom h0; rewrite /=; lra.
have h_gt0 : (0 < horizon x)%N by rewrite h0.
have d0 : 0 <= (a + b) * geometric k by apply: Rmult_le_pos => //; apply: geometric_ge0.
have le_next y : follows x y -> h y <= f y + (a + b) * geometric k.
  case/(follows_dom x_dom h_gt0) => y_dom lt_yx.
  have lt_yk : (horizon y <= k)%N by rewrite -ltnS -h0.
  have lt_yn : (horizon y <= n)%N by rewrite -ltnS; apply: leq_trans lt_yx le_n.
  apply: Rle_trans (IH y lt_yn y_dom) _; apply: Rplus_le_compat_l; apply: Rmult_le_compat_l => //.
  exact: geometric_le.
have := F_discounts x_dom h_gt0 d0 le_next; have := sub x x_dom h_gt0; have := super x x_dom h_gt0.
by rewrite /=; lra.
Qed.

Theorem ending_encloses V W lo hi :
    (forall x, x \in dom -> horizon x = 0%N -> V x = W x) ->
    (forall x, x \in dom -> F W x = W x) ->
    (forall x, x \in dom -> lo <= F V x - V x <= hi) ->
  forall x, x \in dom ->
    V x + Rmin lo 0 * geometric (horizon x) <= W x <= V x + Rmax hi 0 * geometric (horizon x).
Proof.
move=> ends fixed residual x x_dom; have lo0 := Rmin_r lo 0; have hi0 := Rmax_r hi 0.
have lo_le := Rmin_l lo 0; have hi_ge := Rmax_l hi 0; split.
- suff : V x <= W x + (0 + - Rmin lo 0) * geometric (horizon x) by lra.
  apply: ending_bound => //; first lra.
  + by move=> y y_dom h0; rewrite ends //; apply: Rle_refl.
  + by move=> y /fixed; lra.
  + by move=> y /residual; lra.
- suff : W x <= V x + (Rmax hi 0 + 0) * geometric (horizon x) by lra.
  apply: ending_bound => //; first lra.
  + by move=> y y_dom h0; rewrite ends //; apply: Rle_refl.
  + by move=> y /residual; lra.
  + by move=> y /fixed; lra.
Qed.

End Ending.
