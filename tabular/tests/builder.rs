//! What the builder refuses.

use tabular::{MOST_STATES, MdpBuilder, ModelError, RowPolicy};

#[test]
fn more_states_than_the_checker_of_certificates_can_number() {
    let states = u32::MAX as usize;
    assert_eq!(states, MOST_STATES + 1);
    let error = MdpBuilder::new(states).build().unwrap_err();
    assert_eq!(error, ModelError::TooManyStates { states });
}

#[test]
fn a_refused_row_leaves_nothing_behind() {
    let mut builder = MdpBuilder::new(2).with_policy(RowPolicy::Exact);
    assert!(builder.action(0, 0, 1.0, &[(0, 0.25), (0, 0.0), (1, 0.5)]).is_err());
    assert!(builder.action(0, 0, 1.0, &[(0, 0.1), (1, 0.9)]).is_err());
    builder.action(0, 0, 1.0, &[(0, 0.25), (1, 0.75)]).unwrap();
    builder.terminal(1).unwrap();
    let (mdp, adjustments) = builder.build().unwrap();
    assert_eq!(mdp.row(0).weights, [0.25, 0.75]);
    assert!(adjustments.is_none(), "{adjustments}");
}
