//! Common Media Client Data: the state of a player, sent with its requests (CTA-5004, version 1;
//! CTA-5004-B, version 2).
//!
//! It comes as the query parameter `CMCD`, as four header fields, or as lines of an event report;
//! each is a dictionary of structured fields (RFC 9651 §3.2). All keys are read, known or not, as
//! servers should log them all. A malformed member is left out and counted, where RFC 9651 would
//! reject the dictionary. Bytes and keys are bounded.

use crate::origin::percent::decode;
use http::{HeaderMap, HeaderName};
use serde::Serialize;
use serde_json::{Number, Value};
use std::collections::BTreeMap;

/// Longest dictionary, in bytes.
pub(crate) const MAX_BYTES: usize = 8 << 10;

/// Most keys that are read.
const MAX_KEYS: usize = 64;

/// Most items of a list.
const MAX_ITEMS: usize = 32;

/// The header fields that carry it.
static FIELDS: [HeaderName; 4] = [
    HeaderName::from_static("cmcd-object"),
    HeaderName::from_static("cmcd-request"),
    HeaderName::from_static("cmcd-status"),
    HeaderName::from_static("cmcd-session"),
];

/// The client data of a request or event.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Cmcd {
    keys: BTreeMap<String, Value>,
    /// Number of malformed members.
    #[serde(skip)]
    pub(crate) malformed: usize,
}

impl Cmcd {
    /// The client data of a request: from its query and its header fields.
    pub(crate) fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let mut cmcd = Self::default();
        let mut parts = query.into_iter().flat_map(|query| query.split('&'));
        if let Some(coded) = parts.find_map(|part| part.strip_prefix("CMCD=")) {
            match decode(coded) {
                Some(text) => cmcd.read(&text),
                None => cmcd.malformed += 1,
            }
        }
        for value in FIELDS.iter().flat_map(|name| headers.get_all(name)) {
            match value.to_str() {
                Ok(text) => cmcd.read(text),
                Err(_) => cmcd.malformed += 1,
            }
        }
        cmcd
    }

    /// The client data of one line of an event report.
    pub(crate) fn line(text: &str) -> Self {
        let mut cmcd = Self::default();
        cmcd.read(text);
        cmcd
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// A number, or the first number of a list, whose parameters (`35;v`) are passed over.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        let number = match self.keys.get(key)? {
            Value::Array(items) => match items.first()? {
                Value::String(item) => item.split(';').next()?.parse().ok(),
                item => item.as_f64(),
            },
            value => value.as_f64(),
        };
        number.filter(|number| (0.0..1e12).contains(number))
    }

    /// A string or token.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.keys.get(key)?.as_str()
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.keys.get(key) == Some(&Value::Bool(true))
    }

    fn read(&mut self, text: &str) {
        if text.len() > MAX_BYTES {
            self.malformed += 1;
            return;
        }
        let mut rest = Rest(text.trim_matches([' ', '\t', '\r', '\n']));
        while !rest.0.is_empty() {
            let start = rest;
            match rest.member() {
                Some((key, value)) if self.keys.len() < MAX_KEYS => {
                    self.keys.insert(key.to_owned(), value);
                }
                Some(_) => self.malformed += 1,
                None => {
                    self.malformed += 1;
                    rest = start;
                    rest.skip_member();
                }
            }
        }
    }
}

