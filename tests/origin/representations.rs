//! RFC 9110: entity tags and dates (§8.8), content codings (§12.5.3), preconditions (§13), ranges
//! (§14), HEAD; caching.

use crate::site::{Server, Site, ms};
use crate::title;
use promptus::manifest::Publication;
use reqwest::Method;
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

/// Conditions on entity tags. A syntax error ends a list.
const ON_TAGS: &str = r#"
    304 if-none-match: ETAG
    304 if-none-match: W/ETAG
    304 if-none-match: "x", ETAG
    304 if-none-match: "x,y",,W/"y" , W/ETAG
    304 if-none-match: "x" | if-none-match: ETAG
    304 if-none-match: *
    304 if-none-match: ETAG | if-match: ETAG
    200 if-none-match: "x"
    200 if-none-match: x, ETAG
    200 if-none-match: "x
    200 if-none-match:
    200 if-match: ETAG
    200 if-match: "x", ETAG
    200 if-match: *
    412 if-match: W/ETAG
    412 if-match: "x", W/ETAG
    412 if-match: "x"
    412 if-match: x
    412 if-match:
    412 if-match: "x" | if-none-match: ETAG
"#;

/// Conditions on dates: they count only without their counterpart on tags, and if there is one date.
const ON_DATES: &str = r#"
    304 if-modified-since: DATE
    304 if-modified-since: Thursday, 01-Jan-26 00:00:00 GMT
    304 if-modified-since: Thu Jan  1 00:00:00 2026
    304 if-modified-since: LATER
    304 if-modified-since: DATE | if-unmodified-since: DATE
    200 if-modified-since: EARLIER
    200 if-modified-since: nonsense
    200 if-modified-since: DATE | if-modified-since: DATE
    200 if-modified-since: LATER | if-none-match: "x"
    200 if-unmodified-since: DATE
    200 if-unmodified-since: nonsense
    200 if-unmodified-since: EARLIER | if-match: ETAG
    412 if-unmodified-since: EARLIER
"#;

/// Preconditions come before ranges, and `If-Range` needs a strong validator: a date is one only
/// of what never changes.
const ON_RANGES: &str = r#"
    304 MEDIA | range: bytes=99999999- | if-none-match: ETAG
    412 MEDIA | range: bytes=99999999- | if-match: "x"
    200 MEDIA | range: bytes=99999999- | if-range: "x"
    206 MEDIA | range: bytes=0-9 | if-match: ETAG
    206 MEDIA | range: bytes=0-9 | if-range: ETAG
    200 MEDIA | range: bytes=0-9 | if-range: W/ETAG
    200 MEDIA | range: bytes=0-9 | if-range: "x"
    206 MEDIA | range: bytes=0-9 | if-range: DATE
    200 MEDIA | range: bytes=0-9 | if-range: EARLIER
    200 MEDIA | range: bytes=0-9 | if-range: LATER
    200 /t/master.m3u8 | range: bytes=0-9 | if-range: DATE
"#;

fn filled(rows: &str, etag: &str) -> String {
    let rows = rows.replace("ETAG", etag).replace("DATE", DATE);
    let rows = rows.replace("LATER", "Fri, 02 Jan 2026 00:00:00 GMT");
    rows.replace("EARLIER", "Sun, 06 Nov 1994 08:49:37 GMT")
}

#[tokio::test]
async fn preconditions() {
    let site = Site::new().await;
    let (media, segment) = (site.media(0), site.part("1.m4s"));
    for (path, date) in [
        (&*media, DATE),
        (&segment, DATE),
        ("/t/master.m3u8", DATE),
        ("/t/segments/manifest.mpd", DATE),
        ("/catalogue.json", ""),
        ("/", ""),
    ] {
        let first = site.get(path, "").await;
        let etag = first.field("etag");
        assert!(etag.starts_with('"') && etag.len() > 20, "{path}: {etag}");
        first.has(&format!("last-modified: {date}"), path);
        let names = ["etag", "last-modified", "cache-control", "vary"];
        let same = names.map(|name| format!("{name}: {}", first.field(name)));
        let rows = match date {
            // Conditions on dates have no effect.
            "" => format!("{ON_TAGS}200 if-modified-since: DATE\n200 if-unmodified-since: EARLIER"),
            _ => format!("{ON_TAGS}{ON_DATES}"),
        };
        for row in filled(&rows, etag).lines().filter(|row| !row.is_empty()) {
            let (status, fields) = row.trim().split_once(' ').unwrap();
            let row = format!("{status} {path} | {fields} => {}", same.join(" | "));
            site.expect(&row).await;
        }
    }
    let etag = site.get(&media, "").await;
    let rows = ON_RANGES.replace("MEDIA", &media);
    site.expect(&filled(&rows, etag.field("etag"))).await;
}

