//! What the player tells the server with every request: Common Media Client Data, CTA-5004 (version 1).
//!
//! One set of keys, spelt as one query argument (§2.2) or as four headers (§2.1). Numbers are rounded
//! as the specification says: buffer, deadline and throughputs to 100. Every key of version 1 that
//! applies is sent: `pr` and `v` only ever have the value (1) at which they are left out.

use crate::player::event::State;
use crate::player::ladder::Ladder;
use crate::player::random::Random;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

/// How the data travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CmcdMode {
    /// Not at all.
    Off,
    /// As the query argument `CMCD`.
    Query,
    /// As headers, which leave cache keys alone.
    #[default]
    Header,
}

/// A mode that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no way to send CMCD: expected query, header or off")]
pub struct UnknownMode(pub String);

impl FromStr for CmcdMode {
    type Err = UnknownMode;

    fn from_str(name: &str) -> Result<Self, UnknownMode> {
        match name {
            "off" => Ok(Self::Off),
            "query" => Ok(Self::Query),
            "header" => Ok(Self::Header),
            _ => Err(UnknownMode(name.to_owned())),
        }
    }
}

impl fmt::Display for CmcdMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Query => "query",
            Self::Header => "header",
        })
    }
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An MPD or a multivariant playlist.
    Manifest,
    /// A media playlist.
    Playlist,
    Init,
    /// A `sidx`.
    Index,
    /// A quality table.
    Quality,
    /// A generator's weights.
    Weights,
    Video,
}

impl Kind {
    /// Whether it is a text, which a content coding shrinks.
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

/// What is told about one media segment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Media {
    pub(super) br_kbps: f64,
    pub(super) top_kbps: f64,
    pub(super) duration_s: f64,
    pub(super) buffer_s: f64,
    pub(super) throughput_kbps: Option<f64>,
    /// Bytes of the object.
    pub(super) size: u64,
    /// Whether the viewer waits for it.
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

/// A server may go so many times faster than an object needs to come in time.
const EASE: f64 = 5.0;

impl Media {
    /// `rtp`, the throughput that is enough, kbit/s: the object comes well before its deadline, and
    /// the player still sees that it could afford twice the top rung. `None` while there is no
    /// deadline but "now".
    fn enough_kbps(&self) -> Option<u64> {
        let in_time = self.size as f64 * 0.008 / self.buffer_s;
        let enough = (EASE * in_time).max(2.0 * self.top_kbps);
        (self.buffer_s > 0.0 && !self.urgent).then(|| hundreds(enough).max(100))
    }
}

/// Whether the viewer waits in this state.
pub(super) fn is_urgent(state: State) -> bool {
    !matches!(state, State::Steady)
}

/// The names of one session.
#[derive(Debug, Clone)]
pub struct Cmcd {
    mode: CmcdMode,
    session: String,
}

impl Cmcd {
    /// Data sent as `mode` says, of a session with a random name.
    pub fn new(mode: CmcdMode) -> Self {
        // The hasher's keys are the only entropy that the standard library gives.
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

    /// The URL and the headers to send for it.
    pub(super) fn apply(
        &self,
        url: &Url,
        content: &Content,
        kind: Kind,
        media: Option<&Media>,
    ) -> (Url, HeaderMap) {
        let fields = self.fields(content, kind, media);
        let (mut url, mut headers) = (url.clone(), HeaderMap::new());
        match self.mode {
            CmcdMode::Off => {}
            CmcdMode::Query => {
                let all: Vec<&Field> = fields.iter().collect();
                url.query_pairs_mut().append_pair("CMCD", &spell(&all));
            }
            CmcdMode::Header => {
                for group in [Group::Object, Group::Request, Group::Session, Group::Status] {
                    let of_group: Vec<&Field> =
                        fields.iter().filter(|field| field.group == group).collect();
                    let text = spell(&of_group);
                    if let (false, Ok(value)) = (text.is_empty(), HeaderValue::from_str(&text)) {
                        headers.insert(group.header(), value);
                    }
                }
            }
        }
        (url, headers)
    }

    /// Every key that applies, in alphabetical order.
    fn fields(&self, content: &Content, kind: Kind, media: Option<&Media>) -> Vec<Field> {
        let mut fields = Vec::with_capacity(16);
        let mut put = |group, key, value: Value| fields.push(Field { group, key, value });
        if let Some(media) = media {
            let buffer = hundreds(media.buffer_s * 1000.0);
            put(Group::Request, "bl", Value::Number(buffer));
            put(
                Group::Object,
                "br",
                Value::Number(media.br_kbps.round() as u64),
            );
            if media.starved {
                put(Group::Status, "bs", Value::Flag);
            }
        }
        put(Group::Session, "cid", Value::Text(content.id.clone()));
        if let Some(media) = media {
            let duration = (media.duration_s * 1000.0).round() as u64;
            put(Group::Object, "d", Value::Number(duration));
            let deadline = hundreds(media.buffer_s * 1000.0);
            put(Group::Request, "dl", Value::Number(deadline));
            if let Some(kbps) = media.throughput_kbps {
                put(Group::Request, "mtp", Value::Number(hundreds(kbps)));
            }
            if let Some(next) = &media.next {
                put(Group::Request, "nor", Value::Text(encoded(next)));
            }
            if let Some(range) = &media.next_range {
                put(Group::Request, "nrr", Value::Text(range.clone()));
            }
        }
        put(Group::Object, "ot", Value::Token(kind.token()));
        if let Some(enough) = media.and_then(Media::enough_kbps) {
            put(Group::Status, "rtp", Value::Number(enough));
        }
        if let Some(form) = content.form {
            put(Group::Session, "sf", Value::Token(form));
        }
        put(Group::Session, "sid", Value::Text(self.session.clone()));
        put(Group::Session, "st", Value::Token("v"));
        if media.is_none_or(|media| media.urgent) {
            put(Group::Request, "su", Value::Flag);
        }
        if let Some(media) = media {
            put(
                Group::Object,
                "tb",
                Value::Number(media.top_kbps.round() as u64),
            );
        }
        fields
    }
}

/// What is played.
#[derive(Debug, Clone)]
pub(super) struct Content {
    id: String,
    /// `h` for HLS, `d` for DASH.
    form: Option<&'static str>,
}

impl Content {
    /// The content that the manifest at `url` describes.
    pub(super) fn of(url: &Url) -> Self {
        let digest = Sha256::digest(url.path().as_bytes());
        let id = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        let form = match url.path().rsplit('.').next() {
            Some("m3u8") => Some("h"),
            Some("mpd") => Some("d"),
            _ => None,
        };
        Self {
            id: id.collect(),
            form,
        }
    }
}

/// The header that a key travels in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Object,
    Request,
    Session,
    Status,
}

impl Group {
    fn header(self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::Object => "cmcd-object",
            Self::Request => "cmcd-request",
            Self::Session => "cmcd-session",
            Self::Status => "cmcd-status",
        })
    }
}

