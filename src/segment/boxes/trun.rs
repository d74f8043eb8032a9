//! `trun`: duration and size of each sample of a fragment (§8.8.8), and whether the first one is
//! a sync sample; nothing else, so that a sample costs 8 bytes.

use super::trex::{NON_SYNC_BIT, SYNC};
use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

const DATA_OFFSET: u32 = 0x001;
const FIRST_FLAGS: u32 = 0x004;
const DURATION: u32 = 0x100;
const SIZE: u32 = 0x200;

/// One sample as `trun` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrunSample {
    /// Ticks that it lasts.
    pub(crate) duration: u32,
    /// Bytes in the `mdat`.
    pub(crate) size: u32,
}

/// The samples of a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trun {
    /// From the first byte of the `moof` to the first sample.
    pub(crate) data_offset: i32,
    /// Whether the first sample needs none before it.
    pub(crate) starts_with_sync: bool,
    /// In order.
    pub(crate) samples: Vec<TrunSample>,
}

impl Trun {
    /// Bytes of the box with `samples` samples.
    pub(crate) fn size(samples: usize, starts_with_sync: bool) -> usize {
        20 + 4 * usize::from(starts_with_sync) + 8 * samples
    }
}

impl Atom for Trun {
    const KIND: FourCc = FourCc(*b"trun");

    fn write_body(&self, w: &mut Writer) {
        let first = if self.starts_with_sync {
            FIRST_FLAGS
        } else {
            0
        };
        w.version(0, DATA_OFFSET | DURATION | SIZE | first);
        w.u32(u32::try_from(self.samples.len()).unwrap_or(u32::MAX));
        w.u32(self.data_offset.cast_unsigned());
        if self.starts_with_sync {
            w.u32(SYNC);
        }
        for sample in &self.samples {
            w.u32(sample.duration);
            w.u32(sample.size);
        }
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let offset = r.offset();
        let (_, flags) = r.version(1)?;
        if flags & !FIRST_FLAGS != DATA_OFFSET | DURATION | SIZE {
            let found = format!("{flags:#08x}");
            let expected = "0x000301 or 0x000305 (data offset, duration and size per sample)";
            return Err(r.bad_at(offset, "flags", found, expected));
        }
        let count = r.u32("sample_count")?;
        let data_offset = r.u32("data_offset")?.cast_signed();
        let starts_with_sync =
            flags & FIRST_FLAGS != 0 && r.u32("first_sample_flags")? & NON_SYNC_BIT == 0;
        let samples = read_samples(r, count)?;
        Ok(Self {
            data_offset,
            starts_with_sync,
            samples,
        })
    }
}

/// Takes all entries before it allocates: a false count is an error, not an allocation.
fn read_samples(r: &mut Reader<'_>, count: u32) -> Result<Vec<TrunSample>, SegmentError> {
    let length = (count as usize).saturating_mul(8);
    let entries = r.take(length, "list of samples")?;
    let word = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |word, &byte| word << 8 | u32::from(byte))
    };
    let samples = entries.chunks_exact(8).map(|entry| TrunSample {
        duration: word(&entry[..4]),
        size: word(&entry[4..]),
    });
    Ok(samples.collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_false_count_allocates_nothing() {
        let mut w = Writer::default();
        let run = Trun {
            data_offset: 120,
            starts_with_sync: true,
            samples: Vec::new(),
        };
        run.write(&mut w);
        let mut bytes = w.finish();
        bytes[12..16].copy_from_slice(&u32::MAX.to_be_bytes());
        let error = Trun::read_from(&Reader::new(&bytes)).unwrap_err();
        assert!(error.to_string().contains("list of samples"), "{error}");
    }
}
