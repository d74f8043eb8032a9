//! Common Media Client Data, version 2 (CTA-5004-B), request mode: data about the session in every request.
//!
//! The keys travel as one query argument or as four headers. Buffer, deadline and throughputs are
//! rounded to 100, as specified. Bit rates and buffer lengths are lists of one number, of a video object
//! (`(35;v)`).

use crate::player::index::Purpose;
use crate::player::ladder::Ladder;
use crate::player::random::Random;
use crate::segment::hex;
use sha2::{Digest, Sha256};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How requests carry the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum CmcdMode {
    /// Not at all.
    Off,
    /// As the query argument `CMCD`.
    Query,
    /// As headers, which do not change cache keys.
    #[default]
    Header,
}

/// The kind of a requested object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An MPD or a multivariant playlist.
    Manifest,
    /// A media playlist.
    Playlist,
    /// An init segment.
    Init,
    /// A part of a `sidx`.
    Index,
    /// The quality table.
    Quality,
    /// Generator weights.
    Weights,
    /// A media segment.
    Video,
}

impl From<Purpose> for Kind {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Media { .. } => Self::Video,
            Purpose::Init { .. } => Self::Init,
            Purpose::Index { .. } => Self::Index,
            Purpose::Playlist { .. } => Self::Playlist,
        }
    }
}

impl Kind {
    /// Whether it is a text, for which a content coding is worthwhile.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Manifest | Self::Playlist | Self::Quality)
    }

    fn token(self) -> &'static str {
        match self {
            Self::Manifest | Self::Playlist => "m",
            Self::Init => "i",
            Self::Index | Self::Quality | Self::Weights => "o",
            Self::Video => "v",
        }
    }
}

/// What is known of a media segment's request.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "names and units say it")]
pub struct Media {
    pub br_kbps: f64,
    pub top_kbps: f64,
    pub low_kbps: f64,
    pub duration_s: f64,
    pub buffer_s: f64,
    pub throughput_kbps: Option<f64>,
    /// Bytes of the segment.
    pub size: u64,
    /// What the viewer sees.
    pub playback: Playback,
    /// Media time on the screen, seconds.
    pub position_s: f64,
    /// Whether the buffer ran dry since the last request.
    pub starved: bool,
    /// The next object, relative to this one, and its range, `first-last`.
    pub next: Option<(String, Option<String>)>,
}

/// The state of playback (`sta`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the key")]
pub enum Playback {
    Starting,
    Playing,
    Seeking,
    Rebuffering,
    Paused,
    Ended,
}

impl Playback {
    fn token(self) -> &'static str {
        match self {
            Self::Starting => "s",
            Self::Playing => "p",
            Self::Seeking => "k",
            Self::Rebuffering => "r",
            Self::Paused => "a",
            Self::Ended => "e",
        }
    }

    /// Whether playback waits for data (`su`).
    fn waits(self) -> bool {
        matches!(self, Self::Starting | Self::Seeking | Self::Rebuffering)
    }
}

impl Media {
    /// A segment of `ladder`, due now.
    pub fn of(ladder: &Ladder, segment: usize, rung: usize) -> Self {
        Self {
            br_kbps: ladder.own_kbps(rung),
            top_kbps: ladder.rungs()[ladder.top()].kbps,
            low_kbps: ladder.rungs()[0].kbps,
            duration_s: ladder.duration_s(segment),
            buffer_s: 0.0,
            throughput_kbps: None,
            size: ladder.size(segment, rung),
            playback: Playback::Starting,
            position_s: 0.0,
            starved: false,
            next: None,
        }
    }
}

/// Factor of the requested maximum throughput over what meets the deadline.
const EASE: f64 = 5.0;

impl Media {
    fn fields(&self) -> Vec<Field> {
        let buffer_ms = hundreds(self.buffer_s * 1000.0);
        let throughput = self.throughput_kbps.map(hundreds);
        let whole = |value: f64| value.round() as u64;
        let fields = [
            ("bl", Some(Value::OfVideo(buffer_ms))),
            ("br", Some(Value::OfVideo(whole(self.br_kbps)))),
            ("bs", self.starved.then_some(Value::Flag)),
            ("d", Some(Value::Number(whole(self.duration_s * 1000.0)))),
            ("dl", Some(Value::Number(buffer_ms))),
            ("lb", Some(Value::OfVideo(whole(self.low_kbps)))),
            ("mtp", throughput.map(Value::OfVideo)),
            (
                "nor",
                self.next
                    .clone()
                    .map(|(name, range)| Value::Next(name, range)),
            ),
            ("pt", Some(Value::Number(whole(self.position_s * 1000.0)))),
            ("rtp", self.enough_kbps().map(Value::Number)),
            ("sta", Some(Value::Token(self.playback.token()))),
            ("tb", Some(Value::OfVideo(whole(self.top_kbps)))),
        ];
        let present = |(key, value): (_, Option<Value>)| Some((key, value?));
        fields.into_iter().filter_map(present).collect()
    }

