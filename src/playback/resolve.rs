//! Addresses: what may be fetched, and what a reference in a manifest leads to.

use super::error::FetchError;
use reqwest::Url;

/// An address that can be fetched.
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

/// What `reference` in the manifest at `manifest` leads to.
pub(super) fn resolve(manifest: &Url, reference: &str) -> Result<Url, FetchError> {
    let joined = manifest.join(reference).map_err(|error| FetchError::Url {
        url: reference.to_owned(),
        problem: error.to_string(),
    })?;
    // What comes over the network has no business on this disk.
    if joined.scheme() == "file" && manifest.scheme() != "file" {
        return Err(FetchError::Url {
            url: reference.to_owned(),
            problem: format!("{manifest} may not name local files"),
        });
    }
    parse(joined.as_str())
}
