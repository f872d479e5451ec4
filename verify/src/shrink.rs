//! Smaller instances: fewer states, then actions, then successors, then simpler numbers.

use operators::{CandidateSets, Discount, TopP};
use tabular::{Instance, Mdp, MdpBuilder, ModelError};

/// Instances a step simpler than this one, the boldest first.
///
/// Each is valid. Following the first that still fails until none does gives a counterexample
/// from which nothing can be taken away. Candidate sets of the instance's own lose what the model
/// loses, and none becomes empty.
pub fn candidates(instance: &Instance) -> impl Iterator<Item = Instance> + '_ {
    let mdp = &instance.mdp;
    let with = move |smaller: Result<Smaller, ModelError>| smaller.ok()?.instance(instance);
    let states = (0..mdp.states()).rev().filter_map(move |s| with(without_state(instance, s)));
    let actions = (0..mdp.pairs()).rev().filter_map(move |pair| with(without_pair(instance, pair)));
    let successors = (0..mdp.pairs()).flat_map(move |pair| {
        let row = mdp.row(pair).successors;
        (0..row.len()).filter_map(move |i| with(without_successor(instance, pair, i)))
    });
    let weights = (0..mdp.pairs()).filter_map(move |pair| with(with_even_row(instance, pair)));
    let rewards = (0..mdp.pairs()).flat_map(move |pair| {
        simpler(mdp.rewards()[pair]).filter_map(move |r| with(with_reward(instance, pair, r)))
    });
    states
        .chain(actions)
        .chain(successors)
        .chain(weights)
        .chain(rewards)
        .chain(simpler_parameters(instance))
}

