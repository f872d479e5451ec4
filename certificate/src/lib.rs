//! Certificates for soft-optimal values of finite MDPs, and the checker one has to trust.
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | [`Model`]: a checked view of an MDP, exact row totals |
//! | [`hash`] | [`ModelHash`]: SHA-256 of its canonical content |
//! | [`sweep`] | T, T_p and B_p^π in directed rounding |
//! | [`bound`](mod@bound) | residuals of given values, and the enclosure that follows |
//! | [`ending`] | 1/(1−γ), or less where the model certainly ends |
//! | [`sets`] | candidate sets: captured mass, whether one is the nucleus |
//! | [`certificate`] | [`Certificate`]: made from values that came from anywhere |
//! | [`check`](mod@check) | [`check()`]: from a certificate to facts, or to the reason why not |
//! | [`mod@file`] | certificates as JSON, without loss |
//!
//! # Why an accepted certificate is true
//!
//! Nothing about how the values V were found is used. A certificate says c_lo ≤ F V − V ≤ c_hi,
//! where F is one of
//!
//! ```text
//! (T V)(s)        = log Σ_a exp(r(s,a) + γ E V)                    a offered in s
//! (T_p V)(s)      = log Σ_a exp(r(s,a) + γ E V)                    a ∈ A(s)
//! (B_p^{π*} V)(s) = Σ_a w_a (r(s,a) + γ E V − log w_a),  w = proj_p π*,  a ∈ A(s)
//! ```
//!
//! 1. *The residual.* The checker computes F V again on enclosures ([`sweep`]). The inclusion law
//!    of [`rounding::Enclosure`] puts the real (F V)(s) − V(s) inside, so a claim that is no
//!    narrower than the result of the sweep is true. A narrower one is refused.
//! 2. *The fixed point.* Each F is monotone and F(V + c) = F V + γ c for a constant c. If
//!    F V ≤ V + c with c ≥ 0, then Fⁿ V ≤ V + c Σ_{t<n} γ^t by induction, and Fⁿ V tends to the
//!    fixed point for γ < 1: it is at most V + c/(1−γ). Below alike, with c ≤ 0. Hence
//!    V + [min(c_lo, 0), max(c_hi, 0)]/(1−γ) holds the fixed point.
//! 3. *Endings.* Where every path reaches a terminal state (one action, no reward, stays) in at
//!    most h(s) transitions and V is 0 there, induction over h gives Σ_{t<h(s)} γ^t in place of
//!    1/(1−γ): the difference to the fixed point is at most c now plus γ times the largest one
//!    among the successors, and none in terminal states. This also serves γ = 1.
//! 4. *The teacher.* Q* = r + γ E V* by one backup of the enclosure of V*. B_p^{π*} depends on Q*
//!    through the weights w; [`sweep::projected_value`] accounts for all Q* in the enclosure.
//! 5. *The sets* are input: every statement above holds for any of them. That they carry mass ≥ p,
//!    and that they are the nucleus, is proved from Q* or reported as undecided ([`sets`]).
//!
//! Trusted beside this crate: `rounding`, the hash function, the JSON reader and the compiler.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod bound;
pub mod certificate;
pub mod check;
pub mod ending;
mod error;
pub mod file;
pub mod hash;
pub mod model;
pub mod sets;
pub mod sweep;

pub use bound::{Operator, Residual, bound};
pub use certificate::{Certificate, Restricted, RestrictedValues, ValueBounds};
pub use check::{Checked, CheckedSets, Refusal, Verdict, check};
pub use error::CertificateError;
pub use hash::ModelHash;
pub use model::Model;
pub use sets::{Decision, SetFacts, Sets};
