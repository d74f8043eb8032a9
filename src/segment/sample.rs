//! The content of a sample: the bytes of one keyframe with as little framing as possible.
//!
//! # Layout
//!
//! The first sample of a segment begins with a head; later ones have none.
//!
//! | bytes | field | meaning |
//! |---|---|---|
//! | 1 | flags | bit 0: a start latent follows; bit 1: chained; bit 2: overhang; bit 3: a checksum follows; others 0 |
//! | 4 | checksum | only with bit 3 |
//! | 1–3 | frames | pictures of the segment, varint, 1 to 65,535 |
//! | 1–5 | latent length | varint; only with bit 0 |
//! | … | start latent | only with bit 0: in a chain f32 values, else what `model::start_latent` describes |
//!
//! Then, in every sample, the layers, lowest component first. The container holds the length of
//! the sample, so the last layer needs none:
//!
//! | bytes | field | meaning |
//! |---|---|---|
//! | 1–5 each | lengths | varint, of every layer but the last |
//! | … | layers | one after the other |
//!
//! With coding id 0 the one layer is the reference's payload, so that from the second sample on
//! the sample *is* that payload. Varints are LEB128: seven bits a byte, lowest first, the high bit
//! on all bytes but the last, never longer than needed.
//!
//! **Checksum**: the CRC-32 of zip and PNG (ISO 3309) over all samples of the segment without these
//! four bytes, big-endian. Damaged layers usually decode to other prompts, so only this detects damage;
//! a cut-off segment cannot be checked. Format version 1 had none, from version 2 on every segment
//! has one.
//!
//! **Chained** (official prompts only): the segment goes on from the one before it. Its first
//! keyframe is the last one of that segment once more, and starts from the same latent that it
//! started from there. Such a segment is not a random access point. **Overhang**: the last keyframe
//! is the first frame of the *next* segment of the chain; this segment's pictures end one frame
//! before it.

use super::boxes::Reader;
use super::error::SegmentError;
use super::track::{StartLatent, Track};
use bytes::Bytes;
use std::ops::Range;

/// Most pictures of a segment.
pub const MAX_FRAMES: u32 = 65_535;

const HAS_LATENT: u8 = 1;
const CHAINED: u8 = 2;
const OVERHANG: u8 = 4;
const CHECKSUM: u8 = 8;

/// Bytes of the checksum in the first sample of a segment that has one.
const CHECKSUM_BYTES: Range<usize> = 1..5;

/// The head of a segment, carried by its first sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentHead {
    /// Pictures of the segment, 1 to [`MAX_FRAMES`].
    pub(super) frames: u32,
    /// Whether the segment goes on from the one before it.
    pub(super) chained: bool,
    /// Whether the last keyframe is one frame past the segment's end.
    pub(super) overhang: bool,
    /// The latent that the segment begins with, where [`Track::start_latent`] calls for one.
    pub(super) start_latent: Option<Bytes>,
    /// CRC-32 of the segment, where it carries one.
    pub(super) checksum: Option<u32>,
}

/// The checksum of a segment whose first sample has room for one, from the bytes of its samples.
pub(super) fn checksum<'a>(samples: impl Iterator<Item = &'a [u8]>) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    for (index, sample) in samples.enumerate() {
        match (index, sample.split_at_checked(CHECKSUM_BYTES.end)) {
            (0, Some((head, rest))) => {
                hash.update(&head[..CHECKSUM_BYTES.start]);
                hash.update(rest);
            }
            _ => hash.update(sample),
        }
    }
    hash.finalize()
}

/// Writes the checksum into the first sample of a segment, which has room for it.
pub(super) fn seal(first: &mut [u8], checksum: u32) {
    if let Some(place) = first.get_mut(CHECKSUM_BYTES) {
        place.copy_from_slice(&checksum.to_be_bytes());
    }
}

/// The bytes of a sample in a file of `track`: its layers, lowest component first, after the head in the first
/// sample of a segment.
///
/// Fails on a wrong number of layers, a frame count out of range, or a start latent that the
/// track does not call for (or lacks).
pub(super) fn encode_sample(
    track: &Track,
    head: Option<&SegmentHead>,
    layers: &[Bytes],
) -> Result<Vec<u8>, SegmentError> {
    if layers.len() != track.layers() {
        let expected = track.layers().to_string();
        return Err(SegmentError::unwritable("layers", layers.len(), expected));
    }
    let mut out = Vec::new();
    if let Some(head) = head {
        encode_head(head, track, &mut out)?;
    }
    for layer in layers.iter().rev().skip(1).rev() {
        put_varint(&mut out, length_of("layer", layer)?);
    }
    out.extend(layers.concat());
    Ok(out)
}

