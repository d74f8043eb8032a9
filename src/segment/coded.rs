//! A segment as its coded keyframes, without boxes: the output of an encoder and the input of a
//! player's decoder.

use super::boxes::Reader;
use super::error::SegmentError;
use super::keyframes::{positions_from_durations, sample_durations};
use super::media::{MediaSegment, Sample, write_media};
use super::sample::{SegmentHead, checksum, decode_sample, encode_sample, seal};
use super::track::Track;
use bytes::Bytes;
use std::fmt::Display;

/// The coded keyframes of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedSegment {
    /// Pictures, 1 to 65,535.
    pub frames: u32,
    /// Whether the segment goes on from the one before it (see [`super::sample`]).
    pub chained: bool,
    /// The latent that the segment begins with, where the track calls for one.
    pub start_latent: Option<Bytes>,
    /// In order of time. A whole segment has one on its first and one on its last frame, or in a
    /// chain on the frame after the last.
    pub keyframes: Vec<CodedFrame>,
}

/// One coded keyframe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedFrame {
    /// Number of its frame in the segment, from 0.
    pub position: u32,
    /// Its layers, lowest component first.
    pub layers: Vec<Bytes>,
}

impl CodedSegment {
    /// The keyframe positions.
    pub fn positions(&self) -> Vec<u32> {
        self.keyframes
            .iter()
            .map(|keyframe| keyframe.position)
            .collect()
    }

    /// Pictures that can be made of the keyframes present: all of them in a whole segment.
    pub fn playable_frames(&self) -> u32 {
        let last = self.keyframes.last();
        last.map_or(0, |last| last.position.saturating_add(1).min(self.frames))
    }

    /// The first `layers` layers of every keyframe: the same segment as a lower rung. Only for
    /// the layered coding.
    #[must_use]
    pub fn cut(&self, layers: usize) -> Self {
        let keyframes = self.keyframes.iter().map(|keyframe| CodedFrame {
            position: keyframe.position,
            layers: keyframe.layers.iter().take(layers).cloned().collect(),
        });
        Self {
            keyframes: keyframes.collect(),
            ..self.clone()
        }
    }

    /// The media segment of `track` that starts at frame `first_frame` and is number `sequence`
    /// (from 1) of its rung.
    ///
    /// Fails if positions do not rise from frame 0 to the last one, or a sample cannot be written.
    pub fn write(
        &self,
        track: &Track,
        sequence: u32,
        first_frame: u64,
    ) -> Result<Vec<u8>, SegmentError> {
        let positions = self.positions();
        let head = SegmentHead {
            frames: self.frames,
            chained: self.chained,
            overhang: self.check_positions(&positions)?,
            start_latent: self.start_latent.clone(),
            checksum: Some(0),
        };
        let mut head = Some(&head);
        let keyframes = self.keyframes.iter();
        let samples = keyframes.map(|keyframe| encode_sample(track, head.take(), &keyframe.layers));
        let mut samples = samples.collect::<Result<Vec<_>, _>>()?;
        let sum = checksum(samples.iter().map(Vec::as_slice));
        if let Some(first) = samples.first_mut() {
            seal(first, sum);
        }
        let ticks = track.frame_rate.frame_ticks();
        let durations = sample_durations(&positions, self.frames, ticks);
        let samples = samples.into_iter().zip(durations);
        let samples: Vec<Sample> = samples
            .map(|(data, duration)| Sample {
                data: data.into(),
                duration,
            })
            .collect();
        let start = track.frame_rate.time_of(first_frame);
        write_media(sequence, start, !self.chained, &samples)
    }

    /// Whether the last keyframe overhangs; fails unless the positions span the segment.
    fn check_positions(&self, positions: &[u32]) -> Result<bool, SegmentError> {
        let last = positions.last().copied();
        let overhang = positions.len() > 1 && last == Some(self.frames);
        let ends = overhang || (self.frames > 0 && last == Some(self.frames - 1));
        let rises = positions.is_sorted_by(|a, b| a < b);
        if positions.first() == Some(&0) && ends && rises {
            return Ok(overhang);
        }
        let expected = format!("0 rising to the last of {} frames", self.frames);
        let found = format!("{positions:?}");
        Err(SegmentError::unwritable(
            "keyframe positions",
            found,
            expected,
        ))
    }

