//! Text as rows.

use operators::NextPosition;

#[test]
fn each_position_is_followed_by_the_next_and_an_empty_response_has_none() {
    let next = NextPosition::of_lengths(&[2, 0, 1]);
    assert_eq!(next.next(), [Some(1), None, None]);
    assert_eq!(next.rows(), 3);
    assert!(NextPosition::new(vec![Some(1)]).is_err());
}
