//! Counters and histograms of what the origin does and what players say.

use super::cmcd::Cmcd;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// What kind of object a request is for, told by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::origin) enum Kind {
    Manifest,
    Playlist,
    Init,
    Segment,
    Media,
    Weights,
    Other,
}

impl Kind {
    /// How many there are.
    const COUNT: usize = Self::Other as usize + 1;

    /// The kind that a path names.
    pub(in crate::origin) fn of(path: &str) -> Self {
        match path.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
            "m4s" => Self::Segment,
            "mp4" if path.ends_with("/init.mp4") => Self::Init,
            "mp4" => Self::Media,
            "mpd" => Self::Manifest,
            "m3u8" if path.ends_with("/master.m3u8") => Self::Manifest,
            "m3u8" => Self::Playlist,
            "safetensors" => Self::Weights,
            _ => Self::Other,
        }
    }

    /// The name in labels and log lines.
    pub(in crate::origin) fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Playlist => "playlist",
            Self::Init => "init",
            Self::Segment => "segment",
            Self::Media => "media",
            Self::Weights => "weights",
            Self::Other => "other",
        }
    }
}

impl EncodeLabelValue for Kind {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        EncodeLabelValue::encode(&self.name(), encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    kind: Kind,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Because {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Event {
    event: &'static str,
}

/// Every event of CTA-5004-B by its token; others count as `other`.
const EVENTS: [&str; 18] = [
    "abs", "abe", "ae", "as", "b", "bc", "c", "ce", "e", "h", "m", "pc", "pe", "pr", "ps", "rr",
    "sk", "t",
];

/// Statuses that nearly every answer has; they are counted without a look into a table.
const USUAL: [u16; 4] = [200, 206, 304, 404];

/// The counters of one kind of object, at hand once they were needed.
#[derive(Debug, Default)]
struct AtHand {
    requests: [OnceLock<Counter>; USUAL.len()],
    bytes: OnceLock<Counter>,
    seconds: OnceLock<Histogram>,
}

/// All that is counted.
#[derive(Debug)]
pub(in crate::origin) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    bytes: Family<OfKind, Counter>,
    seconds: Family<OfKind, Histogram>,
    at_hand: [AtHand; Kind::COUNT],
    unfinished: Counter,
    /// Objects that were in the cache, and that were not.
    pub(in crate::origin) hits: Counter,
    pub(in crate::origin) misses: Counter,
    store_errors: Family<Because, Counter>,
    /// Answers with what was known before the store failed.
    pub(in crate::origin) stale: Counter,
    /// Connections that are open.
    pub(in crate::origin) connections: Gauge,
    /// Lines that the access log could not take.
    pub(in crate::origin) log_lost: Counter,
    /// Events that it could not take.
    pub(in crate::origin) events_lost: Counter,
    cache_bytes: Gauge,
    cmcd: Counter,
    cmcd_malformed: Counter,
    events: Family<Event, Counter>,
    stalls: Counter,
    buffer: Histogram,
    throughput: Histogram,
}

fn latency() -> Histogram {
    Histogram::new([
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
        5.0, 10.0, 30.0,
    ])
}

impl Metrics {
    pub(in crate::origin) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("promptus"),
            requests: Family::default(),
            bytes: Family::default(),
            seconds: Family::new_with_constructor(latency),
            at_hand: Default::default(),
            unfinished: Counter::default(),
            hits: Counter::default(),
            misses: Counter::default(),
            store_errors: Family::default(),
            stale: Counter::default(),
            connections: Gauge::default(),
            log_lost: Counter::default(),
            events_lost: Counter::default(),
            cache_bytes: Gauge::default(),
            cmcd: Counter::default(),
            cmcd_malformed: Counter::default(),
            events: Family::default(),
            stalls: Counter::default(),
            buffer: Histogram::new([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0]),
            throughput: Histogram::new([
                10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 1e5,
            ]),
        };
        metrics.register_server();
        metrics.register_players();
        metrics
    }

    fn register_server(&mut self) {
        let registry = &mut self.registry;
        let r = registry;
        r.register("requests", "Requests answered", self.requests.clone());
        r.register("response_bytes", "Bytes of bodies sent", self.bytes.clone());
        r.register(
            "response_seconds",
            "From a request's head to the last byte of its answer",
            self.seconds.clone(),
        );
        r.register(
            "unfinished",
            "Answers that clients did not wait for",
            self.unfinished.clone(),
        );
        r.register(
            "cache_hits",
            "Objects found in the cache",
            self.hits.clone(),
        );
        r.register("cache_misses", "Objects read or made", self.misses.clone());
        r.register(
            "cache_bytes",
            "Bytes in the cache",
            self.cache_bytes.clone(),
        );
        r.register(
            "store_errors",
            "Failed reads of the store",
            self.store_errors.clone(),
        );
        r.register(
            "stale_served",
            "Answers from before the store failed",
            self.stale.clone(),
        );
        r.register("connections", "Open connections", self.connections.clone());
        r.register(
            "log_lost",
            "Lines of requests lost by the access log",
            self.log_lost.clone(),
        );
        r.register(
            "events_lost",
            "Events lost by the access log",
            self.events_lost.clone(),
        );
    }

