//! CSV: a time column, a rate column, perhaps a latency column.
//!
//! With a header line, columns are found by name, in any case and order:
//!
//! | column | names |
//! |---|---|
//! | time | `time_s`, `time`, `seconds`, `t`; `time_ms`; `Timestamp` (`YYYY.MM.DD_hh.mm.ss` or seconds) |
//! | rate | `kbps`, `bandwidth_kbps`, `throughput_kbps`; `mbps`; `DL_bitrate` (kbit/s) |
//! | latency | `latency_ms` |
//!
//! Without one the first two columns are seconds and kbit/s. A row's rate holds from its time to the
//! next row's; the last row's as long as rows last on average (1 s if it is alone). Rows of one time
//! are averaged, as the one-second stamps of the UCC 5G set need it (uccmisl/5Gdataset). Puffer's tables
//! have units of their own and are read in `puffer`.

use super::lines::{Line, Row, cells, content, periods, push};
use super::{Trace, TraceError, puffer};

const EXPECTED: &str = "a CSV header with a time (time_s, time_ms, Timestamp) \
                        and a rate (kbps, mbps, DL_bitrate)";

/// Column indexes, with the factor to seconds or kbit/s.
struct Columns {
    time: (usize, f64),
    rate: (usize, f64),
    latency: Option<usize>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Trace, TraceError> {
    let mut lines = content(text).peekable();
    let mut columns = Columns {
        time: (0, 1.0),
        rate: (1, 1.0),
        latency: None,
    };
    if let Some(header) = lines.next_if(|line| line.text.contains(char::is_alphabetic)) {
        if puffer::is_header(&header) {
            return puffer::parse(file, &header, lines);
        }
        columns = Columns::find(&header).ok_or_else(|| header.expected(file, EXPECTED))?;
    }
    let mut read: Vec<Row> = Vec::new();
    for line in lines {
        push(&mut read, columns.read(file, &line)?, file, &line)?;
    }
    Trace::new(file, periods(&read))
}

impl Columns {
    fn find(header: &Line<'_>) -> Option<Self> {
        let names: Vec<String> = cells(header.text).map(str::to_lowercase).collect();
        let among = |known: &[&str], unit: f64| {
            let mut columns = known
                .iter()
                .map(|known| names.iter().position(|name| name == known));
            columns.find_map(|column| Some((column?, unit)))
        };
        let seconds = ["time_s", "time", "seconds", "t", "timestamp"];
        let kbps = ["kbps", "bandwidth_kbps", "throughput_kbps", "dl_bitrate"];
        Some(Self {
            time: among(&seconds, 1.0).or_else(|| among(&["time_ms"], 0.001))?,
            rate: among(&kbps, 1.0).or_else(|| among(&["mbps"], 1000.0))?,
            latency: among(&["latency_ms"], 0.001).map(|(column, _)| column),
        })
    }

    fn read(&self, file: &str, line: &Line<'_>) -> Result<Row, TraceError> {
        let number = |column: usize, what: &str| match cells(line.text).nth(column) {
            Some(cell) => line.number(file, cell, what),
            None => Err(line.expected(file, &format!("{what} in column {}", column + 1))),
        };
        let time_s = match cells(line.text).nth(self.time.0).and_then(stamp_s) {
            Some(seconds) => seconds,
            None => self.time.1 * number(self.time.0, "a time")?,
        };
        Ok(Row {
            time_s,
            kbps: self.rate.1 * number(self.rate.0, "a rate")?,
            latency_s: match self.latency {
                Some(column) => number(column, "a latency in ms")? / 1000.0,
                None => 0.0,
            },
            rows: 1.0,
        })
    }
}

/// `YYYY.MM.DD_hh.mm.ss` as seconds since 1970 (proleptic Gregorian calendar), or `None`.
fn stamp_s(cell: &str) -> Option<f64> {
    let (date, time) = cell.split_once('_')?;
    let three = |text: &str| -> Option<[i64; 3]> {
        let parts = text.split('.').map(|part| part.parse::<u16>().ok());
        let parts: Vec<i64> = parts
            .map(|part| part.map(i64::from))
            .collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (three(date)?, three(time)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_since_1970(year, month, day);
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) as f64)
}

/// Days from 1970-01-01, counting years from March so that the leap day ends them.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::super::tests::{periods, refused};
    use super::stamp_s;

    #[test]
    fn a_rate_holds_until_the_next_row() {
        let expected = [(2.0, 100.0), (4.0, 50.0), (3.0, 0.0)];
        assert_eq!(periods("0,100\n2,50\n6,0\n"), expected);
        assert_eq!(periods("time_s,kbps\n0,100\n2,50\n6,0\n"), expected);
        let milliseconds = "Mbps;time_ms\n0.1;0\n0.05;2000\n0;6000\n";
        assert_eq!(periods(milliseconds), expected);
        assert_eq!(periods("# note\nkbps,t\n7,0"), [(1.0, 7.0)]);
    }

    #[test]
    fn stamps_of_one_second_are_averaged() {
        let text = "Timestamp,NetworkMode,DL_bitrate,UL_bitrate,State\n\
                    2020.02.28_23.59.59,5G,100,1,D\n2020.02.28_23.59.59,5G,50,1,D\n\
                    2020.02.29_00.00.01,LTE,30,1,I\n2020.03.01_00.00.01,LTE,40,1,I\n";
        assert_eq!(periods(text)[..2], [(2.0, 75.0), (86_400.0, 30.0)]);
        assert_eq!(stamp_s("1970.01.02_00.00.03"), Some(86_403.0));
        assert_eq!(stamp_s("2000.03.01_00.00.00"), Some(951_868_800.0));
        assert_eq!(stamp_s("2000.13.01_00.00.00"), None);
    }

    #[test]
    fn names_the_line() {
        refused(&[
            ("a,b\n1,2", "line 1: expected a CSV header"),
            (
                "time_s,kbps\n0,1\n\n2",
                "line 4: expected a rate in column 2",
            ),
            ("0,1\n1,x", "line 2: expected a rate"),
            ("5,1\n4,1", "line 2: expected a time of at least 5"),
            ("0,NaN", "line 1"),
        ]);
    }
}
