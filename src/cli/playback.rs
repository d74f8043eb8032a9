//! One playback: the HTTP driver on a thread of its own, frames on this one.
//!
//! `play` and `demo` both go through here. Ctrl-C ends it between two frames; an unfinished y4m
//! file then never appears.

use super::CliError;
use super::screen::Screen;
use super::title_generator::{self, Found};
use crate::model::Generator;
use crate::model::installed::Decoding;
use crate::network::link::Link;
use crate::playback::{
    Client, Cmcd, CmcdMode, FetchError, Patience, Played, Segment, Setup, Stream, Title,
    play_beside,
};
use crate::player::event::Rendered;
use crate::player::utility::Utility;
use crate::report::{Context, Network, Rendering, Report, Verdict};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// Segments that may wait to be rendered: an hour of two-second segments. The session goes by the
/// clock, not by the renderer, so a slow renderer must not hold it up.
const WAITING: usize = 1800;

/// How far the screen is.
type News = mpsc::UnboundedReceiver<Rendered>;

/// How a title is opened.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// How requests tell the server about the session.
    pub(super) cmcd: CmcdMode,
    /// What rules take for quality.
    pub(super) utility: Utility,
    /// Whether rungs are fetched in layers.
    pub(super) layers: Layers,
    /// Whether weights that are not installed may be fetched.
    pub(super) fetch_weights: bool,
    /// What the connection is slowed down to.
    pub(super) throttle: Option<Link>,
    /// Certificates of authorities to trust beside the system's, PEM.
    pub(super) authorities: Option<PathBuf>,
}

/// Whether rungs are fetched in layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Layers {
    /// Where the manifest names layers.
    Auto,
    /// Yes, or not at all.
    On,
    /// No: whole rungs.
    #[default]
    Off,
}

/// A stream that has been opened.
pub(super) struct Playback {
    runtime: Runtime,
    client: Client,
    stream: Arc<Stream>,
    generator: Option<Arc<Generator>>,
    weights_bytes: u64,
    /// When the manifest was asked for.
    begun: Instant,
}

/// A playback that is over.
pub(super) struct Ended {
    /// How it went.
    pub(super) report: Report,
    /// Why it ended early, if it did.
    pub(super) error: Option<FetchError>,
}

impl Playback {
    /// Opens the manifest at `url`. With `render`, the first group whose generator is installed is
    /// taken, and it is an error if there is none; otherwise the first group.
    pub(super) fn open(url: &str, render: Option<Decoding>) -> Result<Self, CliError> {
        Self::open_with(url, render, &Opening::default())
    }

