//! The definition itself: derivatives, enclosures, terminal states, actions outside.

use super::{Loop, SHIFTS, chi2, gamma, nucleus, q_star, random_model, random_point, value};
use operators::{CandidateSets, Cells, Dense, Phi, Shift};
use rounding::Enclosure;
use tabular::objective::{ObjectiveError, Outside, TableObjective, Variant};
use tabular::occupancy::{Behaviour, Occupancy, Start, occupancy};
use tabular::{Family, MdpBuilder};

#[test]
fn the_gradient_is_the_slope_of_the_value() {
    for family in [Family::Garnet, Family::TokenTree] {
        let mdp = random_model(family, 6);
        let q = q_star(&mdp, gamma(0.9));
        let sets = nucleus(&mdp, &q, 0.8);
        let data = occupancy(&mdp, gamma(0.9), Behaviour::Boltzmann(&q), Start::Uniform).unwrap();
        for shift in SHIFTS {
            for (floor, outside) in [(None, Outside::Drop), (Some(-2.0), Outside::Floor(-2.0))] {
                for phi in [Phi::Identity, chi2(0.1)] {
                    let variant = Variant { phi, shift, floor, outside };
                    let objective =
                        TableObjective::new(&mdp, gamma(0.9), &sets, &data, variant).unwrap();
                    let z = random_point(mdp.pairs(), 1);
                    let (_, gradient) = objective.gradient(&z).unwrap();
                    for pair in 0..mdp.pairs() {
                        let h = 1e-5;
                        let (mut up, mut down) = (z.clone(), z.clone());
                        up[pair] += h;
                        down[pair] -= h;
                        let slope = (value(&objective, &up) - value(&objective, &down)) / (2.0 * h);
                        let error = (slope - gradient[pair]).abs();
                        assert!(error < 1e-6, "{family} {variant:?} {pair}: {error:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn enclosures_contain_what_doubles_compute() {
    let mdp = random_model(Family::TokenTree, 7);
    let q = q_star(&mdp, gamma(0.9));
    let sets = nucleus(&mdp, &q, 0.8);
    let data =
        occupancy(&mdp, gamma(1.0), Behaviour::Projected(&q, &sets), Start::State(0)).unwrap();
    for shift in SHIFTS {
        let variant = Variant::new(chi2(0.1), shift);
        let objective = TableObjective::new(&mdp, gamma(0.9), &sets, &data, variant).unwrap();
        let z = random_point(mdp.pairs(), 2);
        let n = Dense::<Enclosure>::new(mdp.layout());
        let enclosure = objective.value(&n.cells(&z).unwrap()).unwrap();
        assert!(enclosure.width() < 1e-11, "{shift:?}: {}", enclosure.width());
        let rounded = value(&objective, &z);
        assert!(
            enclosure.widen(-1e-13, 1e-13).contains(rounded),
            "{shift:?}: {enclosure:?} {rounded:e}"
        );
    }
}

#[test]
fn a_terminal_state_is_worth_nothing_whatever_its_logit() {
    let mut builder = MdpBuilder::new(2);
    builder.action(0, 0, 0.0, &[(1, 1.0)]).unwrap();
    builder.action(0, 1, 0.0, &[(1, 1.0)]).unwrap();
    builder.terminal(1).unwrap();
    let mdp = builder.build().unwrap().0;
    let sets = CandidateSets::from_kept(mdp.layout(), vec![true, false, true]).unwrap();
    let policy = Behaviour::Given(&[0.75, 0.25, 1.0]);
    let data = occupancy(&mdp, gamma(1.0), policy, Start::State(0)).unwrap();
    let at = |outside, end| {
        let variant = Variant { outside, ..Variant::new(chi2(0.5), Shift::Zero) };
        let objective = TableObjective::new(&mdp, gamma(0.9), &sets, &data, variant).unwrap();
        value(&objective, &[0.5, 3.0, end])
    };
    // V = 0.5; the one action inside has δ = 0.5, and φ(0.5) − V = −0.125.
    assert_eq!(at(Outside::Drop, 0.0), -0.125);
    assert_eq!(at(Outside::Drop, 7.0), -0.125);
    // The other counts a quarter with δ = −10: φ(−10) − V = −60.5.
    let with_floor = 0.75 * -0.125 + 0.25 * -60.5;
    assert!((at(Outside::Floor(-10.0), 7.0) - with_floor).abs() < 1e-14);
}

#[test]
fn nothing_inside_the_sets_is_an_error() {
    let example = Loop::new(&[0.5, 0.5]);
    let sets = CandidateSets::from_kept(example.mdp.layout(), vec![true, false]).unwrap();
    let data = Occupancy { state: vec![1.0], pair: vec![0.0, 1.0], visits: 2.0 };
    let variant = Variant::new(Phi::Identity, Shift::Zero);
    let refused = TableObjective::new(&example.mdp, gamma(0.5), &sets, &data, variant);
    assert!(matches!(refused, Err(ObjectiveError::NothingInside)));
    let point = Cells(nalgebra::DVector::from_vec(vec![0.0]));
    assert!(example.objective(0.5, Phi::Identity, Shift::Zero).value::<f64>(&point).is_err());
}
