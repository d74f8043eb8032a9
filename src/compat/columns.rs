//! Rows as columns, the JSON form of recorded sessions.

use serde::{Serialize, Serializer, ser::Error};
use serde_json::{Map, Value};

/// Rows that serialise as one array per field.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns<T>(Vec<T>);

impl<T> Default for Columns<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Columns<T> {
    /// The rows in order.
    pub fn rows(&self) -> &[T] {
        &self.0
    }

    pub(super) fn push(&mut self, row: T) {
        self.0.push(row);
    }
}

impl<T: Serialize> Serialize for Columns<T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut columns = Map::new();
        for row in &self.0 {
            let Value::Object(fields) = serde_json::to_value(row).map_err(S::Error::custom)? else {
                return Err(S::Error::custom("expected rows of named fields"));
            };
            for (name, value) in fields {
                let column = columns
                    .entry(name)
                    .or_insert_with(|| Value::Array(Vec::new()));
                column
                    .as_array_mut()
                    .into_iter()
                    .for_each(|column| column.push(value.clone()));
            }
        }
        columns.serialize(out)
    }
}
