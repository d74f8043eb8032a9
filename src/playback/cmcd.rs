//! Common Media Client Data, CTA-5004 version 1: data about the session in every request.
//!
//! The keys travel as one query argument (§2.2) or as four headers (§2.1). Buffer, deadline and
//! throughputs are rounded to 100, as specified. Every key of version 1 that applies is sent; `pr` and
//! `v` always have the value (1) at which they are omitted.

use crate::manifest::ByteRange;
use crate::player::ladder::Ladder;
use crate::player::random::Random;
use crate::segment::hex;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};
use std::hash::{BuildHasher, RandomState};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An MPD or a multivariant playlist.
    Manifest,
    Playlist,
    Init,
    Index,
    Quality,
    Weights,
    Video,
}

impl Kind {
    /// Whether it is a text, for which a content coding is worthwhile.
    pub(super) fn is_text(self) -> bool {
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

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Media {
    pub(super) br_kbps: f64,
    pub(super) top_kbps: f64,
    pub(super) duration_s: f64,
    pub(super) buffer_s: f64,
    pub(super) throughput_kbps: Option<f64>,
    pub(super) size: u64,
    /// Whether playback waits for it.
    pub(super) urgent: bool,
    /// Whether the buffer ran dry since the last request.
    pub(super) starved: bool,
    /// The next object, relative to this one, and its range.
    pub(super) next: Option<String>,
    pub(super) next_range: Option<String>,
}

impl Media {
    pub(super) fn of(ladder: &Ladder, segment: usize, rung: usize) -> Self {
        Self {
            br_kbps: ladder.own_kbps(rung),
            top_kbps: ladder.rungs()[ladder.top()].kbps,
            duration_s: ladder.duration_s(segment),
            buffer_s: 0.0,
            throughput_kbps: None,
            size: ladder.size(segment, rung),
            urgent: true,
            starved: false,
            next: None,
            next_range: None,
        }
    }
}

/// Factor of the requested maximum throughput over what meets the deadline.
const EASE: f64 = 5.0;

impl Media {
    fn fields(&self) -> Vec<Field> {
        let ms = |seconds: f64| Value::Number(hundreds(seconds * 1000.0));
        let throughput = self.throughput_kbps;
        let throughput = throughput.map(|kbps| Value::Number(hundreds(kbps)));
        let next = self.next.as_deref();
        let whole = |value: f64| Some(Value::Number(value.round() as u64));
        let fields = [
            ("bl", Some(ms(self.buffer_s))),
            ("br", whole(self.br_kbps)),
            ("bs", self.starved.then_some(Value::Flag)),
            ("d", whole(self.duration_s * 1000.0)),
            ("dl", Some(ms(self.buffer_s))),
            ("mtp", throughput),
            ("nor", next.map(|next| Value::Text(encoded(next)))),
            ("nrr", self.next_range.clone().map(Value::Text)),
            ("rtp", self.enough_kbps().map(Value::Number)),
            ("tb", whole(self.top_kbps)),
        ];
        let present = |(key, value): (_, Option<Value>)| Some((key, value?));
        fields.into_iter().filter_map(present).collect()
    }

    /// `rtp`, a sufficient throughput in kbit/s: the object arrives well before its deadline, and the
    /// player can still measure twice the top rung. `None` if the object is due now.
    fn enough_kbps(&self) -> Option<u64> {
        let in_time = self.size as f64 * 0.008 / self.buffer_s;
        let enough = (EASE * in_time).max(2.0 * self.top_kbps);
        (self.buffer_s > 0.0 && !self.urgent).then(|| hundreds(enough).max(100))
    }
}

/// A request and its purpose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch<'a> {
    pub(super) url: &'a Url,
    pub(super) range: Option<ByteRange>,
    pub(super) content: &'a Content,
    pub(super) kind: Kind,
    pub(super) media: Option<&'a Media>,
}

impl<'a> Fetch<'a> {
    /// A request for something other than a media segment.
    pub(super) fn of(
        url: &'a Url,
        range: Option<ByteRange>,
        content: &'a Content,
        kind: Kind,
    ) -> Self {
        let media = None;
        Self {
            url,
            range,
            content,
            kind,
            media,
        }
    }

    /// Whether no content coding is accepted: ranges count bytes of the plain file, and media are
    /// compressed already.
    pub(super) fn is_plain(&self) -> bool {
        self.range.is_some() || !self.kind.is_text()
    }
}

/// The CMCD mode and session id of one session.
#[derive(Debug, Clone)]
pub struct Cmcd {
    mode: CmcdMode,
    session: String,
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
        Self { mode, session }
    }

    pub(super) fn apply(&self, fetch: &Fetch<'_>) -> (Url, HeaderMap) {
        let (mut url, mut headers) = (fetch.url.clone(), HeaderMap::new());
        if self.mode == CmcdMode::Off {
            return (url, headers);
        }
        let fields = self.fields(fetch);
        if self.mode == CmcdMode::Query {
            let text = spell(fields.iter());
            url.query_pairs_mut().append_pair("CMCD", &text);
            return (url, headers);
        }
        for name in ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"] {
            let text = spell(fields.iter().filter(|(key, _)| header(key) == name));
            if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(&text)) {
                headers.insert(name, value);
            }
        }
        (url, headers)
    }

    /// Every key that applies, in alphabetical order (§2.2).
    fn fields(&self, fetch: &Fetch<'_>) -> Vec<Field> {
        let (content, kind, media) = (fetch.content, fetch.kind, fetch.media);
        let mut fields = media.map_or_else(Vec::new, Media::fields);
        fields.extend([
            ("cid", Value::Text(content.id.clone())),
            ("ot", Value::Token(kind.token())),
            ("sid", Value::Text(self.session.clone())),
            ("st", Value::Token("v")),
        ]);
        fields.extend(content.protocol.map(|name| ("sf", Value::Token(name))));
        if media.is_none_or(|media| media.urgent) {
            fields.push(("su", Value::Flag));
        }
        fields.sort_unstable_by_key(|(key, _)| *key);
        fields
    }
}

