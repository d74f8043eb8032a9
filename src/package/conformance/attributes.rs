//! The lines of a playlist: tags, attribute lists and URIs (RFC 8216bis §4.1, §4.2).

/// A line other than comments and blank lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// The tag with its `#`, or empty for a URI.
    pub(super) tag: &'a str,
    /// What follows the colon, or the URI.
    pub(super) value: &'a str,
}

pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let lines = (1..).zip(text.lines()).filter_map(|(number, line)| {
        let (tag, value) = match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with("EXT") => return None,
            Some(_) => line.split_once(':').unwrap_or((line, "")),
            None if line.trim().is_empty() => return None,
            None => ("", line),
        };
        Some(Line { number, tag, value })
    });
    lines.collect()
}

/// An attribute list, or its fault.
pub(super) fn attributes(list: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let pair = rest.split_once('=');
        let (name, after) = pair.ok_or_else(|| format!("no value in `{rest}`"))?;
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!("`{name}`: expected an attribute name"));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(format!("{name} stands twice"));
        }
        let end = match after.strip_prefix('"') {
            Some(inner) => inner.find('"').map(|end| end + 2),
            None => Some(after.find(',').unwrap_or(after.len())),
        };
        let end = end.ok_or_else(|| format!("the quotes of {name} are not closed"))?;
        let (value, after) = after.split_at(end);
        found.push((name, value));
        rest = match after.strip_prefix(',') {
            Some("") => return Err("it ends in a comma".to_owned()),
            Some(more) => more,
            None if after.is_empty() => "",
            None => return Err(format!("no comma after {name}")),
        };
    }
    Ok(found)
}

pub(super) fn value<'a>(attributes: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|(other, _)| *other == name);
    found.map(|(_, value)| *value)
}

/// The text in a quoted string.
pub(super) fn quoted<'a>(attributes: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let value = value(attributes, name)?;
    value.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart_outside_quotes() {
        let list = attributes("A=1,B-2=\"x,y=z\",C=4x5").unwrap();
        assert_eq!(list, [("A", "1"), ("B-2", "\"x,y=z\""), ("C", "4x5")]);
        assert_eq!(quoted(&list, "B-2"), Some("x,y=z"));
        for wrong in ["A", "a=1", "A=1,A=2", "A=\"x", "A=\"x\"B=1", "A=1,", "=1"] {
            assert!(attributes(wrong).is_err(), "{wrong}");
        }
    }
}
