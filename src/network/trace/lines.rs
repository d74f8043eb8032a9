//! Shared by the line-based formats: numbered lines, finite non-negative numbers, rows of tables as periods.

use super::{Period, TraceError};

#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Number in the file, from 1.
    pub(super) number: usize,
    /// Its text without the spaces around it.
    pub(super) text: &'a str,
}

impl Line<'_> {
    pub(super) fn expected(&self, file: &str, expected: &str) -> TraceError {
        let (expected, found) = (expected.to_owned(), shortened(self.text));
        TraceError::Line(file.to_owned(), self.number, expected, found)
    }

    /// A field of this line as a finite number, 0 or more.
    pub(super) fn number(&self, file: &str, field: &str, what: &str) -> Result<f64, TraceError> {
        match field.trim().trim_matches('"').parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
            _ => Err(self.expected(file, &format!("{what}: a number of at least 0"))),
        }
    }
}

/// The lines that are neither blank nor comments (`#`).
pub(super) fn content(text: &str) -> impl Iterator<Item = Line<'_>> {
    let numbered = text.lines().enumerate().map(|(index, line)| Line {
        number: index + 1,
        text: line.trim(),
    });
    numbered.filter(|line| !line.text.is_empty() && !line.text.starts_with('#'))
}

pub(super) fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split([',', ';'])
        .map(|cell| cell.trim().trim_matches('"'))
}

/// The bytes as text, without a byte order mark.
pub(super) fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, TraceError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_start_matches('\u{feff}')),
        Err(error) => {
            let good = &bytes[..error.valid_up_to()];
            let line = good.iter().filter(|&&byte| byte == b'\n').count() + 1;
            let found = format!("byte {:#04x}", bytes[good.len()]);
            let expected = "UTF-8 text".to_owned();
            Err(TraceError::Line(file.to_owned(), line, expected, found))
        }
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let seen = |c: char| if c.is_control() { '�' } else { c };
    let mut short: String = text.chars().take(LONGEST).map(seen).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// Rows of a table with the same time stamp, summed.
pub(super) struct Row {
    pub(super) time_s: f64,
    pub(super) kbps: f64,
    pub(super) latency_s: f64,
    pub(super) rows: f64,
}

impl Row {
    fn add(&mut self, other: &Row) {
        self.kbps += other.kbps;
        self.latency_s += other.latency_s;
        self.rows += other.rows;
    }
}

/// Appends `row`, which `line` holds; rows of one time are summed, and time must not run backwards.
pub(super) fn push(
    rows: &mut Vec<Row>,
    row: Row,
    file: &str,
    line: &Line<'_>,
) -> Result<(), TraceError> {
    match rows.last_mut() {
        Some(last) if row.time_s < last.time_s => {
            return Err(line.expected(file, &format!("a time of at least {}", last.time_s)));
        }
        Some(last) if row.time_s == last.time_s => last.add(&row),
        _ => rows.push(row),
    }
    Ok(())
}

/// Each period lasts until the next row; the last one as long as the mean of the others, 1 s if alone.
pub(super) fn periods(rows: &[Row]) -> Vec<Period> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Vec::new();
    };
    let usual_s = match rows.len() {
        1 => 1.0,
        many => (last.time_s - first.time_s) / (many - 1) as f64,
    };
    let ends = rows.iter().skip(1).map(|row| row.time_s);
    let ends = ends.chain([last.time_s + usual_s]);
    let period = |(row, end_s): (&Row, f64)| Period {
        duration_s: end_s - row.time_s,
        kbps: row.kbps / row.rows,
        latency_s: row.latency_s / row.rows,
    };
    rows.iter().zip(ends).map(period).collect()
}
