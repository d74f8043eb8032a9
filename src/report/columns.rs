//! Rows of figures as named columns, for CSV and Parquet.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One column over all rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Names.
    Text(Vec<String>),
    /// Figures; `None` where a row has none.
    Number(Vec<Option<f64>>),
}

/// Columns in order, all of one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Columns {
    /// Names and columns.
    pub columns: Vec<(String, Column)>,
    rows: usize,
}

impl Columns {
    /// The columns of `rows`, objects of texts, numbers and lists of numbers; each place of a list
    /// becomes a column. The columns named in `first` lead, the others are sorted by name.
    pub fn of<T: Serialize>(rows: &[T], first: &[&str]) -> Result<Self, serde_json::Error> {
        let rows = rows.iter().map(flat).collect::<Result<Vec<_>, _>>()?;
        let others = rows.iter().flat_map(Map::keys).map(String::as_str);
        let others: BTreeSet<&str> = others.filter(|name| !first.contains(name)).collect();
        let names = first.iter().copied().chain(others);
        let columns = names.map(|name| (name.to_owned(), column(&rows, name)));
        Ok(Self {
            columns: columns.collect(),
            rows: rows.len(),
        })
    }

    /// Renames the columns of the list `list` after `places` instead of their indexes.
    #[must_use]
    pub fn with_places(mut self, list: &str, places: &[f64]) -> Self {
        for (number, place) in places.iter().enumerate() {
            let old = format!("{list}_{number}");
            if let Some((name, _)) = self.columns.iter_mut().find(|(name, _)| *name == old) {
                *name = format!("{list}_{place}");
            }
        }
        self
    }

    /// CSV (RFC 4180) with a header line; absent figures are empty.
    pub fn csv(&self) -> String {
        let names = self.columns.iter().map(|(name, _)| quoted(name));
        let mut out = names.collect::<Vec<_>>().join(",") + "\r\n";
        for row in 0..self.rows {
            let field = |(_, column): &(String, Column)| match column {
                Column::Text(texts) => quoted(&texts[row]),
                Column::Number(numbers) => numbers[row].map_or(String::new(), |n| n.to_string()),
            };
            let fields: Vec<String> = self.columns.iter().map(field).collect();
            out += &(fields.join(",") + "\r\n");
        }
        out
    }
}

/// The row with a field per place of its lists.
fn flat<T: Serialize>(row: &T) -> Result<Map<String, Value>, serde_json::Error> {
    let mut out = Map::new();
    if let Value::Object(fields) = serde_json::to_value(row)? {
        for (name, value) in fields {
            match value {
                Value::Array(values) => {
                    let numbered = values.into_iter().enumerate();
                    out.extend(numbered.map(|(place, value)| (format!("{name}_{place}"), value)));
                }
                value => drop(out.insert(name, value)),
            }
        }
    }
    Ok(out)
}

fn column(rows: &[Map<String, Value>], name: &str) -> Column {
    let values = || rows.iter().map(|row| row.get(name));
    if values().flatten().any(Value::is_string) {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or("").to_owned();
        return Column::Text(values().map(text).collect());
    }
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    Column::Number(values().map(number).collect())
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_become_columns_and_lines() {
        let rows = [
            json!({"b": 1.5, "name": "x, \"y\"", "list": [0.25, null]}),
            json!({"b": null, "name": "z", "a": 3}),
        ];
        let columns = Columns::of(&rows, &["name"]).unwrap();
        let expected = "name,a,b,list_0,list_1\r\n\"x, \"\"y\"\"\",,1.5,0.25,\r\nz,3,,,\r\n";
        assert_eq!(columns.csv(), expected);
        let named = columns.with_places("list", &[0.1, 0.32]);
        assert!(named.csv().starts_with("name,a,b,list_0.1,list_0.32\r\n"));
        let none: [Value; 0] = [];
        assert_eq!(Columns::of(&none, &["a"]).unwrap().csv(), "a\r\n");
    }
}
