//! A running origin of one title, and a client for it.

use crate::probe::Probe;
use crate::title;
use promptus::manifest::{Presentation, Representation};
use promptus::origin::{Origin, Settings, serve};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::Value;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A folder with the title `t`, served from a store with faults on demand.
pub(crate) struct Site {
    pub(crate) root: TempDir,
    pub(crate) title: Presentation,
    pub(crate) probe: Arc<Probe>,
    pub(crate) origin: Origin,
    pub(crate) server: Server,
}

impl Deref for Site {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(3000, |_| {}).await
    }

    /// One whose segments have about `size` bytes a component, with settings after `change`.
    pub(crate) async fn with(size: u64, change: impl FnOnce(&mut Settings)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let title = title::publish(root.path(), "t", 1, size);
        let probe = Probe::new(root.path());
        let (origin, server) = Server::of_store(&probe, change).await;
        Self {
            root,
            title,
            probe,
            origin,
            server,
        }
    }

    /// A rung of the title, of two.
    pub(crate) fn rung(&self, index: usize) -> &Representation {
        &self.title.groups[0].representations[index]
    }

    /// The path of the file of a rung.
    pub(crate) fn media(&self, rung: usize) -> String {
        format!("/t/{}", self.rung(rung).url)
    }

    /// The path of a part of the first rung in segment-URL form.
    pub(crate) fn part(&self, name: &str) -> String {
        format!("{}/{name}", self.media(0).trim_end_matches(".mp4"))
    }

    /// The bytes of the file of a rung.
    pub(crate) fn file(&self, rung: usize) -> Vec<u8> {
        std::fs::read(self.root.path().join(&self.media(rung)[1..])).unwrap()
    }
}

/// An origin on a free port, stopped when the test ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) client: reqwest::Client,
}

impl Server {
    pub(crate) async fn start(origin: Origin) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(serve(listener, origin, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            task,
            stop: Some(stop),
            client: client(),
        }
    }

    /// An origin of a local folder.
    pub(crate) async fn of(root: &Path) -> Self {
        Self::start(Origin::local(root, Settings::default()).unwrap()).await
    }

    /// An origin of a store with faults on demand.
    pub(crate) async fn of_store(
        probe: &Arc<Probe>,
        change: impl FnOnce(&mut Settings),
    ) -> (Origin, Self) {
        let settings = Settings::default().with(change);
        let origin = Origin::with_store(Arc::clone(probe) as Arc<_>, settings).unwrap();
        (origin.clone(), Self::start(origin).await)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The response to a request with these fields, `name: value | name: value`.
    pub(crate) async fn send(&self, method: Method, path: &str, fields: &str) -> Answer {
        let request = self.client.request(method, self.url(path));
        Answer::to(request.headers(headers(fields))).await
    }

    pub(crate) async fn get(&self, path: &str, fields: &str) -> Answer {
        self.send(Method::GET, path, fields).await
    }

    /// Checks responses to GET, a row a line: the status, the path, fields of the request, and
    /// after `=>` fields of the response, where an empty value means that the field is absent.
    ///
    /// `206 /t/x.mp4 | range: bytes=0-9 => content-length: 10 | link:`
    pub(crate) async fn expect(&self, rows: &str) {
        for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let (request, expected) = row.split_once(" =>").unwrap_or((row, ""));
            let (request, fields) = request.split_once(" | ").unwrap_or((request, ""));
            let (status, path) = request.split_once(' ').unwrap();
            let answer = self.get(path, fields).await;
            assert_eq!(answer.status.to_string(), status, "{row}");
            let empty = ["304", "412", "416"].contains(&status);
            assert!(!empty || answer.body.is_empty(), "{row}");
            answer.has(expected, row);
        }
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.get(path, "").await.status
    }

    /// The body of a successful response, which is not empty.
    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let answer = self.get(path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.is_empty(), "{path}");
        answer.body
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path).await).unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    /// Status and body of a range, as `bytes=` has it.
    pub(crate) async fn range(&self, path: &str, range: &str) -> (u16, Vec<u8>) {
        let answer = self.get(path, &format!("range: bytes={range}")).await;
        (answer.status, answer.body)
    }

    /// Sends bytes unchanged, which a client library would normalize, and returns status and
    /// response.
    pub(crate) async fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        let response = String::from_utf8_lossy(&response).into_owned();
        let status = response.split(' ').nth(1).unwrap_or("0");
        (status.parse().unwrap(), response)
    }

    /// The same for a GET of an unchanged path.
    pub(crate) async fn raw_get(&self, path: &str) -> (u16, String) {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close");
        self.raw(&(head + "\r\n\r\n")).await
    }

    /// Waits until `/metrics` has this line.
    pub(crate) async fn until_metric(&self, line: &str) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let metrics = self.text("/metrics").await;
            if metrics.lines().any(|found| found == line) {
                return;
            }
            assert!(Instant::now() < until, "{line}\n{metrics}");
            tokio::time::sleep(ms(100)).await;
        }
    }
}

/// A response with its whole body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    /// The value of a field, empty without it.
    pub(crate) fn field(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails unless it has these fields; an empty value means that the field must be absent.
    pub(crate) fn has(&self, fields: &str, context: &str) {
        for (name, value) in split(fields) {
            assert_eq!(self.field(name), value, "{context}: {name}");
        }
    }
}

/// An HTTP client. It needs a TLS provider even where it uses no TLS.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn split(fields: &str) -> impl Iterator<Item = (&str, &str)> {
    let fields = fields.split(" | ").map(|field| field.split_once(':'));
    fields
        .flatten()
        .map(|(name, value)| (name.trim(), value.trim()))
}

pub(crate) fn headers(fields: &str) -> HeaderMap {
    let name = |name: &str| HeaderName::try_from(name).unwrap();
    let field = |(text, value): (&str, &str)| (name(text), value.parse().unwrap());
    split(fields).map(field).collect()
}
