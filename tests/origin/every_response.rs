//! Fields that every response has whatever its status, methods, and the admin port.

use crate::probe::Mode;
use crate::site::{Answer, Site, client, ms};
use promptus::origin::{TokenKeys, serve_apart};
use reqwest::Method;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// In 2100.
const LATER: u64 = 4_102_444_800;

/// The fields of every response.
const ALWAYS: &str = "access-control-allow-origin: * | timing-allow-origin: * | \
    alt-svc: h3=\":443\"; ma=86400 | x-content-type-options: nosniff";

fn keys() -> TokenKeys {
    TokenKeys::new(vec![b"one key of enough bytes".into()]).unwrap()
}

/// A site and the folder of its access log, with time limits of 400 ms, and an `Alt-Svc`.
async fn site(token_keys: TokenKeys) -> (TempDir, Site) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let site = Site::with(3000, |settings| {
        settings.token_keys = token_keys;
        settings.request_timeout = ms(400);
        settings.alt_svc = Some("h3=\":443\"; ma=86400".to_owned());
        settings.access_log = Some(path);
    })
    .await;
    (folder, site)
}

#[tokio::test]
async fn every_status_has_the_fields_of_every_response() {
    let (_folder, site) = site(TokenKeys::default()).await;
    fs::create_dir(site.root.path().join("broken")).unwrap();
    fs::write(site.root.path().join("broken/master.m3u8"), "x").unwrap();
    // A title has no active content.
    for suffix in ["html", "svg", "js", "css", "htm", "xml"] {
        let file = format!("t/a.{suffix}");
        fs::write(site.root.path().join(&file), "<script>").unwrap();
        assert_eq!(site.status(&format!("/{file}")).await, 404, "{file}");
    }
    let rows = "
        200 GET MEDIA origin: https://player.example
        206 GET MEDIA range: bytes=0-1
        416 GET MEDIA range: bytes=99999999-
        304 GET MEDIA if-none-match: *
        412 GET MEDIA if-match: \"x\"
        404 GET /t/none.m3u8
        404 GET /t//x
        404 GET /none/x.mp4
        405 POST MEDIA
        405 DELETE /
        414 GET LONG
        400 GET /t/master.m3u8?max_rank=x
        500 GET /broken/segments/master.m3u8
        200 GET /
        200 GET /healthz
        200 GET /metrics
        200 GET /catalogue.json
        200 GET /t/master.m3u8
        200 GET /t/poster.jpg
    ";
    let long = format!("/healthz?{}", "a".repeat(5000));
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let filled = row.replace("MEDIA", &site.media(0)).replace("LONG", &long);
        let parts: Vec<&str> = filled.splitn(4, ' ').collect();
        let (method, path): (Method, _) = (parts[1].parse().unwrap(), parts[2]);
        let field = parts.get(3).unwrap_or(&"origin: https://player.example");
        let answer = site.send(method.clone(), path, field).await;
        assert_eq!(answer.status.to_string(), parts[0], "{row}");
        answer.has(ALWAYS, row);
        let exposed = answer.field("access-control-expose-headers");
        let names = "etag content-range content-length accept-ranges x-request-id";
        let all = names.split(' ').all(|name| exposed.contains(name));
        assert!(all, "{row}: {exposed}");
        if answer.status == 405 {
            answer.has("allow: GET,HEAD", row);
        }
        // An id of a proxy is kept if it is short and plain.
        let own = answer.field("x-request-id");
        assert!(own.len() > 8 && !own.contains(' '), "{row}: {own}");
        for (given, kept) in [("front-1.a", true), ("no blanks, please", false)] {
            let fields = format!("{field} | x-request-id: {given}");
            let answer = site.send(method.clone(), path, &fields).await;
            let id = answer.field("x-request-id");
            assert_eq!(id == given, kept, "{row}: {id}");
        }
    }
}

#[tokio::test]
async fn refusals_and_failures_are_logged_without_tokens() {
    let (folder, site) = site(keys()).await;
    let prefix = keys().sign("t", LATER).unwrap();
    let master = format!("{prefix}/t/master.m3u8");
    let media = &format!("{prefix}{}", site.media(0));
    let cases = [
        (Method::GET, "/t/master.m3u8", Mode::Works, 403),
        (
            Method::GET,
            &format!("{prefix}/u/master.m3u8"),
            Mode::Works,
            403,
        ),
        (
            Method::GET,
            &format!("{master}?{}", "a".repeat(5000)),
            Mode::Works,
            414,
        ),
        (
            Method::GET,
            &format!("{master}?max_rank=x"),
            Mode::Works,
            400,
        ),
        (Method::POST, "/cmcd", Mode::Works, 413),
        (Method::GET, media, Mode::Hangs, 504),
        (Method::GET, media, Mode::Fails, 503),
        (Method::GET, media, Mode::Works, 200),
        (
            Method::GET,
            &format!("{master}?profile=mini&max_rank=2"),
            Mode::Works,
            200,
        ),
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
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, *status, "{method} {path}");
        answer.has(&format!("{ALWAYS} | x-request-id: {id}"), path);
    }
    let lines = log_of(folder.path(), cases.len() + 1).await;
    assert!(!lines.concat().contains(&prefix[3..]), "{lines:?}");
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
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
        tokio::time::sleep(ms(50)).await;
    }
}

#[tokio::test]
async fn preflights_are_answered_without_a_token_and_cached_for_a_day() {
    let (_folder, site) = site(keys()).await;
    let many: Vec<String> = (0..400).map(|n| format!("cmcd-request-{n}")).collect();
    let fields = format!(
        "origin: https://player.example | access-control-request-method: GET | \
         access-control-request-headers: {} | x-request-id: pre",
        many.join(",")
    );
    let answer = site.send(Method::OPTIONS, "/t/x.m4s", &fields).await;
    assert_eq!(answer.status, 200);
    answer.has(ALWAYS, "preflight");
    let fields = "x-request-id: pre | access-control-max-age: 86400";
    answer.has(fields, "preflight");
    for (field, names) in [
        ("access-control-allow-methods", "GET HEAD POST"),
        (
            "access-control-allow-headers",
            "range if-range if-none-match if-match cmcd-request",
        ),
    ] {
        let value = answer.field(field);
        assert!(names.split(' ').all(|name| value.contains(name)), "{value}");
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
    let get = async |url: String| Answer::to(client().get(url)).await;
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
            let answer = get(format!("{base}{path}")).await;
            assert_eq!(answer.status, status, "{base}{path}");
            assert!(!answer.field("x-request-id").is_empty());
        }
    }
    site.origin.begin_stop();
    let answer = get(admin_url + "/readyz").await;
    assert!(answer.status == 503 && answer.text().contains("stopping"));
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
