//! Both versions of HTTP on one port, and fields that go with answers.

use crate::server::{Server, header, with_title};
use axum::http::{HeaderValue, Request};
use promptus::origin::{Origin, Settings};
use tokio::net::TcpStream;

#[tokio::test]
async fn http_2_without_tls_answers_many_requests_on_one_connection() {
    let (_root, presentation, server) = with_title().await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let folder = presentation.groups[0].representations[0]
        .url
        .replace(".mp4", "");
    let paths: Vec<String> = (1..=3).map(|n| format!("/t/{folder}/{n}.m4s")).collect();
    let mut answers = Vec::new();
    for path in &paths {
        let url = format!("http://{}{path}", server.address);
        let request = Request::get(url).body(()).unwrap();
        answers.push(client.send_request(request, true).unwrap().0);
    }
    for (answer, path) in answers.into_iter().zip(&paths) {
        let (head, mut body) = answer.await.unwrap().into_parts();
        assert_eq!(head.status, 200);
        assert_eq!(head.headers["access-control-allow-origin"], "*");
        let mut bytes = Vec::new();
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            bytes.extend_from_slice(&data);
        }
        assert_eq!(bytes, server.bytes(path).await, "{path}");
    }
    drop(client);
    driver.abort();
}

#[tokio::test]
async fn segments_say_what_they_are_and_what_comes_next() {
    let (_root, presentation, server) = with_title().await;
    let folder = presentation.groups[0].representations[0]
        .url
        .replace(".mp4", "");
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
        let answer = server.get(&format!("/t/{folder}/{name}"), &[]).await;
        assert!(
            header(&answer, "cmsd-static").ends_with(cmsd),
            "{name}: {answer:?}"
        );
        assert_eq!(header(&answer, "link"), link, "{name}");
    }
    for (path, cmsd) in [
        ("/t/master.m3u8".to_owned(), "ot=m,sf=h,st=v"),
        ("/t/segments/manifest.mpd".to_owned(), "ot=m,sf=d,st=v"),
        (format!("/t/{folder}.mp4"), "ot=v,st=v"),
        ("/t/poster.jpg".to_owned(), ""),
    ] {
        let answer = server.get(&path, &[]).await;
        assert_eq!(header(&answer, "cmsd-static"), cmsd, "{path}");
    }
}

#[tokio::test]
async fn alt_svc_and_ids_go_with_every_answer() {
    let root = tempfile::tempdir().unwrap();
    let settings = Settings {
        alt_svc: Some(HeaderValue::from_static("h3=\":443\"; ma=86400")),
        ..Settings::default()
    };
    let server = Server::start(Origin::local(root.path(), settings).unwrap()).await;
    for path in ["/healthz", "/none/master.m3u8", "/catalogue.json"] {
        let answer = server.get(path, &[("x-request-id", "front-1.a")]).await;
        assert_eq!(header(&answer, "alt-svc"), "h3=\":443\"; ma=86400");
        assert_eq!(header(&answer, "x-request-id"), "front-1.a");
        let own = server
            .get(path, &[("x-request-id", "no blanks, please")])
            .await;
        let own = header(&own, "x-request-id");
        assert!(own.len() > 8 && !own.contains(' '), "{own}");
    }
    let long = format!("/healthz?{}", "a".repeat(5000));
    assert_eq!(server.get(&long, &[]).await.status(), 414);
}
