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
//! has one: 4 bytes, 0.06 to 0.2 % of the shipped title's rungs (2 bytes a sample would be 0.3 to
//! 0.9 %).
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
pub struct SegmentHead {
    /// Pictures of the segment, 1 to [`MAX_FRAMES`].
    pub frames: u32,
    /// Whether the segment goes on from the one before it (see the module's page).
    pub chained: bool,
    /// Whether the last keyframe is one frame past the segment's end.
    pub overhang: bool,
    /// The latent that the segment begins with, where [`Track::start_latent`] calls for one.
    pub start_latent: Option<Bytes>,
    /// Checksum (CRC-32) of the segment, where it carries one.
    pub checksum: Option<u32>,
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

/// Puts the checksum into the first sample of a segment, which has room for it.
pub(super) fn seal(first: &mut [u8], checksum: u32) {
    if let Some(place) = first.get_mut(CHECKSUM_BYTES) {
        place.copy_from_slice(&checksum.to_be_bytes());
    }
}

/// The content of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleBody {
    /// In the first sample of a segment only.
    pub head: Option<SegmentHead>,
    /// [`Track::layers`] of them, lowest component first; a layer may be empty.
    pub layers: Vec<Bytes>,
}

impl SampleBody {
    /// The sample's bytes in a file of `track`.
    ///
    /// Fails on a wrong number of layers, a frame count out of range, or a start latent that the
    /// track does not call for (or lacks).
    pub fn encode(&self, track: &Track) -> Result<Vec<u8>, SegmentError> {
        if self.layers.len() != track.layers() {
            let expected = track.layers().to_string();
            return Err(SegmentError::unwritable(
                "layers",
                self.layers.len(),
                expected,
            ));
        }
        let mut out = Vec::new();
        if let Some(head) = &self.head {
            encode_head(head, track, &mut out)?;
        }
        let Some((last, measured)) = self.layers.split_last() else {
            return Ok(out);
        };
        for layer in measured {
            put_varint(&mut out, length_of("layer", layer)?);
        }
        measured
            .iter()
            .for_each(|layer| out.extend_from_slice(layer));
        out.extend_from_slice(last);
        Ok(out)
    }

    /// Reads sample number `index` (from 0) of a segment of `track`.
    ///
    /// Fails, naming sample and byte, on bytes that [`Self::encode`] would not have written.
    pub fn decode(bytes: &[u8], track: &Track, index: usize) -> Result<Self, SegmentError> {
        let mut r = Reader::of_sample(bytes, index);
        let head = match index {
            0 => Some(decode_head(&mut r, track)?),
            _ => None,
        };
        let measured = track.layers().saturating_sub(1);
        let lengths: Vec<u32> = (0..measured)
            .map(|_| varint(&mut r, "layer length"))
            .collect::<Result<_, _>>()?;
        let mut layers = Vec::with_capacity(track.layers());
        for length in lengths {
            layers.push(Bytes::copy_from_slice(r.take(length as usize, "layer")?));
        }
        layers.push(Bytes::copy_from_slice(r.take(r.left(), "layer")?));
        Ok(Self { head, layers })
    }
}