/// Media type, caching, and `CMSD-Static` (CTA-5006) with the hint of the next segment.
#[tokio::test]
async fn fields_of_every_kind_of_resource() {
    let site = Site::new().await;
    let rows = r#"
        200 MEDIA.mp4 => content-type: MP4 | cache-control: IMMUTABLE | cmsd-static: ot=v,st=v
        200 MEDIA.m3u8 => content-type: HLS | cache-control: IMMUTABLE
        200 MEDIA/init.mp4 => content-type: MP4 | cache-control: IMMUTABLE | link: <1.m4s>; rel=prefetch
        200 MEDIA/1.m4s => content-type: MP4 | cache-control: IMMUTABLE | link: <2.m4s>; rel=prefetch
        200 MEDIA/3.m4s => content-type: MP4 | cache-control: IMMUTABLE | link:
        200 MEDIA/media.m3u8 => content-type: HLS | cache-control: CHANGING
        200 /t/master.m3u8 => content-type: HLS | cache-control: CHANGING | cmsd-static: ot=m,sf=h,st=v
        200 /t/segments/master.m3u8 => content-type: HLS | cache-control: CHANGING
        200 /t/manifest.mpd => content-type: application/dash+xml | cache-control: CHANGING
        200 /t/segments/manifest.mpd => cmsd-static: ot=m,sf=d,st=v
        200 /t/quality.json => content-type: application/json | cache-control: CHANGING
        200 /t/poster.jpg => content-type: image/jpeg | cmsd-static:
        200 / => content-type: text/html; charset=utf-8
    "#;
    let rows = rows.replace("MEDIA", site.media(0).trim_end_matches(".mp4"));
    let rows = rows.replace("IMMUTABLE", "public, max-age=31536000, immutable");
    let rows = rows.replace("HLS", "application/vnd.apple.mpegurl");
    let rows = rows.replace("MP4", "video/mp4");
    let changing = "public, max-age=10, stale-while-revalidate=60, stale-if-error=86400";
    site.expect(&rows.replace("CHANGING", changing)).await;
    let kbps = site.rung(0).average_bandwidth.div_ceil(1000);
    for (name, cmsd) in [
        ("init.mp4", "ot=i,st=v,nor=\"1.m4s\"".to_owned()),
        ("1.m4s", format!("br={kbps},d=2000,ot=v,st=v,nor=\"2.m4s\"")),
        ("3.m4s", format!("br={kbps},d=1500,ot=v,st=v")),
    ] {
        let answer = site.get(&site.part(name), "").await;
        assert_eq!(answer.field("cmsd-static"), cmsd, "{name}");
    }
}

#[tokio::test]
async fn every_coding_has_a_tag_of_its_own() {
    let site = Site::new().await;
    let path = "/t/segments/master.m3u8";
    let plain = site.get(path, "").await;
    plain.has("vary: accept-encoding", path);
    let first = plain.field("etag");
    let mut tags = vec![first.to_owned()];
    for (coding, magic) in [
        ("br", &[][..]),
        ("gzip", &[0x1f, 0x8b]),
        ("zstd", &[0x28, 0xb5, 0x2f, 0xfd]),
    ] {
        let accept = format!("accept-encoding: {coding}");
        let answer = site.get(path, &accept).await;
        let vary = "vary: accept-encoding";
        let fields = format!("content-encoding: {coding} | accept-ranges: | {vary}");
        answer.has(&fields, coding);
        let shorter = answer.body.len() < plain.body.len();
        assert!(shorter && answer.body.starts_with(magic), "{coding}");
        let etag = answer.field("etag");
        assert!(!tags.iter().any(|tag| tag == etag), "{coding}: {etag}");
        let rows = format!(
            "304 {path} | {accept} | if-none-match: {etag} => etag: {etag} | {vary}
             200 {path} | {accept} | if-none-match: {first}"
        );
        site.expect(&rows).await;
        tags.push(etag.to_owned());
    }
    let part = "accept-encoding: br | range: bytes=0-6";
    let part = site.get(path, part).await;
    part.has("content-encoding:", path);
    assert_eq!((part.status, &*part.text()), (206, "#EXTM3U"));
}

