//! Training a student: Bellman Distill and what it is compared with.
//!
//! | part | what it holds |
//! |---|---|
//! | [`Example`], [`Batch`], [`Order`] | what is trained on, together, and when |
//! | [`Objective`] | the losses; [`BellmanLoss`] on the candidate tokens only, [`WholeLoss`] at p = 1, [`OnPolicyLoss`] on responses of its own |
//! | [`vocabulary_loss`], [`survey`], [`log_normaliser`] | the whole vocabulary, a piece at a time |
//! | [`Gradients`], [`AdamW`], [`Schedule`] | from gradients to weights |
//! | [`Trainer`] | the step that puts these together |
//! | [`Run`], [`Log`] | phases one after the other, and what lies on disk |
//! | [`Saved`] | where training stands, on disk, to go on from bit by bit |
//! | [`Tally`] | what is counted on the way |
//! | [`Checked`] | what the theory states, evaluated on the way |

mod adamw;
mod batch;
mod bellman;
mod candidate_kl;
mod candidates;
mod cells;
mod check;
mod example;
mod gradients;
mod log;
#[cfg(feature = "nccl")]
mod nccl;
mod objective;
mod on_policy;
mod order;
mod reduce;
mod released;
mod run;
mod saved;
mod schedule;
mod stream;
mod survey;
mod tally;
mod tensorboard;
mod trainer;
mod vocabulary;
mod whole;

pub use adamw::{AdamW, AdamWSettings};
pub use batch::Batch;
pub use bellman::{BellmanLoss, Outside, SparseShift};
pub use candidates::Candidates;
pub use check::{Checked, Statement};
pub use example::Example;
pub use gradients::Gradients;
pub use log::{Entry, Log, LogBytes};
pub use objective::Objective;
pub use on_policy::OnPolicyLoss;
pub use order::Order;
pub use run::{Checks, Evaluate, Event, Phase, Rhythm, Run};
pub use saved::{Progress, Saved};
pub use schedule::Schedule;
pub use survey::{Survey, log_normaliser, survey};
pub use tally::{Shares, Tally};
pub use trainer::{Step, Trainer, TrainerSettings};
pub use vocabulary::{Target, vocabulary_loss};
pub use whole::WholeLoss;
