//! Ranges (RFC 9110 §14) and HEAD.

use crate::site::Site;
use reqwest::Method;

#[tokio::test]
async fn single_ranges_of_a_file() {
    let site = Site::new().await;
    let (path, whole) = (site.media(1), site.file(1));
    let size = whole.len();
    for (range, part) in [
        ("0-0", 0..1),
        ("800-899", 800..900),
        (&format!("{}-", size - 7), size - 7..size),
        (&format!("100-{}", size * 2), 100..size),
        ("-13", size - 13..size),
        (&format!("-{}", size * 2), 0..size),
        ("0-", 0..size),
    ] {
        let answer = site.get(&path, &format!("range: bytes={range}")).await;
        assert_eq!(answer.status, 206, "{range}");
        let (first, last, length) = (part.start, part.end - 1, part.len());
        let fields = format!("content-range: bytes {first}-{last}/{size}");
        answer.has(&format!("{fields} | content-length: {length}"), range);
        assert_eq!(answer.body, &whole[part], "{range}");
    }
    for range in [&*format!("{size}-"), "999999999-", "-0"] {
        let answer = site.get(&path, &format!("range: bytes={range}")).await;
        assert_eq!(answer.status, 416, "{range}");
        answer.has(&format!("content-range: bytes */{size}"), range);
        assert!(!answer.field("etag").is_empty() && answer.body.is_empty());
    }
    for range in "bytes=5-4 bytes=0-1,4-5 bytes=x- lines=0-1 bytes= 5-9".split(' ') {
        let answer = site.get(&path, &format!("range: {range}")).await;
        assert_eq!(answer.status, 200, "{range}");
        answer.has("content-range:", range);
        assert_eq!(answer.body, whole, "{range}");
    }
}

#[tokio::test]
async fn head_ignores_ranges_and_has_the_fields_of_get() {
    let site = Site::new().await;
    let paths = "/t/master.m3u8 /t/segments/manifest.mpd / /catalogue.json";
    for path in paths.split(' ').chain([&*site.media(0)]) {
        let get = site.get(path, "").await;
        let head = site.send(Method::HEAD, path, "range: bytes=0-1").await;
        assert_eq!(head.status, 200, "{path}");
        let names = "content-length content-type etag cache-control accept-ranges vary";
        for name in names.split(' ') {
            assert_eq!(head.field(name), get.field(name), "{path} {name}");
        }
        assert!(head.body.is_empty());
    }
}

#[tokio::test]
async fn large_files_are_cut_and_streamed() {
    // Rank 8 gives about 10 MB in 3 segments, each larger than a block.
    let site = Site::with(420_000, |_| {}).await;
    let (path, whole) = (site.media(1), site.file(1));
    let answer = site.get(&path, "").await;
    assert!(answer.body == whole && whole.len() > 10_000_000);
    let etag = answer.field("etag");
    let again = format!("304 {path} | if-none-match: {etag}");
    site.expect(&again).await;
    let fields = format!("range: bytes=5000000-5000099 | if-range: {etag}");
    let part = site.get(&path, &fields).await.body;
    assert_eq!(part, &whole[5_000_000..5_000_100]);
    let (status, part) = site.range(&path, "1000000-9999999").await;
    assert!(status == 206 && part == whole[1_000_000..10_000_000]);
    let second = site.rung(1).segments[1].range.unwrap();
    let segment = site.bytes(&path.replace(".mp4", "/2.m4s")).await;
    assert!(segment == whole[second.start as usize..second.end() as usize]);
}
