//! A representation as it is sent: its bytes and the header values that belong to them.

use super::background::process;
use super::coding::Coding;
use crate::segment::hex;
use bytes::Bytes;
use http::HeaderValue;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The media type of weights: nothing but bytes.
pub(super) const BYTES: &str = "application/octet-stream";

/// Bytes of a block. Files that are not larger are read and cached whole.
pub(super) const BLOCK: u64 = 256 << 10;

/// A representation, in memory or, if it is large, in the store.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// Strong entity tag.
    pub(crate) etag: HeaderValue,
    pub(crate) content_type: &'static str,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) content: Content,
    pub(crate) coding: Option<Coding>,
    /// Date of publication, if the title tells it.
    pub(crate) modified: Option<Modified>,
    pub(crate) hints: Option<Arc<Hints>>,
    /// Whether something that it is made from was inconsistent, so that it must not be cached.
    pub(super) provisional: bool,
}

/// Header values of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hints {
    /// `CMSD-Static` (CTA-5006).
    pub(crate) cmsd: Option<HeaderValue>,
    /// `Link` to the next segment, if there is one.
    pub(crate) link: Option<HeaderValue>,
}

/// Where the bytes of an object are.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Memory(Bytes),
    /// In the store only, as they are more than a block.
    Stored(Stored),
}

/// A range of a file of the store.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// Path of the file relative to the root.
    pub(super) path: Arc<str>,
    /// The store's own tag of this version of the file, if it has tags.
    pub(super) tag: Option<Arc<str>>,
    /// Size of the whole file in bytes.
    pub(super) file_size: u64,
    /// Offset of the object in the file.
    pub(super) start: u64,
}

impl Object {
    /// An object in memory. The tag is a hash of the bytes, so every replica computes the same.
    pub(crate) fn new(bytes: Bytes, content_type: &'static str) -> Self {
        Self::tagged(tag(&bytes), content_type, bytes)
    }

    /// The same, hashed on another thread if it is large.
    pub(super) async fn hashed(bytes: Bytes, content_type: &'static str) -> Self {
        process(bytes.len(), move || Self::new(bytes, content_type)).await
    }

    /// An object that stays in the store. Only immutable files and ranges of them may be so large:
    /// the tag is a hash of `path`, which changes with the content.
    pub(super) fn stored(path: &str, size: u64, content_type: &'static str, at: Stored) -> Self {
        let etag = tag(format!("{path} {size}").as_bytes());
        Self {
            size,
            content: Content::Stored(at),
            ..Self::tagged(etag, content_type, Bytes::new())
        }
    }

    /// Bytes that others are cut from; they are never sent under a tag.
    pub(super) fn block(bytes: Bytes) -> Self {
        Self::tagged(HeaderValue::from_static(""), "", bytes)
    }

    fn tagged(etag: HeaderValue, content_type: &'static str, bytes: Bytes) -> Self {
        Self {
            etag,
            content_type,
            size: bytes.len() as u64,
            content: Content::Memory(bytes),
            coding: None,
            modified: None,
            hints: None,
            provisional: false,
        }
    }

    /// The same in a content coding, with a tag of its own.
    pub(crate) fn encoded(&self, coding: Coding, bytes: Bytes) -> Self {
        Self {
            etag: quoted(&format!("{}-{}", self.digest(), coding.name())),
            size: bytes.len() as u64,
            content: Content::Memory(bytes),
            coding: Some(coding),
            ..self.clone()
        }
    }

    /// The hex digits of its tag; of an uncoded object in memory, the first half of its SHA-256.
    pub(super) fn digest(&self) -> &str {
        self.etag.to_str().unwrap_or_default().trim_matches('"')
    }

    /// The bytes, if they are in memory.
    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Memory(bytes) => Some(bytes),
            Content::Stored(_) => None,
        }
    }

    /// Whether it is text, which is worth coding.
    pub(crate) fn is_text(&self) -> bool {
        is_text(self.content_type)
    }
}

/// A `Last-Modified` date, in whole seconds (RFC 9110 §8.8.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Modified {
    time: SystemTime,
    pub(crate) value: HeaderValue,
}

impl Modified {
    /// A date in seconds since 1970. `None` for one in the future (RFC 9110 §8.8.2.1).
    pub(crate) fn at(seconds: u64) -> Option<Self> {
        let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
        // The year 9999 is the last that the format can express.
        if time > SystemTime::now() || seconds > 253_402_300_799 {
            return None;
        }
        let value = HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()?;
        Some(Self { time, value })
    }

    /// Whether it is later than the date of a request's field; `None` if that is not a date.
    pub(crate) fn is_after(&self, date: &HeaderValue) -> Option<bool> {
        let date = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
        Some(self.time > date)
    }
}

/// Whether a media type is text, as manifests and pages are.
pub(super) fn is_text(content_type: &str) -> bool {
    let binary = ["video/mp4", "image/jpeg", "image/png", BYTES];
    !binary.contains(&content_type)
}

/// A strong tag: the first 16 bytes of the SHA-256 in hex.
fn tag(identity: &[u8]) -> HeaderValue {
    quoted(&hex(&Sha256::digest(identity)[..16]))
}

/// Hex digits and the name of a coding are always a valid header value.
fn quoted(text: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{text}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}
