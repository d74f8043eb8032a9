//! Errors of manifests, with their places.

/// A manifest that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A syntax error, or a missing or impossible value.
    #[error("{url}, line {line}: {place}: expected {expected}")]
    Invalid {
        /// URL or file of the manifest.
        url: String,
        /// Line of the text, counted from 1.
        line: usize,
        /// The tag, attribute or element.
        place: String,
        /// Expected and found content.
        expected: String,
    },
    /// A text that is no manifest at all, such as a sign-in page or one that is far too long.
    #[error("{url}: {problem}")]
    Unreadable {
        /// URL or file of the text.
        url: String,
        /// Its fault.
        problem: String,
    },
    /// Parts that are valid alone but contradict each other.
    #[error("{url}: {place}: {problem}")]
    Inconsistent {
        /// URL or file of the manifest.
        url: String,
        /// The rung or group.
        place: String,
        /// The contradiction.
        problem: String,
    },
    /// A presentation that a protocol has no way to express.
    #[error("cannot write {place}: {problem}")]
    Unwritable {
        /// The rung, group or attribute.
        place: String,
        /// Why not.
        problem: String,
    },
}

impl ManifestError {
    /// The same fault of a text that came from `address`, where a reader knew it by a relative one.
    pub fn at(mut self, address: &str) -> Self {
        let named = match &mut self {
            Self::Invalid { url, .. }
            | Self::Unreadable { url, .. }
            | Self::Inconsistent { url, .. } => url,
            Self::Unwritable { .. } => return self,
        };
        address.clone_into(named);
        self
    }
}

/// A part of a presentation that a protocol cannot express.
pub(super) fn unwritable(place: &str, problem: &str) -> ManifestError {
    ManifestError::Unwritable {
        place: place.to_owned(),
        problem: problem.to_owned(),
    }
}

/// Longest text that is read, in bytes; a playlist of two hours takes about 250 kB.
pub(super) const MAX_TEXT: usize = 4 << 20;

/// Most segments that are read from one text: three days at two seconds.
pub(super) const MAX_SEGMENTS: usize = 1 << 17;

/// Longest URL of a segment, in bytes.
pub(super) const MAX_URL: usize = 2048;

/// A text with the URL that names it in errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) url: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    /// Refuses a text longer than [`MAX_TEXT`].
    pub(super) fn new(url: &'a str, text: &'a str) -> Result<Self, ManifestError> {
        let source = Self { url, text };
        source.check_length(text.len())?;
        Ok(source)
    }

    /// Refuses more than [`MAX_TEXT`] bytes.
    pub(super) fn check_length(&self, bytes: usize) -> Result<(), ManifestError> {
        match bytes > MAX_TEXT {
            true => Err(self.unreadable(format!(
                "{bytes} bytes are too many for a manifest, the limit is {MAX_TEXT}"
            ))),
            false => Ok(()),
        }
    }

    /// Refuses a web page; and a byte order mark, which XML may begin with and playlists may not
    /// (RFC 8216 §4.1).
    pub(super) fn check_head(&self) -> Result<(), ManifestError> {
        let text = self.text.trim_start_matches('\u{feff}').trim_start();
        let begins = |with: &str| {
            let start = text.get(..with.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(with))
        };
        let problem = if begins("<!doctype html") || begins("<html") {
            "this is an HTML page, expected an HLS playlist (#EXTM3U) or a DASH MPD (<MPD>)"
        } else if self.text.starts_with('\u{feff}') && text.starts_with('#') {
            "begins with a byte order mark, which HLS forbids: it must be UTF-8 without one"
        } else {
            return Ok(());
        };
        Err(self.unreadable(problem.to_owned()))
    }

    fn unreadable(&self, problem: String) -> ManifestError {
        let url = self.url.to_owned();
        ManifestError::Unreadable { url, problem }
    }

    /// An error at `line`.
    pub(super) fn invalid(
        &self,
        line: usize,
        place: impl Into<String>,
        expected: impl Into<String>,
    ) -> ManifestError {
        ManifestError::Invalid {
            url: self.url.to_owned(),
            line,
            place: place.into(),
            expected: expected.into(),
        }
    }

    /// The line that holds the byte at `offset`, counted from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}
