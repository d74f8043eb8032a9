//! What can go wrong on the way to the bytes: every error names the URL.

use crate::manifest::ManifestError;
use crate::player::ladder::LadderError;
use crate::segment::SegmentError;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A fetch that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A text that is neither a URL nor the path of a title.
    #[error("{}: expected a title folder, a manifest.mpd or master.m3u8, or an http:// URL", path.display())]
    Absent {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file of a local title cannot be read.
    #[error("{}: cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A certificate file that does not serve.
    #[error("{}: expected certificates in PEM form", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A text that is no HTTP URL.
    #[error("`{url}` is no address that can be played: {problem}")]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The connection could not be made, or broke.
    #[error("{url}: {problem}")]
    Connection {
        /// The URL.
        url: String,
        /// `cannot connect`, `the connection broke` or `the server redirects without end`.
        problem: &'static str,
        /// The HTTP client's complaint.
        #[source]
        source: reqwest::Error,
    },
    /// Nothing came for too long.
    #[error("{url}: no {awaited} for {seconds} s")]
    TimedOut {
        /// The URL.
        url: String,
        /// `answer` or `more of the body`.
        awaited: &'static str,
        /// How long, seconds.
        seconds: f64,
    },
    /// The server refused.
    #[error("{url}: the server answered {status}{hint}")]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What that means here, or nothing.
        hint: &'static str,
        /// When the server wants to be asked again (RFC 9110 §10.2.3), counted from its answer.
        retry_after: Option<Duration>,
    },
    /// The body ended early.
    #[error("{url}: expected {expected} bytes, the body ended after {received}")]
    Truncated {
        /// The URL.
        url: String,
        /// Bytes announced or asked for.
        expected: u64,
        /// Bytes received.
        received: u64,
    },
    /// The body is longer than it may be.
    #[error("{url}: expected at most {limit} bytes, the server sends more")]
    TooLong {
        /// The URL.
        url: String,
        /// The most that is taken, bytes.
        limit: u64,
    },
    /// A text in a content coding that cannot be undone.
    #[error("{url}: cannot be read as `{coding}`")]
    Coding {
        /// The URL.
        url: String,
        /// The coding that the server names.
        coding: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A range was asked for and something else came.
    #[error("{url}: asked for bytes {asked}, the server sent {found}")]
    Range {
        /// The URL.
        url: String,
        /// The range as in the request.
        asked: String,
        /// What came instead.
        found: String,
    },
    /// A file is not the one that earlier ranges of it came from.
    #[error("{url}: the file has changed since playback began")]
    Changed {
        /// The URL.
        url: String,
    },
    /// The quality table does not serve.
    #[error("{url}")]
    Quality {
        /// URL of the table.
        url: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The text at the URL is no manifest.
    #[error("{url}: expected an HLS master playlist (#EXTM3U) or a DASH MPD (<MPD>)")]
    NoManifest {
        /// The URL.
        url: String,
    },
    /// The text at the URL is UTF-16, as editors save it.
    #[error("{url}: begins with a byte order mark of UTF-16: it must be UTF-8 without one")]
    Utf16 {
        /// The URL.
        url: String,
    },
    /// The manifest does not make sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The `sidx` of a rung does not make sense.
    #[error("{url}: bytes {range}: not a segment index")]
    Index {
        /// The URL.
        url: String,
        /// Where it should be.
        range: String,
        /// The box reader's complaint.
        #[source]
        source: Box<SegmentError>,
    },
    /// Rungs that make no ladder.
    #[error("{url}: the rungs do not fit together")]
    Ladder {
        /// URL of the manifest.
        url: String,
        /// Why not.
        #[source]
        source: LadderError,
    },
    /// Weights that are not those that the manifest names.
    #[error("{url}: weights of SHA-256 {expected} were expected, these have {found}")]
    Weights {
        /// The URL.
        url: String,
        /// The SHA-256 that the manifest names, in hex.
        expected: String,
        /// That of what came.
        found: String,
    },
    /// Weights that came cannot be kept.
    #[error("{}: cannot be written", path.display())]
    Kept {
        /// Where they should lie.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A group that the manifest does not have.
    #[error("{url}: there is no group {group}: the manifest has {groups}")]
    NoGroup {
        /// URL of the manifest.
        url: String,
        /// Which was asked for, from 0.
        group: usize,
        /// How many there are.
        groups: usize,
    },
    /// Layers were asked for and the manifest names none.
    #[error(
        "{url}: this manifest names no layers (HLS cannot; a title made with --layers names them in its manifest.mpd)"
    )]
    NoLayers {
        /// URL of the manifest.
        url: String,
    },
    /// The throttle's trace carries nothing at all.
    #[error("{url}: the throttle's trace carries nothing, so this never arrives")]
    Starved {
        /// The URL.
        url: String,
    },
}

impl FetchError {
    /// Whether the same request may well succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connection { source, .. } => !source.is_redirect(),
            Self::TimedOut { .. } | Self::Truncated { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }

    /// How long the server wants to be left alone.
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
}