    fn register_players(&mut self) {
        let r = &mut self.registry;
        r.register("cmcd_requests", "Requests with CMCD", self.cmcd.clone());
        r.register(
            "cmcd_malformed",
            "CMCD members not understood",
            self.cmcd_malformed.clone(),
        );
        r.register(
            "player_events",
            "Events that players reported",
            self.events.clone(),
        );
        r.register(
            "player_stalls",
            "Stalls that players reported",
            self.stalls.clone(),
        );
        r.register(
            "player_buffer_seconds",
            "Buffered media that players reported",
            self.buffer.clone(),
        );
        r.register(
            "player_throughput_kbps",
            "Throughput that players measured",
            self.throughput.clone(),
        );
    }

    /// Counts an answered request.
    pub(super) fn answered(
        &self,
        kind: Kind,
        status: u16,
        bytes: u64,
        took: Duration,
        whole: bool,
    ) {
        let at_hand = &self.at_hand[kind as usize];
        let requests = || {
            self.requests
                .get_or_create_owned(&Answered { kind, status })
        };
        match USUAL.iter().position(|usual| *usual == status) {
            Some(usual) => at_hand.requests[usual].get_or_init(requests).inc(),
            None => requests().inc(),
        };
        let total = || self.bytes.get_or_create_owned(&OfKind { kind });
        at_hand.bytes.get_or_init(total).inc_by(bytes);
        let seconds = || self.seconds.get_or_create_owned(&OfKind { kind });
        let seconds = at_hand.seconds.get_or_init(seconds);
        seconds.observe(took.as_secs_f64());
        if !whole {
            self.unfinished.inc();
        }
    }

    /// Counts a failed read.
    pub(in crate::origin) fn store_failed(&self, reason: &'static str) {
        self.store_errors.get_or_create(&Because { reason }).inc();
    }

    /// Counts what a player said with a request.
    pub(super) fn said(&self, cmcd: &Cmcd) {
        self.cmcd_malformed.inc_by(cmcd.malformed as u64);
        if cmcd.is_empty() {
            return;
        }
        self.cmcd.inc();
        self.state(cmcd);
    }

    /// Counts an event that a player reported.
    pub(super) fn happened(&self, cmcd: &Cmcd) {
        let token = cmcd.text("e").unwrap_or("");
        let event = EVENTS.into_iter().find(|event| *event == token);
        let event = event.unwrap_or("other");
        self.events.get_or_create(&Event { event }).inc();
        self.cmcd_malformed.inc_by(cmcd.malformed as u64);
        self.state(cmcd);
    }

    /// Takes in the state of a player. Version 1 flags a stall since the last request; version 2
    /// may also report that rebuffering begins.
    fn state(&self, cmcd: &Cmcd) {
        let rebuffers = cmcd.text("e") == Some("ps") && cmcd.text("sta") == Some("r");
        if cmcd.flag("bs") || rebuffers {
            self.stalls.inc();
        }
        if let Some(milliseconds) = cmcd.number("bl") {
            self.buffer.observe(milliseconds / 1000.0);
        }
        if let Some(kbps) = cmcd.number("mtp") {
            self.throughput.observe(kbps);
        }
    }

    /// All of it as OpenMetrics text.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Notes how many bytes the cache has.
    pub(super) fn note_cache(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.cache_bytes.set(bytes);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_kind() {
        for (path, kind) in [
            ("/t/master.m3u8", Kind::Manifest),
            ("/t/segments/manifest.mpd", Kind::Manifest),
            ("/t/0123abcd/mini-r8.m3u8", Kind::Playlist),
            ("/t/0123abcd/mini-r8/init.mp4", Kind::Init),
            ("/t/0123abcd/mini-r8/1.m4s", Kind::Segment),
            ("/t/0123abcd/mini-r8.mp4", Kind::Media),
            ("/weights/00.safetensors", Kind::Weights),
            ("/", Kind::Other),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
        }
    }

    #[test]
    fn what_players_say_is_counted() {
        let metrics = Metrics::new();
        metrics.said(&Cmcd::line("bl=2500,bs,mtp=400"));
        metrics.said(&Cmcd::line(""));
        metrics.happened(&Cmcd::line("e=ps,sta=r,bl=(0),v=2"));
        metrics.happened(&Cmcd::line("e=nonsense,v=2,=1"));
        metrics.answered(Kind::Segment, 200, 900, Duration::from_millis(2), false);
        let text = metrics.text().unwrap();
        for line in [
            "promptus_cmcd_requests_total 1",
            "promptus_cmcd_malformed_total 1",
            "promptus_player_stalls_total 2",
            "promptus_player_buffer_seconds_sum 2.5",
            "promptus_player_buffer_seconds_count 2",
            "promptus_player_throughput_kbps_count 1",
            "promptus_player_events_total{event=\"ps\"} 1",
            "promptus_player_events_total{event=\"other\"} 1",
            "promptus_requests_total{kind=\"segment\",status=\"200\"} 1",
            "promptus_response_bytes_total{kind=\"segment\"} 900",
            "promptus_response_seconds_bucket{le=\"0.0025\",kind=\"segment\"} 1",
            "promptus_unfinished_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
