//! Titles come and go while the origin runs; the page that shows them.

use crate::probe::{Mode, Probe};
use crate::server::{Server, header, with_title};
use crate::title;
use promptus::origin::{Origin, Settings};
use serde_json::Value;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn catalogue(server: &Server) -> Value {
    serde_json::from_str(&server.text("/catalogue.json").await).unwrap()
}

fn names(catalogue: &Value) -> Vec<String> {
    let titles = catalogue["titles"].as_array().unwrap();
    titles
        .iter()
        .map(|title| title["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits for the catalogue to list exactly these titles.
async fn until_listed(server: &Server, expected: &[&str]) -> Duration {
    let asked = Instant::now();
    while names(&catalogue(server).await) != expected {
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "never listed {expected:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    asked.elapsed()
}

#[tokio::test]
async fn a_title_is_described() {
    let (_root, presentation, server) = with_title().await;
    let catalogue = catalogue(&server).await;
    let title = &catalogue["titles"][0];
    assert_eq!(title["duration_s"], 5.5);
    assert_eq!(title["poster"], "t/poster.jpg");
    assert_eq!(title["hls_segments"], "t/segments/master.m3u8");
    let profile = &title["profiles"][0];
    assert_eq!(
        (&profile["width"], &profile["frame_rate"]),
        (&256.into(), &"24".into())
    );
    let rung = &presentation.groups[0].representations[1];
    let kbps = profile["rungs"][1]["kbps"].as_f64().unwrap();
    assert_eq!(kbps, rung.average_bandwidth as f64 / 1000.0);
    for key in ["hls", "dash", "hls_segments", "dash_segments", "poster"] {
        server
            .bytes(&format!("/{}", title[key].as_str().unwrap()))
            .await;
    }
}

#[tokio::test]
async fn a_title_appears_while_serving_and_a_removed_one_goes() {
    let (root, _, server) = with_title().await;
    assert_eq!(names(&catalogue(&server).await), ["t"]);
    assert_eq!(server.get("/new/master.m3u8", &[]).await.status(), 404);
    let presentation = title::publish(root.path(), "new", 5, 2000);
    until_listed(&server, &["new", "t"]).await;
    let segment = presentation.groups[0].representations[0]
        .url
        .replace(".mp4", "/1.m4s");
    assert!(!server.bytes(&format!("/new/{segment}")).await.is_empty());
    fs::remove_dir_all(root.path().join("t")).unwrap();
    until_listed(&server, &["new"]).await;
    assert_eq!(server.get("/t/master.m3u8", &[]).await.status(), 404);
}

#[tokio::test]
async fn what_cannot_be_played_is_named_with_the_reason() {
    let (root, _, server) = with_title().await;
    let damaged = root.path().join("damaged");
    fs::create_dir(&damaged).unwrap();
    fs::write(damaged.join("master.m3u8"), "#EXTM3U\n").unwrap();
    fs::create_dir(root.path().join("empty")).unwrap();
    fs::create_dir(root.path().join(".publish-x")).unwrap();
    fs::write(root.path().join("notes.txt"), "x").unwrap();
    title::publish(root.path(), "holes", 9, 2000);
    let hole = root
        .path()
        .join("holes")
        .join(title::hash(9))
        .join("mini-r2.m3u8");
    fs::remove_file(hole).unwrap();
    let catalogue = catalogue(&server).await;
    assert_eq!(names(&catalogue), ["t"]);
    let problems: Vec<String> = catalogue["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["error"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(problems.len(), 2);
    assert!(
        problems[0].starts_with("damaged/master.m3u8, line 1:"),
        "{problems:?}"
    );
    assert!(
        problems[1].contains("mini-r2.m3u8: not found"),
        "{problems:?}"
    );
    let answer = server.get("/damaged/segments/manifest.mpd", &[]).await;
    assert_eq!(answer.status(), 500);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("damaged/master.m3u8, line 1")
    );
}

#[tokio::test]
async fn the_page_is_whole_and_loads_nothing_from_elsewhere() {
    let (_root, _, server) = with_title().await;
    let page = server.get("/", &[]).await;
    assert!(header(&page, "content-security-policy").contains("default-src 'none'"));
    let page = page.text().await.unwrap();
    let mut parts = Vec::new();
    for attribute in ["href=\"", "src=\""] {
        parts.extend(
            page.split(attribute)
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned()),
        );
    }
    assert!(parts.len() >= 5, "{parts:?}");
    for part in parts {
        assert!(
            !part.starts_with('/'),
            "{part}: the page may lie at any path"
        );
        let text = server.text(&format!("/{part}")).await;
        let foreign = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !foreign.contains("http://") && !foreign.contains("https://"),
            "{part}"
        );
    }
    assert_eq!(server.get("/_page/other.js", &[]).await.status(), 404);
}

#[tokio::test]
async fn an_empty_root_is_an_empty_catalogue_and_a_missing_one_an_error() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::of(root.path()).await;
    assert_eq!(names(&catalogue(&server).await), [""; 0]);
    assert_eq!(server.text("/healthz").await, "ok\n");
    let missing = root.path().join("missing");
    let error = promptus::origin::Origin::local(&missing, Default::default()).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

/// A thousand titles in a store that takes 30 ms a request: listed whole in ten seconds, new ones in
/// ten more, one request a title and look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_titles_in_a_slow_store_are_listed_and_kept_up_to_date() {
    const TITLES: usize = 1000;
    const LIMIT: Duration = Duration::from_secs(10);
    let root = tempfile::tempdir().unwrap();
    for number in 0..TITLES {
        title::publish(root.path(), &format!("{number:04}"), 1, 30);
    }
    let probe = Probe::slow(root.path(), Duration::from_millis(30));
    let origin = Origin::new(Arc::clone(&probe) as Arc<_>, Settings::default()).unwrap();
    let server = Server::start(origin).await;
    let began = Instant::now();
    assert_eq!(names(&catalogue(&server).await).len(), TITLES);
    let first = began.elapsed();
    assert!(first < LIMIT, "{first:?}");
    // Looks are counted by the reads of a title's entry point.
    let looks = || probe.reads("0000/master.m3u8");
    assert_eq!(looks(), 1);

    let (before, requests) = (looks(), probe.requests());
    title::publish(root.path(), "new", 2, 30);
    let published = Instant::now();
    let mut asked = 0;
    while names(&catalogue(&server).await).len() == TITLES {
        assert!(published.elapsed() < LIMIT, "never listed");
        tokio::time::sleep(Duration::from_millis(100)).await;
        asked += 1;
    }
    let listed = published.elapsed();
    let (looks, requests) = (looks() - before, probe.requests() - requests);
    println!(
        "{TITLES} titles listed after {first:?}, a new one after {listed:?}: {looks} looks and \
         {requests} requests to the store for {asked} to us"
    );
    // The root at each look, and what describes the new title.
    assert!(requests <= looks * (TITLES + 2) + 3, "{requests}");

    fs::remove_dir_all(root.path().join("0999")).unwrap();
    probe.set(Mode::Fails);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(names(&catalogue(&server).await).len(), TITLES + 1);
    probe.set(Mode::Works);
    let recovered = Instant::now();
    while names(&catalogue(&server).await).contains(&"0999".to_owned()) {
        assert!(
            recovered.elapsed() < LIMIT + Duration::from_secs(2),
            "frozen"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
