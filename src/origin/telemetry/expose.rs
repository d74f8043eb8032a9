//! `/metrics`: OpenMetrics 1.0, or the older text format of Prometheus for those who prefer it.

use crate::origin::encoding::quality;
use crate::origin::headers::NO_STORE;
use crate::origin::{Origin, OriginError};
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, VARY};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeSet;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics`, in the format that the client likes best; OpenMetrics among equals.
pub(in crate::origin) async fn expose(
    State(origin): State<Origin>,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let metrics = &origin.shared.metrics;
    metrics.note_cache(origin.shared.cache.bytes());
    let text = metrics.text();
    let text = text.map_err(|error| OriginError::damaged("metrics", error.to_string()))?;
    let liking = |kind| quality(&headers, &ACCEPT, kind);
    let (kind, text) = match liking("text/plain") > liking("application/openmetrics-text") {
        true => (PLAIN_TEXT, plain(&text)),
        false => (OPEN_METRICS, text),
    };
    let fields = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, NO_STORE),
        (VARY, HeaderValue::from_static("accept")),
    ];
    Ok((fields, text).into_response())
}

/// The older format: there, a counter's family is named as its samples are, and nothing marks the
/// end.
fn plain(text: &str) -> String {
    let counters: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut plain = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        let described = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(word), Some(name), Some(rest)) if counters.contains(name) => {
                Some(format!("# {word} {name}_total {rest}"))
            }
            _ => None,
        };
        plain.push_str(described.as_deref().unwrap_or(line));
        plain.push('\n');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_as_their_samples_and_the_rest_stays() {
        let open = "# HELP a_b Things done.\n# TYPE a_b counter\na_b_total 1\n\
                    # HELP g How many.\n# TYPE g gauge\ng 2\n# EOF\n";
        let expected = "# HELP a_b_total Things done.\n# TYPE a_b_total counter\na_b_total 1\n\
                        # HELP g How many.\n# TYPE g gauge\ng 2\n";
        assert_eq!(plain(open), expected);
    }
}
