(** * An accepted certificate is true: the theorem for doubles

    | here                       | Rust                                        |
    | binary64.v, two_sum.v      | rounding/src/directed.rs                    |
    | enclosure.v, expansion.v   | rounding/src/enclosure.rs, expansion.rs     |
    | model.v                    | certificate/src/model.rs                    |
    | sweep.v, width.v           | certificate/src/sweep.rs                    |
    | bound.v, ending.v          | the files of these names                    |
    | sets.v, order.v            | certificate/src/sets.rs                     |
    | check.v                    | certificate/src/check.rs                    |
    | vectors.v                  | the tests coq_vectors.rs of both crates     |

    directed.v states the laws that the proofs use, binary64.v shows that doubles obey them,
    meaning.v reads the arrays of the checker as the MDP that the rest of the theory speaks of.

    Assumed: exp and ln are correctly rounded ([correctly_rounded]). Not modelled: hashes, JSON,
    labels of actions, 32-bit limits, the texts of refusals, and widths that are only reported.
    That the Rust code computes these functions is tested (vectors.v), not proved. *)

From Bellman Require Export checker.meaning checker.binary64.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Accepted.

Variables core_exp core_log : double -> double.
Hypothesis core_ok : correctly_rounded core_exp core_log.

Let D := binary64 core_ok.

Open Scope R_scope.

Lemma new_model_states so rw ro su we (m : model D) :
  new_model so rw ro su we = Some m -> (0 < states m)%N.
Proof.
rewrite /new_model; case: ifP => // /and5P[+ _ _ _ _].
by case/and4P=> some _ _ _; case: row_totals => //= ts [<-]; rewrite /states /=; case: (so) some => [|a [|b s]].
Qed.

(** A model that [Model::new] accepts has what the theorem asks for. *)

Theorem accepted_by_doubles so rw ro su we (m : model D) certificate facts V :
    new_model so rw ro su we = Some m -> check m certificate = Some facts ->
    let g := real (cert_gamma certificate) in let p := real (cert_p certificate) in
    fixed_values m g Optimal (fun=> 0%R) V ->
  [/\ forall s, (s < states m)%N -> contains (in_state (v_star facts) s) (V s),
      forall pair, (pair < pairs m)%N ->
        contains (nth (entire D) (q_star facts) pair) (backup_of m g V pair)
    & if facts_over_sets facts is Some f then sets_hold m g p V f else True].
Proof.
move=> made; have m_ok := new_model_checked made.
apply: accepted_holds => //; exact: new_model_states made.
Qed.

(** For γ < 1, in the words of the paper: the accepted model is an MDP, and the facts are about
    its V*, Q*, V̄_p*, V̄ of the projected teacher, and the masses of the sets. *)

Theorem certificate_holds so rw ro su we (m : model D) certificate facts
    (made : new_model so rw ro su we = Some m)
    (g_ge0 : 0 <= real (cert_gamma certificate)) (g_lt1 : real (cert_gamma certificate) < 1) :
    check m certificate = Some facts ->
    let M := mdp_of (new_model_checked made) g_ge0 g_lt1 in
  [/\ forall s : 'I_(states m), contains (in_state (v_star facts) s) (V_star M s),
      forall (s : 'I_(states m)) (a : 'I_(pairs m)), a \in offers M s ->
        contains (nth (entire D) (q_star facts) a) (Q_star M s a)
    & forall f, facts_over_sets facts = Some f ->
      let B := @sets_of D m (TopP (kept_pairs_of f)) in
      [/\ candidates M B,
          exists2 gap, contains (gap_top_p f) gap &
            forall s a, a \in B s -> Q_star M s a - Q_p_star M B s a <= gap,
          exists2 gap, contains (gap_projected f) gap &
            forall s a, a \in B s -> Q_star M s a - Q_projected M B (teacher M) s a <= gap
        & forall s : 'I_(states m),
        let about := nth (Facts (entire D) (entire D) Undecided Undecided) (set_states f) s in
        [/\ contains (in_state (v_top_p f) s) (V_p_star M B s),
            contains (in_state (v_projected f) s) (V_projected M B (teacher M) s),
            contains (fact_mass about) (mass B (teacher M) s)
          & mass_at_least_p about = Proved -> real (cert_p certificate) <= mass B (teacher M) s]]].
Proof.
move=> accepted M; set m_ok := new_model_checked made.
have V_solves := V_star_solves m_ok g_ge0 g_lt1 (fun=> 0).
have [v_in q_in sets_in] := accepted_by_doubles made accepted V_solves.
split=> [s|s a _|f f_eq B].
- by have := v_in s (ltn_ord s); rewrite /V_numbers on_numbersE.
- by rewrite Q_star_numbers; apply: q_in.
rewrite f_eq in sets_in; have some := some_kept_in sets_in.
have [top_in [gap_top gap_top_in [gap_top_le _]]] :=
  top_p_holds sets_in (V_p_star_solves m_ok g_ge0 g_lt1 _ some).
have [projected_in [gap_pr gap_pr_in [gap_pr_le _]]] :=
  projected_holds sets_in (V_projected_solves m_ok g_ge0 g_lt1 some).
have kept_of (s : 'I_(states m)) (a : 'I_(pairs m)) :
    a \in B s -> nth false (kept_pairs_of f) a by rewrite inE mem_filter => /andP[].
split=> [||| s about]; first exact: sets_of_candidates.
- exists gap_top => // s a /kept_of kept_a.
  by rewrite Q_star_numbers Q_p_star_numbers //; apply: gap_top_le.
- exists gap_pr => // s a /kept_of kept_a.
  by rewrite Q_star_numbers Q_projected_numbers //; apply: gap_pr_le.
have := states_hold sets_in (ltn_ord s); rewrite -/about /state_holds.
rewrite -(mass_mdp m_ok g_ge0 g_lt1 s some) => -[mass_in _ proved _ _].
split=> //.
- by have := top_in s (ltn_ord s); rewrite on_numbersE.
- by have := projected_in s (ltn_ord s); rewrite on_numbersE.
Qed.

End Accepted.
