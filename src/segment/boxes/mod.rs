//! Reading and writing of boxes (ISO/IEC 14496-12 §4.2), and the two whose content has a shape of its own.
//! Only the boxes of our own files can be written; unknown boxes are skipped when reading.

mod read;
mod sample_entry;
mod trun;
mod write;

pub(super) use read::{BoxHeader, Reader};
pub(super) use sample_entry::{read_sample_entry, write_sample_entry};
pub(super) use trun::{Trun, TrunSample};
pub(super) use write::Writer;

/// Number of the one track of a file.
pub(super) const TRACK_ID: u32 = 1;
