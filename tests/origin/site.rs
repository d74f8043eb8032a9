//! A running origin of one title, and a client for it.

use crate::probe::Probe;
use crate::title;
use promptus::manifest::{Presentation, Representation};
use promptus::origin::{Origin, Settings, serve};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response};
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

/// A folder with the title `t`, served from a store that can be told to fail.
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
        title::file(self.root.path(), "t", self.rung(rung))
    }
}

/// An origin on a free port, stopped when the test ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    client: reqwest::Client,
}

impl Server {
    pub(crate) async fn start(origin: Origin) -> Self {
        let client = client();
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
            client,
        }
    }

    /// An origin of a local folder.
    pub(crate) async fn of(root: &Path) -> Self {
        Self::start(Origin::local(root, Settings::default()).unwrap()).await
    }

    /// An origin of a store that can be told to fail.
    pub(crate) async fn of_store(
        probe: &Arc<Probe>,
        change: impl FnOnce(&mut Settings),
    ) -> (Origin, Self) {
        let settings = Settings::default().with(change);
        let origin = Origin::new(Arc::clone(probe) as Arc<_>, settings).unwrap();
        (origin.clone(), Self::start(origin).await)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let request = self.client.request(method, self.url(path));
        request.headers(headers(fields)).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.send(Method::GET, path, fields).await
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.get(path, &[]).await.status().as_u16()
    }

    /// The body of a successful response.
    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.get(path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        response.bytes().await.unwrap().to_vec()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path).await).unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    /// Status and body of a range.
    pub(crate) async fn range(&self, path: &str, range: &str) -> (u16, Vec<u8>) {
        let response = self.get(path, &[("range", range)]).await;
        let status = response.status().as_u16();
        (status, response.bytes().await.unwrap().to_vec())
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
        let fields = "host: x\r\nconnection: close";
        self.raw(&format!("GET {path} HTTP/1.1\r\n{fields}\r\n\r\n"))
            .await
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
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// An HTTP client. It needs a TLS provider even where it uses no TLS.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(crate) fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&str, &str)| {
        (
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::try_from(*value).unwrap(),
        )
    };
    fields.iter().map(field).collect()
}

/// The value of a header, empty without it.
pub(crate) fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

/// Fails unless a response has these fields; an empty value means that the field must be absent.
pub(crate) fn assert_fields(response: &Response, fields: &[(&str, &str)], context: &str) {
    for (name, value) in fields {
        let status = response.status();
        assert_eq!(header(response, name), *value, "{context}: {status} {name}");
    }
}
