//! `sidx`: the index of an on-demand file (ISO/IEC 14496-12 §8.16.3). It is between `moov`
//! and the first segment, lists every segment, and counts its `styp` in.

use super::boxes::{Reader, TRACK_ID, Writer};
use super::error::SegmentError;

/// One segment of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry {
    /// Bytes, below 2³¹.
    pub size: u32,
    /// Ticks.
    pub duration: u32,
    /// Whether a player can start here.
    pub starts_with_sap: bool,
    /// 1 for our closed segments, 0 where none starts.
    pub sap_type: u8,
}

/// The index of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentIndex {
    /// Ticks a second.
    pub timescale: u32,
    /// Start of the first segment, in ticks.
    pub start: u64,
    /// Bytes between the end of the index and the first segment.
    pub first_offset: u64,
    /// At most 65,535.
    pub entries: Vec<IndexEntry>,
}

const MAX_SIZE: u32 = (1 << 31) - 1;
/// Bytes of an entry.
const ENTRY: usize = 12;

impl SegmentIndex {
    /// The index as a box.
    ///
    /// Fails with more than 65,535 segments, or one of 2 GiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SegmentError> {
        let count = self.entries.len();
        if count > usize::from(u16::MAX) {
            let expected = "at most 65535 in one file";
            return Err(SegmentError::unwritable("segments", count, expected));
        }
        if let Some(large) = self.entries.iter().find(|entry| entry.size > MAX_SIZE) {
            let (size, expected) = (large.size, "below 2 GiB");
            return Err(SegmentError::unwritable("segment size", size, expected));
        }
        let short = u32::try_from(self.start).ok();
        let short = short.zip(u32::try_from(self.first_offset).ok());
        let mut w = Writer::default();
        w.full(b"sidx", (u8::from(short.is_none()), 0), |w| {
            w.words(&[TRACK_ID, self.timescale]);
            match short {
                Some((start, first_offset)) => w.words(&[start, first_offset]),
                None => {
                    w.u64(self.start);
                    w.u64(self.first_offset);
                }
            }
            w.words(&[count as u32]);
            for entry in &self.entries {
                let sap = u32::from(entry.starts_with_sap) << 31;
                let sap = sap | u32::from(entry.sap_type & 7) << 28;
                w.words(&[entry.size, entry.duration, sap]);
            }
        });
        Ok(w.finish())
    }

    /// Reads the box that `bytes` begin with, or that follows others in them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SegmentError> {
        let (mut r, version, _) = Reader::new(bytes).full(b"sidx", 1)?;
        r.u32("reference_ID")?;
        let timescale = r.u32("timescale")?;
        let start = r.sized(version, "start")?;
        let first_offset = r.sized(version, "first_offset")?;
        r.u16("reserved")?;
        let count = usize::from(r.u16("reference_count")?);
        let entries = (0..count).map(|_| read_entry(&mut r));
        Ok(Self {
            timescale,
            start,
            first_offset,
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Reads the complete entries in `bytes`, the beginning of the box, and the number of entries in
    /// the whole box. `None` if `bytes` do not begin with the head of such a box.
    pub fn from_prefix(bytes: &[u8]) -> Option<Result<(Self, usize), SegmentError>> {
        let head = head_bytes(bytes)?;
        let count = usize::from(u16::from_be_bytes([bytes[head - 2], bytes[head - 1]]));
        let here = count.min((bytes.len() - head) / ENTRY);
        // The same box, had it no more entries than these.
        let mut cut = bytes[..head + here * ENTRY].to_vec();
        let size = u32::try_from(cut.len()).ok()?;
        cut[..4].copy_from_slice(&size.to_be_bytes());
        let kept = u16::try_from(here).ok()?;
        cut[head - 2..head].copy_from_slice(&kept.to_be_bytes());
        Some(Self::from_bytes(&cut).map(|index| (index, count)))
    }

    /// Most bytes of a box, from its start, up to the end of entry number `entries`.
    pub fn prefix_bytes(entries: usize) -> u64 {
        (HEAD[1] + entries * ENTRY) as u64
    }
}

/// Bytes before the first entry, by version.
const HEAD: [usize; 2] = [32, 40];

/// The bytes before the first entry, if all of them are here and of such a box.
fn head_bytes(bytes: &[u8]) -> Option<usize> {
    let head = *HEAD.get(usize::from(*bytes.get(8)?))?;
    let short = u32::from_be_bytes(bytes[..4].try_into().ok()?) >= head as u32;
    let ours = bytes[4..8] == *b"sidx" && short;
    (ours && bytes.len() >= head).then_some(head)
}

fn read_entry(r: &mut Reader<'_>) -> Result<IndexEntry, SegmentError> {
    let offset = r.offset;
    let size = r.u32("referenced_size")?;
    if size > MAX_SIZE {
        return Err(r.bad_at(offset, "reference_type", 1, "0 (media, no further index)"));
    }
    let duration = r.u32("subsegment_duration")?;
    let sap = r.u32("SAP")?;
    Ok(IndexEntry {
        size,
        duration,
        starts_with_sap: sap >> 31 == 1,
        sap_type: (sap >> 28 & 7) as u8,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn index(start: u64) -> SegmentIndex {
        let entry = |size, sap_type| IndexEntry {
            size,
            duration: 48_000,
            starts_with_sap: sap_type == 1,
            sap_type,
        };
        SegmentIndex {
            timescale: 24_000,
            start,
            first_offset: 0,
            entries: vec![entry(3700, 1), entry(MAX_SIZE, 0)],
        }
    }

    #[test]
    fn an_index_reads_back_in_full_and_from_a_prefix() {
        for (start, head) in [(0, HEAD[0]), (1 << 40, HEAD[1])] {
            let whole = index(start);
            let bytes = whole.to_bytes().unwrap();
            assert_eq!(bytes.len(), head + 2 * ENTRY);
            assert!(bytes.len() as u64 <= SegmentIndex::prefix_bytes(2));
            assert_eq!(SegmentIndex::from_bytes(&bytes).unwrap(), whole);
            for cut in 0..bytes.len() {
                assert!(SegmentIndex::from_bytes(&bytes[..cut]).is_err());
                assert_eq!(
                    SegmentIndex::from_prefix(&bytes[..cut]).is_some(),
                    cut >= head
                );
            }
            for cut in head..=bytes.len() {
                let (part, count) = SegmentIndex::from_prefix(&bytes[..cut]).unwrap().unwrap();
                let entries = whole.entries[..(cut - head) / ENTRY].to_vec();
                let expected = SegmentIndex {
                    entries,
                    ..whole.clone()
                };
                assert_eq!((part, count), (expected, 2));
            }
        }
        assert!(SegmentIndex::from_prefix(&[0; 64]).is_none());
    }

    #[test]
    fn sizes_counts_and_indexes_of_indexes_are_refused() {
        let mut large = index(0);
        large.entries[0].size = MAX_SIZE + 1;
        assert!(large.to_bytes().is_err());
        large.entries = vec![index(0).entries[0]; 70_000];
        assert!(large.to_bytes().is_err());
        let mut bytes = index(0).to_bytes().unwrap();
        bytes[32] |= 0x80;
        let error = SegmentIndex::from_bytes(&bytes).unwrap_err();
        assert!(error.to_string().contains("reference_type"), "{error}");
    }
}
