//! Playlist variables: `EXT-X-DEFINE` and references to its definitions
//! (draft-pantos-hls-rfc8216bis §4.3 and §4.4.2.3).
//!
//! A reference `{$name}` is replaced in URI lines and in quoted attribute values, once: a value is not
//! searched for references again. Names are defined before they are used, each once.

use crate::manifest::ManifestError;
use crate::manifest::error::Source;
use std::collections::BTreeMap;

/// The tag that defines a variable.
pub(super) const DEFINE: &str = "#EXT-X-DEFINE";

/// The variables of a playlist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

/// The variables of the playlist that is being read.
pub(super) struct Scope<'a> {
    source: &'a Source<'a>,
    /// Those of the multivariant playlist that names this one, if there is one.
    imported: Option<&'a Variables>,
    /// The definitions so far.
    pub(super) own: Variables,
    /// Bytes of all replacements so far.
    replaced: usize,
}

impl<'a> Scope<'a> {
    pub(super) fn new(source: &'a Source<'a>, imported: Option<&'a Variables>) -> Self {
        Self {
            source,
            imported,
            own: Variables::default(),
            replaced: 0,
        }
    }

    /// Adds the variable of the `EXT-X-DEFINE` at `line`.
    pub(super) fn define(&mut self, line: usize, tag: &str) -> Result<(), ManifestError> {
        let invalid = |expected: String| self.source.invalid(line, &DEFINE[1..], expected);
        let list = tag.split_once(':').and_then(|(_, list)| attributes(list));
        let list = list.ok_or_else(|| invalid("well-formed attributes".to_owned()))?;
        let get = |name: &str| list.iter().find(|(key, _)| *key == name).map(|(_, v)| *v);
        let (name, value) = match [get("NAME"), get("IMPORT"), get("QUERYPARAM")] {
            [Some(name), None, None] => {
                let value = get("VALUE").map(str::to_owned);
                (name, value.ok_or_else(|| format!("a VALUE for `{name}`")))
            }
            [None, Some(name), None] => (name, self.import(name)),
            [None, None, Some(name)] => (name, self.query(name)),
            _ => return Err(invalid("one of NAME, IMPORT and QUERYPARAM".to_owned())),
        };
        let value = value.map_err(invalid)?;
        let problem = if name.is_empty() || !name.bytes().all(is_of_name) {
            format!("a name of letters, digits, - and _, got `{name}`")
        } else if value.contains(['"', '\r', '\n']) {
            format!("a value of `{name}` without quotes and line breaks")
        } else if self.own.0.insert(name.to_owned(), value).is_some() {
            format!("each name once, `{name}` is defined twice")
        } else {
            return Ok(());
        };
        Err(self.source.invalid(line, &DEFINE[1..], problem))
    }

    fn import(&self, name: &str) -> Result<String, String> {
        let Some(imported) = self.imported else {
            return Err(format!(
                "no IMPORT: this playlist belongs to no multivariant playlist that could define `{name}`"
            ));
        };
        let value = imported.0.get(name).cloned();
        value.ok_or_else(|| format!("a name that the multivariant playlist defines, got `{name}`"))
    }

    /// The value of a parameter of the playlist's own URL, percent-decoded.
    fn query(&self, name: &str) -> Result<String, String> {
        let url = self.source.url.split('#').next().unwrap_or("");
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(key, _)| decoded(key).as_deref() == Some(name));
        let value = found.and_then(|(_, value)| decoded(value));
        value.ok_or_else(|| format!("a value of the parameter `{name}` in the playlist's URL"))
    }

    /// A line of the playlist with its references replaced: all of a URI line, of a tag the parts in
    /// quotes.
    pub(super) fn substituted(&mut self, line: usize, text: &str) -> Result<String, ManifestError> {
        if !text.contains("{$") {
            return Ok(text.to_owned());
        }
        if !text.starts_with('#') {
            return self.replaced(line, text);
        }
        let parts = text.split('"').enumerate();
        let parts = parts.map(|(index, part)| match index % 2 {
            0 => Ok(part.to_owned()),
            _ => self.replaced(line, part),
        });
        Ok(parts.collect::<Result<Vec<_>, _>>()?.join("\""))
    }

    fn replaced(&mut self, line: usize, text: &str) -> Result<String, ManifestError> {
        let mut parts = text.split("{$");
        let mut whole = parts.next().unwrap_or("").to_owned();
        for part in parts {
            let name = part.split_once('}');
            let name = name.filter(|(name, _)| !name.is_empty() && name.bytes().all(is_of_name));
            let Some((name, rest)) = name else {
                // No reference: a name may not be empty, nor hold other characters.
                whole.push_str("{$");
                whole.push_str(part);
                continue;
            };
            let value = self.own.0.get(name).ok_or_else(|| {
                let expected = format!("an EXT-X-DEFINE of `{name}` before this line");
                self.source.invalid(line, format!("{{${name}}}"), expected)
            })?;
            self.replaced += value.len();
            self.source.check_length(self.replaced)?;
            whole.push_str(value);
            whole.push_str(rest);
        }
        Ok(whole)
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// The names and values of an attribute list (RFC 8216 §4.2), values without their quotes.
fn attributes(mut list: &str) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    while !list.trim().is_empty() {
        let (name, rest) = list.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        found.push((name.trim(), value));
        let rest = rest.trim_start();
        list = match rest.is_empty() {
            true => rest,
            false => rest.strip_prefix(',')?,
        };
    }
    Some(found)
}