    /// The keyframes of a media segment of `track`, whole or cut off.
    ///
    /// Fails, naming sample and byte, if a sample is damaged, the frame count and the durations do
    /// not agree, a whole segment has another checksum than stated, or no first sample is
    /// complete.
    pub fn read(track: &Track, media: &MediaSegment) -> Result<Self, SegmentError> {
        let samples = media.samples.iter().enumerate();
        let samples = samples.map(|(index, sample)| decode_sample(track, index, &sample.data));
        let samples = samples.collect::<Result<Vec<_>, _>>()?;
        let head = samples.first().and_then(|(head, _)| head.clone());
        let head = head.ok_or_else(|| sample_0().truncated(0, "first sample", 1))?;
        let positions = positions_of(track, media, &head)?;
        check_sum(media, &head)?;
        let keyframes = samples.into_iter().zip(positions);
        let keyframes = keyframes.map(|((_, layers), position)| CodedFrame { position, layers });
        Ok(Self {
            frames: head.frames,
            chained: head.chained,
            start_latent: head.start_latent,
            keyframes: keyframes.collect(),
        })
    }
}

/// Keyframe positions from the samples' durations, checked against the head.
fn positions_of(
    track: &Track,
    media: &MediaSegment,
    head: &SegmentHead,
) -> Result<Vec<u32>, SegmentError> {
    let durations: Vec<u32> = media.samples.iter().map(|sample| sample.duration).collect();
    let ticks = track.frame_rate.frame_ticks();
    let mut positions = positions_from_durations(&durations, ticks).ok_or_else(|| {
        let expected = format!("whole frames of {ticks} ticks");
        bad_head("sample durations", format!("{durations:?}"), expected)
    })?;
    let covered = positions.last().map_or(0, |last| u64::from(*last) + 1);
    let whole = media.missing == 0;
    let fits = covered <= u64::from(head.frames) && (!whole || covered == u64::from(head.frames));
    if positions.first() != Some(&0) || !fits {
        let expected = format!("{covered}, as the samples last, the first of them one frame");
        return Err(bad_head("frames", head.frames, expected));
    }
    if head.chained == media.sap {
        let expected = "the opposite of the sync flag in trun";
        return Err(bad_head("chained", head.chained, expected));
    }
    if head.overhang && whole {
        let [_, .., last] = positions.as_mut_slice() else {
            return Err(bad_head("overhang", "set", "two keyframes"));
        };
        *last += 1;
    }
    Ok(positions)
}

/// Fails if a whole segment carries a checksum that is not its own.
fn check_sum(media: &MediaSegment, head: &SegmentHead) -> Result<(), SegmentError> {
    let Some(expected) = head.checksum.filter(|_| media.missing == 0) else {
        return Ok(());
    };
    let found = checksum(media.samples.iter().map(|sample| sample.data.as_ref()));
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (
        format!("{found:08x}"),
        format!("{expected:08x}, as written"),
    );
    Err(bad_head("checksum of the samples", found, expected))
}

fn sample_0() -> Reader<'static> {
    Reader::of_sample(&[], 0)
}

