//! A running origin and a client for it.

use crate::title;
use promptus::manifest::Presentation;
use promptus::origin::{Origin, Settings, serve};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response};
use std::net::SocketAddr;
use std::path::Path;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// An origin on a free port, stopped when the test ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    client: reqwest::Client,
}

impl Server {
    pub(crate) async fn start(origin: Origin) -> Self {
        // The client wants a provider even where it never speaks TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
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
            client: reqwest::Client::new(),
        }
    }

    pub(crate) async fn of(root: &Path) -> Self {
        Self::start(Origin::local(root, Settings::default()).unwrap()).await
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

    /// The body of a successful answer.
    pub(crate) async fn bytes(&self, path: &str) -> Vec<u8> {
        let response = self.get(path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        response.bytes().await.unwrap().to_vec()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path).await).unwrap()
    }

    /// Sends bytes as they are, where a client library would tidy them up, and returns the answer.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
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

/// A folder with the title `t`, and its origin.
pub(crate) async fn with_title() -> (TempDir, Presentation, Server) {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, 3000);
    let server = Server::of(root.path()).await;
    (root, presentation, server)
}
