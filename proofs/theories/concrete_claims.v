(** * From numbers to theorems about one model

    What an emitted file states, each from one computation that the kernel does: enclosures of
    Q*, Q̄_p* and the projected teacher's Q̄, the mass of the candidate sets, the gaps and κ(p). *)

From Coq Require Import QArith Qreals.
From Bellman Require Export concrete_sweep.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Open Scope R_scope.

(** ** Enclosures, line by line: lo ≤ Q(s,a) ≤ hi *)

Section Lines.

Variables n m : nat.

Record line := Line { at_s : 'I_n; at_a : 'I_m; line_lo : Q; line_hi : Q }.

Definition states_line (Q : 'I_n -> 'I_m -> R) (l : line) : Prop :=
  Q2R (line_lo l) <= Q (at_s l) (at_a l) <= Q2R (line_hi l).

(** The lines of a statement, joined by "and". *)

Fixpoint states_lines (Q : 'I_n -> 'I_m -> R) (ls : seq line) : Prop :=
  match ls with
  | [::] => True
  | l :: ls' => match ls' with
                | [::] => states_line Q l
                | _ => states_line Q l /\ states_lines Q ls'
                end
  end.

Definition line_ok (q : nat -> nat -> interval) (l : line) : bool :=
  let i := q (at_s l) (at_a l) in at_least (line_lo l) i && at_most (line_hi l) i.

Definition lines_ok (q : nat -> nat -> interval) (ls : seq line) : bool := all (line_ok q) ls.

Lemma lines_inside (q : nat -> nat -> interval) (Q : 'I_n -> 'I_m -> R) ls :
  (forall (s : 'I_n) (a : 'I_m), inside (q s a) (Q s a)) -> lines_ok q ls -> states_lines Q ls.
Proof.
move=> q_in; elim: ls => [|l ls IH] //= /andP[/andP[lo hi] /IH ok].
have : states_line Q l by split; [apply: at_least_inside lo _|apply: at_most_inside hi _].
by case: ls ok {IH} => [|l' ls] ok line_l //=; split.
Qed.

End Lines.

Arguments Line {n m} at_s at_a line_lo line_hi.

(** Reads the lines off a statement. *)

Ltac lines_of statement :=
  match statement with
  | Q2R ?lo <= ?Q ?s ?a <= Q2R ?hi => constr:([:: Line s a lo hi])
  | Q2R ?lo <= ?Q ?s ?a <= Q2R ?hi /\ ?rest =>
      let ls := lines_of rest in constr:(Line s a lo hi :: ls)
  end.

(** [computed (theorem _)] proves a statement whose last premise is a computation, which only
    the kernel does; [enclosed theorem] one that consists of lines. *)

Tactic Notation "computed" uconstr(theorem) :=
  refine theorem; vm_cast_no_check (erefl true).

Ltac enclosed theorem :=
  match goal with
  | |- ?statement => let ls := lines_of statement in computed (theorem ls _)
  end.

(** ** The theorems *)

Section Claims.

Variables (n m : nat) (d : table n m) (ok : well_formed d).
Let M := model d ok.
Implicit Types (vs ws : seq dyadic) (kept : seq (seq 'I_m)) (ls : seq (line n m)) (lo hi : Q).

Theorem Q_star_lines vs ls : lines_ok (backup_i d (star_i d vs)) ls -> states_lines (Q_star M) ls.
Proof.
by apply: lines_inside => s a; rewrite Q_star_V; apply: backup_inside; apply: star_hold.
Qed.

Variable kept : seq (seq 'I_m).
Hypothesis kept_fits : kept_ok d kept.
Let B : 'I_n -> {set 'I_m} := sets kept.
Let B_ok : candidates M B := sets_candidates ok kept_fits.
Let pi_ok : projectable B (teacher M) := teacher_projectable B_ok.

Theorem Q_p_star_lines vs ls :
  lines_ok (backup_i d (top_p_i d kept vs)) ls -> states_lines (Q_p_star M B) ls.
Proof.
apply: lines_inside => s a; rewrite -Q_p_star_eq //.
exact: (backup_inside _ _ _ (top_p_hold ok kept_fits vs)).
Qed.

Theorem Q_projected_lines vs ws ls :
  lines_ok (backup_i d (projected_i d (star_i d vs) kept vs ws)) ls ->
  states_lines (Q_projected M B (teacher M)) ls.
Proof.
apply: lines_inside => s a; rewrite -Q_projected_eq //.
exact: (backup_inside _ _ _ (projected_hold ok kept_fits vs ws)).
Qed.

(** The sets carry the mass p. *)

Theorem sets_carry p vs :
  carries_i d (point p) (star_i d vs) vs kept -> carries (value p) B (teacher M).
Proof. by case/(carries_hold ok kept_fits (point_inside p)). Qed.

(** The main theorem, with nothing left to assume. *)

Definition p_ok (p : dyadic) : bool :=
  positive_interval (point p) && nonnegative (sub (integer 1) (point p)).

Lemma p_bounds p : p_ok p -> 0 < value p <= 1.
Proof.
case/andP => p_gt0 p_le1; split; first exact: (positive_inside p_gt0 (point_inside p)).
suff: 0 <= 1 - value p by lra.
by apply: (nonnegative_inside p_le1); apply: sub_inside (point_inside p); apply: (integer_inside 1).
Qed.

Theorem gap_at_most_kappa p :
  carries (value p) B (teacher M) -> p_ok p ->
  supported_norm B (Q_star M \- Q_p_star M B) <= kappa M (value p).
Proof. by move=> B_mass /p_bounds p_in; apply: main_theorem. Qed.

Theorem projected_gap_at_most_kappa p :
  carries (value p) B (teacher M) -> p_ok p ->
  supported_norm B (Q_star M \- Q_projected M B (teacher M)) <= kappa M (value p).
Proof.
move=> B_mass /p_bounds p_in.
apply: supported_norm_le => [|s a aB]; first exact: kappa_ge0.
have [] := proposition_2 B_ok p_in B_mass aB; rewrite /table_sub => D0 D_le.
by rewrite Rabs_pos_eq.
Qed.

Theorem kappa_between p lo hi :
  at_least lo (kappa_i d (point p)) && at_most hi (kappa_i d (point p)) ->
  Q2R lo <= kappa M (value p) <= Q2R hi.
Proof.
have k_in := kappa_hold ok (point_inside p).
by case/andP=> /at_least_inside/(_ k_in) + /at_most_inside/(_ k_in).
Qed.

(** The largest gap on the support: one pair reaches lo, none exceeds hi. *)

Definition support : seq (nat * nat) :=
  flatten [seq [seq (s, a : nat) | a : 'I_m <- kept_in kept s] | s <- iota 0 n].

Definition norm_ok (f : nat -> nat -> interval) lo hi : bool :=
  [&& at_most hi (integer 0), has (fun sa => at_least lo (f sa.1 sa.2)) support &
      all (fun sa => at_most hi (f sa.1 sa.2) && at_most hi (sub (integer 0) (f sa.1 sa.2))) support].

Lemma supportP (s : nat) (a : nat) :
  reflect (exists (s' : 'I_n) (a' : 'I_m), [/\ s = s', a = a' & a' \in B s']) ((s, a) \in support).
Proof.
apply: (iffP flatten_mapP) => [[t]|[s' [a' [-> -> aB]]]].
  rewrite mem_iota /= add0n => t_lt /mapP[a' a'_in [-> ->]].
  by exists (Ordinal t_lt), a'; rewrite inE.
exists (s' : nat); first by rewrite mem_iota ltn_ord.
by apply/mapP; exists a' => //; rewrite inE in aB.
Qed.

Lemma norm_between (f : nat -> nat -> interval) (Q : 'I_n -> 'I_m -> R) lo hi :
  (forall (s : 'I_n) (a : 'I_m), inside (f s a) (Q s a)) -> norm_ok f lo hi ->
  Q2R lo <= supported_norm B Q <= Q2R hi.
Proof.
move=> f_in /and3P[hi0 /hasP[[s a] /supportP[s' [a' [-> -> aB]]] /= some] /allP every]; split.
  have := at_least_inside some (f_in s' a'); have := supported_norm_ge Q aB.
  by have := Rle_abs (Q s' a'); lra.
apply: supported_norm_le => [|t b bB].
  exact: (at_most_inside hi0 (integer_inside 0)).
have /every/andP[/= le_hi ge_hi] : ((t : nat), (b : nat)) \in support.
  by apply/supportP; exists t, b.
have := at_most_inside le_hi (f_in t b).
have := at_most_inside ge_hi (sub_inside (integer_inside 0) (f_in t b)).
by rewrite Rminus_0_l => ? ?; apply: Rabs_le; lra.
Qed.

Theorem gap_between vs ws lo hi :
  norm_ok (gap_i d (star_i d vs) (top_p_i d kept ws)) lo hi ->
  Q2R lo <= supported_norm B (Q_star M \- Q_p_star M B) <= Q2R hi.
Proof.
apply: norm_between => s a; rewrite /table_sub Q_star_V -Q_p_star_eq //.
exact: (gap_inside _ _ _ (star_hold ok vs) (top_p_hold ok kept_fits ws)).
Qed.

Theorem projected_gap_between vs ws lo hi :
  (let star := star_i d vs in norm_ok (gap_i d star (projected_i d star kept vs ws)) lo hi) ->
  Q2R lo <= supported_norm B (Q_star M \- Q_projected M B (teacher M)) <= Q2R hi.
Proof.
apply: norm_between => s a; rewrite /table_sub Q_star_V -Q_projected_eq //.
exact: (gap_inside _ _ _ (star_hold ok vs) (projected_hold ok kept_fits vs ws)).
Qed.

End Claims.

Arguments Q_star_lines {n m d} ok vs ls.
Arguments Q_p_star_lines {n m d} ok {kept} kept_fits vs ls.
Arguments Q_projected_lines {n m d} ok {kept} kept_fits vs ws ls.
Arguments sets_carry {n m d} ok {kept} kept_fits p vs.
Arguments gap_between {n m d} ok {kept} kept_fits vs ws {lo hi}.
Arguments projected_gap_between {n m d} ok {kept} kept_fits vs ws {lo hi}.
Arguments kappa_between {n m d} ok p {lo hi}.
Arguments gap_at_most_kappa {n m d} ok {kept} kept_fits {p}.
Arguments projected_gap_at_most_kappa {n m d} ok {kept} kept_fits {p}.
