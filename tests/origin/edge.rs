//! What every answer carries, whatever its status, and what a reload changes.

use crate::probe::{Mode, Probe};
use crate::server::{Server, header};
use crate::title;
use promptus::origin::{Origin, Settings, TokenKeys};
use reqwest::{Method, Response};
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

const KEY: &str = "one key of enough bytes";
/// In 2100.
const LATER: u64 = 4_102_444_800;

fn assert_for_any_page(response: &Response, id: &str) {
    let status = response.status();
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("timing-allow-origin", "*"),
        ("alt-svc", "h3=\":443\""),
        ("x-request-id", id),
    ] {
        assert_eq!(header(response, name), value, "{status} {name}");
    }
    assert!(!header(response, "vary").contains("origin"), "{status}");
}

fn settings(root: &tempfile::TempDir) -> Settings {
    Settings {
        token_keys: TokenKeys::new(vec![KEY.into()]).unwrap(),
        request_timeout: Duration::from_millis(400),
        alt_svc: Some("h3=\":443\"".parse().unwrap()),
        access_log: Some(root.path().join("access.log")),
        ..Settings::default()
    }
}

#[tokio::test]
async fn refusals_and_failures_carry_what_answers_do_and_are_logged_without_tokens() {
    let root = tempfile::tempdir().unwrap();
    let presentation = title::publish(root.path(), "t", 1, 3000);
    let probe = Probe::new(root.path());
    let settings = settings(&root);
    let prefix = settings.token_keys.sign("t", LATER).unwrap();
    let origin = Origin::new(Arc::clone(&probe) as Arc<_>, settings).unwrap();
    let server = Server::start(origin).await;
    let media = format!(
        "{prefix}/t/{}",
        presentation.groups[0].representations[0].url
    );
    let long = format!("{prefix}/t/master.m3u8?{}", "a".repeat(5000));
    let (reply, long_body) = (Method::POST, "e=t,v=2\n".repeat(10_000));
    let master = format!("{prefix}/t/master.m3u8");
    let (twisted, foreign) = (
        format!("{master}?profile=mini&max_rank=2"),
        format!("{prefix}/u/master.m3u8"),
    );
    let cases = [
        (Method::GET, "/t/master.m3u8", Mode::Works, 403),
        (Method::GET, &foreign, Mode::Works, 403),
        (Method::GET, &long, Mode::Works, 414),
        (
            Method::GET,
            &format!("{master}?max_rank=x"),
            Mode::Works,
            400,
        ),
        (reply.clone(), "/cmcd", Mode::Works, 413),
        (Method::GET, &media, Mode::Hangs, 504),
        (Method::GET, &media, Mode::Fails, 503),
        (Method::GET, &media, Mode::Works, 200),
        (Method::GET, &twisted, Mode::Works, 200),
        (Method::OPTIONS, "/t/master.m3u8", Mode::Works, 200),
    ];
    for (number, (method, path, mode, status)) in cases.iter().enumerate() {
        probe.set(*mode);
        let id = format!("case-{number}");
        let request = reqwest::Client::new().request(method.clone(), server.url(path));
        let request = request.header("x-request-id", &id);
        let request = match *method == reply {
            true => request.body(long_body.clone()),
            false => request,
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), *status, "{method} {path}");
        assert_for_any_page(&response, &id);
        response.bytes().await.unwrap();
    }
    let lines = log_of(&root, cases.len() + 1).await;
    assert!(
        lines.iter().all(|line| !line.contains(&prefix[3..])),
        "{lines:?}"
    );
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (number, (method, _, _, status)) in cases.iter().enumerate() {
        let id = format!("case-{number}");
        let line = lines.iter().rfind(|line| line["request_id"] == id.as_str());
        let line = line.unwrap();
        assert_eq!(line["status"], *status);
        assert_eq!(line["method"], method.as_str());
        assert_eq!(line["whole"], true, "{line}");
        assert!(line["path"].as_str().unwrap().starts_with(['/']));
    }
    assert_eq!(lines[1]["path"], "/u/master.m3u8");
}

/// The access log once it has this many lines.
async fn log_of(root: &tempfile::TempDir, lines: usize) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let text = fs::read_to_string(root.path().join("access.log")).unwrap();
        let found: Vec<String> = text.lines().map(str::to_owned).collect();
        if found.len() >= lines {
            return found;
        }
        assert!(Instant::now() < until, "{text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_preflight_of_any_length_is_answered_without_a_token() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(Origin::local(root.path(), settings(&root)).unwrap()).await;
    let many: Vec<String> = (0..400).map(|n| format!("cmcd-request-{n}")).collect();
    let fields = [
        ("origin", "https://player.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", &many.join(",")),
        ("x-request-id", "pre"),
    ];
    let response = server.send(Method::OPTIONS, "/t/x.m4s", &fields).await;
    assert!(response.status().is_success());
    assert_for_any_page(&response, "pre");
    assert_eq!(header(&response, "access-control-max-age"), "86400");
    let methods = header(&response, "access-control-allow-methods");
    for method in ["GET", "HEAD", "POST"] {
        assert!(methods.contains(method), "{methods}");
    }
}

