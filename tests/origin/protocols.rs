//! HTTP/2 on the port of HTTP/1.1, and hints of the next segment.

use crate::site::{Site, assert_fields, header};
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
    let paths: Vec<String> = (1..=3).map(|n| site.part(&format!("{n}.m4s"))).collect();
    let mut responses = Vec::new();
    for path in &paths {
        let request = Request::get(site.url(path)).body(()).unwrap();
        responses.push(client.send_request(request, true).unwrap().0);
    }
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

/// RFC 9113 §8.3.1: a request names its host in `:authority` or in `Host`.
#[tokio::test]
async fn an_http_2_request_names_its_host() {
    let site = Site::new().await;
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

#[tokio::test]
async fn segments_describe_themselves_and_name_the_next() {
    let site = Site::new().await;
    for (name, cmsd, link) in [
        (
            "init.mp4",
            "ot=i,st=v,nor=\"1.m4s\"",
            "<1.m4s>; rel=prefetch",
        ),
        (
            "1.m4s",
            "d=2000,ot=v,st=v,nor=\"2.m4s\"",
            "<2.m4s>; rel=prefetch",
        ),
        ("3.m4s", "d=1500,ot=v,st=v", ""),
    ] {
        let response = site.get(&site.part(name), &[]).await;
        let found = header(&response, "cmsd-static");
        assert!(found.ends_with(cmsd), "{name}: {found}");
        assert_fields(&response, &[("link", link)], name);
    }
    for (path, cmsd) in [
        ("/t/master.m3u8", "ot=m,sf=h,st=v"),
        ("/t/segments/manifest.mpd", "ot=m,sf=d,st=v"),
        (&site.media(0), "ot=v,st=v"),
        ("/t/poster.jpg", ""),
    ] {
        assert_fields(&site.get(path, &[]).await, &[("cmsd-static", cmsd)], path);
    }
}
