//! Where the samples of segments end: how much of a segment plays that did not come whole.

use super::Ladder;
use std::sync::Arc;

/// The end of a sample, counted from the start of its segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleEnd {
    /// Bytes of the segment that hold it and all before it.
    pub bytes: u64,
    /// How far they play, seconds.
    pub seconds: f64,
}

/// What is known of the samples of a title.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Samples {
    /// Nothing: of a segment that did not come whole, nothing counts.
    #[default]
    Unknown,
    /// So many of one size in every segment. The first is a single frame, a later one the frames up
    /// to its keyframe, as many each.
    Even(u32),
    /// Their ends, one after the other: segment by segment, rung by rung within a segment. Where there
    /// are more segments than these, they begin again.
    Listed(Arc<[Vec<SampleEnd>]>),
}

impl Ladder {
    /// This ladder with segments of such samples, as far as [`Ladder::prefix_s`] goes.
    pub fn with_samples(mut self, samples: Samples) -> Self {
        self.samples = samples;
        self
    }

    /// How much of `segment` on `rung` plays from its first `bytes`, seconds: the time that its whole
    /// samples cover. The first of them alone, a single frame, counts for nothing.
    pub fn prefix_s(&self, segment: usize, rung: usize, bytes: u64) -> f64 {
        match &self.samples {
            Samples::Unknown => 0.0,
            Samples::Even(samples) => {
                let part = bytes as f64 / self.size(segment, rung) as f64;
                let samples = f64::from(*samples);
                let whole = (part * samples).floor().min(samples);
                match samples > 1.0 && whole > 1.0 {
                    true => self.duration_s(segment) * (whole - 1.0) / (samples - 1.0),
                    false => 0.0,
                }
            }
            Samples::Listed(ends) if ends.is_empty() => 0.0,
            Samples::Listed(ends) => {
                let ends = &ends[(segment * self.rungs.len() + rung) % ends.len()];
                match ends.partition_point(|end| end.bytes <= bytes) {
                    0 | 1 => 0.0,
                    whole => ends[whole - 1].seconds,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::constant_rate;
    use super::*;

    /// Of rung 1, whose segments have 8000 bytes and last 2 seconds.
    fn prefixes<const N: usize>(ladder: &Ladder, bytes: [u64; N]) -> [f64; N] {
        bytes.map(|bytes| ladder.prefix_s(3, 1, bytes))
    }

    #[test]
    fn whole_samples_are_a_prefix_in_time() {
        let ladder = constant_rate(&[16.0, 32.0], 4, 2.0);
        assert_eq!(prefixes(&ladder, [8000]), [0.0]);
        let even = ladder.with_samples(Samples::Even(5));
        assert_eq!(
            prefixes(&even, [1000, 1600, 3199, 3200, 7999, 8000, 9000]),
            [0.0, 0.0, 0.0, 0.5, 1.5, 2.0, 2.0]
        );
        assert_eq!(
            prefixes(&even.with_samples(Samples::Even(1)), [8000]),
            [0.0]
        );
    }

    #[test]
    fn listed_samples_begin_again_with_the_title() {
        let end = |bytes, seconds| SampleEnd { bytes, seconds };
        let rows = |first| vec![end(first, 0.04), end(5000, 1.5), end(8000, 2.0)];
        // Two segments of two rungs: the last row is that of segment 3, rung 1.
        let listed: Arc<[Vec<SampleEnd>]> = [rows(10), rows(20), rows(30), rows(4000)].into();
        let ladder = constant_rate(&[16.0, 32.0], 4, 2.0).with_samples(Samples::Listed(listed));
        assert_eq!(
            prefixes(&ladder, [3999, 4000, 4999, 5000, 7999, 8000]),
            [0.0, 0.0, 0.0, 1.5, 1.5, 2.0]
        );
        let nothing = ladder.with_samples(Samples::Listed(Arc::new([])));
        assert_eq!(prefixes(&nothing, [8000]), [0.0]);
    }
}
