//! Resampling to another constant frame rate: each output frame is the input frame shown at its time.

use super::closing::Closing;
use super::error::SourceError;
use crate::frame::Frame;
use crate::time::FrameRate;

type Item = Result<Frame, SourceError>;

/// Wraps `frames` of rate `from` into frames of rate `to`.
pub(super) fn retimed(
    frames: Box<dyn Iterator<Item = Item> + Send>,
    from: FrameRate,
    to: FrameRate,
    closing: Closing,
) -> Box<dyn Iterator<Item = Item> + Send> {
    if from == to {
        return frames;
    }
    Box::new(Retimed {
        frames,
        step: (
            u64::from(from.num()) * u64::from(to.den()),
            u64::from(from.den()) * u64::from(to.num()),
        ),
        given: 0,
        read: 0,
        used: 0,
        held: None,
        closing,
    })
}

struct Retimed {
    frames: Box<dyn Iterator<Item = Item> + Send>,
    /// Frames read for each that is given, as a fraction.
    step: (u64, u64),
    given: u64,
    read: u64,
    used: u64,
    held: Option<Frame>,
    closing: Closing,
}

impl Retimed {
    /// Number of the input's frame that is on when the next one is given.
    fn wanted(&self) -> u64 {
        let wanted = u128::from(self.given) * u128::from(self.step.0) / u128::from(self.step.1);
        u64::try_from(wanted).unwrap_or(u64::MAX)
    }

    fn end(&mut self) -> Option<Item> {
        let (dropped, repeated) = (self.read - self.used, self.given - self.used);
        if self.held.take().is_some() {
            self.closing.say(format!(
                "resampled to another rate: of {} frames {dropped} dropped, {repeated} repeated",
                self.read
            ));
        }
        None
    }
}

impl Iterator for Retimed {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let wanted = self.wanted();
        let fresh = self.read <= wanted;
        while self.read <= wanted {
            match self.frames.next() {
                Some(Ok(frame)) => self.held = Some(frame),
                Some(Err(error)) => return Some(Err(error)),
                None => return self.end(),
            }
            self.read += 1;
        }
        self.given += 1;
        self.used += u64::from(fresh);
        self.held.clone().map(Ok)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn values(count: u8, from: &str, to: &str) -> (Vec<u8>, Vec<String>) {
        let frames = (0..count).map(|n| Ok(Frame::new(1, 1, vec![n; 3]).unwrap()));
        let closing = Closing::default();
        let frames = retimed(
            Box::new(frames),
            from.parse().unwrap(),
            to.parse().unwrap(),
            closing.clone(),
        );
        let values = frames.map(|frame| frame.unwrap().data()[0]).collect();
        (values, closing.take())
    }

    #[test]
    fn each_output_frame_is_the_input_frame_at_its_time() {
        assert_eq!(values(5, "30", "30"), (vec![0, 1, 2, 3, 4], vec![]));
        let (halved, said) = values(7, "60000/1001", "30000/1001");
        assert_eq!(halved, [0, 2, 4, 6]);
        assert!(
            said[0].contains("of 7 frames 3 dropped, 0 repeated"),
            "{said:?}"
        );
        let (doubled, said) = values(3, "12", "24");
        assert_eq!(doubled, [0, 0, 1, 1, 2, 2]);
        assert!(
            said[0].contains("of 3 frames 0 dropped, 3 repeated"),
            "{said:?}"
        );
        assert_eq!(values(6, "30", "20").0, [0, 1, 3, 4]);
    }
}
