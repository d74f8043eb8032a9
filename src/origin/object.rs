//! One representation as it is sent: bytes, their strong entity tag and media type.

use super::blocking::process;
use super::encoding::Encoding;
use super::modified::Modified;
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// A representation whose bytes are in memory, or known to be too many for that.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) etag: HeaderValue,
    pub(super) content_type: &'static str,
    /// In bytes.
    pub(super) size: u64,
    pub(super) content: Content,
    pub(super) encoding: Option<Encoding>,
    /// When it was last changed, if that is known.
    pub(super) modified: Option<Modified>,
    /// Fields that say what it is and what comes next.
    pub(super) hints: Option<Arc<HeaderMap>>,
    /// Whether something that it is made from did not fit the rest: it is not to be kept.
    pub(super) passing: bool,
    /// Its fields in answers, once there was one.
    prepared: Arc<OnceLock<HeaderMap>>,
}

/// Where the bytes of an object are.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Memory(Bytes),
    /// In the store only, more than a block.
    Stored(Stored),
}

/// Bytes of a file of the store.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// Place of the file under the root.
    pub(super) path: Arc<str>,
    /// The store's own tag of the version of the file, if it has any.
    pub(super) tag: Option<Arc<str>>,
    /// Bytes of the whole file.
    pub(super) file_size: u64,
    /// Where in the file the object begins.
    pub(super) start: u64,
}

impl Object {
    /// An object with its bytes; the tag is made from them, so every replica makes the same.
    pub(super) fn new(bytes: Bytes, content_type: &'static str) -> Self {
        let etag = tag(&Sha256::digest(&bytes));
        Self::with(
            etag,
            content_type,
            bytes.len() as u64,
            Content::Memory(bytes),
        )
    }

    /// The same, hashed where that holds up no other request.
    pub(super) async fn hashed(bytes: Bytes, content_type: &'static str) -> Self {
        process(bytes.len(), move || Self::new(bytes, content_type)).await
    }

    /// An object that stays in the store. Only files in hash folders and what is cut from them may
    /// be this large: `path`, which changes with the content, stands for it in the tag.
    pub(super) fn stored(path: &str, size: u64, content_type: &'static str, at: Stored) -> Self {
        let identity = format!("{path} {size}");
        let etag = tag(&Sha256::digest(identity.as_bytes()));
        Self::with(etag, content_type, size, Content::Stored(at))
    }

    /// Bytes that are kept to make others from, and never sent under a tag.
    pub(super) fn block(bytes: Bytes) -> Self {
        let (etag, size) = (HeaderValue::from_static(""), bytes.len() as u64);
        Self::with(etag, "", size, Content::Memory(bytes))
    }

    fn with(etag: HeaderValue, content_type: &'static str, size: u64, content: Content) -> Self {
        Self {
            etag,
            content_type,
            size,
            content,
            encoding: None,
            modified: None,
            hints: None,
            passing: false,
            prepared: Arc::default(),
        }
    }

    /// The same with the time of its last change.
    pub(super) fn changed(mut self, modified: Option<Modified>) -> Self {
        self.modified = modified;
        self.prepared = Arc::default();
        self
    }

    /// The same with fields that say more of it.
    pub(super) fn hinted(mut self, hints: HeaderMap) -> Self {
        self.hints = Some(Arc::new(hints));
        self.prepared = Arc::default();
        self
    }

    /// The same, not to be kept.
    pub(super) fn passing(mut self, passing: bool) -> Self {
        self.passing = passing;
        self
    }

    /// The fields of answers with it, from `make` the first time.
    pub(super) fn prepared(&self, make: impl FnOnce(&Self) -> HeaderMap) -> &HeaderMap {
        self.prepared.get_or_init(|| make(self))
    }

    /// The same in a content coding, with a tag of its own.
    pub(super) fn encoded(&self, encoding: Encoding, bytes: Bytes) -> Self {
        let etag = quoted(&format!("{}-{}", self.digest(), encoding.name()));
        let size = bytes.len() as u64;
        Self {
            encoding: Some(encoding),
            modified: self.modified.clone(),
            hints: self.hints.clone(),
            passing: self.passing,
            ..Self::with(etag, self.content_type, size, Content::Memory(bytes))
        }
    }

    /// The hex digits of its tag: where its bytes are in memory and not coded, those that the
    /// SHA-256 of them begins with.
    pub(super) fn digest(&self) -> &str {
        self.etag.to_str().unwrap_or_default().trim_matches('"')
    }

    /// The bytes, if they are in memory.
    pub(super) fn bytes(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Memory(bytes) => Some(bytes),
            Content::Stored(_) => None,
        }
    }

    /// Whether it is text that is worth coding.
    pub(super) fn is_text(&self) -> bool {
        is_text(self.content_type)
    }
}

/// Whether a media type is text, as manifests and pages are.
pub(super) fn is_text(content_type: &str) -> bool {
    let binary = [
        "video/",
        "image/jpeg",
        "image/png",
        "application/octet-stream",
    ];
    !binary.iter().any(|kind| content_type.starts_with(kind))
}

/// A strong tag: the first 16 bytes of a digest in hex.
fn tag(digest: &[u8]) -> HeaderValue {
    let hex = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    quoted(&hex)
}

/// Hex digits and a coding's name are always a valid header value.
fn quoted(text: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{text}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}
