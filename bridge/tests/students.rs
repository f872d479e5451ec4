//! Does gradient training reach what the theory describes? Small networks, trained as `bellman distill`
//! trains, on a bigram model and on a Llama laid out as an MDP, against the exact maximiser of the
//! objective and the fixed points of the theory. The first distance is tested, the others are findings;
//! `--nocapture` prints them.

#[path = "common/problem.rs"]
mod problem;

use bridge::{Posterior, Target, posterior};
use operators::{Phi, Selection};
use problem::{Problem, SHIFTS, Trained};
use tabular::Instance;
use tabular::objective::Maximum;
use verify::{Case, Enclosure, Theory};

const NONE: usize = 0;
const VOCAB_MAX: usize = 1;
const LOG_SOFTMAX: usize = 2;

fn chi2(alpha: f64) -> Phi {
    Phi::chi2(alpha).unwrap()
}

/// A student beside the maximiser of its objective.
struct Found {
    trained: Trained,
    best: Maximum,
    /// J of the student.
    value: f64,
    /// The Q-values of the student.
    q: Vec<f64>,
    /// ‖Q − Q_maximiser‖ on the pairs that were trained on, as far as the objective determines Q.
    from_maximiser: f64,
}

impl Found {
    /// The best of students from several random weights: the shift `vocab_max` makes local maxima.
    fn new(problem: &Problem, phi: Phi, (seeds, steps, rate): (u64, u64, f64)) -> Self {
        let students = (1..=seeds).map(|seed| {
            let trained = problem.train(phi, (steps, rate), seed);
            (problem.value(phi, &trained.z), trained)
        });
        let (value, trained) = students.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        let best = problem.maximum(phi, &trained.z, if seeds > 1 { 1 } else { 0 });
        let q = problem.student_q(phi, &trained.z);
        let from_maximiser = problem.apart(&problem.determined(phi, &q, &best.q), &best.q);
        Self { trained, best, value, q, from_maximiser }
    }

    /// How far J stays below its maximum.
    fn short(&self) -> f64 {
        self.best.value - self.value
    }

    fn print(&self, problem: &Problem, what: &str) {
        let apart = problem.drift(&self.trained.z).apart;
        println!(
            "{what}: J {:.4}, short of its maximum by {:.1e}; from the maximiser {:.1e}, from Q̄_p* {:.3}, \
             from Q* {:.3}; the maximiser: from Q̄_p* {:.3}, from Q* {:.3}, {} ties; texts apart {:.3?}",
            self.value,
            self.short(),
            self.from_maximiser,
            problem.apart(&self.q, &problem.q_bar()),
            problem.apart(&self.q, &problem.q),
            problem.apart(&self.best.q, &problem.q_bar()),
            problem.apart(&self.best.q, &problem.q),
            self.best.tied_states,
            apart,
        );
    }
}

/// Trains on one problem with each φ and holds each student against each maximiser: it has to be at its
/// own, within `short` in J and `apart` in Q, and at no other. With a curved φ the teacher is not there.
fn reach(problem: &Problem, phis: &[Phi], by: (u64, u64, f64), (short, apart): (f64, f64)) {
    let found: Vec<Found> = phis.iter().map(|&phi| Found::new(problem, phi, by)).collect();
    for (&phi, student) in phis.iter().zip(&found) {
        student.print(problem, &format!("{} {:?} {phi:?}", problem.instance.name, problem.by.0));
        // The loss of the trainer is the objective of the table: the last step hardly moved it.
        let off = student.trained.loss + student.value;
        assert!(off.abs() <= 1e-5, "{phi:?}: {off:e}");
        assert!(student.short().abs() <= short, "{phi:?}: {:e}", student.short());
        assert!(student.from_maximiser <= apart, "{phi:?}: {:e}", student.from_maximiser);
        if phi != Phi::Identity {
            let teacher = student.best.value - problem.value(phi, &problem.q);
            assert!(teacher > 4.0 * short, "{phi:?}: the teacher is good enough: {teacher:e}");
        }
        for (&other, theirs) in phis.iter().zip(&found).filter(|&(&other, _)| other != phi) {
            let value = problem.value(other, &student.trained.z);
            let missed = theirs.best.value - value;
            assert!(missed > 4.0 * short, "{phi:?} is good enough for {other:?}: {missed:e}");
        }
    }
}

#[test]
fn gradients_reach_the_maximiser_on_a_bigram_model() {
    let phis = [Phi::Identity, chi2(0.1), chi2(1.0), chi2(10.0)];
    reach(&Problem::bigram(SHIFTS[NONE], 1), &phis, (1, 1000, 0.03), (1e-8, 1e-4));
}

#[test]
fn gradients_reach_the_maximiser_where_it_lies_at_infinity() {
    // With log_softmax all mass goes to the sets.
    let phis = [Phi::Identity, chi2(0.1), chi2(1.0)];
    reach(&Problem::bigram(SHIFTS[LOG_SOFTMAX], 1), &phis, (1, 1000, 0.05), (3e-4, 0.05));
}

#[test]
fn gradients_reach_the_maximiser_at_its_kinks() {
    // Where several tokens share the largest logit steps go to and fro, and local maxima are many.
    let problem = Problem::bigram(SHIFTS[VOCAB_MAX], 1);
    reach(&problem, &[Phi::Identity, chi2(0.1)], (3, 800, 0.03), (5e-5, 0.02));
    reach(&problem, &[chi2(1.0)], (3, 800, 0.03), (1e-3, 0.2));
}

