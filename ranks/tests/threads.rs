//! Ranks as threads: what one of them knows, all know, and they end together.

use ranks::{Ranks, RanksError, threads};
use std::thread;

/// What each rank's work comes to, in order of rank.
fn on<T: Send>(size: usize, work: impl Fn(Ranks) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> =
            threads(size).into_iter().map(|ranks| scope.spawn(move || work(ranks))).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn sums_are_those_in_order_of_rank_on_every_rank() {
    for size in [1, 2, 3, 5] {
        // More than a bucket, and not a multiple of the number of ranks.
        let length = (1 << 20) + 4;
        let number = |rank: usize, i: usize| ((rank + 1) * (i % 997 + 1)) as f32 * 0.1;
        let all = on(size, |ranks| {
            let mut numbers: Vec<f32> = (0..length).map(|i| number(ranks.rank(), i)).collect();
            ranks.sum(&mut numbers).unwrap();
            numbers
        });
        for i in [0, 1, 996, 1 << 19, length - 1] {
            let expected = (0..size).map(|rank| f64::from(number(rank, i))).sum::<f64>() as f32;
            assert!(all.iter().all(|numbers| numbers[i].to_bits() == expected.to_bits()));
        }
        assert!(all.iter().all(|numbers| *numbers == all[0]));
    }
}

#[test]
fn fewer_numbers_than_ranks_and_none_at_all() {
    let sums = on(4, |ranks| {
        let (mut two, mut none) = ([0.5, ranks.rank() as f64], [0.0f64; 0]);
        ranks.sum(&mut two).and_then(|()| ranks.sum(&mut none)).unwrap();
        two
    });
    assert_eq!(sums, [[2.0, 6.0]; 4]);
}

#[test]
fn values_are_gathered_as_they_are_and_in_order() {
    let gathered = on(3, |ranks| {
        let special = [f64::INFINITY, -0.0, 0.1][ranks.rank()];
        let value = (special, Some(ranks.rank().to_string()));
        (ranks.gather(&value).unwrap(), ranks.any(ranks.rank() == 2).unwrap())
    });
    for (values, any) in gathered {
        let bits: Vec<u64> = values.iter().map(|(x, _)| x.to_bits()).collect();
        assert_eq!(bits, [f64::INFINITY, -0.0, 0.1].map(f64::to_bits));
        assert_eq!(values[2].1.as_deref(), Some("2"));
        assert!(any);
    }
    assert_eq!(on(2, |ranks| ranks.any(false)), [Ok(false), Ok(false)]);
}

#[test]
fn shares_are_everything_once() {
    let shares = on(3, |ranks| ranks.share(7).collect::<Vec<_>>());
    assert_eq!(shares, [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
}

/// Work that fails on rank 1 at a moment of its own, while the others are at another call.
fn fails(ranks: &Ranks, sum: bool) -> Result<(), RanksError> {
    ranks.together(|| {
        ranks.meet()?;
        if ranks.rank() == 1 {
            return Err(RanksError::Start { problem: "no disk".into() });
        }
        if sum { ranks.sum(&mut [1.0f32; 10]) } else { ranks.gather(&ranks.rank()).map(|_| ()) }
    })
}

#[test]
fn a_rank_that_fails_ends_all_with_its_message() {
    for sum in [false, true] {
        let ended = on(3, |ranks| (fails(&ranks, sum), ranks.meet()));
        let problem = "the ranks cannot be connected: no disk".to_string();
        let elsewhere = Err(RanksError::Elsewhere { rank: 1, problem });
        assert_eq!((&ended[0].0, &ended[2].0), (&elsewhere, &elsewhere));
        assert!(matches!(ended[1].0, Err(RanksError::Start { .. })));
        assert!(ended.iter().all(|(_, after)| *after == Err(RanksError::Parted)));
    }
}

#[test]
fn a_rank_that_fails_when_the_others_are_done_still_ends_all() {
    let ended = on(2, |ranks| {
        ranks.together(|| match ranks.rank() {
            0 => Err(RanksError::Start { problem: "late".into() }),
            _ => Ok(()),
        })
    });
    assert!(matches!(ended[1], Err(RanksError::Elsewhere { rank: 0, .. })), "{ended:?}");
}

#[test]
fn a_rank_that_is_gone_is_noticed() {
    let ended = on(2, |ranks| match ranks.rank() {
        0 => Ok(()),
        _ => ranks.meet(),
    });
    assert_eq!(ended[1], Err(RanksError::Lost { rank: 0 }));
}

#[test]
fn ranks_with_other_numbers_are_an_error() {
    let ended = on(2, |ranks| ranks.sum(&mut vec![0.0f64; 4 + 4 * ranks.rank()]));
    assert!(ended.iter().all(|e| matches!(e, Err(RanksError::Unlike { .. }))), "{ended:?}");
}

#[test]
fn alone_nothing_changes() {
    let (ranks, mut numbers) = (Ranks::alone(), [0.1f32, -2.0]);
    ranks.sum(&mut numbers).unwrap();
    assert_eq!(numbers, [0.1, -2.0]);
    assert_eq!((ranks.rank(), ranks.size(), ranks.gather(&7).unwrap()), (0, 1, vec![7]));
    assert!(ranks.any(true).unwrap() && !ranks.any(false).unwrap());
}
