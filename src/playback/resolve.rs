//! URLs and byte ranges: allowed schemes, references in manifests, bounds.

use super::error::FetchError;
use crate::manifest::ByteRange;
use reqwest::Url;

pub(super) fn parse(url: &str) -> Result<Url, FetchError> {
    let bad = |problem: String| FetchError::Url {
        url: url.to_owned(),
        problem,
    };
    let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    match parsed.scheme() {
        "http" | "https" | "file" => Ok(parsed),
        other => Err(bad(format!("expected http:// or https://, found {other}:"))),
    }
}

/// Resolves `reference` in the manifest at `manifest` (RFC 3986 §5).
pub(super) fn resolve(manifest: &Url, reference: &str) -> Result<Url, FetchError> {
    let joined = manifest.join(reference).map_err(|error| FetchError::Url {
        url: reference.to_owned(),
        problem: error.to_string(),
    })?;
    // A manifest from the network must not read local files.
    if joined.scheme() == "file" && manifest.scheme() != "file" {
        return Err(FetchError::Url {
            url: reference.to_owned(),
            problem: format!("{manifest} may not name local files"),
        });
    }
    parse(joined.as_str())
}

/// Most bytes of a body of unknown length, of a decoded text and of a range.
pub(super) const LONGEST: u64 = 64 << 20;

/// `first-last`, both included (RFC 9110 §14.1.2).
pub(super) fn span(range: ByteRange) -> String {
    format!("{}-{}", range.start, range.end().saturating_sub(1))
}
