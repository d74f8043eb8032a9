//! Tables as text for a terminal: text on the left of its column, numbers on the right.

use super::content::{Cell, Table};
use std::fmt;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = |row: &Vec<Cell>| row.iter().map(Cell::to_string).collect();
        let mut rows = vec![self.columns.clone()];
        rows.extend(self.rows.iter().map(written));
        let column = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let width = cells.map(|text| text.chars().count()).max();
            let mut cells = self.rows.iter().filter_map(|row| row.get(column));
            let text = cells.any(|cell| matches!(cell, Cell::Text(text) if !text.is_empty()));
            (width.unwrap_or(0), text)
        };
        let columns: Vec<(usize, bool)> = (0..self.columns.len()).map(column).collect();
        if !self.caption.is_empty() {
            writeln!(f, "{}", self.caption)?;
        }
        for row in &rows {
            let cells = row.iter().zip(&columns).map(|(cell, &(width, text))| {
                if text {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            let cells: Vec<String> = cells.collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written("-", [" [", ", ", "]"]))
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
        let none = Cell::number(None, 1);
        table.rows.push(vec![Cell::text("l2a"), none]);
        let expected =
            "Means\nrule                QoE\ndynamic  1.0 [0.5, 1.5]\nl2a                   -\n";
        assert_eq!(table.to_string(), expected);
    }
}
