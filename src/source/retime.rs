//! Resampling to another constant frame rate: each output frame is the input frame shown at its time.

use super::error::SourceError;
use crate::frame::Frame;
use crate::time::FrameRate;

type Item = Result<Frame, SourceError>;

pub(super) fn retimed(
    mut frames: Box<dyn Iterator<Item = Item> + Send>,
    from: FrameRate,
    to: FrameRate,
    say: impl Fn(String) + Send + 'static,
) -> Box<dyn Iterator<Item = Item> + Send> {
    if from == to {
        return frames;
    }
    // Input frames for each output frame, as a fraction.
    let (frames_in, frames_out) = (
        u128::from(from.num()) * u128::from(to.den()),
        u128::from(from.den()) * u128::from(to.num()),
    );
    let (mut given, mut read, mut used, mut held) = (0u64, 0u64, 0u64, None);
    Box::new(std::iter::from_fn(move || {
        // Number of the input frame that is shown at the time of the next output frame.
        let wanted = u128::from(given) * frames_in / frames_out;
        used += u64::from(u128::from(read) <= wanted);
        while u128::from(read) <= wanted {
            match frames.next() {
                Some(Ok(frame)) => held = Some(frame),
                Some(Err(error)) => return Some(Err(error)),
                None if held.take().is_none() => return None,
                None => {
                    let (dropped, repeated) = (read + 1 - used, given + 1 - used);
                    say(format!(
                        "resampled to another rate: of {read} frames {dropped} dropped, {repeated} repeated"
                    ));
                    return None;
                }
            }
            read += 1;
        }
        given += 1;
        held.clone().map(Ok)
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn each_output_frame_is_the_input_frame_at_its_time() {
        let (ntsc, half) = ("60000/1001", "30000/1001");
        for (count, from, to, expected, notice) in [
            (5, "30", "30", &[0, 1, 2, 3, 4][..], ""),
            (7, ntsc, half, &[0, 2, 4, 6], "3 dropped, 0 repeated"),
            (3, "12", "24", &[0, 0, 1, 1, 2, 2], "0 dropped, 3 repeated"),
            (6, "30", "20", &[0, 1, 3, 4], "2 dropped, 0 repeated"),
        ] {
            let frames = (0..count).map(|n| Ok(Frame::new(1, 1, vec![n; 3]).unwrap()));
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            let (sender, said) = mpsc::channel();
            let say = move |line| sender.send(line).unwrap();
            let frames = retimed(Box::new(frames), from, to, say);
            let values: Vec<u8> = frames.map(|frame| frame.unwrap().data()[0]).collect();
            assert_eq!(values, expected);
            let said: String = said.try_iter().collect();
            assert!(said.ends_with(notice), "{said}");
            assert_eq!(said.is_empty(), from == to);
        }
    }
}
