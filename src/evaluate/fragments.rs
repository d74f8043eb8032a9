//! Bytes of a fragmented MP4 file that a player must fetch (ISO/IEC 14496-12 §8.8): everything but the
//! indexes, counted alike for our titles and for other codecs.

use crate::segment::SegmentError;
use crate::segment::tree::{BoxNode, box_tree};

/// Indexes of segments: a player with a playlist does without.
const INDEXES: [&[u8; 4]; 3] = [b"sidx", b"mfra", b"free"];

/// Bytes of a box header; boxes of 4 GiB, which have a longer one, do not occur in fragments.
const HEADER: u64 = 8;

/// Sizes of a file in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Init and media segments: what the true rate counts.
    pub(super) fetched: u64,
    /// The samples in them.
    pub(super) payload: u64,
    /// Each media segment, from its `moof` to the next one.
    pub(super) segments: Vec<u64>,
}

/// The sizes in `file`. Fails where a box is damaged.
pub(super) fn sizes(file: &[u8]) -> Result<Sizes, SegmentError> {
    let mut sizes = Sizes::default();
    let tree = box_tree(file)?;
    let fetched = |node: &&BoxNode| !INDEXES.contains(&&node.kind.0);
    for node in tree.iter().filter(fetched) {
        match &node.kind.0 {
            b"moof" => sizes.segments.push(0),
            b"mdat" => sizes.payload += node.size - HEADER,
            _ => {}
        }
        sizes.fetched += node.size;
        if let Some(segment) = sizes.segments.last_mut() {
            *segment += node.size;
        }
    }
    Ok(sizes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Sizes, sizes};

    #[test]
    fn indexes_are_not_counted_and_segments_go_from_moof_to_moof() {
        let boxes: [(&[u8; 4], usize); 8] = [
            (b"ftyp", 12),
            (b"sidx", 32),
            (b"moof", 0),
            (b"mdat", 500),
            (b"sidx", 32),
            (b"moof", 0),
            (b"mdat", 300),
            (b"mfra", 40),
        ];
        let file = boxes.map(|(kind, body)| {
            let size = (8 + body) as u32;
            [&size.to_be_bytes()[..], kind, &vec![0; body]].concat()
        });
        let file = file.concat();
        let expected = Sizes {
            fetched: 20 + 8 + 508 + 8 + 308,
            payload: 800,
            segments: vec![8 + 508, 8 + 308],
        };
        assert_eq!(sizes(&file).unwrap(), expected);
        assert!(sizes(&file[..file.len() - 1]).is_err());
        assert_eq!(sizes(&[]).unwrap(), Sizes::default());
    }
}
