//! One HTTP client: requests with or without a byte range, time-outs, retries with back-off.
//!
//! Connections are kept and reused. `https` goes by the system's certificates, and by further ones
//! where they are named. A file that is read in ranges must stay the same: its entity tag is
//! remembered. Texts may come in a content coding. Pauses between attempts are spread by a seed, so that players that failed together do
//! not come back together; a server that says how long to wait is waited for, within bounds.
//! RFC 9110 §8.8.3 (entity tags), §10.2.3 (Retry-After), §14 (ranges) and §15 (status).

use super::body::{Body, Source};
use super::cmcd::{Cmcd, CmcdMode, Content, Kind, Media};
use super::coding::{self, Coding};
use super::error::FetchError;
use super::file;
use super::received::Received;
use super::shape::{Throttle, Turn};
use crate::manifest::ByteRange;
use crate::network::link::Link;
use crate::player::log::Overhead;
use crate::player::random::Random;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, RANGE,
    RETRY_AFTER,
};
use reqwest::{Certificate, Method, Response, StatusCode, Url};
use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// A body of unknown length may have this many bytes.
pub(super) const LONGEST: u64 = 64 << 20;

/// How long to wait, and how often to try again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// For a connection, and for the headers of an answer.
    pub answer: Duration,
    /// For more of a body.
    pub body: Duration,
    /// Attempts at one request, at least 1.
    pub attempts: u32,
    /// Pause before the second attempt; it doubles each time, up to 16-fold. Half of each pause is
    /// left to chance.
    pub pause: Duration,
    /// The longest that a server's wish to be left alone (Retry-After) is heeded.
    pub longest: Duration,
    /// What that chance follows from, together with the URL.
    pub seed: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(10),
            body: Duration::from_secs(10),
            attempts: 5,
            pause: Duration::from_millis(200),
            longest: Duration::from_secs(30),
            seed: 0,
        }
    }
}

impl Patience {
    /// The pause after attempt number `attempt` (from 0) at `url` failed with `error`, or `None` to
    /// give up.
    pub(super) fn pause_after(
        &self,
        url: &Url,
        attempt: u32,
        error: &FetchError,
    ) -> Option<Duration> {
        let pause = self.back_off(url, attempt)?;
        let wish = error.retry_after().unwrap_or_default().min(self.longest);
        error.is_passing().then_some(pause.max(wish))
    }

    /// The pause that this player would make of its own accord.
    fn back_off(&self, url: &Url, attempt: u32) -> Option<Duration> {
        let name = url.as_str().bytes().fold(self.seed, |hash, byte| {
            Random::new(hash ^ u64::from(byte)).bits()
        });
        let share = Random::new(name ^ u64::from(attempt)).between(0.5, 1.0);
        let longest = self.pause * (1 << attempt.min(4));
        (attempt + 1 < self.attempts).then(|| longest.mul_f64(share))
    }
}

/// A client with its pool of connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    patience: Patience,
    cmcd: Cmcd,
    /// Entity tags of the files that are read in ranges.
    tags: Arc<Mutex<HashMap<String, HeaderValue>>>,
    throttle: Option<Arc<Throttle>>,
    received: Received,
}

/// A small resource.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    /// Bytes that came for it, in whatever coding.
    pub(super) wire_bytes: u64,
    /// Where the server sent us for it, if it did: what references in it are relative to (RFC 3986
    /// §5.1.3).
    pub(super) moved: Option<Url>,
}

/// An answer whose head is here.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    /// The right to receive it, where the client is throttled.
    pub(super) turn: Option<Turn<'a>>,
    pub(super) body: Body,
    head: Head,
}

/// What a request is told to be for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose<'a> {
    pub(super) content: &'a Content,
    pub(super) kind: Kind,
    pub(super) media: Option<&'a Media>,
}

impl<'a> Purpose<'a> {
    /// Something other than a media segment.
    pub(super) fn of(content: &'a Content, kind: Kind) -> Self {
        let media = None;
        Self {
            content,
            kind,
            media,
        }
    }
}

