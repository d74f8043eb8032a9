//! One representation as it is sent: bytes, their strong entity tag and media type.

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
    /// Its fields in answers, once there was one.
    prepared: Arc<OnceLock<Prepared>>,
}

/// Fields of answers with an object.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) all: HeaderMap,
    /// Without those that describe content, which is not sent.
    pub(super) bare: HeaderMap,
}

/// Where the bytes of an object are.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Memory(Bytes),
    /// In the store only, too large to be kept whole; with the store's own tag, if it has any.
    Store(Option<String>),
}

impl Object {
    /// An object with its bytes; the tag is made from them, so every replica makes the same.
    pub(super) fn new(bytes: Bytes, content_type: &'static str) -> Self {
        Self {
            etag: tag(&Sha256::digest(&bytes)),
            content_type,
            size: bytes.len() as u64,
            content: Content::Memory(bytes),
            encoding: None,
            modified: None,
            hints: None,
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

    /// The fields of answers with it, from `make` the first time.
    pub(super) fn prepared(&self, make: impl FnOnce(&Self) -> Prepared) -> &Prepared {
        self.prepared.get_or_init(|| make(self))
    }

    /// An object that stays in the store. Only files in hash folders may be this large: their
    /// path, which changes with the content, stands for it in the tag.
    pub(super) fn remote(
        path: &str,
        size: u64,
        content_type: &'static str,
        store_tag: Option<String>,
    ) -> Self {
        let identity = format!("{path} {size}");
        Self {
            etag: tag(&Sha256::digest(identity.as_bytes())),
            content_type,
            size,
            content: Content::Store(store_tag),
            encoding: None,
            modified: None,
            hints: None,
            prepared: Arc::default(),
        }
    }

    /// The same in a content coding, with a tag of its own.
    pub(super) fn encoded(&self, encoding: Encoding, bytes: Bytes) -> Self {
        let plain = self.digest();
        Self {
            etag: quoted(&format!("{plain}-{}", encoding.name())),
            content_type: self.content_type,
            size: bytes.len() as u64,
            content: Content::Memory(bytes),
            encoding: Some(encoding),
            modified: self.modified.clone(),
            hints: self.hints.clone(),
            prepared: Arc::default(),
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
            Content::Store(_) => None,
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
