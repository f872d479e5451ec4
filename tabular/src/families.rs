//! Random MDPs by family, the same for a seed on every platform.

use crate::random::Source;
use crate::{Instance, Mdp, MdpBuilder, ModelError};
use operators::{Discount, TopP};
use std::fmt;
use std::str::FromStr;

/// A family of random MDPs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Sparse random rows: a few distinct successors each, uniform weights on the simplex.
    Garnet,
    /// Every state can follow every pair: rows uniform on the simplex.
    Dense,
    /// Deterministic and tree-like, absorbing leaves: text generation in small.
    TokenTree,
    /// Slow mixing: actions move one step around a ring with small probability.
    Ring,
    /// Equal actions in every state and p = k/n exactly: attains κ(p).
    WorstCase,
    /// Actions that are exactly, or very nearly, equally good.
    NearTies,
    /// Rewards of ±1000: probabilities that underflow.
    Extreme,
}

/// The sizes of a random model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// States, the terminal one included.
    pub states: usize,
    /// Offered actions per state.
    pub actions: usize,
    /// Successors per pair where the family is sparse.
    pub branching: usize,
}

impl Family {
    /// All families, in the order in which `--family all` uses them.
    pub const ALL: [Self; 7] = [
        Self::Garnet,
        Self::Dense,
        Self::TokenTree,
        Self::Ring,
        Self::WorstCase,
        Self::NearTies,
        Self::Extreme,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Garnet => "garnet",
            Self::Dense => "dense",
            Self::TokenTree => "token-tree",
            Self::Ring => "ring",
            Self::WorstCase => "worst-case",
            Self::NearTies => "near-ties",
            Self::Extreme => "extreme",
        }
    }

    /// A random model with this γ; `p` as given, but for [`Family::WorstCase`], which moves it
    /// to the nearest k/n that the model attains exactly.
    ///
    /// # Errors
    /// [`ModelError`] when `size` has no states or actions.
    pub fn instance(
        self,
        size: Size,
        gamma: Discount,
        p: TopP,
        source: &mut Source,
    ) -> Result<Instance, ModelError> {
        let name = self.name().to_string();
        if self == Self::WorstCase {
            let (mdp, p) = worst_case(size, p, source)?;
            return Ok(Instance::new(name, mdp, gamma, p));
        }
        Ok(Instance::new(name, self.mdp(size, source)?, gamma, p))
    }

    fn mdp(self, size: Size, source: &mut Source) -> Result<Mdp, ModelError> {
        match self {
            Self::Garnet => garnet(size, 3.0, source),
            Self::Extreme => garnet(size, 1000.0, source),
            Self::Dense => garnet(Size { branching: size.states, ..size }, 3.0, source),
            Self::TokenTree => token_tree(size, source),
            Self::Ring => ring(size, source),
            Self::NearTies => near_ties(size, source),
            Self::WorstCase => Ok(worst_case(size, TopP::new(0.5)?, source)?.0),
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|family| family.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|f| f.name()).collect();
            format!("there is no family `{name}`; the families are {}", names.join(", "))
        })
    }
}

/// A grid of `width` × `height` cells with four moves: a model that mixes slowly.
///
/// A move goes where it is meant to with probability 1 − 4 · `slip`, in each other direction and
/// nowhere with probability `slip`; walls keep in place. Every move out of the last cell is
/// rewarded with 1, all others with 0. So that rows sum to exactly one, `slip` is rounded to a
/// multiple of 2⁻³².
///
/// # Errors
/// [`ModelError`] when there is no cell or `slip` is not between 0 and 1/4.
///
/// # Example
/// ```
/// let grid = tabular::families::grid(3, 3, 0.05)?;
/// assert_eq!((grid.states(), grid.pairs()), (9, 36));
/// // From the middle, every neighbour and the cell itself can follow.
/// assert_eq!(grid.row(4 * 4).successors, [1, 3, 4, 5, 7]);
/// # Ok::<(), tabular::ModelError>(())
/// ```
pub fn grid(width: usize, height: usize, slip: f64) -> Result<Mdp, ModelError> {
    const UNITS: f64 = (1u64 << 32) as f64;
    let slip = (slip * UNITS).round() / UNITS;
    let cells = width * height;
    let mut builder = MdpBuilder::new(cells);
    for cell in 0..cells {
        let (x, y) = (cell % width, cell / width);
        let ahead = [
            if x + 1 < width { cell + 1 } else { cell },
            if x > 0 { cell - 1 } else { cell },
            if y + 1 < height { cell + width } else { cell },
            if y > 0 { cell - width } else { cell },
        ];
        let reward = if cell + 1 == cells { 1.0 } else { 0.0 };
        for action in 0..4 {
            let share = |way| if way == action { 1.0 - 4.0 * slip } else { slip };
            let way = |way: usize| (ahead[way], share(way));
            let row = [way(0), way(1), way(2), way(3), (cell, slip)];
            builder.action(cell, action as u32, reward, &row)?;
        }
    }
    Ok(builder.build()?.0)
}

