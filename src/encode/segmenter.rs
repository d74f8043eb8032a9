//! Segmentation of a stream of frames, and positions of keyframes.
//!
//! Segments have a fixed number of frames. A scene cut starts a new segment if both parts are long
//! enough; otherwise it becomes two keyframes one frame apart, so that nothing is interpolated across
//! it. The look-ahead is one shortest segment, so the input may be a pipe.

use std::collections::VecDeque;

use crate::frame::Frame;
use crate::segment::keyframes::keyframe_positions;

/// Least mean difference of neighbouring frames at a scene cut, relative to full scale.
const LEAST_CHANGE: f64 = 0.08;
/// Least ratio of the difference at a scene cut to the differences before and after it.
const CONTRAST: f64 = 3.0;
/// Stride of the values that are compared.
const STRIDE: usize = 7;

/// Lengths of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Frames of a segment, at least 1.
    pub longest: u32,
    /// Frames that both parts need for a scene cut to start a segment.
    pub shortest: u32,
}

/// The frames of one segment.
#[derive(Debug, Clone)]
pub struct Span {
    /// The frames, at least one.
    pub frames: Vec<Frame>,
    /// First frames of new scenes inside the segment, ascending.
    pub cuts: Vec<u32>,
}

impl Span {
    /// Positions of the keyframes, ascending: every `interval` frames, the first and the last frame, and
    /// both sides of every cut.
    pub fn positions(&self, interval: u32) -> Vec<u32> {
        let mut positions = keyframe_positions(self.frames.len() as u32, interval);
        positions.extend(self.cuts.iter().flat_map(|&at| [at - 1, at]));
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

/// The segments of a stream of frames.
#[derive(Debug)]
pub struct Spans<I> {
    frames: I,
    grid: Grid,
    /// Frames read ahead, each with its difference from the previous one.
    held: VecDeque<(Frame, f64)>,
}

impl<I> Spans<I> {
    /// Splits `frames` into segments of `grid`.
    pub fn new<E>(frames: I, grid: Grid) -> Self
    where
        I: Iterator<Item = Result<Frame, E>>,
    {
        Self {
            frames,
            grid: Grid {
                longest: grid.longest.max(1),
                ..grid
            },
            held: VecDeque::new(),
        }
    }

    /// Whether a new scene begins at frame `at` of those held.
    fn is_cut(&self, at: usize) -> bool {
        let difference = |i: usize| self.held.get(i).map_or(0.0, |(_, difference)| *difference);
        let before = if at > 1 { difference(at - 1) } else { 0.0 };
        let around = before.max(difference(at + 1));
        at > 0 && difference(at) > LEAST_CHANGE && difference(at) > CONTRAST * around
    }

    fn cut(&mut self) -> Span {
        let (longest, shortest) = (self.grid.longest as usize, self.grid.shortest as usize);
        let mut length = longest.min(self.held.len());
        let cuts: Vec<usize> = (1..length).filter(|&at| self.is_cut(at)).collect();
        let splits = |at: &&usize| **at >= shortest && self.held.len() - **at >= shortest;
        if let Some(&at) = cuts.iter().find(splits) {
            length = at;
        }
        let inside = cuts.into_iter().filter(|&at| at < length);
        let cuts = inside.map(|at| at as u32).collect();
        let frames = self.held.drain(..length).map(|(frame, _)| frame);
        Span {
            frames: frames.collect(),
            cuts,
        }
    }
}

impl<I, E> Iterator for Spans<I>
where
    I: Iterator<Item = Result<Frame, E>>,
{
    type Item = Result<Span, E>;

    fn next(&mut self) -> Option<Self::Item> {
        let ahead = (self.grid.longest as usize).saturating_add(self.grid.shortest as usize);
        while self.held.len() < ahead {
            match self.frames.next() {
                None => break,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(frame)) => {
                    let last = self.held.back();
                    let difference = last.map_or(0.0, |(last, _)| difference(last, &frame));
                    self.held.push_back((frame, difference));
                }
            }
        }
        (!self.held.is_empty()).then(|| Ok(self.cut()))
    }
}

/// Mean difference of sampled values relative to full scale; 1 for pictures of different size.
fn difference(a: &Frame, b: &Frame) -> f64 {
    if (a.width(), a.height()) != (b.width(), b.height()) {
        return 1.0;
    }
    let pairs = a.data().iter().zip(b.data()).step_by(STRIDE);
    let count = pairs.len().max(1);
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / count as f64 / 255.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Grid, Span, Spans};
    use crate::frame::Frame;
    use std::convert::Infallible;

    const GRID: Grid = Grid {
        longest: 20,
        shortest: 8,
    };

    /// Scenes of these lengths, each of one grey that creeps a little.
    fn spans(scenes: &[u8]) -> Vec<Span> {
        let scene = |(number, &length): (usize, &u8)| {
            let grey = 90 * (number as u8 % 2);
            (0..length).map(move |i| Frame::new(4, 4, vec![grey + i; 48]).unwrap())
        };
        let frames = scenes.iter().enumerate().flat_map(scene);
        let frames = frames.map(Ok::<_, Infallible>);
        Spans::new(frames, GRID).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn scene_cuts_start_segments_of_at_least_the_shortest_length_or_become_two_keyframes() {
        // Lengths of scenes and of segments, and the keyframes of the first segment.
        let cases: [(&[u8], &[usize], &[u32]); 6] = [
            (&[47], &[20, 20, 7], &[0, 6, 12, 18, 19]),
            (&[12, 30], &[12, 20, 10], &[0, 6, 11]),
            (&[20, 20], &[20, 20], &[0, 6, 12, 18, 19]),
            (&[5, 30], &[20, 15], &[0, 4, 5, 6, 12, 18, 19]),
            (&[14, 3], &[17], &[0, 6, 12, 13, 14, 16]),
            // A flash is no cut.
            (&[10, 1, 9], &[20], &[0, 6, 12, 18, 19]),
        ];
        for (scenes, lengths, positions) in cases {
            let spans = spans(scenes);
            let found = spans.iter().map(|span| span.frames.len());
            assert!(found.eq(lengths.iter().copied()), "{scenes:?}");
            assert_eq!(spans[0].positions(6), positions, "{scenes:?}");
        }
        assert_eq!(spans(&[47])[2].positions(6), [0, 6]);
    }

    #[test]
    fn errors_are_passed_on() {
        let frames = [Ok(Frame::new(1, 1, vec![0; 3]).unwrap()), Err("torn")];
        let mut spans = Spans::new(frames.into_iter(), GRID);
        assert_eq!(spans.next().unwrap().unwrap_err(), "torn");
    }
}
