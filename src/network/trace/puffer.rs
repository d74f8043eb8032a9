//! Puffer's own tables, as its daily release has them (puffer.stanford.edu/data-description):
//! `video_sent`, a row for every chunk of video that a server sent.
//!
//! | column | meaning |
//! |---|---|
//! | `time (ns GMT)` | when the chunk was sent, nanoseconds since 1970 |
//! | `session_id`, `index` | the stream: one viewer on one channel |
//! | `delivery_rate` | the sender's TCP estimate at that moment, **bytes** a second |
//! | `rtt` | its smoothed round trip time, microseconds |
//!
//! A rate holds from its chunk to the next one's; the round trip time is the latency. A table holds the
//! streams of a whole day: of several the longest is read. `video_acked` and `client_buffer`
//! have no rates.

use super::lines::{Line, Row, cells, periods, push};
use super::{Trace, TraceError};
use std::collections::HashMap;

const EXPECTED: &str =
    "Puffer's table video_sent, with delivery_rate and rtt: the other tables have no rates";

struct Columns {
    time: usize,
    stream: [usize; 2],
    rate: usize,
    rtt: usize,
}

/// Whether `header` is that of one of Puffer's tables.
pub(super) fn is_header(header: &Line<'_>) -> bool {
    let mut names = cells(header.text);
    names.next() == Some("time (ns GMT)") && names.any(|name| name == "session_id")
}

pub(super) fn parse<'a>(
    file: &str,
    header: &Line<'_>,
    lines: impl Iterator<Item = Line<'a>>,
) -> Result<Trace, TraceError> {
    let columns = Columns::find(header).ok_or_else(|| header.expected(file, EXPECTED))?;
    let mut streams: HashMap<[&'a str; 2], Vec<Row>> = HashMap::new();
    for line in lines {
        let (stream, sent) = columns.read(file, &line)?;
        push(streams.entry(stream).or_default(), sent, file, &line)?;
    }
    let count = streams.len();
    let lasts_s = |chunks: &[Row]| match chunks {
        [first, .., last] => last.time_s - first.time_s,
        _ => 0.0,
    };
    // Of equally long streams the first by name, so that a table always gives the same trace.
    let longest = streams.into_iter().max_by(|(a, x), (b, y)| {
        let longer = lasts_s(x).total_cmp(&lasts_s(y));
        longer.then_with(|| b.cmp(a))
    });
    let ([session, index], chunks) = longest.unwrap_or_default();
    let mut trace = Trace::new(file, periods(&chunks))?;
    if count > 1 {
        let stream = format!("session {session} index {index}");
        let note = format!("of {count} streams the longest is read, {stream}");
        trace.notes.push(note);
    }
    Ok(trace)
}

impl Columns {
    fn find(header: &Line<'_>) -> Option<Self> {
        let place = |wanted: &str| cells(header.text).position(|name| name == wanted);
        Some(Self {
            time: place("time (ns GMT)")?,
            stream: [place("session_id")?, place("index")?],
            rate: place("delivery_rate")?,
            rtt: place("rtt")?,
        })
    }

    /// The stream of a row, and the row.
    fn read<'a>(&self, file: &str, line: &Line<'a>) -> Result<([&'a str; 2], Row), TraceError> {
        let row: Vec<&'a str> = cells(line.text).collect();
        let cell = |column: usize| {
            let cell = row.get(column).copied();
            cell.ok_or_else(|| line.expected(file, &format!("{} columns or more", column + 1)))
        };
        let number = |column: usize, what: &str| line.number(file, cell(column)?, what);
        let stream = [cell(self.stream[0])?, cell(self.stream[1])?];
        let sent = Row {
            time_s: 1e-9 * number(self.time, "a time in ns")?,
            kbps: 0.008 * number(self.rate, "a rate in bytes a second")?,
            latency_s: 1e-6 * number(self.rtt, "a round trip time in µs")?,
            rows: 1.0,
        };
        Ok((stream, sent))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Trace;
    use super::super::tests::refused;

    const HEADER: &str = "time (ns GMT),session_id,index,expt_id,channel,video_ts,format,size,\
                          ssim_index,cwnd,in_flight,min_rtt,rtt,delivery_rate";

    fn row(second: f64, session: &str, rtt_us: u64, bytes_a_second: u64) -> String {
        let ns = 1_572_865_200_000_000_000u64 + (second * 1e9) as u64;
        format!(
            "{ns},{session},0,114,abc,180180,1280x720-24,243500,0.98,120,0,40000,{rtt_us},\
             {bytes_a_second}"
        )
    }

    #[test]
    fn rates_are_bytes_a_second_of_the_longest_stream() {
        let rows = [
            HEADER.to_owned(),
            row(0.0, "a=", 50_000, 125_000),
            row(0.5, "b=", 20_000, 999_000),
            row(2.0, "a=", 60_000, 250_000),
            row(2.5, "b=", 20_000, 999_000),
            row(6.0, "a=", 70_000, 0),
        ];
        let trace = Trace::parse("t", rows.join("\n").as_bytes()).unwrap();
        let rounded = |x: f64| (x * 1e4).round() / 1e4;
        let found = [0, 1, 2].map(|period| {
            let period = trace.periods()[period];
            [period.duration_s, period.kbps, period.latency_s].map(rounded)
        });
        // 125,000 bytes a second are 1000 kbit/s.
        let expected = [[2.0, 1000.0, 0.05], [4.0, 2000.0, 0.06], [3.0, 0.0, 0.07]];
        assert_eq!(found, expected);
        let note = "of 2 streams the longest is read, session a= index 0";
        assert_eq!(trace.notes(), [note]);
    }

    #[test]
    fn tables_without_rates_and_bad_rows_are_refused() {
        let acked = "time (ns GMT),session_id,index,expt_id,channel,video_ts\n1,a,0,1,abc,0";
        let buffer = "time (ns GMT),session_id,index,expt_id,channel,event,buffer,cum_rebuf";
        let [short, back, word] = [
            "1,a,0".to_owned(),
            [row(1.0, "a", 1, 1), row(0.0, "a", 1, 1)].join("\n"),
            row(1.0, "a", 1, 1).replace("1572", "x"),
        ]
        .map(|rows| format!("{HEADER}\n{rows}"));
        refused(&[
            (acked, "line 1: expected Puffer's table video_sent"),
            (buffer, "the other tables have no rates"),
            (&short, "line 2: expected 14 columns or more"),
            (&back, "line 3: expected a time of at least"),
            (&word, "line 2: expected a time in ns"),
        ]);
    }
}
