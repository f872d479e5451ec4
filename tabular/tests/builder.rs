//! What the builder refuses.

use tabular::{MOST_STATES, MdpBuilder, ModelError};

#[test]
fn more_states_than_the_checker_of_certificates_can_number() {
    let states = u32::MAX as usize;
    assert_eq!(states, MOST_STATES + 1);
    let error = MdpBuilder::new(states).build().unwrap_err();
    assert_eq!(error, ModelError::TooManyStates { states });
}