fn encode_head(head: &SegmentHead, track: &Track, out: &mut Vec<u8>) -> Result<(), SegmentError> {
    if !(1..=MAX_FRAMES).contains(&head.frames) {
        return Err(SegmentError::unwritable(
            "frames",
            head.frames,
            "1 to 65535 in a segment",
        ));
    }
    if head.overhang && track.start_latent != StartLatent::Chain {
        return Err(SegmentError::unwritable(
            "overhang",
            "in a track of closed segments",
            "a chain",
        ));
    }
    if let Some(problem) = latent_problem(track, head.chained, head.start_latent.is_some()) {
        return Err(SegmentError::unwritable(
            "start latent",
            problem.0,
            problem.1,
        ));
    }
    let bit = |set: bool, mask: u8| if set { mask } else { 0 };
    out.push(
        bit(head.start_latent.is_some(), HAS_LATENT)
            | bit(head.chained, CHAINED)
            | bit(head.overhang, OVERHANG)
            | bit(head.checksum.is_some(), CHECKSUM),
    );
    if let Some(checksum) = head.checksum {
        out.extend(checksum.to_be_bytes());
    }
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
    let checksum = match flags & CHECKSUM {
        0 => None,
        _ => Some(r.u32("checksum")?),
    };
    let frames = varint(r, "frames")?;
    if !(1..=MAX_FRAMES).contains(&frames) {
        return Err(r.bad_at(1, "frames", frames, "1 to 65535"));
    }
    if flags & OVERHANG != 0 && track.start_latent != StartLatent::Chain {
        return Err(r.bad_at(0, "flags", found, "no overhang but in a chain"));
    }
    let chained = flags & CHAINED != 0;
    let has_latent = flags & HAS_LATENT != 0;
    if let Some((found, expected)) = latent_problem(track, chained, has_latent) {
        return Err(r.bad_at(0, "start latent", found, expected));
    }
    let start_latent = if has_latent {
        let length = varint(r, "start latent length")?;
        let latent = r.take(length as usize, "start latent")?;
        Some(Bytes::copy_from_slice(latent))
    } else {
        None
    };
    Ok(SegmentHead {
        frames,
        chained,
        overhang: flags & OVERHANG != 0,
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
    let start = r.offset();
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

    fn head() -> SegmentHead {
        SegmentHead {
            frames: 48,
            chained: false,
            overhang: false,
            start_latent: None,
            checksum: None,
        }
    }

    fn body(head: Option<SegmentHead>, sizes: &[usize]) -> SampleBody {
        let layer = |(j, &size): (usize, &usize)| Bytes::from(vec![j as u8 + 1; size]);
        let layers = sizes.iter().enumerate().map(layer).collect();
        SampleBody { head, layers }
    }

    #[test]
    fn a_first_sample_costs_two_bytes_and_lengths() {
        let body = body(Some(head()), &[2, 1, 3]);
        let bytes = body.encode(&track()).unwrap();
        assert_eq!(bytes, [0, 48, 2, 1, 1, 1, 2, 3, 3, 3]);
        assert_eq!(SampleBody::decode(&bytes, &track(), 0).unwrap(), body);
    }

    #[test]
    fn a_checksum_costs_four_bytes_and_is_blind_to_itself() {
        let sealed = SegmentHead {
            checksum: Some(0x0102_0304),
            ..head()
        };
        let body = body(Some(sealed), &[2, 1, 3]);
        let mut bytes = body.encode(&track()).unwrap();
        assert_eq!(bytes[..6], [8, 1, 2, 3, 4, 48]);
        assert_eq!(SampleBody::decode(&bytes, &track(), 0).unwrap(), body);
        let later = [1, 2, 3];
        let sum = |first: &[u8]| checksum([first, &later[..]].into_iter());
        let before = sum(&bytes);
        seal(&mut bytes, before);
        assert_eq!(sum(&bytes), before);
        assert_eq!(bytes[1..5], before.to_be_bytes());
        bytes[5] ^= 1;
        assert_ne!(sum(&bytes), before);
        let plain = [&[8, 48, 2, 1, 1, 1, 2, 3, 3, 3], &later[..]].concat();
        assert_eq!(before, crc32fast::hash(&plain));
    }

    #[test]
    fn a_later_sample_has_no_head() {
        let body = body(None, &[200, 0, 3]);
        let bytes = body.encode(&track()).unwrap();
        assert_eq!(bytes[..3], [0xc8, 0x01, 0]);
        assert_eq!(bytes.len(), 3 + 203);
        assert_eq!(SampleBody::decode(&bytes, &track(), 4).unwrap(), body);
    }

    #[test]
    fn a_reference_sample_is_its_payload() {
        let mut track = track();
        track.coding.coding = CodingId::Reference;
        track.coding.quantiser = Quantiser::REFERENCE;
        let body = body(None, &[100]);
        assert_eq!(body.encode(&track).unwrap(), body.layers[0]);
    }

    #[test]
    fn chains_carry_their_latent_in_the_first_segment_only() {
        let mut track = track();
        track.start_latent = StartLatent::Chain;
        let first = SegmentHead {
            overhang: true,
            start_latent: Some(vec![9; 300].into()),
            ..head()
        };
        let second = SegmentHead {
            chained: true,
            ..head()
        };
        for head in [first, second] {
            let body = body(Some(head), &[1, 1, 1]);
            let bytes = body.encode(&track).unwrap();
            assert_eq!(SampleBody::decode(&bytes, &track, 0).unwrap(), body);
        }
        assert!(body(Some(head()), &[1, 1, 1]).encode(&track).is_err());
        let chained = SegmentHead {
            chained: true,
            ..head()
        };
        let closed = super::super::testing::track();
        assert!(body(Some(chained), &[1, 1, 1]).encode(&closed).is_err());
    }

    #[test]
    fn errors_name_sample_and_byte() {
        let error = |bytes: &[u8], index| {
            let body = SampleBody::decode(bytes, &track(), index);
            body.unwrap_err().to_string()
        };
        assert_eq!(
            error(&[5, 1, 0xaa], 3),
            "sample 3 at byte 2: cut short: layer needs 5 bytes, 1 are left"
        );
        assert_eq!(
            error(&[16, 48], 0),
            "sample 0 at byte 0: flags is 0x10, expected bits 0 to 3 only"
        );
        assert_eq!(
            error(&[0, 0], 0),
            "sample 0 at byte 1: frames is 0, expected 1 to 65535"
        );
        assert!(error(&[0x80, 0], 1).contains("malformed varint"));
        assert!(error(&[0xff; 9], 1).contains("varint without end"));
    }

    proptest! {
        #[test]
        fn round_trips(frames in 1..=MAX_FRAMES, sizes in prop::array::uniform3(0usize..300), first: bool, checksum: Option<u32>) {
            let head = first.then(|| SegmentHead { frames, checksum, ..head() });
            let body = body(head, &sizes);
            let bytes = body.encode(&track()).unwrap();
            prop_assert_eq!(SampleBody::decode(&bytes, &track(), usize::from(!first)).unwrap(), body);
        }

        #[test]
        fn decoded_samples_encode_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60), index in 0usize..2) {
            if let Ok(body) = SampleBody::decode(&bytes, &track(), index) {
                prop_assert_eq!(body.encode(&track()).unwrap(), bytes);
            }
        }
    }
}