#[derive(Debug)]
struct Field {
    group: Group,
    key: &'static str,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Number(u64),
    Token(&'static str),
    Text(String),
    Flag,
}

fn spell(fields: &[&Field]) -> String {
    let one = |field: &&Field| match &field.value {
        Value::Number(number) => format!("{}={number}", field.key),
        Value::Token(token) => format!("{}={token}", field.key),
        Value::Text(text) => format!(
            "{}=\"{}\"",
            field.key,
            text.replace('\\', "\\\\").replace('"', "\\\"")
        ),
        Value::Flag => field.key.to_owned(),
    };
    fields.iter().map(one).collect::<Vec<_>>().join(",")
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

    #[test]
    fn query_keys_stand_in_order() {
        let content = Content::of(&url());
        let (url, headers) =
            cmcd(CmcdMode::Query).apply(&url(), &content, Kind::Video, Some(&media()));
        assert!(headers.is_empty());
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("token".into(), "1".into()));
        let expected = format!(
            "bl=4600,br=35,bs,cid=\"{}\",d=2002,dl=4600,mtp=1300,nor=\"..%2Fa%20b%2F3.m4s\",ot=v,rtp=300,sf=h,\
             sid=\"6e2fb550-c457-11e9-bb97-0800200c9a66\",st=v,tb=120",
            content.id
        );
        assert_eq!(pairs[1], ("CMCD".into(), expected));
    }

    #[test]
    fn headers_have_their_keys() {
        let content = Content::of(&url());
        let mut media = media();
        (media.urgent, media.next, media.next_range) = (true, None, Some("100-199".into()));
        let (same, headers) =
            cmcd(CmcdMode::Header).apply(&url(), &content, Kind::Video, Some(&media));
        assert_eq!(same, url());
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(text("cmcd-object"), "br=35,d=2002,ot=v,tb=120");
        assert_eq!(
            text("cmcd-request"),
            "bl=4600,dl=4600,mtp=1300,nrr=\"100-199\",su"
        );
        assert!(text("cmcd-session").starts_with("cid=\""));
        assert_eq!(text("cmcd-status"), "bs");
        media.urgent = false;
        let calm = cmcd(CmcdMode::Header).apply(&url(), &content, Kind::Video, Some(&media));
        assert_eq!(calm.1["cmcd-status"], "bs,rtp=300");
        // Twice the top rung at least, so that a server which holds to it does not hide what it could.
        media.size = 100;
        assert_eq!(media.enough_kbps(), Some(200));
        let (_, headers) = cmcd(CmcdMode::Header).apply(&url(), &content, Kind::Manifest, None);
        assert_eq!(headers["cmcd-object"], "ot=m");
        assert!(!headers.contains_key("cmcd-status"));
        let (_, none) = cmcd(CmcdMode::Off).apply(&url(), &content, Kind::Init, None);
        assert!(none.is_empty());
    }

    #[test]
    fn sessions_have_names_of_their_own() {
        let (one, other) = (Cmcd::new(CmcdMode::Query), Cmcd::new(CmcdMode::Query));
        assert_ne!(one.session, other.session);
        assert_eq!(one.session.len(), 36);
        assert_eq!(&one.session[14..15], "4");
        for mode in ["off", "query", "header"] {
            assert_eq!(mode.parse::<CmcdMode>().unwrap().to_string(), mode);
        }
        assert!("both".parse::<CmcdMode>().is_err());
    }
}
