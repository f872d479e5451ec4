//! The processes that a command runs as: one, or those that `mpirun` started.

use super::{CliError, End};
use ranks::Ranks;

/// Where those who start processes say which one this is, and of how many.
const STARTED: [(&str, &str); 4] = [
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("PMIX_RANK", "SLURM_NTASKS"),
];

/// Where they say which one of those on this machine it is.
#[cfg(feature = "llm")]
const LOCAL: [&str; 4] =
    ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"];

/// The number of this process and how many there are, where something like `mpirun` started it.
pub fn started() -> Option<(usize, usize)> {
    STARTED.iter().find_map(|(rank, size)| Some((number(rank)?, number(size)?)))
}

/// Which GPU of this machine belongs to this process.
#[cfg(feature = "llm")]
pub fn local() -> usize {
    LOCAL.iter().find_map(|name| number(name)).unwrap_or(0)
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Does `work` with all processes that were started for it; they end together.
pub fn together(work: impl FnOnce(&Ranks) -> Result<End, CliError>) -> Result<End, CliError> {
    let ranks = connect()?;
    ranks.together(|| work(&ranks))
}

#[cfg(feature = "mpi")]
fn connect() -> Result<Ranks, CliError> {
    Ok(match started() {
        Some(_) => Ranks::over(mpi_ranks::Mpi::start()?),
        None => Ranks::alone(),
    })
}

#[cfg(not(feature = "mpi"))]
fn connect() -> Result<Ranks, CliError> {
    match started() {
        Some((_, size)) if size > 1 => Err(CliError::argument(
            format!("{size} processes were started, and this build knows of one only"),
            "build with `--features mpi`, or start one process",
        )),
        _ => Ok(Ranks::alone()),
    }
}

/// Refuses to do the same several times over.
pub fn single() -> Result<(), CliError> {
    match started() {
        Some((_, size)) if size > 1 => Err(CliError::argument(
            format!("this command works in one process, and {size} were started"),
            "`distill`, `generate` and `verify` work in several; start this one without `mpirun`",
        )),
        _ => Ok(()),
    }
}
