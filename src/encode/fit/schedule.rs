//! Which frames a pass visits, and at which rung.
//!
//! Every pass visits all keyframes and some of the frames between: half of those with the largest loss
//! at their last visit (unvisited ones first), half at random. With motion interpolation only keyframes
//! are visited. Each visit is at one rung, drawn without replacement so that all rungs are used equally:
//! nested dropout (Rippel et al. 2014) over the existing rungs.

use super::loss::Corner;
use crate::model::noise::RandomState;

/// One frame to evaluate, at one rung.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Visit {
    pub(super) frame: u32,
    pub(super) rank: usize,
    pub(super) corner: Corner,
}

#[derive(Debug)]
pub(super) struct Schedule {
    random: RandomState,
    keyframes: Vec<u32>,
    /// Frames between keyframes, with their last loss relative to their rung's mean.
    between: Vec<(u32, f64)>,
    ranks: Vec<usize>,
    means: Vec<Option<f64>>,
    undrawn: Vec<usize>,
}

impl Schedule {
    /// `between` are the frames that are fitted besides the keyframes.
    pub(super) fn new(
        keyframes: &[u32],
        between: impl Iterator<Item = u32>,
        ranks: &[usize],
        seed: u32,
    ) -> Self {
        Self {
            random: RandomState::new(seed),
            keyframes: keyframes.to_vec(),
            between: between.map(|frame| (frame, f64::INFINITY)).collect(),
            ranks: ranks.to_vec(),
            means: vec![None; ranks.len()],
            undrawn: Vec::new(),
        }
    }

    pub(super) fn next_pass(&mut self) -> Vec<Visit> {
        let extra = self.keyframes.len().div_ceil(2).min(self.between.len());
        let worst = extra.div_ceil(2);
        for i in (1..self.between.len()).rev() {
            let j = self.below(i + 1);
            self.between.swap(i, j);
        }
        let mut frames = self.keyframes.clone();
        let drawn = &self.between[..extra - worst];
        frames.extend(drawn.iter().map(|(frame, _)| frame));
        let mut rest = self.between[extra - worst..].to_vec();
        rest.sort_by(|a, b| b.1.total_cmp(&a.1));
        frames.extend(rest.iter().take(worst).map(|(frame, _)| frame));
        frames.into_iter().map(|frame| self.visit(frame)).collect()
    }

    pub(super) fn record(&mut self, visit: Visit, loss: f64) {
        let Some(rung) = self.ranks.iter().position(|&rank| rank == visit.rank) else {
            return;
        };
        let before = self.means[rung].unwrap_or(loss);
        let mean = before + 0.1 * (loss - before);
        self.means[rung] = Some(mean);
        let known = self.between.iter_mut().find(|(f, _)| *f == visit.frame);
        if let Some((_, relative)) = known {
            *relative = loss / mean.max(f64::MIN_POSITIVE);
        }
    }

    fn visit(&mut self, frame: u32) -> Visit {
        if self.undrawn.is_empty() {
            self.undrawn.clone_from(&self.ranks);
        }
        let index = self.below(self.undrawn.len());
        Visit {
            frame,
            rank: self.undrawn.swap_remove(index),
            corner: Corner {
                right: self.random.uniform(),
                down: self.random.uniform(),
            },
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random.uniform() * bound as f64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    fn schedule(keyframes: &[u32], ranks: &[usize]) -> Schedule {
        let frames = 0..keyframes[keyframes.len() - 1];
        let between = frames.filter(|frame| !keyframes.contains(frame));
        Schedule::new(keyframes, between, ranks, 7)
    }

    #[test]
    fn every_pass_visits_all_keyframes_and_soon_all_frames() {
        let keyframes = [0, 10, 20, 24];
        let mut schedule = schedule(&keyframes, &[3, 5]);
        let mut seen = [false; 25];
        for _ in 0..25 {
            let visits = schedule.next_pass();
            assert_eq!(visits.len(), 6);
            let visited = |frame: &u32| visits.iter().any(|visit| visit.frame == *frame);
            assert!(keyframes.iter().all(visited));
            assert_eq!(visits.iter().filter(|v| v.rank == 3).count(), 3);
            for visit in visits {
                seen[visit.frame as usize] = true;
                schedule.record(visit, 1.0);
            }
        }
        assert!(seen.iter().all(|seen| *seen));
    }

    #[test]
    fn the_frame_with_the_largest_loss_is_visited_in_every_pass() {
        assert_eq!(schedule(&[0], &[3, 5, 9, 16]).next_pass().len(), 1);
        let mut schedule = schedule(&[0, 20], &[4]);
        for _ in 0..20 {
            for visit in schedule.next_pass() {
                schedule.record(visit, if visit.frame == 13 { 9.0 } else { 1.0 });
            }
        }
        let again = schedule.next_pass();
        assert!(again.iter().any(|visit| visit.frame == 13));
    }
}
