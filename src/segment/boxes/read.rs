//! A bounded reader that tracks its box path and offset, so that every error names its place.
//!
//! Box syntax: ISO/IEC 14496-12 §4.2. A size of 0 ("to the end of the file") is refused: none of
//! our files has one, and a truncated file would look like a whole one.

use crate::segment::error::{FourCc, Place, SegmentError};
use std::fmt::Display;

/// Deepest nesting: `moov/trak/mdia/minf/stbl/stsd/prm1/prmC`, and two to spare.
const MAX_DEPTH: usize = 10;

#[derive(Clone, Copy)]
struct BoxPath {
    kinds: [FourCc; MAX_DEPTH],
    depth: usize,
    /// Number of the sample, for the content of one.
    sample: Option<usize>,
}

/// Type and extent of a box, whether or not all of it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoxHeader {
    /// Its type.
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
    data: &'a [u8],
    at: usize,
    base: u64,
    start: u64,
    path: BoxPath,
}

impl<'a> Reader<'a> {
    /// A reader over the top level of a file or segment.
    pub(crate) fn new(data: &'a [u8]) -> Self {
        let path = BoxPath {
            kinds: [FourCc([0; 4]); MAX_DEPTH],
            depth: 0,
            sample: None,
        };
        Self {
            data,
            at: 0,
            base: 0,
            start: 0,
            path,
        }
    }

    /// A reader over the content of sample `index`; places are `sample N`, offsets count from its
    /// first byte.
    pub(crate) fn of_sample(data: &'a [u8], index: usize) -> Self {
        let mut reader = Self::new(data);
        reader.path.sample = Some(index);
        reader
    }

    /// Offset of the next byte from the start of the file.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Offset of the first byte of this box, its header included.
    pub(crate) fn box_offset(&self) -> u64 {
        self.start
    }

    /// Bytes that are left in this box.
    pub(crate) fn left(&self) -> usize {
        self.data.len() - self.at
    }

    /// This box, for errors about all of it.
    pub(crate) fn place(&self) -> Place {
        self.place_at(self.start)
    }

    /// A byte inside this box, for errors about a field.
    pub(crate) fn place_at(&self, offset: u64) -> Place {
        let kinds = &self.path.kinds[..self.path.depth];
        let sample = self.path.sample.map(|index| format!("sample {index}"));
        let kinds = kinds.iter().map(FourCc::to_string);
        let names: Vec<String> = sample.into_iter().chain(kinds).collect();
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

    /// The next `count` bytes; `what` names them in the error if they are not there.
    pub(crate) fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], SegmentError> {
        if count > self.left() {
            return Err(SegmentError::Truncated {
                place: self.place_at(self.offset()),
                what: what.to_owned(),
                needed: count as u64,
                left: self.left() as u64,
            });
        }
        let bytes = &self.data[self.at..self.at + count];
        self.at += count;
        Ok(bytes)
    }

    /// The next `N` bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], SegmentError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, what)?);
        Ok(array)
    }

    /// The next byte.
    pub(crate) fn u8(&mut self, what: &str) -> Result<u8, SegmentError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    /// The next 16-bit number.
    pub(crate) fn u16(&mut self, what: &str) -> Result<u16, SegmentError> {
        self.array(what).map(u16::from_be_bytes)
    }

    /// The next 32-bit number.
    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, SegmentError> {
        self.array(what).map(u32::from_be_bytes)
    }

    /// The next 64-bit number.
    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, SegmentError> {
        self.array(what).map(u64::from_be_bytes)
    }

    /// Version and flags of a FullBox; a version above `newest` is refused.
    pub(crate) fn version(&mut self, newest: u8) -> Result<(u8, u32), SegmentError> {
        let offset = self.offset();
        let word = self.u32("version and flags")?;
        let [version, ..] = word.to_be_bytes();
        if version > newest {
            return Err(self.bad_at(offset, "version", version, format!("at most {newest}")));
        }
        Ok((version, word & 0x00ff_ffff))
    }

    /// Header of the next box, or `None` at the end. Moves past the header only; the announced size
    /// may exceed the bytes that are left.
    pub(crate) fn header(&mut self) -> Result<Option<BoxHeader>, SegmentError> {
        if self.left() == 0 {
            return Ok(None);
        }
        let offset = self.offset();
        let size = self.u32("box header")?;
        let kind = FourCc(self.array("box header")?);
        let (header, size) = match size {
            1 => (16, self.u64("64-bit box size")?),
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
    pub(crate) fn next_box(&mut self) -> Result<Option<(FourCc, Reader<'a>)>, SegmentError> {
        let Some(header) = self.header()? else {
            return Ok(None);
        };
        let body = header.size - header.header;
        if body > self.left() as u64 {
            return Err(SegmentError::Truncated {
                place: self.place_at(header.offset),
                what: format!("{} box", header.kind),
                needed: header.size,
                left: self.left() as u64 + header.header,
            });
        }
        let body = self.enter(&header, body as usize)?;
        Ok(Some((header.kind, body)))
    }

    /// A reader over the first `body` bytes after the header just read; moves past them.
    pub(crate) fn enter(
        &mut self,
        header: &BoxHeader,
        body: usize,
    ) -> Result<Reader<'a>, SegmentError> {
        let mut path = self.path;
        if path.depth == MAX_DEPTH {
            return Err(self.bad_at(
                header.offset,
                "box nesting",
                format!("deeper than {MAX_DEPTH}"),
                "fewer boxes in each other",
            ));
        }
        path.kinds[path.depth] = header.kind;
        path.depth += 1;
        let base = self.offset();
        Ok(Reader {
            data: self.take(body, "box")?,
            at: 0,
            base,
            start: header.offset,
            path,
        })
    }

    /// The first box of type `kind` among those from here on; others are skipped.
    pub(crate) fn optional(&self, kind: FourCc) -> Result<Option<Reader<'a>>, SegmentError> {
        let mut rest = self.clone();
        while let Some((found, body)) = rest.next_box()? {
            if found == kind {
                return Ok(Some(body));
            }
        }
        Ok(None)
    }

    /// As [`Self::optional`], but its absence is an error.
    pub(crate) fn child(&self, kind: FourCc) -> Result<Reader<'a>, SegmentError> {
        self.optional(kind)?.ok_or_else(|| SegmentError::Missing {
            place: self.place(),
            child: kind,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_box_names_its_parent_and_offset() {
        let bytes = [
            [0, 0, 0, 8].as_slice(),
            b"free",
            &[0, 0, 0, 16],
            b"moov",
            &[0, 0, 0, 8],
            b"mvhd",
        ]
        .concat();
        let moov = Reader::new(&bytes).child(FourCc(*b"moov")).unwrap();
        let error = moov.child(FourCc(*b"trak")).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "moov at byte 8: no trak");
    }

    #[test]
    fn a_box_longer_than_its_parent_is_cut_short() {
        let bytes = [[0, 0, 0, 99].as_slice(), b"moov", &[1, 2, 3]].concat();
        let error = Reader::new(&bytes).next_box().map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "byte 0: cut short: moov box needs 99 bytes, 11 are left"
        );
    }

    #[test]
    fn sizes_below_the_header_are_refused() {
        for size in [0u32, 2, 7] {
            let bytes = [&size.to_be_bytes(), b"moov".as_slice()].concat();
            assert!(Reader::new(&bytes).next_box().is_err(), "{size}");
        }
    }
}
