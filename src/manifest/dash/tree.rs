//! XML as a tree of elements with their line numbers: as much as an MPD needs.
//!
//! Foreign documents are read with bounds: nesting is limited, entities are the five of XML, and a
//! DOCTYPE is refused. Namespaces are dropped from element names.

use crate::manifest::ManifestError;
use crate::manifest::error::Source;
use quick_xml::events::{BytesDecl, BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer, XmlVersion};

/// Deepest nesting that is read; an MPD needs seven levels.
const MAX_DEPTH: usize = 32;

/// An element with its attributes in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// Text directly inside, without the white space around it.
    pub(super) text: String,
    /// Where it starts; 0 for an element to be written.
    pub(super) line: usize,
}

impl Element {
    /// An element to be written.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Appends an attribute.
    pub(super) fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    /// Appends children.
    pub(super) fn children(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    /// Appends a child.
    pub(super) fn child(self, child: Element) -> Self {
        self.children([child])
    }

    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// The children of one name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child of a name.
    pub(crate) fn first(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// This element and all below it, in the order of the document.
    pub(crate) fn descendants(&self) -> impl Iterator<Item = &Element> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let next = open.pop()?;
            open.extend(next.children.iter().rev());
            Some(next)
        })
    }

    /// An error at this element, or at its attribute of this name if that is not empty.
    pub(super) fn invalid(
        &self,
        source: &Source<'_>,
        attribute: &str,
        expected: &str,
    ) -> ManifestError {
        let place = match attribute {
            "" => format!("<{}>", self.name),
            attribute => format!("<{}>@{attribute}", self.name),
        };
        source.invalid(self.line, place, expected)
    }

    /// The root element of a document.
    pub(super) fn parse(source: &Source<'_>) -> Result<Self, ManifestError> {
        let mut reader = Reader::from_str(source.text);
        let mut open: Vec<Element> = Vec::new();
        let (mut line, mut counted) = (1, 0);
        loop {
            let here = usize::try_from(reader.buffer_position()).unwrap_or(0);
            let passed = source.text.as_bytes().get(counted..here);
            let passed = passed.unwrap_or_default().iter();
            line += passed.filter(|byte| **byte == b'\n').count();
            counted = here;
            let invalid = |expected: String| source.invalid(line, "XML", expected);
            let event = reader.read_event();
            let mut finished = None;
            match event.map_err(|error| invalid(format!("well-formed XML: {error}")))? {
                Event::Start(start) if open.len() < MAX_DEPTH => {
                    open.push(element(&start, source, line)?);
                }
                Event::Start(_) => return Err(invalid(format!("at most {MAX_DEPTH} levels"))),
                Event::Empty(start) => finished = Some(element(&start, source, line)?),
                Event::End(_) => finished = open.pop(),
                Event::Text(text) => add_text(&mut open, &text.xml10_content()),
                Event::CData(text) => add_text(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let text = resolve(&reference);
                    let text = text.ok_or_else(|| invalid("one of XML's own entities".to_owned()));
                    add_text(&mut open, &text?);
                }
                Event::DocType(_) => return Err(invalid("no DOCTYPE".to_owned())),
                Event::Eof => return Err(invalid("a complete element".to_owned())),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
            if let Some(root) = finished.and_then(|done| close(&mut open, done)) {
                return Ok(root);
            }
        }
    }

    /// The document with this element as its root, indented by two spaces.
    pub(super) fn to_xml(&self) -> std::io::Result<String> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        self.write_to(&mut writer)?;
        let mut bytes = writer.into_inner();
        bytes.push(b'\n');
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn write_to(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let mut start = BytesStart::new(self.name.as_str());
        for (name, value) in &self.attributes {
            start.push_attribute((name.as_str(), value.as_str()));
        }
        if self.children.is_empty() && self.text.is_empty() {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        if !self.text.is_empty() {
            writer.write_event(Event::Text(BytesText::new(&self.text)))?;
        }
        for child in &self.children {
            child.write_to(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }
}

fn element(
    start: &BytesStart<'_>,
    source: &Source<'_>,
    line: usize,
) -> Result<Element, ManifestError> {
    let name = start.local_name().as_ref().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok().and_then(|attribute| {
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).ok()?;
            Some((attribute.key.as_ref().to_owned(), value.into_owned()))
        });
        let place = || format!("<{name}>");
        let invalid = || source.invalid(line, place(), "well-formed attributes");
        attributes.push(attribute.ok_or_else(invalid)?);
    }
    Ok(Element {
        name,
        attributes,
        line,
        ..Element::default()
    })
}

/// Hands a finished element to its parent, or back if it has none.
fn close(open: &mut [Element], mut done: Element) -> Option<Element> {
    done.text = done.text.trim().to_owned();
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(done);
            None
        }
        None => Some(done),
    }
}

fn add_text(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.to_string());
    }
    let name = reference.xml10_content();
    quick_xml::escape::resolve_xml_entity(&name).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Element, String> {
        let source = Source::new("m.mpd", text).unwrap();
        Element::parse(&source).map_err(|error| error.to_string())
    }

    #[test]
    fn written_elements_read_back() {
        let url = Element {
            text: "a&b<c>.mp4".to_owned(),
            ..Element::new("BaseURL")
        };
        let root = Element::new("MPD").with("a", "1 < 2 & \"so\" on");
        let mut root = root.children([url, Element::new("Empty")]);
        let read = parse(&root.to_xml().unwrap()).unwrap();
        (root.line, root.children[0].line, root.children[1].line) = (2, 3, 4);
        assert_eq!(read, root);
    }

    #[test]
    fn prefixes_comments_and_cdata_are_understood() {
        let text = "<?xml version='1.0'?><!-- x --><d:A x:y='1'>\n<![CDATA[a]]>&#98;&amp; </d:A>";
        let root = parse(text).unwrap();
        assert_eq!((root.name.as_str(), root.text.as_str()), ("A", "ab&"));
        assert_eq!(root.get("x:y"), Some("1"));
    }

    #[test]
    fn hostile_and_damaged_documents_are_refused_with_a_line() {
        let doctype = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        for (text, expected) in [
            (doctype, "line 1: XML: expected no DOCTYPE"),
            ("<a>\n&b;</a>", "one of XML's own entities"),
            ("<a>\n<b>", "line 2: XML: expected a complete element"),
            ("<a>\n</b>", "well-formed XML"),
            ("<a b='1' b='2'/>", "<a>: expected well-formed attributes"),
            ("<a b=1/>", "well-formed attributes"),
            ("", "a complete element"),
            (&"<a>".repeat(40), "at most 32 levels"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
