//! `bellman generate-mdp`: a random model as a file.

use super::output::print;
use super::size::within_limit;
use super::source::check_end;
use super::{CliError, End};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use operators::{Discount, TopP};
use std::path::PathBuf;
use tabular::formats::{Contents, Format, to_json, write};
use tabular::random::Source;
use tabular::{Family, Size};

/// Write a random model of a family
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bellman generate-mdp --family garnet --states 10 --actions 5 --seed 7
  bellman generate-mdp --family ring --states 100 --out ring.drn --format drn")]
pub struct GenerateMdp {
    /// garnet, dense, token-tree, ring, worst-case, near-ties, extreme
    #[arg(long)]
    family: Family,
    /// States
    #[arg(long, default_value_t = 10)]
    states: usize,
    /// Actions a state offers
    #[arg(long, default_value_t = 4)]
    actions: usize,
    /// Successors of a pair, where the family is sparse
    #[arg(long, default_value_t = 3, value_parser = one_or_more())]
    branching: usize,
    /// The discount γ written to the file
    #[arg(long, allow_negative_numbers = true, default_value_t = 0.99)]
    gamma: f64,
    /// The mass p written to the file (worst-case moves it to the nearest k/n)
    #[arg(long, allow_negative_numbers = true, default_value_t = 0.8)]
    p: f64,
    /// The seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where the model goes [default: JSON on standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The format of the file
    #[arg(long, value_enum, default_value_t = OutFormat::Json)]
    format: OutFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutFormat {
    Json,
    Gymnasium,
    Drn,
    Prism,
    Cassandra,
}

impl From<OutFormat> for Format {
    fn from(format: OutFormat) -> Self {
        match format {
            OutFormat::Json => Self::Json,
            OutFormat::Gymnasium => Self::Gymnasium,
            OutFormat::Drn => Self::Drn,
            OutFormat::Prism => Self::Prism,
            OutFormat::Cassandra => Self::Cassandra,
        }
    }
}

/// Whole numbers from 1: a pair without a successor is none.
fn one_or_more() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

impl GenerateMdp {
    /// Runs it.
    pub fn run(self) -> Result<End, CliError> {
        let (gamma, p) = (Discount::new(self.gamma)?, TopP::new(self.p)?);
        let size = Size { states: self.states, actions: self.actions, branching: self.branching };
        within_limit(self.family, size)?;
        let mut source = Source::new(self.seed, 0);
        let mut instance = self.family.instance(size, gamma, p, &mut source)?;
        instance.name = format!("{}-{}", self.family, self.seed);
        check_end(&instance.name, &instance.mdp, gamma)?;
        match &self.out {
            Some(path) => write(path, self.format.into(), &Contents::from(&instance))?,
            None if self.format == OutFormat::Json => {
                print(format!("{}\n", to_json(&instance)).as_bytes())?;
            }
            None => {
                return Err(CliError::argument(
                    "only JSON goes to standard output",
                    "name a file with `--out FILE`",
                ));
            }
        }
        Ok(End::Fine)
    }
}