impl Client {
    /// A client that waits and retries as `patience` says. Fails only if the system gives no
    /// resources for one.
    pub fn new(patience: Patience) -> Result<Self, reqwest::Error> {
        Self::trusting(patience, Vec::new())
    }

    /// As [`Client::new`], for servers whose certificates are signed by one of those in the PEM file
    /// `authorities`, too.
    pub fn with_authorities(patience: Patience, authorities: &Path) -> Result<Self, FetchError> {
        let unusable = |source: Box<dyn std::error::Error + Send + Sync>| {
            let path = authorities.to_owned();
            FetchError::Certificates { path, source }
        };
        let pem = std::fs::read(authorities).map_err(|error| unusable(error.into()))?;
        let found = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.into()))?;
        if found.is_empty() {
            return Err(unusable("there are none in it".into()));
        }
        Self::trusting(patience, found).map_err(|error| unusable(error.into()))
    }

    fn trusting(patience: Patience, authorities: Vec<Certificate>) -> Result<Self, reqwest::Error> {
        // An error says that a provider is installed already, which will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let inner = reqwest::Client::builder()
            .user_agent(concat!("promptus/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.answer)
            .tls_certs_merge(authorities)
            .tcp_nodelay(true)
            .build()?;
        Ok(Self {
            inner,
            patience,
            cmcd: Cmcd::new(CmcdMode::default()),
            tags: Arc::default(),
            throttle: None,
            received: Received::default(),
        })
    }

    /// This client with requests that carry `cmcd`.
    pub fn with_cmcd(mut self, cmcd: Cmcd) -> Self {
        self.cmcd = cmcd;
        self
    }

    /// This client behind a network like `link`, which begins with the first request from now on and
    /// carries one answer at a time, whatever is asked for.
    pub fn throttled(mut self, link: Link) -> Self {
        self.throttle = Some(Arc::new(Throttle::new(link)));
        self
    }

    /// Bytes received beside media segments by this client and its clones, failed requests included.
    pub fn overhead(&self) -> Overhead {
        self.received.overhead()
    }

    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// A whole small resource, or a range of it, with retries.
    pub(super) async fn get(
        &self,
        url: &Url,
        range: Option<ByteRange>,
        purpose: &Purpose<'_>,
    ) -> Result<Answer, FetchError> {
        self.retried(url, || self.get_once(url, range, purpose))
            .await
    }

    /// How many bytes there are at `url`, with retries.
    pub(super) async fn size(&self, url: &Url, purpose: &Purpose<'_>) -> Result<u64, FetchError> {
        self.retried(url, || self.size_once(url, purpose)).await
    }

    async fn retried<T, F>(&self, url: &Url, ask: impl Fn() -> F) -> Result<T, FetchError>
    where
        F: Future<Output = Result<T, FetchError>>,
    {
        let mut attempt = 0;
        loop {
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.patience.pause_after(url, attempt, &error) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
            attempt += 1;
        }
    }

    /// The same as [`Client::get`], once.
    pub(super) async fn get_once(
        &self,
        url: &Url,
        range: Option<ByteRange>,
        purpose: &Purpose<'_>,
    ) -> Result<Answer, FetchError> {
        let opened = self.open(url, range, purpose).await?;
        let mut body = opened.body;
        match opened.turn {
            Some(turn) => turn.receive(&mut body).await?,
            None => while body.pull().await? {},
        }
        let bytes = body.finish()?;
        let wire_bytes = bytes.len() as u64;
        Ok(Answer {
            bytes: opened.head.coding.decode(url, bytes, LONGEST)?,
            wire_bytes,
            moved: opened.head.moved,
        })
    }

    async fn size_once(&self, url: &Url, purpose: &Purpose<'_>) -> Result<u64, FetchError> {
        if url.scheme() == "file" {
            return file::size(url).await;
        }
        let response = self.send(Method::HEAD, url, None, purpose).await?;
        check_status(url, &response)?;
        let announced = response.headers().get(CONTENT_LENGTH);
        let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok());
        announced.ok_or_else(|| FetchError::Url {
            url: url.to_string(),
            problem: "the server does not say how long it is".to_owned(),
        })
    }

    /// Sends one request, when it is its turn, and reads the head of the answer, once. A `file://` URL is
    /// opened instead.
    pub(super) async fn open(
        &self,
        url: &Url,
        range: Option<ByteRange>,
        purpose: &Purpose<'_>,
    ) -> Result<Opened<'_>, FetchError> {
        let turn = match &self.throttle {
            Some(throttle) => Some(throttle.turn().await),
            None => None,
        };
        let (body, head) = self.ask(url, range, purpose).await?;
        Ok(Opened { turn, body, head })
    }

    async fn ask(
        &self,
        url: &Url,
        range: Option<ByteRange>,
        purpose: &Purpose<'_>,
    ) -> Result<(Body, Head), FetchError> {
        let body = |source, expected| {
            let body = Body::new(url, source, expected, self.patience.body);
            body.counted(self.received.counter(purpose.kind))
        };
        if url.scheme() == "file" {
            let bytes = file::read(url, range).await?;
            let expected = Some(bytes.len() as u64);
            let source = Source::File(Some(bytes.into()));
            return Ok((body(source, expected), Head::default()));
        }
        let response = self.send(Method::GET, url, range, purpose).await?;
        let expected = check_head(url, &response, range)?;
        let found = without_cmcd(response.url());
        let head = Head {
            coding: Coding::of(url, response.headers(), is_plain(range, purpose))?,
            moved: (found != without_cmcd(url)).then_some(found),
        };
        if range.is_some() {
            self.check_tag(url, &response)?;
        }
        Ok((body(Source::Http(response), expected), head))
    }

    async fn send(
        &self,
        method: Method,
        url: &Url,
        range: Option<ByteRange>,
        purpose: &Purpose<'_>,
    ) -> Result<Response, FetchError> {
        let Purpose {
            content,
            kind,
            media,
        } = *purpose;
        let (told, headers) = self.cmcd.apply(url, content, kind, media);
        // Without a word about codings any would do (RFC 9110 §12.5.3).
        let codings = match is_plain(range, purpose) {
            true => "identity",
            false => coding::ACCEPTED,
        };
        let request = self.inner.request(method, told).headers(headers);
        let mut request = request.header(ACCEPT_ENCODING, codings);
        if let Some(range) = range {
            request = request.header(RANGE, format!("bytes={}", span(range)));
        }
        match timeout(self.patience.answer, request.send()).await {
            Err(_) => Err(timed_out(url, "answer", self.patience.answer)),
            Ok(answer) => answer.map_err(|error| broken(url, error)),
        }
    }

    /// Refuses a file that is not the one that other ranges came from.
    fn check_tag(&self, url: &Url, response: &Response) -> Result<(), FetchError> {
        let Some(tag) = response.headers().get(ETAG) else {
            return Ok(());
        };
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        match tags.get(url.as_str()) {
            Some(known) if known != tag => Err(FetchError::Changed {
                url: url.to_string(),
            }),
            Some(_) => Ok(()),
            None => {
                tags.insert(url.to_string(), tag.clone());
                Ok(())
            }
        }
    }
}