/// `text` without its percent-encoding; `None` if the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        plain.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// `line` with its references replaced, after the definitions `tags`.
    fn after(url: &str, tags: &[&str], line: &str) -> Result<String, String> {
        let source = Source::new(url, "").unwrap();
        let master = Variables([("host".to_owned(), "a.example".to_owned())].into());
        let mut scope = Scope::new(&source, Some(&master));
        for (index, tag) in tags.iter().enumerate() {
            scope.define(index + 1, tag).map_err(|e| e.to_string())?;
        }
        let line = scope.substituted(tags.len() + 1, line);
        line.map_err(|error| error.to_string())
    }

    #[test]
    fn references_are_replaced_in_uris_and_in_quotes_only() {
        let tags = [
            "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1{$a}\"",
            "#EXT-X-DEFINE:VALUE=\"\",NAME=\"none\"",
            "#EXT-X-DEFINE:IMPORT=\"host\"",
            "#EXT-X-DEFINE:QUERYPARAM=\"token\"",
        ];
        let url = "http://h/m.m3u8?x=1&token=a%2Fb+c&token=2#f?token=3";
        let map = "#EXT-X-MAP:URI=\"{$host}\",X={$a}";
        for (line, expected) in [
            ("{$a}/{$none}x{$a}", "1{$a}/x1{$a}"),
            ("https://{$host}/{$token}", "https://a.example/a/b+c"),
            (map, "#EXT-X-MAP:URI=\"a.example\",X={$a}"),
            ("a{$}b{$ a}c{$a", "a{$}b{$ a}c{$a"),
        ] {
            assert_eq!(after(url, &tags, line).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn undefined_references_and_wrong_definitions_are_named() {
        let define = "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"";
        let error = after("m", &[define], "x{$b}").unwrap_err();
        assert!(error.contains("line 2: {$b}: expected an EXT-X-DEFINE of `b`"));
        let twice = after("m", &[define, define], "").unwrap_err();
        assert!(twice.contains("line 2: EXT-X-DEFINE: expected each name once, `a`"));
        for [attributes, expected] in [
            [":NAME=\"a\"", "a VALUE for `a`"],
            [":NAME=\"a b\",VALUE=\"1\"", "got `a b`"],
            [":VALUE=\"1\"", "one of NAME, IMPORT and QUERYPARAM"],
            [":NAME=\"a\",IMPORT=\"a\"", "one of NAME"],
            [":NAME", "well-formed attributes"],
            ["", "well-formed attributes"],
            [":IMPORT=\"b\"", "multivariant playlist defines, got `b`"],
            [":QUERYPARAM=\"q\"", "the parameter `q`"],
            [":QUERYPARAM=\"n\"", "without quotes and line breaks"],
        ] {
            let refused = after("m?n=%0A", &[&format!("{DEFINE}{attributes}")], "").unwrap_err();
            assert!(refused.contains(expected), "{attributes}: {refused}");
        }
    }

    #[test]
    fn a_few_lines_cannot_fill_the_memory() {
        let long = format!("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{}\"", "x".repeat(1 << 20));
        let refused = after("m", &[&long], &"{$a}".repeat(1000)).unwrap_err();
        assert!(refused.contains("the limit is 4194304"), "{refused}");
    }
}