    /// `rtp`, a sufficient throughput in kbit/s: the object arrives well before its deadline, and the
    /// player can still measure twice the top rung. `None` if the object is due now.
    fn enough_kbps(&self) -> Option<u64> {
        let in_time = self.size as f64 * 0.008 / self.buffer_s;
        let enough = (EASE * in_time).max(2.0 * self.top_kbps);
        (self.buffer_s > 0.0 && !self.playback.waits()).then(|| hundreds(enough).max(100))
    }
}

/// The CMCD mode and session id of one session.
#[derive(Debug, Clone)]
pub struct Cmcd {
    mode: CmcdMode,
    session: String,
    /// Requests so far (`sn`), counted by all clones.
    requests: Arc<AtomicU64>,
}

impl Cmcd {
    /// Data sent in this `mode`, with a random session id.
    pub fn new(mode: CmcdMode) -> Self {
        // The hasher's keys are the standard library's only source of entropy.
        let mut random = Random::new(RandomState::new().hash_one(mode as u8));
        let (a, b) = (random.bits(), random.bits());
        // RFC 9562 §5.4, version 4.
        let session = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        );
        Self::of_session(mode, session)
    }

    /// As [`Cmcd::new`], with a session id of the caller's, for platforms without entropy.
    pub fn of_session(mode: CmcdMode, session: String) -> Self {
        let requests = Arc::default();
        Self {
            mode,
            session,
            requests,
        }
    }

    /// The data of a request for an object of this kind, for the mode; `media` is known of media segments.
    pub fn data(&self, content: &Content, kind: Kind, media: Option<&Media>) -> Data {
        let fields = || self.fields(content, kind, media);
        match self.mode {
            CmcdMode::Off => Data::default(),
            CmcdMode::Query => Data {
                query: Some(spell(fields().iter())),
                headers: Vec::new(),
            },
            CmcdMode::Header => {
                let fields = fields();
                let one = |name| {
                    let text = spell(fields.iter().filter(|(key, _)| header(key) == name));
                    (!text.is_empty()).then_some((name, text))
                };
                Data {
                    query: None,
                    headers: HEADERS.into_iter().filter_map(one).collect(),
                }
            }
        }
    }

    /// Every key that applies, in alphabetical order (§2.2).
    fn fields(&self, content: &Content, kind: Kind, media: Option<&Media>) -> Vec<Field> {
        let mut fields = media.map_or_else(Vec::new, Media::fields);
        fields.extend([
            ("cid", Value::Text(content.id.clone())),
            ("ot", Value::Token(kind.token())),
            ("sid", Value::Text(self.session.clone())),
            (
                "sn",
                Value::Number(self.requests.fetch_add(1, Ordering::Relaxed)),
            ),
            ("st", Value::Token("v")),
            ("v", Value::Number(2)),
        ]);
        fields.extend(content.protocol.map(|name| ("sf", Value::Token(name))));
        if media.is_none_or(|media| media.playback.waits()) {
            fields.push(("su", Value::Flag));
        }
        fields.sort_unstable_by_key(|(key, _)| *key);
        fields
    }
}

/// What a request carries: a query argument `CMCD`, or headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// The value of the argument, not URL-encoded.
    pub query: Option<String>,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
}

const HEADERS: [&str; 4] = ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"];

/// The content that a manifest describes.
#[derive(Debug, Clone)]
pub struct Content {
    id: String,
    /// `h` for HLS, `d` for DASH.
    protocol: Option<&'static str>,
}

impl Content {
    /// The content of the manifest whose URL has this path.
    pub fn of(path: &str) -> Self {
        let digest = Sha256::digest(path.as_bytes());
        let protocol = match path.rsplit('.').next() {
            Some("m3u8") => Some("h"),
            Some("mpd") => Some("d"),
            _ => None,
        };
        Self {
            id: hex(&digest[..8]),
            protocol,
        }
    }
}

/// The header of `key`.
fn header(key: &str) -> &'static str {
    match key {
        "br" | "d" | "lb" | "ot" | "tb" => "cmcd-object",
        "bl" | "dl" | "mtp" | "nor" | "sn" | "sta" | "su" => "cmcd-request",
        "cid" | "sf" | "sid" | "st" | "v" => "cmcd-session",
        _ => "cmcd-status",
    }
}