#[test]
fn gradients_reach_the_maximiser_on_a_llama_laid_out_as_an_mdp() {
    let phis = [Phi::Identity, chi2(0.1), chi2(10.0)];
    reach(&Problem::carved(SHIFTS[NONE], 1), &phis, (1, 400, 0.02), (1e-5, 0.02));
    // As published.
    reach(&Problem::carved(SHIFTS[VOCAB_MAX], 1), &[chi2(0.1)], (1, 400, 0.02), (2e-4, 0.02));
}

/// Which clauses of an audit hold of what is known without it.
#[derive(Debug, PartialEq)]
struct Verdict {
    /// The distance from the true Q̄_p* is between the ends that the residual proves. Of the true
    /// reward that is a theorem for every Q, so that this clause alone can only fail for another one.
    bounds: bool,
    /// The residual is that of the exact maximiser under the true reward, but for what the student is
    /// away from it.
    residual: bool,
}

const BOTH: Verdict = Verdict { bounds: true, residual: true };

fn audit(instance: &Instance, q: &[f64]) -> Posterior<Enclosure> {
    let rule = Selection::TopP(instance.p);
    let case = Case::<Enclosure>::enclose(instance, rule, Theory::default()).unwrap();
    posterior(&case, &case.n.cells(q).unwrap(), Target::TopP).unwrap()
}

/// The audit of a student by an instance, which may be a wrong one.
fn judge(instance: &Instance, problem: &Problem, phi: Phi, found: &Found) -> Verdict {
    let (audited, truth) = (audit(instance, &found.q), audit(&problem.instance, &found.q));
    let expected = problem.determined(phi, &found.best.q, &found.q);
    let away = problem.apart(&expected, &found.q);
    let residual = audit(&problem.instance, &expected).residual.midpoint();
    let gamma = problem.instance.gamma.get();
    let distance = truth.distance;
    Verdict {
        bounds: audited.least.lo() <= distance.hi() && distance.lo() <= audited.bound.hi(),
        // Rounding is far below what training leaves.
        residual: (audited.residual.midpoint() - residual).abs() <= (1.0 + gamma) * away + 1e-12,
    }
}

/// The instance with another reward of every action but that of the end.
fn rewarded(instance: &Instance, more: f64) -> Instance {
    let mut rewards: Vec<f64> = instance.mdp.rewards().iter().map(|r| r + more).collect();
    let end = rewards.len() - 1;
    rewards[end] -= more;
    Instance { mdp: instance.mdp.clone().with_rewards(&rewards).unwrap(), ..instance.clone() }
}

#[test]
fn an_audit_of_a_trained_student_is_right_and_another_reward_or_shift_is_noticed() {
    for (by, other, seed) in [(NONE, VOCAB_MAX, 1), (VOCAB_MAX, LOG_SOFTMAX, 2)] {
        let problem = Problem::bigram(SHIFTS[by], seed);
        for phi in [Phi::Identity, chi2(0.1)] {
            let found = Found::new(&problem, phi, (3, 800, 0.03));
            let what = format!("{:?} {phi:?}", problem.by.0);
            // Trained to convergence: what the residual may be off by is less than the mistakes below.
            let expected = problem.determined(phi, &found.best.q, &found.q);
            let away = problem.apart(&expected, &found.q);
            assert!(away < 0.02, "{what}: {away:e}");
            let judged = |instance: &Instance| judge(instance, &problem, phi, &found);
            assert_eq!(judged(&problem.instance), BOTH, "{what}");
            // A little more reward: the residual tells.
            let little = judged(&rewarded(&problem.instance, 0.1));
            assert!(!little.residual, "{what}: {little:?}");
            // Much more: the bounds, which are wide, miss the distance too.
            let much = judged(&rewarded(&problem.instance, 20.0));
            assert_eq!(much, Verdict { bounds: false, residual: false }, "{what}");
            let shifted = judged(&Problem::bigram(SHIFTS[other], seed).instance);
            assert!(!shifted.residual, "{what}: {shifted:?}");
        }
    }
}

#[test]
fn errors_compound_after_bellman_distill_and_hardly_after_behaviour_cloning() {
    let settings = (600, 0.03);
    let problem = Problem::bigram(SHIFTS[NONE], 1);
    let students = [Phi::Identity, chi2(0.1)].map(|phi| problem.train(phi, settings, 1).z);
    let [cloned, distilled] = [0, 1].map(|student: usize| problem.drift(&students[student]));
    println!("cloned {:.3?}\ndistilled {:.3?}", cloned.apart, distilled.apart);
    for drift in [&cloned, &distilled] {
        for (apart, at_most) in drift.apart.iter().zip(&drift.at_most) {
            assert!(*apart <= at_most + 1e-12, "{drift:?}");
        }
    }
    // The data have each token about as often as the teacher takes it.
    assert!(cloned.apart.iter().all(|&apart| apart < 0.05), "{cloned:?}");
    assert!(distilled.apart.is_sorted() && distilled.apart[0] > 0.2, "{distilled:?}");
    assert!(distilled.apart[5] > 1.5 * distilled.apart[0], "{distilled:?}");
    // It ends too seldom.
    let [teacher, student] = [&problem.q, &students[1]].map(|q| problem.ended(q, 6));
    assert!(teacher - student > 0.5, "{teacher} {student}");
}
