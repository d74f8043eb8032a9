//! One kind of segment information as Period, AdaptationSet and Representation together give it:
//! inner levels override outer ones (ISO/IEC 23009-1 §5.3.9.1).

use super::tree::Element;
use crate::manifest::error::{MAX_URL, Source};
use crate::manifest::reference::join;
use crate::manifest::{ByteRange, ManifestError};
use crate::time::Timescale;

/// The elements of one kind.
pub(super) struct Levels<'a> {
    /// `SegmentBase`, `SegmentList` or `SegmentTemplate`.
    pub(super) kind: &'static str,
    /// From the outer to the inner, at least one.
    elements: Vec<&'a Element>,
    source: &'a Source<'a>,
    /// What URLs are relative to.
    pub(super) base: &'a str,
}

/// The kinds of segment information.
pub(super) const KINDS: [&str; 3] = ["SegmentBase", "SegmentList", "SegmentTemplate"];

impl<'a> Levels<'a> {
    /// The kind that the innermost of `parents` (from the outer to the inner) uses.
    pub(super) fn find(
        parents: &[&'a Element],
        source: &'a Source<'a>,
        base: &'a str,
    ) -> Option<Self> {
        let of = |parent: &&'a Element| KINDS.into_iter().find(|kind| parent.first(kind).is_some());
        let kind = parents.iter().rev().find_map(of)?;
        let elements = parents.iter().filter_map(|parent| parent.first(kind));
        Some(Self {
            kind,
            elements: elements.collect(),
            source,
            base,
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.elements.iter().rev().find_map(|level| level.get(name))
    }

    pub(super) fn child(&self, name: &str) -> Option<&'a Element> {
        let mut inner = self.elements.iter().rev();
        inner.find_map(|level| level.first(name))
    }

    /// The children of one name of the innermost element that has any.
    pub(super) fn children(&self, name: &'a str) -> Vec<&'a Element> {
        let all = |level: &&'a Element| level.all(name).collect::<Vec<_>>();
        let mut inner = self.elements.iter().rev().map(all);
        inner.find(|all| !all.is_empty()).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str, default: u64) -> Result<u64, ManifestError> {
        let value = self
            .get(name)
            .map_or(Some(default), |text| text.parse().ok());
        value.ok_or_else(|| self.invalid(name, "a whole number from 0 up"))
    }

    pub(super) fn timescale(&self) -> Result<Timescale, ManifestError> {
        let ticks = u32::try_from(self.number("timescale", 1)?).ok();
        let timescale = ticks.and_then(|ticks| Timescale::new(ticks).ok());
        timescale.ok_or_else(|| self.invalid("timescale", "1 to 2^32 − 1"))
    }

    /// Place of the init segment by the child element Initialization, if there is one.
    pub(super) fn initialization(
        &self,
    ) -> Result<Option<(String, Option<ByteRange>)>, ManifestError> {
        let Some(init) = self.child("Initialization") else {
            return Ok(None);
        };
        let url = self.url(init, "sourceURL")?;
        Ok(Some((url, self.range(init, "range")?)))
    }

    /// The URL in an attribute, or the base itself.
    pub(super) fn url(&self, element: &Element, name: &str) -> Result<String, ManifestError> {
        let url = element.get(name).filter(|url| !url.is_empty());
        self.joined(url.map_or_else(|| self.base.to_owned(), |url| join(self.base, url)))
    }

    /// `url`, unless it is too long.
    pub(super) fn joined(&self, url: String) -> Result<String, ManifestError> {
        match url.len() > MAX_URL {
            true => Err(self.invalid("", &format!("URLs of at most {MAX_URL} bytes"))),
            false => Ok(url),
        }
    }

    /// The byte range in an attribute, if it is there.
    pub(super) fn range(
        &self,
        element: &Element,
        name: &str,
    ) -> Result<Option<ByteRange>, ManifestError> {
        let Some(text) = element.get(name) else {
            return Ok(None);
        };
        let place = format!("<{}>@{name}", element.name);
        let wrong = || self.at(element, &place, "a range <first>-<last>");
        parse_range(text).map(Some).ok_or_else(wrong)
    }

    /// An error at one of the elements.
    pub(super) fn invalid(&self, name: &str, expected: &str) -> ManifestError {
        let line = self.elements.last().map_or(0, |level| level.line);
        let place = match name {
            "" => format!("<{}>", self.kind),
            name => format!("<{}>@{name}", self.kind),
        };
        self.source.invalid(line, place, expected)
    }

    /// An error at `element`.
    pub(super) fn at(&self, element: &Element, place: &str, expected: &str) -> ManifestError {
        self.source.invalid(element.line, place, expected)
    }
}

/// A byte range with both ends included (RFC 9110 §14.1.2).
pub(super) fn parse_range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.split_once('-')?;
    let (start, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length = last.checked_sub(start)?.checked_add(1)?;
    Some(ByteRange { start, length })
}
