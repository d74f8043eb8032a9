//! Segments to frames on a thread of its own, with progress for the session.

use super::error::PlaybackError;
use super::join::media_of;
use crate::frame::Frame;
use crate::model::Generator;
use crate::playback::drive::Progress;
use crate::playback::queue::{QueueReceiver, QueueSender};
use crate::player::client::Segment;
use crate::player::event::Rendered;
use crate::render::{RenderError, SegmentRenderer};
use crate::report::Rendering;
use crate::time::{FrameRate, MediaTime};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// A frame with its place in the title.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TimedFrame {
    /// Presentation time.
    pub time: MediaTime,
    /// The picture.
    pub image: Frame,
    /// Number of its segment, from 0.
    pub segment: usize,
    /// Number of the rung that it was generated from, 0 the lowest.
    pub rung: usize,
}

pub(super) type Item = Result<TimedFrame, PlaybackError>;

pub(super) struct Renderer {
    generator: Arc<Generator>,
    renderers: HashMap<usize, SegmentRenderer>,
    output: Output,
    /// Time spent on segments, waiting for the receiver included.
    busy: Duration,
}

struct Output {
    frames: QueueSender<Item>,
    progress: Option<UnboundedSender<Progress>>,
    /// Seeks before the present segment.
    seeks: usize,
    /// Frames still to be generated but not shown.
    skip: u64,
    count: Count,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    generated: u64,
    shown: u64,
    waited: Duration,
}

struct Current {
    segment: usize,
    rung: usize,
    rate: FrameRate,
    /// Number of its first frame in the title.
    first_frame: u64,
    begun: Instant,
    before: Count,
}

impl Renderer {
    /// A renderer that skips the first `skip` frames.
    pub(super) fn new(
        generator: Arc<Generator>,
        skip: u64,
        frames: QueueSender<Item>,
        progress: Option<UnboundedSender<Progress>>,
    ) -> Self {
        Self {
            generator,
            renderers: HashMap::new(),
            output: Output {
                frames,
                progress,
                seeks: 0,
                skip,
                count: Count::default(),
            },
            busy: Duration::ZERO,
        }
    }

    /// Renders until the segments end, an error occurs or the receiver of frames is dropped.
    pub(super) fn run(mut self, mut segments: QueueReceiver<Segment>) -> Rendering {
        while let Some((seeks, segment)) = segments.blocking_recv() {
            let begun = Instant::now();
            if seeks != self.output.seeks {
                (self.output.seeks, self.output.skip) = (seeks, 0);
            }
            let rendered = self.render(&segment);
            let output = &self.output;
            if let Err(error) = rendered
                && !output.frames.is_stale(seeks)
            {
                output.frames.blocking_send(seeks, Err(error));
                break;
            }
            self.busy += begun.elapsed();
        }
        let count = self.output.count;
        let generating = self.busy.saturating_sub(count.waited).as_secs_f64();
        let generated = count.generated.max(1) as f64;
        Rendering {
            frames: count.shown,
            fps: generated / generating.max(1e-9),
            ms_per_frame: 1000.0 * generating / generated,
            late_frames: None,
        }
    }

    fn render(&mut self, segment: &Segment) -> Result<(), PlaybackError> {
        let (track, media) = media_of(segment)?;
        let rate = track.frame_rate;
        let frame_ticks = u64::from(rate.frame_ticks());
        let samples = media.samples.iter();
        let ticks: u64 = samples.map(|sample| u64::from(sample.duration)).sum();
        let (frames, limit) = (ticks / frame_ticks, segment.most_frames);
        if frames > limit {
            let segment = segment.segment;
            return Err(PlaybackError::TooManyFrames {
                segment,
                frames,
                limit,
            });
        }
        let renderer = match self.renderers.entry(segment.rung) {
            Entry::Occupied(renderer) => renderer.into_mut(),
            Entry::Vacant(place) => {
                place.insert(SegmentRenderer::new(self.generator.clone(), track)?)
            }
        };
        let output = &mut self.output;
        output.skip += (segment.skip_s * rate.fps()).round() as u64;
        let current = Current {
            segment: segment.segment,
            rung: segment.rung,
            rate,
            first_frame: media.start_ticks / frame_ticks,
            begun: Instant::now(),
            before: output.count,
        };
        renderer.render(&media, &mut |frame| output.take(&current, frame))?;
        output.report(&current, true);
        Ok(())
    }
}

impl Output {
    fn take(&mut self, current: &Current, image: Frame) -> Result<(), RenderError> {
        let number = current.first_frame + (self.count.generated - current.before.generated);
        self.count.generated += 1;
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        self.count.shown += 1;
        self.report(current, false);
        let frame = TimedFrame {
            time: current.rate.time_of(number),
            image,
            segment: current.segment,
            rung: current.rung,
        };
        let begun = Instant::now();
        let sent = self.frames.blocking_send(self.seeks, Ok(frame));
        self.count.waited += begun.elapsed();
        if sent && !self.frames.is_stale(self.seeks) {
            return Ok(());
        }
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        Err(RenderError::sink(closed))
    }

    fn report(&self, current: &Current, complete: bool) {
        let Some(progress) = &self.progress else {
            return;
        };
        let (now, before) = (self.count, current.before);
        let waited = now.waited - before.waited;
        let busy = current.begun.elapsed().saturating_sub(waited);
        let generated = (now.generated - before.generated).max(1);
        let rendered = Rendered {
            segment: current.segment,
            frames: (now.shown - before.shown) as u32,
            complete,
            frame_s: busy.as_secs_f64() / generated as f64,
        };
        // Fails if the session has ended.
        let _ = progress.send((self.seeks, rendered));
    }
}