/// Rows in which every state's actions are drawn one by one.
fn build(
    size: Size,
    source: &mut Source,
    mut row: impl FnMut(usize, usize, &mut Source) -> (f64, Vec<(usize, f64)>),
) -> Result<Mdp, ModelError> {
    let mut builder = MdpBuilder::new(size.states);
    for state in 0..size.states {
        for action in 0..size.actions {
            let (reward, transitions) = row(state, action, source);
            builder.action(state, action as u32, reward, &transitions)?;
        }
    }
    Ok(builder.build()?.0)
}

fn random_row(size: Size, source: &mut Source) -> Vec<(usize, f64)> {
    let successors = source.distinct(size.branching.clamp(1, size.states), size.states);
    let weights = source.simplex(successors.len());
    successors.into_iter().zip(weights).collect()
}

fn garnet(size: Size, scale: f64, source: &mut Source) -> Result<Mdp, ModelError> {
    build(size, source, |_, _, source| (source.signed(scale), random_row(size, source)))
}

/// State i leads to the states behind it, A at a time; what lies beyond the last is the end.
fn token_tree(size: Size, source: &mut Source) -> Result<Mdp, ModelError> {
    let end = size.states.saturating_sub(1);
    let mut builder = MdpBuilder::new(size.states);
    for state in 0..end {
        for action in 0..size.actions {
            let child = (state * size.actions + action + 1).min(end);
            builder.action(state, action as u32, source.signed(3.0), &[(child, 1.0)])?;
        }
    }
    if size.states > 0 {
        builder.terminal(end)?;
    }
    Ok(builder.build()?.0)
}

fn ring(size: Size, source: &mut Source) -> Result<Mdp, ModelError> {
    let n = size.states;
    build(size, source, |state, action, source| {
        // Multiples of 2⁻¹² up to 1/16, so that the row is exact.
        let step = (1 + source.below(256)) as f64 / 4096.0;
        let next = if action % 2 == 0 { (state + 1) % n } else { (state + n - 1) % n };
        (source.signed(1.0), vec![(state, 1.0 - step), (next, step)])
    })
}

/// n = 2^j equal actions in every state and p = k/n: every state has mass exactly p.
fn worst_case(size: Size, p: TopP, source: &mut Source) -> Result<(Mdp, TopP), ModelError> {
    let actions = size.actions.next_power_of_two().max(2);
    let kept = (p.get() * actions as f64).round().clamp(1.0, actions as f64 - 1.0);
    let size = Size { actions, ..size };
    let mut shared = (0.0, Vec::new());
    let mdp = build(size, source, |_, action, source| {
        if action == 0 {
            shared = (source.signed(3.0), random_row(size, source));
        }
        shared.clone()
    })?;
    Ok((mdp, TopP::new(kept / actions as f64)?))
}

/// Each action copies an earlier one of its state with probability 3/4, with a reward that is
/// the same or off by a very little.
fn near_ties(size: Size, source: &mut Source) -> Result<Mdp, ModelError> {
    let mut earlier: Vec<(f64, Vec<(usize, f64)>)> = Vec::new();
    build(size, source, |_, action, source| {
        if action == 0 {
            earlier.clear();
        }
        let row = if action > 0 && source.below(4) > 0 {
            let (reward, transitions) = earlier[source.below(earlier.len())].clone();
            let nudge = source.choose(&[0.0, 0.0, 1.0 / (1u64 << 40) as f64, f64::EPSILON]);
            (reward + nudge, transitions)
        } else {
            (source.signed(1.0), random_row(size, source))
        };
        earlier.push(row.clone());
        row
    })
}
