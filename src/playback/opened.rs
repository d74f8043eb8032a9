//! How a title is opened, and an opened title: one group, ready to be played.

use super::error::FetchError;
use super::http::Client;
use super::local::locate;
use super::patience::Patience;
use super::stream::Stream;
use super::title::Title;
use crate::network::link::Link;
use crate::player::cmcd::{Cmcd, CmcdMode};
use crate::player::session::Options;
use crate::player::title::Layers;
use crate::player::utility::Utility;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Settings of [`Playback::open`](super::Playback::open).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Opening {
    /// Time-outs and retries.
    pub patience: Patience,
    /// PEM file of certificate authorities to trust besides the system's.
    pub authorities: Option<PathBuf>,
    /// How requests carry CMCD (CTA-5004).
    pub cmcd: CmcdMode,
    /// Network to slow the connection down to, from the manifest on.
    pub throttle: Option<Link>,
    /// Whether rungs are fetched in layers.
    pub layers: Layers,
    /// The measure of quality that ABR rules maximise.
    pub utility: Utility,
}

impl Opening {
    pub(super) fn client(&self) -> Result<Client, FetchError> {
        let client = match &self.authorities {
            Some(file) => Client::with_authorities(self.patience, file)?,
            None => Client::new(self.patience)?,
        };
        let client = client.with_cmcd(Cmcd::new(self.cmcd));
        Ok(match &self.throttle {
            Some(link) => client.throttled(link.clone()),
            None => client,
        })
    }
}

/// A title whose manifest was read and whose playback can begin.
#[derive(Debug, Clone)]
pub struct Playback {
    pub(super) client: Client,
    pub(super) stream: Arc<Stream>,
    pub(super) begun: Instant,
    /// Bytes of generator weights fetched for it.
    pub(super) weights_bytes: u64,
}

impl Playback {
    /// Opens the first group of `title`: the URL of an HLS master playlist or a DASH MPD, or the path of
    /// a local title's folder or manifest.
    ///
    /// Fails if the manifest, or the index of the lowest rung, cannot be fetched or is invalid.
    pub async fn open(title: &str, opening: &Opening) -> Result<Self, FetchError> {
        let manifest = Manifest::fetch(title, opening).await?;
        manifest.group(0, 0, opening).await
    }

    /// The stream that is played: its ladder, group and manifest URL.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Slows the session down to `link`, but not the opening before it.
    #[must_use]
    pub fn throttled(mut self, link: Link) -> Self {
        self.client = self.client.throttled(link);
        self
    }

    /// Options with a start at which decoding can begin, and the media between it and the requested
    /// start, seconds: 0 unless segments build on each other (imported titles).
    pub(super) fn at_access_point(&self, asked: Options) -> (Options, f64) {
        let ladder = self.stream.ladder();
        let wanted = ladder.segment_at(asked.start_s);
        let first = self.stream.access_point(wanted);
        if first == wanted {
            return (asked, 0.0);
        }
        let start_s = ladder.start_s(first);
        tracing::warn!("segments build on each other: decoding starts at {start_s} s");
        let skip_s = asked.start_s - start_s;
        (Options { start_s, ..asked }, skip_s)
    }
}

#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) client: Client,
    pub(super) title: Title,
    begun: Instant,
}

impl Manifest {
    pub(super) async fn fetch(title: &str, opening: &Opening) -> Result<Self, FetchError> {
        let client = opening.client()?;
        let begun = Instant::now();
        let title = Title::open(&client, &locate(title)?).await?;
        Ok(Self {
            client,
            title,
            begun,
        })
    }

    /// Prepares group number `group`, for which `weights_bytes` of weights were fetched.
    pub(super) async fn group(
        self,
        group: usize,
        weights_bytes: u64,
        opening: &Opening,
    ) -> Result<Playback, FetchError> {
        let stream = self.title.stream(&self.client, group, opening.layers);
        let stream = stream.await?.with_utility(&self.client, opening.utility);
        let stream = Arc::new(stream.await?);
        Ok(Playback {
            client: self.client,
            stream,
            begun: self.begun,
            weights_bytes,
        })
    }
}
