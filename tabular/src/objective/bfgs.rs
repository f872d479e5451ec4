//! Maximisation without constraints: BFGS with a weak Wolfe line search by bisection.
//!
//! Written here and not taken from the crate `argmin` because of two things about this
//! objective. With [`operators::Shift::VocabMax`] it has kinks, often at the maximum itself, and
//! the line search made for those bisects for the *weak* Wolfe conditions (Lewis and Overton,
//! Nonsmooth optimization via quasi-Newton methods, 2013); `argmin` offers backtracking, Moré
//! and Thuente's and Hager and Zhang's, for smooth functions. And value and gradient come out of
//! one forward pass, where `argmin` asks for them one at a time. The full inverse Hessian is
//! kept, not a limited memory: that is what the cited results are about, and its n² numbers are
//! what a forward-mode gradient costs anyway.

use nalgebra::{DMatrix, DVector};

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchSettings {
    /// The largest entry of the gradient to be satisfied with.
    pub gradient_tolerance: f64,
    /// The most steps.
    pub max_steps: usize,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self { gradient_tolerance: 1e-10, max_steps: 2000 }
    }
}

/// Where a search ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The point.
    pub point: Vec<f64>,
    /// The function there.
    pub value: f64,
    /// Its gradient there.
    pub gradient: Vec<f64>,
    /// Steps taken.
    pub steps: usize,
}

/// A point with value and gradient.
#[derive(Clone)]
struct At {
    x: DVector<f64>,
    f: f64,
    g: DVector<f64>,
}

/// After so many steps that neither climb beyond rounding nor flatten the gradient, a search ends:
/// it is at a kink, or at the precision of doubles.
const IDLE_STEPS: usize = 20;

/// No coordinate moves further in one step. Shifts of a row leave Q unchanged, and a dropped
/// action may want to go to −∞: without a limit a search could run along such a direction to
/// where doubles no longer tell the logits of a row apart.
const LARGEST_STEP: f64 = 100.0;

/// What the function's value means nothing below: a few roundings.
fn noise(value: f64) -> f64 {
    4.0 * f64::EPSILON * value.abs().max(1.0)
}

/// Climbs from `start` until the gradient vanishes, no step climbs, or the steps are spent.
///
/// # Errors
/// Those of `function`.
pub(super) fn maximise<E>(
    function: impl Fn(&[f64]) -> Result<(f64, Vec<f64>), E>,
    start: &[f64],
    settings: SearchSettings,
) -> Result<Search, E> {
    let evaluate = |x: DVector<f64>| {
        let (f, g) = function(x.as_slice())?;
        Ok(At { x, f, g: DVector::from_vec(g) })
    };
    let mut at = evaluate(DVector::from_column_slice(start))?;
    let identity = || DMatrix::<f64>::identity(start.len(), start.len());
    let mut inverse = identity();
    let mut fresh = true;
    let mut steps = 0;
    let (mut flattest, mut idle) = (at.g.amax(), 0);
    while steps < settings.max_steps
        && at.g.amax() > settings.gradient_tolerance
        && idle < IDLE_STEPS
    {
        let direction = &inverse * &at.g;
        let Some(next) = line_search(&evaluate, &at, &direction)? else {
            // No step climbs: with a learnt curvature try the gradient itself once more.
            if fresh {
                break;
            }
            inverse = identity();
            fresh = true;
            continue;
        };
        let (s, y) = (&next.x - &at.x, &at.g - &next.g);
        update(&mut inverse, &s, &y, fresh);
        fresh = false;
        let progress = next.f > at.f + noise(at.f) || next.g.amax() < 0.9 * flattest;
        idle = if progress { 0 } else { idle + 1 };
        flattest = flattest.min(next.g.amax());
        at = next;
        steps += 1;
    }
    let (point, gradient) = (at.x.as_slice().to_vec(), at.g.as_slice().to_vec());
    Ok(Search { point, value: at.f, gradient, steps })
}

/// The BFGS update of the inverse of −f″ with y = −(g⁺ − g); skipped unless sᵀy > 0.
fn update(inverse: &mut DMatrix<f64>, s: &DVector<f64>, y: &DVector<f64>, fresh: bool) {
    let sy = s.dot(y);
    if sy <= 0.0 {
        return;
    }
    if fresh {
        // The scale of the first curvature seen (Nocedal and Wright, eq. 6.20).
        inverse.fill_diagonal(sy / y.norm_squared());
    }
    // H ← (I − s yᵀ/sᵀy) H (I − y sᵀ/sᵀy) + s sᵀ/sᵀy, multiplied out.
    let hy = &*inverse * y;
    let scale = (1.0 + y.dot(&hy) / sy) / sy;
    inverse.ger(scale, s, s, 1.0);
    inverse.ger(-1.0 / sy, &hy, s, 1.0);
    inverse.ger(-1.0 / sy, s, &hy, 1.0);
}

/// A step that satisfies the weak Wolfe conditions, by doubling and bisection.
///
/// Near a maximum the climb drowns in rounding; there the derivative decides instead (Hager and
/// Zhang's approximate Wolfe condition).
fn line_search<E>(
    evaluate: &impl Fn(DVector<f64>) -> Result<At, E>,
    at: &At,
    direction: &DVector<f64>,
) -> Result<Option<At>, E> {
    const CLIMB: f64 = 1e-4;
    const CURVATURE: f64 = 0.9;
    let slope = at.g.dot(direction);
    if slope.is_nan() || slope <= 0.0 {
        return Ok(None);
    }
    let longest = LARGEST_STEP / direction.amax();
    let (mut lo, mut hi, mut t) = (0.0, f64::INFINITY, longest.min(1.0));
    let mut best: Option<At> = None;
    for _ in 0..60 {
        let trial = evaluate(&at.x + direction * t)?;
        let new_slope = trial.g.dot(direction);
        let climbs = trial.f >= at.f + CLIMB * t * slope;
        let level =
            (trial.f - at.f).abs() <= noise(at.f) && new_slope >= (2.0 * CLIMB - 1.0) * slope;
        // Written so that a value that is not a number is a step too far.
        if !(climbs || level) {
            hi = t;
        } else if new_slope > CURVATURE * slope && t < longest {
            lo = t;
            best = Some(trial);
        } else {
            return Ok(Some(trial));
        }
        t = if hi.is_finite() { 0.5 * (lo + hi) } else { (2.0 * lo).min(longest) };
    }
    Ok(best)
}
