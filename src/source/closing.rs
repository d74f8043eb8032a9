//! Messages about an input that are known only at its end.

use std::sync::{Arc, Mutex, PoisonError};

/// Messages for the user that appear when the last frame has been read: a handle that outlives the
/// source.
#[derive(Debug, Clone, Default)]
pub struct Closing(Arc<Mutex<Vec<String>>>);

impl Closing {
    /// Adds a line.
    pub(super) fn say(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    /// Takes the lines so far.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
