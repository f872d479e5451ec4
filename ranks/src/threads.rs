//! [`threads`]: ranks that are threads of one process.

use crate::{Ranks, RanksError, Transport};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

/// One of several threads, with a channel to and from each.
#[derive(Debug)]
struct Threads {
    rank: usize,
    to: Vec<Sender<Vec<u8>>>,
    from: Vec<Mutex<Receiver<Vec<u8>>>>,
}

/// As many ranks as asked for, connected with each other, one for each thread.
///
/// A rank that is dropped is [`RanksError::Lost`] to the others.
pub fn threads(size: usize) -> Vec<Ranks> {
    // channels[from][to]; each rank takes a row of senders and a column of receivers.
    let mut senders: Vec<Vec<Sender<_>>> = (0..size).map(|_| Vec::new()).collect();
    let mut receivers: Vec<Vec<Mutex<Receiver<_>>>> = (0..size).map(|_| Vec::new()).collect();
    for to in &mut senders {
        for from in &mut receivers {
            let (sender, receiver) = channel();
            to.push(sender);
            from.push(Mutex::new(receiver));
        }
    }
    let ends = senders.into_iter().zip(receivers).enumerate();
    ends.map(|(rank, (to, from))| Ranks::over(Threads { rank, to, from })).collect()
}

impl Transport for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn swap(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, RanksError> {
        for (to, message) in self.to.iter().zip(messages) {
            // Whoever does not listen any more is noticed below.
            let _ = to.send(message);
        }
        let receive = |(rank, from): (usize, &Mutex<Receiver<Vec<u8>>>)| {
            // A receiver is whole whatever happened to a thread that held it.
            let from = from.lock().unwrap_or_else(PoisonError::into_inner);
            from.recv().map_err(|_| RanksError::Lost { rank })
        };
        let received: Vec<Result<_, _>> = self.from.iter().enumerate().map(receive).collect();
        received.into_iter().collect()
    }
}
