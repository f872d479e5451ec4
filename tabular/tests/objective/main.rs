//! The exact objective: its gradient, its known maximisers, and what can be said about it.

mod definition;
mod maximum;
mod text;
mod theory;

use operators::{CandidateSets, Discount, Phi, Selection, Shift, TopP};
use tabular::objective::{MaximiseSettings, Maximum, TableObjective, Variant};
use tabular::occupancy::{Behaviour, Occupancy, Start, occupancy};
use tabular::random::Source;
use tabular::solve::{Method, Operator, Settings, action_values, solve};
use tabular::{Family, Mdp, MdpBuilder, Size};

const SHIFTS: [Shift; 3] = [Shift::Zero, Shift::VocabMax, Shift::LogSoftmax];

fn gamma(x: f64) -> Discount {
    Discount::new(x).unwrap()
}

fn chi2(alpha: f64) -> Phi {
    Phi::chi2(alpha).unwrap()
}

fn q_star(mdp: &Mdp, discount: Discount) -> Vec<f64> {
    let settings = Settings::default();
    let solution = solve(mdp, discount, Operator::Optimal, Method::default(), settings, None);
    action_values(mdp, discount, &solution.v)
}

fn nucleus(mdp: &Mdp, q: &[f64], p: f64) -> CandidateSets {
    CandidateSets::select(mdp.layout(), q, Selection::TopP(TopP::new(p).unwrap())).unwrap()
}

fn random_model(family: Family, stream: u64) -> Mdp {
    let size = Size { states: 6, actions: 3, branching: 3 };
    let p = TopP::new(0.8).unwrap();
    family.instance(size, gamma(0.9), p, &mut Source::new(23, stream)).unwrap().mdp
}

/// One state with a self loop whose teacher is the given policy: r = log π makes Q* = log π.
struct Loop {
    mdp: Mdp,
    q_star: Vec<f64>,
    sets: CandidateSets,
    data: Occupancy,
}

impl Loop {
    fn new(teacher: &[f64]) -> Self {
        let mut builder = MdpBuilder::new(1);
        for (action, p) in teacher.iter().enumerate() {
            builder.action(0, action as u32, p.ln(), &[(0, 1.0)]).unwrap();
        }
        let mdp = builder.build().unwrap().0;
        let q_star: Vec<f64> = teacher.iter().map(|p| p.ln()).collect();
        let sets = CandidateSets::full(mdp.layout());
        let behaviour = Behaviour::Boltzmann(&q_star);
        let data = occupancy(&mdp, gamma(0.5), behaviour, Start::Uniform).unwrap();
        Self { mdp, q_star, sets, data }
    }

    fn objective(&self, discount: f64, phi: Phi, shift: Shift) -> TableObjective<'_> {
        let variant = Variant::new(phi, shift);
        TableObjective::new(&self.mdp, gamma(discount), &self.sets, &self.data, variant).unwrap()
    }

    fn maximum(&self, discount: f64, phi: Phi, shift: Shift) -> Maximum {
        let objective = self.objective(discount, phi, shift);
        objective.maximise(&self.q_star, MaximiseSettings::default()).unwrap()
    }
}

fn value(objective: &TableObjective<'_>, z: &[f64]) -> f64 {
    objective.gradient(z).unwrap().0
}

fn random_point(pairs: usize, stream: u64) -> Vec<f64> {
    let mut source = Source::new(29, stream);
    (0..pairs).map(|_| source.signed(2.0)).collect()
}
