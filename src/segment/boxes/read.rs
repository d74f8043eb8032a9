//! A bounded reader that tracks its box path and offset, so that every error names its place.
//!
//! Box syntax: ISO/IEC 14496-12 §4.2. A size of 0 ("to the end of the file") is refused: none of
//! our files has one, and a truncated file would look like a whole one.

use crate::segment::error::{FourCc, Place, SegmentError};
use std::fmt::Display;

/// Deepest nesting: `moov/trak/mdia/minf/stbl/stsd/prm1/prmC`, and two to spare.
const MAX_DEPTH: usize = 10;

/// Type and extent of a box, present in full or in part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoxHeader {
    pub(crate) kind: FourCc,
    /// Offset of its first byte from the start of the bytes.
    pub(crate) offset: u64,
    /// Bytes of the header itself: 8, or 16 with a 64-bit size.
    pub(crate) header: u64,
    /// Bytes of the whole box as announced.
    pub(crate) size: u64,
}

/// Reads the content of one box, or of a whole file.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Offset of the next byte from the start of the file.
    pub(crate) offset: u64,
    /// Offset of the first byte of this box, its header included.
    pub(crate) start: u64,
    /// The enclosing boxes and this one: the first `depth` are set.
    path: [FourCc; MAX_DEPTH],
    depth: usize,
    /// Number of the sample that is read, if it is one.
    sample: Option<usize>,
}

impl<'a> Reader<'a> {
    /// A reader over the top level of a file or segment.
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self {
            rest: data,
            offset: 0,
            start: 0,
            path: [FourCc([0; 4]); MAX_DEPTH],
            depth: 0,
            sample: None,
        }
    }

    /// A reader over the content of sample `index`; places are `sample N`, offsets count from its
    /// first byte.
    pub(crate) fn of_sample(data: &'a [u8], index: usize) -> Self {
        Self {
            sample: Some(index),
            ..Self::new(data)
        }
    }

    /// Bytes that are left in this box.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Offset of the byte after this box.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.rest.len() as u64
    }

    /// A byte inside this box, for errors about a field.
    pub(crate) fn place_at(&self, offset: u64) -> Place {
        let sample = self.sample.map(|index| format!("sample {index}"));
        let path = self.path[..self.depth].iter().map(FourCc::to_string);
        let names: Vec<String> = sample.into_iter().chain(path).collect();
        Place {
            path: names.join("/"),
            offset,
        }
    }

    /// The error that `field`, which begins at `offset`, is `found` and not `expected`.
    pub(crate) fn bad_at(
        &self,
        offset: u64,
        field: &'static str,
        found: impl Display,
        expected: impl Into<String>,
    ) -> SegmentError {
        SegmentError::Field {
            place: self.place_at(offset),
            field,
            found: found.to_string(),
            expected: expected.into(),
        }
    }

    /// Fails unless `found`, the value of a field of this box, is `expected`.
    pub(crate) fn expect<T: Copy + PartialEq + Display>(
        &self,
        field: &'static str,
        found: T,
        expected: T,
    ) -> Result<(), SegmentError> {
        match found == expected {
            true => Ok(()),
            false => Err(self.bad_at(self.start, field, found, expected.to_string())),
        }
    }

    /// The error that `what` at `offset` needs more bytes than there are.
    pub(crate) fn truncated(
        &self,
        offset: u64,
        what: impl Into<String>,
        needed: u64,
    ) -> SegmentError {
        SegmentError::Truncated {
            place: self.place_at(offset),
            what: what.into(),
            needed,
            left: self.end() - offset,
        }
    }

    /// The error that this box lacks a box of type `kind`.
    pub(crate) fn missing(&self, kind: &[u8; 4]) -> SegmentError {
        SegmentError::Missing {
            place: self.place_at(self.start),
            child: FourCc(*kind),
        }
    }

    /// The next `count` bytes; `what` names them in the error if they are not there.
    pub(crate) fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], SegmentError> {
        let Some((bytes, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.truncated(self.offset, what, count as u64));
        };
        self.rest = rest;
        self.offset += count as u64;
        Ok(bytes)
    }

    /// The next `N` bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], SegmentError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self, what: &str) -> Result<u8, SegmentError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, what: &str) -> Result<u16, SegmentError> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, SegmentError> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// The next number, which has 32 bits in version 0 of a FullBox and 64 in version 1.
    pub(crate) fn sized(&mut self, version: u8, what: &str) -> Result<u64, SegmentError> {
        match version {
            0 => self.u32(what).map(u64::from),
            _ => self.array(what).map(u64::from_be_bytes),
        }
    }

    /// Header of the next box, or `None` at the end. Moves past the header only; the announced size
    /// may exceed the bytes that are left.
    pub(crate) fn header(&mut self) -> Result<Option<BoxHeader>, SegmentError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let offset = self.offset;
        let size = self.u32("box header")?;
        let kind = FourCc(self.array("box header")?);
        let (header, size) = match size {
            1 => (16, self.sized(1, "64-bit box size")?),
            _ => (8, u64::from(size)),
        };
        if size < header {
            return Err(self.bad_at(offset, "box size", size, format!("at least {header}")));
        }
        Ok(Some(BoxHeader {
            kind,
            offset,
            header,
            size,
        }))
    }

    /// The next box, or `None` at the end. All of it must be there.
    pub(crate) fn next_box(&mut self) -> Result<Option<(FourCc, Self)>, SegmentError> {
        let Some(BoxHeader {
            kind,
            offset,
            header,
            size,
        }) = self.header()?
        else {
            return Ok(None);
        };
        let mut body = self.clone();
        body.start = offset;
        body.rest = usize::try_from(size - header)
            .ok()
            .and_then(|length| self.rest.get(..length))
            .ok_or_else(|| self.truncated(offset, format!("{kind} box"), size))?;
        let Some(name) = body.path.get_mut(body.depth) else {
            let found = format!("deeper than {MAX_DEPTH}");
            return Err(self.bad_at(offset, "box nesting", found, "fewer boxes in each other"));
        };
        *name = kind;
        body.depth += 1;
        self.take(body.rest.len(), "box")?;
        Ok(Some((kind, body)))
    }

    /// The first box of type `kind` among those from here on; moves past it.
    pub(crate) fn find(&mut self, kind: &[u8; 4]) -> Result<Self, SegmentError> {
        while let Some((found, body)) = self.next_box()? {
            if found.0 == *kind {
                return Ok(body);
            }
        }
        Err(self.missing(kind))
    }

    /// The first box of type `kind` in this one.
    pub(crate) fn child(&self, kind: &[u8; 4]) -> Result<Self, SegmentError> {
        self.clone().find(kind)
    }

    /// The FullBox `kind` in this one, with its version, at most `newest`, and its flags.
    pub(crate) fn full(&self, kind: &[u8; 4], newest: u8) -> Result<(Self, u8, u32), SegmentError> {
        let mut body = self.child(kind)?;
        let offset = body.offset;
        let [version, high, middle, low] = body.array("version and flags")?;
        if version > newest {
            return Err(body.bad_at(offset, "version", version, format!("at most {newest}")));
        }
        Ok((body, version, u32::from_be_bytes([0, high, middle, low])))
    }
}
