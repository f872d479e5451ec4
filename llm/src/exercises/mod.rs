//! Instructions whose answers can be checked, made by this project: a data set to train and to
//! distil small models on, without a network.
//!
//! | item | what it is |
//! |---|---|
//! | [`Task`] | what is asked: a sum, a word turned round, one word of several |
//! | [`Exercise`] | one instruction with every answer that is right |
//! | [`Exercises`] | many of them, split so that no question is in two splits |
//! | [`vocabulary`] | a tokenizer with a token for each common word and each character |
//! | [`write_teacher`] | a small model that has learned them, built in |
//!
//! An answer may be put in several ways, and some questions have several answers ("Name a number
//! between 3 and 7."): a model that knows them all is still unsure of the next token, as a teacher
//! should be.

mod dice;
mod letters;
mod numbers;
mod set;
mod task;
mod teacher;
mod tokens;
mod words;

pub use set::{Exercises, Size};
pub use task::{Exercise, Task};
pub use teacher::write_teacher;
pub use tokens::vocabulary;
