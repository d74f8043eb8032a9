//! Recorded networks: six file formats, one [`Trace`].
//!
//! The format is told from the first characters, not from the file's name:
//!
//! | begins with | format |
//! |---|---|
//! | `[` | Sabre JSON: `duration_ms`, `bandwidth_kbps`, `latency_ms` |
//! | `{` | iperf3 JSON: `intervals`, or events |
//! | a line with a comma | CSV with a time and a rate column, or Puffer's `video_sent` |
//! | a line of one integer | Mahimahi packet log |
//! | a line of two numbers | Pensieve text |
//!
//! What each format means is written in its own file. Knows nothing of players or links.

mod csv;
mod iperf3;
mod lines;
mod mahimahi;
mod pensieve;
mod puffer;
mod sabre;

use super::file;
use std::io;
use std::path::{Path, PathBuf};

/// Larger numbers of kbit/s or seconds are a mistake, and would drown the others in rounding.
const MOST: f64 = 1e9;
/// A trace must last this long before it loops, seconds.
const SHORTEST_S: f64 = 1e-3;

/// A span of constant rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// How long it lasts, seconds, more than 0.
    pub duration_s: f64,
    /// What the network carries, kbit/s, 0 or more.
    pub kbps: f64,
    /// Delay from a request to its first byte, seconds, 0 or more.
    pub latency_s: f64,
}

/// A recorded network: periods in order, which loop. At least one, each longer than 0 s.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    name: String,
    periods: Vec<Period>,
    first_s: f64,
    notes: Vec<String>,
}

/// What a file says.
#[derive(Default)]
struct Parsed {
    periods: Vec<Period>,
    /// The first time stamp, where the format has one.
    first_s: f64,
    /// What of the file was not read, or how it was understood.
    notes: Vec<String>,
}

impl From<Vec<Period>> for Parsed {
    fn from(periods: Vec<Period>) -> Self {
        Self {
            periods,
            ..Self::default()
        }
    }
}

