//! A report as an indented outline for people: a line a value, a line an entry of a list. Takes what
//! `--json` prints, so that text and JSON cannot differ.

use serde::Serialize;
use serde_json::{Map, Value};

/// Names that lead a line.
const FIRST: [&str; 5] = ["kind", "id", "name", "number", "rank"];

/// The outline of a report, which must be an object. Absent values are left out.
pub(super) fn of(report: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    if let Value::Object(fields) = serde_json::to_value(report)? {
        for (name, value) in ordered(&fields) {
            match value {
                Value::Object(_) => out += &format!("{name}:\n{}", entry(value, 1)),
                Value::Array(entries) if entries.iter().any(Value::is_object) => {
                    out += &format!("{name}:\n");
                    out.extend(entries.iter().map(|value| entry(value, 1)));
                }
                _ => out += &format!("{name}: {}\n", scalar(value)),
            }
        }
    }
    Ok(out)
}

/// The fields with a value, those of [`FIRST`] in front.
fn ordered(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let place = |name: &str| FIRST.iter().position(|first| *first == name);
    let given = fields.iter().filter(|(_, value)| !value.is_null());
    let mut fields: Vec<_> = given.collect();
    fields.sort_by_key(|(name, _)| place(name).unwrap_or(FIRST.len()));
    fields
}

/// An object on one line, the objects in it on lines below.
fn entry(value: &Value, depth: usize) -> String {
    let Value::Object(fields) = value else {
        return format!("{:1$}{2}\n", "", 2 * depth, scalar(value));
    };
    let (mut line, mut below) = (Vec::new(), String::new());
    for (name, value) in ordered(fields) {
        match value {
            Value::Object(_) => below += &entry(value, depth + 1),
            Value::Array(entries) if entries.iter().any(Value::is_object) => {
                below.extend(entries.iter().map(|value| entry(value, depth + 1)));
            }
            Value::Array(entries) if entries.is_empty() => {}
            _ => line.push(format!("{name} {}", scalar(value))),
        }
    }
    format!("{:1$}{2}\n{below}", "", 2 * depth, line.join(", "))
}

/// Numbers with at most three digits after the point; lists joined by `+`.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(scalar).collect::<Vec<_>>().join(" + "),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            ((1000.0 * number).round() / 1000.0).to_string()
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    #[test]
    fn objects_are_indented_below_their_list() {
        let report = json!({
            "bytes": 9, "kind": "file", "none": null, "size": [3, 4],
            "boxes": [{ "offset": 1.23456, "kind": "moov", "boxes": [{ "kind": "trak" }] }],
        });
        let text = "kind: file\nboxes:\n  kind moov, offset 1.235\n    kind trak\nbytes: 9\n\
                    size: 3 + 4\n";
        assert_eq!(super::of(&report).unwrap(), text);
    }
}
