//! Single flight, and a store that fails or does not answer.

use crate::forms;
use crate::probe::{Mode, Probe};
use crate::site::{Server, Site, ms};
use crate::title;
use promptus::origin::Settings;
use std::fs;
use std::sync::Arc;
use tokio::time::sleep;

/// Fields of a failure.
const FAILURE: &str = "access-control-allow-origin: * | cache-control: public, max-age=1";

async fn impatient() -> Site {
    Site::with(3000, |settings| settings.request_timeout = ms(500)).await
}

/// Settings with which manifests are read again after a moment.
fn often(settings: &mut Settings) {
    settings.refresh = ms(100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_requests_share_one_read() {
    let site = Arc::new(impatient().await);
    site.probe.set(Mode::Hangs);
    let ask = |n| {
        let (site, path) = (Arc::clone(&site), site.part(&format!("{}.m4s", 1 + n % 3)));
        tokio::spawn(async move { site.bytes(&path).await.len() })
    };
    let asked: Vec<_> = (0..200).map(ask).collect();
    sleep(ms(200)).await;
    site.probe.set(Mode::Works);
    for request in asked {
        assert!(request.await.unwrap() >= 6000);
    }
    site.bytes(&site.media(0)).await;
    let file = &site.media(0)[1..];
    for path in [file, &file.replace(".mp4", ".m3u8")] {
        assert_eq!(site.probe.reads(path), 1, "{path}");
    }
}

/// Failures have CORS fields, are cached for a second at most, and end with their cause. A short
/// one is not noticed, and cached files outlive the store.
#[tokio::test]
async fn failures_of_the_store_pass() {
    for (mode, status) in [
        (Mode::Fails, 503),
        (Mode::Hangs, 504),
        (Mode::Truncates, 503),
        (Mode::WrongLength, 503),
        (Mode::FailsOnce, 200),
    ] {
        let site = impatient().await;
        let (cached, segment) = (site.part("2.m4s"), site.part("1.m4s"));
        let file = title::publish(site.root.path(), "u", 2, 3000);
        let file = format!("/u/{}", title::first(&file));
        let before = site.bytes(&cached).await;
        site.probe.set(mode);
        let answer = site.get(&file, "").await;
        assert_eq!(answer.status, status, "{mode:?}");
        answer.has("access-control-allow-origin: *", &file);
        if status != 200 {
            answer.has(FAILURE, &file);
            assert!(!answer.text().contains("secret-host-7"));
            assert_eq!(site.status("/u/master.m3u8").await, status, "{mode:?}");
        }
        assert_eq!(site.bytes(&cached).await, before, "{mode:?}");
        assert_eq!(site.text("/healthz").await, "ok\n");
        site.probe.set(Mode::Works);
        site.bytes(&file).await;
        site.bytes(&segment).await;
        let metrics = site.text("/metrics").await;
        let counted = metrics.contains("promptus_store_errors_total{reason=");
        assert!(counted || mode == Mode::Hangs, "{metrics}");
    }
}

#[tokio::test]
async fn a_long_response_that_the_store_does_not_finish_is_aborted() {
    for mode in [
        Mode::Fails,
        Mode::Truncates,
        Mode::WrongLength,
        Mode::Stalls,
    ] {
        let site = Site::with(1_000_000, |settings| settings.store_timeout = ms(300)).await;
        let path = site.media(1);
        let mut response = site.client.get(site.url(&path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{mode:?}: it begins well");
        assert!(response.chunk().await.unwrap().is_some());
        site.probe.set(mode);
        assert!(response.bytes().await.is_err(), "{mode:?}");
        let (status, _) = site.range(&path, "-9").await;
        assert!([503, 504].contains(&status), "{mode:?}: it cannot begin");
        site.probe.set(Mode::Works);
        if mode == Mode::WrongLength {
            // The size that was announced during the failure is found to be wrong.
            site.range(&path, "-9").await;
        }
        assert_eq!(site.range(&path, "-9").await.1.len(), 9, "{mode:?}");
    }
}

#[tokio::test]
async fn manifests_catalogue_and_weights_outlive_the_store_and_follow_it_again() {
    let site = Site::with(3000, often).await;
    let weights = site.root.path().join("weights");
    fs::create_dir(&weights).unwrap();
    let name = format!("{}.safetensors", "5e".repeat(32));
    fs::write(weights.join(name), b"weights").unwrap();
    let paths = [
        "/t/master.m3u8",
        "/t/segments/manifest.mpd",
        "/t/manifest.mpd?max_rank=2",
        "/catalogue.json",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(site.text(path).await);
    }
    for mode in [Mode::Fails, Mode::Truncates, Mode::Hangs] {
        site.probe.set(mode);
        // Longer than the list of weights is used without reading it again.
        sleep(ms(1200)).await;
        for (path, before) in paths.iter().zip(&before) {
            assert_eq!(site.text(path).await, *before, "{mode:?} {path}");
        }
        let ready = if mode == Mode::Truncates { 200 } else { 503 };
        assert_eq!(site.status("/readyz").await, ready, "{mode:?}");
    }
    let metrics = site.text("/metrics").await;
    let stale = !metrics.contains("promptus_stale_served_total 0");
    assert!(stale, "{metrics}");
    site.probe.set(Mode::Works);
    title::publish(site.root.path(), "t", 2, 3000);
    sleep(ms(300)).await;
    assert_ne!(site.text(paths[0]).await, before[0]);
    fs::remove_dir_all(site.root.path().join("t")).unwrap();
    sleep(ms(300)).await;
    assert_eq!(site.status(paths[0]).await, 404);
}

#[tokio::test]
async fn an_absent_file_is_not_looked_up_again_at_once() {
    let site = Site::with(3000, |settings| settings.refresh = ms(400)).await;
    for _ in 0..5 {
        assert_eq!(site.status("/new/quality.json").await, 404);
    }
    assert_eq!(site.probe.reads("new/quality.json"), 1);
    title::publish(site.root.path(), "new", 3, 2000);
    sleep(ms(500)).await;
    assert_eq!(site.status("/new/quality.json").await, 200);
}

/// A transient failure of one object that a response needs: an error, and then the whole response.
#[tokio::test]
async fn incomplete_manifests_and_missing_dates_are_not_cached() {
    let (root, files) = forms::published();
    let hash = &files.hash;
    let layer = format!("t/{hash}/mini-l1-r2.m3u8");
    let segment = format!("/t/{hash}/mini-r2/1.m4s");
    for (broken, path, part) in [
        ("t/manifest.mpd", "/t/segments/manifest.mpd", "mini-l1-r2"),
        ("t/manifest.mpd", "/t/manifest.mpd", "mini-l1-r2"),
        (&layer, "/t/segments/manifest.mpd", "mini-l1-r2"),
        ("t/published.json", "/t/master.m3u8", ""),
        ("t/published.json", &segment, ""),
    ] {
        let probe = Probe::new(root.path());
        let (origin, server) = Server::of_store(&probe, |_| {}).await;
        // With any weights on offer, manifests are rendered.
        let _ = origin.with_weights(vec![b"weights".as_slice().into()]);
        probe.break_only(Some(broken));
        server.expect(&format!("503 {path} => {FAILURE}")).await;
        probe.break_only(None);
        let answer = server.get(path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.field("last-modified").is_empty(), "{path}");
        assert!(answer.text().contains(part), "{path}");
    }
}

#[tokio::test]
async fn a_title_in_the_middle_of_its_publication_is_read_again() {
    let (root, files) = forms::published();
    let mpd = root.path().join("t/manifest.mpd");
    let whole = fs::read_to_string(&mpd).unwrap();
    let other = whole.replace(&files.hash, "0123456789abcdef");
    for before in [None, Some(other)] {
        let (_, server) = Server::of_store(&Probe::new(root.path()), often).await;
        match before {
            None => fs::remove_file(&mpd).unwrap(),
            Some(other) => fs::write(&mpd, other).unwrap(),
        }
        let path = "/t/segments/manifest.mpd";
        let text = server.text(path).await;
        assert!(!text.contains("mini-l1-r2"), "{text}");
        fs::write(&mpd, &whole).unwrap();
        sleep(ms(300)).await;
        let text = server.text(path).await;
        assert!(text.contains("mini-l1-r2"), "{text}");
    }
}

/// Ranges, however they overlap, cost the blocks that they touch.
#[tokio::test]
async fn a_large_file_is_read_in_aligned_blocks() {
    const BLOCK: usize = 256 << 10;
    let site = Site::with(400_000, |_| {}).await;
    let (path, whole) = (site.media(0), site.file(0));
    let reads = || site.probe.reads(&path[1..]);
    for start in (0..BLOCK - 1000).step_by(BLOCK / 100) {
        let range = format!("{start}-{}", start + 999);
        let (_, bytes) = site.range(&path, &range).await;
        assert_eq!(bytes, &whole[start..start + 1000]);
    }
    // One for the size, and one block.
    assert_eq!(reads(), 2);
    let range = format!("{}-{}", BLOCK - 5, BLOCK * 3 + 5);
    let (_, bytes) = site.range(&path, &range).await;
    assert!(bytes == whole[BLOCK - 5..=BLOCK * 3 + 5]);
    assert_eq!(reads(), 5);
    assert!(site.bytes(&path).await == whole);
    let segment = site.bytes(&site.part("2.m4s")).await;
    let range = site.rung(0).segments[1].range.unwrap();
    assert!(segment == whole[range.start as usize..range.end() as usize]);
    assert_eq!(reads(), 1 + whole.len().div_ceil(BLOCK));
}
