//! Rows of tables (CSV, Puffer) as periods.

use super::lines::Line;
use super::{Period, TraceError};

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
