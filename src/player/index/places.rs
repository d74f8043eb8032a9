//! Alternative base URLs of the same files, tried in order (ISO/IEC 23009-1 §5.6.5).
//!
//! When a file cannot be had from one place, all files come from the next from then on; a place that failed
//! is tried again only when all others have failed, too.

use crate::manifest::{ManifestError, Presentation, dash};
use std::sync::Arc;

/// The places that an MPD names, and the one in use.
#[derive(Debug, Clone)]
pub struct Places {
    url: Arc<str>,
    text: Arc<str>,
    number: usize,
    count: usize,
}

impl Places {
    /// The `count` places, at least one, of the MPD `text` at `url`; the first is in use.
    pub fn new(url: &str, text: &str, count: usize) -> Self {
        Self {
            url: url.into(),
            text: text.into(),
            number: 0,
            count,
        }
    }

    /// Number of places other than the one in use.
    pub(crate) fn others(&self) -> usize {
        self.count - 1
    }

    /// Switches to the next place, and reads the MPD for it.
    pub(crate) fn go_on(&mut self) -> Result<Presentation, ManifestError> {
        self.number = (self.number + 1) % self.count;
        let (presentation, _) = dash::read_place(&self.url, &self.text, self.number)?;
        Ok(presentation)
    }
}
