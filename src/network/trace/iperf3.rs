//! iperf3's JSON: the report of `-J` (`intervals`), or the events of `--json-stream`, one a line.
//!
//! An interval has `seconds` and `bits_per_second`, either itself or in its `sum`. Intervals marked
//! `omitted` (`-O`, the slow start) are skipped. With `--bidir` an interval has two sums; the received
//! direction is read (`sender` is false; without that field `sum_bidir_reverse`, server to client). Latency is not recorded and counts as 0.

use super::{Period, Trace, TraceError};
use crate::network::file::BadJson;
use serde::Deserialize;
use serde::de::Error;
use serde_json::{Deserializer, Value};

const EXPECTED: &str =
    "iperf3 JSON: {intervals: [{seconds, bits_per_second}, …]} or {event: \"interval\", …} a line";

#[derive(Deserialize)]
struct Document {
    intervals: Option<Vec<Interval>>,
    error: Option<String>,
    event: Option<String>,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct Interval {
    sum: Option<Sum>,
    sum_bidir_reverse: Option<Sum>,
    seconds: Option<f64>,
    bits_per_second: Option<f64>,
    #[serde(default)]
    omitted: bool,
}

#[derive(Deserialize)]
struct Sum {
    seconds: f64,
    bits_per_second: f64,
    #[serde(default)]
    omitted: bool,
    sender: Option<bool>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Trace, TraceError> {
    let refused = |source| BadJson::new(file, EXPECTED, source);
    let intervals = intervals(text).map_err(refused)?;
    let both = |interval: &Interval| interval.sum.is_some() && interval.sum_bidir_reverse.is_some();
    let (both_ways, all) = (intervals.iter().any(both), intervals.len());
    let periods = periods(intervals).map_err(refused)?;
    let omitted = all - periods.len();
    let mut trace = Trace::new(file, periods)?;
    if omitted > 0 {
        let note = format!("{omitted} omitted intervals are left out");
        trace.notes.push(note);
    }
    if both_ways {
        let note = "of the two directions of --bidir the one received is read";
        trace.notes.push(note.to_owned());
    }
    Ok(trace)
}

fn intervals(text: &str) -> serde_json::Result<Vec<Interval>> {
    let mut intervals = Vec::new();
    let mut streamed = false;
    for (number, document) in Deserializer::from_str(text).into_iter().enumerate() {
        let read: Document = document?;
        let failed = |said: &str| Err(Error::custom(format!("iperf3 said: {said}")));
        match (read.event.as_deref(), read.intervals, read.error) {
            (Some("interval"), ..) => intervals.push(Interval::deserialize(read.data)?),
            (Some("error"), ..) => return failed(read.data.as_str().unwrap_or("an error")),
            (Some(_), ..) => {}
            (None, Some(all), _) if number == 0 => intervals = all,
            // A stream may end with the whole report.
            (None, Some(_), _) if streamed => {}
            (None, Some(_), _) => return Err(Error::custom("a second report: expected one")),
            (None, None, Some(said)) => return failed(&said),
            (None, None, None) => return Err(Error::missing_field("intervals")),
        }
        streamed |= read.event.is_some();
    }
    Ok(intervals)
}

fn periods(intervals: Vec<Interval>) -> serde_json::Result<Vec<Period>> {
    let mut periods = Vec::new();
    for (index, interval) in intervals.into_iter().enumerate() {
        let refused = |what| Error::custom(format!("interval {index} {what}"));
        let sum = interval.received();
        let sum = sum.ok_or_else(|| refused("lacks seconds or bits_per_second"))?;
        if sum.omitted {
            continue;
        }
        if !(sum.seconds >= 0.0 && sum.bits_per_second >= 0.0) {
            return Err(refused("has a negative number"));
        }
        periods.push(Period {
            duration_s: sum.seconds,
            kbps: sum.bits_per_second / 1000.0,
            latency_s: 0.0,
        });
    }
    Ok(periods)
}

impl Interval {
    /// The received direction, or the only one.
    fn received(self) -> Option<Sum> {
        match (self.sum, self.sum_bidir_reverse) {
            (Some(sum), Some(reverse)) if reverse.sender == Some(true) => Some(sum)
                .filter(|sum| sum.sender != Some(true))
                .or(Some(reverse)),
            (_, Some(reverse)) => Some(reverse),
            (Some(sum), None) => Some(sum),
            (None, None) => Some(Sum {
                seconds: self.seconds?,
                bits_per_second: self.bits_per_second?,
                omitted: self.omitted,
                sender: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{notes, periods, refused};

    #[test]
    fn reads_reduced_and_full_reports() {
        let text = r#"{"intervals": [{"seconds": 0.1, "bits_per_second": 5000, "start": 0},
            {"sum": {"seconds": 0.2, "bits_per_second": 1000}, "streams": []}]}"#;
        assert_eq!(periods(text), [(0.1, 5.0), (0.2, 1.0)]);
        assert!(notes(text).is_empty());
    }

    #[test]
    fn omitted_intervals_are_left_out() {
        let text = r#"{"intervals": [
            {"sum": {"seconds": 1, "bits_per_second": 9000000, "omitted": true}},
            {"seconds": 1, "bits_per_second": 8000000, "omitted": true},
            {"sum": {"seconds": 1, "bits_per_second": 2000, "omitted": false}}]}"#;
        assert_eq!(periods(text), [(1.0, 2.0)]);
        assert_eq!(notes(text), ["2 omitted intervals are left out"]);
    }

