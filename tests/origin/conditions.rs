//! Entity tags, dates, preconditions, caching and content codings (RFC 9110 §8.8, §13, §12.5.3).

use crate::site::{Server, Site, assert_fields, header};
use crate::title;
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const CHANGING: &str = "public, max-age=10, stale-while-revalidate=60, stale-if-error=86400";
const PUBLISHED: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

#[tokio::test]
async fn preconditions() {
    let site = Site::new().await;
    let (media, segment) = (site.media(0), site.part("1.m4s"));
    for (path, dated) in [
        (&*media, true),
        (&segment, true),
        ("/t/master.m3u8", true),
        ("/t/segments/manifest.mpd", true),
        ("/catalogue.json", false),
        ("/", false),
    ] {
        let first = site.get(path, &[]).await;
        let (etag, date) = (header(&first, "etag"), header(&first, "last-modified"));
        assert!(etag.starts_with('"') && etag.len() > 20, "{path}: {etag}");
        assert_eq!(date, if dated { PUBLISHED } else { "" }, "{path}");
        let (weak, list) = (format!("W/{etag}"), format!("\"x\", {etag}"));
        let on_tags = [
            (&[("if-none-match", &*etag)][..], 304),
            (&[("if-none-match", &weak)], 304),
            (&[("if-none-match", &list)], 304),
            (&[("if-none-match", "*")], 304),
            (&[("if-none-match", "\"x\"")], 200),
            (&[("if-match", &etag)], 200),
            (&[("if-match", &list)], 200),
            (&[("if-match", "*")], 200),
            (&[("if-match", &weak)], 412),
            (&[("if-match", "\"x\"")], 412),
        ];
        let on_dates = [
            (&[("if-modified-since", PUBLISHED)][..], 304),
            (&[("if-modified-since", EARLIER)], 200),
            (&[("if-modified-since", "nonsense")], 200),
            (&[("if-unmodified-since", PUBLISHED)], 200),
            (&[("if-unmodified-since", EARLIER)], 412),
            (
                &[("if-none-match", "\"x\""), ("if-modified-since", PUBLISHED)],
                200,
            ),
        ];
        let on_dates = on_dates.iter().filter(|_| dated);
        for (fields, status) in on_tags.iter().chain(on_dates) {
            let response = site.get(path, fields).await;
            assert_eq!(response.status(), *status, "{path} {fields:?}");
            for name in ["etag", "last-modified", "cache-control", "vary"] {
                let (found, expected) = (header(&response, name), header(&first, name));
                assert_eq!(found, expected, "{path} {fields:?} {name}");
            }
            let length = response.bytes().await.unwrap().len();
            assert_eq!(length == 0, *status != 200, "{path} {fields:?}");
        }
    }
}

#[tokio::test]
async fn preconditions_come_before_ranges_and_if_range_needs_a_strong_validator() {
    let site = Site::new().await;
    let media = site.media(0);
    let etag = header(&site.get(&media, &[]).await, "etag");
    let weak = format!("W/{etag}");
    let beyond = ("range", "bytes=99999999-");
    let part = ("range", "bytes=0-9");
    for (path, fields, status) in [
        (&*media, [("if-none-match", &*etag), beyond], 304),
        (&media, [("if-match", "\"x\""), beyond], 412),
        (&media, [("if-match", &etag), part], 206),
        (&media, [("if-range", &etag), part], 206),
        (&media, [("if-range", &weak), part], 200),
        (&media, [("if-range", "\"x\""), part], 200),
        (&media, [("if-range", "\"x\""), beyond], 200),
        (&media, [("if-range", PUBLISHED), part], 206),
        (&media, [("if-range", EARLIER), part], 200),
        // A date is a weak validator of what may change.
        ("/t/master.m3u8", [("if-range", PUBLISHED), part], 200),
    ] {
        let response = site.get(path, &fields).await;
        assert_eq!(response.status(), status, "{path} {fields:?}");
    }
}

#[tokio::test]
async fn media_is_immutable_and_manifests_are_not() {
    let site = Site::new().await;
    let media = site.media(0);
    for (path, expected) in [
        (&*media, IMMUTABLE),
        (&media.replace(".mp4", ".m3u8"), IMMUTABLE),
        (&site.part("1.m4s"), IMMUTABLE),
        (&site.part("init.mp4"), IMMUTABLE),
        (&site.part("media.m3u8"), CHANGING),
        ("/t/master.m3u8", CHANGING),
        ("/t/manifest.mpd", CHANGING),
        ("/t/segments/master.m3u8", CHANGING),
        ("/t/quality.json", CHANGING),
    ] {
        let response = site.get(path, &[]).await;
        assert_fields(&response, &[("cache-control", expected)], path);
    }
}