/// What the head of an answer says of the body.
#[derive(Debug, Default)]
struct Head {
    coding: Coding,
    moved: Option<Url>,
}

/// Whether the answer must come as it is: ranges are of that, and media gain nothing by a coding.
fn is_plain(range: Option<ByteRange>, purpose: &Purpose<'_>) -> bool {
    range.is_some() || !purpose.kind.is_text()
}

/// `url` without what was added to its query to tell the server of the session.
fn without_cmcd(url: &Url) -> Url {
    let mut plain = url.clone();
    let own = |part: &&str| !part.starts_with("CMCD=");
    let parts: Vec<&str> = url.query().unwrap_or("").split('&').filter(own).collect();
    let query = parts.join("&");
    plain.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    plain
}

fn check_status(url: &Url, response: &Response) -> Result<(), FetchError> {
    let status = response.status();
    match status.is_success() {
        true => Ok(()),
        false => Err(FetchError::status(
            url.as_str(),
            status.as_u16(),
            retry_after(response.headers(), SystemTime::now()),
        )),
    }
}

/// The length of the body that the head promises, when the head is what was asked for.
fn check_head(
    url: &Url,
    response: &Response,
    range: Option<ByteRange>,
) -> Result<Option<u64>, FetchError> {
    check_status(url, response)?;
    let status = response.status();
    let announced = response.content_length();
    let Some(range) = range else {
        return match announced {
            Some(bytes) if bytes > LONGEST => Err(FetchError::TooLong {
                url: url.to_string(),
                limit: LONGEST,
            }),
            _ => Ok(announced),
        };
    };
    if range.length > LONGEST {
        return Err(FetchError::TooLong {
            url: url.to_string(),
            limit: LONGEST,
        });
    }
    let other = |found: String| FetchError::Range {
        url: url.to_string(),
        asked: span(range),
        found,
    };
    if status != StatusCode::PARTIAL_CONTENT {
        return Err(other(format!(
            "{status} and the whole file: it must support byte ranges"
        )));
    }
    let header = response.headers().get(CONTENT_RANGE);
    let stated = header
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no Content-Range");
    let begins = format!("bytes {}/", span(range));
    if stated.starts_with(&begins) {
        Ok(Some(range.length))
    } else {
        Err(other(format!("`{stated}`")))
    }
}

