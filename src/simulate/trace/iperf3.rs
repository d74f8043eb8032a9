//! iperf3's JSON report: `intervals`, each with `seconds` and `bits_per_second`, either itself or in
//! its `sum`. Latency is not recorded and counts as 0.

use super::{Period, TraceError};
use serde::Deserialize;
use serde::de::Error;

const EXPECTED: &str = "iperf3 JSON: {intervals: [{seconds, bits_per_second}, …]}";

#[derive(Deserialize)]
struct Report {
    intervals: Vec<Interval>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Interval {
    Streams { sum: Sum },
    Plain(Sum),
}

#[derive(Deserialize)]
struct Sum {
    seconds: f64,
    bits_per_second: f64,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Period>, TraceError> {
    let json = |source| TraceError::Json {
        file: file.to_owned(),
        expected: EXPECTED,
        source,
    };
    let report: Report = serde_json::from_str(text).map_err(json)?;
    let period = |(index, interval): (usize, Interval)| {
        let (Interval::Streams { sum } | Interval::Plain(sum)) = interval;
        if sum.seconds >= 0.0 && sum.bits_per_second >= 0.0 {
            Ok(Period {
                duration_s: sum.seconds,
                kbps: sum.bits_per_second / 1000.0,
                latency_s: 0.0,
            })
        } else {
            let message = format!("interval {index} has a negative number");
            Err(json(serde_json::Error::custom(message)))
        }
    };
    report
        .intervals
        .into_iter()
        .enumerate()
        .map(period)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{periods, refusal};

    #[test]
    fn reads_reduced_and_full_reports() {
        let text = r#"{"intervals": [{"seconds": 0.1, "bits_per_second": 5000, "start": 0},
            {"sum": {"seconds": 0.2, "bits_per_second": 1000}, "streams": []}]}"#;
        assert_eq!(periods(text), [(0.1, 5.0), (0.2, 1.0)]);
    }

    #[test]
    fn refuses_other_json() {
        let movie = r#"{"segment_duration_ms": 3000, "bitrates_kbps": [1]}"#;
        assert!(refusal(movie).contains("missing field `intervals`"));
        let negative = r#"{"intervals": [{"seconds": -1, "bits_per_second": 1}]}"#;
        assert!(refusal(negative).contains("interval 0"));
    }
}