#[tokio::test]
async fn the_time_limit_follows_a_reload() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "t", 1, 3000);
    let probe = Probe::new(root.path());
    let with = |milliseconds| Settings {
        request_timeout: Duration::from_millis(milliseconds),
        ..Settings::default()
    };
    let origin = Origin::new(Arc::clone(&probe) as Arc<_>, with(60_000)).unwrap();
    let server = Server::start(origin.clone()).await;
    probe.set(Mode::Hangs);
    assert!(origin.apply(with(200)).unwrap().is_empty());
    let asked = Instant::now();
    let answer = server.get("/t/master.m3u8", &[]).await;
    assert_eq!(answer.status(), 504);
    assert_eq!(header(&answer, "cache-control"), "public, max-age=1");
    let took = asked.elapsed();
    assert!((200..3000).contains(&took.as_millis()), "{took:?}");
    origin.apply(with(60_000)).unwrap();
    let longer = server.get("/t/master.m3u8", &[]);
    let longer = tokio::time::timeout(Duration::from_millis(600), longer).await;
    assert!(longer.is_err(), "it waits again");
}

#[tokio::test]
async fn an_answer_may_take_longer_than_a_connection_may_be_silent() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "t", 1, 3000);
    let probe = Probe::new(root.path());
    let settings = Settings {
        request_timeout: Duration::from_millis(1500),
        idle_timeout: Duration::from_millis(300),
        header_timeout: Duration::from_millis(300),
        ..Settings::default()
    };
    let origin = Origin::new(Arc::clone(&probe) as Arc<_>, settings).unwrap();
    let server = Server::start(origin).await;
    probe.set(Mode::Hangs);
    let works = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        probe.set(Mode::Works);
    };
    let (answer, ()) = tokio::join!(server.get("/t/master.m3u8", &[]), works);
    assert_eq!(answer.status(), 200);
    probe.set(Mode::Hangs);
    let answer = server.get("/t/quality.json", &[]).await;
    assert_eq!(answer.status(), 504);
}

#[tokio::test]
async fn every_answer_forbids_to_guess_its_type_and_titles_hold_no_pages() {
    let (root, presentation, server) = crate::server::with_title().await;
    for name in ["a.html", "a.svg", "a.js", "a.css", "a.htm", "a.xml"] {
        fs::write(root.path().join("t").join(name), "<script>").unwrap();
        let answer = server.get(&format!("/t/{name}"), &[]).await;
        assert_eq!(answer.status(), 404, "{name}");
    }
    let segment = presentation.groups[0].representations[0]
        .url
        .replace(".mp4", "/1.m4s");
    for (path, status) in [
        ("/", 200),
        ("/catalogue.json", 200),
        ("/t/master.m3u8", 200),
        ("/t/poster.jpg", 200),
        (&format!("/t/{segment}"), 200),
        ("/none/x.mp4", 404),
        ("/t/master.m3u8?max_rank=x", 400),
        ("/metrics", 200),
    ] {
        let answer = server.get(path, &[]).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(
            header(&answer, "x-content-type-options"),
            "nosniff",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_says_which_host_it_is_for() {
    let (_root, _, server) = crate::server::with_title().await;
    for (head, status) in [
        ("HTTP/1.1\r\nhost: x", "200"),
        ("HTTP/1.1\r\nx-host: x", "400"),
        ("HTTP/1.1\r\nhost: x\r\nhost: y", "400"),
        ("HTTP/1.0\r\nx-host: x", "200"),
    ] {
        let request = format!("GET /t/master.m3u8 {head}\r\nconnection: close\r\n\r\n");
        let answer = server.raw(&request).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head}: {answer}");
        assert!(
            answer.contains("access-control-allow-origin: *"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn operators_have_a_port_of_their_own() {
    let root = tempfile::tempdir().unwrap();
    title::publish(root.path(), "t", 1, 3000);
    let origin = Origin::local(root.path(), Settings::default()).unwrap();
    let (public, admin) = (listener().await, listener().await);
    let url = |listener: &tokio::net::TcpListener, path: &str| {
        format!("http://{}{path}", listener.local_addr().unwrap())
    };
    let mut asked = Vec::new();
    for (path, publicly, by_admin) in [
        ("/healthz", 404, 200),
        ("/readyz", 404, 200),
        ("/metrics", 404, 200),
        ("/cmcd", 404, 405),
        ("/t/master.m3u8", 200, 404),
        ("/catalogue.json", 200, 404),
        ("/", 200, 404),
    ] {
        asked.push((url(&public, path), publicly));
        asked.push((url(&admin, path), by_admin));
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = promptus::origin::serve_apart(public, admin, origin.clone(), async {
        let _ = stopped.await;
    });
    let serving = tokio::spawn(serving);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ready = asked[3].0.clone();
    for (url, status) in asked {
        let answer = reqwest::get(&url).await.unwrap();
        assert_eq!(answer.status(), status, "{url}");
        assert!(!header(&answer, "x-request-id").is_empty(), "{url}");
    }
    origin.begin_stop();
    let answer = reqwest::get(&ready).await.unwrap();
    assert_eq!(answer.status(), 503, "{ready}");
    assert!(answer.text().await.unwrap().contains("stopping"));
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

async fn listener() -> tokio::net::TcpListener {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
}