fn bad_head(field: &'static str, found: impl Display, expected: impl Into<String>) -> SegmentError {
    sample_0().bad_at(0, field, found, expected)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::keyframes::keyframe_positions;
    use super::super::media::{read_media, read_partial};
    use super::super::testing::track;
    use super::super::track::StartLatent;
    use super::*;
    use proptest::prelude::*;

    fn segment(frames: u32, positions: &[u32]) -> CodedSegment {
        let keyframes = positions.iter().map(|&position| CodedFrame {
            position,
            layers: (1..4).map(|j| vec![position as u8; j * 9].into()).collect(),
        });
        CodedSegment {
            frames,
            chained: false,
            start_latent: None,
            keyframes: keyframes.collect(),
        }
    }

    fn read(track: &Track, bytes: &[u8]) -> Result<CodedSegment, SegmentError> {
        CodedSegment::read(track, &read_media(bytes)?)
    }

    fn whole() -> CodedSegment {
        segment(48, &keyframe_positions(48, 10))
    }

    #[test]
    fn a_lower_rung_is_the_first_layers() {
        let mut low = track();
        low.coding.components = 2;
        let cut = whole().cut(2);
        assert_eq!(read(&low, &cut.write(&low, 1, 0).unwrap()).unwrap(), cut);
        assert_eq!(cut.keyframes[3].layers, whole().keyframes[3].layers[..2]);
        assert!(whole().write(&low, 1, 0).is_err());
    }

    #[test]
    fn overhang_is_a_chains_last_keyframe() {
        let mut track = track();
        track.start_latent = StartLatent::Chain;
        let mut first = segment(20, &[0, 10, 20]);
        first.start_latent = Some(vec![1; 64].into());
        let mut second = segment(11, &[0, 10]);
        second.chained = true;
        for (sequence, start, segment) in [(1, 0, &first), (2, 20, &second)] {
            let bytes = segment.write(&track, sequence, start).unwrap();
            let media = read_media(&bytes).unwrap();
            assert_eq!(media.sap, sequence == 1);
            let ticks: u32 = media.samples.iter().map(|sample| sample.duration).sum();
            assert_eq!(ticks, segment.frames * 1000);
            assert_eq!(&CodedSegment::read(&track, &media).unwrap(), segment);
        }
        assert_eq!(first.playable_frames(), 20);
    }

    #[test]
    fn a_cut_off_segment_plays_its_whole_samples() {
        let bytes = whole().write(&track(), 1, 0).unwrap();
        let cut = read_partial(&bytes[..bytes.len() - 60]).unwrap();
        let part = CodedSegment::read(&track(), &cut).unwrap();
        assert_eq!(part.positions(), [0, 10, 20, 30]);
        assert_eq!((part.frames, part.playable_frames()), (48, 31));
    }

    #[test]
    fn positions_must_span_the_segment() {
        for (frames, positions) in [
            (5, &[0, 3][..]),
            (5, &[1, 4]),
            (5, &[0, 3, 3, 4]),
            (0, &[]),
            (0, &[0]),
        ] {
            let written = segment(frames, positions).write(&track(), 1, 0);
            let error = written.unwrap_err().to_string();
            assert!(error.contains("frame"), "{error}");
        }
    }

    #[test]
    fn head_durations_and_checksum_must_agree() {
        let bytes = whole().write(&track(), 1, 0).unwrap();
        let mut media = read_media(&bytes).unwrap();
        let refusal = |media: &MediaSegment| {
            let error = CodedSegment::read(&track(), media).unwrap_err();
            error.to_string()
        };
        media.samples[2].duration += 1000;
        assert_eq!(
            refusal(&media),
            "sample 0 at byte 0: frames is 48, expected 49, as the samples last, the first of them one frame"
        );
        media.samples[2].duration += 1;
        assert!(refusal(&media).contains("whole frames of 1000 ticks"));
        let mut damaged = bytes;
        *damaged.last_mut().unwrap() ^= 1;
        let error = refusal(&read_media(&damaged).unwrap());
        let place = "sample 0 at byte 0: checksum of the samples is ";
        assert!(error.starts_with(place), "{error}");
        damaged.pop();
        assert!(CodedSegment::read(&track(), &read_partial(&damaged).unwrap()).is_ok());
    }

    proptest! {
        #[test]
        fn segments_read_back(frames in 1u32..200, interval in 1u32..40, sequence in 1u32..9, first in 0u64..1_000_000) {
            let segment = segment(frames, &keyframe_positions(frames, interval));
            let bytes = segment.write(&track(), sequence, first).unwrap();
            prop_assert_eq!(read(&track(), &bytes).unwrap(), segment);
        }
    }
}