    #[test]
    fn of_two_directions_the_received_one_counts() {
        let both = |sum: &str, reverse: &str| {
            let sum = format!(r#"{{"seconds": 1, "bits_per_second": 1000{sum}}}"#);
            let reverse = format!(r#"{{"seconds": 1, "bits_per_second": 7000{reverse}}}"#);
            format!(r#"{{"intervals": [{{"sum": {sum}, "sum_bidir_reverse": {reverse}}}]}}"#)
        };
        let (yes, no) = (r#", "sender": true"#, r#", "sender": false"#);
        assert_eq!(periods(&both(yes, no)), [(1.0, 7.0)]);
        // The server's own report: it received what the client sent.
        assert_eq!(periods(&both(no, yes)), [(1.0, 1.0)]);
        assert_eq!(periods(&both("", "")), [(1.0, 7.0)]);
        assert!(notes(&both(yes, no))[0].contains("the one received"));
    }

    #[test]
    fn events_of_a_stream_are_read() {
        let text = r#"{"event":"start","data":{"version":"iperf 3.17"}}
{"event":"interval","data":{"streams":[],"sum":{"seconds":1,"bits_per_second":4000,"omitted":true}}}
{"event":"interval","data":{"sum":{"seconds":1,"bits_per_second":3000,"omitted":false}}}
{"event":"interval","data":{"sum":{"seconds":0.5,"bits_per_second":2000}}}
{"event":"end","data":{}}
"#;
        assert_eq!(periods(text), [(1.0, 3.0), (0.5, 2.0)]);
        let whole = format!("{text}{{\"intervals\": []}}");
        assert_eq!(periods(&whole), [(1.0, 3.0), (0.5, 2.0)]);
        let cut = &text[..text.len() - 40];
        let error = r#"{"event":"error","data":"unable to connect"}"#;
        refused(&[
            (cut, "EOF while parsing"),
            (error, "iperf3 said: unable to connect"),
        ]);
    }

    #[test]
    fn refuses_other_json() {
        let movie = r#"{"segment_duration_ms": 3000, "bitrates_kbps": [1]}"#;
        let negative = r#"{"intervals": [{"seconds": -1, "bits_per_second": 1}]}"#;
        let omitted = r#"{"intervals": [{"seconds": 1, "bits_per_second": 1, "omitted": true}]}"#;
        let failed = r#"{"start": {}, "error": "unable to connect"}"#;
        refused(&[
            (movie, "missing field `intervals`"),
            (negative, "interval 0 has a negative number"),
            (r#"{"intervals": [{"seconds": 1}]}"#, "interval 0 lacks"),
            (failed, "iperf3 said: unable to connect"),
            (r#"{"intervals": []}{"intervals": []}"#, "a second report"),
            (omitted, "found none"),
        ]);
    }
}
