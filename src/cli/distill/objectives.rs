//! Objectives by name, with the settings that they depend on.

use super::data::{cache, takes_every_token};
use super::numbers::Mass;
use super::options::{Options, Outside, PhaseName, Phi, Shift};
use crate::cli::CliError;
use llm::training::{BellmanLoss, Objective, OnPolicyLoss, SparseShift, WholeLoss};
use llm::{Checkpoint, Model};
use operators::{BellmanDistill, Discount, OnPolicy, Released, TopP};

/// What a phase trains by.
pub fn objective<'a>(
    options: &Options,
    phase: PhaseName,
    student: &Checkpoint,
    teacher: Option<&'a Model>,
) -> Result<Objective<'a>, CliError> {
    let teacher = || {
        teacher.ok_or_else(|| {
            let what = format!("phase {phase:?} needs the teacher's whole distribution");
            CliError::argument(what, "give `--teacher MODEL`; kd-candidates needs only the cache")
        })
    };
    Ok(match phase {
        PhaseName::Sft | PhaseName::Seqkd => Objective::CrossEntropy,
        PhaseName::Bd if takes_every_token(options, phase) => {
            let BellmanLoss { settings, shift, .. } = bellman(options)?;
            Objective::BellmanWhole(WholeLoss { settings, shift })
        }
        PhaseName::Bd => Objective::Bellman(bellman(options)?),
        PhaseName::BdReleased => {
            let BellmanLoss { settings, shift, .. } = bellman(options)?;
            let settings = BellmanDistill { shift: of_all_logits(shift)?, ..settings };
            let p = match options.p {
                Some(Mass::Fixed(p)) => TopP::new(p)?,
                Some(Mass::Rule(_)) => {
                    let what = "bd-released divides by one p, and an adaptive rule has many";
                    return Err(CliError::argument(what, "give `--p P`, or leave the phase out"));
                }
                None => cache(options, phase, student, &student.tokenizer()?)?.settings().p,
            };
            Objective::Released(Released::new(settings, p, options.epsilon.unwrap_or(1e-8))?)
        }
        PhaseName::Kd => Objective::ForwardKl(teacher()?),
        PhaseName::KdCandidates => Objective::CandidateKl,
        PhaseName::ReverseKl => Objective::ReverseKl(teacher()?),
        PhaseName::Minillm => Objective::OnPolicy(OnPolicyLoss {
            teacher: teacher()?,
            settings: OnPolicy::new(
                options.teacher_mix.unwrap_or(0.2),
                options.clip_ratio.unwrap_or(0.2),
                options.length_normalise.unwrap_or(true),
            )?,
            ends: student.end_of_sequence()?,
            max_new_tokens: options.max_new_tokens.unwrap_or(256),
            longest: options.max_tokens.unwrap_or(usize::MAX),
        }),
    })
}

/// The shift where the logits of all tokens are there.
fn of_all_logits(shift: SparseShift) -> Result<operators::Shift, CliError> {
    match shift {
        SparseShift::VocabMax => Ok(operators::Shift::VocabMax),
        SparseShift::LogSoftmax => Ok(operators::Shift::LogSoftmax),
        SparseShift::Zero => Ok(operators::Shift::Zero),
        SparseShift::CandidateMax => {
            let what = "bd-released has no shift by the largest candidate";
            Err(CliError::argument(what, "give `--shift vocab-max`"))
        }
    }
}

fn bellman(options: &Options) -> Result<BellmanLoss, CliError> {
    let shift = match options.shift.unwrap_or(Shift::VocabMax) {
        Shift::VocabMax => SparseShift::VocabMax,
        Shift::CandidateMax => SparseShift::CandidateMax,
        Shift::LogSoftmax => SparseShift::LogSoftmax,
        Shift::None => SparseShift::Zero,
    };
    let phi = match options.phi.unwrap_or(Phi::Chi2) {
        Phi::Chi2 => operators::Phi::chi2(options.alpha.unwrap_or(0.1))?,
        Phi::Identity => operators::Phi::Identity,
    };
    let (q_min, mass_weight) = (options.q_min.unwrap_or(-10.0), options.mass_weight.unwrap_or(0.0));
    if !(q_min.is_finite() && mass_weight.is_finite() && mass_weight >= 0.0) {
        let what = format!("a floor of {q_min} and a weight of {mass_weight}");
        return Err(CliError::argument(what, "give finite numbers, and a weight of at least 0"));
    }
    let gamma = Discount::new(options.gamma.unwrap_or(0.99))?;
    Ok(BellmanLoss {
        settings: BellmanDistill { gamma, phi, shift: operators::Shift::VocabMax, q_min },
        shift,
        outside: match options.outside.unwrap_or(Outside::Floor) {
            Outside::Floor => llm::training::Outside::Floor,
            Outside::Drop => llm::training::Outside::Drop,
        },
        mass_weight,
    })
}
