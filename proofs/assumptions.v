(** * What the theorems rest on

    Each command prints the axioms that a theorem uses. They are those that the standard
    library's real numbers bring: [sig_forall_dec], [sig_not_dec], [functional_extensionality_dep]
    and [classic]. `make assumptions` fails if there is any other. *)

From Bellman Require
  bounds
  certificate
  chi2
  chi2_example
  chi2_limit
  cloning
  contraction
  fixed_points
  horizon
  leak
  nucleus
  paper
  shaping
  smallest_mass
  tightness
  traced_operators
  traced_values
  value_bounds.

Print Assumptions bounds.proposition_2.
Print Assumptions bounds.proposition_3.
Print Assumptions bounds.main_theorem.
Print Assumptions bounds.value_bound.
Print Assumptions bounds.projected_value_bound.
Print Assumptions bounds.main_theorem_solutions.
Print Assumptions bounds.full_sets.
Print Assumptions bounds.Q_p_star_subset.
Print Assumptions bounds.gap_subset.
Print Assumptions certificate.Q_star_enclosed.
Print Assumptions certificate.Q_p_star_enclosed.
Print Assumptions certificate.Q_projected_enclosed.
Print Assumptions certificate.Q_star_residual.
Print Assumptions certificate.Q_p_star_residual.
Print Assumptions certificate.Q_projected_residual.
Print Assumptions certificate.V_star_certified.
Print Assumptions certificate.V_p_star_certified.
Print Assumptions certificate.V_projected_certified.
Print Assumptions chi2.stationary_maximum.
Print Assumptions chi2.stationary_unique.
Print Assumptions chi2.teacher_maximiser_uniform.
Print Assumptions chi2.uniform_teacher_maximiser.
Print Assumptions chi2_example.chi2_not_concave.
Print Assumptions chi2_example.teacher_below_uniform.
Print Assumptions chi2_example.chi2_maximiser.
Print Assumptions chi2_example.chi2_maximiser_not_teacher.
Print Assumptions chi2_limit.chi2_gap.
Print Assumptions chi2_limit.chi2_converges.
Print Assumptions chi2_limit.chi2_uniform.
Print Assumptions chi2_limit.chi2_maximiser_near.
Print Assumptions chi2_limit.chi2_maximiser_eps.
Print Assumptions chi2_limit.chi2_policy_converges.
Print Assumptions cloning.cloning.
Print Assumptions cloning.data_cloning.
Print Assumptions cloning.outside_unbounded.
Print Assumptions cloning.cloning_gap.
Print Assumptions cloning.cloning_maximum.
Print Assumptions cloning.cloning_maximiser.
Print Assumptions contraction.T_p_contraction.
Print Assumptions contraction.B_p_contraction.
Print Assumptions contraction.T_contraction.
Print Assumptions fixed_points.fixed_point_eq.
Print Assumptions fixed_points.fixed_point_unique.
Print Assumptions fixed_points.value_iteration_converges.
Print Assumptions fixed_points.fixed_point_le.
Print Assumptions fixed_points.fixed_point_ge.
Print Assumptions fixed_points.Q_star_eq.
Print Assumptions fixed_points.Q_star_unique.
Print Assumptions fixed_points.Q_star_le.
Print Assumptions fixed_points.Q_star_ge.
Print Assumptions fixed_points.Q_p_star_eq.
Print Assumptions fixed_points.Q_p_star_unique.
Print Assumptions fixed_points.Q_p_star_le.
Print Assumptions fixed_points.Q_p_star_ge.
Print Assumptions fixed_points.Q_projected_eq.
Print Assumptions fixed_points.Q_projected_unique.
Print Assumptions fixed_points.Q_projected_le.
Print Assumptions fixed_points.Q_projected_ge.
Print Assumptions horizon.absorbed_gap.
Print Assumptions horizon.absorbed_bound.
Print Assumptions horizon.absorbed_p_star_bound.
Print Assumptions leak.p_star_gap_le.
Print Assumptions leak.leak_identity.
Print Assumptions leak.leak_unique.
Print Assumptions leak.leak_expansion.
Print Assumptions leak.gap_bounds.
Print Assumptions leak.tail_bounds.
Print Assumptions leak.finite_horizon_bound.
Print Assumptions leak.leak_series.
Print Assumptions nucleus.nucleus_mass.
Print Assumptions nucleus.nucleus_least.
Print Assumptions nucleus.nucleus_fewest.
Print Assumptions nucleus.top_p_candidates.
Print Assumptions nucleus.top_p_carries.
Print Assumptions paper.paper_proposition_1.
Print Assumptions paper.paper_proposition_2.
Print Assumptions paper.paper_proposition_3.
Print Assumptions paper.paper_main_theorem.
Print Assumptions paper.paper_value_bound.
Print Assumptions paper.top_1.
Print Assumptions shaping.Q_p_star_shaped.
Print Assumptions shaping.Q_star_shaped.
Print Assumptions shaping.Q_projected_shaped.
Print Assumptions shaping.teacher_shaped.
Print Assumptions shaping.top_p_shaped.
Print Assumptions shaping.projection_shaped.
Print Assumptions shaping.leak_shaped.
Print Assumptions shaping.gap_shaped.
Print Assumptions shaping.gap_p_star_shaped.
Print Assumptions shaping.implied_reward_shaped.
Print Assumptions shaping.objective_identity_shaped.
Print Assumptions smallest_mass.smallest_mass_main.
Print Assumptions smallest_mass.smallest_mass_gap.
Print Assumptions smallest_mass.smallest_mass_best.
Print Assumptions tightness.tightness.
Print Assumptions traced_operators.backup_1_traced.
Print Assumptions traced_operators.backup_10_1_traced.
Print Assumptions traced_operators.implied_reward_1_traced.
Print Assumptions traced_operators.implied_reward_10_1_traced.
Print Assumptions traced_operators.T_1_traced.
Print Assumptions traced_operators.T_10_1_traced.
Print Assumptions traced_operators.T_p_1_traced.
Print Assumptions traced_operators.T_p_10_1_traced.
Print Assumptions traced_operators.B_p_1_traced.
Print Assumptions traced_operators.B_p_10_1_traced.
Print Assumptions traced_operators.supported_norm_1_traced.
Print Assumptions traced_operators.supported_norm_10_1_traced.
Print Assumptions traced_operators.kappa_1_traced.
Print Assumptions traced_operators.horizon_bound_1_1_traced.
Print Assumptions traced_operators.horizon_bound_2_1_traced.
Print Assumptions traced_operators.horizon_bound_4_1_traced.
Print Assumptions traced_values.soft_value_1_traced.
Print Assumptions traced_values.soft_value_11_traced.
Print Assumptions traced_values.soft_value_101_traced.
Print Assumptions traced_values.soft_value_011_10_traced.
Print Assumptions traced_values.log_policy_1_traced.
Print Assumptions traced_values.log_policy_11_traced.
Print Assumptions traced_values.log_policy_101_traced.
Print Assumptions traced_values.log_policy_011_10_traced.
Print Assumptions traced_values.projection_1_traced.
Print Assumptions traced_values.projection_11_traced.
Print Assumptions traced_values.projection_101_traced.
Print Assumptions traced_values.projection_011_10_traced.
Print Assumptions traced_values.log_projection_1_traced.
Print Assumptions traced_values.log_projection_11_traced.
Print Assumptions traced_values.log_projection_101_traced.
Print Assumptions traced_values.log_projection_011_10_traced.
Print Assumptions traced_values.leak_1_traced.
Print Assumptions traced_values.leak_11_traced.
Print Assumptions traced_values.leak_101_traced.
Print Assumptions traced_values.leak_011_10_traced.
Print Assumptions traced_values.policy_value_1_traced.
Print Assumptions traced_values.policy_value_11_traced.
Print Assumptions traced_values.policy_value_101_traced.
Print Assumptions traced_values.policy_value_011_10_traced.
Print Assumptions value_bounds.residual_encloses.
Print Assumptions value_bounds.ending_encloses.
