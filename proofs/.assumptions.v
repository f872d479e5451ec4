Require Bellman.approximate.
Print Assumptions Bellman.approximate.approximate_carries.
Print Assumptions Bellman.approximate.approximate_carries_exp.
Print Assumptions Bellman.approximate.approximate_bound.
Print Assumptions Bellman.approximate.approximate_bound_exp.
Print Assumptions Bellman.approximate.approximate_projected_bound.
Print Assumptions Bellman.approximate.full_mass_full_set.
Require Bellman.bigops.
Require Bellman.bounds.
Print Assumptions Bellman.bounds.proposition_2.
Print Assumptions Bellman.bounds.proposition_3.
Print Assumptions Bellman.bounds.main_theorem.
Print Assumptions Bellman.bounds.value_bound.
Print Assumptions Bellman.bounds.projected_value_bound.
Print Assumptions Bellman.bounds.main_theorem_solutions.
Print Assumptions Bellman.bounds.full_sets.
Print Assumptions Bellman.bounds.Q_p_star_subset.
Print Assumptions Bellman.bounds.gap_subset.
Require Bellman.candidates.
Require Bellman.certificate.
Print Assumptions Bellman.certificate.Q_star_enclosed.
Print Assumptions Bellman.certificate.Q_p_star_enclosed.
Print Assumptions Bellman.certificate.Q_projected_enclosed.
Print Assumptions Bellman.certificate.Q_star_residual.
Print Assumptions Bellman.certificate.Q_p_star_residual.
Print Assumptions Bellman.certificate.Q_projected_residual.
Print Assumptions Bellman.certificate.V_star_certified.
Print Assumptions Bellman.certificate.V_p_star_certified.
Print Assumptions Bellman.certificate.V_projected_certified.
Require Bellman.checker.bound.
Print Assumptions Bellman.checker.bound.bound_holds.
Require Bellman.checker.check.
Print Assumptions Bellman.checker.check.confirm_holds.
Print Assumptions Bellman.checker.check.accepted_holds.
Require Bellman.checker.directed.
Require Bellman.checker.enclosure.
Require Bellman.checker.ending.
Print Assumptions Bellman.checker.ending.walk_consistent.
Print Assumptions Bellman.checker.ending.horizons_fall.
Require Bellman.checker.expansion.
Print Assumptions Bellman.checker.expansion.contains_row_total.
Require Bellman.checker.extended.
Require Bellman.checker.model.
Print Assumptions Bellman.checker.model.new_model_checked.
Require Bellman.checker.sets.
Print Assumptions Bellman.checker.sets.new_sets_some.
Print Assumptions Bellman.checker.sets.set_facts_hold.
Require Bellman.checker.sweep.
Print Assumptions Bellman.checker.sweep.contains_log_sum_exp.
Print Assumptions Bellman.checker.sweep.contains_projected_value.
Require Bellman.checker.two_sum.
Print Assumptions Bellman.checker.two_sum.two_sum_exact_error.
Print Assumptions Bellman.checker.two_sum.two_sum_in_range.
Print Assumptions Bellman.checker.two_sum.fast_two_sum.
Require Bellman.checker.width.
Print Assumptions Bellman.checker.width.value_of_moves.
Require Bellman.chi2_concave.
Print Assumptions Bellman.chi2_concave.reward_of_table.
Print Assumptions Bellman.chi2_concave.table_of_reward.
Print Assumptions Bellman.chi2_concave.value_convex.
Print Assumptions Bellman.chi2_concave.objective_reward.
Print Assumptions Bellman.chi2_concave.J_concave.
Print Assumptions Bellman.chi2_concave.J_chi2_concave.
Print Assumptions Bellman.chi2_concave.chi2_maximiser_reward.
Require Bellman.chi2_example.
Print Assumptions Bellman.chi2_example.chi2_not_concave.
Print Assumptions Bellman.chi2_example.teacher_below_uniform.
Print Assumptions Bellman.chi2_example.chi2_maximiser.
Print Assumptions Bellman.chi2_example.chi2_maximiser_not_teacher.
Require Bellman.chi2_existence.
Print Assumptions Bellman.chi2_existence.chi2_maximiser_exists.
Print Assumptions Bellman.chi2_existence.chi2_maximiser_unique.
Require Bellman.chi2_limit.
Print Assumptions Bellman.chi2_limit.chi2_gap.
Print Assumptions Bellman.chi2_limit.chi2_converges.
Print Assumptions Bellman.chi2_limit.chi2_uniform.
Print Assumptions Bellman.chi2_limit.chi2_maximiser_near.
Print Assumptions Bellman.chi2_limit.chi2_maximiser_eps.
Print Assumptions Bellman.chi2_limit.chi2_policy_converges.
Require Bellman.chi2_maximiser.
Print Assumptions Bellman.chi2_maximiser.stationary_table_gap.
Print Assumptions Bellman.chi2_maximiser.stationary_table_maximum.
Require Bellman.chi2_one_state.
Print Assumptions Bellman.chi2_one_state.stationary_maximum.
Print Assumptions Bellman.chi2_one_state.stationary_unique.
Print Assumptions Bellman.chi2_one_state.teacher_maximiser_uniform.
Print Assumptions Bellman.chi2_one_state.uniform_teacher_maximiser.
Require Bellman.chi2_stationarity.
Print Assumptions Bellman.chi2_stationarity.marginal0.
Print Assumptions Bellman.chi2_stationarity.maximiser_stationary.
Print Assumptions Bellman.chi2_stationarity.maximiser_iff_stationary.
Require Bellman.chi2_teacher.
Print Assumptions Bellman.chi2_teacher.chi2_maximiser_is_teacher.
Require Bellman.cloning.
Print Assumptions Bellman.cloning.cloning.
Print Assumptions Bellman.cloning.data_cloning.
Print Assumptions Bellman.cloning.text_cloning.
Print Assumptions Bellman.cloning.outside_unbounded.
Print Assumptions Bellman.cloning.cloning_gap.
Print Assumptions Bellman.cloning.cloning_maximum.
Print Assumptions Bellman.cloning.cloning_maximiser.
Require Bellman.common_sets.
Print Assumptions Bellman.common_sets.top_k_card.
Print Assumptions Bellman.common_sets.top_k_bound.
Print Assumptions Bellman.common_sets.min_p_bound.
Require Bellman.contraction.
Print Assumptions Bellman.contraction.T_p_contraction.
Print Assumptions Bellman.contraction.B_p_contraction.
Print Assumptions Bellman.contraction.T_contraction.
Require Bellman.equality.
Print Assumptions Bellman.equality.gap_meets_bound.
Require Bellman.fixed_points.
Print Assumptions Bellman.fixed_points.fixed_point_eq.
Print Assumptions Bellman.fixed_points.fixed_point_unique.
Print Assumptions Bellman.fixed_points.value_iteration_converges.
Print Assumptions Bellman.fixed_points.fixed_point_le.
Print Assumptions Bellman.fixed_points.fixed_point_ge.
Print Assumptions Bellman.fixed_points.Q_star_eq.
Print Assumptions Bellman.fixed_points.Q_star_unique.
Print Assumptions Bellman.fixed_points.Q_star_le.
Print Assumptions Bellman.fixed_points.Q_star_ge.
Print Assumptions Bellman.fixed_points.Q_p_star_eq.
Print Assumptions Bellman.fixed_points.Q_p_star_unique.
Print Assumptions Bellman.fixed_points.Q_p_star_le.
Print Assumptions Bellman.fixed_points.Q_p_star_ge.
Print Assumptions Bellman.fixed_points.Q_projected_eq.
Print Assumptions Bellman.fixed_points.Q_projected_unique.
Print Assumptions Bellman.fixed_points.Q_projected_le.
Print Assumptions Bellman.fixed_points.Q_projected_ge.
Require Bellman.horizon.
Print Assumptions Bellman.horizon.absorbed_gap.
Print Assumptions Bellman.horizon.absorbed_bound.
Print Assumptions Bellman.horizon.absorbed_p_star_bound.
Require Bellman.leak.
Print Assumptions Bellman.leak.p_star_gap_le.
Print Assumptions Bellman.leak.leak_identity.
Print Assumptions Bellman.leak.leak_unique.
Print Assumptions Bellman.leak.leak_expansion.
Print Assumptions Bellman.leak.gap_bounds.
Print Assumptions Bellman.leak.tail_bounds.
Print Assumptions Bellman.leak.finite_horizon_bound.
Print Assumptions Bellman.leak.leak_series.
Require Bellman.limits.
Require Bellman.logarithm.
Require Bellman.logsumexp.
Require Bellman.loop.
Require Bellman.mdp.
Require Bellman.norm.
Require Bellman.nucleus.
Print Assumptions Bellman.nucleus.nucleus_mass.
Print Assumptions Bellman.nucleus.nucleus_least.
Print Assumptions Bellman.nucleus.nucleus_fewest.
Print Assumptions Bellman.nucleus.top_p_candidates.
Print Assumptions Bellman.nucleus.top_p_carries.
Require Bellman.objective.
Require Bellman.operators.
Require Bellman.paper.
Print Assumptions Bellman.paper.paper_proposition_1.
Print Assumptions Bellman.paper.paper_proposition_2.
Print Assumptions Bellman.paper.paper_proposition_3.
Print Assumptions Bellman.paper.paper_main_theorem.
Print Assumptions Bellman.paper.paper_value_bound.
Print Assumptions Bellman.paper.top_1.
Require Bellman.rollout.
Require Bellman.shaping.
Print Assumptions Bellman.shaping.Q_p_star_shaped.
Print Assumptions Bellman.shaping.Q_star_shaped.
Print Assumptions Bellman.shaping.Q_projected_shaped.
Print Assumptions Bellman.shaping.teacher_shaped.
Print Assumptions Bellman.shaping.top_p_shaped.
Print Assumptions Bellman.shaping.projection_shaped.
Print Assumptions Bellman.shaping.leak_shaped.
Print Assumptions Bellman.shaping.gap_shaped.
Print Assumptions Bellman.shaping.gap_p_star_shaped.
Print Assumptions Bellman.shaping.implied_reward_shaped.
Print Assumptions Bellman.shaping.objective_identity_shaped.
Require Bellman.smallest_mass.
Print Assumptions Bellman.smallest_mass.smallest_mass_main.
Print Assumptions Bellman.smallest_mass.smallest_mass_gap.
Print Assumptions Bellman.smallest_mass.smallest_mass_best.
Require Bellman.tightness.
Print Assumptions Bellman.tightness.tightness.
Require Bellman.traced_operators.
Print Assumptions Bellman.traced_operators.backup_1_traced.
Print Assumptions Bellman.traced_operators.backup_10_1_traced.
Print Assumptions Bellman.traced_operators.implied_reward_1_traced.
Print Assumptions Bellman.traced_operators.implied_reward_10_1_traced.
Print Assumptions Bellman.traced_operators.T_1_traced.
Print Assumptions Bellman.traced_operators.T_10_1_traced.
Print Assumptions Bellman.traced_operators.T_p_1_traced.
Print Assumptions Bellman.traced_operators.T_p_10_1_traced.
Print Assumptions Bellman.traced_operators.B_p_1_traced.
Print Assumptions Bellman.traced_operators.B_p_10_1_traced.
Print Assumptions Bellman.traced_operators.supported_norm_1_traced.
Print Assumptions Bellman.traced_operators.supported_norm_10_1_traced.
Print Assumptions Bellman.traced_operators.kappa_1_traced.
Print Assumptions Bellman.traced_operators.horizon_bound_1_1_traced.
Print Assumptions Bellman.traced_operators.horizon_bound_2_1_traced.
Print Assumptions Bellman.traced_operators.horizon_bound_4_1_traced.
Require Bellman.traced_values.
Print Assumptions Bellman.traced_values.soft_value_1_traced.
Print Assumptions Bellman.traced_values.soft_value_11_traced.
Print Assumptions Bellman.traced_values.soft_value_101_traced.
Print Assumptions Bellman.traced_values.soft_value_011_10_traced.
Print Assumptions Bellman.traced_values.log_policy_1_traced.
Print Assumptions Bellman.traced_values.log_policy_11_traced.
Print Assumptions Bellman.traced_values.log_policy_101_traced.
Print Assumptions Bellman.traced_values.log_policy_011_10_traced.
Print Assumptions Bellman.traced_values.projection_1_traced.
Print Assumptions Bellman.traced_values.projection_11_traced.
Print Assumptions Bellman.traced_values.projection_101_traced.
Print Assumptions Bellman.traced_values.projection_011_10_traced.
Print Assumptions Bellman.traced_values.log_projection_1_traced.
Print Assumptions Bellman.traced_values.log_projection_11_traced.
Print Assumptions Bellman.traced_values.log_projection_101_traced.
Print Assumptions Bellman.traced_values.log_projection_011_10_traced.
Print Assumptions Bellman.traced_values.leak_1_traced.
Print Assumptions Bellman.traced_values.leak_11_traced.
Print Assumptions Bellman.traced_values.leak_101_traced.
Print Assumptions Bellman.traced_values.leak_011_10_traced.
Print Assumptions Bellman.traced_values.policy_value_1_traced.
Print Assumptions Bellman.traced_values.policy_value_11_traced.
Print Assumptions Bellman.traced_values.policy_value_101_traced.
Print Assumptions Bellman.traced_values.policy_value_011_10_traced.
Require Bellman.tracing.
Require Bellman.value_bounds.
Print Assumptions Bellman.value_bounds.residual_encloses.
Print Assumptions Bellman.value_bounds.ending_encloses.
Require Bellman.values.