#[tokio::test]
async fn every_coding_has_a_tag_of_its_own() {
    let site = Site::new().await;
    let path = "/t/segments/master.m3u8";
    let plain = site.get(path, &[]).await;
    assert_fields(&plain, &[("vary", "accept-encoding")], path);
    let mut tags = vec![header(&plain, "etag")];
    let plain_size = plain.bytes().await.unwrap().len();
    for coding in ["br", "gzip", "zstd"] {
        let accept = ("accept-encoding", coding);
        let response = site.get(path, &[accept]).await;
        let fields = [
            ("content-encoding", coding),
            ("vary", "accept-encoding"),
            ("accept-ranges", ""),
        ];
        assert_fields(&response, &fields, coding);
        let etag = header(&response, "etag");
        assert!(!tags.contains(&etag), "{coding}: {etag}");
        let again = site.get(path, &[accept, ("if-none-match", &etag)]).await;
        assert_eq!(again.status(), 304, "{coding}");
        assert_fields(&again, &[("etag", &etag), fields[1]], coding);
        let other = site.get(path, &[accept, ("if-none-match", &tags[0])]).await;
        assert_eq!(other.status(), 200, "{coding}");
        assert!(response.bytes().await.unwrap().len() < plain_size);
        tags.push(etag);
    }
    let part = site
        .get(path, &[("accept-encoding", "br"), ("range", "bytes=0-6")])
        .await;
    assert_eq!(part.status(), 206);
    assert_fields(&part, &[("content-encoding", "")], path);
    assert_eq!(part.bytes().await.unwrap(), "#EXTM3U");
    let media = site
        .get(&site.media(0), &[("accept-encoding", "br, gzip")])
        .await;
    assert_fields(&media, &[("content-encoding", ""), ("vary", "")], "media");
}

#[tokio::test]
async fn replicas_agree_on_tags_and_dates() {
    let site = Site::new().await;
    let copy = tempfile::tempdir().unwrap();
    title::publish(copy.path(), "t", 1, 3000);
    let rung = &site.rung(0).url;
    for (index, name) in ["master.m3u8", "manifest.mpd", "published.json", rung]
        .iter()
        .enumerate()
    {
        let file = fs::File::options()
            .append(true)
            .open(copy.path().join("t").join(name))
            .unwrap();
        let seconds = 1_000_000_000 * (1 + index as u64 % 2);
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))
            .unwrap();
    }
    let replica = Server::of(copy.path()).await;
    for path in [
        "/t/master.m3u8",
        "/t/manifest.mpd",
        "/t/segments/manifest.mpd",
        "/t/master.m3u8?max_rank=2",
        "/t/poster.jpg",
        &site.media(0),
        &site.part("1.m4s"),
    ] {
        let etag = header(&site.get(path, &[]).await, "etag");
        for server in [&*site, &replica] {
            let response = server.get(path, &[]).await;
            assert_fields(
                &response,
                &[("etag", &etag), ("last-modified", PUBLISHED)],
                path,
            );
        }
    }
}

#[tokio::test]
async fn new_content_has_a_new_tag_and_no_date_unless_its_title_dates_it() {
    let site = Site::with(3000, |settings| {
        settings.refresh = Duration::from_millis(100);
    })
    .await;
    let before = header(&site.get("/t/quality.json", &[]).await, "etag");
    fs::write(site.root.path().join("t/quality.json"), "{}").unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let after = site
        .get("/t/quality.json", &[("if-none-match", &before)])
        .await;
    assert_eq!(after.status(), 200);
    assert_fields(&after, &[("last-modified", "")], "quality.json");
    let undated = title::publish(site.root.path(), "u", 3, 3000);
    fs::remove_file(site.root.path().join("u/published.json")).unwrap();
    let media = format!("/u/{}", undated.groups[0].representations[0].url);
    for path in ["/u/master.m3u8", &media] {
        assert_fields(&site.get(path, &[]).await, &[("last-modified", "")], path);
    }
}
