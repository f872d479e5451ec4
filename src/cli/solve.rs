//! `bellman solve`: the fixed points of a model, in floats.

use super::output::{number, print_json, say, table};
use super::source::{Loaded, Source};
use super::{CliError, End};
use clap::Args;
use operators::{
    Cells, Dense, NumberSystem, Rows, Selection, projection, soft_value, supported_norm,
};
use serde::Serialize;
use tabular::{Mdp, RowPolicy};
use verify::{Case, Theory};

/// Solve a model: Q*, the teacher, candidate sets, both fixed points, leak and gap.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman solve model.json --json
  bellman solve frozenlake.json --gamma 0.99 --p 0.8
  bellman solve grid.drn --rewards steps --gamma 0.95 --p 0.9 --json | jq .kappa")]
pub struct Solve {
    #[command(flatten)]
    source: Source,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// The result, as others read it: a list a state, a number per offered action.
#[derive(Debug, Serialize)]
struct Solved {
    name: String,
    gamma: f64,
    p: f64,
    q_star: Vec<Vec<f64>>,
    v_star: Vec<f64>,
    pi_star: Vec<Vec<f64>>,
    top_p: Vec<Vec<u32>>,
    top_p_mass: Vec<f64>,
    q_bar_projected_policy: Vec<Vec<f64>>,
    v_bar_projected_policy: Vec<f64>,
    q_bar_optimal: Vec<Vec<f64>>,
    v_bar_optimal: Vec<f64>,
    leak: Vec<f64>,
    gap: Vec<Vec<f64>>,
    /// Infinite, and so null in JSON, at γ = 1.
    kappa: f64,
    kappa_from_smallest_mass: f64,
    sup_gap_projected_policy: f64,
    sup_gap_optimal: f64,
    /// Every value and gap is within this of the real one.
    error: f64,
    /// Whether `kappa` is from p: for sets by another rule than top-p both are from the smallest
    /// mass.
    #[serde(skip)]
    from_p: bool,
}

/// The largest share of κ and of |V| that the error of a result may be: two digits are right.
const LARGEST_ERROR: f64 = 0.01;

impl Solve {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let Loaded { instance, selection, .. } = self.source.load(RowPolicy::Normalise)?;
        let case = Case::<f64>::solve(&instance, selection, Theory::default())?;
        let solved = Solved::new(&case)?;
        solved.refuse_if_unknown()?;
        if self.json {
            print_json(&solved)?;
        } else {
            solved.print();
        }
        Ok(End::Fine)
    }
}

impl Solved {
    fn new(case: &Case<'_, f64>) -> Result<Self, CliError> {
        let (n, mdp) = (&case.n, case.mdp());
        let cells = |c: &Cells<Dense<f64>>| per_state(mdp, c.0.as_slice());
        let rows = |r: Rows<Dense<f64>>| r.0.as_slice().to_vec();
        let gap = case.gap()?;
        let top_gap = Cells::<Dense<f64>>(n.sub(&case.q_star.0, &case.q_top_p.0)?);
        let mass = n.exp(&n.scale(&case.leak.0, -1.0)?)?;
        let worst = n.largest(&case.leak.0, &vec![true; mdp.states()])?;
        let worst = Rows(nalgebra::DVector::from_element(1, worst));
        let kept = |state: usize| mdp.pairs_of(state).filter(|&pair| case.set[pair]);
        let value = case.theory.policy_value(n, &case.q_projected, &case.teacher, &case.set)?;
        Ok(Self {
            name: case.instance.name.clone(),
            gamma: case.gamma().get(),
            p: case.instance.p.get(),
            q_star: cells(&case.q_star),
            v_star: rows(case.v_star.clone()),
            pi_star: cells(&projection(n, &case.q_star, &case.full)?.probability),
            top_p: (0..mdp.states())
                .map(|state| kept(state).map(|pair| mdp.actions()[pair]).collect())
                .collect(),
            top_p_mass: mass.as_slice().to_vec(),
            q_bar_projected_policy: cells(&case.q_projected),
            v_bar_projected_policy: rows(value),
            q_bar_optimal: cells(&case.q_top_p),
            v_bar_optimal: rows(soft_value(n, &case.q_top_p, &case.set)?),
            leak: rows(case.leak.clone()),
            sup_gap_projected_policy: supported_norm(n, &gap, &case.set)?,
            sup_gap_optimal: supported_norm(n, &top_gap, &case.set)?,
            gap: cells(&gap),
            error: case.value_slack,
            from_p: matches!(case.rule(), None | Some(Selection::TopP(_))),
            kappa: case.kappa()?,
            kappa_from_smallest_mass: case.theory.kappa(n, case.gamma(), &worst)?.0[0],
        })
    }

    /// A result that rounding has eaten up is none. Sizes below one nat count as one nat, and κ
    /// counts where there is one.
    fn refuse_if_unknown(&self) -> Result<(), CliError> {
        let value = self.v_star.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
        let kappa = if self.kappa.is_finite() { self.kappa.max(1.0) } else { f64::INFINITY };
        if self.error <= LARGEST_ERROR * value.min(kappa) {
            return Ok(());
        }
        let known = format!(
            "{}: the values found are known to within {:.1e} only, with |V| up to {value:.1e} and \
             κ = {:.1e}",
            self.name, self.error, self.kappa
        );
        let help = "doubles cannot resolve this model: choose a discount further below one, or \
                    smaller rewards (`--temperature` divides them)";
        Err(CliError::argument(known, help))
    }

    fn print(&self) {
        const SHOWN: usize = 20;
        let mut table = table(&["state", "V*", "kept actions", "mass", "V̄ projected", "V̄ top-p"]);
        for state in 0..self.v_star.len().min(SHOWN) {
            let kept: Vec<String> = self.top_p[state].iter().map(u32::to_string).collect();
            table.add_row([
                state.to_string(),
                number(self.v_star[state]),
                format!("{} of {}", kept.join(" "), self.q_star[state].len()),
                number(self.top_p_mass[state]),
                number(self.v_bar_projected_policy[state]),
                number(self.v_bar_optimal[state]),
            ]);
        }
        say!("{}: γ = {}, p = {}\n{table}", self.name, self.gamma, self.p);
        if self.v_star.len() > SHOWN {
            let rest = self.v_star.len() - SHOWN;
            say!("and {rest} more states; `--json` prints everything");
        }
        say!("gap of the projected teacher  {}", number(self.sup_gap_projected_policy));
        say!("gap of the top-p optimum      {}", number(self.sup_gap_optimal));
        say!("κ from the smallest mass      {}", number(self.kappa_from_smallest_mass));
        if self.from_p {
            say!("κ(p)                          {}", number(self.kappa));
        }
        say!("all of them to within         {:.1e}", self.error);
    }
}

fn per_state(mdp: &Mdp, values: &[f64]) -> Vec<Vec<f64>> {
    mdp.layout().iter().map(|pairs| values[pairs].to_vec()).collect()
}
