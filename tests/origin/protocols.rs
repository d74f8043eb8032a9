//! HTTP/2 on the port of HTTP/1.1, and the host of a request.

use crate::site::Site;
use axum::http::{HeaderMap, Request, Uri};
use h2::client::SendRequest;
use tokio::net::TcpStream;

async fn connect(site: &Site) -> SendRequest<bytes::Bytes> {
    let stream = TcpStream::connect(site.address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client.ready().await.unwrap()
}

#[tokio::test]
async fn one_http_2_connection_carries_concurrent_requests() {
    let site = Site::new().await;
    let mut client = connect(&site).await;
    let paths = [1, 2, 3].map(|number| site.part(&format!("{number}.m4s")));
    let mut send = |path| {
        let request = Request::get(site.url(path)).body(()).unwrap();
        client.send_request(request, true).unwrap().0
    };
    let responses = paths.each_ref().map(|path| send(path));
    for (response, path) in responses.into_iter().zip(&paths) {
        let (head, mut body) = response.await.unwrap().into_parts();
        assert_eq!(head.status, 200);
        assert_eq!(head.headers["access-control-allow-origin"], "*");
        let mut bytes = Vec::new();
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            bytes.extend_from_slice(&data);
        }
        assert_eq!(bytes, site.bytes(path).await, "{path}");
    }
}

/// With HTTP/1.1 in one `Host` field (RFC 9112 §3.2), with HTTP/2 in that or in `:authority` (RFC
/// 9113 §8.3.1).
#[tokio::test]
async fn a_request_names_its_host() {
    let site = Site::new().await;
    for (head, expected) in [
        ("HTTP/1.1\r\nhost: x", 200),
        ("HTTP/1.1\r\nx-host: x", 400),
        ("HTTP/1.1\r\nhost: x\r\nhost: y", 400),
        ("HTTP/1.0\r\nx-host: x", 200),
    ] {
        let request = format!("GET /t/master.m3u8 {head}\r\nconnection: close\r\n\r\n");
        let (status, response) = site.raw(&request).await;
        assert_eq!(status, expected, "{head}: {response}");
        let cors = "access-control-allow-origin: *";
        assert!(response.contains(cors), "{response}");
    }
    let mut client = connect(&site).await;
    for (uri, host, status) in [
        ("http://x/t/master.m3u8", None, 200),
        ("/t/master.m3u8", Some("x"), 200),
        ("/t/master.m3u8", None, 400),
    ] {
        let host = host.map(|host| ("host".parse().unwrap(), host.parse().unwrap()));
        let mut request = Request::get(uri.parse::<Uri>().unwrap()).body(()).unwrap();
        *request.headers_mut() = HeaderMap::from_iter(host);
        let response = client.send_request(request, true).unwrap().0;
        assert_eq!(response.await.unwrap().status(), status, "{uri}");
    }
}
