//! One HTTP client: requests with or without a byte range, time-outs, retries.
//!
//! Connections are kept alive and reused. `https` trusts the system's certificates and those that are
//! configured. A file read in ranges must stay the same: its entity tag is remembered. Texts may come in
//! a content coding. `file://` URLs are read from disk.

use super::body::{Body, Received, Source};
use super::cmcd::Fetch;
use super::coding;
use super::error::{AnswerProblem, FetchError};
use super::local;
use super::patience::Patience;
use super::resolve::{LONGEST, span};
use super::response::{Head, check_head, check_status, header};
use super::throttle::{Throttle, Turn};
use crate::network::link::Link;
use crate::player::cmcd::{Cmcd, CmcdMode};
use crate::player::log::Overhead;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, ETAG, RANGE};
use reqwest::{Certificate, Method, Response, Url};
use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::timeout;

/// A client with its pool of connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    patience: Patience,
    cmcd: Cmcd,
    /// Entity tags by URL of the files that are read in ranges.
    tags: Arc<Mutex<HashMap<String, String>>>,
    throttle: Option<Arc<Throttle>>,
    received: Received,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    /// Bytes received for it, in its content coding.
    pub(super) wire_bytes: u64,
    /// The URL after redirects, if there were any.
    pub(super) moved: Option<Url>,
}

/// An answer whose head was received.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    /// The turn on the link, where the client is throttled.
    pub(super) turn: Option<Turn<'a>>,
    pub(super) body: Body,
    head: Head,
}

impl Client {
    /// A client with these time-outs and retries.
    ///
    /// Fails if the system refuses the resources, such as its certificate store.
    pub fn new(patience: Patience) -> Result<Self, FetchError> {
        Self::trusting(patience, Vec::new()).map_err(|cause| FetchError::Client(cause.into()))
    }

    /// As [`Client::new`], and trusts the certificates in the PEM file `authorities`, too.
    ///
    /// Fails if the file cannot be read or holds no certificates.
    pub fn with_authorities(patience: Patience, authorities: &Path) -> Result<Self, FetchError> {
        let certificates = || -> Result<Self, Box<dyn Error + Send + Sync>> {
            let found = Certificate::from_pem_bundle(&std::fs::read(authorities)?)?;
            if found.is_empty() {
                return Err("there are none in it".into());
            }
            Ok(Self::trusting(patience, found)?)
        };
        certificates().map_err(|source| FetchError::Certificates {
            path: authorities.to_owned(),
            source,
        })
    }

    fn trusting(patience: Patience, authorities: Vec<Certificate>) -> Result<Self, reqwest::Error> {
        // An error means that a provider is installed already.
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

    /// Adds `cmcd` to every request.
    pub fn with_cmcd(mut self, cmcd: Cmcd) -> Self {
        self.cmcd = cmcd;
        self
    }

    /// Slows this client down to `link`, whose clock starts with the next request. It carries one answer
    /// at a time.
    pub fn throttled(mut self, link: Link) -> Self {
        self.throttle = Some(Arc::new(Throttle::new(link)));
        self
    }

    /// Bytes received by this client and its clones except media segments and weights; failed requests
    /// included.
    pub fn overhead(&self) -> Overhead {
        *self.received.counts()
    }

    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// A whole small resource, or a range of it, with retries.
    pub(super) async fn get(&self, fetch: &Fetch<'_>) -> Result<Answer, FetchError> {
        self.retried(fetch.url, || self.get_once(fetch)).await
    }

    /// Bytes of a resource, with retries.
    pub(super) async fn size(&self, fetch: &Fetch<'_>) -> Result<u64, FetchError> {
        let url = fetch.url;
        if url.scheme() == "file" {
            return local::size(url).await;
        }
        let ask = || async {
            let response = self.send(Method::HEAD, fetch).await?;
            check_status(url, &response)?;
            Ok(response)
        };
        let response = self.retried(url, ask).await?;
        let announced = header(&response, CONTENT_LENGTH).and_then(|text| text.parse().ok());
        announced.ok_or_else(|| FetchError::Url {
            url: url.to_string(),
            problem: "the server does not state its length".to_owned(),
        })
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
            let pause = self.patience.pause_after(url.as_str(), attempt, &error);
            tokio::time::sleep(pause.ok_or(error)?).await;
            attempt += 1;
        }
    }

    /// As [`Client::get`], without retries.
    pub(super) async fn get_once(&self, fetch: &Fetch<'_>) -> Result<Answer, FetchError> {
        let opened = self.open(fetch).await?;
        let mut body = opened.body;
        match opened.turn {
            Some(turn) => turn.receive(&mut body).await?,
            None => while body.pull().await? {},
        }
        let bytes = body.finish()?;
        let wire_bytes = bytes.len() as u64;
        Ok(Answer {
            bytes: opened.head.coding.decode(fetch.url, bytes, LONGEST)?,
            wire_bytes,
            moved: opened.head.moved,
        })
    }

    /// Waits for its turn on the link, sends one request and reads the head of the answer.
    pub(super) async fn open(&self, fetch: &Fetch<'_>) -> Result<Opened<'_>, FetchError> {
        let Fetch { url, range, .. } = *fetch;
        let turn = match &self.throttle {
            Some(throttle) => Some(throttle.turn().await),
            None => None,
        };
        let body = |source, expected| {
            let totals = (self.received.clone(), fetch.kind);
            Body::new(url, source, expected, self.patience.body, totals)
        };
        if url.scheme() == "file" {
            let bytes = local::read(url, range).await?;
            let expected = Some(bytes.len() as u64);
            let body = body(Source::File(Some(bytes.into())), expected);
            let head = Head::default();
            return Ok(Opened { turn, body, head });
        }
        let response = self.send(Method::GET, fetch).await?;
        let expected = check_head(url, &response, range)?;
        let head = Head::of(url, &response, fetch.is_plain())?;
        if range.is_some() {
            self.check_tag(url, &response)?;
        }
        let body = body(Source::Http(response), expected);
        Ok(Opened { turn, body, head })
    }

    async fn send(&self, method: Method, fetch: &Fetch<'_>) -> Result<Response, FetchError> {
        let (url, headers) = fetch.with(&self.cmcd);
        // Without this header the server may choose any coding (RFC 9110 §12.5.3).
        let codings = match fetch.is_plain() {
            true => "identity",
            false => coding::ACCEPTED,
        };
        let request = self.inner.request(method, url).headers(headers);
        let mut request = request.header(ACCEPT_ENCODING, codings);
        if let Some(range) = fetch.range {
            request = request.header(RANGE, format!("bytes={}", span(range)));
        }
        match timeout(self.patience.answer, request.send()).await {
            Err(_) => Err(AnswerProblem::timed_out("answer", self.patience.answer).at(fetch.url)),
            Ok(answer) => answer.map_err(|error| AnswerProblem::broken(error).at(fetch.url)),
        }
    }

    /// Fails if the file differs from the one that earlier ranges came from.
    fn check_tag(&self, url: &Url, response: &Response) -> Result<(), FetchError> {
        let Some(tag) = header(response, ETAG) else {
            return Ok(());
        };
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tags
            .entry(url.to_string())
            .or_insert_with(|| tag.to_owned());
        match known == tag {
            true => Ok(()),
            false => Err(AnswerProblem::Changed.at(url)),
        }
    }
}
