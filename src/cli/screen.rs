//! Segments to frames to a sink, as they arrive: where `play` and `demo` render.
//!
//! A file sink takes every frame, however long that takes; a pipe (`-`) is written in real time.

use super::assembly::media_of;
use super::paced::Paced;
use super::{CliError, overwrite};
use crate::frame::Frame;
use crate::model::Generator;
use crate::playback::{Segment, Stream};
use crate::player::event::Rendered;
use crate::render::{Picture, RenderError, SegmentRenderer, Sink, open_sink};
use crate::report::Rendering;
use crate::segment::init::read_init;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Turns the segments of one stream into frames.
pub(super) struct Screen {
    generator: Arc<Generator>,
    renderers: Vec<Option<SegmentRenderer>>,
    output: Output,
    /// Time spent on segments, writing and waiting included.
    busy: Duration,
}

/// Where frames go, and what is counted of them.
struct Output {
    sink: Box<dyn Sink>,
    late: Option<Arc<AtomicU64>>,
    /// Frames still to be left out before the first that was asked for.
    skip: u64,
    generated: u64,
    shown: u64,
    /// Time spent writing and waiting.
    aside: Duration,
    /// Who wants to know how far this is.
    news: Option<mpsc::UnboundedSender<Rendered>>,
    /// The segment under way, and how much of all that was there before it.
    segment: usize,
    before: Before,
}

/// The counters at the beginning of a segment.
struct Before {
    begun: Instant,
    generated: u64,
    shown: u64,
    aside: Duration,
}

impl Screen {
    /// Frames of `stream` to the sink that `out` names; `-` is paced.
    pub(super) fn open(
        out: &Path,
        stream: &Stream,
        generator: Arc<Generator>,
    ) -> Result<Self, CliError> {
        overwrite::frames(out)?;
        let picture = picture(stream)?;
        if out != Path::new("-") {
            return Self::new(stream, generator, open_sink(out, picture)?);
        }
        let paced = Paced::stdout(picture);
        let late = paced.late();
        let mut screen = Self::new(stream, generator, Box::new(paced))?;
        screen.output.late = Some(late);
        Ok(screen)
    }

    /// Frames of `stream` to any sink.
    pub(super) fn new(
        stream: &Stream,
        generator: Arc<Generator>,
        sink: Box<dyn Sink>,
    ) -> Result<Self, CliError> {
        let rungs = stream.ladder().rungs();
        let renderers = rungs.iter().map(|_| None).collect();
        let output = Output {
            sink,
            late: None,
            skip: 0,
            generated: 0,
            shown: 0,
            aside: Duration::ZERO,
            news: None,
            segment: 0,
            before: Before {
                begun: Instant::now(),
                generated: 0,
                shown: 0,
                aside: Duration::ZERO,
            },
        };
        Ok(Self {
            generator,
            renderers,
            output,
            busy: Duration::ZERO,
        })
    }

    /// Leaves out the first `frames` frames.
    pub(super) fn skip(&mut self, frames: u64) {
        self.output.skip = frames;
    }

    /// Tells `news` of every frame.
    pub(super) fn tell(&mut self, news: mpsc::UnboundedSender<Rendered>) {
        self.output.news = Some(news);
    }

    /// Renders one segment and hands its frames to the sink; fails between two frames once `stop`
    /// turns true.
    pub(super) fn show(
        &mut self,
        segment: &Segment,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), CliError> {
        let begun = Instant::now();
        let (track, media) = media_of(segment)?;
        let rate = track.frame_rate;
        let samples = media.samples.iter();
        let ticks: u64 = samples.map(|sample| u64::from(sample.duration)).sum();
        let frames = ticks / u64::from(rate.frame_ticks());
        if frames > segment.most_frames {
            return Err(CliError::input(format!(
                "segment {}: holds {frames} frames, the manifest's duration allows {}",
                segment.segment, segment.most_frames
            )));
        }
        let Some(place) = self.renderers.get_mut(segment.rung) else {
            let message = format!("there is no rung {}", segment.rung);
            return Err(CliError::input(message));
        };
        let renderer = match place {
            Some(renderer) => renderer,
            empty => empty.insert(SegmentRenderer::new(Arc::clone(&self.generator), track)?),
        };
        let output = &mut self.output;
        output.begin(segment.segment);
        output.skip += (segment.skip_s * rate.fps()).round() as u64;
        renderer.render(&media, &mut |frame| match *stop.borrow() {
            false => output.take(&frame),
            true => Err(stopped()),
        })?;
        self.output.tell(true);
        self.busy += begun.elapsed();
        Ok(())
    }

    /// Completes the output and says how fast it went.
    pub(super) fn finish(self) -> Result<Rendering, CliError> {
        let output = self.output;
        output.sink.finish()?;
        let seconds = self.busy.saturating_sub(output.aside).as_secs_f64();
        let generated = output.generated.max(1) as f64;
        Ok(Rendering {
            frames: output.shown,
            fps: generated / seconds.max(1e-9),
            ms_per_frame: 1000.0 * seconds / generated,
            late_frames: output.late.map(|late| late.load(Ordering::Relaxed)),
        })
    }
}

impl Output {
    fn begin(&mut self, segment: usize) {
        self.segment = segment;
        self.before = Before {
            begun: Instant::now(),
            generated: self.generated,
            shown: self.shown,
            aside: self.aside,
        };
    }

    /// Says how far this is; a session that is over does not mind.
    fn tell(&self, complete: bool) {
        let Some(news) = &self.news else {
            return;
        };
        let busy = self.before.begun.elapsed();
        let busy = busy.saturating_sub(self.aside.saturating_sub(self.before.aside));
        let generated = (self.generated - self.before.generated).max(1);
        let _ = news.send(Rendered {
            segment: self.segment,
            frames: (self.shown - self.before.shown) as u32,
            complete,
            frame_s: busy.as_secs_f64() / generated as f64,
        });
    }

    fn take(&mut self, frame: &Frame) -> Result<(), RenderError> {
        self.generated += 1;
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        self.shown += 1;
        self.tell(false);
        let begun = Instant::now();
        self.sink.write(frame)?;
        self.aside += begun.elapsed();
        Ok(())
    }
}

/// What the frames of `stream` look like.
pub(super) fn picture(stream: &Stream) -> Result<Picture, CliError> {
    let Some(init) = stream.init(0) else {
        return Err(CliError::input("the title has no rungs"));
    };
    let track = read_init(init)?;
    Ok(Picture {
        size: track.visible,
        frame_rate: track.frame_rate,
        pixel_aspect: track.pixel_aspect,
    })
}

fn stopped() -> RenderError {
    RenderError::Io {
        path: PathBuf::from("-"),
        source: io::ErrorKind::Interrupted.into(),
    }
}
