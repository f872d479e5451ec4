(** * Sums, log-sum-exp and look-ups over lists, on intervals

    What the sweeps over a table are made of. *)

From Bellman Require Export concrete logsumexp.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

(** ** Sums and log-sum-exp *)

Definition sum_i (xs : seq interval) : interval := foldr add (integer 0) xs.

Lemma sum_inside (X : Type) (f : X -> interval) (g : X -> R) (l : seq X) :
  (forall x, inside (f x) (g x)) -> inside (sum_i [seq f x | x <- l]) (\sum_(x <- l) g x).
Proof.
move=> fg; elim: l => [|x l IH] /=; first by rewrite big_nil; apply: (integer_inside 0).
by rewrite big_cons; apply: add_inside.
Qed.

Lemma sum_list (X : finType) (l : seq X) (f : X -> R) :
  uniq l -> \sum_(x in [set x in l]) f x = \sum_(x <- l) f x.
Proof. by move=> l_uniq; rewrite [RHS]big_uniq //; apply: eq_bigl => x; rewrite inE. Qed.

(** Anchored at any number c, so that exp stays near 1. *)

Definition lse_i (c : interval) (qs : seq interval) : interval :=
  add c (lni (sum_i [seq expi (sub q c) | q <- qs])).

Lemma lse_inside (X : finType) (l : seq X) (qi : X -> interval) (q : X -> R) ci c :
    uniq l -> ~~ nilp l -> inside ci c -> (forall x, inside (qi x) (q x)) ->
  inside (lse_i ci [seq qi x | x <- l]) (lse [set x in l] q).
Proof.
move=> l_uniq l_some c_in q_in.
have set_some : [set x in l] != set0.
  by case: l l_some {l_uniq} => // x l _; apply/set0Pn; exists x; rewrite inE mem_head.
have -> : lse [set x in l] q = c + lse [set x in l] (fun x => q x + - c).
  by rewrite lse_shift //; ring.
apply: (add_inside c_in); apply: ln_inside; rewrite -map_comp sum_list //.
by apply: sum_inside => x; apply: exp_inside; apply: (sub_inside (q_in x) c_in).
Qed.

(** ** Actions that do the same *)

Definition same_dyadic (x y : dyadic) : bool :=
  Z.eqb (mantissa x) (mantissa y) && Z.eqb (exponent x) (exponent y).

Definition same_edge n (e f : edge n) : bool :=
  (target e == target f :> nat) && Pos.eqb (weight e) (weight f).

Fixpoint same_edges n (es fs : seq (edge n)) : bool :=
  match es, fs with
  | [::], [::] => true
  | e :: es', f :: fs' => same_edge e f && same_edges es' fs'
  | _, _ => false
  end.

Definition same_choice n m (c c' : choice n m) : bool :=
  same_dyadic (earns c) (earns c') && same_edges (goes c) (goes c').

Lemma same_dyadic_eq x y : same_dyadic x y -> x = y.
Proof. by case: x y => ? ? [? ?] /andP[/= /Z.eqb_eq -> /Z.eqb_eq ->]. Qed.

Lemma same_edges_eq n (es fs : seq (edge n)) : same_edges es fs -> es = fs.
Proof.
elim: es fs => [|[s w] es IH] [|[t v] fs] //= /andP[/andP[/= /eqP st /Pos.eqb_eq ->] /IH ->].
by rewrite (ord_inj st).
Qed.

(** Looking up an action finds it, and what is found has the properties that all have. *)

Definition first n m (l : seq (choice n m)) (a : nat) := ohead [seq c <- l | action c == a :> nat].

Lemma first_found n m (l : seq (choice n m)) (a : 'I_m) :
  a \in [seq action c | c <- l] -> exists c, first l a = Some c.
Proof.
rewrite /first; elim: l => [//|c l IH] /=; rewrite inE eq_sym -val_eqE /=.
by case: eqP => [_ _|_ /IH]; [exists c|].
Qed.

Lemma first_has n m (P : pred (choice n m)) l a c : all P l -> first l a = Some c -> P c.
Proof.
rewrite /first; elim: l => [//|e l IH] /=.
by case: eqP => [_ /andP[Pe _] [<-]|_ /andP[_ /IH]].
Qed.
