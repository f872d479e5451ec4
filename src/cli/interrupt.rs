//! Ctrl-C: long work looks here and ends cleanly.

use super::output::say;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// How many look at [`STOP`] now.
static LISTENING: AtomicUsize = AtomicUsize::new(0);

/// While one lives, Ctrl-C asks and does not end the process.
pub struct Listening(());

impl Listening {
    /// From now on.
    pub fn start() -> Self {
        LISTENING.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether Ctrl-C was pressed.
#[cfg(feature = "llm")]
pub fn stop_asked() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// Where Ctrl-C is noted, for those who want to look themselves.
pub fn stop_flag() -> &'static AtomicBool {
    &STOP
}

/// Asks whoever listens to end with what there is; ends the process where nobody does, or when
/// asked a second time.
pub fn interrupted() {
    if LISTENING.load(Ordering::SeqCst) == 0 || STOP.swap(true, Ordering::SeqCst) {
        std::process::exit(130);
    }
    say!("stopping at the next good place; again to end now");
}
