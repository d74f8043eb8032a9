//! Errors of manifests, with their places.

/// A manifest that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Something in the text is not as it must be.
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
    /// A web page, such as a sign-in or error page, instead of a manifest.
    #[error(
        "{url}: this is an HTML page, expected an HLS playlist (#EXTM3U) or a DASH MPD (<MPD>)"
    )]
    HtmlPage {
        /// URL or file of the page.
        url: String,
    },
    /// A playlist that begins with a byte order mark (RFC 8216 §4.1).
    #[error(
        "{url}: begins with a byte order mark, which HLS forbids: it must be UTF-8 without one"
    )]
    ByteOrderMark {
        /// URL or file of the playlist.
        url: String,
    },
    /// A text longer than any manifest should be.
    #[error("{url}: {bytes} bytes are too many for a manifest, the limit is {limit}")]
    TooLarge {
        /// URL or file of the manifest.
        url: String,
        /// Its size in bytes.
        bytes: usize,
        /// The largest size that is read.
        limit: usize,
    },
    /// Parts that read well each but do not fit each other.
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

/// A text and where it came from, for errors that say where they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) url: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Source<'a> {
    /// Refuses a text longer than [`MAX_TEXT`].
    pub(super) fn new(url: &'a str, text: &'a str) -> Result<Self, ManifestError> {
        if text.len() > MAX_TEXT {
            return Err(ManifestError::TooLarge {
                url: url.to_owned(),
                bytes: text.len(),
                limit: MAX_TEXT,
            });
        }
        Ok(Self { url, text })
    }

    /// Refuses a web page; and a byte order mark, which XML may begin with and playlists may not.
    pub(super) fn check_head(&self) -> Result<(), ManifestError> {
        let url = self.url.to_owned();
        let text = self.text.trim_start_matches('\u{feff}').trim_start();
        let begins = |with: &str| {
            let start = text.get(..with.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(with))
        };
        if begins("<!doctype html") || begins("<html") {
            return Err(ManifestError::HtmlPage { url });
        }
        match self.text.starts_with('\u{feff}') && text.starts_with('#') {
            true => Err(ManifestError::ByteOrderMark { url }),
            false => Ok(()),
        }
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
