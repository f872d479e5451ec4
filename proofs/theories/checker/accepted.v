(** * The theorem for doubles

    What check.v shows for any directed arithmetic, for the arithmetic that the checker uses. The
    one assumption beside the model is that exp and ln are correctly rounded. *)

From Bellman Require Export checker.check checker.binary64.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Section Accepted.

Variables core_exp core_log : double -> double.
Hypothesis core_ok : correctly_rounded core_exp core_log.

Let D := binary64 core_ok.

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
apply: accepted_holds => //; move: made; rewrite /new_model; case: ifP => // /and5P[+ _ _ _ _].
by case/and4P=> some _ _ _; case: row_totals => //= ts [<-]; rewrite /states /=; case: (so) some => [|a [|b s]].
Qed.

End Accepted.
