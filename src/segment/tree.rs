//! The boxes of a file as a tree, for inspection.

use super::boxes::Reader;
use super::error::{FourCc, SegmentError};
use super::track::CODEC;

/// One box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxNode {
    /// Its type.
    pub kind: FourCc,
    /// Offset of its first byte from the start of the file.
    pub offset: u64,
    /// Bytes, header included.
    pub size: u64,
    /// The boxes in it, if it holds any.
    pub children: Vec<BoxNode>,
}

/// The boxes of a file or segment.
///
/// Fails, naming the place, where a box is longer than the box around it.
pub fn box_tree(bytes: &[u8]) -> Result<Vec<BoxNode>, SegmentError> {
    children(Reader::new(bytes))
}

fn children(mut reader: Reader<'_>) -> Result<Vec<BoxNode>, SegmentError> {
    let mut nodes = Vec::new();
    while let Some((kind, mut body)) = reader.next_box()? {
        let offset = body.start;
        let size = body.end() - offset;
        let children = match fixed_part(kind) {
            Some(fixed) => {
                body.take(fixed, "fixed part")?;
                children(body)?
            }
            None => Vec::new(),
        };
        nodes.push(BoxNode {
            kind,
            offset,
            size,
            children,
        });
    }
    Ok(nodes)
}

/// Bytes before the child boxes of a box that has some; `None` for boxes that hold none.
fn fixed_part(kind: FourCc) -> Option<usize> {
    match &kind.0 {
        b"moov" | b"trak" | b"mdia" | b"minf" | b"dinf" | b"stbl" | b"mvex" | b"moof" | b"traf" => {
            Some(0)
        }
        b"stsd" | b"dref" => Some(8),
        &CODEC => Some(78),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::file::{SegmentBytes, assemble};
    use super::super::testing::track;
    use super::*;

    fn paths(nodes: &[BoxNode], above: &str, out: &mut Vec<String>) {
        for node in nodes {
            let path = format!("{above}/{}", node.kind);
            paths(&node.children, &path, out);
            out.push(path);
        }
    }

    #[test]
    fn the_tree_reaches_into_the_sample_entry() {
        let segment = SegmentBytes {
            bytes: vec![0, 0, 0, 8, b'm', b'd', b'a', b't'],
            frames: 1,
            sap: true,
        };
        let file = assemble(&track(), &[segment]).unwrap();
        let nodes = box_tree(&file).unwrap();
        let mut found = Vec::new();
        paths(&nodes, "", &mut found);
        let prmc = "/moov/trak/mdia/minf/stbl/stsd/prm1/prmC".to_owned();
        assert!(found.contains(&prmc), "{found:?}");
        let total: u64 = nodes.iter().map(|node| node.size).sum();
        assert_eq!(total, file.len() as u64);
    }

    #[test]
    fn endless_nesting_is_an_error() {
        let nest = |inner: Vec<u8>| {
            let size = (inner.len() as u32 + 8).to_be_bytes();
            [&size, b"moov".as_slice(), &inner].concat()
        };
        let deep = (0..50).fold(Vec::new(), |inner, _| nest(inner));
        assert!(box_tree(&deep).unwrap_err().to_string().contains("nesting"));
    }
}
