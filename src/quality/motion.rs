//! Motion metrics: flicker, smoothed movement, and visible borders between segments.
//!
//! The *temporal difference* of a clip is the mean absolute difference of consecutive frames, over
//! all colours, in 1/255. Less than the original's means that movement is smoothed away, more that
//! something flickers. The *seam* compares the change of the error from frame to frame (the frame
//! difference minus that of the original, as mean absolute value) at segment borders with that inside
//! segments. Correct movement cancels in it, a jump does not; 1 means that borders are not visible.

use super::QualityError;
use super::error::same_size;
use crate::frame::Frame;

/// Motion of a clip, collected frame by frame.
#[derive(Debug, Clone, Default)]
pub struct Motion {
    last: Option<(Frame, Frame)>,
    shown: Mean,
    original: Mean,
    borders: Mean,
    inside: Mean,
}

#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

impl Motion {
    /// Adds the next frame and its original; `begins_segment` for the first of a segment. Fails when
    /// sizes differ from each other or from those of the frames before.
    pub fn push(
        &mut self,
        original: &Frame,
        shown: &Frame,
        begins_segment: bool,
    ) -> Result<(), QualityError> {
        same_size(original, shown)?;
        if let Some((original_before, shown_before)) = &self.last {
            same_size(original, original_before)?;
            let (mut moved, mut meant, mut error) = (0, 0, 0);
            let before = original_before.data().iter().zip(shown_before.data());
            let now = original.data().iter().zip(shown.data());
            for ((&o0, &s0), (&o1, &s1)) in before.zip(now) {
                let (o, s) = (i32::from(o1) - i32::from(o0), i32::from(s1) - i32::from(s0));
                moved += u64::from(s.unsigned_abs());
                meant += u64::from(o.unsigned_abs());
                error += u64::from((s - o).unsigned_abs());
            }
            let values = shown.data().len() as f64;
            self.shown.add(moved as f64 / values);
            self.original.add(meant as f64 / values);
            let change = match begins_segment {
                true => &mut self.borders,
                false => &mut self.inside,
            };
            change.add(error as f64 / values);
        }
        self.last = Some((original.clone(), shown.clone()));
        Ok(())
    }

    /// The temporal difference of the shown frames, in 1/255; `None` before two frames.
    pub fn shown(&self) -> Option<f64> {
        self.shown.value()
    }

    /// The temporal difference of the originals, in 1/255; `None` before two frames.
    pub fn original(&self) -> Option<f64> {
        self.original.value()
    }

    /// The change of the error at segment borders over that inside segments; `None` without a border
    /// or where nothing changes inside.
    pub fn seam(&self) -> Option<f64> {
        let (borders, inside) = (self.borders.value()?, self.inside.value()?);
        (inside > 0.0).then(|| borders / inside)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Motion;
    use crate::frame::Frame;

    fn grey(value: u8) -> Frame {
        Frame::new(2, 1, vec![value; 6]).unwrap()
    }

    fn motion(frames: &[(u8, u8, bool)]) -> Motion {
        let mut motion = Motion::default();
        for &(original, shown, border) in frames {
            motion.push(&grey(original), &grey(shown), border).unwrap();
        }
        motion
    }

    #[test]
    fn a_jump_at_a_border_counts_and_correct_movement_does_not() {
        let inside = |value| [(10, 11, true), (20, 22, false), (30, value, true)];
        let smooth = motion(&[&inside(31)[..], &[(40, 42, false)]].concat());
        let differences = (smooth.shown(), smooth.original());
        assert_eq!(differences, (Some(31.0 / 3.0), Some(10.0)));
        assert_eq!(smooth.seam(), Some(1.0));
        let pop = motion(&[&inside(40)[..], &[(40, 51, false)]].concat());
        assert_eq!(pop.seam(), Some(8.0));
    }

    #[test]
    fn one_frame_and_one_segment_have_no_figures() {
        let one = motion(&[(10, 10, true)]);
        let figures = [one.shown(), one.original(), one.seam()];
        assert_eq!(figures, [None; 3]);
        assert_eq!(motion(&[(1, 1, true), (2, 3, false)]).seam(), None);
        let exact = motion(&[(1, 1, true), (2, 2, false), (3, 3, true)]);
        assert_eq!(exact.seam(), None);
    }

    #[test]
    fn other_sizes_are_refused() {
        let mut motion = Motion::default();
        let wide = Frame::new(3, 1, vec![0; 9]).unwrap();
        assert!(motion.push(&wide, &grey(0), true).is_err());
        motion.push(&wide, &wide, true).unwrap();
        assert!(motion.push(&grey(0), &grey(0), false).is_err());
    }
}
