//! What Bellman Distill is compared with, by its definition.

use super::definition::{Part, factor, in_parts, sum};
use super::logits::Logits;
use super::positions::{mask, sets};
use super::slope::{Rounded, Slope};
use crate::LlmError;
use crate::teacher::Scores;
use crate::training::Batch;
use crate::training::candidate_kl::LEAST;
use nalgebra::DVector;
use operators::{
    Cells, Dense, NumberSystem, OnPolicy, Projection, Released, RowLayout, Rows, Scalar, Successor,
    kl_divergence, log_policy, on_policy_loss, projection, released_over_rows, released_value,
    student_q,
};

/// Σ_r w_r KL from teacher to student on the candidates and one bucket for all other tokens.
pub(super) fn candidates<const BITS: u32>(
    scores: &[&Scores],
    logits: &Logits,
    weights: &[f64],
) -> Result<Slope<BITS>, LlmError> {
    let sets = sets(scores, logits)?;
    let logs = scores.iter().flat_map(|s| s.sets().map(|set| &s.log_probabilities[set]));
    let masses = scores.iter().flat_map(|s| s.mass.iter().map(|&mass| f64::from(mass)));
    let teacher: Vec<(&[f32], f64)> = logs.zip(masses).collect();
    let terms = logits.vocabulary();
    let parts = in_parts(logits, weights.len(), terms, |part: Part<BITS>| {
        let Part { rows, n, z, full } = part;
        let log = log_policy(&n, &z, &full)?.0;
        let (mut of_student, mut of_teacher, mut offsets) = (Vec::new(), Vec::new(), vec![0]);
        let all = sets[rows.clone()].iter().zip(&teacher[rows.clone()]);
        for (row, (set, (logs, mass))) in n.layout().iter().zip(all) {
            let inside = set.iter().map(|&token| log[row.start + token as usize]);
            of_student.extend(inside.clone());
            of_student.push(log_rest(Scalar::sum(inside.map(Scalar::exp))));
            of_teacher.extend(logs.iter().map(|&log| stored(f64::from(log))));
            of_teacher.push(stored((1.0 - mass).max(LEAST).ln()));
            offsets.push(of_student.len());
        }
        let n = Dense::new(&RowLayout::new(offsets)?);
        let policy = |logs: Vec<Slope<BITS>>| {
            let log_probability = Cells::<Dense<Slope<BITS>>>(DVector::from_vec(logs));
            let probability = Cells(n.exp(&log_probability.0)?);
            Ok::<_, LlmError>(Projection { probability, log_probability })
        };
        let (teacher, student) = (policy(of_teacher)?, policy(of_student)?);
        let cells = vec![true; n.layout().cells()];
        let divergence = kl_divergence(&n, &teacher, &student, &cells)?;
        Ok(n.dot(&n.rows(&weights[rows])?.0, &divergence.0)?)
    })?;
    Ok(sum(parts))
}

/// A number that training rounds once when it reads it.
fn stored<const BITS: u32>(x: f64) -> Slope<BITS> {
    let error = Rounded::<BITS>::UNIT * x.abs();
    Slope { at: Rounded { value: x, error }, slope: Rounded::exact(0.0) }
}

/// log max(1 − m, [`LEAST`]). Whatever rounding makes of a mass near 1, no logarithm is taken of
/// less, and this is all that bounds it.
fn log_rest<const BITS: u32>(mass: Slope<BITS>) -> Slope<BITS> {
    let rest = factor(1.0) - mass;
    let Rounded { value, error } = rest.at;
    let [low, middle, high] = [value - error, value, value + error].map(|x| x.max(LEAST));
    if low > LEAST {
        return rest.ln();
    }
    let (value, apart) = (middle.ln(), (high / middle).ln().max((middle / low).ln()));
    let at = Rounded { value, error: apart + Rounded::<BITS>::UNIT * value.abs() };
    // At the floor there is no slope; above it none is steeper than this.
    let steepest = (rest.slope.value.abs() + rest.slope.error) / LEAST;
    let error = if high > LEAST { steepest } else { 0.0 };
    Slope { at, slope: Rounded { value: 0.0, error } }
}

/// −J of [`operators::bellman_distill_released`], every response as if cut off.
pub(super) fn released<const BITS: u32>(
    released: &Released,
    batch: &Batch,
    scores: &[&Scores],
    logits: &Logits,
    share: f64,
) -> Result<Slope<BITS>, LlmError> {
    let (sets, next) = (sets(scores, logits)?, batch.next());
    let terms = logits.vocabulary();
    let values = in_parts(logits, batch.rows(), terms, |part: Part<BITS>| {
        let Part { rows, n, z, full } = part;
        let (q, set) = (student_q(&n, &z, &full, &released.settings)?, mask(&n, &sets[rows])?);
        Ok(released_value(&n, &q, &full, &set, released)?.0.as_slice().to_vec())
    })?;
    let all = Dense::new(&RowLayout::uniform(batch.rows(), 1)?);
    let value = Rows(DVector::from_vec(values.concat()));
    let following = all.scale(&next.expected(&all, &value)?.0, released.settings.gamma.get())?;
    let follows = next.next().iter().map(Option::is_some);
    let weights: Vec<f64> = follows.map(|follows| if follows { share } else { 0.0 }).collect();
    let parts = in_parts(logits, batch.rows(), terms, |part: Part<BITS>| {
        let Part { rows, n, z, full } = part;
        let (start, count) = (rows.start, rows.len());
        let of = |x: &DVector<Slope<BITS>>| Rows(x.rows(start, count).into_owned());
        let (q, set) = (student_q(&n, &z, &full, &released.settings)?, mask(&n, &sets[rows])?);
        let (weights, following) = (n.rows(&weights[start..start + count])?, of(&following));
        let given = (of(&value.0), &following);
        Ok(released_over_rows(&n, &q, given, &set, &weights, released)?.objective)
    })?;
    Ok(factor(-1.0) * sum(parts))
}

