//! Fields that every response has whatever its status, methods, hosts, and the admin port.

use crate::probe::Mode;
use crate::site::{Site, assert_fields, client, header, headers};
use promptus::origin::{TokenKeys, serve_apart};
use reqwest::Method;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;

const KEY: &str = "one key of enough bytes";
/// In 2100.
const LATER: u64 = 4_102_444_800;

/// The fields of every response.
const ALWAYS: [(&str, &str); 4] = [
    ("access-control-allow-origin", "*"),
    ("timing-allow-origin", "*"),
    ("alt-svc", "h3=\":443\"; ma=86400"),
    ("x-content-type-options", "nosniff"),
];

fn keys() -> TokenKeys {
    TokenKeys::new(vec![KEY.into()]).unwrap()
}

/// A site and the folder of its access log, with time limits of 400 ms, and an `Alt-Svc`.
async fn site(token_keys: TokenKeys) -> (TempDir, Site) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let site = Site::with(3000, |settings| {
        settings.token_keys = token_keys;
        settings.request_timeout = Duration::from_millis(400);
        settings.alt_svc = Some(ALWAYS[2].1.to_owned());
        settings.access_log = Some(path);
    })
    .await;
    (folder, site)
}

#[tokio::test]
async fn every_status_has_the_fields_of_every_response() {
    let (_folder, site) = site(TokenKeys::default()).await;
    fs::create_dir(site.root.path().join("broken")).unwrap();
    fs::write(
        site.root.path().join("broken/master.m3u8"),
        "not a playlist",
    )
    .unwrap();
    for name in ["a.html", "a.svg", "a.js", "a.css", "a.htm", "a.xml"] {
        fs::write(site.root.path().join("t").join(name), "<script>").unwrap();
        let path = format!("/t/{name}");
        assert_eq!(
            site.status(&path).await,
            404,
            "a title has no active content: {path}"
        );
    }
    let (media, long) = (site.media(0), format!("/healthz?{}", "a".repeat(5000)));
    let page = ("origin", "https://player.example");
    for (method, path, field, status) in [
        (Method::GET, &*media, page, 200),
        (Method::GET, &media, ("range", "bytes=0-1"), 206),
        (Method::GET, &media, ("range", "bytes=99999999-"), 416),
        (Method::GET, &media, ("if-none-match", "*"), 304),
        (Method::GET, &media, ("if-match", "\"x\""), 412),
        (Method::GET, "/t/none.m3u8", page, 404),
        (Method::GET, "/t//x", page, 404),
        (Method::GET, "/none/x.mp4", page, 404),
        (Method::POST, &media, page, 405),
        (Method::DELETE, "/", page, 405),
        (Method::GET, &long, page, 414),
        (Method::GET, "/t/master.m3u8?max_rank=x", page, 400),
        (Method::GET, "/broken/segments/master.m3u8", page, 500),
        (Method::GET, "/", page, 200),
        (Method::GET, "/healthz", page, 200),
        (Method::GET, "/metrics", page, 200),
        (Method::GET, "/catalogue.json", page, 200),
        (Method::GET, "/t/master.m3u8", page, 200),
        (Method::GET, "/t/poster.jpg", page, 200),
    ] {
        let response = site.send(method.clone(), path, &[field]).await;
        let context = format!("{method} {path}");
        assert_eq!(response.status(), status, "{context}");
        assert_fields(&response, &ALWAYS, &context);
        let exposed = header(&response, "access-control-expose-headers");
        for name in [
            "etag",
            "content-range",
            "content-length",
            "accept-ranges",
            "x-request-id",
        ] {
            assert!(exposed.contains(name), "{context}: {exposed}");
        }
        if status == 405 {
            assert_fields(&response, &[("allow", "GET,HEAD")], &context);
        }
        // An id of a proxy is kept if it is short and plain.
        let own = header(&response, "x-request-id");
        assert!(own.len() > 8 && !own.contains(' '), "{context}: {own}");
        for (given, kept) in [("front-1.a", true), ("no blanks, please", false)] {
            let fields = [field, ("x-request-id", given)];
            let response = site.send(method.clone(), path, &fields).await;
            let id = header(&response, "x-request-id");
            assert_eq!(id == given, kept, "{context}: {id}");
        }
    }
}

