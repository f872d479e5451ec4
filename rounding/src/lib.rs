//! Directed arithmetic on `f64`: every function returns a number that is provably on the
//! named side of the real result.
//!
//! | module | what it holds |
//! |---|---|
//! | [`directed`] | `add_down`, `add_up`, … `exp_down`, `ln_up`: one rounding each |
//! | [`enclosure`] | [`Enclosure`]: a pair of doubles around a real number |
//! | [`expansion`] | [`Expansion`]: sums of doubles without any rounding |
//!
//! The argument rests on three facts: IEEE 754 `+ − × ÷` are correctly rounded, the
//! `core-math` functions `exp` and `log` are correctly rounded, and a correctly rounded
//! result lies strictly between the neighbours ([`f64::next_down`], [`f64::next_up`]) of the
//! returned double unless it is exact.
#![forbid(unsafe_code)]

pub mod directed;
pub mod enclosure;
pub mod expansion;

pub use enclosure::Enclosure;
pub use expansion::Expansion;
