//! What of a fragmented MP4 file a player must fetch (ISO/IEC 14496-12 §4.2): everything but the
//! indexes, for our titles and for other codecs alike.

/// Bytes of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Of init and media segments: what the true rate counts.
    pub(super) fetched: u64,
    /// Of the samples in them.
    pub(super) payload: u64,
}

/// Boxes that find segments and are none: a player with a playlist does without.
const INDEXES: [&[u8]; 3] = [b"sidx", b"mfra", b"free"];

/// Bytes of every media segment of `file`: from its `moof` to the next one, indexes left out.
pub(super) fn segments(file: &[u8]) -> Vec<u64> {
    let mut segments: Vec<u64> = Vec::new();
    let mut rest = file;
    while let Some((length, kind, _)) = next_box(rest) {
        if kind == b"moof" {
            segments.push(0);
        }
        if let Some(last) = segments.last_mut().filter(|_| !INDEXES.contains(&kind)) {
            *last += length as u64;
        }
        rest = &rest[length..];
    }
    segments
}

/// The sizes of the boxes in `file`; bytes after a damaged one count as fetched.
pub(super) fn sizes(file: &[u8]) -> Sizes {
    let mut sizes = Sizes::default();
    let mut rest = file;
    while let Some((length, kind, header)) = next_box(rest) {
        if !INDEXES.contains(&kind) {
            sizes.fetched += length as u64;
        }
        if kind == b"mdat" {
            sizes.payload += (length - header) as u64;
        }
        rest = &rest[length..];
    }
    sizes.fetched += rest.len() as u64;
    sizes
}

/// Length, kind and header length of the box at the start, if it is whole.
fn next_box(bytes: &[u8]) -> Option<(usize, &[u8], usize)> {
    let (size, kind) = (bytes.get(..4)?, bytes.get(4..8)?);
    let size = u32::from_be_bytes(size.try_into().ok()?) as usize;
    let (length, header) = match size {
        0 => (bytes.len(), 8),
        1 => {
            let large = u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?);
            (usize::try_from(large).ok()?, 16)
        }
        size => (size, 8),
    };
    (header..=bytes.len())
        .contains(&length)
        .then_some((length, kind, header))
}

#[cfg(test)]
mod tests {
    use super::{Sizes, segments, sizes};

    fn one(kind: &[u8; 4], body: usize) -> Vec<u8> {
        let size = (8 + body) as u32;
        [&size.to_be_bytes()[..], kind, &vec![0; body]].concat()
    }

    #[test]
    fn indexes_are_not_fetched_and_boxes_are_no_payload() {
        let boxes = [
            one(b"ftyp", 12),
            one(b"moov", 100),
            one(b"sidx", 32),
            one(b"moof", 80),
            one(b"mdat", 500),
            one(b"mfra", 40),
        ];
        let file = boxes.concat();
        let expected = Sizes {
            fetched: 20 + 108 + 88 + 508,
            payload: 500,
        };
        assert_eq!(sizes(&file), expected);
    }

    #[test]
    fn a_segment_goes_from_moof_to_moof() {
        let boxes = [
            one(b"moov", 100),
            one(b"sidx", 32),
            one(b"moof", 80),
            one(b"mdat", 500),
            one(b"sidx", 32),
            one(b"moof", 80),
            one(b"mdat", 300),
            one(b"mfra", 40),
        ];
        assert_eq!(segments(&boxes.concat()), [88 + 508, 88 + 308]);
        assert!(segments(&one(b"moov", 9)).is_empty());
    }

    #[test]
    fn damaged_files_end_somewhere() {
        assert_eq!(sizes(&[]), Sizes::default());
        assert_eq!(sizes(&[0, 0, 0, 99, 1, 2, 3, 4, 5]).fetched, 9);
        assert_eq!(sizes(&[0, 0, 0, 3, b'm', b'd', b'a', b't']).payload, 0);
        let large = [&[0, 0, 0, 1][..], b"mdat", &17_u64.to_be_bytes(), &[7]].concat();
        assert_eq!((sizes(&large).fetched, sizes(&large).payload), (17, 1));
    }
}
