//! Sabre's network JSON: an array of `{duration_ms, bandwidth_kbps, latency_ms}` in order.
//!
//! `latency_ms` may be missing and is then 0. Source: UMass-LIDS/sabre, `example/network.json`.

use super::{Period, Trace, TraceError};
use crate::network::file::json;
use serde::{Deserialize, Deserializer, de};

#[derive(Deserialize)]
struct Entry {
    #[serde(deserialize_with = "not_negative")]
    duration_ms: f64,
    #[serde(deserialize_with = "not_negative")]
    bandwidth_kbps: f64,
    #[serde(default, deserialize_with = "not_negative")]
    latency_ms: f64,
}

fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(deserializer)?;
    if value >= 0.0 {
        Ok(value)
    } else {
        Err(de::Error::custom(format_args!("{value} is negative")))
    }
}

pub(super) fn parse(file: &str, text: &str) -> Result<Trace, TraceError> {
    let expected = "Sabre JSON: [{duration_ms, bandwidth_kbps, latency_ms}, …]";
    let entries: Vec<Entry> = json(file, text, expected)?;
    let period = |entry: Entry| Period {
        duration_s: entry.duration_ms / 1000.0,
        kbps: entry.bandwidth_kbps,
        latency_s: entry.latency_ms / 1000.0,
    };
    Trace::new(file, entries.into_iter().map(period).collect())
}

#[cfg(test)]
mod tests {
    use super::super::Trace;
    use super::super::tests::refused;

    #[test]
    fn reads_periods_and_latency() {
        let text = r#"[{"duration_ms": 500, "bandwidth_kbps": 80.5, "latency_ms": 20},
            {"duration_ms": 0, "bandwidth_kbps": 1}, {"duration_ms": 1500, "bandwidth_kbps": 0}]"#;
        let trace = Trace::parse("t", text.as_bytes()).unwrap();
        assert_eq!(trace.periods().len(), 2);
        assert_eq!(trace.periods()[0].latency_s, 0.02);
        assert_eq!(trace.duration_s(), 2.0);
        assert_eq!(trace.mean_kbps(), 80.5 / 4.0);
    }

    #[test]
    fn names_the_line() {
        let negative = "[\n{\"duration_ms\": 1, \"bandwidth_kbps\": -4}]";
        refused(&[
            (negative, "-4 is negative at line 2"),
            ("[\n\n{\"duration_ms\": 1}]", "bandwidth_kbps"),
            ("[\nNaN]", "line 2"),
            ("[]", "found none"),
        ]);
    }
}
