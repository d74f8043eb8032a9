//! Options and inputs of a session, as the page writes them.

use super::error::WebError;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

/// Options of a session; all but `url` may be absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    pub(super) url: String,
    pub(super) rule: Option<String>,
    pub(super) rung: Option<usize>,
    pub(super) start_s: Option<f64>,
    pub(super) buffer_s: Option<f64>,
    pub(super) cmcd: Option<AskedCmcd>,
}

/// How requests carry CMCD data, and the session id: WebAssembly has no entropy of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedCmcd {
    pub(super) mode: String,
    pub(super) session: String,
}

/// One input: the field of its name is present, and those that belong to it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Told {
    pub(super) first_byte: Option<u64>,
    pub(super) progress: Option<u64>,
    pub(super) delivered: Option<u64>,
    pub(super) wire_bytes: Option<u64>,
    /// Of `delivered`: where the answer came from, after redirects.
    pub(super) url: Option<String>,
    pub(super) failed: Option<u64>,
    #[serde(rename = "status")]
    _status: Option<u16>,
    pub(super) again_s: Option<f64>,
    pub(super) play: Option<IgnoredAny>,
    pub(super) pause: Option<IgnoredAny>,
    pub(super) rate: Option<f64>,
    pub(super) seek: Option<f64>,
    pub(super) playhead: Option<f64>,
    pub(super) rendered: Option<Rendered>,
    /// `null` returns to the rule.
    #[serde(deserialize_with = "present")]
    pub(super) rung: Option<Option<usize>>,
    pub(super) rule: Option<String>,
}

/// Progress of a generator with a segment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rendered {
    pub(super) segment: usize,
    pub(super) frames: u32,
    pub(super) complete: bool,
    pub(super) frame_s: f64,
}

/// Tells an absent field from one that is `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<usize>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Reads the JSON of `what`.
pub(super) fn read<T: for<'de> Deserialize<'de>>(
    what: &'static str,
    json: &[u8],
) -> Result<T, WebError> {
    serde_json::from_slice(json).map_err(|source| WebError::Json { what, source })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Told, read};

    #[test]
    fn a_null_rung_is_not_an_absent_one() {
        let rung = |json: &str| read::<Told>("input", json.as_bytes()).unwrap().rung;
        assert_eq!(rung("{\"rung\":2}"), Some(Some(2)));
        assert_eq!(rung("{\"rung\":null}"), Some(None));
        assert_eq!(rung("{\"play\":{}}"), None);
        assert!(read::<Told>("input", b"{\"roung\":2}").is_err());
    }
}
