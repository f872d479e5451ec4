//! Several processes or threads that work on one thing.
//!
//! | part | what it is |
//! |---|---|
//! | [`Ranks`] | what everybody calls: sums, gathering, agreeing, ending together |
//! | [`Transport`] | how bytes get from one rank to another |
//! | [`threads`] | ranks that are threads of this process |
//!
//! A *rank* is one of those who work together, and its number, counted from 0. All ranks run the same
//! program; a *collective* function has to be called by all of them, in the same order.

mod alone;
mod error;
mod ranks;
mod summand;
mod threads;
mod transport;

pub use error::RanksError;
pub use ranks::Ranks;
pub use summand::Summand;
pub use threads::threads;
pub use transport::Transport;
