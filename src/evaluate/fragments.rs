//! Bytes of a fragmented MP4 file that a player must fetch (ISO/IEC 14496-12 §8.8): everything but the
//! indexes, counted alike for our titles and for other codecs.

use super::EvaluateError;
use crate::segment::tree::{BoxNode, box_tree};
use std::path::Path;

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

/// The sizes in the bytes `file` of the file at `path`. Fails where a box is damaged.
pub(super) fn sizes(file: &[u8], path: &Path) -> Result<Sizes, EvaluateError> {
    let mut sizes = Sizes::default();
    let tree = box_tree(file).map_err(EvaluateError::damaged(path))?;
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
    use super::Sizes;
    use std::path::Path;

    #[test]
    fn indexes_are_not_counted_and_segments_go_from_moof_to_moof() {
        let kinds = [
            "ftyp", "sidx", "moof", "mdat", "sidx", "moof", "mdat", "mfra",
        ];
        let bodies = [12, 32, 0, 500, 32, 0, 300, 40];
        let file = kinds.into_iter().zip(bodies).map(|(kind, body)| {
            let size = (8 + body) as u32;
            [&size.to_be_bytes()[..], kind.as_bytes(), &vec![0; body]].concat()
        });
        let file = file.collect::<Vec<_>>().concat();
        let expected = Sizes {
            fetched: 20 + 8 + 508 + 8 + 308,
            payload: 800,
            segments: vec![8 + 508, 8 + 308],
        };
        let sizes = |file: &[u8]| super::sizes(file, Path::new("file.mp4"));
        assert_eq!(sizes(&file).unwrap(), expected);
        let cut = sizes(&file[..file.len() - 1]).unwrap_err().to_string();
        assert!(cut.starts_with("file.mp4: "), "{cut}");
        assert_eq!(sizes(&[]).unwrap(), Sizes::default());
    }
}
