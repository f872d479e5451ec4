//! [`Transport`]: how bytes get from one rank to another.

use crate::RanksError;
use std::any::Any;
use std::fmt::Debug;

/// A connection of every rank with every other.
///
/// All that ranks do together is made of the one exchange [`Transport::swap`], so that there is one
/// place where a failure of one of them reaches the others.
pub trait Transport: Any + Debug + Send + Sync {
    /// The number of this rank, from 0.
    fn rank(&self) -> usize;

    /// How many ranks there are; at least 1.
    fn size(&self) -> usize;

    /// Gives rank i the i-th message and receives one from each: those of all ranks to this one, in
    /// order of rank. That of this rank to itself comes back as it is.
    ///
    /// Every message is received even when another one cannot be.
    ///
    /// # Errors
    /// [`RanksError::Lost`], [`RanksError::TooLong`].
    fn swap(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, RanksError>;
}
