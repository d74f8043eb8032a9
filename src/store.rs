//! Object stores by URL: which URL names which store, and where its credentials come from.
//!
//! Knows nothing of the content of a store.

use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use std::sync::Arc;
use url::Url;

/// A URL that no object store can be opened from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {problem}")]
pub struct StoreUrlError {
    /// The URL.
    pub url: String,
    /// The fault, or the missing variable or feature.
    pub problem: String,
}

/// Prefixes, in lower case, of the environment variables that configure a store.
const VENDORS: [&str; 3] = ["aws_", "google_", "azure_"];

/// Whether `place` is a URL rather than a path on this machine.
pub fn is_url(place: &str) -> bool {
    place.contains("://")
}

/// Opens `s3://BUCKET/PREFIX`, `gs://…` (feature `gcs`) or `az://…` (feature `azure`); paths in the
/// result are relative to the prefix.
///
/// Credentials and endpoints come from the environment, under the names that the vendors' own
/// tools use (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, `AWS_ALLOW_HTTP`, …). Nothing is requested yet.
///
/// Fails on any other URL, on one without a bucket, and if the credentials are incomplete.
pub fn open(url: &str) -> Result<Arc<dyn ObjectStore>, StoreUrlError> {
    let cannot = |problem: String| StoreUrlError {
        url: url.to_owned(),
        problem,
    };
    let parsed = Url::parse(url).map_err(|error| cannot(error.to_string()))?;
    let known = ["s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss"];
    if !known.contains(&parsed.scheme()) {
        let found = parsed.scheme();
        let problem = format!("expected a folder or s3://, gs:// or az://, found {found}:");
        return Err(cannot(problem));
    }
    // TLS needs a provider before its first use; the host program may have installed one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?.to_ascii_lowercase();
        let configures = VENDORS.iter().any(|vendor| name.starts_with(vendor));
        Some((name, value.into_string().ok()?)).filter(|_| configures)
    });
    let (store, prefix) = object_store::parse_url_opts(&parsed, variables)
        .map_err(|error| cannot(explained(parsed.scheme(), &error)))?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

/// The store's own message, with the missing feature or variable where that is the likely cause.
fn explained(scheme: &str, error: &object_store::Error) -> String {
    let (vendor, feature, built) = match scheme {
        "s3" | "s3a" => return error.to_string(),
        "gs" => ("Google Cloud Storage", "gcs", cfg!(feature = "gcs")),
        _ => ("Azure", "azure", cfg!(feature = "azure")),
    };
    if !built {
        return format!(
            "this program was built without {vendor}: build it with --features {feature}"
        );
    }
    if feature == "azure" {
        return format!("{error}; AZURE_STORAGE_ACCOUNT_NAME names the account");
    }
    error.to_string()
}