/// Follows `still_fails` to an instance of which no candidate fails; at most `budget` tries.
pub fn shrink(
    instance: Instance,
    mut budget: usize,
    mut still_fails: impl FnMut(&Instance) -> bool,
) -> Instance {
    let mut smallest = instance;
    loop {
        let next = candidates(&smallest).find(|candidate| {
            budget > 0 && {
                budget -= 1;
                still_fails(candidate)
            }
        });
        match next {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

/// A row under construction: reward and weights of a pair, with its state and action, and whether
/// the instance's own candidate sets keep it.
struct Draft {
    state: usize,
    action: u32,
    reward: f64,
    row: Vec<(usize, f64)>,
    kept: bool,
}

/// A smaller model, and which of its pairs are kept.
struct Smaller {
    mdp: Mdp,
    kept: Vec<bool>,
}

impl Smaller {
    /// The instance with this model; none when that is the old one, or a candidate set is empty.
    fn instance(self, of: &Instance) -> Option<Instance> {
        let Self { mdp, kept } = self;
        let sets = match of.sets {
            Some(_) => Some(CandidateSets::from_kept(mdp.layout(), kept).ok()?),
            None => None,
        };
        (mdp != of.mdp).then(|| Instance { mdp, sets, ..of.clone() })
    }
}

/// Rebuilds the model from changed rows, in their order; weights are rescaled to an even grid so
/// that they sum to exactly one.
fn rebuild(states: usize, drafts: impl Iterator<Item = Draft>) -> Result<Smaller, ModelError> {
    let mut builder = MdpBuilder::new(states);
    let mut kept = Vec::new();
    for draft in drafts {
        let row = on_grid(&draft.row);
        builder.action(draft.state, draft.action, draft.reward, &row)?;
        kept.push(draft.kept);
    }
    Ok(Smaller { mdp: builder.build()?.0, kept })
}

fn drafts(instance: &Instance) -> impl Iterator<Item = (usize, Draft)> + '_ {
    let mdp = &instance.mdp;
    mdp.layout().iter().enumerate().flat_map(move |(state, pairs)| {
        pairs.map(move |pair| {
            let row = mdp.row(pair).iter().collect();
            let (action, reward) = (mdp.actions()[pair], mdp.rewards()[pair]);
            let kept = instance.sets.as_ref().is_none_or(|sets| sets.kept()[pair]);
            (pair, Draft { state, action, reward, row, kept })
        })
    })
}

/// Weights as multiples of 2⁻³² that sum to exactly one; the largest takes what is left over.
fn on_grid(row: &[(usize, f64)]) -> Vec<(usize, f64)> {
    const GRID: f64 = (1u64 << 32) as f64;
    let total: f64 = row.iter().map(|&(_, w)| w).sum();
    if total == 1.0 && row.iter().all(|&(_, w)| (w * GRID).fract() == 0.0) {
        return row.to_vec();
    }
    let mut units: Vec<(usize, f64)> =
        row.iter().map(|&(s, w)| (s, (w / total * GRID).round().max(1.0))).collect();
    let excess = units.iter().map(|&(_, u)| u).sum::<f64>() - GRID;
    if let Some(largest) = units.iter_mut().max_by(|a, b| a.1.total_cmp(&b.1)) {
        largest.1 -= excess;
    }
    units.into_iter().map(|(s, u)| (s, u / GRID)).collect()
}

/// Without a state; what led there no longer does, and a row that led nowhere else stays where
/// it starts.
fn without_state(instance: &Instance, gone: usize) -> Result<Smaller, ModelError> {
    if instance.mdp.states() == 1 {
        return Err(ModelError::NoStates);
    }
    let renumber = |s: usize| if s > gone { s - 1 } else { s };
    let kept = drafts(instance).filter(|(_, draft)| draft.state != gone).map(|(_, mut draft)| {
        draft.row.retain(|&(s, _)| s != gone);
        if draft.row.is_empty() {
            draft.row.push((draft.state, 1.0));
        }
        for (s, _) in &mut draft.row {
            *s = renumber(*s);
        }
        draft.state = renumber(draft.state);
        draft
    });
    rebuild(instance.mdp.states() - 1, kept)
}

fn without_pair(instance: &Instance, gone: usize) -> Result<Smaller, ModelError> {
    rebuild(
        instance.mdp.states(),
        drafts(instance).filter(|&(pair, _)| pair != gone).map(|(_, draft)| draft),
    )
}

fn change(
    instance: &Instance,
    at: usize,
    edit: impl Fn(&mut Draft),
) -> Result<Smaller, ModelError> {
    rebuild(
        instance.mdp.states(),
        drafts(instance).map(|(pair, mut draft)| {
            if pair == at {
                edit(&mut draft);
            }
            draft
        }),
    )
}

fn without_successor(instance: &Instance, pair: usize, i: usize) -> Result<Smaller, ModelError> {
    change(instance, pair, |draft| {
        if draft.row.len() > 1 {
            draft.row.remove(i);
        }
    })
}

fn with_even_row(instance: &Instance, pair: usize) -> Result<Smaller, ModelError> {
    change(instance, pair, |draft| draft.row.iter_mut().for_each(|(_, w)| *w = 1.0))
}

fn with_reward(instance: &Instance, pair: usize, reward: f64) -> Result<Smaller, ModelError> {
    change(instance, pair, |draft| draft.reward = reward)
}

/// Zero, whole numbers and short fractions that have fewer digits than x.
fn simpler(x: f64) -> impl Iterator<Item = f64> {
    [0.0, x.signum(), x.trunc(), (x * 4.0).round() / 4.0, (x * 64.0).round() / 64.0]
        .into_iter()
        .take_while(move |&y| y != x)
        .filter(move |y| y.is_finite())
}

fn simpler_parameters(instance: &Instance) -> impl Iterator<Item = Instance> + '_ {
    let round = [0.5, 0.75, 0.875, 0.9];
    let gammas = round.into_iter().take_while(|&g| g != instance.gamma.get());
    let masses = round.into_iter().take_while(|&p| p != instance.p.get());
    gammas
        .filter_map(|g| Some(Instance { gamma: Discount::new(g).ok()?, ..instance.clone() }))
        .chain(masses.filter_map(|p| Some(Instance { p: TopP::new(p).ok()?, ..instance.clone() })))
}
