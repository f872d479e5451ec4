//! [`emit`]: a certificate as a Coq file, for the kernel of Coq to check.
//!
//! The file defines one model, exactly, and states and proves for it: enclosures of Q\*, of
//! Q̄_p\* and of the projected teacher's Q̄; that the candidate sets carry the mass; the largest
//! gaps, and that they are at most κ(p). Nothing is trusted of this crate: compiling the file is
//! the proof. What is written here only has to be wide enough for the proof to go through.
//!
//! | module | what it holds |
//! |---|---|
//! | `numbers` | doubles as m·2^e, ends of enclosures as decimals |
//! | `facts` | what the theorems of `proofs/theories/concrete_sweep.v` reach |
//! | `text` | the file |

mod error;
mod facts;
mod numbers;
mod save;
mod text;

pub use error::CoqError;
pub use save::{check_name, save};

use certificate::Certificate;
use tabular::Mdp;
use verify::view;

/// The most states of a model that is written.
pub const MOST_STATES: usize = 64;
/// The most actions a model may number.
pub const MOST_ACTIONS: usize = 64;
/// The most (state, action) pairs.
pub const MOST_PAIRS: usize = 200;
/// The most transitions.
pub const MOST_TRANSITIONS: usize = 4000;

/// The Coq file that states and proves what a certificate says of its model.
///
/// `name` is for people: it stands in a comment.
///
/// # Errors
/// [`CoqError`]: the model is too large for the kernel to check in about a minute, γ = 1, no
/// candidate sets, enclosures too wide to state.
pub fn emit(certificate: &Certificate, mdp: &Mdp, name: &str) -> Result<String, CoqError> {
    fits("states", mdp.states(), MOST_STATES)?;
    fits("(state, action) pairs", mdp.pairs(), MOST_PAIRS)?;
    fits("transitions", mdp.transitions(), MOST_TRANSITIONS)?;
    let actions = mdp.actions().iter().max().map_or(0, |&a| a as usize + 1);
    fits("action numbers", actions, MOST_ACTIONS)?;
    if certificate.gamma >= 1.0 {
        return Err(CoqError::Discount { gamma: certificate.gamma });
    }
    let restricted = certificate.restricted.as_ref().ok_or(CoqError::NoSets)?;
    let facts = facts::Facts::new(certificate, restricted, &view(mdp)?)?;
    text::File { certificate, restricted, mdp, actions, facts: &facts, name }.write()
}

fn fits(what: &'static str, found: usize, limit: usize) -> Result<(), CoqError> {
    if found <= limit { Ok(()) } else { Err(CoqError::TooLarge { what, found, limit }) }
}
