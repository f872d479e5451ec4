(** * What the theorems rest on

    Each command prints the axioms that a theorem uses. They are those that the standard
    library's real numbers bring: [sig_forall_dec], [sig_not_dec], [functional_extensionality_dep]
    and [classic]. *)

From Bellman Require Import nucleus paper leak horizon smallest_mass.

Print Assumptions nucleus_mass.
Print Assumptions nucleus_least.
Print Assumptions nucleus_fewest.
Print Assumptions Q_star_eq.
Print Assumptions Q_star_unique.
Print Assumptions Q_p_star_unique.
Print Assumptions Q_projected_unique.
Print Assumptions value_iteration_converges.
Print Assumptions projected_value_bound.
Print Assumptions main_theorem_solutions.
Print Assumptions Q_p_star_subset.
Print Assumptions paper_proposition_1.
Print Assumptions paper_proposition_2.
Print Assumptions paper_proposition_3.
Print Assumptions paper_main_theorem.
Print Assumptions paper_value_bound.
Print Assumptions gap_bounds.
Print Assumptions leak_identity.
Print Assumptions leak_unique.
Print Assumptions leak_expansion.
Print Assumptions finite_horizon_bound.
Print Assumptions leak_series.
Print Assumptions absorbed_gap.
Print Assumptions absorbed_bound.
Print Assumptions absorbed_p_star_bound.
Print Assumptions p_star_gap_le.
Print Assumptions smallest_mass_main.
Print Assumptions smallest_mass_gap.
Print Assumptions smallest_mass_best.
