//! Sample boundaries within segments: how much an incomplete segment plays.

use super::Ladder;

/// The end of a sample, counted from the start of its segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleEnd {
    /// Bytes of the segment that hold it and all before it.
    pub bytes: u64,
    /// Media time at its end, seconds from the segment's start.
    pub seconds: f64,
}

impl Ladder {
    /// This ladder with sample ends, in the order of sizes, repeated where the ladder is longer.
    pub fn with_samples(mut self, ends: Vec<Vec<SampleEnd>>) -> Self {
        self.samples = ends.into();
        self
    }

    /// Media decodable from the first `bytes` of `segment` on `rung`, seconds: the time that whole samples
    /// cover. A first sample alone, a single frame, counts as 0, and so does everything without sample ends.
    pub fn prefix_s(&self, segment: usize, rung: usize, bytes: u64) -> f64 {
        if self.samples.is_empty() {
            return 0.0;
        }
        let ends = &self.samples[(segment * self.rungs.len() + rung) % self.samples.len()];
        match ends.partition_point(|end| end.bytes <= bytes) {
            0 | 1 => 0.0,
            whole => ends[whole - 1].seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::constant_rate;
    use super::*;

    #[test]
    fn whole_samples_are_a_prefix_in_time_and_begin_again_with_the_title() {
        let end = |bytes, seconds| SampleEnd { bytes, seconds };
        let row = |first| vec![end(first, 0.04), end(5000, 1.5), end(8000, 2.0)];
        let ladder = constant_rate(&[16.0, 32.0], 4, 2.0);
        assert_eq!(ladder.prefix_s(3, 1, 8000), 0.0);
        // Two segments of two rungs: the last row is that of segment 3, rung 1.
        let ladder = ladder.with_samples(vec![row(10), row(20), row(30), row(4000)]);
        let prefixes =
            [3999, 4000, 4999, 5000, 7999, 8000].map(|bytes| ladder.prefix_s(3, 1, bytes));
        assert_eq!(prefixes, [0.0, 0.0, 0.0, 1.5, 1.5, 2.0]);
    }
}
