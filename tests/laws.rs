//! One operator, three times: over doubles, over enclosures, and restated by the checker. On
//! models of every family the three agree, and what the checker restates obeys the laws that its
//! proof rests on.

use bellman_distill::certificate::sweep;
use bellman_distill::operators::{
    CandidateSets, Dense, Discount, Dual, Rows, Scalar, backup, policy_value, projection,
    soft_value,
};
use bellman_distill::rounding::Enclosure;
use bellman_distill::tabular::solve::{SweepRounding, action_values};
use bellman_distill::tabular::{Mdp, MdpBuilder};
use bellman_distill::verify::{Case, Plan, Theory, view};

/// Seven families, thirty models of each.
const MODELS: u64 = 210;

/// How large random state values are.
const SPREAD: f64 = 50.0;

/// What an operator makes of state values: a number for each pair, or one for each state.
type Images<T> = [(&'static str, Vec<T>); 4];

/// A random model with everything that the operators take.
struct Setting {
    name: String,
    mdp: Mdp,
    gamma: Discount,
    sets: CandidateSets,
    /// The Q-table, in doubles, whose projected Boltzmann policy is π.
    teacher: Vec<f64>,
    v: Vec<f64>,
    /// Not above `v` by more than [`SPREAD`], and nowhere below it.
    higher: Vec<f64>,
}

fn settings() -> impl Iterator<Item = Setting> {
    let plan = Plan::new(11);
    let models = (0..MODELS).flat_map(move |index| {
        let (instance, sets) = plan.instance(index).unwrap();
        let selection = sets.selection(&instance);
        let models = [off_balance(&instance.mdp), instance.mdp];
        let name = instance.name;
        models.map(|mdp| (name.clone(), mdp, instance.gamma, selection, plan.probes(index)))
    });
    models.map(|(name, mdp, gamma, selection, mut source)| {
        let states = 0..mdp.states();
        let v: Vec<f64> = states.clone().map(|_| source.signed(SPREAD)).collect();
        let higher = v.iter().map(|v| v + SPREAD * source.unit()).collect();
        let behind: Vec<f64> = states.map(|_| source.signed(SPREAD)).collect();
        let teacher = action_values(&mdp, gamma, &behind);
        let sets = CandidateSets::select(mdp.layout(), &teacher, selection).unwrap();
        Setting { name, mdp, gamma, sets, teacher, v, higher }
    })
}

/// The same model with weights that sum to a little more than one, and hardly ever to a double.
fn off_balance(mdp: &Mdp) -> Mdp {
    let excess = 1.0 + 2f64.powi(-31);
    let mut builder = MdpBuilder::new(mdp.states());
    for state in 0..mdp.states() {
        for pair in mdp.pairs_of(state) {
            let row: Vec<_> = mdp.row(pair).iter().map(|(s, w)| (s, w * excess)).collect();
            builder.action(state, mdp.actions()[pair], mdp.rewards()[pair], &row).unwrap();
        }
    }
    let (mdp, _) = builder.build().unwrap();
    assert!(mdp.nearest_totals().is_some());
    mdp
}

fn exact(v: &[f64]) -> Vec<Enclosure> {
    v.iter().map(|&x| Enclosure::exact(x)).collect()
}

impl Setting {
    /// The operators by their definitions, over any scalar.
    fn defined<T: Scalar>(&self, v: Vec<T>) -> Images<T> {
        let n = Dense::<T>::new(self.mdp.layout());
        let (full, set) = (vec![true; self.mdp.pairs()], n.mask(&self.sets));
        let reward = n.cells(self.mdp.rewards()).unwrap();
        let q = backup(&n, &reward, self.gamma, &self.mdp, &Rows(v.into())).unwrap();
        let policy = projection(&n, &n.cells(&self.teacher).unwrap(), &set).unwrap();
        let value = |rows: Rows<Dense<T>>| rows.0.as_slice().to_vec();
        [
            ("r + γ E V", q.0.as_slice().to_vec()),
            ("T V", value(soft_value(&n, &q, &full).unwrap())),
            ("T_p V", value(soft_value(&n, &q, &set).unwrap())),
            ("B_p^π V", value(policy_value(&n, &q, &policy, &set).unwrap())),
        ]
    }

    /// The operators as the checker restates them.
    fn restated(&self, v: &[Enclosure]) -> Images<Enclosure> {
        let (model, gamma) = (view(&self.mdp).unwrap(), self.gamma.get());
        let q: Vec<Enclosure> =
            (0..model.pairs()).map(|i| sweep::backup(&model, gamma, i, &|s| v[s])).collect();
        let all = |state| q[model.pairs_of(state)].to_vec();
        let kept = |state: usize, table: &[Enclosure]| -> Vec<Enclosure> {
            model.pairs_of(state).filter(|&i| self.sets.kept()[i]).map(|i| table[i]).collect()
        };
        let teacher = exact(&self.teacher);
        let projected = |s| sweep::projected_value(&kept(s, &teacher), &kept(s, &q));
        let states = 0..model.states();
        [
            ("r + γ E V", q.clone()),
            ("T V", states.clone().map(|s| sweep::log_sum_exp(&all(s))).collect()),
            ("T_p V", states.clone().map(|s| sweep::log_sum_exp(&kept(s, &q))).collect()),
            ("B_p^π V", states.map(projected).collect()),
        ]
    }

    /// How far a sweep in doubles can be from the real one: it is derived from the sizes of the
    /// model and the values.
    fn rounding(&self) -> f64 {
        SweepRounding::new(&self.mdp).bound(&self.v)
    }
}

/// Visits what two ways to compute the operators give, side by side.
fn compare<A: Copy, B: Copy>(a: &Images<A>, b: &Images<B>, mut visit: impl FnMut(&str, A, B)) {
    for ((operator, a), (_, b)) in a.iter().zip(b) {
        assert_eq!(a.len(), b.len(), "{operator}");
        a.iter().zip(b).for_each(|(&a, &b)| visit(operator, a, b));
    }
}

#[test]
fn doubles_lie_in_both_enclosures_up_to_their_rounding() {
    for setting in settings() {
        let (doubles, v) = (setting.defined(setting.v.clone()), exact(&setting.v));
        for enclosures in [setting.defined(v.clone()), setting.restated(&v)] {
            let slack = setting.rounding();
            compare(&doubles, &enclosures, |operator, x, e| {
                let inside = e.widen(-slack, slack).contains(x);
                assert!(inside, "{}: {operator}: {x} is not in {e}", setting.name);
            });
        }
    }
}

#[test]
fn the_checker_and_the_definitions_enclose_the_same_numbers_and_narrowly() {
    for setting in settings() {
        let v = exact(&setting.v);
        // An end is off by 1½ units of the last place at most (rounded to nearest, then one step
        // outwards) where the bound for doubles counts one.
        let widest = 3.0 * setting.rounding();
        compare(&setting.defined(v.clone()), &setting.restated(&v), |operator, a, b| {
            assert!(a.intersects(b), "{}: {operator}: {a} misses {b}", setting.name);
            let width = a.width().max(b.width());
            assert!(width <= widest, "{}: {operator}: {width:e} > {widest:e}", setting.name);
        });
    }
}

#[test]
fn dual_numbers_carry_the_doubles_and_along_a_constant_the_derivative_gamma() {
    for setting in settings() {
        let doubles = setting.defined(setting.v.clone());
        let along_one = setting.v.iter().map(|&x| Dual::<1>::variable(x, 0)).collect();
        // Shares of shares, none above one: the rounding of a sweep over such numbers.
        let slack = SweepRounding::new(&setting.mdp).bound(&[1.0]);
        compare(&doubles, &setting.defined(along_one), |operator, x, dual| {
            assert_eq!(x.to_bits(), dual.value.to_bits(), "{}: {operator}", setting.name);
            let apart = (dual.derivative[0] - setting.gamma.get()).abs();
            assert!(apart <= slack, "{}: {operator}: {dual:?}", setting.name);
        });
    }
}

#[test]
fn what_the_checker_restates_is_monotone() {
    for setting in settings() {
        let low = setting.restated(&exact(&setting.v));
        let high = setting.restated(&exact(&setting.higher));
        compare(&low, &high, |operator, low, high| {
            assert_ne!(low.at_most(high), Some(false), "{}: {operator}", setting.name);
        });
    }
}

#[test]
fn a_shift_of_the_values_by_c_moves_what_the_checker_restates_by_gamma_c() {
    let c = Enclosure::exact(3.25);
    for setting in settings() {
        let v = exact(&setting.v);
        let shifted: Vec<Enclosure> = v.iter().map(|&v| v + c).collect();
        let by = c * Enclosure::exact(setting.gamma.get());
        compare(&setting.restated(&v), &setting.restated(&shifted), |operator, a, b| {
            assert!((a + by).intersects(b), "{}: {operator}: {a} and {b}", setting.name);
        });
    }
}

#[test]
fn what_the_checker_restates_contracts_by_gamma() {
    for setting in settings() {
        let (v, w) = (exact(&setting.v), exact(&setting.higher));
        let apart = v.iter().zip(&w).map(|(&v, &w)| (v - w).abs());
        let bound = apart.reduce(Enclosure::max).unwrap() * Enclosure::exact(setting.gamma.get());
        compare(&setting.restated(&v), &setting.restated(&w), |operator, a, b| {
            assert_ne!((a - b).abs().at_most(bound), Some(false), "{}: {operator}", setting.name);
        });
    }
}

#[test]
fn a_policy_earns_at_most_what_its_sets_allow_and_they_at_most_what_all_actions_do() {
    for setting in settings() {
        let [_, (_, all), (_, sets), (_, policy)] = setting.restated(&exact(&setting.v));
        for state in 0..setting.mdp.states() {
            assert_ne!(policy[state].at_most(sets[state]), Some(false), "{}", setting.name);
            assert_ne!(sets[state].at_most(all[state]), Some(false), "{}", setting.name);
        }
    }
}

#[test]
fn fixed_points_in_doubles_lie_in_their_certified_enclosures_up_to_their_slack() {
    let plan = Plan::new(12);
    for index in 0..MODELS {
        let (instance, sets) = plan.instance(index).unwrap();
        let (selection, theory) = (sets.selection(&instance), Theory::default());
        let doubles = Case::<f64>::solve(&instance, selection, theory).unwrap();
        let enclosed = Case::<Enclosure>::enclose(&instance, selection, theory).unwrap();
        let slack = doubles.value_slack;
        // A logarithm of odds, and a share, move by no more than the two exponents in it do.
        let pairs = [
            ("Q*", &doubles.q_star.0, &enclosed.q_star.0, slack),
            ("V*", &doubles.v_star.0, &enclosed.v_star.0, slack),
            ("Q̄^{proj π*}", &doubles.q_projected.0, &enclosed.q_projected.0, slack),
            ("Q̄_p*", &doubles.q_top_p.0, &enclosed.q_top_p.0, slack),
            ("ℓ", &doubles.leak.0, &enclosed.leak.0, 2.0 * slack),
            (
                "proj π*",
                &doubles.teacher.probability.0,
                &enclosed.teacher.probability.0,
                2.0 * slack,
            ),
        ];
        for (what, doubles, enclosures, slack) in pairs {
            for (&x, e) in doubles.iter().zip(enclosures) {
                let inside = e.widen(-slack, slack).contains(x);
                assert!(inside, "{}: {what}: {x} is not in {e}", instance.name);
            }
        }
    }
}