#[tokio::test]
async fn refusals_and_failures_are_logged_without_tokens() {
    let (folder, site) = site(keys()).await;
    let prefix = keys().sign("t", LATER).unwrap();
    let master = format!("{prefix}/t/master.m3u8");
    let media = format!("{prefix}{}", site.media(0));
    let (foreign, long) = (
        format!("{prefix}/u/master.m3u8"),
        format!("{master}?{}", "a".repeat(5000)),
    );
    let (twisted, invalid) = (
        format!("{master}?profile=mini&max_rank=2"),
        format!("{master}?max_rank=x"),
    );
    let cases = [
        (Method::GET, "/t/master.m3u8", Mode::Works, 403),
        (Method::GET, &foreign, Mode::Works, 403),
        (Method::GET, &long, Mode::Works, 414),
        (Method::GET, &invalid, Mode::Works, 400),
        (Method::POST, "/cmcd", Mode::Works, 413),
        (Method::GET, &media, Mode::Hangs, 504),
        (Method::GET, &media, Mode::Fails, 503),
        (Method::GET, &media, Mode::Works, 200),
        (Method::GET, &twisted, Mode::Works, 200),
        (Method::OPTIONS, "/t/master.m3u8", Mode::Works, 200),
    ];
    for (number, (method, path, mode, status)) in cases.iter().enumerate() {
        site.probe.set(*mode);
        let id = format!("case-{number}");
        let request = client().request(method.clone(), site.url(path));
        let mut request = request.header("x-request-id", &id);
        if *method == Method::POST {
            request = request.body("e=t,v=2\n".repeat(10_000));
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), *status, "{method} {path}");
        assert_fields(&response, &ALWAYS, path);
        assert_fields(&response, &[("x-request-id", &id)], path);
        response.bytes().await.unwrap();
    }
    let lines = log_of(folder.path(), cases.len() + 1).await;
    assert!(!lines.concat().contains(&prefix[3..]), "{lines:?}");
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (number, (method, _, _, status)) in cases.iter().enumerate() {
        let id = format!("case-{number}");
        let line = lines.iter().rfind(|line| line["request_id"] == id.as_str());
        let line = line.unwrap();
        assert_eq!(line["status"], *status, "{line}");
        assert_eq!(line["method"], method.as_str(), "{line}");
        assert_eq!(line["whole"], true, "{line}");
    }
    assert_eq!(lines[1]["path"], "/u/master.m3u8");
}

/// The access log once it has this many lines.
async fn log_of(folder: &Path, lines: usize) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let text = fs::read_to_string(folder.join("access.log")).unwrap();
        let found: Vec<String> = text.lines().map(str::to_owned).collect();
        if found.len() >= lines {
            return found;
        }
        assert!(Instant::now() < until, "{text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn preflights_are_answered_without_a_token_and_cached_for_a_day() {
    let (_folder, site) = site(keys()).await;
    let many: Vec<String> = (0..400).map(|n| format!("cmcd-request-{n}")).collect();
    let fields = [
        ("origin", "https://player.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", &many.join(",")),
        ("x-request-id", "pre"),
    ];
    let response = site.send(Method::OPTIONS, "/t/x.m4s", &fields).await;
    assert_eq!(response.status(), 200);
    assert_fields(&response, &ALWAYS, "preflight");
    let fields = [("x-request-id", "pre"), ("access-control-max-age", "86400")];
    assert_fields(&response, &fields, "preflight");
    for (field, names) in [
        ("access-control-allow-methods", &["GET", "HEAD", "POST"][..]),
        (
            "access-control-allow-headers",
            &[
                "range",
                "if-range",
                "if-none-match",
                "if-match",
                "cmcd-request",
            ],
        ),
    ] {
        let value = header(&response, field);
        assert!(names.iter().all(|name| value.contains(name)), "{value}");
    }
}

#[tokio::test]
async fn a_request_names_one_host() {
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
        assert!(
            response.contains("access-control-allow-origin: *"),
            "{response}"
        );
    }
}

#[tokio::test]
async fn operators_have_a_port_of_their_own() {
    let site = Site::new().await;
    let listener = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (public, admin) = (listener().await, listener().await);
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let (public_url, admin_url) = (url(&public), url(&admin));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(serve_apart(public, admin, site.origin.clone(), async {
        let _ = stopped.await;
    }));
    let get = async |base: &str, path: &str| {
        let request = client().get(format!("{base}{path}"));
        request.headers(headers(&[])).send().await.unwrap()
    };
    for (path, publicly, by_admin) in [
        ("/healthz", 404, 200),
        ("/readyz", 404, 200),
        ("/metrics", 404, 200),
        ("/cmcd", 404, 405),
        ("/t/master.m3u8", 200, 404),
        ("/catalogue.json", 200, 404),
        ("/", 200, 404),
    ] {
        for (base, status) in [(&public_url, publicly), (&admin_url, by_admin)] {
            let response = get(base, path).await;
            assert_eq!(response.status(), status, "{base}{path}");
            assert!(!header(&response, "x-request-id").is_empty());
        }
    }
    site.origin.begin_stop();
    let response = get(&admin_url, "/readyz").await;
    assert_eq!(response.status(), 503);
    assert!(response.text().await.unwrap().contains("stopping"));
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
