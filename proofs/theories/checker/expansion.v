(** * Sums without rounding

    rounding/src/expansion.rs, and the total of a row from certificate/src/model.rs that rests on
    it. Both rest on TwoSum: what a rounded addition loses is itself a number. *)

From Bellman Require Export checker.enclosure.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Notation "\sum_ ( i <- r ) F" := (\big[Rplus/0%R]_(i <- r) F%R) : R_scope.

Section Operations.

Variable D : operations.
Implicit Types (x value carry : D) (terms values weights : seq D) (e : enclosure D).

(** [Expansion::add]: the terms with one more number; nothing when the sum overflows. *)

Fixpoint grow carry terms : option (seq D) :=
  match terms with
  | [::] => Some (if equal carry (zero D) then [::] else [:: carry])
  | term :: rest =>
      let: (sum, error) := two_sum carry term in
      if is_finite sum then
        omap (fun kept => if equal error (zero D) then kept else error :: kept) (grow sum rest)
      else None
  end.

Definition expansion_add terms value := if is_finite value then grow value terms else None.

Definition expansion_sum values :=
  foldl (fun total value => obind (fun terms => expansion_add terms value) total) (Some [::]) values.

Definition expansion_enclosure terms :=
  foldl (fun sum term => enclosure_add sum (exact term)) (enclosure_zero D) terms.

(** [row_total]: exact as long as no addition rounds, otherwise by an expansion. *)

Fixpoint exact_sum (sum : D) weights : option D :=
  if weights is weight :: rest then
    let: (next, error) := two_sum sum weight in
    if equal error (zero D) then exact_sum next rest else None
  else Some sum.

Definition row_total weights : option (enclosure D) :=
  if exact_sum (zero D) weights is Some sum then
    if is_finite sum then Some (exact sum) else None
  else if expansion_sum weights is Some terms then
    let total := expansion_enclosure terms in if is_bounded total then Some total else None
  else None.

(** The real sum that all this is about. *)

Definition sum_of terms := \sum_(t <- terms) real t.

End Operations.

Section Exactness.

Variable D : arithmetic.
Implicit Types (x value carry : D) (terms values weights : seq D) (e : enclosure D).

(** A zero test that succeeds on a number means that it is 0. *)

Lemma equal_zero x : equal x (zero D) -> real x = 0.
Proof. by move/(equalP (val_zero D))/val_real. Qed.

Lemma grow_exact carry terms kept :
    is_finite carry -> all (@is_finite D) terms -> grow carry terms = Some kept ->
  all (@is_finite D) kept /\ sum_of kept = real carry + sum_of terms.
Proof.
rewrite /sum_of; elim: terms carry kept => [|term rest IH] carry kept carry_ok /=.
  move=> _ [<-]; rewrite big_nil; case: ifP => [/equal_zero ->|_] /=.
    by split=> //; rewrite big_nil; ring.
  by rewrite carry_ok big_cons big_nil.
case/andP=> term_ok rest_ok; rewrite big_cons.
have := two_sum_exact (realP carry_ok) (realP term_ok).
case: two_sum => sum error /= [[s [e [sum_s error_e se]]]|[overflow _]]; last first.
  by case: ifP => // /is_finiteP [s /overflow].
rewrite (finite_is_finite sum_s); case grown: (grow sum rest) => [kept'|] //= [<-].
have [kept'_ok sum_kept'] := IH sum kept' (finite_is_finite sum_s) rest_ok grown.
have sumE := val_real sum_s; have errorE := val_real error_e.
case: ifP => [/equal_zero e0|_].
  by split=> //; rewrite sum_kept'; lra.
by split; rewrite /= ?(finite_is_finite error_e) // big_cons sum_kept'; lra.
Qed.

Lemma expansion_sum_from init values terms :
    all (@is_finite D) init ->
    foldl (fun total value => obind (fun terms => expansion_add terms value) total) (Some init) values = Some terms ->
  all (@is_finite D) terms /\ sum_of terms = sum_of init + sum_of values.
Proof.
elim: values init => [|value rest IH] init init_ok /=.
  by move=> [<-]; split=> //; rewrite (_ : sum_of [::] = 0) ?Rplus_0_r // /sum_of big_nil.
case added: (expansion_add init value) => [init'|]; last first.
  suff -> : foldl (fun t v => obind (fun terms => expansion_add terms v) t) None rest = None by [].
  by elim: rest {IH}.
move: added; rewrite /expansion_add; case: ifP => // value_ok /(grow_exact value_ok init_ok).
case=> init'_ok init'E /(IH _ init'_ok) [terms_ok ->]; split=> //.
by rewrite init'E (_ : sum_of (value :: rest) = real value + sum_of rest) ?/sum_of ?big_cons //; ring.
Qed.

Lemma expansion_sum_exact values terms :
    expansion_sum values = Some terms ->
  all (@is_finite D) terms /\ sum_of terms = sum_of values.
Proof.
case/(expansion_sum_from (init := [::]) isT) => terms_ok ->; split=> //.
by rewrite (_ : sum_of [::] = 0) ?Rplus_0_l // /sum_of big_nil.
Qed.

Lemma contains_expansion terms :
  all (@is_finite D) terms -> contains (expansion_enclosure terms) (sum_of terms).
Proof.
move=> terms_ok; have := contains_zero D; rewrite -[sum_of terms]Rplus_0_l.
rewrite /expansion_enclosure; move: (enclosure_zero D) {1 2}0 => sum r; rewrite /sum_of.
elim: terms terms_ok sum r => [|term rest IH] /= => [_|/andP[term_ok rest_ok]] sum r sum_r.
  by rewrite big_nil Rplus_0_r.
rewrite big_cons -Rplus_assoc; apply: IH => //.
by apply: contains_add => //; apply: contains_exact; apply: realP.
Qed.

Lemma exact_sum_exact sum weights result :
    is_finite sum -> all (@is_finite D) weights -> exact_sum sum weights = Some result ->
  is_finite result /\ real result = real sum + sum_of weights.
Proof.
rewrite /sum_of; elim: weights sum => [|weight rest IH] sum sum_ok /=.
  by move=> _ [<-]; rewrite big_nil Rplus_0_r.
case/andP=> weight_ok rest_ok; rewrite big_cons.
have := two_sum_exact (realP sum_ok) (realP weight_ok).
case: two_sum => next error /= [[s [e [next_s error_e se]]]|[_ error_nan]]; last first.
  by case: ifP => // /(equalP (val_zero D)); rewrite error_nan.
case: ifP => // /equal_zero e0; move: (val_real error_e) (val_real next_s) => errorE nextE.
move=> /IH - /(_ (finite_is_finite next_s) rest_ok) [result_ok ->].
by split=> //; lra.
Qed.

Theorem contains_row_total weights e :
  all (@is_finite D) weights -> row_total weights = Some e -> contains e (sum_of weights).
Proof.
move=> weights_ok; rewrite /row_total.
have zero_ok : is_finite (zero D) by apply: finite_is_finite (val_zero D).
case summed: exact_sum => [sum|].
  have [sum_ok sumE] := exact_sum_exact zero_ok weights_ok summed.
  rewrite sum_ok => -[<-]; apply: contains_exact; rewrite realP // sumE real_zero.
  by congr Fin; ring.
case expanded: expansion_sum => [terms|] //; case: ifP => // _ [<-].
have [terms_ok <-] := expansion_sum_exact expanded.
exact: contains_expansion.
Qed.

End Exactness.
