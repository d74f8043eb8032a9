//! Counters, gauges and histograms of requests, and of what players report.

use super::cmcd::Cmcd;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use std::fmt;
use std::time::Duration;

/// The kind of resource that a path names, as a label.
pub(crate) fn kind_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
        "m4s" => "segment",
        "mp4" if path.ends_with("/init.mp4") => "init",
        "mp4" => "media",
        "mpd" => "manifest",
        "m3u8" if path.ends_with("/master.m3u8") => "manifest",
        "m3u8" => "playlist",
        "safetensors" => "weights",
        _ => "other",
    }
}

/// A label and its value.
type Label = [(&'static str, &'static str); 1];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Response {
    kind: &'static str,
    status: u16,
}

/// The event tokens of CTA-5004-B; others count as `other`.
const EVENTS: [&str; 18] = [
    "abs", "abe", "ae", "as", "b", "bc", "c", "ce", "e", "h", "m", "pc", "pe", "pr", "ps", "rr",
    "sk", "t",
];

/// All metrics.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Response, Counter>,
    bytes: Family<Label, Counter>,
    seconds: Family<Label, Histogram>,
    unfinished: Counter,
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
    store_errors: Family<Label, Counter>,
    pub(crate) stale: Counter,
    pub(crate) connections: Gauge,
    pub(crate) log_lost: Counter,
    pub(crate) events_lost: Counter,
    pub(crate) cache_bytes: Gauge,
    cmcd: Counter,
    malformed: Counter,
    events: Family<Label, Counter>,
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

/// A metric exposed as `promptus_NAME`, a counter as `promptus_NAME_total`.
fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Default for Metrics {
    #[rustfmt::skip] // A table: name, help text, metric.
    fn default() -> Self {
        let mut registry = Registry::with_prefix("promptus");
        let r = &mut registry;
        Self {
            requests: register(r, "requests", "Requests answered", Family::default()),
            bytes: register(r, "response_bytes", "Bytes of bodies sent", Family::default()),
            seconds: register(r, "response_seconds", "From a request's head to the last byte of its response", Family::new_with_constructor(latency)),
            unfinished: register(r, "unfinished", "Responses that clients did not receive to the end", Counter::default()),
            hits: register(r, "cache_hits", "Objects found in the cache", Counter::default()),
            misses: register(r, "cache_misses", "Objects read or rendered", Counter::default()),
            cache_bytes: register(r, "cache_bytes", "Bytes in the cache", Gauge::default()),
            store_errors: register(r, "store_errors", "Failed reads of the store", Family::default()),
            stale: register(r, "stale_served", "Responses with the last known state while the store failed", Counter::default()),
            connections: register(r, "connections", "Open connections", Gauge::default()),
            log_lost: register(r, "log_lost", "Requests that the access log lost", Counter::default()),
            events_lost: register(r, "events_lost", "Events that the access log lost", Counter::default()),
            cmcd: register(r, "cmcd_requests", "Requests with CMCD", Counter::default()),
            malformed: register(r, "cmcd_malformed", "CMCD members that could not be parsed", Counter::default()),
            events: register(r, "player_events", "Events reported by players", Family::default()),
            stalls: register(r, "player_stalls", "Stalls reported by players", Counter::default()),
            buffer: register(r, "player_buffer_seconds", "Buffer levels reported by players", Histogram::new([0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0])),
            throughput: register(r, "player_throughput_kbps", "Throughput measured by players", Histogram::new([10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 1e5])),
            registry,
        }
    }
}

impl Metrics {
    /// Counts a request when its response has ended, `complete` if all of it was received.
    pub(crate) fn responded(
        &self,
        kind: &'static str,
        status: u16,
        bytes: u64,
        took: Duration,
        complete: bool,
    ) {
        let response = Response { kind, status };
        self.requests.get_or_create(&response).inc();
        self.bytes.get_or_create(&[("kind", kind)]).inc_by(bytes);
        let seconds = self.seconds.get_or_create(&[("kind", kind)]);
        seconds.observe(took.as_secs_f64());
        if !complete {
            self.unfinished.inc();
        }
    }

    /// Counts a failed read.
    pub(crate) fn store_failed(&self, reason: &'static str) {
        self.store_errors.get_or_create(&[("reason", reason)]).inc();
    }

    /// Counts the client data of a request.
    pub(crate) fn requested(&self, cmcd: &Cmcd) {
        self.malformed.inc_by(cmcd.malformed as u64);
        if !cmcd.is_empty() {
            self.cmcd.inc();
            self.state(cmcd);
        }
    }

    /// Counts an event that a player reported.
    pub(crate) fn reported(&self, cmcd: &Cmcd) {
        let token = cmcd.text("e").unwrap_or("");
        let event = EVENTS.into_iter().find(|event| *event == token);
        let event = event.unwrap_or("other");
        self.events.get_or_create(&[("event", event)]).inc();
        self.malformed.inc_by(cmcd.malformed as u64);
        self.state(cmcd);
    }

    /// All metrics as OpenMetrics text.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Counts the state of a player. Version 1 flags a stall since the last request; version 2 may
    /// also report the start of rebuffering.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_paths() {
        let paths = "/t/master.m3u8 /t/segments/manifest.mpd /t/0a/r.m3u8 /t/0a/r/init.mp4 /t/0a/r/1.m4s \
            /t/0a/r.mp4 /weights/0.safetensors /";
        let kinds = "manifest manifest playlist init segment media weights other";
        for (path, kind) in paths.split_whitespace().zip(kinds.split(' ')) {
            assert_eq!(kind_of(path), kind, "{path}");
        }
    }
}