#[derive(Debug, Clone)]
pub(super) struct Content {
    id: String,
    /// `h` for HLS, `d` for DASH.
    protocol: Option<&'static str>,
}

impl Content {
    /// The content that the manifest at `url` describes.
    pub(super) fn of(url: &Url) -> Self {
        let digest = Sha256::digest(url.path().as_bytes());
        let protocol = match url.path().rsplit('.').next() {
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

/// The header of `key` (§3.1).
fn header(key: &str) -> &'static str {
    match key {
        "br" | "d" | "ot" | "tb" => "cmcd-object",
        "bl" | "dl" | "mtp" | "nor" | "nrr" | "su" => "cmcd-request",
        "cid" | "sf" | "sid" | "st" => "cmcd-session",
        _ => "cmcd-status",
    }
}

type Field = (&'static str, Value);

#[derive(Debug)]
enum Value {
    Number(u64),
    Token(&'static str),
    Text(String),
    Flag,
}

/// `key=value` pairs; a flag is its key alone (RFC 8941 §3.2).
fn spell<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    let one = |(key, value): &Field| match value {
        Value::Number(number) => format!("{key}={number}"),
        Value::Token(token) => format!("{key}={token}"),
        Value::Text(text) => {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{key}=\"{quoted}\"")
        }
        Value::Flag => (*key).to_owned(),
    };
    fields.map(one).collect::<Vec<_>>().join(",")
}

fn hundreds(value: f64) -> u64 {
    ((value / 100.0).round() * 100.0) as u64
}

/// `nor` is URL-encoded (§3.2).
fn encoded(text: &str) -> String {
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
        Cmcd {
            mode,
            session: "6e2fb550-c457-11e9-bb97-0800200c9a66".into(),
        }
    }

    fn media() -> Media {
        Media {
            br_kbps: 35.4,
            top_kbps: 120.0,
            duration_s: 2.002,
            buffer_s: 4.649,
            throughput_kbps: Some(1251.0),
            size: 40_000,
            urgent: false,
            starved: true,
            next: Some("../a b/3.m4s".into()),
            next_range: None,
        }
    }

    fn url() -> Url {
        Url::parse("http://host/title/master.m3u8?token=1").unwrap()
    }

    /// URL and headers of a request of this kind.
    fn applied(mode: CmcdMode, kind: Kind, media: Option<&Media>) -> (Url, HeaderMap) {
        let (url, content) = (&url(), &Content::of(&url()));
        let fetch = Fetch::of(url, None, content, kind);
        cmcd(mode).apply(&Fetch { media, ..fetch })
    }

    #[test]
    fn query_keys_are_sorted() {
        let (url, headers) = applied(CmcdMode::Query, Kind::Video, Some(&media()));
        assert!(headers.is_empty());
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("token".into(), "1".into()));
        let id = Content::of(&url).id;
        let expected = format!(
            "bl=4600,br=35,bs,cid=\"{id}\",d=2002,dl=4600,mtp=1300,nor=\"..%2Fa%20b%2F3.m4s\",ot=v,rtp=300,sf=h,\
             sid=\"6e2fb550-c457-11e9-bb97-0800200c9a66\",st=v,tb=120"
        );
        assert_eq!(pairs[1], ("CMCD".into(), expected));
    }

    #[test]
    fn keys_are_in_their_headers() {
        let mut media = media();
        (media.urgent, media.next, media.next_range) = (true, None, Some("100-199".into()));
        let (same, headers) = applied(CmcdMode::Header, Kind::Video, Some(&media));
        assert_eq!(same, url());
        for (name, expected) in [
            ("cmcd-object", "br=35,d=2002,ot=v,tb=120"),
            (
                "cmcd-request",
                "bl=4600,dl=4600,mtp=1300,nrr=\"100-199\",su",
            ),
            ("cmcd-status", "bs"),
        ] {
            assert_eq!(headers[name], expected);
        }
        assert!(headers["cmcd-session"].as_bytes().starts_with(b"cid=\""));
        media.urgent = false;
        let (_, relaxed) = applied(CmcdMode::Header, Kind::Video, Some(&media));
        assert_eq!(relaxed["cmcd-status"], "bs,rtp=300");
        // At least twice the top rung, so that a server that paces to it does not hide its capacity.
        media.size = 100;
        assert_eq!(media.enough_kbps(), Some(200));
        let (_, headers) = applied(CmcdMode::Header, Kind::Manifest, None);
        assert_eq!(headers["cmcd-object"], "ot=m");
        assert!(!headers.contains_key("cmcd-status"));
        assert!(applied(CmcdMode::Off, Kind::Init, None).1.is_empty());
    }

    #[test]
    fn session_ids_are_random_uuids() {
        let (one, other) = (Cmcd::new(CmcdMode::Query), Cmcd::new(CmcdMode::Query));
        assert_ne!(one.session, other.session);
        assert_eq!(one.session.len(), 36);
        assert_eq!(&one.session[14..15], "4");
    }
}
