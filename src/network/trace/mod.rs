//! Recorded networks: six file formats, one [`Trace`].
//!
//! The first characters decide the format, not the file's name:
//!
//! | begins with | format |
//! |---|---|
//! | `[` | Sabre JSON: `duration_ms`, `bandwidth_kbps`, `latency_ms` |
//! | `{` | iperf3 JSON: `intervals`, or events |
//! | a line with a comma | CSV with a time and a rate column, or Puffer's `video_sent` |
//! | a line of one integer | Mahimahi packet log |
//! | a line of two numbers | Pensieve text |
//!
//! Each format is documented in its own file. Knows no player and no link.

mod csv;
mod iperf3;
mod lines;
mod mahimahi;
mod pensieve;
mod puffer;
mod recorded;
mod sabre;

pub use recorded::{Period, Trace, TraceError};

use super::file;
use std::path::Path;

impl Trace {
    /// Reads a trace file of any of the formats.
    pub fn load(path: &Path) -> Result<Self, TraceError> {
        let bytes = file::bytes(path, "trace")?;
        Self::parse(&path.display().to_string(), &bytes)
    }

    /// Reads a trace from the bytes of a file; `name` is used in messages.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, TraceError> {
        let text = lines::text(name, bytes)?;
        match text.trim_start().chars().next() {
            Some('[') => sabre::parse(name, text),
            Some('{') => iperf3::parse(name, text),
            _ => parse_lines(name, text),
        }
    }
}

fn parse_lines(name: &str, text: &str) -> Result<Trace, TraceError> {
    let Some(first) = lines::content(text).next() else {
        let expected = "a trace (Sabre JSON, iperf3 JSON, Pensieve text, Mahimahi or CSV)";
        return Err(TraceError::Empty(name.to_owned(), expected));
    };
    let numbers = first.text.split_whitespace().map(str::parse::<f64>);
    match numbers.collect::<Result<Vec<f64>, _>>().as_deref() {
        Err(_) if first.text.contains([',', ';']) => csv::parse(name, text),
        Ok([_]) => mahimahi::parse(name, text),
        Ok([_, _]) => pensieve::parse(name, text),
        _ => Err(first.expected(
            name,
            "a trace: a CSV header with a time and a rate, one integer, or two numbers",
        )),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A trace of (seconds, kbit/s, latency in seconds).
    pub(crate) fn trace(periods: &[(f64, f64, f64)]) -> Trace {
        let period = |&(duration_s, kbps, latency_s): &(f64, f64, f64)| Period {
            duration_s,
            kbps,
            latency_s,
        };
        Trace::new("test", periods.iter().map(period).collect()).unwrap()
    }

    /// Parses `text`; periods as (seconds, kbit/s).
    pub(crate) fn periods(text: &str) -> Vec<(f64, f64)> {
        let trace = Trace::parse("t", text.as_bytes()).unwrap();
        let periods = trace.periods().iter();
        periods.map(|p| (p.duration_s, p.kbps)).collect()
    }

    pub(crate) fn notes(text: &str) -> Vec<String> {
        let trace = Trace::parse("t", text.as_bytes()).unwrap();
        trace.notes().to_vec()
    }

    /// Each text is refused with a message that contains the other.
    pub(crate) fn refused<T: AsRef<[u8]>>(cases: &[(T, &str)]) {
        for (text, expected) in cases {
            let error = Trace::parse("t.log", text.as_ref()).unwrap_err();
            assert!(error.to_string().contains(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn errors_name_file_and_place() {
        refused(&[
            (&b""[..], "t.log: expected a trace"),
            (b"# only a comment\n\n", "found none"),
            (b"\nMIT License\n", "line 2: expected a trace"),
            (b"1 2 3\n", "line 1"),
            (b"1 2\n3 \xff\n", "line 2: expected UTF-8"),
            (b"0 1\n1e300 1", "period 0: expected at most 1e9 s"),
        ]);
        let missing = Trace::load(Path::new("/no/such/trace")).unwrap_err();
        assert!(missing.to_string().contains("/no/such/trace"), "{missing}");
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Trace::parse("t", &bytes);
        }

        #[test]
        fn no_digits_panic(text in "[\\[{0-9.,e+\\-\n\t naif\":}\\]]{0,80}") {
            if let Ok(trace) = Trace::parse("t", text.as_bytes()) {
                prop_assert!(trace.periods().iter().all(|p| p.duration_s > 0.0 && p.kbps >= 0.0));
            }
        }
    }
}
