//! Ladders of a title whose index is not complete.
//!
//! A long title begins to play before the index of every rung is here. Until then a segment's size is its
//! rung's rate × its duration, and segments without a known place in time share evenly what is left. More
//! of the index makes a new ladder of the same shape, which takes the old one's place in the session.

use super::{Ladder, LadderError, sizes_of};

/// How much of a rung's index is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Number of leading segments whose place and size are known.
    pub segments: usize,
    /// Index bytes still to fetch before the next segment can be requested, about.
    pub more_bytes: u64,
}

impl Ladder {
    /// The same rungs, rates and utilities over segments of `durations_s`. `known` gives bytes by segment and
    /// rung or layer, `None` for a size to be predicted from the rate; `listed` has one entry a rung.
    pub fn learnt(
        &self,
        durations_s: &[f64],
        known: impl Fn(usize, usize) -> Option<u64>,
        listed: Vec<Listed>,
    ) -> Result<Self, LadderError> {
        let rates: Vec<f64> = (0..=self.top()).map(|rung| self.own_kbps(rung)).collect();
        let sizes = sizes_of(durations_s, &rates, known);
        let ladder = Self::new(self.rungs.clone(), durations_s, sizes)?;
        Ok(Self {
            utilities: self.utilities.clone(),
            layered: self.layered,
            samples: self.samples.clone(),
            listed,
            ..ladder
        })
    }

    /// Rate of a rung's own bytes, or of what it adds as a layer; kbit/s.
    pub fn own_kbps(&self, rung: usize) -> f64 {
        let below = rung.checked_sub(1).filter(|_| self.layered);
        self.rungs[rung].kbps - below.map_or(0.0, |below| self.rungs[below].kbps)
    }

    /// Index bytes still to fetch before `segment` of `rung` can be requested, about; 0 where none.
    pub fn index_bytes(&self, segment: usize, rung: usize) -> u64 {
        let listed = self.listed.get(rung);
        let lacking = listed.filter(|listed| listed.segments <= segment);
        lacking.map_or(0, |listed| listed.more_bytes)
    }

    /// Whether `other` refines this ladder: same rungs, as many segments, the first `segments` unmoved.
    pub(crate) fn is_refined_by(&self, other: &Self, segments: usize) -> bool {
        self.rungs == other.rungs
            && self.layered == other.layered
            && self.segments() == other.segments()
            && self.edges_s.get(..=segments) == other.edges_s.get(..=segments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::ladder::tests::constant_rate;

    #[test]
    fn unknown_sizes_follow_from_the_rate() {
        let ladder = constant_rate(&[16.0, 32.0], 3, 2.0);
        let listed = |segments, more_bytes| Listed {
            segments,
            more_bytes,
        };
        let known = |segment, rung| (rung == 0 && segment < 2).then_some(3900 + segment as u64);
        let listed = vec![listed(2, 12), listed(0, 900)];
        let learnt = ladder.learnt(&[2.0, 2.0, 1.0], known, listed).unwrap();
        let row = |segment| (learnt.size(segment, 0), learnt.size(segment, 1));
        let rows = [(3900, 8000), (3901, 8000), (2000, 4000)];
        assert_eq!([0, 1, 2].map(row), rows);
        let bytes =
            [(1, 0), (2, 0), (0, 1)].map(|(segment, rung)| learnt.index_bytes(segment, rung));
        assert_eq!(bytes, [0, 12, 900]);
        assert_eq!(ladder.index_bytes(2, 1), 0);
        assert!(ladder.is_refined_by(&learnt, 2) && !ladder.is_refined_by(&learnt, 3));
        assert_eq!(learnt.rungs(), ladder.rungs());
        // A layer has the rate that it adds.
        let ladder = constant_rate(&[16.0, 48.0], 2, 2.0).into_layers().unwrap();
        assert_eq!(ladder.own_kbps(1), 32.0);
        let learnt = ladder.learnt(&[2.0; 2], |_, _| None, Vec::new()).unwrap();
        assert_eq!(learnt, ladder);
    }
}
