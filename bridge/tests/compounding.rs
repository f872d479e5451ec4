//! How far the states of two policies drift apart, against what is known by hand and by bound.

use bridge::{BridgeError, compounding};
use operators::{Discount, TopP};
use tabular::occupancy::{Behaviour, Start};
use tabular::random::Source;
use tabular::{Family, Mdp, MdpBuilder, Size};

/// From state 0 one action leads to 1, the other to 2; from both the end is one step away.
fn fork() -> Mdp {
    let mut builder = MdpBuilder::new(4);
    builder.action(0, 0, 0.0, &[(1, 1.0)]).unwrap();
    builder.action(0, 1, 0.0, &[(2, 1.0)]).unwrap();
    builder.action(1, 0, 0.0, &[(1, 0.5), (3, 0.5)]).unwrap();
    builder.action(1, 1, 0.0, &[(2, 1.0)]).unwrap();
    builder.action(2, 0, 0.0, &[(3, 1.0)]).unwrap();
    builder.terminal(3).unwrap();
    builder.build().unwrap().0
}

#[test]
fn the_distance_is_that_of_the_distributions_by_hand() {
    let mdp = fork();
    let teacher = [0.5, 0.5, 1.0, 0.0, 1.0, 1.0];
    let student = [0.75, 0.25, 0.5, 0.5, 1.0, 1.0];
    let both = [Behaviour::Given(&teacher), Behaviour::Given(&student)];
    let drift = compounding(&mdp, both, Start::State(0), 2).unwrap();
    // After one step (1/2, 1/2) against (3/4, 1/4) in states 1 and 2.
    // After two (1/4, 0, 3/4) against (3/16, 3/8, 7/16) in states 1, 2 and 3.
    assert_eq!(drift.apart, [0.25, 0.375]);
    // A quarter in state 0, and a half in state 1, where the teacher is half of the time.
    assert_eq!(drift.at_most, [0.25, 0.5]);
}

#[test]
fn the_bound_holds_on_random_models_and_nobody_drifts_from_himself() {
    let (gamma, p) = (Discount::new(0.9).unwrap(), TopP::new(0.8).unwrap());
    let size = Size { states: 12, actions: 4, branching: 3 };
    let mut drifted = 0;
    for (stream, family) in (0..).zip(Family::ALL) {
        let source = &mut Source::new(41, stream);
        let mdp = family.instance(size, gamma, p, source).unwrap().mdp;
        let [left, right] =
            [0, 1].map(|_| (0..mdp.pairs()).map(|_| source.signed(2.0)).collect::<Vec<f64>>());
        let of = |q: &[f64], other: &[f64]| {
            let both = [Behaviour::Boltzmann(q), Behaviour::Boltzmann(other)];
            compounding(&mdp, both, Start::Uniform, 8).unwrap()
        };
        let drift = of(&left, &right);
        for (apart, at_most) in drift.apart.iter().zip(&drift.at_most) {
            assert!(*apart <= at_most + 1e-12, "{family:?}: {drift:?}");
            assert!(*apart <= 1.0 + 1e-12, "{family:?}: {drift:?}");
        }
        drifted += usize::from(drift.apart[0] > 0.01);
        assert!(of(&left, &left).apart.iter().all(|&apart| apart == 0.0));
    }
    assert!(drifted >= 3, "{drifted}");
    let wrong = [Behaviour::Given(&[1.0]), Behaviour::Given(&[1.0])];
    let refused = compounding(&fork(), wrong, Start::State(0), 1);
    assert!(matches!(refused, Err(BridgeError::Occupancy(_))));
}