/// MiniLLM on responses that are there: the value is that of the single steps, the slope that of
/// [`operators::on_policy_loss`], whose factors are constants.
pub(super) fn on_policy<const BITS: u32>(
    settings: &OnPolicy,
    batch: &Batch,
    (student, teacher): (&Logits, &Logits),
    share: f64,
) -> Result<Slope<BITS>, LlmError> {
    let terms = student.vocabulary();
    let constant = |at: Rounded<BITS>| Slope { at, slope: Rounded::exact(0.0) };
    let both = |part: &Part<BITS>| {
        let z = teacher.of_rows(part.rows.start, part.rows.len(), terms)?;
        let of = |z| projection(&part.n, z, &part.full);
        Ok::<_, LlmError>((of(&part.z)?, of(&Cells(DVector::from_vec(z)))?))
    };
    let taken = in_parts(student, batch.rows(), terms, |part: Part<BITS>| {
        let (student, teacher) = both(&part)?;
        let slots = part.slots(batch.chosen());
        let logs = |policy: Projection<_>| part.n.pick(&policy.log_probability.0, &slots);
        let constants = |logs: DVector<Slope<BITS>>| -> Vec<Slope<BITS>> {
            logs.iter().map(|log| constant(log.at)).collect()
        };
        Ok((constants(logs(student)?), constants(logs(teacher)?)))
    })?;
    let (log_student, log_teacher): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
    let (log_student, log_teacher) = (log_student.concat(), log_teacher.concat());
    let (single, later) = settings.ratios_and_returns(&log_student, &log_teacher, &batch.next())?;
    let long = |(ratio, &later): (&Slope<BITS>, &Slope<BITS>)| {
        // Along log q, a ratio is its own slope.
        let ratio = Slope { at: ratio.at, slope: ratio.at };
        constant(settings.surrogate(ratio, later).slope)
    };
    let long: Vec<Slope<BITS>> = single.iter().zip(&later).map(long).collect();
    let parts = in_parts(student, batch.rows(), terms, |part: Part<BITS>| {
        let (student, teacher) = both(&part)?;
        let Part { n, rows, full, .. } = &part;
        let slots = part.slots(batch.chosen());
        let weights = n.rows(&vec![share; rows.len()])?;
        let of = |factors: &[Slope<BITS>]| Rows(DVector::from_column_slice(&factors[rows.clone()]));
        let (single, long, none) = (of(&single), of(&long), n.rows(&vec![0.0; rows.len()])?);
        let loss = |long: &Rows<_>| {
            on_policy_loss(n, (&student, &teacher), full, &slots, (&single, long), &weights)
        };
        Ok(Slope { at: loss(&none)?.at, slope: loss(&long)?.slope })
    })?;
    Ok(sum(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_of_what_is_left_of_a_mass_has_a_bound_that_holds_and_is_finite() {
        type Single = Slope<24>;
        for rest in [0.3, 1e-4, 3e-7, 1e-7, 1e-9, 0.0] {
            let mass = Rounded { value: 1.0 - rest, error: 1e-7 };
            let found: Single = log_rest(Slope { at: mass, slope: Rounded::exact(2.0) });
            // Training may have the mass anywhere within its bound, and rounds what it computes.
            for off in [-1.0, -0.5, 0.0, 0.5, 1.0] {
                let mass = (mass.value + off * mass.error) as f32;
                let log = f64::from((1.0 - mass).max(LEAST as f32).ln());
                let slope = if 1.0 - mass > LEAST as f32 { -2.0 / log.exp() } else { 0.0 };
                let (by, steep) = (log - found.at.value, slope - found.slope.value);
                assert!(by.abs() <= found.at.error, "{rest}, {off}: {log}, {found:?}");
                assert!(steep.abs() <= found.slope.error, "{rest}, {off}: {slope}, {found:?}");
            }
            assert!(found.at.error < 3.0 && found.slope.error.is_finite(), "{found:?}");
        }
        let clear: Single = log_rest(Slope { at: Rounded::exact(0.7), slope: Rounded::exact(2.0) });
        assert!(clear.at.error < 1e-6 && clear.slope.error < 1e-5, "{clear:?}");
    }
}
