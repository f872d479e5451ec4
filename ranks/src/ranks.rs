//! [`Ranks`]: what ranks do together.

use crate::alone::Alone;
use crate::{RanksError, Summand, Transport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The ranks as one of them sees them.
///
/// Results are the same on all ranks, bit by bit. When a rank fails it says so with [`Ranks::leave`],
/// and the next collective call of each other rank is [`RanksError::Elsewhere`], whichever call that
/// is: nobody waits for somebody who does not come.
#[derive(Debug, Clone)]
pub struct Ranks {
    transport: Arc<dyn Transport>,
    /// Whether somebody has left; then there is nothing more to be said.
    parted: Arc<AtomicBool>,
}

/// How many numbers are summed at a time: a compromise between the memory for messages and the time
/// each takes to set out.
const BUCKET: usize = 1 << 20;

/// What the last byte of a message says: that its sender goes on, or that it leaves, the rest of the
/// message being the reason.
const STAYS: u8 = 0;
const LEAVES: u8 = 1;

impl Ranks {
    /// One rank, which is all there are.
    pub fn alone() -> Self {
        Self::over(Alone)
    }

    /// The ranks that a transport connects.
    pub fn over(transport: impl Transport) -> Self {
        Self { transport: Arc::new(transport), parted: Arc::default() }
    }

    /// The number of this rank, from 0.
    pub fn rank(&self) -> usize {
        self.transport.rank()
    }

    /// How many ranks there are; at least 1.
    pub fn size(&self) -> usize {
        self.transport.size()
    }

    /// Whether this is rank 0, which writes and speaks for all.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// How they are connected, for those who have a faster way over the same connection.
    pub fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    /// Those of `count` things that this rank does: every `size`-th, from its own number on.
    pub fn share(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        (self.rank()..count).step_by(self.size())
    }

    /// Everybody's value, in order of rank. Collective.
    ///
    /// # Errors
    /// [`RanksError::Unlike`] for what is no such value; those of every collective call:
    /// [`RanksError::Elsewhere`], [`RanksError::Lost`], [`RanksError::Parted`],
    /// [`RanksError::TooLong`].
    pub fn gather<T: Serialize + DeserializeOwned>(&self, value: &T) -> Result<Vec<T>, RanksError> {
        let mut bytes = Vec::new();
        // Writing to memory does not fail; a value that refuses to be written is like none.
        let _ = ciborium::into_writer(value, &mut bytes);
        let all = self.gather_bytes(&bytes)?;
        let read = |(rank, bytes): (usize, &Vec<u8>)| {
            ciborium::from_reader(&bytes[..]).map_err(|_| RanksError::Unlike { rank })
        };
        all.iter().enumerate().map(read).collect()
    }

    /// Whether it is so on any rank. Collective.
    ///
    /// # Errors
    /// Those of every collective call.
    pub fn any(&self, here: bool) -> Result<bool, RanksError> {
        Ok(self.gather_bytes(&[here.into()])?.iter().any(|there| there == &[1]))
    }

    /// Waits for all. Collective.
    ///
    /// # Errors
    /// Those of every collective call.
    pub fn meet(&self) -> Result<(), RanksError> {
        self.gather_bytes(&[]).map(|_| ())
    }

    /// Puts sums over all ranks in the place of numbers; all ranks have equally many. Collective.
    ///
    /// Each sum is taken in f64, in order of rank, and rounded once.
    ///
    /// # Errors
    /// [`RanksError::Unlike`] when another rank has another number of numbers; those of every
    /// collective call.
    pub fn sum<T: Summand>(&self, numbers: &mut [T]) -> Result<(), RanksError> {
        if self.size() == 1 {
            return Ok(());
        }
        numbers.chunks_mut(BUCKET).try_for_each(|bucket| self.sum_bucket(bucket))
    }

    /// Each rank sums a part of its own, so that nobody sends or adds more than twice its numbers
    /// however many ranks there are.
    fn sum_bucket<T: Summand>(&self, bucket: &mut [T]) -> Result<(), RanksError> {
        let parts: Vec<Range<usize>> = self.parts(bucket.len()).collect();
        let bytes = |part: &Range<usize>| bytemuck::cast_slice(&bucket[part.clone()]).to_vec();
        let received = self.swap(parts.iter().map(bytes).collect())?;
        let mut sums = vec![0.0; parts[self.rank()].len()];
        for (rank, bytes) in received.iter().enumerate() {
            let summands: Vec<T> = numbers(bytes, sums.len(), rank)?;
            sums.iter_mut().zip(summands).for_each(|(sum, x)| *sum += x.into());
        }
        let sums: Vec<T> = sums.into_iter().map(T::nearest).collect();
        for (rank, bytes) in self.gather_bytes(bytemuck::cast_slice(&sums))?.iter().enumerate() {
            let part = &mut bucket[parts[rank].clone()];
            part.copy_from_slice(&numbers(bytes, part.len(), rank)?);
        }
        Ok(())
    }

    /// Equal parts, one for each rank; the last ones may be shorter or empty.
    fn parts(&self, length: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let each = length.div_ceil(self.size());
        let end = move |rank: usize| (rank * each).min(length);
        (0..self.size()).map(move |rank| end(rank)..end(rank + 1))
    }

    /// Does `work`, which calls collective functions, and ends together with the others: well, when
    /// it went well everywhere, and otherwise with an error on every rank.
    ///
    /// # Errors
    /// Those of `work`; [`RanksError::Elsewhere`] when it failed on another rank.
    pub fn together<T, E: From<RanksError> + Display>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let ended = work().and_then(|done| self.meet().map(|()| done).map_err(E::from));
        if let Err(error) = &ended {
            self.leave(&error.to_string());
        }
        ended
    }

    /// Tells the others, at their next collective call, that this rank cannot go on. Nothing happens
    /// where somebody has left before.
    pub fn leave(&self, problem: &str) {
        if !self.parted.swap(true, Ordering::SeqCst) {
            let message = [problem.as_bytes(), &[LEAVES]].concat();
            // Whoever is gone needs not be told.
            let _ = self.transport.swap(vec![message; self.size()]);
        }
    }

    fn gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, RanksError> {
        self.swap(vec![bytes.to_vec(); self.size()])
    }

    fn swap(&self, mut messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, RanksError> {
        if self.parted.load(Ordering::SeqCst) {
            return Err(RanksError::Parted);
        }
        messages.iter_mut().for_each(|message| message.push(STAYS));
        let swapped = self.transport.swap(messages).and_then(|received| {
            let stays = |(rank, mut message): (usize, Vec<u8>)| match message.pop() {
                Some(STAYS) => Ok(message),
                Some(LEAVES) => {
                    let problem = String::from_utf8_lossy(&message).into_owned();
                    Err(RanksError::Elsewhere { rank, problem })
                }
                _ => Err(RanksError::Unlike { rank }),
            };
            received.into_iter().enumerate().map(stays).collect()
        });
        let over = matches!(swapped, Err(RanksError::Elsewhere { .. } | RanksError::Lost { .. }));
        self.parted.fetch_or(over, Ordering::SeqCst);
        swapped
    }
}

/// The numbers in a message, which is to hold so many.
fn numbers<T: Summand>(bytes: &[u8], count: usize, rank: usize) -> Result<Vec<T>, RanksError> {
    let numbers: Vec<T> = match bytes.len() == count * size_of::<T>() {
        true => bytemuck::pod_collect_to_vec(bytes),
        false => return Err(RanksError::Unlike { rank }),
    };
    Ok(numbers)
}
