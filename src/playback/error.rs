//! Causes of failed fetches. Every error names the URL or file.

use crate::manifest::ManifestError;
use crate::player::ladder::LadderError;
use crate::segment::SegmentError;
use reqwest::Url;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A fetch that failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "messages name the fields")]
#[non_exhaustive]
pub enum FetchError {
    #[error("{}: expected a title folder, a manifest.mpd or master.m3u8, or an http:// URL", path.display())]
    Absent { path: PathBuf, source: io::Error },
    #[error("{}: cannot be read", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: expected certificates in PEM form", path.display())]
    Certificates { path: PathBuf, source: Cause },
    #[error("cannot start an HTTP client")]
    Client(#[source] Cause),
    #[error("`{url}` cannot be played: {problem}")]
    Url { url: String, problem: String },
    #[error("{url}: {problem}")]
    Answer {
        url: String,
        #[source]
        problem: AnswerProblem,
    },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{}: cannot be written", path.display())]
    Kept { path: PathBuf, source: io::Error },
}

/// A missing or unusable answer.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "messages name the fields")]
#[non_exhaustive]
pub enum AnswerProblem {
    #[error("cannot connect")]
    NoConnection(#[source] Cause),
    #[error("the connection broke")]
    Broken(#[source] Cause),
    #[error("the server redirects without end")]
    Redirects(#[source] Cause),
    #[error("no {awaited} for {seconds} s")]
    TimedOut { awaited: &'static str, seconds: f64 },
    #[error("the server answered {status}{}", likely_cause(*status))]
    Status {
        status: u16,
        /// Delay until the server accepts another attempt (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
    },
    #[error("expected {expected} bytes, the body ended after {received}")]
    Truncated { expected: u64, received: u64 },
    /// The body has more bytes than this limit.
    #[error("expected at most {0} bytes, the server sends more")]
    TooLong(u64),
    #[error("cannot be read as `{coding}`")]
    Coding { coding: String, source: io::Error },
    #[error("asked for bytes {asked}, the server sent {found}")]
    Range { asked: String, found: String },
    /// A file differs from the one that earlier ranges came from (entity tags).
    #[error("the file has changed since playback began")]
    Changed,
    #[error("the quality table cannot be used")]
    Quality(#[source] Cause),
    #[error("expected an HLS master playlist (#EXTM3U) or a DASH MPD (<MPD>)")]
    NoManifest,
    #[error("begins with a byte order mark of UTF-16: it must be UTF-8 without one")]
    Utf16,
    #[error("bytes {range}: not a segment index")]
    Index {
        range: String,
        source: Box<SegmentError>,
    },
    #[error("the rungs do not fit together")]
    Ladder(#[source] LadderError),
    /// Weights other than those that the manifest names, by SHA-256.
    #[error("weights of SHA-256 {expected} were expected, these have {found}")]
    Weights { expected: String, found: String },
    #[error("there is no group {group}: the manifest has {groups}")]
    NoGroup { group: usize, groups: usize },
    #[error(
        "this manifest names no layers (HLS cannot; a title made with --layers names them in its manifest.mpd)"
    )]
    NoLayers,
    #[error("the throttle's trace carries nothing, so this never arrives")]
    Starved,
}

fn likely_cause(status: u16) -> &'static str {
    match status {
        300..=399 => " (a redirect that leads nowhere)",
        404 | 410 => " (not there: the manifest may be out of date)",
        416 => " (the file is shorter than the manifest says)",
        500..=599 => " (the server is at fault)",
        _ => "",
    }
}

impl AnswerProblem {
    pub(super) fn at(self, url: &Url) -> FetchError {
        let (url, problem) = (url.to_string(), self);
        FetchError::Answer { url, problem }
    }

    pub(super) fn timed_out(awaited: &'static str, waited: Duration) -> Self {
        let seconds = waited.as_secs_f64();
        Self::TimedOut { awaited, seconds }
    }

    /// The failure of a request, or of its body, as the HTTP client reports it.
    pub(super) fn broken(error: reqwest::Error) -> Self {
        let problem = match (error.is_connect(), error.is_redirect()) {
            (true, _) => Self::NoConnection,
            (_, true) => Self::Redirects,
            _ => Self::Broken,
        };
        problem(error.without_url().into())
    }
}

impl FetchError {
    fn problem(&self) -> Option<&AnswerProblem> {
        match self {
            Self::Answer { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// Whether the same request may succeed a little later.
    pub fn is_passing(&self) -> bool {
        use AnswerProblem::{Broken, NoConnection, Status, TimedOut, Truncated};
        match self.problem() {
            Some(NoConnection(_) | Broken(_) | TimedOut { .. } | Truncated { .. }) => true,
            Some(Status { status, .. }) => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }

    /// Whether the throttle's trace has no bandwidth left.
    pub fn is_starved(&self) -> bool {
        matches!(self.problem(), Some(AnswerProblem::Starved))
    }

    /// Delay that the server asks for before another attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.problem() {
            Some(AnswerProblem::Status { retry_after, .. }) => *retry_after,
            _ => None,
        }
    }
}
