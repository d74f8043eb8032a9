//! One kind of segment information as Period, AdaptationSet and Representation together give it:
//! inner levels override outer ones (ISO/IEC 23009-1 §5.3.9.1).

use super::tree::Element;
use crate::manifest::error::{MAX_URL, Source};
use crate::manifest::reference::join;
use crate::manifest::{ByteRange, ManifestError};
use crate::time::Timescale;

/// The kinds of segment information.
const KINDS: [&str; 3] = ["SegmentBase", "SegmentList", "SegmentTemplate"];

/// The elements of one kind.
pub(super) struct Levels<'a> {
    /// From the inner to the outer, at least one.
    elements: Vec<&'a Element>,
    pub(super) source: &'a Source<'a>,
    /// URL that relative URLs are joined to.
    pub(super) base: &'a str,
}

impl<'a> Levels<'a> {
    /// The kind that the innermost of `parents` (from the outer to the inner) uses.
    pub(super) fn find(
        parents: &[&'a Element],
        source: &'a Source<'a>,
        base: &'a str,
    ) -> Option<Self> {
        let of = |parent: &&'a Element| KINDS.into_iter().find(|kind| parent.first(kind).is_some());
        let inner = || parents.iter().rev();
        let kind = inner().find_map(of)?;
        Some(Self {
            elements: inner().filter_map(|parent| parent.first(kind)).collect(),
            source,
            base,
        })
    }

    pub(super) fn innermost(&self) -> &'a Element {
        self.elements[0]
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.elements.iter().find_map(|level| level.get(name))
    }

    pub(super) fn child(&self, name: &str) -> Option<&'a Element> {
        self.elements.iter().find_map(|level| level.first(name))
    }

    /// The children of one name of the innermost element that has any.
    pub(super) fn children(&self, name: &'a str) -> Vec<&'a Element> {
        let of = |level: &&'a Element| level.all(name).collect::<Vec<_>>();
        let mut levels = self.elements.iter().map(of);
        levels.find(|all| !all.is_empty()).unwrap_or_default()
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
    pub(super) fn initialization(&self) -> Result<Option<Place>, ManifestError> {
        let init = self.child("Initialization");
        init.map(|init| self.place(init, ["sourceURL", "range"]))
            .transpose()
    }

    /// The URL in the one attribute, or the base itself, and the byte range in the other, if it is there.
    pub(super) fn place(
        &self,
        element: &Element,
        [url, range]: [&str; 2],
    ) -> Result<Place, ManifestError> {
        let url = element.get(url).filter(|url| !url.is_empty());
        let url = url.map_or_else(|| self.base.to_owned(), |url| join(self.base, url));
        let url = self.checked(url)?;
        let Some(text) = element.get(range) else {
            return Ok((url, None));
        };
        let invalid = || element.invalid(self.source, range, RANGE);
        Ok((url, Some(parse_range(text).ok_or_else(invalid)?)))
    }

    /// `url`, unless it is too long.
    pub(super) fn checked(&self, url: String) -> Result<String, ManifestError> {
        match url.len() > MAX_URL {
            true => Err(self.invalid("", &format!("URLs of at most {MAX_URL} bytes"))),
            false => Ok(url),
        }
    }

    /// An error at the innermost element or its attribute `name`.
    pub(super) fn invalid(&self, name: &str, expected: &str) -> ManifestError {
        self.innermost().invalid(self.source, name, expected)
    }
}

/// A URL and the bytes of it that are meant; `None` for all.
pub(super) type Place = (String, Option<ByteRange>);

/// How [`parse_range`] expects a range.
pub(super) const RANGE: &str = "a range <first>-<last>";

/// A byte range with both ends included (RFC 9110 §14.1.2).
pub(super) fn parse_range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.split_once('-')?;
    let (start, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length = last.checked_sub(start)?.checked_add(1)?;
    Some(ByteRange { start, length })
}