type Field = (&'static str, Value);

#[derive(Debug)]
enum Value {
    Number(u64),
    /// A list of one number, that of a video object.
    OfVideo(u64),
    /// A list of one object to come, and its range.
    Next(String, Option<String>),
    Token(&'static str),
    Text(String),
    Flag,
}

/// `key=value` pairs; a flag is its key alone (RFC 9651 §3.2).
fn spell<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    let one = |(key, value): &Field| match value {
        Value::Number(number) => format!("{key}={number}"),
        Value::OfVideo(number) => format!("{key}=({number};v)"),
        Value::Next(name, None) => format!("{key}=({})", quoted(name)),
        Value::Next(name, Some(range)) => format!("{key}=({};r={})", quoted(name), quoted(range)),
        Value::Token(token) => format!("{key}={token}"),
        Value::Text(text) => format!("{key}={}", quoted(text)),
        Value::Flag => (*key).to_owned(),
    };
    fields.map(one).collect::<Vec<_>>().join(",")
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

fn hundreds(value: f64) -> u64 {
    ((value / 100.0).round() * 100.0) as u64
}

/// `text` URL-encoded, as the value of the query argument is.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cmcd(mode: CmcdMode) -> Cmcd {
        Cmcd::of_session(mode, "6e2fb550-c457-11e9-bb97-0800200c9a66".into())
    }

    fn media() -> Media {
        Media {
            br_kbps: 35.4,
            top_kbps: 120.0,
            low_kbps: 8.4,
            duration_s: 2.002,
            buffer_s: 4.649,
            throughput_kbps: Some(1251.0),
            size: 40_000,
            playback: Playback::Playing,
            position_s: 12.5,
            starved: true,
            next: Some(("../a%20b/3.m4s".into(), None)),
        }
    }

    fn data(mode: CmcdMode, kind: Kind, media: Option<&Media>) -> Data {
        cmcd(mode).data(&Content::of("/title/master.m3u8"), kind, media)
    }

    #[test]
    fn query_keys_are_sorted() {
        let Data { query, headers } = data(CmcdMode::Query, Kind::Video, Some(&media()));
        assert!(headers.is_empty());
        let id = Content::of("/title/master.m3u8").id;
        let expected = format!(
            "bl=(4600;v),br=(35;v),bs,cid=\"{id}\",d=2002,dl=4600,lb=(8;v),mtp=(1300;v),\
             nor=(\"../a%20b/3.m4s\"),ot=v,pt=12500,rtp=300,sf=h,\
             sid=\"6e2fb550-c457-11e9-bb97-0800200c9a66\",sn=0,st=v,sta=p,tb=(120;v),v=2"
        );
        assert_eq!(query, Some(expected));
    }

    #[test]
    fn keys_are_in_their_headers() {
        let headers = |mode, kind, media: Option<&Media>| {
            let headers = data(mode, kind, media).headers;
            std::collections::BTreeMap::from_iter(headers)
        };
        let mut media = media();
        media.playback = Playback::Seeking;
        media.next = Some(("3.mp4".into(), Some("100-199".into())));
        let sent = headers(CmcdMode::Header, Kind::Video, Some(&media));
        for (name, expected) in [
            ("cmcd-object", "br=(35;v),d=2002,lb=(8;v),ot=v,tb=(120;v)"),
            (
                "cmcd-request",
                "bl=(4600;v),dl=4600,mtp=(1300;v),nor=(\"3.mp4\";r=\"100-199\"),sn=0,sta=k,su",
            ),
            ("cmcd-status", "bs,pt=12500"),
        ] {
            assert_eq!(sent[name], expected);
        }
        assert!(sent["cmcd-session"].starts_with("cid=\""));
        media.playback = Playback::Playing;
        let relaxed = headers(CmcdMode::Header, Kind::Video, Some(&media));
        assert_eq!(relaxed["cmcd-status"], "bs,pt=12500,rtp=300");
        // At least twice the top rung, so that a server that paces to it does not hide its capacity.
        media.size = 100;
        assert_eq!(media.enough_kbps(), Some(200));
        let sent = headers(CmcdMode::Header, Kind::Manifest, None);
        assert_eq!(sent["cmcd-object"], "ot=m");
        assert!(!sent.contains_key("cmcd-status"));
        assert_eq!(data(CmcdMode::Off, Kind::Init, None), Data::default());
    }

    #[test]
    fn session_ids_are_random_uuids() {
        let (one, other) = (Cmcd::new(CmcdMode::Query), Cmcd::new(CmcdMode::Query));
        assert_ne!(one.session, other.session);
        assert_eq!(one.session.len(), 36);
        assert_eq!(&one.session[14..15], "4");
    }
}