/// The client's weights decide, then ours.
#[tokio::test]
async fn the_coding_is_negotiated() {
    let site = Site::new().await;
    let rows = "
        200 TEXT | accept-encoding: gzip, deflate, br, zstd => content-encoding: br
        200 TEXT | accept-encoding: gzip, deflate => content-encoding: gzip
        200 TEXT | accept-encoding: br;q=0.1, GZIP;q=0.5 => content-encoding: gzip
        200 TEXT | accept-encoding: br;q=0, *;q=0.2 => content-encoding: zstd
        200 TEXT | accept-encoding: * => content-encoding: br
        200 TEXT | accept-encoding: identity => content-encoding:
        200 TEXT | accept-encoding: gzip;q=0 => content-encoding:
        200 TEXT | accept-encoding: gzip;q=nan => content-encoding:
        200 TEXT | accept-encoding: => content-encoding:
        200 /t/quality.json | accept-encoding: gzip => content-encoding: | vary: accept-encoding
        200 MEDIA | accept-encoding: br, gzip => content-encoding: | vary:
    ";
    let rows = rows.replace("TEXT", "/t/segments/master.m3u8");
    site.expect(&rows.replace("MEDIA", &site.media(0))).await;
}

#[tokio::test]
async fn replicas_agree_on_tags_and_dates() {
    let site = Site::new().await;
    let copy = tempfile::tempdir().unwrap();
    title::publish(copy.path(), "t", 1, 3000);
    let names = [
        "master.m3u8",
        "manifest.mpd",
        "published.json",
        &site.rung(0).url,
    ];
    for (index, name) in names.into_iter().enumerate() {
        let path = copy.path().join("t").join(name);
        let file = fs::File::options().append(true).open(path).unwrap();
        let seconds = Duration::from_secs(1_000_000_000 * (1 + index as u64 % 2));
        file.set_modified(UNIX_EPOCH + seconds).unwrap();
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
        let answer = site.get(path, "").await;
        let fields = format!("etag: {} | last-modified: {DATE}", answer.field("etag"));
        answer.has(&fields, path);
        replica.get(path, "").await.has(&fields, path);
    }
}

#[tokio::test]
async fn new_content_has_a_new_tag_and_no_date_unless_its_title_dates_it() {
    let site = Site::with(3000, |settings| settings.refresh = ms(100)).await;
    let before = site.get("/t/quality.json", "").await;
    fs::write(site.root.path().join("t/quality.json"), "{}").unwrap();
    tokio::time::sleep(ms(200)).await;
    let undated = title::publish(site.root.path(), "u", 3, 3000);
    fs::remove_file(site.root.path().join("u/published.json")).unwrap();
    // A date in the future is not sent (RFC 9110 §8.8.2.1).
    title::publish(site.root.path(), "v", 3, 3000);
    let mut publication = Publication::default();
    publication.date_edition(&title::hash(3), 99_999_999_999);
    let path = site.root.path().join("v/published.json");
    fs::write(path, publication.write()).unwrap();
    let rows = format!(
        "200 /t/quality.json | if-none-match: {} => last-modified:
         200 /u/master.m3u8 => last-modified:
         200 /u/{rung} => last-modified:
         200 /v/{rung} => last-modified:",
        before.field("etag"),
        rung = title::first(&undated)
    );
    site.expect(&rows).await;
}

#[tokio::test]
async fn single_ranges_of_a_file() {
    let site = Site::new().await;
    let (path, whole) = (site.media(1), site.file(1));
    let size = whole.len();
    for (range, part) in [
        ("800-899", 800..900),
        (&format!("100-{}", size * 2), 100..size),
        ("-13", size - 13..size),
    ] {
        let answer = site.get(&path, &format!("range: bytes={range}")).await;
        let (first, last, length) = (part.start, part.end - 1, part.len());
        let fields = format!("content-range: bytes {first}-{last}/{size}");
        answer.has(&format!("{fields} | content-length: {length}"), range);
        let fits = answer.status == 206 && answer.body == whole[part];
        assert!(fits, "{range}");
    }
    let rows = "
        416 PATH | range: bytes=SIZE- => content-range: bytes */SIZE
        416 PATH | range: bytes=-0 => content-range: bytes */SIZE
        200 PATH | range: bytes=5-4 => content-range: | content-length: SIZE
        200 PATH | range: bytes=0-1,4-5 => content-range: | content-length: SIZE
        200 PATH | range: lines=0-1 => content-range: | content-length: SIZE
        200 PATH | range: 5-9 => content-range: | content-length: SIZE
    ";
    let rows = rows.replace("PATH", &path);
    site.expect(&rows.replace("SIZE", &size.to_string())).await;
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
