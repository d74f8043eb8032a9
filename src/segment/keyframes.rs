//! Which frames of a segment are keyframes, and how long their samples last.
//!
//! Keyframes are the first and last frame of a segment and every `interval`th frame between.
//! **A sample ends its span**: sample 0 lasts one frame, sample k covers the frames after keyframe
//! k−1 up to and including keyframe k, so that the whole samples of a cut-off fetch are exactly
//! the frames that can be made of it.
//!
//! ```
//! use promptus::segment::keyframes::{keyframe_positions, sample_durations};
//!
//! let positions = keyframe_positions(60, 10);
//! assert_eq!(positions, [0, 10, 20, 30, 40, 50, 59]);
//! assert_eq!(sample_durations(&positions, 60, 1), [1, 10, 10, 10, 10, 10, 9]);
//! ```

/// Keyframes of a segment of `frames` frames: 0, `interval`, 2·`interval`, …, and the last frame.
/// An interval of 0 counts as 1; no frames give no keyframes.
pub fn keyframe_positions(frames: u32, interval: u32) -> Vec<u32> {
    let Some(last) = frames.checked_sub(1) else {
        return Vec::new();
    };
    let mut positions: Vec<u32> = (0..last).step_by(interval.max(1) as usize).collect();
    positions.push(last);
    positions
}

/// Ticks that each sample lasts, for rising keyframe positions in a segment of `frames` frames of
/// `frame_ticks` ticks. The last sample ends with the segment even if its keyframe is past
/// the end (an overhang, see [`super::sample`]).
pub fn sample_durations(positions: &[u32], frames: u32, frame_ticks: u32) -> Vec<u32> {
    let mut covered = 0;
    let spans = positions.iter().map(|position| {
        let end = position.saturating_add(1).min(frames);
        let span = end.saturating_sub(covered);
        covered = end;
        span.saturating_mul(frame_ticks)
    });
    spans.collect()
}

/// The inverse of [`sample_durations`] for a segment without overhang: the frame that each sample
/// ends with. `None` if a duration is zero or not a whole number of frames.
pub fn positions_from_durations(durations: &[u32], frame_ticks: u32) -> Option<Vec<u32>> {
    let mut end = 0u32;
    let positions = durations.iter().map(|&ticks| {
        let whole = ticks > 0 && frame_ticks > 0 && ticks.is_multiple_of(frame_ticks);
        end = end
            .checked_add(ticks / frame_ticks.max(1))
            .filter(|_| whole)?;
        Some(end - 1)
    });
    positions.collect()
}

/// The keyframes around frame `frame`, as indices into rising `positions`, and its relative position
/// between them, 0 to 1. A keyframe is at the end (1) of its span, the first one between itself and
/// itself. `None` past the last.
///
/// Encoder and player both ask here, so that they interpolate alike to the last bit.
pub fn bracket(positions: &[u32], frame: u32) -> Option<(usize, usize, f32)> {
    let to = positions.partition_point(|&position| position < frame);
    let end = *positions.get(to)?;
    let Some(from) = to.checked_sub(1) else {
        return Some((to, to, 1.0));
    };
    let begin = positions[from];
    Some((from, to, (frame - begin) as f32 / (end - begin) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_segments() {
        assert!(keyframe_positions(0, 10).is_empty());
        assert_eq!(keyframe_positions(1, 10), [0]);
        assert_eq!(keyframe_positions(2, 10), [0, 1]);
        assert_eq!(keyframe_positions(11, 10), [0, 10]);
        assert_eq!(keyframe_positions(12, 10), [0, 10, 11]);
        assert_eq!(keyframe_positions(3, 0), [0, 1, 2]);
    }

    #[test]
    fn frames_lie_between_their_keyframes() {
        let positions = [0, 10, 14];
        assert_eq!(bracket(&positions, 0), Some((0, 0, 1.0)));
        assert_eq!(bracket(&positions, 1), Some((0, 1, 0.1)));
        assert_eq!(bracket(&positions, 10), Some((0, 1, 1.0)));
        assert_eq!(bracket(&positions, 12), Some((1, 2, 0.5)));
        assert_eq!(bracket(&positions, 15), None);
    }

    #[test]
    fn a_keyframe_past_the_end_adds_no_time() {
        assert_eq!(
            sample_durations(&[0, 10, 20], 20, 1000),
            [1000, 10_000, 9000]
        );
    }

    #[test]
    fn torn_frames_are_noticed() {
        assert_eq!(positions_from_durations(&[1000, 500], 1000), None);
        assert_eq!(positions_from_durations(&[1000, 0], 1000), None);
        assert_eq!(positions_from_durations(&[u32::MAX, u32::MAX], 1), None);
        assert_eq!(positions_from_durations(&[1], 0), None);
    }

    proptest! {
        #[test]
        fn durations_tile_the_segment(frames in 1u32..2000, interval in 1u32..60, ticks in 1u32..4000) {
            let positions = keyframe_positions(frames, interval);
            let durations = sample_durations(&positions, frames, ticks);
            prop_assert_eq!(durations.iter().sum::<u32>(), frames * ticks);
            prop_assert_eq!(positions_from_durations(&durations, ticks), Some(positions));
        }
    }
}
