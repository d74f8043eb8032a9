//! The decoding process and its pictures: raw, of one requested size, so that each has a known number of
//! bytes.

use super::input::Input;
use super::messages::{Messages, Said};
use super::tone::Tone;
use crate::frame::Frame;
use crate::source::error::SourceError;
use crate::source::frames::Closing;
use crate::source::image_file::over;
use rayon::prelude::*;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, ChildStdout};

/// Pixels that one thread takes at least.
const PIXELS: usize = 1 << 14;

/// Layout of a pixel in the pipe and its conversion to RGB.
pub(super) struct Layout {
    pub(super) tone: Option<Tone>,
    /// Background of transparent pixels, if the format has alpha.
    pub(super) background: Option<[u8; 3]>,
}

impl Layout {
    pub(super) fn pixel_format(&self) -> &'static str {
        match (self.tone.is_some(), self.background.is_some()) {
            (false, false) => "rgb24",
            (false, true) => "rgba",
            (true, false) => "rgb48le",
            (true, true) => "rgba64le",
        }
    }

    fn pixel_bytes(&self) -> usize {
        let values = 3 + usize::from(self.background.is_some());
        values * (1 + usize::from(self.tone.is_some()))
    }

    fn rgb(&self, data: Vec<u8>) -> Vec<u8> {
        if self.tone.is_none() && self.background.is_none() {
            return data;
        }
        let pixels = data.par_chunks_exact(self.pixel_bytes());
        let mut out = vec![0; pixels.len() * 3];
        let shown = out.par_chunks_exact_mut(3).zip(pixels).with_min_len(PIXELS);
        shown.for_each(|(shown, pixel)| {
            let word = |at: usize| u16::from_le_bytes([pixel[2 * at], pixel[2 * at + 1]]);
            let colour = match &self.tone {
                Some(tone) => tone.map([0, 1, 2].map(word)),
                None => [pixel[0], pixel[1], pixel[2]],
            };
            // The last byte, of 8 or 16 bits, is the alpha.
            shown.copy_from_slice(&match self.background {
                Some(background) => over(colour, pixel[pixel.len() - 1], background),
                None => colour,
            });
        });
        out
    }
}

pub(super) struct Expected {
    pub(super) size: (u32, u32),
    pub(super) pictures: Option<u64>,
    /// The container's length as text: `20 frames` or `2.5 s`.
    pub(super) promised: Option<String>,
}

/// The pictures of an input, decoded on demand.
pub(super) struct Frames {
    child: Child,
    pipe: Option<ChildStdout>,
    messages: Messages,
    layout: Layout,
    expected: Expected,
    allow_damaged: bool,
    closing: Closing,
    number: u64,
    path: PathBuf,
    /// Keeps a spooled pipe on disk.
    _input: Input,
}

impl Frames {
    pub(super) fn start(
        mut input: Input,
        arguments: (&[&str], &[&str]),
        layout: Layout,
        expected: Expected,
        allow_damaged: bool,
        closing: Closing,
    ) -> Result<Self, SourceError> {
        let mut child = input.decode(arguments.0, arguments.1)?;
        let path = input.name().to_owned();
        let Some(messages) = child.stderr.take() else {
            let reason = "ffmpeg did not start: it has no standard error";
            return Err(SourceError::invalid(&path, reason));
        };
        Ok(Self {
            pipe: child.stdout.take(),
            child,
            messages: Messages::read(messages),
            layout,
            expected,
            allow_damaged,
            closing,
            number: 0,
            path,
            _input: input,
        })
    }

    pub(super) fn read(&mut self) -> Result<Option<Frame>, SourceError> {
        let Some(pipe) = self.pipe.as_mut() else {
            return Ok(None);
        };
        let (width, height) = self.expected.size;
        let wanted = width as usize * height as usize * self.layout.pixel_bytes();
        let mut data = Vec::with_capacity(wanted);
        let read = pipe.take(wanted as u64).read_to_end(&mut data);
        read.map_err(|e| SourceError::io(&self.path, e))?;
        if data.len() < wanted {
            self.pipe = None;
            return self.end(data.is_empty()).map(|()| None);
        }
        if !self.allow_damaged && self.messages.complain() {
            return self.drain(wanted as u64).map(|()| None);
        }
        self.number += 1;
        let frame = Frame::new(width, height, self.layout.rgb(data));
        frame.map(Some).map_err(|e| self.failed(&e.to_string()))
    }

    /// Counts the rest of a damaged input for the error message.
    fn drain(&mut self, wanted: u64) -> Result<(), SourceError> {
        self.number += 1;
        if let Some(mut pipe) = self.pipe.take() {
            let rest = std::io::copy(&mut pipe, &mut std::io::sink());
            self.number += rest.map_err(|e| SourceError::io(&self.path, e))? / wanted;
        }
        self.end(true)
    }

    /// Checks the result at the end of the pipe; `whole`: it ended with a complete picture.
    fn end(&mut self, whole: bool) -> Result<(), SourceError> {
        let status = self.child.wait();
        let status = status.map_err(|e| SourceError::io(&self.path, e))?;
        let said = self.messages.all_said();
        if self.number == 0 {
            return Err(self.failed(&said.words()));
        }
        self.tally(&said);
        let short = self.expected.pictures;
        let short = short.is_some_and(|expected| self.number + 3 + expected / 20 < expected);
        if status.success() && whole && !short && said.count == 0 {
            return Ok(());
        }
        let damaged = self.damaged(&said);
        if self.allow_damaged {
            self.closing.say(damaged.to_string());
            return Ok(());
        }
        Err(damaged)
    }

    /// Reports frames dropped, repeated and rescaled.
    fn tally(&self, said: &Said) {
        if let Some([read, dropped, repeated]) = said.resampled
            && (dropped, repeated) != (0, 0)
        {
            self.closing.say(format!(
                "resampled to a constant rate: of {read} frames {dropped} dropped, {repeated} repeated"
            ));
        }
        if let Some((first, others)) = said.sizes.split_first()
            && !others.is_empty()
        {
            let others = others.join(", ");
            self.closing.say(format!(
                "the size of the pictures changes from {first} to {others}: scaled to the first"
            ));
        }
    }

    fn damaged(&self, said: &Said) -> SourceError {
        SourceError::Damaged {
            path: self.path.clone(),
            // Frames that could not be decoded have been made up for by repetitions.
            read: match said.resampled {
                Some([read, ..]) => format!("{read} frames"),
                None => format!("{} pictures", self.number),
            },
            promised: self.expected.promised.clone(),
            said: format!("ffmpeg says: {}", said.words()),
        }
    }

    fn failed(&self, reason: &str) -> SourceError {
        let reason = format!("ffmpeg stopped at frame {}: {reason}", self.number);
        SourceError::invalid(&self.path, reason)
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // Fails only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
