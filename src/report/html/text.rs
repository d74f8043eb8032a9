//! Tables as text for a terminal: padded columns.

use super::content::{Cell, Table};
use std::fmt;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::to_string).collect())
            .collect();
        let width = |(column, heading): (usize, &String)| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widths = cells.chain([heading]).map(|text| text.chars().count());
            widths.max().unwrap_or(0)
        };
        let widths: Vec<usize> = self.columns.iter().enumerate().map(width).collect();
        writeln!(f, "{}", self.caption)?;
        for row in std::iter::once(&self.columns).chain(&rows) {
            let cells = row.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(value, digits) if value.is_finite() => write!(f, "{value:.digits$}"),
            Self::Interval {
                value,
                low,
                high,
                digits,
            } if value.is_finite() => {
                write!(f, "{value:.digits$} [{low:.digits$}, {high:.digits$}]")
            }
            Self::Number(..) | Self::Interval { .. } => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new("Means", &["rule", "QoE"]);
        let interval = Cell::Interval {
            value: 1.0,
            low: 0.5,
            high: 1.5,
            digits: 1,
        };
        table.rows.push(vec![Cell::text("dynamic"), interval]);
        table
            .rows
            .push(vec![Cell::text("l2a"), Cell::Number(f64::NAN, 1)]);
        let expected = "Means\nrule     QoE\ndynamic  1.0 [0.5, 1.5]\nl2a      -\n";
        assert_eq!(table.to_string(), expected);
    }
}
