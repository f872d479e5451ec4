//! Ranks that are processes started by `mpirun`.
//!
//! Empty without the feature `mpi`, which needs an MPI library and libclang to build.
#![cfg(feature = "mpi")]

use mpi::Threading;
use mpi::environment::Universe;
use mpi::point_to_point::MatchedReceiveVec;
use mpi::request::scope;
use mpi::traits::{Communicator, Destination, Source};
use ranks::{RanksError, Transport};
use std::fmt;

/// The processes of `MPI_COMM_WORLD`. MPI ends when this is dropped, which has to happen on the
/// thread that started it.
pub struct Mpi {
    universe: Universe,
    rank: usize,
    size: usize,
}

/// The code with which a job ends where a rank has panicked; that of Rust.
const PANICKED: i32 = 101;

impl Mpi {
    /// Connects with the other processes, once in the life of a process.
    ///
    /// # Errors
    /// [`RanksError::Start`] when MPI runs already, or lets only the thread that started it call it.
    pub fn start() -> Result<Self, RanksError> {
        let failed = |problem: &str| RanksError::Start { problem: problem.into() };
        // One call at a time, from whichever thread trains.
        let started = mpi::initialize_with_threading(Threading::Serialized);
        let (universe, threading) = started.ok_or_else(|| failed("MPI runs already"))?;
        if threading < Threading::Serialized {
            return Err(failed("this MPI library is built without support for threads"));
        }
        let world = universe.world();
        // Neither is negative.
        let (rank, size) = (world.rank() as usize, world.size() as usize);
        Ok(Self { universe, rank, size })
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        // To end in order takes all ranks, and the others may wait for this one.
        if std::thread::panicking() {
            self.universe.world().abort(PANICKED);
        }
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {} by MPI", self.rank, self.size)
    }
}

impl Transport for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn swap(&self, mut messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, RanksError> {
        // MPI counts in C ints. Nothing is sent then, and the others are told by whoever notices.
        if let Some(long) = messages.iter().find(|m| i32::try_from(m.len()).is_err()) {
            return Err(RanksError::TooLong { bytes: long.len() });
        }
        let world = self.universe.world();
        let own = std::mem::take(&mut messages[self.rank]);
        let others = || (0..self.size).filter(|&rank| rank != self.rank);
        let process = |rank: usize| world.process_at_rank(rank as i32);
        let mut received = scope(|scope| {
            let send = |rank: usize| process(rank).immediate_send(scope, &messages[rank][..]);
            let sent: Vec<_> = others().map(send).collect();
            // In order of rank; messages of one rank do not overtake each other.
            let receive = |rank: usize| process(rank).matched_probe().matched_receive_vec().0;
            let received: Vec<Vec<u8>> = others().map(receive).collect();
            sent.into_iter().for_each(|request| request.wait_without_status());
            received
        });
        received.insert(self.rank, own);
        Ok(received)
    }
}
