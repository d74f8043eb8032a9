//! Why bytes could not be fetched. Every error names the URL or file.

use crate::manifest::ManifestError;
use crate::player::ladder::LadderError;
use crate::segment::SegmentError;
use reqwest::Url;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The error of a library below.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// How a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionProblem {
    /// It could not be made.
    #[error("cannot connect")]
    Connect,
    /// It ended before the answer did.
    #[error("the connection broke")]
    Broken,
    /// Too many redirects.
    #[error("the server redirects without end")]
    Redirects,
}

/// A fetch that failed. A lone string is the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum FetchError {
    /// Neither a URL nor the path of a title.
    #[error("{}: expected a title folder, a manifest.mpd or master.m3u8, or an http:// URL", path.display())]
    Absent {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file of a local title cannot be read.
    #[error("{}: cannot be read", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// No usable certificates in a file.
    #[error("{}: expected certificates in PEM form", path.display())]
    Certificates {
        path: PathBuf,
        #[source]
        source: Cause,
    },
    /// The system gives no resources for an HTTP client.
    #[error("cannot start an HTTP client")]
    Client(#[source] Cause),
    /// A URL that cannot be fetched.
    #[error("`{url}` cannot be played: {problem}")]
    Url { url: String, problem: String },
    /// The connection could not be made, or broke.
    #[error("{url}: {problem}")]
    Connection {
        url: String,
        problem: ConnectionProblem,
        #[source]
        source: Cause,
    },
    /// A time-out.
    #[error("{url}: no {awaited} for {seconds} s")]
    TimedOut {
        url: String,
        /// `answer`, `more of the body` or `more than a trickle of the body`.
        awaited: &'static str,
        seconds: f64,
    },
    /// A status that is no success.
    #[error("{url}: the server answered {status}{hint}")]
    Status {
        url: String,
        status: u16,
        /// Likely cause, or empty.
        hint: &'static str,
        /// Delay until the server accepts another attempt (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
    },
    /// The body ended early.
    #[error("{url}: expected {expected} bytes, the body ended after {received}")]
    Truncated {
        url: String,
        expected: u64,
        received: u64,
    },
    /// The body is longer than it may be.
    #[error("{url}: expected at most {limit} bytes, the server sends more")]
    TooLong { url: String, limit: u64 },
    /// A text in a content coding that cannot be decoded.
    #[error("{url}: cannot be read as `{coding}`")]
    Coding {
        url: String,
        coding: String,
        #[source]
        source: io::Error,
    },
    /// The answer is not the requested range.
    #[error("{url}: asked for bytes {asked}, the server sent {found}")]
    Range {
        url: String,
        asked: String,
        found: String,
    },
    /// A file differs from the one that earlier ranges came from (entity tags).
    #[error("{0}: the file has changed since playback began")]
    Changed(String),
    /// The quality table cannot be used.
    #[error("{url}")]
    Quality {
        url: String,
        #[source]
        source: Cause,
    },
    /// The text at the URL is not a manifest.
    #[error("{0}: expected an HLS master playlist (#EXTM3U) or a DASH MPD (<MPD>)")]
    NoManifest(String),
    /// The text at the URL is UTF-16.
    #[error("{0}: begins with a byte order mark of UTF-16: it must be UTF-8 without one")]
    Utf16(String),
    /// The manifest is invalid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The `sidx` of a rung is invalid.
    #[error("{url}: bytes {range}: not a segment index")]
    Index {
        url: String,
        range: String,
        #[source]
        source: Box<SegmentError>,
    },
    /// Rungs that differ in number or length of segments.
    #[error("{url}: the rungs do not fit together")]
    Ladder {
        url: String,
        #[source]
        source: LadderError,
    },
    /// Weights other than those that the manifest names.
    #[error("{url}: weights of SHA-256 {expected} were expected, these have {found}")]
    Weights {
        url: String,
        expected: String,
        found: String,
    },
    /// Fetched weights cannot be written.
    #[error("{}: cannot be written", path.display())]
    Kept {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A group that the manifest does not have.
    #[error("{url}: there is no group {group}: the manifest has {groups}")]
    NoGroup {
        url: String,
        /// Number of the group, from 0.
        group: usize,
        groups: usize,
    },
    /// Layered playback of a manifest without layers.
    #[error(
        "{0}: this manifest names no layers (HLS cannot; a title made with --layers names them in its manifest.mpd)"
    )]
    NoLayers(String),
    /// The throttle's trace has no bandwidth left, so that the transfer never ends.
    #[error("{0}: the throttle's trace carries nothing, so this never arrives")]
    Starved(String),
}

impl FetchError {
    /// Whether the same request may succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connection { problem, .. } => *problem != ConnectionProblem::Redirects,
            Self::TimedOut { .. } | Self::Truncated { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }

    /// Delay that the server asks for before another attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(super) fn status(url: &str, status: u16, retry_after: Option<Duration>) -> Self {
        let hint = match status {
            300..=399 => " (a redirect that leads nowhere)",
            404 | 410 => " (not there: the manifest may be out of date)",
            416 => " (the file is shorter than the manifest says)",
            500..=599 => " (the server is at fault)",
            _ => "",
        };
        Self::Status {
            url: url.to_owned(),
            status,
            hint,
            retry_after,
        }
    }

    pub(super) fn timed_out(url: &Url, awaited: &'static str, waited: Duration) -> Self {
        Self::TimedOut {
            url: url.to_string(),
            awaited,
            seconds: waited.as_secs_f64(),
        }
    }

    /// The failure of a request, or of its body, as the HTTP client reports it.
    pub(super) fn broken(url: &Url, error: reqwest::Error) -> Self {
        let problem = if error.is_connect() {
            ConnectionProblem::Connect
        } else if error.is_redirect() {
            ConnectionProblem::Redirects
        } else {
            ConnectionProblem::Broken
        };
        Self::Connection {
            url: url.to_string(),
            problem,
            source: error.without_url().into(),
        }
    }
}