/// The input that is left.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn eat(&mut self, c: char) -> bool {
        let after = self.0.strip_prefix(c);
        self.0 = after.unwrap_or(self.0);
        after.is_some()
    }

    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, part: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !part(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    /// `key`, `key=value`, and the comma after it.
    fn member(&mut self) -> Option<(&'a str, Value)> {
        let key = self.key()?;
        let value = if !self.eat('=') {
            Value::Bool(true)
        } else if self.eat('(') {
            self.list()?
        } else {
            self.item()?
        };
        self.parameters()?;
        self.blanks();
        if self.eat(',') {
            self.blanks();
            return Some((key, value));
        }
        self.0.is_empty().then_some((key, value))
    }

    fn key(&mut self) -> Option<&'a str> {
        let key = self.take(|c| c.is_ascii_alphanumeric() || "_-.*".contains(c));
        (1..=64).contains(&key.len()).then_some(key)
    }

    /// An inner list after its `(`. An item with parameters is kept as text.
    fn list(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.eat(')') {
                return Some(Value::Array(items));
            }
            let start = self.0;
            let item = self.item()?;
            let plain = self.0.len();
            self.parameters()?;
            let source = &start[..start.len() - self.0.len()];
            let parameters = self.0.len() < plain;
            items.push(if parameters { source.into() } else { item });
            if items.len() > MAX_ITEMS || !self.0.starts_with([' ', '\t', ')']) {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<Value> {
        match self.0.chars().next()? {
            '"' => self.string(),
            '?' if self.0.starts_with("?1") => self.after(2, Value::Bool(true)),
            '?' if self.0.starts_with("?0") => self.after(2, Value::Bool(false)),
            '-' | '0'..='9' => self.number(),
            c if c.is_ascii_alphabetic() || c == '*' => {
                let token = self.take(|c| c.is_ascii_graphic() && !"\",;()=<>[]{}\\@?".contains(c));
                Some(Value::String(token.to_owned()))
            }
            _ => None,
        }
    }

    fn after(&mut self, length: usize, value: Value) -> Option<Value> {
        self.0 = self.0.get(length..)?;
        Some(value)
    }

    fn string(&mut self) -> Option<Value> {
        let mut text = String::new();
        let mut characters = self.0.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => return self.after(at + 1, Value::String(text)),
                '\\' => match characters.next()? {
                    (_, c @ ('"' | '\\')) => text.push(c),
                    _ => return None,
                },
                // RFC 9651 has ASCII only, but players put titles here.
                c if !c.is_control() => text.push(c),
                _ => return None,
            }
        }
        None
    }

    fn number(&mut self) -> Option<Value> {
        let text = self.take(|c| c.is_ascii_digit() || "-.".contains(c));
        if text.len() > 17 {
            return None;
        }
        if text.contains('.') {
            Number::from_f64(text.parse().ok()?).map(Value::Number)
        } else {
            text.parse::<i64>().ok().map(Value::from)
        }
    }

    /// `;key` and `;key=value`, any number of them.
    fn parameters(&mut self) -> Option<()> {
        while self.eat(';') {
            self.blanks();
            self.key()?;
            if self.eat('=') {
                self.item()?;
            }
        }
        Some(())
    }

    /// Skips a malformed member and its comma; commas in strings do not count.
    fn skip_member(&mut self) {
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.find(|c| {
            let here = c == ',' && !quoted;
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            here
        });
        self.0 = end.map_or("", |end| &self.0[end + 1..]);
        self.blanks();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn json_of(cmcd: &Cmcd) -> Value {
        serde_json::to_value(cmcd).unwrap()
    }

    /// Made and decoded by npm @svta/cml-cmcd 2.7.0: version 1, two events and a request of
    /// version 2; the query, the header fields, and what they mean.
    #[test]
    fn reads_what_the_reference_library_writes() {
        let text = include_str!("../../../tests/data/cmcd.json");
        let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(vectors.len(), 4);
        for vector in vectors {
            let line = Cmcd::line(vector["encoded"].as_str().unwrap());
            assert_eq!(json_of(&line), vector["decoded"]);
            assert_eq!(line.malformed, 0);
            let query = Cmcd::of(vector["query"].as_str(), &HeaderMap::new());
            assert_eq!(query, line);
            let fields = vector["headers"].as_object().unwrap().iter();
            let fields = fields.map(|(name, value)| {
                let name = HeaderName::try_from(name.as_str()).unwrap();
                (name, value.as_str().unwrap().parse().unwrap())
            });
            assert_eq!(Cmcd::of(None, &fields.collect()), line);
        }
    }

    #[test]
    fn parameters_and_other_queries_are_ignored() {
        let cmcd = Cmcd::of(
            Some("a=1&CMCD=br%3D(3200%3Bv%20128%3Ba)%2Cv%3D2&b"),
            &HeaderMap::new(),
        );
        assert_eq!(json_of(&cmcd), json!({"br": ["3200;v", "128;a"], "v": 2}));
        assert_eq!((cmcd.number("v"), cmcd.malformed), (Some(2.0), 0));
        assert_eq!(cmcd.number("br"), Some(3200.0));
        let cmcd = Cmcd::line("bl=(2500), bs,sid=\"x\" , pr=-1,su=?0");
        assert_eq!((cmcd.number("bl"), cmcd.number("pr")), (Some(2500.0), None));
        assert!(cmcd.flag("bs") && !cmcd.flag("su") && cmcd.text("sid") == Some("x"));
        assert!(Cmcd::of(Some("x=CMCD"), &HeaderMap::new()).is_empty());
    }

    #[test]
    fn malformed_members_are_left_out_and_counted() {
        for (text, kept, malformed) in [
            ("br=1,=2,bl=3", json!({"br": 1, "bl": 3}), 1),
            ("br=1,sid=\"a,b", json!({"br": 1}), 1),
            ("br=(1 2,bl=3", json!({"bl": 3}), 1),
            ("br=1 2,bl=3", json!({"bl": 3}), 1),
            ("nor=:YQ==:,bl=3", json!({"bl": 3}), 1),
            ("x=\"a\\n\",bl=3", json!({"bl": 3}), 1),
            ("br=99999999999999999999", json!({}), 1),
            ("br=1..2", json!({}), 1),
            (",", json!({}), 1),
            ("\u{ff},bl=3", json!({"bl": 3}), 1),
        ] {
            let cmcd = Cmcd::line(text);
            let found = (json_of(&cmcd), cmcd.malformed);
            assert_eq!(found, (kept, malformed), "{text}");
        }
        assert_eq!(Cmcd::line(&"a,".repeat(5000)).malformed, 1);
        let many: Vec<String> = (0..100).map(|n| format!("k{n}")).collect();
        let many = Cmcd::line(&many.join(","));
        assert_eq!((many.keys.len(), many.malformed), (MAX_KEYS, 36));
        assert_eq!(Cmcd::of(Some("CMCD=%zz"), &HeaderMap::new()).malformed, 1);
    }

    proptest! {
        #[test]
        fn any_input_gives_bounded_json(
            text in "([a-z]{1,4}|[=,;()? ]|\"|\\\\|[0-9.-]{1,20}|é){0,60}"
        ) {
            let cmcd = Cmcd::line(&text);
            let json = serde_json::to_vec(&cmcd).unwrap();
            prop_assert!(json.len() < 16 * text.len() + 64, "{}", text);
        }
    }
}
