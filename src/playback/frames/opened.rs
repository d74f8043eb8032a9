//! An opened title together with its generator.

use super::error::PlaybackError;
use super::generator::{Found, GeneratorOptions, find};
use crate::model::Generator;
use crate::network::link::Link;
use crate::playback::opened::{Manifest, Playback};
use crate::playback::opening::Opening;
use crate::playback::stream::Stream;
use crate::segment::init::read_init;
use crate::sink::FrameFormat;
use std::sync::Arc;

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
}
