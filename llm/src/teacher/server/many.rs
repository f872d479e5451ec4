//! Several questions at a time.

use super::{Question, Server};
use crate::LlmError;
use crate::teacher::Row;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The answers to questions, in order, with at most `at_once` of them under way.
///
/// After an error, or once `stop` says so, no question is asked any more.
///
/// # Errors
/// The first of [`Server::answer`], by the order of questions; [`LlmError::Stopped`].
pub fn answer_all(
    server: &Server,
    questions: &[Question],
    at_once: usize,
    stop: &(impl Fn() -> bool + Sync),
) -> Result<Vec<Row>, LlmError> {
    let next = AtomicUsize::new(0);
    let answers: Mutex<Vec<(usize, Result<Row, LlmError>)>> = Mutex::default();
    let work = || {
        while !stop() {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(question) = questions.get(place) else { break };
            let answer = server.answer(question);
            if answer.is_err() {
                next.store(questions.len(), Ordering::Relaxed);
            }
            answers.lock().unwrap_or_else(PoisonError::into_inner).push((place, answer));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..at_once.min(questions.len()) {
            // Where the system has no more threads, those that there are do the work.
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|&(place, _)| place);
    let rows = answers.into_iter().map(|(_, answer)| answer).collect::<Result<Vec<_>, _>>()?;
    if rows.len() == questions.len() { Ok(rows) } else { Err(LlmError::Stopped) }
}
