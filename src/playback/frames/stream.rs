//! An opened title with its generator, and its frames as an asynchronous stream.

use super::error::PlaybackError;
use super::generator::{Found, GeneratorOptions, find};
use super::renderer::{Item, Renderer, TimedFrame};
use crate::model::Generator;
use crate::network::link::Link;
use crate::playback::drive::Setup;
use crate::playback::opened::{Manifest, Opening, Playback};
use crate::playback::queue::{QueueReceiver, queue};
use crate::playback::running::Running;
use crate::playback::stream::Stream;
use crate::player::compute::Compute;
use crate::report::{Rendering, Report};
use crate::segment::init::read_init;
use crate::sink::FrameFormat;
use futures_util::Stream as AsyncStream;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread::JoinHandle;
use tokio::sync::mpsc::unbounded_channel;

/// Frames generated before the receiver takes them: two seconds at 24 a second, fewer of large ones.
const AHEAD: usize = 48;
const AHEAD_BYTES: usize = 256 << 20;

/// A title that can be played to frames.
#[derive(Debug, Clone)]
pub struct FramePlayback {
    pub(super) playback: Playback,
    pub(super) generator: Arc<Generator>,
    format: FrameFormat,
}

impl FramePlayback {
    /// Opens the first group of `title` whose generator is installed, or can be fetched if `generator`
    /// allows it. `title` is the URL of an HLS master playlist or a DASH MPD, or the path of a local
    /// title's folder or manifest.
    ///
    /// Fails if there is no such generator, and with the errors of [`Playback::open`].
    pub async fn open(
        title: &str,
        opening: &Opening,
        generator: GeneratorOptions,
    ) -> Result<Self, PlaybackError> {
        let manifest = Manifest::fetch(title, opening).await?;
        let found = find(&manifest.client, &manifest.title, generator).await?;
        let Found {
            group,
            generator,
            weights_bytes,
        } = found;
        let playback = manifest.group(group, weights_bytes, opening).await?;
        let init = playback.stream().init(0);
        let track = read_init(init.ok_or(PlaybackError::NoInit { segment: 0 })?)?;
        Ok(Self {
            playback,
            generator: Arc::new(generator),
            format: FrameFormat {
                size: track.visible,
                frame_rate: track.frame_rate,
                pixel_aspect: track.pixel_aspect,
            },
        })
    }

    /// The stream that is played: its ladder, group and manifest URL.
    pub fn stream(&self) -> &Stream {
        self.playback.stream()
    }

    /// Size, rate and pixel shape of the frames.
    pub fn format(&self) -> FrameFormat {
        self.format
    }

    /// Slows the session down to `link`, but not the opening before it.
    #[must_use]
    pub fn throttled(mut self, link: Link) -> Self {
        self.playback = self.playback.throttled(link);
        self
    }

    /// Starts playback on the current tokio runtime, in real time.
    ///
    /// The session takes the generator's measured times into account, so that it avoids rungs that
    /// would be late, unless `setup` models a device or plans seeks. With seeks a segment is rendered
    /// only once it plays, too late to be measured.
    pub fn frames(self, mut setup: Setup) -> Frames {
        if setup.options.compute.is_none() && setup.seeks.is_empty() {
            let fps = self.format().frame_rate.fps();
            setup.options.compute = Some(Compute::measured(fps));
        }
        self.frames_by_network(setup)
    }

    /// As [`Self::frames`], but the session takes only the network into account, so that its decisions
    /// do not depend on the speed of this machine.
    pub fn frames_by_network(self, mut setup: Setup) -> Frames {
        let format = self.format();
        let (options, skip_s) = self.playback.at_access_point(setup.options);
        setup.options = options;
        let skip = (skip_s * format.frame_rate.fps()).round() as u64;
        let is_measured = options.compute.is_some_and(|compute| compute.is_measured());
        let (progress, rendered) = is_measured.then(unbounded_channel).unzip();
        let frame_bytes = 3 * format.size.0 as usize * format.size.1 as usize;
        let ahead = (AHEAD_BYTES / frame_bytes.max(1)).clamp(1, AHEAD);
        let (sender, frames) = queue(ahead, setup.controls.as_ref());
        let renderer = Renderer::new(Arc::clone(&self.generator), skip, sender, progress);
        let (running, segments) = Running::start(self.playback, setup, rendered);
        let renderer = std::thread::spawn(move || renderer.run(segments));
        Frames {
            frames,
            running,
            renderer,
        }
    }
}

/// The frames of a session in presentation order, as they are generated. Dropping it stops the session.
///
/// A failed session ends with its error as the last item.
#[derive(Debug)]
pub struct Frames {
    frames: QueueReceiver<Item>,
    running: Running,
    renderer: JoinHandle<Rendering>,
}

impl Frames {
    /// The next frame; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<TimedFrame, PlaybackError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Plays to the end without keeping frames, and reports the session. An error that [`Self::next`]
    /// returned already does not come again: it is the report's verdict.
    pub async fn finish(mut self) -> Result<Report, PlaybackError> {
        while let Some(frame) = self.next().await {
            frame?;
        }
        let rendering = self.renderer.join();
        let rendering = rendering.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(self.running.report(Some(rendering)))
    }
}

impl AsyncStream for Frames {
    type Item = Result<TimedFrame, PlaybackError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(frame) = ready!(this.frames.poll_recv(cx)) {
            return Poll::Ready(Some(frame));
        }
        let end = this.running.poll_end(cx);
        end.map(|error| error.map(|error| Err(error.into())))
    }
}
