//! The catalogue: titles come and go while the origin runs; the page that shows it.

use crate::probe::{Mode, Probe};
use crate::site::{Server, Site, ms};
use crate::title;
use promptus::origin::{Origin, Settings};
use serde_json::Value;
use std::fs;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The member `key` of every entry of a list.
pub(crate) fn texts(list: &Value, key: &str) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|item| item[key].as_str().unwrap().to_owned())
        .collect()
}

async fn names(server: &Server) -> Vec<String> {
    texts(&server.json("/catalogue.json").await["titles"], "name")
}

/// Waits until the catalogue fits; returns how long that took and the number of requests.
async fn until(
    server: &Server,
    limit: Duration,
    fits: impl Fn(&[String]) -> bool,
) -> (Duration, usize) {
    let began = Instant::now();
    let mut requests = 0;
    loop {
        let names = names(server).await;
        requests += 1;
        if fits(&names) {
            return (began.elapsed(), requests);
        }
        assert!(began.elapsed() < limit, "{names:?}");
        tokio::time::sleep(ms(100)).await;
    }
}

#[tokio::test]
async fn a_title_is_described() {
    let site = Site::new().await;
    let catalogue = site.json("/catalogue.json").await;
    let title = &catalogue["titles"][0];
    let profile = &title["profiles"][0];
    assert_eq!(title["duration_s"], 5.5);
    assert_eq!(title["poster"], "t/poster.jpg");
    assert_eq!(title["hls_segments"], "t/segments/master.m3u8");
    assert_eq!(profile["width"], 256);
    assert_eq!(profile["frame_rate"], "24");
    let kbps = profile["rungs"][1]["kbps"].as_f64().unwrap();
    assert_eq!(kbps, site.rung(1).average_bandwidth as f64 / 1000.0);
    for key in ["hls", "dash", "hls_segments", "dash_segments", "poster"] {
        let url = title[key].as_str().unwrap();
        site.bytes(&format!("/{url}")).await;
    }
}

#[tokio::test]
async fn titles_appear_and_disappear_while_serving() {
    let site = Site::new().await;
    assert_eq!(names(&site).await, ["t"]);
    assert_eq!(site.status("/new/master.m3u8").await, 404);
    let new = title::publish(site.root.path(), "new", 5, 2000);
    let limit = Duration::from_secs(5);
    until(&site, limit, |names| names == ["new", "t"]).await;
    let segment = title::first(&new).replace(".mp4", "/1.m4s");
    site.bytes(&format!("/new/{segment}")).await;
    fs::remove_dir_all(site.root.path().join("t")).unwrap();
    until(&site, limit, |names| names == ["new"]).await;
    assert_eq!(site.status("/t/master.m3u8").await, 404);
}

#[tokio::test]
async fn titles_that_cannot_be_played_are_listed_with_the_reason() {
    let site = Site::new().await;
    let root = site.root.path();
    for folder in ["damaged", "empty", ".publish-x"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    fs::write(root.join("damaged/master.m3u8"), "#EXTM3U\n").unwrap();
    fs::write(root.join("notes.txt"), "x").unwrap();
    title::publish(root, "holes", 9, 2000);
    fs::remove_file(root.join("holes").join(title::hash(9)).join("mini-r2.m3u8")).unwrap();
    let catalogue = site.json("/catalogue.json").await;
    assert_eq!(texts(&catalogue["titles"], "name"), ["t"]);
    let problems = texts(&catalogue["problems"], "error");
    assert_eq!(problems.len(), 2);
    let place = "damaged/master.m3u8, line 1";
    let missing = "mini-r2.m3u8: not found";
    let told = problems[0].starts_with(place) && problems[1].contains(missing);
    assert!(told, "{problems:?}");
    let answer = site.get("/damaged/segments/manifest.mpd", "").await;
    assert!(answer.status == 500 && answer.text().contains(place));
}

#[tokio::test]
async fn the_page_is_complete_and_loads_nothing_from_other_hosts() {
    let site = Site::new().await;
    let page = site.get("/", "").await;
    let policy = page.field("content-security-policy");
    assert!(policy.contains("default-src 'none'"));
    let page = page.text();
    let attributes = ["href=\"", "src=\""].iter();
    let attributes = attributes.flat_map(|name| page.split(name).skip(1));
    let parts = attributes.map(|rest| rest.split('"').next().unwrap());
    let parts: Vec<&str> = parts.collect();
    assert!(parts.len() >= 5, "{parts:?}");
    for part in parts {
        // Relative, as the page may lie at any path.
        assert!(!part.starts_with('/'), "{part}");
        let text = site.text(&format!("/{part}")).await;
        let text = text.replace("http://www.w3.org/2000/svg", "");
        let foreign = text.contains("http://") || text.contains("https://");
        assert!(!foreign, "{part}");
    }
    assert_eq!(site.status("/_page/other.js").await, 404);
}

#[tokio::test]
async fn an_empty_root_is_an_empty_catalogue_and_a_missing_one_an_error() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::of(root.path()).await;
    assert_eq!(names(&server).await, [""; 0]);
    let error = Origin::local(&root.path().join("missing"), Settings::default()).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

/// A thousand titles in a store that takes 30 ms a request: listed in ten seconds, a new one in ten
/// more, one request a title and scan.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_titles_in_a_slow_store_are_listed_and_kept_up_to_date() {
    const TITLES: usize = 1000;
    const LIMIT: Duration = Duration::from_secs(10);
    let root = tempfile::tempdir().unwrap();
    for number in 0..TITLES {
        title::publish(root.path(), &format!("{number:04}"), 1, 30);
    }
    let probe = Probe::slow(root.path(), ms(30));
    let (_, server) = Server::of_store(&probe, |_| {}).await;
    // The first request waits for the first scan.
    let began = Instant::now();
    assert_eq!(names(&server).await.len(), TITLES);
    let first = began.elapsed();
    assert!(first < LIMIT, "{first:?}");
    // A scan reads the master playlist of each title once.
    let scans = || probe.reads("0000/master.m3u8");
    assert_eq!(scans(), 1);

    let requests = || probe.requests.load(Ordering::Relaxed);
    let (before, asked_before) = (scans(), requests());
    title::publish(root.path(), "new", 2, 30);
    let (listed, asked) = until(&server, LIMIT, |names| names.len() > TITLES).await;
    let (scans, requests) = (scans() - before, requests() - asked_before);
    println!(
        "{TITLES} titles listed after {first:?}, a new one after {listed:?}: {scans} scans and \
         {requests} requests to the store for {asked} to us"
    );
    // The root at each scan, and the files that describe the new title.
    assert!(requests <= scans * (TITLES + 2) + 3, "{requests}");

    fs::remove_dir_all(root.path().join("0999")).unwrap();
    probe.set(Mode::Fails);
    tokio::time::sleep(ms(500)).await;
    assert_eq!(names(&server).await.len(), TITLES + 1);
    probe.set(Mode::Works);
    let gone = |names: &[String]| !names.contains(&"0999".to_owned());
    until(&server, LIMIT + Duration::from_secs(2), gone).await;
}
