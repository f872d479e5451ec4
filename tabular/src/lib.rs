//! Finite MDPs: models, formats, random families, solvers, occupancy and leak.
#![forbid(unsafe_code)]

mod adjustments;
mod builder;
mod error;
pub mod formats;
mod instance;
mod mdp;

pub use adjustments::Adjustments;
pub use builder::{LARGEST_ROUNDING_DEFECT, MdpBuilder, RowPolicy};
pub use error::ModelError;
pub use instance::Instance;
pub use mdp::{Mdp, Row};