/// Why a file gives no trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file cannot be read.
    #[error("{}: cannot read the trace", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line that does not fit the format.
    #[error("{file}: line {line}: expected {expected}, found `{found}`")]
    Line {
        /// The file.
        file: String,
        /// Line number, from 1.
        line: usize,
        /// What should stand there.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
    /// JSON that does not fit the format.
    #[error("{file}: expected {expected}: {source}")]
    Json {
        /// The file.
        file: String,
        /// The format that was tried.
        expected: &'static str,
        /// The JSON reader's complaint, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A rate or duration that no network has.
    #[error("{file}: period {period}: expected at most {MOST:e} {unit}, found {found:e}")]
    Absurd {
        /// The file.
        file: String,
        /// Which period, from 0.
        period: usize,
        /// What the number counts.
        unit: &'static str,
        /// The number.
        found: f64,
    },
    /// The trace covers no time.
    #[error("{file}: expected {expected}, found none")]
    Empty {
        /// The file.
        file: String,
        /// What is missing.
        expected: &'static str,
    },
}

impl Trace {
    /// A trace from its periods; those of no length are left out. `Err` when the rest lasts less
    /// than a millisecond, or a number is beyond belief.
    pub fn new(name: impl Into<String>, mut periods: Vec<Period>) -> Result<Self, TraceError> {
        let file = name.into();
        for (period, values) in periods.iter().enumerate() {
            let Period {
                duration_s,
                kbps,
                latency_s,
            } = *values;
            let numbers = [
                (duration_s, "s"),
                (kbps, "kbit/s"),
                (latency_s, "s of latency"),
            ];
            // Written so that NaN is refused too.
            if let Some((found, unit)) =
                numbers.into_iter().find(|(n, _)| !(0.0..=MOST).contains(n))
            {
                return Err(TraceError::Absurd {
                    file,
                    period,
                    unit,
                    found,
                });
            }
        }
        periods.retain(|period| period.duration_s > 0.0);
        if periods.iter().map(|period| period.duration_s).sum::<f64>() < SHORTEST_S {
            let expected = "periods that last a millisecond or more in all";
            return Err(TraceError::Empty { file, expected });
        }
        Ok(Self {
            name: file,
            periods,
            first_s: 0.0,
            notes: Vec::new(),
        })
    }

    /// Reads a trace file in whichever of the formats it is.
    pub fn load(path: &Path) -> Result<Self, TraceError> {
        let bytes = file::bytes(path).map_err(|source| TraceError::Read {
            file: path.to_owned(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &bytes)
    }

    /// Reads a trace from the bytes of a file; `name` stands in messages.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, TraceError> {
        let text = lines::text(name, bytes)?;
        let Parsed {
            periods,
            first_s,
            notes,
        } = match text.trim_start().chars().next() {
            Some('[') => sabre::parse(name, text)?.into(),
            Some('{') => iperf3::parse(name, text)?,
            _ => parse_lines(name, text)?,
        };
        Ok(Self {
            first_s,
            notes,
            ..Self::new(name, periods)?
        })
    }

    /// The name that messages and reports use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's first time stamp where the format has one (Pensieve text), seconds, else 0.
    pub fn first_s(&self) -> f64 {
        self.first_s
    }

    /// What of the file was not read, or how it was understood; mostly nothing.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The periods in order.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// How long the trace lasts before it loops, seconds.
    pub fn duration_s(&self) -> f64 {
        self.periods.iter().map(|period| period.duration_s).sum()
    }

    /// Mean rate over time, kbit/s.
    pub fn mean_kbps(&self) -> f64 {
        let bits = self
            .periods
            .iter()
            .map(|period| period.kbps * period.duration_s);
        bits.sum::<f64>() / self.duration_s()
    }
}

/// What a format of lines says.
fn parse_lines(name: &str, text: &str) -> Result<Parsed, TraceError> {
    let Some(first) = lines::content(text).next() else {
        let expected = "a trace (Sabre JSON, iperf3 JSON, Pensieve text, Mahimahi or CSV)";
        return Err(TraceError::Empty {
            file: name.to_owned(),
            expected,
        });
    };
    let numbers = first.text.split_whitespace().map(str::parse::<f64>);
    match numbers.collect::<Result<Vec<f64>, _>>().as_deref() {
        Err(_) if first.text.contains([',', ';']) => csv::parse(name, text),
        Ok([_]) => Ok(mahimahi::parse(name, text)?.into()),
        Ok([_, _]) => pensieve::parse(name, text),
        _ => Err(first.expected(
            name,
            "a trace: a CSV header with a time and a rate, one integer, or two numbers",
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
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
        trace
            .periods()
            .iter()
            .map(|p| (p.duration_s, p.kbps))
            .collect()
    }

    /// The notes that parsing `text` leaves.
    pub(crate) fn notes(text: &str) -> Vec<String> {
        let trace = Trace::parse("t", text.as_bytes()).unwrap();
        trace.notes().to_vec()
    }

    /// The message that parsing `text` ends in.
    pub(crate) fn refusal(text: &str) -> String {
        Trace::parse("t.log", text.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        assert!(refusal("").contains("t.log: expected a trace"));
        assert!(refusal("# only a comment\n\n").contains("found none"));
        assert!(refusal("\nMIT License\n").contains("line 2: expected a trace"));
        assert!(refusal("1 2 3\n").contains("line 1"));
        let error = Trace::parse("t.log", b"1 2\n3 \xff\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("line 2: expected UTF-8"), "{error}");
        assert!(refusal("0 1\n1e300 1").contains("period 0: expected at most 1e9 s"));
        let missing = Trace::load(Path::new("/no/such/trace"))
            .unwrap_err()
            .to_string();
        assert!(missing.contains("/no/such/trace"), "{missing}");
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