/// Reads sample number `index` (from 0) of a segment of `track`: head and layers.
///
/// Fails, naming sample and byte, on bytes that [`encode_sample`] would not have written.
pub(super) fn decode_sample(
    track: &Track,
    index: usize,
    bytes: &[u8],
) -> Result<(Option<SegmentHead>, Vec<Bytes>), SegmentError> {
    let mut r = Reader::of_sample(bytes, index);
    let head = match index {
        0 => Some(decode_head(&mut r, track)?),
        _ => None,
    };
    let measured = 1..track.layers();
    let lengths = measured.map(|_| varint(&mut r, "layer length"));
    let lengths: Vec<u32> = lengths.collect::<Result<_, _>>()?;
    let mut layers = Vec::with_capacity(track.layers());
    for length in lengths {
        layers.push(Bytes::copy_from_slice(r.take(length as usize, "layer")?));
    }
    layers.push(Bytes::copy_from_slice(r.take(r.left(), "layer")?));
    Ok((head, layers))
}

fn encode_head(head: &SegmentHead, track: &Track, out: &mut Vec<u8>) -> Result<(), SegmentError> {
    let unwritable =
        |field, found: &str, expected: &str| Err(SegmentError::unwritable(field, found, expected));
    if !(1..=MAX_FRAMES).contains(&head.frames) {
        return unwritable(
            "frames",
            &head.frames.to_string(),
            "1 to 65535 in a segment",
        );
    }
    if head.overhang && track.start_latent != StartLatent::Chain {
        return unwritable("overhang", "in a track of closed segments", "a chain");
    }
    let problem = latent_problem(track, head.chained, head.start_latent.is_some());
    if let Some((found, expected)) = problem {
        return unwritable("start latent", found, expected);
    }
    let bits = [
        (head.start_latent.is_some(), HAS_LATENT),
        (head.chained, CHAINED),
        (head.overhang, OVERHANG),
        (head.checksum.is_some(), CHECKSUM),
    ];
    out.push(
        bits.iter()
            .filter(|(set, _)| *set)
            .map(|(_, bit)| bit)
            .sum(),
    );
    out.extend(head.checksum.map(u32::to_be_bytes).into_iter().flatten());
    put_varint(out, head.frames);
    if let Some(latent) = &head.start_latent {
        put_varint(out, length_of("start latent", latent)?);
        out.extend_from_slice(latent);
    }
    Ok(())
}

fn decode_head(r: &mut Reader<'_>, track: &Track) -> Result<SegmentHead, SegmentError> {
    let flags = r.u8("flags")?;
    let found = format!("{flags:#04x}");
    if flags & !(HAS_LATENT | CHAINED | OVERHANG | CHECKSUM) != 0 {
        return Err(r.bad_at(0, "flags", found, "bits 0 to 3 only"));
    }
    let set = |bit: u8| flags & bit != 0;
    let checksum = set(CHECKSUM).then(|| r.u32("checksum")).transpose()?;
    let frames = varint(r, "frames")?;
    if !(1..=MAX_FRAMES).contains(&frames) {
        return Err(r.bad_at(1, "frames", frames, "1 to 65535"));
    }
    if set(OVERHANG) && track.start_latent != StartLatent::Chain {
        return Err(r.bad_at(0, "flags", found, "no overhang but in a chain"));
    }
    if let Some((found, expected)) = latent_problem(track, set(CHAINED), set(HAS_LATENT)) {
        return Err(r.bad_at(0, "start latent", found, expected));
    }
    let mut start_latent = None;
    if set(HAS_LATENT) {
        let length = varint(r, "start latent length")?;
        let latent = r.take(length as usize, "start latent")?;
        start_latent = Some(Bytes::copy_from_slice(latent));
    }
    Ok(SegmentHead {
        frames,
        chained: set(CHAINED),
        overhang: set(OVERHANG),
        start_latent,
        checksum,
    })
}

/// The fault of having or lacking a start latent, as (found, expected).
fn latent_problem(track: &Track, chained: bool, present: bool) -> Option<(&str, &'static str)> {
    let mode = track.start_latent;
    match (chained, present) {
        (true, _) if mode != StartLatent::Chain => Some((
            "that of a chained segment",
            "a closed segment in this track",
        )),
        (true, true) => Some(("present", "none in a chained segment")),
        (false, true) if !mode.in_sample() => Some(("present", "none in this track")),
        (false, false) if mode.in_sample() => Some(("absent", "one in every closed segment")),
        _ => None,
    }
}

fn length_of(field: &'static str, bytes: &Bytes) -> Result<u32, SegmentError> {
    let length = bytes.len();
    u32::try_from(length).map_err(|_| SegmentError::unwritable(field, length, "below 4 GiB"))
}

fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The next LEB128 number: below 2^32, and no longer than needed.
fn varint(r: &mut Reader<'_>, field: &'static str) -> Result<u32, SegmentError> {
    let start = r.offset;
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = r.u8(field)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok();
            let value = value.filter(|_| shift == 0 || byte != 0);
            let bad = || r.bad_at(start, field, "a malformed varint", "one below 2^32");
            return value.ok_or_else(bad);
        }
    }
    Err(r.bad_at(start, field, "a varint without end", "at most 5 bytes"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::track;
    use super::*;
    use crate::prompt::{CodingId, Quantiser};
    use proptest::prelude::*;

    const HEAD: SegmentHead = SegmentHead {
        frames: 48,
        chained: false,
        overhang: false,
        start_latent: None,
        checksum: None,
    };

    fn layers(sizes: &[usize]) -> Vec<Bytes> {
        let layers = (1..).zip(sizes);
        layers
            .map(|(byte, &size)| vec![byte; size].into())
            .collect()
    }

    /// The sample's bytes, once it has been read back from them.
    fn encoded(track: &Track, head: Option<SegmentHead>, sizes: &[usize]) -> Vec<u8> {
        let layers = layers(sizes);
        let bytes = encode_sample(track, head.as_ref(), &layers).unwrap();
        let index = usize::from(head.is_none());
        assert_eq!(decode_sample(track, index, &bytes).unwrap(), (head, layers));
        bytes
    }

    #[test]
    fn heads_and_lengths_cost_few_bytes() {
        let plain = encoded(&track(), Some(HEAD), &[2, 1, 3]);
        assert_eq!(plain, [0, 48, 2, 1, 1, 1, 2, 3, 3, 3]);
        let sealed = SegmentHead {
            checksum: Some(0x0102_0304),
            ..HEAD
        };
        let sealed = encoded(&track(), Some(sealed), &[2, 1, 3]);
        assert_eq!(sealed[..6], [8, 1, 2, 3, 4, 48]);
        let later = encoded(&track(), None, &[200, 0, 3]);
        assert_eq!((&later[..3], later.len()), (&[0xc8, 0x01, 0][..], 3 + 203));
        let mut reference = track();
        reference.coding.coding = CodingId::Reference;
        reference.coding.quantiser = Quantiser::REFERENCE;
        assert_eq!(encoded(&reference, None, &[100]), [1; 100]);
    }

    #[test]
    fn a_checksum_covers_all_samples_but_its_own_bytes() {
        let mut first = vec![8, 0, 0, 0, 0, 48, 2, 1];
        let later = [1, 2, 3];
        let sum = |first: &[u8]| checksum([first, &later[..]].into_iter());
        let before = sum(&first);
        assert_eq!(before, crc32fast::hash(&[8, 48, 2, 1, 1, 2, 3]));
        seal(&mut first, before);
        assert_eq!(
            (sum(&first), &first[1..5]),
            (before, &before.to_be_bytes()[..])
        );
        first[5] ^= 1;
        assert_ne!(sum(&first), before);
    }

    #[test]
    fn chains_carry_their_latent_in_the_first_segment_only() {
        let mut chain = track();
        chain.start_latent = StartLatent::Chain;
        let first = SegmentHead {
            overhang: true,
            start_latent: Some(vec![9; 300].into()),
            ..HEAD
        };
        let chained = SegmentHead {
            chained: true,
            ..HEAD
        };
        for head in [&first, &chained] {
            encoded(&chain, Some(head.clone()), &[1, 1, 1]);
            assert!(encode_sample(&track(), Some(head), &layers(&[1, 1, 1])).is_err());
        }
        assert!(encode_sample(&chain, Some(&HEAD), &layers(&[1, 1, 1])).is_err());
    }

    #[test]
    fn errors_name_sample_and_byte() {
        for (index, bytes, expected) in [
            (
                3,
                &[5, 1, 0xaa][..],
                "sample 3 at byte 2: cut short: layer needs 5 bytes, 1 are left",
            ),
            (
                0,
                &[16, 48],
                "sample 0 at byte 0: flags is 0x10, expected bits 0 to 3 only",
            ),
            (
                0,
                &[0, 0],
                "sample 0 at byte 1: frames is 0, expected 1 to 65535",
            ),
            (1, &[0x80, 0], "malformed varint"),
            (1, &[0xff; 9], "varint without end"),
        ] {
            let error = decode_sample(&track(), index, bytes)
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    proptest! {
        #[test]
        fn samples_read_back(frames in 1..=MAX_FRAMES, sizes in prop::array::uniform3(0usize..300), first: bool, checksum: Option<u32>) {
            let head = first.then_some(SegmentHead { frames, checksum, ..HEAD });
            encoded(&track(), head, &sizes);
        }

        #[test]
        fn decoded_samples_encode_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60), index in 0usize..2) {
            if let Ok((head, layers)) = decode_sample(&track(), index, &bytes) {
                prop_assert_eq!(encode_sample(&track(), head.as_ref(), &layers).unwrap(), bytes);
            }
        }
    }
}
