//! Alternative BaseURLs of an MPD, tried in order (ISO/IEC 23009-1 §5.6.5).
//!
//! After a failure all files are fetched from the next place. A failed place is tried again only after
//! all others failed.

use crate::manifest::{ManifestError, Presentation, dash};
use std::sync::Arc;

/// The alternatives that an MPD names, and the one in use.
#[derive(Debug, Clone)]
pub(super) struct Places {
    url: Arc<str>,
    text: Arc<str>,
    number: usize,
    count: usize,
}

impl Places {
    /// The `count` places, at least one, of the MPD `text` at `url`; the first is in use.
    pub(super) fn new(url: &str, text: &str, count: usize) -> Self {
        Self {
            url: url.into(),
            text: text.into(),
            number: 0,
            count,
        }
    }

    /// Places beside the one in use.
    pub(super) fn others(&self) -> usize {
        self.count - 1
    }

    /// Switches to the next place; returns the MPD's content with its URLs.
    pub(super) fn go_on(&mut self) -> Result<Presentation, ManifestError> {
        self.number = (self.number + 1) % self.count;
        let (presentation, _) = dash::read_place(&self.url, &self.text, self.number)?;
        Ok(presentation)
    }
}