    /// As [`Playback::open`], as `opening` says.
    pub(super) fn open_with(
        url: &str,
        render: Option<Decoding>,
        opening: &Opening,
    ) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let client = match &opening.authorities {
            Some(file) => Client::with_authorities(Patience::default(), file)?,
            None => Client::new(Patience::default())?,
        };
        let mut client = client.with_cmcd(Cmcd::new(opening.cmcd));
        if let Some(link) = &opening.throttle {
            client = client.throttled(link.clone());
        }
        let begun = Instant::now();
        let title = runtime
            .block_on(Title::open(&client, url))
            .map_err(failed)?;
        let found = match render {
            Some(decoding) => Some(runtime.block_on(title_generator::find(
                &client,
                &title,
                decoding,
                opening.fetch_weights,
            ))?),
            None => None,
        };
        let group = found.as_ref().map_or(0, |found| found.group);
        let weights_bytes = found.as_ref().map_or(0, |found| found.weights_bytes);
        let named = title.presentation().groups.get(group);
        let layered = match opening.layers {
            Layers::Off => false,
            Layers::On => true,
            Layers::Auto => named.is_some_and(|group| !group.layers.is_empty()),
        };
        let stream = match layered {
            true => runtime.block_on(title.layered_stream(&client, group)),
            false => runtime.block_on(title.stream(&client, group)),
        };
        let stream = stream.map_err(failed)?;
        let stream = runtime.block_on(stream.with_utility(&client, opening.utility))?;
        let stream = Arc::new(stream);
        Ok(Self {
            runtime,
            client,
            stream,
            generator: found.map(|Found { generator, .. }| Arc::new(generator)),
            weights_bytes,
            begun,
        })
    }

    /// This playback with its session, but not the opening before it, slowed down to `link`.
    pub(super) fn throttled(mut self, link: Link) -> Self {
        self.client = self.client.throttled(link);
        self
    }

    /// What is played.
    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The generator, when frames are to be rendered.
    pub(super) fn generator(&self) -> Option<&Arc<Generator>> {
        self.generator.as_ref()
    }

    /// Plays to the end. Frames go to `screen` if there is one; `trace` names the throttle in the
    /// report. Where the options of `setup` say so, the session goes by what the
    /// screen really does.
    pub(super) fn run(
        self,
        setup: Setup,
        trace: Option<Network>,
        mut screen: Option<Screen>,
    ) -> Result<Ended, CliError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (interrupt, stop) = watch::channel(false);
        self.runtime.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                interrupt.send_replace(true);
            }
            // Dropping `interrupt` would wake those who wait for it.
            std::future::pending::<()>().await;
        });
        let options = setup.options;
        let measured = options.compute.is_some_and(|compute| compute.is_measured());
        let news = screen.as_mut().filter(|_| measured).map(|screen| {
            let (teller, news) = mpsc::unbounded_channel();
            screen.tell(teller);
            news
        });
        let opening_s = self.begun.elapsed().as_secs_f64();
        let fetching = fetch(
            self.client.clone(),
            Arc::clone(&self.stream),
            setup,
            (sender, news),
            stop.clone(),
        );
        let fetching = self.runtime.spawn(fetching);
        let rendering = pump(receiver, screen, &stop);
        if *stop.borrow() {
            return Err(CliError::interrupted());
        }
        let rendering = rendering?;
        let Some(played) = self.runtime.block_on(fetching)? else {
            return Err(CliError::interrupted());
        };
        let context = Context {
            command: "play",
            title: self.stream.url().to_owned(),
            profile: self.stream.group().profile.clone(),
            options,
            trace,
            verdict: verdict(&played),
            overhead: self.client.overhead(),
            weights_bytes: self.weights_bytes,
            opening_s: Some(opening_s),
            rendering,
        };
        let report = Report::new(context, &played.ladder, played.log);
        Ok(Ended {
            report,
            error: played.error,
        })
    }
}

/// The driver; `None` when it was stopped.
async fn fetch(
    client: Client,
    stream: Arc<Stream>,
    setup: Setup,
    (sink, news): (mpsc::Sender<Segment>, Option<News>),
    mut stop: watch::Receiver<bool>,
) -> Option<Played> {
    tokio::select! {
        played = Box::pin(play_beside(&client, &stream, &setup, &sink, news)) => Some(played),
        _ = stop.wait_for(|stop| *stop) => None,
    }
}

/// Takes segments as they come, to the end.
fn pump(
    mut segments: mpsc::Receiver<Segment>,
    screen: Option<Screen>,
    stop: &watch::Receiver<bool>,
) -> Result<Option<Rendering>, CliError> {
    let Some(mut screen) = screen else {
        while segments.blocking_recv().is_some() {}
        return Ok(None);
    };
    while let Some(segment) = segments.blocking_recv() {
        screen.show(&segment, stop)?;
    }
    if *stop.borrow() {
        return Err(CliError::interrupted());
    }
    screen.finish().map(Some)
}

/// A trace that has nothing to give was understood: that is a finding, as it is in a simulation.
pub(super) fn failed(error: FetchError) -> CliError {
    match error {
        FetchError::Starved { .. } => CliError::check(error.to_string()),
        error => error.into(),
    }
}

fn verdict(played: &Played) -> Verdict {
    match &played.error {
        Some(FetchError::Starved { .. }) => Verdict::Starved,
        Some(_) => Verdict::GaveUp,
        None if played.complete => Verdict::Finished,
        None => Verdict::Stopped,
    }
}
