//! What can be said of an input only once it has been read to its end.

use std::sync::{Arc, Mutex, PoisonError};

/// Lines for the user that appear when the last frame has been read: a handle that stays while the
/// source itself is given away.
#[derive(Debug, Clone, Default)]
pub struct Closing(Arc<Mutex<Vec<String>>>);

impl Closing {
    /// Adds a line.
    pub(super) fn say(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    /// The lines so far, each given out once.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
