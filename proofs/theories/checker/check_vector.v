(** * One check, as the Rust code saw it

    Doubles are their bits. The tables hold exp and ln where the check asks for them. *)

From Coq Require Import ZArith List.

Open Scope Z_scope.

Inductive decisionZ := Proved | Refuted | Undecided.

Record value_boundsZ := ValueBoundsZ { v_Z : list Z; lo_Z : Z; hi_Z : Z }.

Record check_vector := CheckVector {
  (* the model *)
  state_offsets_Z : list nat;
  rewards_Z : list Z;
  row_offsets_Z : list nat;
  successors_Z : list nat;
  weights_Z : list Z;
  (* the certificate *)
  gamma_Z : Z;
  p_Z : Z;
  optimal_Z : value_boundsZ;
  kept_Z : list (list nat);
  projected_Z : value_boundsZ;
  top_p_Z : value_boundsZ;
  (* exp and ln *)
  exp_Z : list (Z * Z);
  ln_Z : list (Z * Z);
  (* what the check gives *)
  v_star_Z : list (Z * Z);
  q_star_Z : list (Z * Z);
  v_projected_Z : list (Z * Z);
  v_top_p_Z : list (Z * Z);
  states_Z : list ((Z * Z) * (Z * Z) * decisionZ * decisionZ);
  gap_projected_Z : Z * Z;
  gap_top_p_Z : Z * Z;
  kappa_Z : option (Z * Z);
  kappa_from_mass_Z : option (Z * Z);
  horizon_bound_Z : option (Z * Z)
}.
