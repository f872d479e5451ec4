//! [`Order`]: which examples a step takes. A function of the seed and the step, so that there is
//! no state to lose.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// Examples in a random order, anew in every epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// How many there are; at least one.
    pub examples: usize,
    /// How many a step takes.
    pub batch: usize,
    /// The seed of the order.
    pub seed: u64,
    /// What the order is of: two data sets of one run do not share theirs.
    pub stream: u64,
}

impl Order {
    /// The examples of a step, counted from 0. Epochs join without a gap: a batch may hold the
    /// last examples of one and the first of the next.
    pub fn of_step(&self, step: u64) -> Vec<usize> {
        let (size, start) = (self.examples as u64, step * self.batch as u64);
        let places = start..start + self.batch as u64;
        let mut epoch: Option<(u64, Vec<usize>)> = None;
        let mut at = |place: u64| {
            let number = place / size;
            if epoch.as_ref().is_none_or(|(known, _)| *known != number) {
                epoch = Some((number, self.epoch(number)));
            }
            // Just computed.
            epoch.as_ref().map_or(0, |(_, order)| order[(place % size) as usize])
        };
        places.map(&mut at).collect()
    }

    fn epoch(&self, epoch: u64) -> Vec<usize> {
        let mut random = ChaCha20Rng::seed_from_u64(self.seed);
        random.set_stream(self.stream << 32 | epoch);
        let mut order: Vec<usize> = (0..self.examples).collect();
        order.shuffle(&mut random);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_takes_every_example_once_in_an_order_of_its_own() {
        let order = Order { examples: 7, batch: 3, seed: 5, stream: 0 };
        let taken: Vec<usize> = (0..14).flat_map(|step| order.of_step(step)).collect();
        let epochs: Vec<&[usize]> = taken.chunks(7).collect();
        for epoch in &epochs {
            let mut sorted = epoch.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert_ne!(epochs[0], epochs[1]);
        let other = Order { stream: 1, ..order };
        assert_ne!(other.of_step(0), order.of_step(0));
    }

    #[test]
    fn a_batch_larger_than_the_data_takes_several_epochs() {
        let order = Order { examples: 2, batch: 5, seed: 5, stream: 0 };
        let mut taken = order.of_step(0);
        taken.truncate(4);
        taken.sort_unstable();
        assert_eq!(taken, [0, 0, 1, 1]);
    }
}
