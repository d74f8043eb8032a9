//! `trun`: duration and size of each sample of a fragment (§8.8.8), and whether the first one is
//! a sync sample; nothing else, so that a sample costs 8 bytes.

use super::{Reader, Writer};
use crate::segment::error::SegmentError;

const DATA_OFFSET: u32 = 0x001;
const FIRST_FLAGS: u32 = 0x004;
const DURATION: u32 = 0x100;
const SIZE: u32 = 0x200;

/// Sample flags (§8.8.3.1): the sample depends on no other and is a sync sample.
const SYNC: u32 = 0x0200_0000;
/// Bit of the sample flags that is set on samples that are not sync samples.
const NON_SYNC_BIT: u32 = 0x0001_0000;

/// One sample as `trun` lists it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrunSample {
    /// Ticks.
    pub(crate) duration: u32,
    /// Bytes in the `mdat`.
    pub(crate) size: u32,
}

/// The samples of a fragment.
#[derive(Debug)]
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

    pub(crate) fn write(&self, w: &mut Writer) {
        let first = u32::from(self.starts_with_sync) * FIRST_FLAGS;
        w.full(b"trun", (0, DATA_OFFSET | DURATION | SIZE | first), |w| {
            w.u32(u32::try_from(self.samples.len()).unwrap_or(u32::MAX));
            w.u32(self.data_offset.cast_unsigned());
            if self.starts_with_sync {
                w.u32(SYNC);
            }
            for sample in &self.samples {
                w.words(&[sample.duration, sample.size]);
            }
        });
    }

    pub(crate) fn read(traf: &Reader<'_>) -> Result<Self, SegmentError> {
        let (mut r, _, flags) = traf.full(b"trun", 1)?;
        if flags & !FIRST_FLAGS != DATA_OFFSET | DURATION | SIZE {
            let found = format!("{flags:#08x}");
            let expected = "0x000301 or 0x000305 (data offset, duration and size per sample)";
            return Err(r.bad_at(r.offset - 4, "flags", found, expected));
        }
        let count = r.u32("sample_count")? as usize;
        let data_offset = r.u32("data_offset")?.cast_signed();
        let starts_with_sync =
            flags & FIRST_FLAGS != 0 && r.u32("first_sample_flags")? & NON_SYNC_BIT == 0;
        // Taken before anything is allocated: a false count is an error, not an allocation.
        let mut list = Reader::new(r.take(count.saturating_mul(8), "list of samples")?);
        let mut sample = || {
            Ok(TrunSample {
                duration: list.u32("sample_duration")?,
                size: list.u32("sample_size")?,
            })
        };
        Ok(Self {
            data_offset,
            starts_with_sync,
            samples: (0..count).map(|_| sample()).collect::<Result<_, _>>()?,
        })
    }
}
