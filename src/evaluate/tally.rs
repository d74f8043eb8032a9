//! Scores of frames in, figures of the clip out.

use super::EvaluateError;
use super::figures::Figures;
use crate::frame::Frame;
use crate::quality::{Motion, Score, Scorer, mean, mean_error};

/// Bounds of LPIPS above which the share of frames is counted.
const BOUNDS: [f64; 3] = [0.1, 0.2, 0.3];

/// Collects the scores of a clip, frame by frame.
#[derive(Debug, Default)]
pub struct Tally {
    scores: Vec<(usize, Score)>,
    colour: [f64; 3],
    motion: Motion,
    frames: usize,
    missing: u64,
}

impl Tally {
    /// Adds the next frame: its original, the frame that was shown, its score if it was measured, and
    /// whether it begins a segment. Fails when sizes differ.
    pub fn push(
        &mut self,
        original: &Frame,
        shown: &Frame,
        score: Option<Score>,
        begins_segment: bool,
    ) -> Result<(), EvaluateError> {
        let error = mean_error(original, shown)?;
        for (sum, error) in self.colour.iter_mut().zip(error) {
            *sum += error;
        }
        self.motion.push(original, shown, begins_segment)?;
        self.scores.extend(score.map(|score| (self.frames, score)));
        self.frames += 1;
        Ok(())
    }

    /// Adds a frame that is missing; it counts as the worst.
    pub fn push_missing(&mut self, scorer: &Scorer) {
        self.scores.push((self.frames, scorer.missing()));
        self.frames += 1;
        self.missing += 1;
    }

    /// The scores of the frames from number `first` on.
    pub fn since(&self, first: usize) -> Vec<Score> {
        let after = self.scores.partition_point(|(frame, _)| *frame < first);
        let after = self.scores[after..].iter();
        after.map(|(_, score)| *score).collect()
    }

    /// Numbers of the frames from the best to the worst, by LPIPS where there is one.
    pub fn ranked(&self) -> Vec<usize> {
        let cost = |score: &Score| score.lpips_squeeze.unwrap_or(-score.psnr);
        let mut ranked = self.scores.clone();
        ranked.sort_by(|a, b| cost(&a.1).total_cmp(&cost(&b.1)));
        ranked.into_iter().map(|(frame, _)| frame).collect()
    }

    /// The figures of all frames so far.
    pub fn figures(&self) -> Figures {
        let over = |pick: fn(&Score) -> Option<f64>| {
            let one = move |(frame, score): &(usize, Score)| Some((*frame, pick(score)?));
            self.scores.iter().filter_map(one)
        };
        let (psnr_worst_frame, psnr_worst) = over(|score| Some(score.psnr))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or_default();
        let ssimulacra2 = over(|score| score.ssimulacra2);
        let worst_lpips = over(|score| score.lpips_squeeze).max_by(|a, b| a.1.total_cmp(&b.1));
        let mut lpips: Vec<f64> = over(|s| s.lpips_squeeze).map(|(_, value)| value).collect();
        lpips.sort_by(f64::total_cmp);
        let share = |bound: f64| {
            let over = lpips.iter().filter(|value| **value > bound).count();
            over as f64 / lpips.len() as f64
        };
        let shown = (self.frames as u64 - self.missing).max(1) as f64;
        let (moved, meant) = (self.motion.shown(), self.motion.original());
        let ratio_to = meant.filter(|meant| *meant > 0.0);
        Figures {
            mean: mean(&self.since(0)),
            vmaf: None,
            psnr_worst,
            psnr_worst_frame,
            ssimulacra2_worst: ssimulacra2.map(|(_, value)| value).min_by(f64::total_cmp),
            lpips_squeeze_worst: worst_lpips.map(|(_, worst)| worst),
            lpips_squeeze_worst_frame: worst_lpips.map(|(frame, _)| frame),
            lpips_squeeze_p95: percentile(&lpips, 0.95),
            lpips_squeeze_over: (!lpips.is_empty()).then(|| BOUNDS.map(share)),
            mean_error: self.colour.map(|sum| sum / shown),
            temporal_difference: moved,
            temporal_difference_original: meant,
            temporal_ratio: moved.zip(ratio_to).map(|(moved, meant)| moved / meant),
            seam: self.motion.seam(),
            missing: self.missing,
        }
    }
}

/// The quantile `share` of `sorted` values, interpolated linearly between neighbours.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let (low, high) = (sorted.get(low)?, sorted.get(high)?);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Tally, percentile};
    use crate::frame::Frame;
    use crate::quality::Scorer;

    #[test]
    fn percentiles_are_interpolated_as_numpy_does() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert!(percentile(&values, 0.95).is_some_and(|p95| (p95 - 7.4).abs() < 1e-12));
        assert_eq!(percentile(&values, 0.0), Some(1.0));
        assert_eq!(percentile(&[3.0], 0.95), Some(3.0));
        assert_eq!(percentile(&[], 0.95), None);
    }

    #[test]
    fn missing_frames_count_as_the_worst() {
        let scorer = Scorer::without_weights();
        let grey = |value| Frame::new(12, 12, vec![value; 432]).unwrap();
        let mut tally = Tally::default();
        for shown in [10, 12] {
            let (original, shown) = (grey(10), grey(shown));
            let score = scorer.score(&original, &shown).unwrap();
            let begins = shown == original;
            tally.push(&original, &shown, Some(score), begins).unwrap();
        }
        tally.push_missing(&scorer);
        let figures = tally.figures();
        assert_eq!((figures.missing, figures.psnr_worst_frame), (1, 2));
        assert_eq!(figures.psnr_worst, 0.0);
        assert_eq!(figures.ssimulacra2_worst, Some(-100.0));
        assert!((figures.mean.psnr.unwrap() - (100.0 + 42.1102) / 3.0).abs() < 1e-3);
        assert_eq!(figures.mean_error, [1.0; 3]);
        assert_eq!(tally.ranked(), [0, 1, 2]);
        assert_eq!(figures.temporal_difference, Some(2.0));
        assert_eq!(figures.temporal_ratio.or(figures.lpips_squeeze_p95), None);
    }
}