/// How long the server wants to be left alone: seconds, or a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// The range as HTTP writes it, both ends included.
pub(super) fn span(range: ByteRange) -> String {
    format!("{}-{}", range.start, range.end().saturating_sub(1))
}

pub(super) fn timed_out(url: &Url, awaited: &'static str, waited: Duration) -> FetchError {
    FetchError::TimedOut {
        url: url.to_string(),
        awaited,
        seconds: waited.as_secs_f64(),
    }
}

pub(super) fn broken(url: &Url, error: reqwest::Error) -> FetchError {
    let problem = if error.is_connect() {
        "cannot connect"
    } else if error.is_redirect() {
        "the server redirects without end"
    } else {
        "the connection broke"
    };
    FetchError::Connection {
        url: url.to_string(),
        problem,
        source: error.without_url(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let patience = Patience {
            attempts: 8,
            ..Patience::default()
        };
        let url = Url::parse("http://host/1.m4s").unwrap();
        let longest = [200, 400, 800, 1600, 3200, 3200, 3200].map(Duration::from_millis);
        for (attempt, longest) in (0..).zip(longest) {
            let pause = patience.back_off(&url, attempt).unwrap();
            assert!((longest / 2..=longest).contains(&pause), "{pause:?}");
            assert_eq!(patience.back_off(&url, attempt), Some(pause));
        }
        assert_eq!(patience.back_off(&url, 7), None);
        let other = Url::parse("http://host/2.m4s").unwrap();
        assert_ne!(patience.back_off(&url, 0), patience.back_off(&other, 0));
        let seeded = Patience {
            seed: 1,
            ..patience
        };
        assert_ne!(patience.back_off(&url, 0), seeded.back_off(&url, 0));
    }

    #[test]
    fn a_server_is_left_alone_as_long_as_it_wants_within_bounds() {
        let url = Url::parse("http://host/1.m4s").unwrap();
        let patience = Patience::default();
        let pause = |status, seconds: Option<u64>| {
            let wish = seconds.map(Duration::from_secs);
            let error = FetchError::status(url.as_str(), status, wish);
            patience.pause_after(&url, 0, &error)
        };
        assert!(pause(503, None).unwrap() < Duration::from_secs(1));
        assert_eq!(pause(503, Some(7)), Some(Duration::from_secs(7)));
        assert_eq!(pause(429, Some(86_400)), Some(patience.longest));
        assert_eq!(pause(404, Some(7)), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wish = |text: &'static str| {
            let headers = [(RETRY_AFTER, HeaderValue::from_static(text))];
            retry_after(&headers.into_iter().collect(), now).map(|wish| wish.as_secs())
        };
        assert_eq!(wish("120"), Some(120));
        assert_eq!(wish("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(wish("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!([wish("soon"), wish("-1"), wish("")], [None; 3]);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn ranges_include_both_ends() {
        assert_eq!(
            span(ByteRange {
                start: 100,
                length: 50
            }),
            "100-149"
        );
    }
}
