//! `stbl`: the sample table (§8.5). All samples are in fragments, so beside the sample entry it
//! holds four empty lists.

use super::{Atom, Prm1, Writer};
use crate::segment::error::FourCc;

/// Writes `stbl` with `stsd` and its one sample entry, and empty `stts`, `stsc`, `stsz`, `stco`.
pub(crate) fn write_sample_table(w: &mut Writer, entry: &Prm1) {
    w.boxed(FourCc(*b"stbl"), |w| {
        w.boxed(FourCc(*b"stsd"), |w| {
            w.version(0, 0);
            w.u32(1);
            entry.write(w);
        });
        for kind in [b"stts", b"stsc", b"stco"] {
            w.boxed(FourCc(*kind), |w| w.zeros(8));
        }
        w.boxed(FourCc(*b"stsz"), |w| w.zeros(12));
    });
}
